"""Texts with placeholders: `Hello {{user.first_name | default:"there"}}`.

A placeholder is a dotted path, or a text in quotes, and filters after pipes. What it stands for is data:
it is never read as a template again, whatever it contains. What is missing prints as nothing.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, NoReturn, TypeAlias

from engine.errors import EngineError
from engine.expressions.access import get_member
from engine.expressions.errors import ExpressionError
from engine.expressions.values import UNDEFINED, kind, number_to_string, to_string

MAX_SOURCE: Final = 20_000
"""Code points of a template's source."""
MAX_OUTPUT: Final = 20_000
"""Code points of a rendered text."""
MAX_PLACEHOLDERS: Final = 500
MAX_STEPS: Final = 16
"""Names in a path, and filters of a placeholder."""
MAX_DATA_DEPTH: Final = 32
"""Nesting of an array or object that is printed as JSON."""


class TemplateSyntaxError(EngineError):
    """The template cannot be understood.

    `position` is the 0-based code point in the source, `mend` says what to do about it.
    """

    def __init__(self, message: str, position: int, mend: str) -> None:
        super().__init__(f"{message} at position {position}: {mend}")
        self.message = message
        self.position = position
        self.mend = mend


class TemplateError(EngineError):
    """The template cannot be rendered here."""


class Filter(NamedTuple):
    """A filter: how many texts it takes after its colon, and what it makes of a value and those texts."""

    least: int
    most: int
    apply: Callable[..., Any]


def _default(value: Any, text: str) -> Any:
    """`text` when the value is missing or an empty text."""
    return text if value is None or value is UNDEFINED or value == "" else value


def _upper(value: Any) -> str:
    return to_text(value).upper()


def _lower(value: Any) -> str:
    return to_text(value).lower()


def _capitalize(value: Any) -> str:
    """The first letter upper-case, the others lower-case."""
    return to_text(value).capitalize()


FILTERS: Final[Mapping[str, Filter]] = {
    "capitalize": Filter(0, 0, _capitalize),
    "default": Filter(1, 1, _default),
    "lower": Filter(0, 0, _lower),
    "upper": Filter(0, 0, _upper),
}

_Get: TypeAlias = Callable[[Mapping[str, Any]], Any]
_SPACE: Final = re.compile(r"\s*")
_KEY: Final = re.compile(r"[\w$][\w$-]*")
_QUOTED: Final = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'", re.DOTALL)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES: Final = {"n": "\n", "t": "\t"}


class Template:
    """A template ready to be rendered, any number of times and from any thread.

    Calling it gives the text, or raises `TemplateError` when that would be too long.
    """

    __slots__ = ("_constant", "_parts", "names", "source")

    def __init__(self, *, source: str, parts: tuple[str | _Get, ...], names: frozenset[str]) -> None:
        self.source = source
        self.names = names
        """The names that it reads from the environment: `user` for `{{user.first_name}}`."""
        self._parts = parts
        self._constant = None if any(map(callable, parts)) else "".join(map(str, parts))

    def __call__(self, env: Mapping[str, Any]) -> str:
        if self._constant is not None:
            return self._constant
        return self._render(env)

    def _render(self, env: Mapping[str, Any]) -> str:
        pieces: list[str] = []
        length = 0
        for part in self._parts:
            piece = part if isinstance(part, str) else to_text(part(env))
            length += len(piece)
            if length > MAX_OUTPUT:
                raise TemplateError(f"the text would be longer than {MAX_OUTPUT} characters")
            pieces.append(piece)
        return "".join(pieces)

    def __repr__(self) -> str:
        return f"Template({self.source!r})"


def compile_template(source: str, filters: Mapping[str, Filter] = FILTERS) -> Template:
    """Compile `source`, whose placeholders may use `filters`. Raises `TemplateSyntaxError`."""
    if len(source) > MAX_SOURCE:
        raise TemplateSyntaxError(
            f"the template is {len(source)} characters long", MAX_SOURCE, f"use at most {MAX_SOURCE}"
        )
    return _Compiler(source, filters).template()


def to_text(value: Any) -> str:
    """How a value prints: nothing for what is missing, numbers as in JavaScript, structures as JSON."""
    if type(value) is str:
        return value
    if value is None or value is UNDEFINED:
        return ""
    try:
        return to_json(value) if kind(value) in ("array", "object") else to_string(value)
    except ExpressionError as error:
        raise TemplateError(str(error)) from None


def to_json(value: Any, depth: int = 0) -> str:
    """Compact JSON, as `JSON.stringify` writes it: NaN is null, undefined is left out or null."""
    if depth > MAX_DATA_DEPTH:
        raise TemplateError(f"the data is nested more than {MAX_DATA_DEPTH} deep")
    match kind(value):
        case "array":
            return f"[{','.join(to_json(item, depth + 1) for item in value)}]"
        case "object":
            members = ((key, item) for key, item in value.items() if item is not UNDEFINED)
            return (
                f"{{{','.join(f'{_quoted(str(key))}:{to_json(item, depth + 1)}' for key, item in members)}}}"
            )
        case "string":
            return _quoted(value)
        case "number":
            return number_to_string(value) if abs(value) < float("inf") else "null"
        case "boolean":
            return "true" if value else "false"
        case _:
            return "null"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


