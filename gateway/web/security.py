"""Which sites may have a web channel's widget, and what their pages have to allow for it to work."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

MAX_SITES: Final = 200
MAX_DIRECTIVES: Final = 30
LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})
"""Hosts that browsers trust without TLS."""

_DOMAIN: Final = re.compile(
    r"(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(:\d{1,5})?"
)
_NO_ORIGIN: Final = "is no origin; write https://app.example.com, without a path"
_DIRECTIVE: Final = re.compile(r"[a-z]+(-[a-z]+)*")
_SOURCES: Final = re.compile(r"[\x21-\x2b\x2d-\x3a\x3c-\x7e ]*")
"""A directive's value: printable ASCII without `,` and `;`, which would end it (CSP 3, section 2.2)."""


def _host(name: str) -> str:
    """International names as a browser sends them; empty for what is no name."""
    try:
        return name.encode("idna").decode().lower()
    except UnicodeError:
        return ""


def _domain(pattern: str) -> str:
    """`*.Example.com` → `*.example.com`."""
    wild, rest = ("*.", pattern[2:]) if pattern.startswith("*.") else ("", pattern)
    host, colon, port = rest.partition(":")
    normal = f"{wild}{_host(host)}{colon}{port}"
    if not _DOMAIN.fullmatch(normal):
        raise ValueError("is no domain; write app.example.com or *.example.com, without https://")
    return normal


def _origin(address: str) -> str:
    """`https://Example.com/` → `https://example.com`."""
    try:
        parts = urlsplit(address)
        port = f":{parts.port}" if parts.port else ""
        normal = f"{_host(parts.hostname or '')}{port}"
    except ValueError:
        raise ValueError(_NO_ORIGIN) from None
    extra = parts.path.strip("/") or parts.query or parts.fragment or parts.username
    if not normal or parts.scheme not in ("http", "https") or extra or not _DOMAIN.fullmatch(normal):
        raise ValueError(_NO_ORIGIN)
    return f"{parts.scheme}://{normal}"


def _directive(name: str) -> str:
    if not _DIRECTIVE.fullmatch(name):
        raise ValueError("is no directive of a content security policy, such as script-src")
    return name


def _sources(value: str) -> str:
    if not _SOURCES.fullmatch(value):
        raise ValueError("holds a character that a directive's value can't have, such as ; or ,")
    return " ".join(value.split())


class Security(BaseModel):
    """Which sites may embed the widget: those of `allowed_domains` and of `cors_origins`; both empty: any."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    allowed_domains: tuple[Annotated[str, AfterValidator(_domain)], ...] = Field(
        default=(), max_length=MAX_SITES
    )
    cors_origins: tuple[Annotated[str, AfterValidator(_origin)], ...] = Field(
        default=(), max_length=MAX_SITES
    )
    csp_directives: dict[
        Annotated[str, AfterValidator(_directive)],
        Annotated[str, Field(max_length=2000), AfterValidator(_sources)],
    ] = Field(default={}, max_length=MAX_DIRECTIVES)
    """What the site's own policy says; `policy` adds what the widget needs."""
    ssl_required: bool = False
    """Only pages of https (or of this very machine) may."""
    iframe_protection: bool = False
    """The widget does not appear on a page that a page of another site shows in a frame."""

    def allows(self, origin: str | None, host: str) -> bool:
        """Whether a page of `origin` may talk to this channel on a server that is called `host`.

        The server's own pages always may. `*.example.com` stands for every subdomain, not for the domain
        itself. A page without an origin of its own (`null`, or none at all) may when everybody may.
        """
        try:
            parts = urlsplit(origin or "")
            name, port = (parts.hostname or "").lower(), parts.port
        except ValueError:
            return False
        known = bool(name) and parts.scheme in ("http", "https")
        if self.ssl_required and known and parts.scheme != "https" and name not in LOCAL:
            return False
        if not self.allowed_domains and not self.cors_origins:
            return True
        if not known:
            return False
        if (
            parts.netloc.lower() == host.lower()
            or f"{parts.scheme}://{parts.netloc.lower()}" in self.cors_origins
        ):
            return True
        return any(_matches(pattern, name, port) for pattern in self.allowed_domains)

    def cross_origin(self, origin: str | None) -> Mapping[str, str]:
        """The headers that let a page of `origin`, which is allowed, read an answer."""
        if not self.allowed_domains and not self.cors_origins:
            return {"Access-Control-Allow-Origin": "*"}
        return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"} if origin else {"Vary": "Origin"}

    def policy(self, base: str) -> dict[str, str]:
        """What a page's content security policy has to allow, on top of what the site configured.

        `base` is the address at which visitors reach the gateway, without a path.
        """
        socket = re.sub(r"^http", "ws", base)
        needed = {
            "script-src": (base,),
            "connect-src": (base, socket),
            "img-src": (base, "data:", "blob:"),
            "media-src": (base, "blob:"),
        }
        policy = dict(self.csp_directives)
        for directive, sources in needed.items():
            known = policy.get(directive, "'self'").split()
            known = [] if known == ["'none'"] else known
            policy[directive] = " ".join(dict.fromkeys((*known, *sources)))
        return policy


def _matches(pattern: str, name: str, port: int | None) -> bool:
    domain, _, wanted_port = pattern.partition(":")
    if wanted_port and str(port) != wanted_port:
        return False
    if domain.startswith("*."):
        return name.endswith(domain[1:])
    return name == domain
