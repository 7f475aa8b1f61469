"""From a template's source to a `Template`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

from engine.expressions.access import get_member
from engine.expressions.errors import ExpressionError
from engine.expressions.values import UNDEFINED
from engine.templates.errors import ArgumentError, TemplateError, TemplateSyntaxError
from engine.templates.filters import FILTERS, AnyFilter, Argument, Filter, Localized
from engine.templates.limits import MAX_PLACEHOLDERS, MAX_SOURCE, MAX_STEPS
from engine.templates.template import Get, Template

SECRET: Final = "secret"  # noqa: S105
"""The root of the paths that only `split_secrets` knows."""

_SPACE: Final = re.compile(r"\s*")
_KEY: Final = re.compile(r"[\w$][\w$-]*")
_INDEX: Final = re.compile(r"\[\s*([0-9]{1,10})\s*\]")
_NUMBER: Final = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?")
_QUOTED: Final = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'", re.DOTALL)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES: Final = {"n": "\n", "t": "\t"}
_WHERE_NAMES: Final = ("language", "timezone")
_NO_NAMES: Final[frozenset[str]] = frozenset()
_SHOWN: Final = 64
"""Characters of an unknown filter's name that a message repeats."""


def compile_template(source: str, filters: Mapping[str, AnyFilter] = FILTERS) -> Template:
    """Compile `source`, whose placeholders may use `filters`. Raises `TemplateSyntaxError`."""
    if "{{" not in source and len(source) <= MAX_SOURCE:
        return Template(source=source, parts=(source,), names=_NO_NAMES)
    return Compiler(source, filters).template()


class Compiler:
    """Reads a template from left to right. Raises `TemplateSyntaxError`."""

    def __init__(self, source: str, filters: Mapping[str, AnyFilter]) -> None:
        if len(source) > MAX_SOURCE:
            raise TemplateSyntaxError(
                f"the template is {len(source)} characters long", MAX_SOURCE, f"use at most {MAX_SOURCE}"
            )
        self._source = source
        self._filters = filters
        self._position = 0
        self._names: set[str] = set()

    def template(self) -> Template:
        """The compiled template."""
        parts: list[str | Get] = []
        for _ in range(MAX_PLACEHOLDERS + 1):
            opening = self._source.find("{{", self._position)
            parts.append(self._source[self._position : opening if opening >= 0 else None])
            if opening < 0:
                kept = tuple(part for part in parts if part != "")
                return Template(source=self._source, parts=kept, names=frozenset(self._names))
            self._position = opening + 2
            parts.append(self._placeholder(opening))
        return self._fail("there are too many placeholders", f"use at most {MAX_PLACEHOLDERS}")

    def _placeholder(self, opening: int) -> str | Get:
        """What stands between the braces; the position moves behind them."""
        if self._next() == "{":
            self._fail("a third brace", 'write {{name}}; for a brace in the text write {{"{"}}')
        part: str | Get = self._quoted_text() if self._next() in ("'", '"') else self._path()
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

    def _path(self) -> Get:
        self._next()
        start = self._position
        keys = [self._key("the name of a value")]
        while (mark := self._next()) in (".", "["):
            keys.append(self._property() if mark == "." else self._index())
            if len(keys) > MAX_STEPS:
                self._fail("a path is too long", f"use at most {MAX_STEPS} names")
        if keys[0] == SECRET:
            self._position = start
            self._refuse_secret()
        self._names.add(keys[0])
        return _reader(keys[0], tuple(keys[1:]))

    def _property(self) -> str:
        self._position += 1
        return self._key("the name of a property after the dot")

    def _index(self) -> str:
        match = _INDEX.match(self._source, self._position)
        if match is None:
            return self._fail(
                "what is in brackets is no index",
                "write a whole number, as in {{items[0]}}; a name follows a dot, as in {{user.first_name}}",
            )
        self._position = match.end()
        return str(int(match[1]))

    def _refuse_secret(self) -> NoReturn:
        self._fail(
            "a secret can be used only in the url, headers and body of an http node",
            "remove it from this text",
        )

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

    def _filter(self, part: str | Get) -> Get:
        self._next()
        start = self._position
        name = self._key("the name of a filter after the pipe")
        arguments: list[Argument] = []
        separator = ":"
        while self._next() == separator:
            self._position += 1
            arguments.append(self._argument(name))
            separator = ","
        behind = self._position
        self._position = start
        applied = self._applied(part, name, arguments)
        self._position = behind
        return applied

    def _argument(self, name: str) -> Argument:
        if self._next() in ("'", '"'):
            return self._quoted_text()
        match = _NUMBER.match(self._source, self._position)
        if match is None:
            return self._fail("a filter's text is missing", f'write it in quotes: {name}:"text"')
        self._position = match.end()
        return float(match[0]) if "." in match[0] else int(match[0])

    def _applied(self, part: str | Get, name: str, arguments: list[Argument]) -> Get:
        chosen = self._filters.get(name)
        if chosen is None:
            close = difflib.get_close_matches(name[:_SHOWN], self._filters, 1)
            known = f"did you mean {close[0]}?" if close else f"the filters are: {', '.join(self._filters)}"
            return self._fail(f"there is no filter {name[:_SHOWN]!r}", known)
        if not chosen.least <= len(arguments) <= chosen.most:
            self._fail(f"{name} is given {len(arguments)} arguments", _how_to_write(name, chosen))
        try:
            if isinstance(chosen, Filter):
                if chosen.check is not None:
                    chosen.check(*arguments)
                return _filtered(part, chosen.apply, tuple(arguments))
            self._names.update(_WHERE_NAMES)
            return _localized(part, chosen.bind(*arguments))
        except ArgumentError as error:
            return self._fail(f"{name} cannot be given that", str(error))

    def _fail(self, message: str, mend: str) -> NoReturn:
        raise TemplateSyntaxError(message, self._position, mend)


def _how_to_write(name: str, chosen: AnyFilter) -> str:
    if not chosen.most:
        return f"write {name} alone"
    form = chosen.signature or f'{name}:"text"'
    return f"write {form}" + (", without what is in [ ] if you like" if "[" in form else "")


def _reader(name: str, keys: tuple[str, ...]) -> Get:
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


def _filtered(part: str | Get, apply: Callable[..., Any], arguments: tuple[Argument, ...]) -> Get:
    if isinstance(part, str):
        text = part
        return lambda _: apply(text, *arguments)
    get = part
    return lambda env: apply(get(env), *arguments)


def _localized(part: str | Get, apply: Localized) -> Get:
    if isinstance(part, str):
        text = part
        return lambda env: apply(text, env)
    get = part
    return lambda env: apply(get(env), env)
