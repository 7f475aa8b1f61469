"""Does a request come from Meta? The app secret signs every webhook; the verify token tries one out.

https://developers.facebook.com/docs/graph-api/webhooks/getting-started
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Final

from adapters.errors import Unverified
from adapters.protocol import ChannelAccess

SIGNATURE_HEADER: Final = "X-Hub-Signature-256"
PREFIX: Final = b"sha256="
APP_SECRET: Final = "app_secret"  # noqa: S105 - a secret's name
VERIFY_TOKEN: Final = "verify_token"  # noqa: S105 - a secret's name
MAX_CHALLENGE: Final = 512
"""Characters of a challenge that are answered; Meta's has about ten."""


def verify_signature(body: bytes, headers: Mapping[str, str], access: ChannelAccess) -> None:
    """Compare the signature of `body` (raw bytes) in constant time. Raises `Unverified`.

    `headers` looks names up without regard to case. A channel without an app secret verifies nothing: it fails
    closed. The comparison is on bytes, because `compare_digest` refuses non-ASCII text and a header may hold any
    byte (aiohttp hands undecodable ones on as surrogates).
    """
    secret = access.secrets.get(APP_SECRET, "")
    if not secret:
        raise Unverified("this channel has no app secret, so no request to it can be verified")
    presented = headers.get(SIGNATURE_HEADER)
    if presented is None:
        raise Unverified(f"the header {SIGNATURE_HEADER} is missing")
    digest = hmac.digest(secret.encode("utf-8", "surrogatepass"), body, hashlib.sha256).hex()
    if not hmac.compare_digest(presented.encode("utf-8", "surrogatepass"), PREFIX + digest.encode()):
        raise Unverified(
            f"the header {SIGNATURE_HEADER} does not sign this body with this channel's app secret"
        )


def answer_challenge(query: Mapping[str, str], access: ChannelAccess) -> bytes:
    """`hub.challenge` for the GET that names this channel's verify token. Raises `Unverified`."""
    expected = access.secrets.get(VERIFY_TOKEN, "")
    if not expected:
        raise Unverified("this channel has no verify token, so its webhook can't be tried out")
    if query.get("hub.mode") != "subscribe":
        raise Unverified("hub.mode is not subscribe")
    presented = query.get("hub.verify_token", "")
    if not hmac.compare_digest(
        presented.encode("utf-8", "surrogatepass"), expected.encode("utf-8", "surrogatepass")
    ):
        raise Unverified("hub.verify_token is not this channel's verify token")
    challenge = query.get("hub.challenge", "")
    if not challenge or len(challenge) > MAX_CHALLENGE:
        raise Unverified("hub.challenge is missing or too long")
    return challenge.encode("utf-8", "replace")
