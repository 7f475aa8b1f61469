"""A refusal in the Graph API's own words."""

from __future__ import annotations

from typing import Any, Final

TITLES: Final[dict[int, str]] = {
    2: "Service temporarily unavailable",
    100: "Invalid parameter",
    130429: "Rate limit hit",
    131000: "Something went wrong",
    131008: "Required parameter is missing",
    131009: "Parameter value is not valid",
    131026: "Message undeliverable",
    131030: "Recipient phone number not in allowed list",
    131047: "Re-engagement message",
    131051: "Unsupported message type",
    131053: "Media upload error",
    131056: "(Business Account, Consumer Account) pair rate limit hit",
    132000: "Number of parameters does not match the expected number of params",
    132001: "Template name does not exist in the translation",
    132012: "Parameter format does not match format in the created template",
    132015: "Template is paused",
    132016: "Template is disabled",
}


class GraphError(Exception):
    """What the mock answers instead of a result."""

    def __init__(
        self,
        code: int,
        details: str = "",
        *,
        status: int = 400,
        subcode: int | None = None,
        message: str = "",
    ) -> None:
        self.code = code
        self.details = details
        self.status = status
        self.subcode = subcode
        self.message = message or f"(#{code}) {TITLES.get(code, 'An error occurred')}"
        super().__init__(self.message)

    def body(self) -> dict[str, Any]:
        """The JSON answer."""
        error: dict[str, Any] = {
            "message": self.message,
            "type": "OAuthException",
            "code": self.code,
            "fbtrace_id": "AmockTRACE0000000000000",
        }
        if self.details:
            error["error_data"] = {"messaging_product": "whatsapp", "details": self.details}
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        return {"error": error}

    def entry(self) -> dict[str, Any]:
        """The same as an entry of a status report's `errors`."""
        title = TITLES.get(self.code, "An error occurred")
        return {
            "code": self.code,
            "title": title,
            "message": title,
            "error_data": {"details": self.details or title},
        }


def parameter(text: str) -> GraphError:
    """A parameter that is missing or of a wrong form."""
    return GraphError(100, message=f"(#100) {text}")


def value(details: str) -> GraphError:
    """A parameter with a value that WhatsApp does not take."""
    return GraphError(131009, details)


def too_many() -> GraphError:
    """More messages a second than the number may send."""
    return GraphError(130429, "Message failed to send because there were too many messages sent.", status=429)


def no_object(id: str, method: str) -> GraphError:
    """An id that the token does not see."""
    return GraphError(
        100,
        subcode=33,
        message=f"Unsupported {method.lower()} request. Object with ID '{id}' does not exist, cannot be loaded due"
        " to missing permissions, or does not support this operation.",
    )


def bad_token(expired: bool = False) -> GraphError:
    """A token that is unknown or has expired."""
    if expired:
        text = "Error validating access token: Session has expired on Saturday, 31-Oct-26 12:00:00 PDT."
        return GraphError(190, status=401, subcode=463, message=text)
    return GraphError(190, status=401, message="Invalid OAuth access token - Cannot parse access token")
