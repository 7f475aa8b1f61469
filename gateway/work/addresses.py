"""Which addresses a bot's calls may reach: public ones, and what the deployment allows. Pure.

The tables follow IANA's special-purpose registries (RFC 6890, 8190). IPv6 is allowed by its one block of global
unicast addresses, so that every other form that carries an IPv4 address inside (mapped, NAT64, …) is out at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

from yarl import URL

from gateway.work.errors import Refused

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

MAX_URL: Final = 8_000
"""Characters of an address that is called."""

_CLOSED_V4: Final = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",  # the host of an Azure machine
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_GLOBAL_V6: Final = IPv6Network("2000::/3")
_CLOSED_V6: Final = tuple(
    IPv6Network(network)
    for network in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)

_ODD = re.compile(r"[\x00-\x20\x7f\\]")
"""Programs differ in how they read a URL with one of these."""
_NAME = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\Z"
)
_NUMBER = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)\Z")
"""A host whose last label is one is an IPv4 address to a resolver, in whatever form: 127.1, 0x7f000001, …"""


class AddressPolicy:
    """What may be called. `allowed` are host names, addresses and networks (CIDR) beyond the public ones."""

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self._hosts: set[str] = set()
        self._networks: list[Network] = []
        for entry in allowed:
            parsed = parse_allowed(entry)
            if isinstance(parsed, str):
                self._hosts.add(parsed)
            else:
                self._networks.append(parsed)

    def check_url(self, text: str) -> URL:
        """The URL, when it may be called as far as it says itself. Raises `Refused`.

        What a name resolves to is checked when it is connected to, by `check_address`.
        """
        url = _parse(text)
        if url.scheme not in ("http", "https"):
            raise Refused("only http and https addresses can be called")
        if url.user is not None or url.password is not None:
            raise Refused("an address with a user or password in it")
        if url.explicit_port == 0:
            raise Refused("port 0")
        host = (url.raw_host or "").lower().removesuffix(".")
        if ":" in host or _NUMBER.match(host.rpartition(".")[2]):
            self.check_address(host, host)
        elif not _NAME.match(host):
            raise Refused("the host name is malformed")
        return url.with_fragment(None)

    def check_address(self, host: str, address: str) -> None:
        """Raises `Refused` unless `host` may be called at `address`, an IP address in its canonical form."""
        if host.lower().removesuffix(".") in self._hosts:
            return
        try:
            ip = ip_address(address)
        except ValueError:
            raise Refused("the address is malformed") from None
        if not is_public(ip) and not any(ip in network for network in self._networks):
            raise Refused("the address is not public")


def is_public(ip: Address) -> bool:
    """Whether anybody on the Internet may be meant by it."""
    if isinstance(ip, IPv4Address):
        return not any(ip in network for network in _CLOSED_V4)
    return ip.scope_id is None and ip in _GLOBAL_V6 and not any(ip in network for network in _CLOSED_V6)


def parse_allowed(entry: str) -> str | Network:
    """A host name in lower case, or a network. Raises `ValueError`."""
    text = entry.strip().lower().removesuffix(".")
    try:
        return ip_network(text)
    except ValueError:
        if "/" in text or ":" in text or _NUMBER.match(text.rpartition(".")[2]) or not _NAME.match(text):
            raise ValueError(f"{entry!r} is neither a host name nor an address nor a network") from None
        return text


def _parse(text: str) -> URL:
    if len(text) > MAX_URL:
        raise Refused(f"the address has more than {MAX_URL} characters")
    if _ODD.search(text):
        raise Refused("the address holds a space, a control character or a backslash")
    try:
        url = URL(text)
        url.port  # noqa: B018  (raises for a wrong one)
    except ValueError:
        raise Refused("the address is malformed") from None
    return url
