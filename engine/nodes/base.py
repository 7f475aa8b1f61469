"""What every node is made of: its config, its texts, its connections, and how it meets a turn."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias
from zlib import crc32

from pydantic import Field

from engine.answers.sentences import sentence
from engine.effects import Pieces, Secret
from engine.environment import Environment
from engine.events import AnswerGenerated, CallFinished, SearchFinished
from engine.expressions import Expression, compile_expression
from engine.expressions.values import UNDEFINED
from engine.fields import DelayMs, Part
from engine.known import Known
from engine.languages import Languages
from engine.messages import Choice, OutboundMessage, Request
from engine.problems import Finding
from engine.state import Frame, TraceEntry
from engine.templates import SecretName, Template, compile_template, split_secrets

if TYPE_CHECKING:
    from engine.flow import NodeDefinition
    from engine.turn import Turn
    from engine.understanding.intents import Embed

ALWAYS: Final = frozenset({"always", "else"})
"""Conditions that hold whatever happens."""
ERROR: Final = "error"
"""The condition of the way on after an error."""
Result: TypeAlias = CallFinished | SearchFinished | AnswerGenerated
"""What a call comes to."""

Next: TypeAlias = str | None
"""Where a node leads: the id of the node to enter next, or None when the turn ends here."""


class NodeConfig(Part):
    """Base of every node's config."""

    def findings(self, known: Known) -> Iterator[Finding]:
        """What is wrong with this config in this flow, beyond what its types say; paths start at the config."""
        yield from ()


class SpeakingConfig(NodeConfig):
    """Base of the config of a node that says something."""

    delay: DelayMs = Field(0, description="Milliseconds to wait before the message.")
    typing_indicator: bool = Field(
        False, description="Whether the platform shows typing while the delay lasts."
    )


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


class Condition:
    """A compiled condition. Telling whether it holds leaves a note in the trace."""

    __slots__ = ("_environment", "_expression", "_no", "_yes", "name")

    def __init__(self, name: str, expression: Expression, timezone: str = "") -> None:
        self.name = name
        self._expression = expression
        self._environment = Environment(expression.names, timezone)
        self._yes = TraceEntry(kind="condition", at=name, value=True)
        self._no = TraceEntry(kind="condition", at=name, value=False)

    def holds(self, turn: Turn) -> bool:
        """Whether it holds now. Raises ExpressionError where JavaScript would throw."""
        held = self._expression.truthy(self._environment(turn))
        turn.trace.append(self._yes if held else self._no)
        return held

    def holds_at(self, turn: Turn, moment: datetime) -> bool:
        """Whether it would hold at another moment, all else being as it is now. Leaves no note."""
        return self._expression.truthy(self._environment.at(turn, moment))


class Connection:
    """A compiled way on; `condition` is None for `always`."""

    __slots__ = ("condition", "delay_ms", "taken", "target")

    def __init__(self, source: str, target: str, condition: Condition | None, delay_ms: int) -> None:
        self.target = target
        self.condition = condition
        self.delay_ms = delay_ms
        self.taken = TraceEntry(kind="connection", at=source, detail=target)


class Node(ABC):
    """A compiled node. Immutable: everything that changes is in the turn."""

    __slots__ = ("choices", "connections", "entered", "error", "id")

    patient: ClassVar[bool] = False
    """Waits as long as it says: the session does not end meanwhile, however long the customer is silent."""
    free_text: ClassVar[bool] = False
    """Takes any text as its answer, so that a keyword within it means nothing (a whole keyword still does)."""

    def __init__(
        self, id: str, connections: tuple[Connection, ...], choices: tuple[Choice, ...] = ()
    ) -> None:
        self.id = id
        self.connections = connections
        self.choices = choices
        self.error: Connection | None = None
        """Where the conversation goes when the node fails; the compiler sets it."""
        self.entered = TraceEntry(kind="node", at=id)

    @abstractmethod
    def enter(self, turn: Turn) -> Next:
        """The conversation comes here."""

    def answer(self, turn: Turn) -> Next:
        """The conversation waited here (`turn.asked`), and the customer said something."""
        return turn.fall_back("nothing here waits for an answer")

    def pick(self, turn: Turn) -> int | None:
        """Which of the choices offered here the customer's text names exactly."""
        return None

    def choose(self, turn: Turn, index: int) -> Next:
        """The customer picked a choice of this node, now or from an older message."""
        return self.answer(turn)

    def offer(self, turn: Turn) -> None:
        """Ask again what was asked here, and wait."""
        turn.wait(self.id)

    def timed_out(self, turn: Turn) -> Next:
        """The timer that was started here fired."""
        return turn.fall_back("a timer")

    def finished(self, turn: Turn, result: Result) -> Next:
        """The call that this node waited for ended."""
        return turn.fall_back("a result that nothing here waits for")

    def resume(self, turn: Turn, frame: Frame) -> Next:
        """What this node called, or one round of its loop, has ended; `frame` is off the stack already."""
        return self.follow(turn)

    def follow(self, turn: Turn) -> Next:
        """The first connection whose condition holds; None when there is none."""
        for connection in self.connections:
            if connection.condition is None or connection.condition.holds(turn):
                turn.delay_ms += connection.delay_ms
                turn.trace.append(connection.taken)
                return connection.target
        return None


class Tools:
    """What a node is built with: the little languages, each text compiled once, and what the gateway lends."""

    __slots__ = ("_conditions", "_expressions", "_named", "_spoken", "_templates", "embed", "languages")

    def __init__(
        self, named: Mapping[str, tuple[str, str]], embed: Embed | None, languages: Languages
    ) -> None:
        self._named = named
        """Condition name -> (expression, time zone)."""
        self._templates: dict[str, Template] = {}
        self._spoken: dict[tuple[str, str], Text] = {}
        self._expressions: dict[str, Expression] = {}
        self._conditions: dict[str, Condition] = {}
        self.embed = embed
        self.languages = languages

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

    def spoken(self, source: str, node: str = "") -> Text:
        """A template that customers read, in every language that it has. Raises TemplateSyntaxError."""
        node = node if self.languages.several else ""
        key = (node, source)
        if key not in self._spoken:
            others = self.languages.translated(source, node) if self.languages.several else {}
            self._spoken[key] = Text(
                self._template(source), {tag: self._template(other) for tag, other in others.items()}
            )
        return self._spoken[key]

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

    def menu(self, node: str, labels: Sequence[Label], descriptions: Sequence[Label] = ()) -> Menu:
        """The choices of a node; descriptions are empty, or as many as labels."""
        languages = self.languages.supported if self.languages.several else ()
        return Menu(node, labels, descriptions, languages)

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


def scalar(value: Any) -> Any:
    """For a validator: a value that is no list and no object."""
    if value is None or isinstance(value, str | int | float):
        return value
    raise ValueError("a value is a text, a number, true, false or null; write one of these")


def choice_id(node: str, index: int) -> str:
    """The `Choice.id` of a node's choice: short ASCII that stays the same from version to version."""
    return f"{crc32(node.encode()):x}:{index}"


def _literal(text: str) -> Template:
    return Template(source=text, parts=(text,), names=frozenset())
