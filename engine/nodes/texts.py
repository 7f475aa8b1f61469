"""What nodes say, compiled: texts, titles and menus in every language, and templates of requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from engine.effects import Pieces, Secret
from engine.environment import Environment
from engine.messages import Choice, OutboundMessage, Request
from engine.nodes.base import SpeakingConfig, choice_id
from engine.templates import Template

if TYPE_CHECKING:
    from engine.turn import Turn


class Text:
    """A compiled template in every language that it has, together with the names that it needs."""

    __slots__ = ("_by_language", "_environment", "_template", "constant")

    def __init__(self, template: Template, by_language: Mapping[str, Template] | None = None) -> None:
        self._template = template
        self._environment = Environment(template.names)
        self._by_language = {tag: Text(other) for tag, other in (by_language or {}).items()}
        self.constant = None if template.names or self._by_language else template({})
        """The text, when it is the same for everybody."""

    def __call__(self, turn: Turn) -> str:
        if self.constant is not None:
            return self.constant
        if self._by_language:
            other = self._by_language.get(turn.language)
            if other is not None:
                return other(turn)
        return self._template(self._environment(turn))


class RequestTemplate:
    """A compiled template of a request: its values are escaped for where they stand, its secrets stay references."""

    __slots__ = ("_pieces", "names")

    def __init__(self, pieces: Sequence[Template | Secret]) -> None:
        self._pieces = tuple(
            piece if isinstance(piece, Secret) else (piece, Environment(piece.names)) for piece in pieces
        )
        self.names = frozenset(
            name for piece in pieces if isinstance(piece, Template) for name in piece.names
        )

    def __call__(self, turn: Turn, escape: Callable[[str], str]) -> Pieces:
        return tuple(
            piece if isinstance(piece, Secret) else piece[0].escaped(piece[1](turn), escape)
            for piece in self._pieces
        )


class Label:
    """A plain text in every language that it has."""

    __slots__ = ("_by_language", "text")

    def __init__(self, text: str, by_language: Mapping[str, str]) -> None:
        self.text = text
        """In the flow's own language."""
        self._by_language = by_language

    def __call__(self, language: str) -> str:
        return self._by_language.get(language, self.text)

    @property
    def every(self) -> tuple[str, ...]:
        """The text in each of its languages, the flow's own first."""
        return (self.text, *self._by_language.values())


class Menu:
    """The choices that a node offers, in every language."""

    __slots__ = ("_by_language", "choices", "labels")

    def __init__(
        self,
        node: str,
        labels: Sequence[Label],
        descriptions: Sequence[Label] = (),
        languages: Sequence[str] = (),
    ) -> None:
        self.labels = tuple(labels)

        def offered(language: str) -> tuple[Choice, ...]:
            return tuple(
                Choice(
                    id=choice_id(node, index),
                    title=label(language),
                    description=descriptions[index](language) if descriptions else "",
                )
                for index, label in enumerate(labels)
            )

        self.choices = offered("")
        """In the flow's own language."""
        self._by_language = {language: offered(language) for language in languages}

    @property
    def constant(self) -> bool:
        """Whether it is the same for everybody."""
        return not self._by_language

    def __call__(self, turn: Turn) -> tuple[Choice, ...]:
        return self._by_language.get(turn.language, self.choices) if self._by_language else self.choices

    def only(self, part: slice) -> Menu:
        """A part of it, with the ids that the choices have here."""
        menu = object.__new__(Menu)
        menu.labels = self.labels[part]
        menu.choices = self.choices[part]
        menu._by_language = {tag: choices[part] for tag, choices in self._by_language.items()}
        return menu


class Speech:
    """A message that a node says, with its choices, ready to send when it has no variable part."""

    __slots__ = ("_delay_ms", "_menu", "_message", "_request", "_text", "_typing")

    def __init__(
        self,
        text: Text,
        config: SpeakingConfig,
        menu: Menu | None = None,
        request: Request | None = None,
    ) -> None:
        self._text = text
        self._menu = menu
        self._request = request
        self._delay_ms = config.delay
        self._typing = config.typing_indicator
        self._message = None
        if text.constant is not None and (menu is None or menu.constant):
            choices = menu.choices if menu is not None else ()
            self._message = OutboundMessage(text=text.constant, choices=choices, request=request)

    def say(self, turn: Turn, prefix: str = "") -> None:
        """Say it, after `prefix`."""
        message = self._message
        if message is None or prefix:
            choices = self._menu(turn) if self._menu is not None else ()
            message = OutboundMessage(text=prefix + self._text(turn), choices=choices, request=self._request)
        turn.say(message, self._delay_ms, self._typing)
