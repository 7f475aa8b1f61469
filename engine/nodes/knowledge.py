"""`knowledge`: answers from the bot's documents with the passages that fit best."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pydantic import Field

from engine.effects import Search
from engine.fields import Name, NodeRef, SpokenText, TemplateText, VariableName
from engine.markup import Marked
from engine.messages import OutboundMessage
from engine.nodes.base import Connection, Next, Result, SpeakingConfig
from engine.nodes.calling import MARGIN_S, CallingNode
from engine.nodes.texts import Text
from engine.nodes.tools import Tools
from engine.saying import say
from engine.scopes import keep
from engine.waits import wait, wait_for

if TYPE_CHECKING:
    from engine.flow import NodeDefinition
    from engine.turn import Turn

MAX_PASSAGES = 20


class KnowledgeConfig(SpeakingConfig):
    """Searches for what the customer said. `response.passages` are the passages, best first."""

    query: TemplateText | None = Field(
        None, description="What to look for, a template; the customer's text if absent."
    )
    collections: list[Name] = Field(
        default_factory=list,
        max_length=MAX_PASSAGES,
        description="Names of knowledge bases; all of them if empty.",
    )
    limit: int = Field(3, ge=1, le=MAX_PASSAGES, description="How many passages at most.")
    minimum_score: float = Field(0.3, ge=0, le=1, description="Passages that fit less are left out.")
    message: SpokenText | None = Field(
        None,
        description="What is said, a template that reads `response.passages`; the best passage if absent.",
    )
    silent: bool = Field(False, description="Whether nothing is said, because only `variable` is wanted.")
    variable: VariableName | None = Field(None, description="Where the passages are stored, as a list.")
    not_found_target: NodeRef | None = Field(
        None, description="Id of the node to go to when nothing fits; otherwise the flow's fallback node."
    )
    timeout: int = Field(10, ge=1, le=60, description="Seconds.")


class KnowledgeNode(CallingNode):
    """A compiled `knowledge`."""

    __slots__ = ("_config", "_message", "_query", "_read")

    free_text = True

    def __init__(
        self,
        id: str,
        connections: tuple[Connection, ...],
        config: KnowledgeConfig,
        query: Text | None,
        message: Text | None,
        read: Callable[[str], Marked],
    ) -> None:
        """`read` tells how a passage looks that is said as it was found."""
        super().__init__(id, connections)
        self._read = read
        self._config = config
        self._query = query
        self._message = message

    def enter(self, turn: Turn) -> Next:
        query = (self._query(turn) if self._query is not None else turn.text if turn.unread else "").strip()
        if not query:
            wait(turn, self.id)
            return None
        return self._search(turn, query)

    def answer(self, turn: Turn) -> Next:
        return self.enter(turn)

    def _search(self, turn: Turn, query: str) -> Next:
        config = self._config
        turn.unread = False
        wait_for(
            turn,
            self.id,
            lambda call: Search(
                call=call,
                query=query,
                collections=tuple(config.collections),
                limit=config.limit,
                minimum_score=config.minimum_score,
                language=turn.language,
                timeout_ms=config.timeout * 1000,
            ),
            config.timeout + MARGIN_S,
        )
        return None

    def response(self, result: Result) -> dict[str, Any]:
        return {"passages": passages_of(result), "error": result.error}

    def use(self, turn: Turn, result: Result) -> Next:
        passages = turn.response["passages"]
        if self._config.variable is not None:
            keep(turn, self._config.variable, passages)
        if not passages:
            turn.note("search", self.id, "nothing found")
            return self._config.not_found_target or turn.fall_back("nothing was found")
        turn.note("search", self.id, "found", len(passages))
        if not self._config.silent:
            best = passages[0]["text"]
            text, spans = self._message.said(turn) if self._message is not None else self._read(best)
            message = OutboundMessage(text=text, spans=spans)
            say(turn, message, self._config.delay, self._config.typing_indicator)
        return self.follow(turn)


def passages_of(result: Result) -> list[dict[str, Any]]:
    """The passages of a result as plain data."""
    passages = () if not hasattr(result, "passages") else result.passages
    return [
        {"text": passage.text, "score": passage.score, "title": passage.title, "source": passage.source}
        for passage in passages
    ]


def build(definition: NodeDefinition, config: KnowledgeConfig, tools: Tools) -> KnowledgeNode:
    """Compile."""
    return KnowledgeNode(
        definition.id,
        tools.connections(definition),
        config,
        tools.template(config.query) if config.query is not None else None,
        tools.spoken(config.message, definition.id, config.format) if config.message is not None else None,
        tools.reader(config.format),
    )
