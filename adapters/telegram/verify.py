"""Does a webhook request come from Telegram? The secret that setWebhook named says so, and nothing else does.

https://core.telegram.org/bots/api#setwebhook (`secret_token`)
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Final

from adapters.errors import Unverified
from adapters.protocol import ChannelAccess

SECRET_HEADER: Final = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - a header's name
SECRET_TOKEN: Final = "secret_token"  # noqa: S105 - a secret's name
"""Where `ChannelAccess.secrets` holds the secret; the name that setWebhook gives it."""


def verify_secret(headers: Mapping[str, str], access: ChannelAccess) -> None:
    """Compare the header with the channel's secret, in constant time. Raises `Unverified`.

    `headers` looks names up without regard to case, as aiohttp's do. A channel without a secret verifies
    nothing: it fails closed. The comparison is on bytes, because `compare_digest` refuses non-ASCII text
    and a header may hold any byte (aiohttp hands undecodable ones on as surrogates).
    """
    expected = access.secrets.get(SECRET_TOKEN, "")
    if not expected:
        raise Unverified("this channel has no webhook secret, so no request to it can be verified")
    presented = headers.get(SECRET_HEADER)
    if presented is None:
        raise Unverified(f"the header {SECRET_HEADER} is missing")
    if not hmac.compare_digest(
        presented.encode("utf-8", "surrogatepass"), expected.encode("utf-8", "surrogatepass")
    ):
        raise Unverified(f"the header {SECRET_HEADER} does not carry this channel's secret")
