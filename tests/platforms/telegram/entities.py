"""What is left of a text once its markup is read, or Telegram's complaint about the markup."""

from __future__ import annotations

import html
import re
from typing import Final

from tests.platforms.telegram.errors import ApiError, bad_request

_TAGS: Final = frozenset(
    "a b blockquote code del em i ins pre s span strike strong tg-emoji tg-spoiler u".split()  # noqa: SIM905
)
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9-]*)?([^<>]*)(>?)")
_V2_MARKS: Final = ("```", "__", "||", "*", "_", "~", "`")
_V2_NAMES: Final = {
    "```": "Pre",
    "__": "Underline",
    "||": "Spoiler",
    "*": "Bold",
    "_": "Italic",
    "~": "Strikethrough",
    "`": "Code",
}
_V2_RESERVED: Final = frozenset("()~`>#+-=|{}.!]")
_LINK = re.compile(r"\]\((?:\\.|[^)\\])*\)")


def plain_text(text: str, parse_mode: str) -> str:
    """`text` without its markup. Raises `ApiError` where Telegram would."""
    match parse_mode.lower():
        case "":
            return text
        case "html":
            return _html(text)
        case "markdown":
            return _markdown(text)
        case "markdownv2":
            return _markdown_v2(text)
    raise bad_request("unsupported parse_mode")


def _complaint(text: str) -> ApiError:
    return bad_request(f"can't parse entities: {text}")


def _offset(text: str, index: int) -> int:
    return len(text[:index].encode())


def _html(text: str) -> str:
    open_tags: list[str] = []
    for match in _TAG.finditer(text):
        slash, name, _, end = match.groups()
        tag = (name or "").lower()
        at = _offset(text, match.start())
        if not end or tag not in _TAGS:
            raise _complaint(f'Unsupported start tag "{tag}" at byte offset {at}')
        if not slash:
            open_tags.append(tag)
        elif not open_tags:
            raise _complaint(f"Unexpected end tag at byte offset {at}")
        elif (expected := open_tags.pop()) != tag:
            raise _complaint(
                f'Unmatched end tag at byte offset {at}, expected "</{expected}>", found "</{tag}>"'
            )
    if open_tags:
        raise _complaint(f'Can\'t find end tag corresponding to start tag "{open_tags[-1]}"')
    return html.unescape(_TAG.sub("", text))


def _markdown(text: str) -> str:
    """The legacy kind: no nesting; a mark opens an entity that has to be closed."""
    plain: list[str] = []
    index = 0
    while index < len(text):
        character = text[index]
        if character == "\\" and text[index + 1 : index + 2] in ("_", "*", "`", "["):
            plain.append(text[index + 1])
            index += 2
            continue
        if character not in "*_`[":
            plain.append(character)
            index += 1
            continue
        mark = "```" if text.startswith("```", index) else character
        closing = "]" if mark == "[" else mark
        end = text.find(closing, index + len(mark))
        if end < 0:
            raise _complaint(f"Can't find end of the entity starting at byte offset {_offset(text, index)}")
        plain.append(text[index + len(mark) : end])
        link = _LINK.match(text, end) if mark == "[" else None
        index = link.end() if link else end + len(closing)
    return "".join(plain)


def _markdown_v2(text: str) -> str:
    plain: list[str] = []
    opened: list[tuple[str, int]] = []
    index = 0
    while index < len(text):
        mark = next((mark for mark in _V2_MARKS if text.startswith(mark, index)), None)
        in_code = bool(opened) and opened[-1][0] in ("`", "```")
        if text[index] == "\\" and index + 1 < len(text):
            plain.append(text[index + 1])
            index += 2
        elif mark and (not in_code or mark == opened[-1][0]):
            if opened and opened[-1][0] == mark:
                opened.pop()
            else:
                opened.append((mark, index))
            index += len(mark)
        elif not in_code and text[index] == "[":
            index += 1
        elif not in_code and (link := _LINK.match(text, index)):
            index = link.end()
        elif not in_code and text[index] in _V2_RESERVED and not _quote_mark(text, index):
            raise _complaint(
                f"Character '{text[index]}' is reserved and must be escaped with the preceding '\\'"
            )
        else:
            plain.append(text[index])
            index += 1
    if opened:
        mark, start = opened[-1]
        raise _complaint(f"Can't find end of {_V2_NAMES[mark]} entity at byte offset {_offset(text, start)}")
    return "".join(plain)


def _quote_mark(text: str, index: int) -> bool:
    """A `>` that begins a line opens a block quotation."""
    return text[index] == ">" and (index == 0 or text[index - 1] == "\n")
