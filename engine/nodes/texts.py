"""What nodes say, compiled: texts, titles and menus in every language, and templates of requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import structs

from engine.effects import Pieces, Secret
from engine.environment import Environment
from engine.folding import readable
from engine.markup import Marked, escape, parse, shifted
from engine.messages import Choice, OutboundMessage, Paging, Request, Span
from engine.nodes.base import SpeakingConfig, choice_id, page_key
from engine.saying import say
from engine.templates import Template

if TYPE_CHECKING:
    from engine.turn import Turn


class Text:
    """A compiled template in every language that it has, together with the names that it needs."""

    __slots__ = ("_by_language", "_environment", "_template", "constant")

    def __init__(self, template: Template, by_language: Mapping[str, Template] | None = None) -> None:
        self._template = template
        self._environment = Environment(template.names)
        self._by_language = {tag: type(self)(other) for tag, other in (by_language or {}).items()}
        self.constant: str | None = None if template.names or self._by_language else template({})
        """The text, when it is the same for everybody."""

    def __call__(self, turn: Turn) -> str:
        if self.constant is not None:
            return self.constant
        if self._by_language:
            other = self._by_language.get(turn.language)
            if other is not None:
                return other(turn)
        return self._template(self._environment(turn))

    @property
    def spans(self) -> tuple[Span, ...]:
        """How the constant text looks."""
        return ()

    def said(self, turn: Turn) -> Marked:
        """The text, and how it looks."""
        return Marked(self(turn))


class MarkedText(Text):
    """A compiled template with markup, in which values are data. As a text alone it is without the markup."""

    __slots__ = ("_marked",)

    def __init__(self, template: Template, by_language: Mapping[str, Template] | None = None) -> None:
        super().__init__(template, by_language)
        self._marked = parse(self.constant) if self.constant is not None else None
        if self._marked is not None:
            self.constant = self._marked.text

    def __call__(self, turn: Turn) -> str:
        return self.said(turn).text

    @property
    def spans(self) -> tuple[Span, ...]:
        return self._marked.spans if self._marked is not None else ()

    def said(self, turn: Turn) -> Marked:
        if self._marked is not None:
            return self._marked
        other = self._by_language.get(turn.language) if self._by_language else None
        if other is not None:
            return other.said(turn)
        return parse(self._template.escaped(self._environment(turn), escape))


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

    __slots__ = ("_by_language", "_paging", "choices", "labels")

    def __init__(
        self,
        node: str,
        labels: Sequence[Label],
        descriptions: Sequence[Label] = (),
        languages: Sequence[str] = (),
        leafing: tuple[Label, Label] | None = None,
    ) -> None:
        """`leafing` are what leads to more options and back; None for a menu that every platform shows whole."""
        self.labels = tuple(labels)
        self._paging = None
        if leafing is not None:
            more, back = leafing
            self._paging = {
                tag: Paging(key=page_key(node), more=more(tag), back=back(tag)) for tag in ("", *languages)
            }

        def offered(language: str) -> tuple[Choice, ...]:
            return tuple(
                Choice(
                    id=choice_id(node, index),
                    title=readable(label(language)),
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

    @property
    def paged(self) -> bool:
        """Whether it may be longer than a platform's page."""
        return self._paging is not None

    def __call__(self, turn: Turn) -> tuple[Choice, ...]:
        return self._by_language.get(turn.language, self.choices) if self._by_language else self.choices

    def paging(self, language: str) -> Paging | None:
        """How to leaf through it; None when nobody has to."""
        return None if self._paging is None else self._paging.get(language, self._paging[""])

    def only(self, part: slice) -> Menu:
        """A part of it, with the ids that the choices have here."""
        menu = object.__new__(Menu)
        menu._paging = None
        menu.labels = self.labels[part]
        menu.choices = self.choices[part]
        menu._by_language = {tag: choices[part] for tag, choices in self._by_language.items()}
        return menu


class Speech:
    """A message that a node says, with its choices, ready to send when it has no variable part."""

    __slots__ = ("_delay_ms", "_menu", "_message", "_plain", "_request", "_text", "_typing")

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
        self._plain = not isinstance(text, MarkedText) and (menu is None or not menu.paged)
        if text.constant is not None and (menu is None or menu.constant):
            self._message = OutboundMessage(
                text=text.constant,
                spans=text.spans,
                choices=menu.choices if menu is not None else (),
                paging=menu.paging("") if menu is not None else None,
                request=request,
            )

    def say(self, turn: Turn, prefix: str = "") -> None:
        """Say it, after `prefix`."""
        message = self._message
        if message is None or prefix:
            message = self._in_turn(turn, prefix)
        say(turn, message, self._delay_ms, self._typing)

    def show_page(self, turn: Turn, page: int) -> None:
        """Say it again, in place of the message whose button asks for another page of the menu."""
        message = self._message or self._in_turn(turn, "")
        if message.paging is not None:
            paging = structs.replace(message.paging, page=page)
            say(turn, structs.replace(message, paging=paging, edits=turn.message))

    def _in_turn(self, turn: Turn, prefix: str) -> OutboundMessage:
        menu = self._menu
        choices = menu(turn) if menu is not None else ()
        if self._plain:  # the usual case, with no more to it than there was before there was markup
            return OutboundMessage(text=prefix + self._text(turn), choices=choices, request=self._request)
        text, spans = self._text.said(turn)
        return OutboundMessage(
            text=prefix + text,
            spans=shifted(spans, len(prefix)),
            choices=choices,
            paging=menu.paging(turn.language) if menu is not None else None,
            request=self._request,
        )
