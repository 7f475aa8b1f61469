"""Does a request come from Slack? Its signature over the raw body says so, and nothing else does.

https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from adapters.errors import Unverified
from adapters.protocol import ChannelAccess

SIGNATURE_HEADER: Final = "X-Slack-Signature"
TIMESTAMP_HEADER: Final = "X-Slack-Request-Timestamp"
SIGNING_SECRET: Final = "signing_secret"  # noqa: S105 - a secret's name
"""Where `ChannelAccess.secrets` holds the app's signing secret."""
TOLERANCE_SECONDS: Final = 300
"""How far the request's time may be from ours, before or behind: an older one may be a recorded one."""

_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)


def verify_signature(body: bytes, headers: Mapping[str, str], access: ChannelAccess, now: datetime) -> None:
    """Check the v0 signature: HMAC-SHA256 over `v0:{timestamp}:{body}`, in constant time. Raises `Unverified`.

    `headers` looks names up without regard to case. A channel without a signing secret verifies nothing. The
    comparison is on bytes, because `compare_digest` refuses non-ASCII text and a header may hold any byte.
    """
    secret = access.secrets.get(SIGNING_SECRET, "")
    if not secret:
        raise Unverified("this channel has no signing secret, so no request to it can be verified")
    timestamp, signature = headers.get(TIMESTAMP_HEADER), headers.get(SIGNATURE_HEADER)
    if timestamp is None or signature is None:
        raise Unverified(f"the header {SIGNATURE_HEADER} or {TIMESTAMP_HEADER} is missing")
    if _TIMESTAMP.fullmatch(timestamp) is None:
        raise Unverified(f"the header {TIMESTAMP_HEADER} is no Unix time in seconds")
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE_SECONDS:
        raise Unverified(f"the request's time is more than {TOLERANCE_SECONDS} s from ours")
    if not hmac.compare_digest(signature.encode("utf-8", "surrogatepass"), sign(body, timestamp, secret)):
        raise Unverified(f"the header {SIGNATURE_HEADER} is not made with this app's signing secret")


def sign(body: bytes, timestamp: str, secret: str) -> bytes:
    """The value of the signature's header for a body that is posted at `timestamp` (Unix seconds, in digits)."""
    base = b"v0:" + timestamp.encode() + b":" + body
    return b"v0=" + hmac.digest(secret.encode("utf-8", "surrogatepass"), base, "sha256").hex().encode()
