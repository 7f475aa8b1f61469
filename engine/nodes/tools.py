"""What nodes are built with: the little languages, each text compiled once, and what the gateway lends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from engine.answers.sentences import sentence
from engine.effects import Secret
from engine.environment import Environment
from engine.expressions import Expression, compile_expression
from engine.expressions.values import UNDEFINED
from engine.flow_types import Format
from engine.languages import Languages
from engine.markup import Marked, parse
from engine.nodes.base import ALWAYS, ERROR, Condition, Connection
from engine.nodes.texts import Label, MarkedText, Menu, RequestTemplate, Text
from engine.templates import SecretName, Template, compile_template, split_secrets

if TYPE_CHECKING:
    from engine.flow import NodeDefinition
    from engine.turn import Turn
    from engine.understanding.intents import Embed


SHOWN_WHOLE: Final = 3
"""Choices that every platform shows at once; a longer menu may have to be leafed through."""


class Tools:
    """What a node is built with: the little languages, each text compiled once, and what the gateway lends."""

    __slots__ = (
        "_conditions", "_expressions", "_named", "_spoken", "_templates", "edited", "embed", "format", "languages",
    )  # fmt: skip

    def __init__(
        self,
        named: Mapping[str, tuple[str, str]],
        embed: Embed | None,
        languages: Languages,
        format: Format = "plain",
        edited: frozenset[str] = frozenset(),
    ) -> None:
        self._named = named
        """Condition name -> (expression, time zone)."""
        self._templates: dict[str, Template] = {}
        self._spoken: dict[tuple[str, str, bool], Text] = {}
        self._expressions: dict[str, Expression] = {}
        self._conditions: dict[str, Condition] = {}
        self.embed = embed
        self.languages = languages
        self.format = format
        """How texts are written where a node does not say it."""
        self.edited = edited
        """Ids of the nodes whose messages others replace."""

    def template(self, source: str) -> Text:
        """A template that customers don't read: the same in every language. Raises TemplateSyntaxError."""
        return Text(self._template(source))

    def request(self, source: str) -> RequestTemplate:
        """A template of a request. Raises TemplateSyntaxError."""
        return RequestTemplate(
            [
                Secret(name=piece.name) if isinstance(piece, SecretName) else self._template(piece)
                for piece in split_secrets(source)
            ]
        )

    def placeholder(self, source: str, *, missing: Any = None) -> Callable[[Turn], Any] | None:
        """What gives the value, with its type, of a text that is one placeholder and nothing else."""
        pieces = split_secrets(source)
        if len(pieces) != 1 or isinstance(pieces[0], SecretName):
            return None
        template = self._template(source)
        read, environment = template.only, Environment(template.names)
        if read is None:
            return None

        def value(turn: Turn) -> Any:
            found = read(environment(turn))
            return missing if found is UNDEFINED else found

        return value

    def spoken(self, source: str, node: str = "", format: Format | None = None) -> Text:
        """A template that customers read, in every language that it has. Raises TemplateSyntaxError."""
        node = node if self.languages.several else ""
        marked = (format or self.format) == "markdown"
        key = (node, source, marked)
        if key not in self._spoken:
            others = self.languages.translated(source, node) if self.languages.several else {}
            self._spoken[key] = (MarkedText if marked else Text)(
                self._template(source), {tag: self._template(other) for tag, other in others.items()}
            )
        return self._spoken[key]

    def reader(self, format: Format | None) -> Callable[[str], Marked]:
        """What reads a text that is no template, such as a language model's, in this format."""
        return parse if (format or self.format) == "markdown" else Marked

    def sentence(self, name: str) -> Text:
        """One of the engine's own sentences, in the flow's languages."""
        languages = self.languages
        own = _literal(sentence(name, languages.default))
        others = {tag: _literal(sentence(name, tag)) for tag in languages.supported[1:]}
        return Text(own, others)

    def sentence_label(self, name: str) -> Label:
        """One of the engine's own words, in the flow's languages."""
        languages = self.languages
        return Label(
            sentence(name, languages.default), {tag: sentence(name, tag) for tag in languages.supported[1:]}
        )

    def label(self, text: str, node: str = "") -> Label:
        """A plain text that customers read, in every language that it has."""
        return Label(text, self.languages.translated(text, node) if self.languages.several else {})

    def menu(
        self, node: str, labels: Sequence[Label], descriptions: Sequence[Label] = (), *, paged: bool = False
    ) -> Menu:
        """The choices of a node; descriptions are empty, or as many as labels. A long one is `paged` if wanted."""
        languages = self.languages.supported if self.languages.several else ()
        leafing = None
        if paged and len(labels) > SHOWN_WHOLE:
            leafing = (self.sentence_label("more_options"), self.sentence_label("back"))
        return Menu(node, labels, descriptions, languages, leafing)

    def expression(self, source: str) -> Expression:
        """An expression. Raises ExpressionSyntaxError."""
        if source not in self._expressions:
            self._expressions[source] = compile_expression(source)
        return self._expressions[source]

    def condition(self, source: str) -> Condition | None:
        """`always` and `else` (None), a named condition, or an expression. Raises ExpressionSyntaxError."""
        if source in ALWAYS:
            return None
        if source not in self._conditions:
            expression, timezone = self._named.get(source, (source, ""))
            self._conditions[source] = Condition(source, self.expression(expression), timezone)
        return self._conditions[source]

    def connections(self, definition: NodeDefinition) -> tuple[Connection, ...]:
        """The node's ways on, without the one for errors."""
        return tuple(
            Connection(definition.id, way.target, self.condition(way.condition), way.delay)
            for way in definition.connections
            if way.condition != ERROR
        )

    def error(self, definition: NodeDefinition) -> Connection | None:
        """The node's way on after an error."""
        for way in definition.connections:
            if way.condition == ERROR:
                return Connection(definition.id, way.target, None, way.delay)
        return None

    def _template(self, source: str) -> Template:
        if source not in self._templates:
            self._templates[source] = compile_template(source)
        return self._templates[source]


def _literal(text: str) -> Template:
    return Template(source=text, parts=(text,), names=frozenset())
