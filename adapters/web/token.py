"""The visitor's token: who a widget session belongs to, signed so that nobody reads another's conversation.

A JWT (HS256) with the claims `ch` (channel id), `sub` (visitor id, made by the server), `iat` and `exp`.
It is issued again on every hello, so a visitor who comes back within `LIFETIME` stays the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import jwt

from adapters.errors import Misconfigured

SECRET: Final = "session_secret"  # noqa: S105 - the name of one, not one
"""Name of the channel secret that signs."""
LIFETIME: Final = timedelta(days=30)
MAX_TOKEN_BYTES: Final = 2048
MIN_SECRET_BYTES: Final = 32
"""RFC 7518, section 3.2: a key of at least the hash's size."""

_ALGORITHM: Final = "HS256"
_OPTIONS: Final = {
    "require": ["ch", "sub", "iat", "exp"],
    # The library reads the system's clock; ours is an argument, so we check the times.
    "verify_exp": False,
    "verify_iat": False,
}


def session_secret(secrets: Mapping[str, str]) -> str:
    """The channel's signing secret. Raises `Misconfigured` when there is none or a guessable one."""
    secret = secrets.get(SECRET, "")
    if len(secret.encode()) < MIN_SECRET_BYTES:
        raise Misconfigured(f"The channel's {SECRET} is missing or shorter than {MIN_SECRET_BYTES} bytes.")
    return secret


def issue(secret: str, channel_id: UUID, visitor: UUID, now: datetime) -> str:
    """A token for `visitor`, good for `LIFETIME` from `now` (UTC)."""
    claims = {
        "ch": str(channel_id),
        "sub": str(visitor),
        "iat": int(now.timestamp()),
        "exp": int((now + LIFETIME).timestamp()),
    }
    return jwt.encode(claims, secret, algorithm=_ALGORITHM)


def verify(token: str, secret: str, channel_id: UUID, now: datetime) -> UUID | None:
    """The visitor whom `token` names; None when it is not ours, of another channel, or expired."""
    if not token.isascii() or len(token) > MAX_TOKEN_BYTES:
        return None
    try:
        claims = jwt.decode(token, secret, algorithms=[_ALGORITHM], options=_OPTIONS)  # type: ignore[arg-type]
        visitor = UUID(claims["sub"])
    except (jwt.InvalidTokenError, ValueError):
        return None
    expires = claims["exp"]
    if not isinstance(expires, int) or expires <= now.timestamp() or claims["ch"] != str(channel_id):
        return None
    return visitor
