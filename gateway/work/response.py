"""Reading a response: counted while it streams, packed or unpacked, and tame before it enters a conversation."""

from __future__ import annotations

import codecs
import re
import zlib
from collections.abc import Collection, Mapping
from typing import Any, Final, Protocol

import msgspec

from gateway.redaction import MASK, MIN_SECRET_LENGTH

MAX_DEPTH: Final = 32
MAX_VALUES: Final = 20_000
"""Values in a JSON document, the nested ones counted."""
KEPT_HEADERS: Final = ("content-type", "location", "retry-after", "x-request-id", "etag")
MAX_HEADER_VALUE: Final = 1_000
MAX_MEMBERS: Final = 100
"""Parts of a gzip file that are read."""

_CHARSET = re.compile(r"charset=\"?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_TEXT_CODECS = re.compile(
    r"utf-8|utf-16(-[lb]e)?|utf-32(-[lb]e)?|ascii|iso8859-\d+|cp125\d|cp86[26]|cp437|cp932|koi8-[rut]|mac-\w+"
    r"|shift_jis|euc_jp|iso2022_jp|euc_kr|cp949|gb2312|gbk|gb18030|big5|tis-620"
)
"""Python's own codecs (`unicode_escape`, `idna`, …) are none for a server to choose."""


class Unreadable(Exception):
    """The response is not used: it is too large, or its form can't be read."""


class Stream(Protocol):
    """aiohttp's `StreamReader`, as far as it is used."""

    async def readany(self) -> bytes:
        """The bytes that are there, or the next ones; empty at the end."""


async def read(stream: Stream, encoding: str, max_bytes: int) -> bytes:
    """The whole body, unpacked. Raises `Unreadable` as soon as it is more than `max_bytes`, packed or not."""
    unpack = _unpacker(encoding)
    packed = 0
    parts: list[bytes] = []
    left = max_bytes
    while chunk := await stream.readany():
        packed += len(chunk)
        if packed > max_bytes:
            raise _too_large(max_bytes)
        part = unpack.feed(chunk, left)
        left -= len(part)
        parts.append(part)
        if left < 0:
            raise _too_large(max_bytes)
    if packed and not unpack.complete:
        raise Unreadable("the response ends in the middle of its packing")
    return b"".join(parts)


def decode(body: bytes, content_type: str, secrets: Collection[str]) -> Any:
    """JSON as values, anything else as text; what can't be stored or should not be is taken out of both.

    A secret that the server says back becomes `[redacted]`. Raises `Unreadable`.
    """
    kind = content_type.partition(";")[0].strip().lower()
    text = _text(body, content_type)
    if kind == "application/json" or kind.endswith("+json") or text.lstrip()[:1] in ("{", "["):
        try:
            value = msgspec.json.decode(text)
        except (msgspec.DecodeError, ValueError):
            pass
        except RecursionError:
            raise Unreadable(f"the response is nested deeper than {MAX_DEPTH}") from None
        else:
            return _Tamer(secrets).tame(value)
    return _Tamer(secrets).text(text)


def headers(all_headers: Mapping[str, str], secrets: Collection[str]) -> dict[str, str]:
    """The few headers that a flow may want, by their names in lower case."""
    tamer = _Tamer(secrets)
    found = {name: all_headers.get(name) for name in KEPT_HEADERS}
    return {name: tamer.text(value[:MAX_HEADER_VALUE]) for name, value in found.items() if value is not None}


class _Tamer:
    """Copies values, within bounds: no NUL (PostgreSQL stores none), no lone surrogate, no secret."""

    def __init__(self, secrets: Collection[str]) -> None:
        self._secrets = [secret for secret in secrets if len(secret) >= MIN_SECRET_LENGTH]
        self._values = 0

    def tame(self, value: Any, depth: int = 0) -> Any:
        self._values += 1
        if self._values > MAX_VALUES:
            raise Unreadable(f"the response has more than {MAX_VALUES} values")
        if depth > MAX_DEPTH:
            raise Unreadable(f"the response is nested deeper than {MAX_DEPTH}")
        match value:
            case str():
                return self.text(value)
            case dict():
                return {self.text(key): self.tame(item, depth + 1) for key, item in value.items()}
            case list():
                return [self.tame(item, depth + 1) for item in value]
            case _:
                return value

    def text(self, text: str) -> str:
        if "\x00" in text:
            text = text.replace("\x00", "")
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, MASK)
        return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _text(body: bytes, content_type: str) -> str:
    named = _CHARSET.search(content_type)
    encoding = "utf-8-sig"
    if named is not None:
        try:
            codec = codecs.lookup(named[1]).name
        except LookupError:
            codec = ""
        if codec != "utf-8" and _TEXT_CODECS.fullmatch(codec):
            encoding = codec
    return body.decode(encoding, "replace")


def _too_large(max_bytes: int) -> Unreadable:
    return Unreadable(f"the response has more than {max_bytes} bytes")


class _Plain:
    complete = True

    def feed(self, chunk: bytes, left: int) -> bytes:
        del left
        return chunk


class _Packed:
    """gzip (of several members, too) and deflate, with zlib's frame or, as some servers have it, without."""

    def __init__(self, *, framed: bool) -> None:
        self._gzip = framed
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16) if framed else None
        self._head = b""
        self._members = 1

    @property
    def complete(self) -> bool:
        return not self._head if self._inflate is None else self._inflate.eof

    def feed(self, chunk: bytes, left: int) -> bytes:
        """At most `left` + 1 bytes: one too many says enough."""
        if self._inflate is None:
            chunk = self._head = self._head + chunk
            if len(chunk) < 2:
                return b""
            self._inflate = zlib.decompressobj(zlib.MAX_WBITS if _is_zlib(chunk) else -zlib.MAX_WBITS)
        try:
            return self._unpack(self._inflate, chunk, left)
        except zlib.error:
            raise Unreadable("the response is packed wrongly") from None

    def _unpack(self, inflate: zlib._Decompress, chunk: bytes, left: int) -> bytes:
        out = b""
        while chunk and len(out) <= left:
            if inflate.eof:
                inflate = self._next_member()
            out += inflate.decompress(chunk, left + 1 - len(out))
            chunk = inflate.unused_data
        return out

    def _next_member(self) -> zlib._Decompress:
        self._members += 1
        if not self._gzip or self._members > MAX_MEMBERS:
            raise Unreadable("the response is packed wrongly")
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
        return self._inflate


def _is_zlib(head: bytes) -> bool:
    """RFC 1950, section 2.2: method 8, and the two bytes are a multiple of 31."""
    return head[0] & 0x0F == 8 and (head[0] << 8 | head[1]) % 31 == 0


def _unpacker(encoding: str) -> _Plain | _Packed:
    match encoding.strip().lower():
        case "" | "identity":
            return _Plain()
        case "gzip" | "x-gzip":
            return _Packed(framed=True)
        case "deflate":
            return _Packed(framed=False)
        case _:
            raise Unreadable("the response is packed in a form that was not asked for")
