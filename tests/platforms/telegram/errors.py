"""A refusal in the Bot API's own words."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """What the mock answers instead of a result. `parameters` as in the API's ResponseParameters."""

    def __init__(self, code: int, description: str, parameters: dict[str, Any] | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters

    def body(self) -> dict[str, Any]:
        """The JSON answer."""
        answer: dict[str, Any] = {"ok": False, "error_code": self.code, "description": self.description}
        if self.parameters:
            answer["parameters"] = self.parameters
        return answer


def bad_request(text: str) -> ApiError:
    """A 400 with Telegram's prefix."""
    return ApiError(400, f"Bad Request: {text}")


def too_many_requests(seconds: float) -> ApiError:
    """A 429; Telegram counts in whole seconds."""
    whole = max(1, round(seconds))
    return ApiError(429, f"Too Many Requests: retry after {whole}", {"retry_after": whole})
