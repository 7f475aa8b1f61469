"""Slack's faults to order; the kinds are in `tests.platforms.common.faults`."""

from __future__ import annotations

from typing import Any

from tests.platforms.common.faults import AnyFault, Whom
from tests.platforms.slack.errors import ApiError, rate_limited


class Fault(AnyFault, kw_only=True):
    """One entry of the programme. Empty `method` and `channel` match every call."""

    method: str = ""
    channel: str = ""
    status: int = 200
    code: str = "internal_error"
    needed: str = ""
    """With `missing_scope`: the scope."""

    def concerns(self, method: str, whom: Whom) -> bool:
        """Whether it is meant for this call."""
        return self.method in ("", method) and self.channel in ("", whom)

    def error(self) -> ApiError:
        """The refusal of a `rate_limit` or `error`."""
        if self.kind == "rate_limit":
            return rate_limited(self.seconds)
        more: dict[str, Any] = {"needed": self.needed, "provided": "chat:write"} if self.needed else {}
        return ApiError(self.code, status=self.status, headers=None, **more)
