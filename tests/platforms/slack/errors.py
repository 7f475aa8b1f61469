"""A refusal in the Web API's own words."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """What the mock answers instead of a result: `{"ok": false, "error": code, …}`."""

    def __init__(
        self,
        code: str,
        *messages: str,
        status: int = 200,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.status = status
        self.headers = headers or {}
        self._messages = messages
        self._more = more

    def body(self) -> dict[str, Any]:
        """The JSON answer."""
        answer: dict[str, Any] = {"ok": False, "error": self.code, **self._more}
        if self._messages:
            answer["errors"] = list(self._messages)
            answer["response_metadata"] = {"messages": [f"[ERROR] {message}" for message in self._messages]}
        return answer


def rate_limited(seconds: float) -> ApiError:
    """A 429; Slack counts in whole seconds, at least one."""
    return ApiError("ratelimited", status=429, headers={"Retry-After": str(max(1, round(seconds)))})
