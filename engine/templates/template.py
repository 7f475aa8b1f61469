"""A compiled template."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from engine.templates.limits import MAX_OUTPUT
from engine.templates.printing import to_text, too_long

Get: TypeAlias = Callable[[Mapping[str, Any]], Any]
"""Reads the value of a placeholder from the environment."""


class Template:
    """A template ready to be rendered, any number of times and from any thread.

    Calling it gives the text, or raises `TemplateError` when that would be too long.
    """

    __slots__ = ("_constant", "_parts", "names", "source")

    def __init__(self, *, source: str, parts: tuple[str | Get, ...], names: frozenset[str]) -> None:
        self.source = source
        self.names = names
        """The names that it reads from the environment: `user` for `{{user.first_name}}`."""
        self._parts = parts
        self._constant = None if any(map(callable, parts)) else "".join(map(str, parts))

    def __call__(self, env: Mapping[str, Any]) -> str:
        if self._constant is not None:
            return self._constant
        return self._render(env)

    @property
    def only(self) -> Get | None:
        """What reads the value of the one placeholder that is the whole template; None for any other."""
        part = self._parts[0] if len(self._parts) == 1 else ""
        return None if isinstance(part, str) else part

    def escaped(self, env: Mapping[str, Any], escape: Callable[[str], str]) -> str:
        """As calling it, but what the placeholders stand for goes through `escape`."""
        return self._constant if self._constant is not None else self._render(env, escape)

    def _render(self, env: Mapping[str, Any], escape: Callable[[str], str] = str) -> str:
        pieces: list[str] = []
        length = 0
        for part in self._parts:
            piece = part if isinstance(part, str) else escape(to_text(part(env)))
            length += len(piece)
            if length > MAX_OUTPUT:
                raise too_long()
            pieces.append(piece)
        return "".join(pieces)

    def __repr__(self) -> str:
        return f"Template({self.source!r})"
