"""Source text to tokens.

A token is the piece of source itself: texts keep their quotes, so that nothing else looks like an operator.
Where a token stands is worked out only for an error.
"""

from __future__ import annotations

import re
from typing import Final

from engine.expressions.errors import ExpressionSyntaxError
from engine.expressions.limits import MAX_NODES, MAX_SAFE_INTEGER, MAX_SOURCE
from engine.expressions.text import WHITESPACE, fold
from engine.expressions.values import double

END: Final = ""
"""The token after the last."""

_DIGITS: Final = (
    r"(?>0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+"
    r"|(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)(?![\w$\\])"
)
_OPERATORS: Final = (
    r"===|!==|==|!=|<=|>=|&&|\|\||\?\?|\?\.(?![0-9])|\*\*(?!=)|\*(?![*=])|/(?![/*=])|%(?!=)"
    r"|\+(?![+=])|-(?![-=])|<(?!<)|>(?!>)|\.(?![0-9])|[!?:()\[\]{},]"
)
_TEXTS: Final = "|".join(rf"{quote}(?>[^{quote}\\\n\r]+|\\(?:\r\n|[\s\S]))*+{quote}" for quote in "'\"")
_TOKENS: Final = re.compile(
    rf"[{WHITESPACE}]*+([^\W\d][\w$]*+|\$[\w$]*+|{_DIGITS}|{_TEXTS}|{_OPERATORS})[{WHITESPACE}]*+|[\s\S]"
)
"""A token with the space around it; without a group, a character that begins none."""
_FOREIGN: Final = re.compile(r"//|/\*|=>|\+\+|--|<<|>>|\*\*=|[-+*/%]=|[\s\S]")
_MENDS: Final = {
    "=": "write === to compare",
    "&": "write && for 'and'",
    "|": "write || for 'or'",
    "=>": "write >= for 'at least'; functions cannot be written here",
    "++": "write + 1",
    "--": "write - 1",
    "//": "remove the comment",
    "/*": "remove the comment",
    ";": "write one expression without ;",
    "`": "write the text between ' or \" and join texts with +",
    "“": "write straight quotes: \" or '",
    "”": "write straight quotes: \" or '",
    "‘": "write straight quotes: \" or '",
    "’": "write straight quotes: \" or '",
}
_UNCOUNTED: Final = frozenset((*"(){}].,:", "?."))
"""Tokens that make no node of their own."""
_SIMPLE_ESCAPES: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_LINE_ENDS: Final = frozenset(("\n", "\r", "\r\n", "\u2028", "\u2029"))
_ESCAPE: Final = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|u\{0*([0-9a-fA-F]{1,6})\}|(\r\n|[\s\S]))"
)


def tokenize(source: str) -> list[str]:
    """The tokens of `source`, the last of which is `END`. Raises `ExpressionSyntaxError`."""
    if len(source) > MAX_SOURCE:
        raise ExpressionSyntaxError(
            f"the expression is {len(source)} characters long", MAX_SOURCE, f"use at most {MAX_SOURCE}"
        )
    tokens: list[str] = _TOKENS.findall(source)
    if END in tokens or not source.isascii():
        _refuse_foreign(source)
        tokens = [token for token in tokens if token]
    if len(tokens) > MAX_NODES:
        _refuse_too_many(source, tokens)
    tokens.append(END)
    return tokens


def position_of(source: str, index: int) -> int:
    """The code point where the token of that index begins; the end of `source` beyond the last."""
    starts = [match.start(1) for match in _TOKENS.finditer(source) if match[1]]
    return starts[index] if index < len(starts) else len(source)


def is_name(token: str) -> bool:
    """Whether the token is a name, or a word."""
    return token.replace("$", "_").isidentifier()


def number_of(token: str) -> int | float:
    """The value of a number's token."""
    if token.isdigit():
        integer = int(token)
    elif token[1:2] in ("x", "X", "o", "O", "b", "B"):
        integer = int(token, 0)
    else:
        return float(token)
    return integer if integer <= MAX_SAFE_INTEGER else double(integer)


def text_of(token: str) -> str:
    """The value of a text's token. Raises `ExpressionSyntaxError`, whose position is that within the token."""
    return fold(_ESCAPE.sub(_meaning, token[1:-1]))


def _meaning(escape: re.Match[str]) -> str:
    character, position = escape[4], escape.start() + 1
    if character is None:
        code = int(escape[1] or escape[2] or escape[3], 16)
        if code <= 0x10FFFF:
            return chr(code)
    elif character in _LINE_ENDS:
        return ""
    elif _is_digit(character):
        if character == "0" and not _is_digit(escape.string[escape.end() : escape.end() + 1]):
            return "\0"
        raise ExpressionSyntaxError("an octal escape", position, "write \\xHH instead")
    elif character not in ("x", "u"):
        return _SIMPLE_ESCAPES.get(character, character)
    raise ExpressionSyntaxError(
        "a malformed escape", position, "write \\xHH, \\uHHHH or \\u{H…}, or \\\\ for a backslash"
    )


def _is_digit(character: str) -> bool:
    return character.isascii() and character.isdigit()


def _refuse_foreign(source: str) -> None:
    """Raise for the first character that begins no token."""
    for match in _TOKENS.finditer(source):
        token, position = match[1], match.start()
        if token is None and source[position] not in WHITESPACE:
            raise _foreign(source, position)
        if token is not None and not token.isascii() and token[0] not in "'\"" and not is_name(token):
            raise _foreign(source, match.start(1))


def _foreign(source: str, position: int) -> ExpressionSyntaxError:
    character, following = source[position], source[position + 1 : position + 2]
    if character in "'\"":
        return ExpressionSyntaxError("a text is not closed", position, f"close it with {character}")
    if _is_digit(following if character == "." else character):
        mend = "write it like 12, 0.5, 1e3 or 0xff, without separators or units"
        return ExpressionSyntaxError("a malformed number", position, mend)
    match = _FOREIGN.match(source, position)
    found = match[0] if match else character
    mend = _MENDS.get(found) or _MENDS.get(found[-1], "remove it")
    return ExpressionSyntaxError(f"{found!r} is not part of this language", position, mend)


def _refuse_too_many(source: str, tokens: list[str]) -> None:
    """Raise when more nodes than `MAX_NODES` are written. A key of an object literal counts as one."""
    counted = [index for index, token in enumerate(tokens) if token not in _UNCOUNTED]
    if len(counted) > MAX_NODES:
        raise ExpressionSyntaxError(
            f"the expression has more than {MAX_NODES} parts",
            position_of(source, counted[MAX_NODES]),
            "split it into several",
        )
