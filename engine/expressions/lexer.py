"""Source text to tokens."""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple, TypeAlias

from engine.expressions.errors import ExpressionSyntaxError
from engine.expressions.limits import MAX_SAFE_INTEGER, MAX_SOURCE
from engine.expressions.text import WHITESPACE, fold
from engine.expressions.values import double

TokenKind: TypeAlias = Literal["number", "string", "name", "operator", "end"]


class Token(NamedTuple):
    """One token; `value` is the number, the text without its quotes, the name or the operator."""

    kind: TokenKind
    value: str | int | float
    position: int

    def is_operator(self, *symbols: str) -> bool:
        """Whether it is one of these operators."""
        return self.kind == "operator" and self.value in symbols

    def __str__(self) -> str:
        return "the end" if self.kind == "end" else repr(self.value)


_OPERATORS: Final = re.compile(
    r"===|!==|\*\*|&&|\|\||\?\?|\?\.(?![0-9])|==|!=|<=|>=|[-+*/%<>!?:()\[\]{},.]",
)
_FOREIGN: Final = re.compile(r"//|/\*|=>|\+\+|--|<<|>>|\*\*=|[-+*/%]=|[^\s\w]")
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
_SPACE: Final = re.compile(f"[{WHITESPACE}]*")
_NAME: Final = re.compile(r"[\w$]+")
_NUMBER: Final = re.compile(
    r"0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+"
    r"|(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
)
_PLAIN: Final = {quote: re.compile(rf"[^{quote}\\\n\r]*") for quote in "'\""}
_SIMPLE_ESCAPES: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\n": ""}
_CODE_ESCAPE: Final = re.compile(r"x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|u\{0*([0-9a-fA-F]{1,6})\}")


def tokenize(source: str) -> list[Token]:
    """The tokens of `source`, the last of which is an `end`. At most one a code point."""
    if len(source) > MAX_SOURCE:
        raise ExpressionSyntaxError(
            f"the expression is {len(source)} characters long", MAX_SOURCE, f"use at most {MAX_SOURCE}"
        )
    tokens: list[Token] = []
    position = _skip_space(source, 0)
    while position < len(source):
        token, position = _next(source, position)
        tokens.append(token)
        position = _skip_space(source, position)
    tokens.append(Token("end", "", len(source)))
    return tokens


def _skip_space(source: str, position: int) -> int:
    match = _SPACE.match(source, position)
    return match.end() if match else position


def _next(source: str, position: int) -> tuple[Token, int]:
    character = source[position]
    if character in "'\"":
        return _text(source, position)
    following = source[position + 1 : position + 2]
    if _ascii_digit(character) or (character == "." and _ascii_digit(following)):
        return _number(source, position)
    name = _NAME.match(source, position)
    if name and name[0].replace("$", "_").isidentifier():
        return Token("name", name[0], position), name.end()
    foreign = _FOREIGN.match(source, position)
    operator = _OPERATORS.match(source, position)
    if operator and (foreign is None or len(foreign[0]) <= len(operator[0])):
        return Token("operator", operator[0], position), operator.end()
    found = foreign[0] if foreign else character
    raise ExpressionSyntaxError(f"{found!r} is not part of this language", position, _mend(found))


def _mend(found: str) -> str:
    return _MENDS.get(found) or _MENDS.get(found[-1:], "") or "remove it"


def _ascii_digit(character: str) -> bool:
    return character.isascii() and character.isdigit()


def _number(source: str, position: int) -> tuple[Token, int]:
    match = _NUMBER.match(source, position)
    end = match.end() if match else position
    following = source[end : end + 1]
    if match is None or following in ("$", "\\") or (following and (following == "_" or following.isalnum())):
        raise ExpressionSyntaxError(
            "a malformed number", position, "write it like 12, 0.5, 1e3 or 0xff, without separators or units"
        )
    text = match[0]
    if text.isdigit() or text[:2].lower() in ("0x", "0o", "0b"):
        integer = int(text, 0)
        return Token("number", integer if integer <= MAX_SAFE_INTEGER else double(integer), position), end
    return Token("number", float(text), position), end


def _text(source: str, start: int) -> tuple[Token, int]:
    quote = source[start]
    pieces: list[str] = []
    position = start + 1
    while True:
        plain = _PLAIN[quote].match(source, position)
        if plain is not None:
            pieces.append(plain[0])
            position = plain.end()
        ending = source[position : position + 1]
        if ending == quote:
            return Token("string", fold("".join(pieces)), start), position + 1
        if ending != "\\" or position + 1 == len(source):
            raise ExpressionSyntaxError("a text is not closed", start, f"close it with {quote}")
        piece, position = _escape(source, position + 1)
        pieces.append(piece)


def _escape(source: str, position: int) -> tuple[str, int]:
    """What the escape after the backslash means, and where it ends."""
    character = source[position]
    if character in "xu":
        code = _CODE_ESCAPE.match(source, position)
        value = int(code[1] or code[2] or code[3], 16) if code else -1
        if code is None or value > 0x10FFFF:
            raise ExpressionSyntaxError(
                "a malformed escape", position - 1, "write \\xHH, \\uHHHH or \\u{H…}, or \\\\ for a backslash"
            )
        return chr(value), code.end()
    if character == "0" and not _ascii_digit(source[position + 1 : position + 2]):
        return "\0", position + 1
    if _ascii_digit(character):
        raise ExpressionSyntaxError("an octal escape", position - 1, "write \\xHH instead")
    if source.startswith("\r\n", position):
        return "", position + 2
    return _SIMPLE_ESCAPES.get(character, "" if character in "\r\u2028\u2029" else character), position + 1
