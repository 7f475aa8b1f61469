"""`DATABASE_URL` in the forms that people write, brought to the one that asyncpg reads."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

from storage.errors import DatabaseUrlInvalid

_SCHEME = re.compile(r"(?:postgresql\+asyncpg|postgresql|postgres)://", re.IGNORECASE)


def normalise(url: str) -> str:
    """`postgresql://…` for `postgresql://`, `postgres://` or `postgresql+asyncpg://`.

    Raises `DatabaseUrlInvalid`, whose message repeats nothing of the URL: it may hold a password.
    """
    matched = _SCHEME.match(url)
    if matched is None:
        raise DatabaseUrlInvalid("DATABASE_URL must begin with postgresql://")
    plain = "postgresql://" + url[matched.end() :]
    try:
        _ = urlsplit(plain).port
    except ValueError:
        raise DatabaseUrlInvalid(
            "DATABASE_URL can't be read: write special characters of user and password in percent-encoding"
        ) from None
    return plain


def place(url: str) -> str:
    """Where a normalised URL points to, without user and password: for logs, errors and reprs."""
    parts = urlsplit(url)
    host = parse_qs(parts.query).get("host", [""])[0] or parts.netloc.rpartition("@")[2] or "localhost"
    return f"{host}{parts.path}"
