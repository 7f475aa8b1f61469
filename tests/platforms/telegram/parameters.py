"""A call's parameters, from a query string, a form, a multipart form or JSON, whichever the client sent."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import msgspec
from aiohttp import BodyPartReader, web

from tests.platforms.telegram.errors import ApiError, bad_request

_TOO_LARGE = ApiError(413, "Request Entity Too Large")


class Part(NamedTuple):
    """An uploaded file."""

    name: str
    mime_type: str
    data: bytes


class Parameters(dict[str, Any]):
    """Values by name. In forms everything is a string, nested values are JSON in one; in JSON they are native."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self.files: dict[str, Part] = {}
        """What was uploaded, by the field's name."""

    def string(self, name: str, default: str = "") -> str:
        """A string; numbers are taken as their digits, as the real server does."""
        value = self.get(name, default)
        if isinstance(value, bool | dict | list):
            raise bad_request(f"parameter {name} must be a String")
        return default if value is None else str(value)

    def integer(self, name: str, default: int | None = None) -> int | None:
        """A whole number, native or in digits; `default` when missing."""
        value = self.get(name)
        if value is None or value == "":
            return default
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise bad_request(f"parameter {name} must be an Integer")
        try:
            return int(value)
        except ValueError:
            raise bad_request(f"parameter {name} must be an Integer") from None

    def boolean(self, name: str) -> bool:
        """True for true, "true", "True", "yes", "1"; false otherwise, as the real server reads it."""
        value = self.get(name, False)
        return value if isinstance(value, bool) else str(value).lower() in ("true", "yes", "1")

    def nested(self, name: str) -> Any:
        """An object or array: native, or JSON in a string. None when missing."""
        value = self.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return msgspec.json.decode(value)
        except msgspec.DecodeError:
            raise bad_request(f"can't parse {name} JSON object") from None


async def read_parameters(request: web.BaseRequest, max_bytes: int) -> Parameters:
    """All parameters of a request; the body's win over the query's. 413 for more than `max_bytes`."""
    if (request.content_length or 0) > max_bytes:
        raise _TOO_LARGE
    found = Parameters()
    query = request.raw_path.partition("?")[2]
    if query:
        found.update(parse_qsl(query, keep_blank_values=True))
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        found.update(_json_object(await request.read()))
    elif kind == "multipart/form-data":
        await _read_multipart(request, found, max_bytes)
    elif kind == "application/x-www-form-urlencoded":
        form = await request.post()
        found.update({name: value for name, value in form.items() if isinstance(value, str)})
    elif await request.read():
        raise bad_request("the request's content type is not supported")
    return found


async def _read_multipart(request: web.BaseRequest, found: Parameters, max_bytes: int) -> None:
    size = 0
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            raise bad_request("nested multipart is not supported")
        chunks = []
        while chunk := await part.read_chunk():
            size += len(chunk)
            if size > max_bytes:
                raise _TOO_LARGE
            chunks.append(bytes(chunk))
        data, name = b"".join(chunks), part.name or ""
        if part.filename is None:
            found[name] = data.decode()
        else:
            found.files[name] = Part(part.filename, part.headers.get("Content-Type", ""), data)


def _json_object(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ApiError(400, "Bad Request: can't parse JSON object") from None
    if not isinstance(value, dict):
        raise ApiError(400, "Bad Request: the request's JSON must be an Object")
    return value
