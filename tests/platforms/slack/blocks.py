"""Block Kit as Slack checks it: every limit that it documents, and the words in which it refuses.

https://docs.slack.dev/reference/block-kit
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias

import msgspec

from tests.platforms.slack.errors import ApiError

JSON: TypeAlias = dict[str, Any]
Check: TypeAlias = Callable[[JSON, str, bool], Iterator[str]]

MAX_BLOCKS: Final = 50
MAX_JSON: Final = 13_200
_URL = re.compile(r"https?://[^\s/]+\S*")
_TEXTS: Final = frozenset({"plain_text", "mrkdwn"})
_STYLES: Final = frozenset({"bold", "italic", "strike", "underline", "code"})


def check_blocks(blocks: Any) -> list[JSON]:
    """The blocks of a message. Raises `invalid_blocks_format`, `msg_blocks_too_long` or `invalid_blocks`."""
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise ApiError("invalid_blocks_format")
    problems = list(_problems(blocks))
    if problems:
        raise ApiError("invalid_blocks", *problems[:10])
    if len(msgspec.json.encode(blocks).decode()) > MAX_JSON:
        raise ApiError("msg_blocks_too_long")
    return blocks


def _problems(blocks: list[JSON]) -> Iterator[str]:
    if len(blocks) > MAX_BLOCKS:
        yield f"no more than {MAX_BLOCKS} items allowed [json-pointer:/blocks]"
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        at = f"/blocks/{index}"
        check = _CHECKS.get(str(block.get("type")))
        if check is None:
            yield f"unsupported type: {block.get('type')} [json-pointer:{at}/type]"
            continue
        block_id = block.get("block_id")
        if block_id is not None:
            yield from _length(block_id, 1, 255, f"{at}/block_id")
            if block_id in seen:
                yield f"block_id {block_id} already exists [json-pointer:{at}/block_id]"
            seen.add(block_id)
        yield from check(block, at, True)


def _length(value: Any, least: int, most: int, at: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"must provide a string [json-pointer:{at}]"
    elif len(value) < least:
        yield f"must be more than {least - 1} characters [json-pointer:{at}]"
    elif len(value) > most:
        yield f"must be less than {most + 1} characters [json-pointer:{at}]"


def _unknown(value: JSON, allowed: str, at: str) -> Iterator[str]:
    for key in value.keys() - set(allowed.split()):
        yield f"additional property: {key} [json-pointer:{at}]"


def _url(value: Any, at: str, most: int = 3000) -> Iterator[str]:
    yield from _length(value, 1, most, at)
    if isinstance(value, str) and _URL.fullmatch(value) is None:
        yield f"invalid url [json-pointer:{at}]"


def _text(value: Any, at: str, most: int, *, plain: bool = False) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"must provide an object [json-pointer:{at}]"
        return
    yield from _unknown(value, "type text emoji verbatim", at)
    kind = value.get("type")
    if kind not in _TEXTS or (plain and kind != "plain_text"):
        yield f"unsupported type: {kind} [json-pointer:{at}/type]"
    if kind == "mrkdwn" and "emoji" in value:
        yield f"additional property: emoji [json-pointer:{at}]"
    yield from _length(value.get("text"), 1, most, f"{at}/text")


def _section(block: JSON, at: str, _: bool) -> Iterator[str]:
    yield from _unknown(block, "type block_id text fields accessory expand", at)
    if "text" not in block and "fields" not in block:
        yield f"missing required field: text [json-pointer:{at}]"
    if "text" in block:
        yield from _text(block["text"], f"{at}/text", 3000)
    for number, field in enumerate(block.get("fields", ())):
        yield from _text(field, f"{at}/fields/{number}", 2000)
    if len(block.get("fields", ())) > 10:
        yield f"no more than 10 items allowed [json-pointer:{at}/fields]"
    if "accessory" in block:
        yield from _element(block["accessory"], f"{at}/accessory")


def _divider(block: JSON, at: str, _: bool) -> Iterator[str]:
    yield from _unknown(block, "type block_id", at)


def _header(block: JSON, at: str, _: bool) -> Iterator[str]:
    yield from _unknown(block, "type block_id text level", at)
    yield from _text(block.get("text"), f"{at}/text", 150, plain=True)


def _image(block: JSON, at: str, is_block: bool) -> Iterator[str]:
    allowed = "type image_url slack_file alt_text" + (" block_id title" if is_block else "")
    yield from _unknown(block, allowed, at)
    yield from _length(block.get("alt_text"), 1, 2000, f"{at}/alt_text")
    if "image_url" in block:
        yield from _url(block["image_url"], f"{at}/image_url")
        if ".unreachable.example" in str(block["image_url"]):
            yield f"downloading image failed [json-pointer:{at}/image_url]"
    elif "slack_file" not in block:
        yield f"missing required field: image_url [json-pointer:{at}]"
    if "title" in block:
        yield from _text(block["title"], f"{at}/title", 2000, plain=True)


def _context(block: JSON, at: str, _: bool) -> Iterator[str]:
    yield from _unknown(block, "type block_id elements", at)
    yield from _items(block.get("elements"), 1, 10, f"{at}/elements")
    for number, one in enumerate(_list(block.get("elements"))):
        if one.get("type") == "image":
            yield from _image(one, f"{at}/elements/{number}", False)
        else:
            yield from _text(one, f"{at}/elements/{number}", 3000)


def _actions(block: JSON, at: str, _: bool) -> Iterator[str]:
    yield from _unknown(block, "type block_id elements", at)
    yield from _items(block.get("elements"), 1, 25, f"{at}/elements")
    seen: set[str] = set()
    for number, one in enumerate(_list(block.get("elements"))):
        where = f"{at}/elements/{number}"
        yield from _element(one, where)
        action = one.get("action_id")
        if action in seen:
            yield f"action_id {action} already exists [json-pointer:{where}/action_id]"
        if isinstance(action, str):
            seen.add(action)


def _items(value: Any, least: int, most: int, at: str) -> Iterator[str]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        yield f"must provide an array of objects [json-pointer:{at}]"
    elif len(value) < least:
        yield f"no fewer than {least} items allowed [json-pointer:{at}]"
    elif len(value) > most:
        yield f"no more than {most} items allowed [json-pointer:{at}]"


def _list(value: Any) -> list[JSON]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _element(element: Any, at: str) -> Iterator[str]:
    if not isinstance(element, dict):
        yield f"must provide an object [json-pointer:{at}]"
        return
    if "action_id" in element:
        yield from _length(element["action_id"], 1, 255, f"{at}/action_id")
    match element.get("type"):
        case "button":
            yield from _button(element, at)
        case "static_select":
            yield from _select(element, at)
        case "image":
            yield from _image(element, at, False)
        case "overflow" | "radio_buttons" | "checkboxes" | "datepicker" | "timepicker" | "users_select":
            pass  # the gateway makes none of these
        case kind:
            yield f"unsupported type: {kind} [json-pointer:{at}/type]"


def _button(element: JSON, at: str) -> Iterator[str]:
    yield from _unknown(element, "type action_id text url value style confirm accessibility_label", at)
    yield from _text(element.get("text"), f"{at}/text", 75, plain=True)
    if "value" in element:
        yield from _length(element["value"], 1, 2000, f"{at}/value")
    if "url" in element:
        yield from _url(element["url"], f"{at}/url")
    if element.get("style", "primary") not in ("primary", "danger"):
        yield f"invalid style [json-pointer:{at}/style]"


def _select(element: JSON, at: str) -> Iterator[str]:
    yield from _unknown(
        element, "type action_id options option_groups initial_option confirm placeholder focus_on_load", at
    )
    if "placeholder" in element:
        yield from _text(element["placeholder"], f"{at}/placeholder", 150, plain=True)
    yield from _items(element.get("options"), 1, 100, f"{at}/options")
    for number, option in enumerate(_list(element.get("options"))):
        where = f"{at}/options/{number}"
        yield from _unknown(option, "text value description url", where)
        yield from _text(option.get("text"), f"{where}/text", 75, plain=True)
        yield from _length(option.get("value"), 1, 150, f"{where}/value")
        if "description" in option:
            yield from _text(option["description"], f"{where}/description", 75, plain=True)


def _rich_text(block: JSON, at: str, _: bool) -> Iterator[str]:
    yield from _unknown(block, "type block_id elements", at)
    yield from _items(block.get("elements"), 1, 1000, f"{at}/elements")
    for number, one in enumerate(_list(block.get("elements"))):
        where = f"{at}/elements/{number}"
        match one.get("type"):
            case "rich_text_section" | "rich_text_quote" | "rich_text_preformatted":
                yield from _unknown(one, "type elements border language", where)
                yield from _items(one.get("elements"), 1, 5000, f"{where}/elements")
                for position, part in enumerate(_list(one.get("elements"))):
                    yield from _part(part, f"{where}/elements/{position}", str(one["type"]))
            case kind:
                yield f"unsupported type: {kind} [json-pointer:{where}/type]"


def _is_style(style: Any, inside: str) -> bool:
    """Code blocks have no style of their own inside."""
    return (
        isinstance(style, dict)
        and style.keys() <= _STYLES
        and all(value is True for value in style.values())
        and inside != "rich_text_preformatted"
    )


def _part(part: JSON, at: str, inside: str) -> Iterator[str]:
    if "style" in part and not _is_style(part["style"], inside):
        yield f"invalid style [json-pointer:{at}/style]"
    match part.get("type"):
        case "text":
            yield from _unknown(part, "type text style", at)
            yield from _length(part.get("text"), 1, 12_000, f"{at}/text")
        case "link":
            yield from _unknown(part, "type url text style unsafe", at)
            yield from _length(part.get("url"), 1, 3000, f"{at}/url")
            if not re.match(r"(https?://|mailto:|tel:)\S", str(part.get("url")), re.IGNORECASE):
                yield f"invalid url [json-pointer:{at}/url]"
            if "text" in part:
                yield from _length(part["text"], 1, 12_000, f"{at}/text")
        case "user" | "channel" | "emoji" | "broadcast" | "usergroup" | "date":
            pass
        case kind:
            yield f"unsupported type: {kind} [json-pointer:{at}/type]"


_CHECKS: Final[dict[str, Check]] = {
    "section": _section,
    "divider": _divider,
    "header": _header,
    "image": _image,
    "context": _context,
    "actions": _actions,
    "rich_text": _rich_text,
}
