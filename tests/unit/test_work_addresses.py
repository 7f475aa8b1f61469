"""Which addresses a bot's calls may reach: a table of tricks, and what the deployment allows."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from gateway.work.addresses import AddressPolicy, is_public, parse_allowed
from gateway.work.errors import Refused
from gateway.work.resolver import GuardedResolver

NOT_PUBLIC = "refused: the address is not public"
MALFORMED = "refused: the address is malformed"
ODD = "refused: the address holds a space, a control character or a backslash"
SCHEME = "refused: only http and https addresses can be called"
USER = "refused: an address with a user or password in it"
HOST = "refused: the host name is malformed"

TRICKS = {
    # Loopback and this machine, in every form
    "http://127.0.0.1/": NOT_PUBLIC,
    "http://127.0.0.1:8080/": NOT_PUBLIC,
    "http://127.0.0.1./": NOT_PUBLIC,
    "http://127.255.255.254/": NOT_PUBLIC,
    "http://127.1/": MALFORMED,
    "http://127.0.1/": MALFORMED,
    "http://2130706433/": MALFORMED,
    "http://0x7f000001/": MALFORMED,
    "http://0x7f.0.0.1/": MALFORMED,
    "http://0x7f.1/": MALFORMED,
    "http://0177.0.0.1/": MALFORMED,
    "http://017700000001/": MALFORMED,
    "http://0177.0x0.0.1/": MALFORMED,
    "http://127.000.000.001/": MALFORMED,
    "http://127.0.0.0x1/": MALFORMED,
    "http://127.0.0.1.0x/": MALFORMED,
    "http://127。0。0。1/": NOT_PUBLIC,
    "http://①②⑦.⓪.⓪.①/": NOT_PUBLIC,
    "http://1２7.0.0.1/": NOT_PUBLIC,
    "http://%31%32%37.0.0.1/": MALFORMED,
    "http://0/": MALFORMED,
    "http://0.0.0.0/": NOT_PUBLIC,
    "http://0.1.2.3/": NOT_PUBLIC,
    "http://[::1]/": NOT_PUBLIC,
    "http://[::]/": NOT_PUBLIC,
    "http://[0:0:0:0:0:0:0:1]:80/": NOT_PUBLIC,
    # IPv4 inside IPv6
    "http://[::ffff:127.0.0.1]/": NOT_PUBLIC,
    "http://[::ffff:7f00:1]/": NOT_PUBLIC,
    "http://[::ffff:93.184.215.14]/": NOT_PUBLIC,
    "http://[::ffff:0:127.0.0.1]/": NOT_PUBLIC,
    "http://[::127.0.0.1]/": NOT_PUBLIC,
    "http://[64:ff9b::7f00:1]/": NOT_PUBLIC,
    "http://[64:ff9b::169.254.169.254]/": NOT_PUBLIC,
    "http://[64:ff9b:1::a00:1]/": NOT_PUBLIC,
    "http://[2002:7f00:1::]/": NOT_PUBLIC,
    "http://[2001:0:7f00:1::]/": NOT_PUBLIC,
    # Private, link-local, multicast, reserved
    "http://10.0.0.1/": NOT_PUBLIC,
    "http://172.16.0.1/": NOT_PUBLIC,
    "http://172.31.255.255/": NOT_PUBLIC,
    "http://192.168.1.1/": NOT_PUBLIC,
    "http://100.64.0.1/": NOT_PUBLIC,
    "http://198.18.0.1/": NOT_PUBLIC,
    "http://224.0.0.1/": NOT_PUBLIC,
    "http://240.0.0.1/": NOT_PUBLIC,
    "http://255.255.255.255/": NOT_PUBLIC,
    "http://[fe80::1]/": NOT_PUBLIC,
    "http://[fe80::1%25eth0]/": NOT_PUBLIC,
    "http://[2606:4700::1%25eth0]/": NOT_PUBLIC,
    "http://[fec0::1]/": NOT_PUBLIC,
    "http://[fc00::1]/": NOT_PUBLIC,
    "http://[ff02::1]/": NOT_PUBLIC,
    "http://[2001:db8::1]/": NOT_PUBLIC,
    "http://[100::1]/": NOT_PUBLIC,
    # Clouds' metadata
    "http://169.254.169.254/latest/meta-data/": NOT_PUBLIC,
    "http://[fd00:ec2::254]/": NOT_PUBLIC,
    "http://[::ffff:a9fe:a9fe]/": NOT_PUBLIC,
    "http://2852039166/": MALFORMED,
    "http://0xa9.0xfe.0xa9.0xfe/": MALFORMED,
    "http://168.63.129.16/": NOT_PUBLIC,
    "http://100.100.100.200/": NOT_PUBLIC,
    # What programs read differently
    "http://example.org\\@127.0.0.1/": ODD,
    "http://127.0.0.1\t/": ODD,
    "http://exam\nple.org/": ODD,
    "http://example.org /": ODD,
    "http://example.org\x00.evil.org/": ODD,
    "http://user:password@example.org/": USER,
    "http://user@example.org/": USER,
    "http://example.org:80@127.0.0.1/": USER,
    "http://127.0.0.1#@example.org/": NOT_PUBLIC,
    "http://127.0.0.1?@example.org/": NOT_PUBLIC,
    "http://localhost%00.example.org/": HOST,
    "http://exa_-.example.org/": HOST,
    "http://.example.org/": HOST,
    "http://example..org/": HOST,
    "http://$example.org/": HOST,
    "http://[::1/": MALFORMED,
    "http://example.org:99999/": MALFORMED,
    "http://example.org:0/": "refused: port 0",
    "http:///path": HOST,
    # Other schemes
    "ftp://example.org/": SCHEME,
    "file:///etc/passwd": SCHEME,
    "gopher://example.org/": SCHEME,
    "data:text/plain,x": SCHEME,
    "javascript:alert(1)": SCHEME,
    "//example.org/": SCHEME,
    "example.org": SCHEME,
    "": SCHEME,
    "unix:///var/run/docker.sock": SCHEME,
}


@pytest.mark.parametrize("url", TRICKS)
def test_a_trick_is_refused(url: str) -> None:
    with pytest.raises(Refused) as caught:
        AddressPolicy().check_url(url)
    assert str(caught.value) in (TRICKS[url], MALFORMED, HOST)


def test_there_are_enough_tricks() -> None:
    assert len(TRICKS) >= 40


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://example.org/", "http://example.org/"),
        ("https://example.org:8443/a?b=c#d", "https://example.org:8443/a?b=c"),
        ("https://EXAMPLE.org./", "https://example.org./"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://with_underscore.example.org/", "https://with_underscore.example.org/"),
        ("https://93.184.215.14/", "https://93.184.215.14/"),
        ("https://[2606:4700:4700::1111]/", "https://[2606:4700:4700::1111]/"),
        ("https://7.example.org/", "https://7.example.org/"),
        ("https://example.org/a%2Fb?q=%C3%BC", "https://example.org/a%2Fb?q=%C3%BC"),
    ],
)
def test_a_public_address_is_called(url: str, expected: str) -> None:
    assert AddressPolicy().check_url(url) == URL(expected)


def test_a_very_long_address_is_refused() -> None:
    with pytest.raises(Refused, match="more than"):
        AddressPolicy().check_url("https://example.org/" + "a" * 8_000)


@given(st.ip_addresses(v=4))
def test_what_counts_as_public_is_so_by_the_standard_library_too(ip: IPv4Address) -> None:
    assert not is_public(ip) or (ip.is_global and not ip.is_multicast)


@given(st.ip_addresses(v=6))
def test_no_ipv6_address_that_carries_an_ipv4_one_is_public(ip: IPv6Address) -> None:
    assert not is_public(ip) or (ip.is_global and not (ip.ipv4_mapped or ip.sixtofour or ip.teredo))


@given(st.ip_addresses(v=4), st.sampled_from(["{:d}", "0x{:x}", "0{:o}"]))
def test_an_address_as_one_number_is_refused(ip: IPv4Address, form: str) -> None:
    with pytest.raises(Refused):
        AddressPolicy().check_url(f"http://{form.format(int(ip))}/")


# What the deployment allows


@pytest.mark.parametrize(
    ("allowed", "url"),
    [
        ("10.1.2.0/24", "http://10.1.2.3/"),
        ("127.0.0.1", "http://127.0.0.1:5000/"),
        ("fd12::/16", "http://[fd12::1]/"),
        ("64:ff9b::/96", "http://[64:ff9b::1]/"),
    ],
)
def test_an_allowed_network_is_called(allowed: str, url: str) -> None:
    AddressPolicy([allowed]).check_url(url)


@pytest.mark.parametrize(
    ("allowed", "url"),
    [
        ("10.1.2.0/24", "http://10.1.3.1/"),
        ("127.0.0.1", "http://127.0.0.2/"),
        ("127.0.0.1", "http://[::ffff:127.0.0.1]/"),
        ("127.0.0.1", "http://2130706433/"),
        ("crm.internal", "http://10.0.0.1/"),
    ],
)
def test_nothing_beside_it_is(allowed: str, url: str) -> None:
    with pytest.raises(Refused):
        AddressPolicy([allowed]).check_url(url)


def test_an_allowed_name_may_be_private_and_no_other_name() -> None:
    policy = AddressPolicy(["CRM.internal"])
    policy.check_address("crm.internal", "10.0.0.1")
    policy.check_address("crm.INTERNAL.", "10.0.0.1")
    for other in ("x.crm.internal", "internal", "crm.internal.example.org"):
        with pytest.raises(Refused):
            policy.check_address(other, "10.0.0.1")


@pytest.mark.parametrize("entry", ["", "10.0.0.0/33", "127.1", "http://x/", "a b", "*.internal", "x:80"])
def test_an_entry_that_is_no_host_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match="neither a host name"):
        parse_allowed(entry)


# Names, when they are resolved


class Answers(AbstractResolver):
    """A resolver that answers with the next of its lists."""

    def __init__(self, *answers: tuple[str, ...]) -> None:
        self._answers = list(answers)

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=address, port=port, family=2, proto=6, flags=0)
            for address in self._answers.pop(0)
        ]

    async def close(self) -> None:
        pass


async def test_one_closed_address_among_a_names_is_enough_to_refuse() -> None:
    resolver = GuardedResolver(Answers(("93.184.215.14", "10.0.0.1")), AddressPolicy())
    with pytest.raises(Refused, match="not public"):
        await resolver.resolve("example.org", 80)


async def test_each_answer_is_checked_anew() -> None:
    resolver = GuardedResolver(Answers(("93.184.215.14",), ("127.0.0.1",)), AddressPolicy())
    assert [item["host"] for item in await resolver.resolve("example.org", 80)] == ["93.184.215.14"]
    with pytest.raises(Refused, match="not public"):
        await resolver.resolve("example.org", 80)
