"""What is wrong with a text that is no JSON: from where the parser stopped, the mistake that was made and its mend."""

from __future__ import annotations

import json
import re
from typing import Final

from gateway.flows.tokens import TOKEN, Lines, SourceError

_PAIRS: Final = {"{": "}", "[": "]"}
_WORDS: Final = {
    "True": "true",
    "False": "false",
    "None": "null",
    "undefined": "null",
    "nil": "null",
    "NULL": "null",
    "TRUE": "true",
    "FALSE": "false",
}
_CONSTANTS: Final = ("NaN", "Infinity", "-Infinity")
_WORD: Final = re.compile(r"[^\W\d][\w$-]*")
_SPACE: Final = " \t\r\n"


def explain(text: str, error: json.JSONDecodeError) -> SourceError:
    """The mistake at which the parser stopped."""
    at, message, mend = _mistake(text, error.msg, min(error.pos, len(text)))
    return SourceError(*Lines(text).position(at), message, mend)


def explain_constant(text: str) -> SourceError:
    """The first number in a text that JSON does not have."""
    lines = Lines(text)
    for token in TOKEN.finditer(text):
        if token[0] in _CONSTANTS:
            message = f"there is no {token[0]} in JSON"
            return SourceError(*lines.position(token.start()), message, "write a number, or null")
    return SourceError(1, 1, "a number is not finite", "write a number, or null")


def _mistake(text: str, complaint: str, at: int) -> tuple[int, str, str]:
    """(offset, message, mend)."""
    if not text.strip(_SPACE):
        return 0, "there is nothing here", "write the flow as { … }"
    if complaint.startswith("Unterminated string"):
        return at, "the text that begins here has no end", 'close it with "'
    if complaint.startswith("Invalid control character"):
        return at, *_control(text[at : at + 1])
    if complaint.startswith("Invalid \\"):
        return at, "this is no escape that JSON has", r"write \\ for a backslash"
    if complaint.startswith("Extra data"):
        return _extra(text, _skip(text, at))
    at = _skip(text, at)
    if at == len(text):
        return _unclosed(text)
    return _unexpected(text, complaint, at)


def _unexpected(text: str, complaint: str, at: int) -> tuple[int, str, str]:
    """The parser stopped at a character that should not be there."""
    found, before = text[at], text[:at].rstrip(_SPACE)
    comma = len(before) - 1
    if found in "}]" and before.endswith(","):
        return comma, f"there is a comma before the {found}", "remove the comma"
    if found in "}]" and (opened := _opened(text, at)) is not None and _PAIRS[text[opened]] != found:
        line, bracket = Lines(text).position(opened).line, text[opened]
        return at, f"this {found} meets the {bracket} of line {line}", f"close it with {_PAIRS[bracket]}"
    if found == "," and before.endswith((",", "[", "{")):
        return at, "there is a comma too many", "remove it"
    if before.endswith(",") and complaint.startswith("Illegal trailing comma"):
        return comma, "there is a comma too many", "remove it"
    return at, *_character(text, complaint, at)


def _character(text: str, complaint: str, at: int) -> tuple[str, str]:
    """(message, mend) for the character itself."""
    found = text[at]
    if text.startswith(("//", "/*", "#"), at):
        return "JSON has no comments", "remove it"
    if found in "'`‘’‚“”„«»":
        return f"{found} is no quotation mark of JSON", 'write " around texts and keys'
    if complaint.startswith("Expecting ':'"):
        return "there is no colon after the key", "write a : before the value"
    if complaint.startswith("Expecting ','") and found not in "}];=:":
        if re.search(r"(?<![\d.eE+-])-?0$", text[:at]) and found.isdigit():
            return "a number does not begin with 0", "remove the 0, or write a text in quotes"
        if found in ".eExX_" and text[at - 1].isdigit():
            return "this is no number that JSON has", "write digits, such as 12 or 0.5, or a text in quotes"
        return "there is no comma before this", "write a , after the value before it"
    if (word := _WORD.match(text, at)) is not None:
        return _word(word[0], complaint)
    if found in "+.":
        return "a number begins with a digit or -", "write 0.5 for .5, and no +"
    if complaint.startswith("Expecting property name"):
        return f"there is no key before this {found}", 'write "key": value'
    if complaint.startswith("Expecting value"):
        return f"there is no value before this {found}", "write a value, such as null"
    return f"this {found} does not belong here", "remove it"


def _word(word: str, complaint: str) -> tuple[str, str]:
    if complaint.startswith("Expecting property name"):
        return f"the key {word[:80]} is not in quotes", f'write "{word[:80]}"'
    if word in _WORDS:
        return f"there is no {word} in JSON", f"write {_WORDS[word]}"
    return f"the text {word[:80]} is not in quotes", 'write " around it'


def _control(character: str) -> tuple[str, str]:
    if character in "\r\n":
        return "a text does not go over several lines", r'close it with ", or write \n for the end of a line'
    if character == "\t":
        return "there is a tab in a text", r"write \t for it"
    return "there is a control character in a text", f"remove it, or write \\u{ord(character or ' '):04x}"


def _extra(text: str, at: int) -> tuple[int, str, str]:
    if text.startswith(("//", "/*", "#"), at):
        return at, "JSON has no comments", "remove it"
    if text[:at].strip(_SPACE) == "0" and text[at].isdigit():
        return at, "a number does not begin with 0", "remove the 0, or write a text in quotes"
    if text[at] in "}]":
        return at, f"this {text[at]} closes nothing", "remove it, or open it before"
    return at, "the flow ends before this", "remove what follows, or a bracket too many before it"


def _unclosed(text: str) -> tuple[int, str, str]:
    """The text ends too soon."""
    end = len(text.rstrip(_SPACE))
    opened = _opened(text, end)
    if opened is None:
        return end, "the text ends here too soon", "write what is missing"
    line, column = Lines(text).position(opened)
    bracket = text[opened]
    return (
        end,
        f"the {bracket} of line {line}, column {column} is not closed",
        f"write {_PAIRS[bracket]} here",
    )


def _opened(text: str, end: int) -> int | None:
    """Offset of the innermost bracket that is open at `end`."""
    opened: list[int] = []
    for token in TOKEN.finditer(text, 0, end):
        if token[0] in _PAIRS:
            opened.append(token.start())
        elif token[0] in ("}", "]") and opened:
            opened.pop()
    return opened[-1] if opened else None


def _skip(text: str, at: int) -> int:
    """The first character from `at` on that is no space."""
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at
