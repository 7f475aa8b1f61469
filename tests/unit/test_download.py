"""Which addresses of files may see a channel's token."""

from __future__ import annotations

import pytest

from adapters.download import trusted_url

OWN = "http://127.0.0.1:8082/api"
HOSTS = ("files.example", "cdn.example")


@pytest.mark.parametrize(
    "address",
    [
        "https://files.example/a.png",
        "https://eu.files.example:443/a.png?x=1",
        "https://cdn.example/",
        "http://127.0.0.1:8082/files/a.png",
    ],
)
def test_the_platforms_own_addresses_are_trusted(address: str) -> None:
    assert str(trusted_url(address, OWN, HOSTS)) == address.replace(":443", "")


@pytest.mark.parametrize(
    "address",
    [
        "http://files.example/a.png",
        "https://files.example:8443/a.png",
        "https://notfiles.example/a.png",
        "https://files.example.evil.example/a.png",
        "https://files.example@evil.example/a.png",
        "https://evil.example\\@files.example:x/a.png",
        "https://evil.example#.files.example",
        "//files.example/a.png",
        "/a.png",
        "ftp://files.example/a.png",
        "http://127.0.0.1:8083/files/a.png",
        "https://127.0.0.1:8082/files/a.png",
        "https://[files.example/a.png",
        "https://files.example:99999/a.png",
        "",
    ],
)
def test_no_other_address_is(address: str) -> None:
    assert trusted_url(address, OWN, HOSTS) is None
