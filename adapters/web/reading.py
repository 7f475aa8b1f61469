"""Reads what a widget sent: strictly, within bounds, and fit to be stored."""

from __future__ import annotations

import json
import re
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import structs

from adapters.web.frames import (
    Choice,
    ClientFrame,
    Contact,
    Error,
    Files,
    Hello,
    Location,
    React,
    Text,
)

MAX_FRAME_BYTES: Final = 32 * 1024
MAX_TEXT: Final = 4_000
"""Code points of one message, or of one caption."""
MAX_REASON: Final = 200
"""Code points of what an error frame says."""
MIN_DIGITS: Final = 5
MAX_DIGITS: Final = 15
"""Digits of a telephone number: ITU-T E.164 has at most 15."""

_RECORDED: Final = ("audio/", "video/")
_FAMILIES: Final = {"image": ("image/",), "video": ("video/",), "audio": _RECORDED, "voice": _RECORDED}
"""How the type of such a file begins: sounds come in the containers of films, too."""


class BadFrame(Exception):
    """A frame that is refused, with what is wrong, in words for the widget's developer."""

    def __init__(self, code: str, message: str, id: UUID | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message[:MAX_REASON]
        self.id = id

    def frame(self) -> Error:
        """The error frame that answers it."""
        id = str(self.id) if self.id else None
        return Error(code=self.code, message=self.message, retry=False, id=id)


class _OnlyId(msgspec.Struct):
    id: UUID | None = None


_decoder: Final = msgspec.json.Decoder(ClientFrame)
_id_decoder: Final = msgspec.json.Decoder(_OnlyId)


def parse_frame(data: bytes) -> ClientFrame:
    """Read one frame from its bytes. NUL and lone surrogates become U+FFFD. Raises `BadFrame`."""
    if len(data) > MAX_FRAME_BYTES:
        raise BadFrame("too_large", f"The frame has {len(data)} bytes; {MAX_FRAME_BYTES} are allowed.")
    try:
        frame = _decode(data)
    except msgspec.ValidationError as error:
        raise BadFrame("bad_frame", str(error), _id_of(data)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadFrame("bad_json", "The frame is not valid JSON in UTF-8.") from None
    match frame:
        case Text():
            return Text(id=frame.id, text=_text(frame))
        case Choice():
            if not frame.choice.isascii():
                raise BadFrame("bad_frame", "No such choice was offered - at `$.choice`", frame.id)
            return Choice(id=frame.id, choice=_clean(frame.choice), title=_clean(frame.title))
        case Files():
            return _files(frame)
        case Location():
            return structs.replace(frame, name=_clean(frame.name))
        case Contact():
            return _contact(frame)
        case React():
            emoji = tuple(_clean(one) for one in frame.emoji)
            return structs.replace(frame, message=_clean(frame.message), emoji=emoji)
        case Hello():
            title, page, payload = _clean(frame.title), _clean(frame.page), _clean(frame.payload)
            return structs.replace(frame, title=title, page=page, payload=payload)
        case _:
            return frame


def _decode(data: bytes) -> ClientFrame:
    frame: ClientFrame
    try:
        frame = _decoder.decode(data)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        # A browser writes half of a cut emoji as an escaped lone surrogate, which is valid JSON by its
        # grammar (RFC 8259, section 8.2) but which the strict decoder refuses. The slow one takes it.
        if b"\\u" not in data:
            raise
        frame = _decode_slowly(data)
    return frame


def _decode_slowly(data: bytes) -> ClientFrame:
    try:
        values = json.loads(data)
    except ValueError as error:  # also for what is no UTF-8, and for a number of too many digits
        raise msgspec.DecodeError(str(error)) from None
    frame: ClientFrame = msgspec.convert(_mend(values), ClientFrame)
    return frame


def _mend(value: Any) -> Any:
    """All strings with lone surrogates replaced. No deeper than the decoder went, which has a bound of its own."""
    match value:
        case str():
            return _whole(value)
        case dict():
            return {_whole(key): _mend(item) for key, item in value.items()}
        case list():
            return [_mend(item) for item in value]
        case _:
            return value


def _whole(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _clean(text: str) -> str:
    """PostgreSQL stores no NUL."""
    return text.replace("\0", "\ufffd") if "\0" in text else text


def _text(frame: Text) -> str:
    text = _bounded(frame.text, "text", frame.id)
    if not text.strip():
        raise BadFrame("empty", "There is no text - at `$.text`", frame.id)
    return text


def _files(frame: Files) -> Files:
    """The kind has to be what the type says, and no file may be there twice."""
    if len({file.media for file in frame.files}) < len(frame.files):
        raise BadFrame("bad_frame", "A file is there twice - at `$.files`", frame.id)
    for index, file in enumerate(frame.files):
        family = _FAMILIES.get(file.kind)
        if family and file.mime and not file.mime.startswith(family):
            reason = f"{file.mime} is no {file.kind} - at `$.files[{index}].kind`"
            raise BadFrame("bad_frame", reason, frame.id)
    files = tuple(structs.replace(file, name=_clean(file.name)) for file in frame.files)
    return structs.replace(frame, files=files, caption=_bounded(frame.caption, "caption", frame.id))


def _contact(frame: Contact) -> Contact:
    """The number as it is dialled: digits, with a plus in front if there is one."""
    digits = re.sub(r"[^0-9]", "", frame.phone)
    if not MIN_DIGITS <= len(digits) <= MAX_DIGITS:
        reason = f"A number has {MIN_DIGITS} to {MAX_DIGITS} digits - at `$.phone`"
        raise BadFrame("bad_frame", reason, frame.id)
    plus = "+" if frame.phone.startswith("+") else ""
    return structs.replace(frame, phone=plus + digits, name=_clean(frame.name).strip())


def _bounded(text: str, where: str, id: UUID) -> str:
    if len(text) > MAX_TEXT:
        reason = f"The text has {len(text)} characters; {MAX_TEXT} are allowed - at `$.{where}`"
        raise BadFrame("too_long", reason, id)
    return _clean(text)


def _id_of(data: bytes) -> UUID | None:
    """The id of a frame that is otherwise wrong, so that the widget knows which one is meant."""
    try:
        return _id_decoder.decode(data).id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
