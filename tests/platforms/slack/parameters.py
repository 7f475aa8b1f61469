"""A call's parameters, from a form, a query or JSON; in forms, nested values are JSON in a string."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from tests.platforms.slack.errors import ApiError

FORM_ONLY: Final = frozenset(
    {
        "files.getUploadURLExternal",
        "files.info",
        "users.info",
        "conversations.replies",
        "reactions.get",
    }
)
"""Methods that do not read a JSON body."""


class Parameters(dict[str, Any]):
    """Values by name."""

    def string(self, name: str, default: str = "") -> str:
        """A text; numbers as their digits."""
        value = self.get(name, default)
        return default if value is None else str(value)

    def boolean(self, name: str) -> bool:
        """true, "true" or 1."""
        return str(self.get(name, "")).lower() in ("true", "1")

    def integer(self, name: str, default: int) -> int:
        """A whole number, native or in digits."""
        value = self.string(name, str(default))
        if not value.isdigit():
            raise ApiError("invalid_arguments", f"must provide an integer [json-pointer:/{name}]")
        return int(value)

    def nested(self, name: str, error: str) -> Any:
        """An object or array, native or as JSON in a text; None when missing. Raises `error`."""
        value = self.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return msgspec.json.decode(value)
        except msgspec.DecodeError:
            raise ApiError(error) from None


async def read_parameters(request: web.BaseRequest, method: str) -> tuple[Parameters, str]:
    """The parameters and the token, which stands in the header or among the parameters."""
    found = Parameters(parse_qsl(request.raw_path.partition("?")[2], keep_blank_values=True))
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    body = await request.read()
    if kind == "application/json" and body and method not in FORM_ONLY:
        try:
            value = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise ApiError("invalid_json") from None
        if not isinstance(value, dict):
            raise ApiError("json_not_object")
        found.update(value)
    elif kind == "application/x-www-form-urlencoded":
        found.update(parse_qsl(body.decode(), keep_blank_values=True))
    elif kind == "multipart/form-data":
        found.update(
            {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
        )
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return found, token.strip() if scheme == "Bearer" else found.string("token")
