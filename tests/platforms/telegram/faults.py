"""Telegram's faults to order; the kinds are in `tests.platforms.common.faults`."""

from __future__ import annotations

from typing import Any

from tests.platforms.common.faults import AnyFault, Whom
from tests.platforms.telegram.errors import ApiError, too_many_requests

_DESCRIPTIONS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


class Fault(AnyFault, kw_only=True):
    """One entry of the programme. Empty `method` and `chat` None match every call."""

    method: str = ""
    chat: int | None = None
    description: str = ""
    parameters: dict[str, Any] | None = None

    def concerns(self, method: str, whom: Whom) -> bool:
        """Whether it is meant for this call (`method` in lower case)."""
        return self.method.lower() in ("", method) and self.chat in (None, whom)

    def error(self) -> ApiError:
        """The refusal of a `rate_limit` or `error`."""
        if self.kind == "rate_limit":
            return too_many_requests(self.seconds)
        description = self.description or _DESCRIPTIONS.get(self.status, "Error")
        return ApiError(self.status, description, self.parameters)
