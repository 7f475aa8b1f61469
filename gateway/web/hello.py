"""What a widget's first frame tells, as far as it makes sense. No I/O."""

from __future__ import annotations

import re
from typing import Final
from uuid import UUID

from adapters.web import frames
from adapters.web.adapter import Visit
from gateway.web.ports import Found

_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}")
_TIMEZONE: Final = re.compile(r"[A-Za-z0-9_+-]{1,32}(/[A-Za-z0-9_+-]{1,32}){0,2}")
_PAGE: Final = re.compile(r"https?://[^\x00-\x20]+")


def visit_of(hello: frames.Hello, visitor: UUID, *, new: bool) -> Visit:
    """What the hello tells of the visitor, as far as it makes sense; the page only of a new one, who led them here."""
    return Visit(
        visitor=visitor,
        language=hello.language if _LANGUAGE.fullmatch(hello.language) else "",
        timezone=hello.timezone if _TIMEZONE.fullmatch(hello.timezone) else "",
        page=hello.page if new and _PAGE.fullmatch(hello.page) else "",
        title=hello.title.strip() if new else "",
        payload=hello.payload if new else "",
    )


def cursor_of(hello: frames.Hello, found: Found | None) -> int:
    """Where to go on: what the widget has, if it has it of this very conversation."""
    if found is None or hello.seq > found.last_seq:
        return 0
    if hello.conversation and hello.conversation != str(found.conversation_id):
        return 0
    return hello.seq
