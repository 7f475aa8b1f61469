"""`ai_answer`: lets a language model answer what the customer said."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pydantic import Field

from engine.effects import Generate
from engine.events import AnswerGenerated
from engine.fields import Name, SpokenText, TemplateText, VariableName
from engine.markup import Marked
from engine.messages import OutboundMessage
from engine.nodes.base import Connection, Next, Result, SpeakingConfig
from engine.nodes.calling import MARGIN_S, CallingNode
from engine.nodes.knowledge import passages_of
from engine.nodes.texts import Text
from engine.nodes.tools import Tools
from engine.saying import say
from engine.scopes import keep
from engine.waits import wait, wait_for

if TYPE_CHECKING:
    from engine.flow import NodeDefinition
    from engine.turn import Turn

MAX_COLLECTIONS = 20
MAX_HISTORY = 50


class AiAnswerConfig(SpeakingConfig):
    """Asks a language model. `response.text` is its answer, `response.passages` what it is grounded in."""

    prompt: TemplateText | None = Field(
        None, description="What is asked, a template; the customer's text if absent."
    )
    instructions: TemplateText | None = Field(None, description="How the model is to answer, a template.")
    history: int = Field(
        10, ge=0, le=MAX_HISTORY, description="How many earlier messages the model is shown."
    )
    collections: list[Name] | None = Field(
        None,
        max_length=MAX_COLLECTIONS,
        description="Knowledge bases that the answer is grounded in; an empty list means all, absent means none.",
    )
    model: Name = Field("", description="Name of the model; the deployment's own if empty.")
    temperature: float | None = Field(
        None, ge=0, le=2, description="How freely it writes; the model's own if absent."
    )
    max_tokens: int = Field(0, ge=0, le=32_000, description="The longest answer; the model's own limit if 0.")
    message: SpokenText | None = Field(
        None, description="What is said, a template that reads `response.text`; the answer itself if absent."
    )
    silent: bool = Field(False, description="Whether nothing is said, because only `variable` is wanted.")
    variable: VariableName | None = Field(None, description="Where the answer is stored.")
    timeout: int = Field(30, ge=1, le=120, description="Seconds for each attempt.")
    attempts: int = Field(1, ge=1, le=3, description="How often it is tried.")


class AiAnswerNode(CallingNode):
    """A compiled `ai_answer`."""

    __slots__ = ("_config", "_instructions", "_message", "_prompt", "_read")

    free_text = True

    def __init__(
        self,
        id: str,
        connections: tuple[Connection, ...],
        config: AiAnswerConfig,
        prompt: Text | None,
        instructions: Text | None,
        message: Text | None,
        read: Callable[[str], Marked],
    ) -> None:
        """`read` tells how an answer looks that is said as it was written."""
        super().__init__(id, connections)
        self._read = read
        self._config = config
        self._prompt = prompt
        self._instructions = instructions
        self._message = message

    def enter(self, turn: Turn) -> Next:
        prompt = (
            self._prompt(turn) if self._prompt is not None else turn.text if turn.unread else ""
        ).strip()
        if not prompt:
            wait(turn, self.id)
            return None
        return self._ask(turn, prompt)

    def answer(self, turn: Turn) -> Next:
        return self.enter(turn)

    def _ask(self, turn: Turn, prompt: str) -> Next:
        config = self._config
        instructions = self._instructions(turn) if self._instructions is not None else ""
        turn.unread = False
        wait_for(
            turn,
            self.id,
            lambda call: Generate(
                call=call,
                prompt=prompt,
                instructions=instructions,
                history=config.history,
                collections=tuple(config.collections) if config.collections is not None else None,
                model=config.model,
                temperature=config.temperature,
                max_tokens=config.max_tokens,
                language=turn.language,
                timeout_ms=config.timeout * 1000,
                attempts=config.attempts,
            ),
            config.timeout * config.attempts + MARGIN_S,
        )
        return None

    def response(self, result: Result) -> dict[str, Any]:
        text = result.text if isinstance(result, AnswerGenerated) else ""
        return {"text": text, "passages": passages_of(result), "error": result.error}

    def use(self, turn: Turn, result: Result) -> Next:
        text = turn.response["text"]
        if not text.strip():
            return self.failed(turn, "the model said nothing")
        if self._config.variable is not None:
            keep(turn, self._config.variable, text)
        if not self._config.silent:
            said, spans = self._message.said(turn) if self._message is not None else self._read(text)
            message = OutboundMessage(text=said, spans=spans)
            say(turn, message, self._config.delay, self._config.typing_indicator)
        return self.follow(turn)


def build(definition: NodeDefinition, config: AiAnswerConfig, tools: Tools) -> AiAnswerNode:
    """Compile."""

    def optional(source: str | None) -> Text | None:
        return tools.template(source) if source is not None else None

    message = (
        tools.spoken(config.message, definition.id, config.format) if config.message is not None else None
    )
    prompt, instructions = optional(config.prompt), optional(config.instructions)
    connections = tools.connections(definition)
    return AiAnswerNode(
        definition.id, connections, config, prompt, instructions, message, tools.reader(config.format)
    )
