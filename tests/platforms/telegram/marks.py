"""A text as it will stand: markup read, entities checked in UTF-16 units, trimmed, within its limit."""

from __future__ import annotations

from typing import Any, Final

from tests.platforms.telegram.entities import plain_text
from tests.platforms.telegram.errors import bad_request
from tests.platforms.telegram.keyboards import check_web_address
from tests.platforms.telegram.parameters import Parameters
from tests.platforms.telegram.world import JSON

MAX_TEXT: Final = 4096
MAX_CAPTION: Final = 1024
MAX_RAW_TEXT: Final = 65_536
MAX_ENTITIES: Final = 100
_TYPES: Final = frozenset(
    "mention hashtag cashtag bot_command url email phone_number bold italic underline strikethrough spoiler"  # noqa: SIM905
    " blockquote expandable_blockquote code pre text_link text_mention custom_emoji".split()
)


def message_text(given: Parameters) -> tuple[str, list[JSON]]:
    """`text` with its entities. Raises `ApiError` where Telegram would."""
    raw = given.string("text")
    if not raw:
        raise bad_request("message text is empty")
    text, entities = _read(raw, given.string("parse_mode"), given.nested("entities"))
    if not text:
        raise bad_request("text must be non-empty")
    if _too_long(text, MAX_TEXT):
        raise bad_request("message is too long")
    return text, entities


def caption(given: Parameters) -> tuple[str, list[JSON]]:
    """`caption` with its entities; it may be missing."""
    raw = given.string("caption")
    if not raw:
        return "", []
    text, entities = _read(raw, given.string("parse_mode"), given.nested("caption_entities"))
    if _too_long(text, MAX_CAPTION):
        raise bad_request("message caption is too long")
    return text, entities


def _read(raw: str, mode: str, marks: Any) -> tuple[str, list[JSON]]:
    if len(raw) > MAX_RAW_TEXT:
        raise bad_request("message is too long")
    if mode:
        return plain_text(raw, mode).strip(), []
    entities = _checked(raw, marks) if marks else []
    text = raw.strip()
    if text == raw or not entities:
        return text, entities
    before = _units(raw[: len(raw) - len(raw.lstrip())])
    return text, _moved(entities, before, _units(text))


def _checked(text: str, marks: Any) -> list[JSON]:
    """The entities, each within the text and on whole characters. More than a hundred are ignored."""
    if not isinstance(marks, list):
        raise bad_request("can't parse entities JSON object")
    starts = {0}
    end = 0
    for character in text:
        end += 2 if character > "\uffff" else 1
        starts.add(end)
    found = []
    for mark in marks[:MAX_ENTITIES]:
        if not isinstance(mark, dict) or mark.get("type") not in _TYPES:
            raise bad_request("can't parse MessageEntity: Unsupported type specified")
        offset, length = mark.get("offset"), mark.get("length")
        if type(offset) is not int or type(length) is not int:
            raise bad_request('can\'t parse MessageEntity: Field "offset" must be of type Number')
        if offset < 0 or length <= 0:
            raise bad_request("can't parse MessageEntity: offset and length must be positive")
        if offset + length > end:
            raise bad_request(
                f"entity beginning at UTF-16 offset {offset} ends after the end of the text at UTF-16 offset"
                f" {offset + length}"
            )
        if offset not in starts or offset + length not in starts:
            raise bad_request(
                f"entity beginning at UTF-16 offset {offset} ends in a middle of a UTF-16 symbol at byte offset"
                f" {offset}"
            )
        if mark["type"] == "text_link":
            check_web_address(str(mark.get("url", "")), "entity URL")
        found.append(mark)
    return found


def _moved(entities: list[JSON], before: int, size: int) -> list[JSON]:
    """What is left of entities after `before` units of white space went from the beginning."""
    moved = []
    for one in entities:
        start = max(one["offset"] - before, 0)
        end = min(one["offset"] + one["length"] - before, size)
        if start < end:
            moved.append({**one, "offset": start, "length": end - start})
    return moved


def _too_long(text: str, limit: int) -> bool:
    return len(text) > limit // 2 and _units(text) > limit


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
