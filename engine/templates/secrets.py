"""Secrets in a template: they are cut out, and never rendered with the rest."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NoReturn

from msgspec import Struct

from engine.templates.compiler import Compiler
from engine.templates.filters import FILTERS, AnyFilter
from engine.templates.template import Get

_SECRET: Final = re.compile(r"\{\{\s*secret\.([A-Za-z0-9_]{1,64})\s*\}\}")


class SecretName(Struct, frozen=True):
    """The place of a secret in a template: `SecretName("API_KEY")` for `{{ secret.API_KEY }}`."""

    name: str


def split_secrets(source: str, filters: Mapping[str, AnyFilter] = FILTERS) -> tuple[str | SecretName, ...]:
    """Cut `source` at its placeholders `{{ secret.NAME }}`; each text between them is a template.

    A name has 1 to 64 ASCII letters, digits and underscores. What a quoted text in a placeholder or a value
    says is no secret. Raises `TemplateSyntaxError`, with the position in `source`, for a secret that is
    written in any other way, and for whatever `compile_template` refuses.
    """
    cutter = _Cutter(source, filters)
    cutter.template()
    return cutter.pieces()


class _Cutter(Compiler):
    """Reads a template as the compiler does, so that both agree on what is a placeholder."""

    def __init__(self, source: str, filters: Mapping[str, AnyFilter]) -> None:
        super().__init__(source, filters)
        self._cuts: list[re.Match[str]] = []

    def pieces(self) -> tuple[str | SecretName, ...]:
        pieces: list[str | SecretName] = []
        end = 0
        for cut in self._cuts:
            pieces += [self._source[end : cut.start()], SecretName(cut[1])]
            end = cut.end()
        pieces.append(self._source[end:])
        return tuple(piece for piece in pieces if piece != "")

    def _placeholder(self, opening: int) -> str | Get:
        cut = _SECRET.match(self._source, opening)
        if cut is None:
            return super()._placeholder(opening)
        self._cuts.append(cut)
        self._position = cut.end()
        return ""

    def _refuse_secret(self) -> NoReturn:
        self._fail(
            "a secret is used in another way than by its name alone",
            "write {{ secret.NAME }}, with letters, digits and _ in the name, and no filter",
        )
