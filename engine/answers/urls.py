"""Web addresses: http and https only, with a public-looking host, and nobody's password."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import SplitResult, urlsplit

from engine.answers.reading import UNKNOWN, Reading

MAX_URL = 2_048
"""Characters of an address."""
MAX_HOST = 253
"""Characters of a host name, as ASCII; RFC 1035 section 2.3.4."""

_SCHEME = re.compile(r"https?://", re.IGNORECASE | re.ASCII)
_AROUND = "<>()[]\"'«»“”‘’"
_AFTER = ".,;:!。"
_FORBIDDEN = frozenset('<>"`\\')
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_TOP_LABEL = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])")


def read_url(text: str, reading: Reading = UNKNOWN) -> str | None:
    """A web address: `Example.com/x` is `https://example.com/x`; an international host stays readable."""
    if len(text) > MAX_URL * 2:
        return None
    text = text.strip().strip(_AROUND).rstrip(_AFTER)
    if not 0 < len(text) <= MAX_URL or not all(map(_may_stand, text)):
        return None
    address = text if _SCHEME.match(text) else f"https://{text}"
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    host = _host(parts)
    if host is None or port == 0:
        return None
    place = host if port is None else f"{host}:{port}"
    address = parts._replace(netloc=place).geturl()
    return address if len(address) <= MAX_URL else None


def _may_stand(mark: str) -> bool:
    return mark not in _FORBIDDEN and unicodedata.category(mark)[0] not in "CZ"


def _host(parts: SplitResult) -> str | None:
    """The host in small letters, or None when no site can have it: one word, an IP address, a user before it."""
    if "@" in parts.netloc or "[" in parts.netloc:
        return None
    host = unicodedata.normalize("NFKC", (parts.hostname or "").rstrip("."))
    coded = host if host.isascii() else _coded(host)
    if not 0 < len(coded) <= MAX_HOST:
        return None
    *labels, top = coded.split(".")
    if not labels or not _TOP_LABEL.fullmatch(top) or not all(map(_LABEL.fullmatch, labels)):
        return None
    return host


def _coded(host: str) -> str:
    """An international host as DNS has it; empty when it is none."""
    import idna

    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except (UnicodeError, ValueError):
        return ""