class _Compiler:
    """Reads a template from left to right."""

    def __init__(self, source: str, filters: Mapping[str, Filter]) -> None:
        self._source = source
        self._filters = filters
        self._position = 0
        self._names: set[str] = set()

    def template(self) -> Template:
        parts: list[str | _Get] = []
        for _ in range(MAX_PLACEHOLDERS + 1):
            opening = self._source.find("{{", self._position)
            parts.append(self._source[self._position : opening if opening >= 0 else None])
            if opening < 0:
                kept = tuple(part for part in parts if part != "")
                return Template(source=self._source, parts=kept, names=frozenset(self._names))
            self._position = opening + 2
            parts.append(self._placeholder(opening))
        return self._fail("there are too many placeholders", f"use at most {MAX_PLACEHOLDERS}")

    def _placeholder(self, opening: int) -> str | _Get:
        """What stands between the braces; the position moves behind them."""
        if self._next() == "{":
            self._fail("a third brace", 'write {{name}}; for a brace in the text write {{"{"}}')
        part: str | _Get = self._quoted_text() if self._next() in ("'", '"') else self._path()
        for _ in range(MAX_STEPS):
            if self._next() != "|":
                break
            self._position += 1
            part = self._filter(part)
        if self._source.startswith("}}", self._position):
            self._position += 2
            return part
        if "}}" not in self._source[self._position :]:
            self._position = opening
            return self._fail("a placeholder is not closed", 'write }} after it; for braces write {{"{{"}}')
        return self._fail("unexpected text in a placeholder", "write {{name}} or {{name | filter}}")

    def _next(self) -> str:
        """The next character that is no space; empty at the end."""
        space = _SPACE.match(self._source, self._position)
        self._position = space.end() if space else self._position
        return self._source[self._position : self._position + 1]

    def _path(self) -> _Get:
        keys = [self._key("the name of a value")]
        while self._next() == ".":
            self._position += 1
            keys.append(self._key("the name of a property after the dot"))
            if len(keys) > MAX_STEPS:
                self._fail("a path is too long", f"use at most {MAX_STEPS} names")
        self._names.add(keys[0])
        return _reader(keys[0], tuple(keys[1:]))

    def _key(self, wanted: str) -> str:
        self._next()
        match = _KEY.match(self._source, self._position)
        if match is None:
            return self._fail("a name is missing", f"write {wanted}, as in {{{{user.first_name}}}}")
        self._position = match.end()
        return match[0]

    def _quoted_text(self) -> str:
        match = _QUOTED.match(self._source, self._position)
        if match is None:
            return self._fail("a text is not closed", "close it with the same quote")
        self._position = match.end()
        text = match[1] if match[1] is not None else match[2]
        return _ESCAPED.sub(lambda escape: _ESCAPES.get(escape[1], escape[1]), text)

    def _filter(self, part: str | _Get) -> _Get:
        self._next()
        start = self._position
        name = self._key("the name of a filter after the pipe")
        arguments: list[str] = []
        separator = ":"
        while self._next() == separator:
            self._position += 1
            if self._next() not in ("'", '"'):
                self._fail("a filter's text is missing", f'write it in quotes: {name}:"text"')
            arguments.append(self._quoted_text())
            separator = ","
        return self._applied(part, name, arguments, start)

    def _applied(self, part: str | _Get, name: str, arguments: list[str], start: int) -> _Get:
        chosen = self._filters.get(name)
        if chosen is None:
            self._position = start
            close = difflib.get_close_matches(name, self._filters, 1)
            known = f"did you mean {close[0]}?" if close else f"the filters are: {', '.join(self._filters)}"
            return self._fail(f"there is no filter {name!r}", known)
        if not chosen.least <= len(arguments) <= chosen.most:
            self._position = start
            wanted = f'{name}:"text"' if chosen.least else f"{name} alone"
            self._fail(f"{name} is given {len(arguments)} texts", f"write {wanted}")
        return _filtered(part, chosen.apply, tuple(arguments))

    def _fail(self, message: str, mend: str) -> NoReturn:
        raise TemplateSyntaxError(message, self._position, mend)


def _reader(name: str, keys: tuple[str, ...]) -> _Get:
    """Follows a path; undefined where it ends early."""

    def read(env: Mapping[str, Any]) -> Any:
        value = env.get(name, UNDEFINED)
        for key in keys:
            if value is None or value is UNDEFINED:
                return UNDEFINED
            value = value.get(key, UNDEFINED) if type(value) is dict else _member(value, key)
        return value

    return read


def _member(value: Any, key: str) -> Any:
    try:
        return get_member(value, key)
    except ExpressionError as error:
        raise TemplateError(str(error)) from None


def _filtered(part: str | _Get, apply: Callable[..., Any], arguments: tuple[str, ...]) -> _Get:
    if isinstance(part, str):
        text = part
        return lambda _: apply(text, *arguments)
    get = part
    return lambda env: apply(get(env), *arguments)
