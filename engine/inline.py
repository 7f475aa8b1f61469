"""Inline answers: what a customer gets to see who types the bot's name and a query in another chat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from engine.errors import EngineError
from engine.folding import fold
from engine.messages import InlineResult
from engine.nodes.content import web_address
from engine.nodes.texts import Text

if TYPE_CHECKING:
    from engine.turn import Turn

MAX_RESULTS: Final = 20
MAX_WORDS: Final = 20
"""Words of a query that are looked at."""


class Answer:
    """A compiled inline answer. Its words are known beforehand where nothing in it varies."""

    __slots__ = ("_description", "_keywords", "_text", "_thumbnail", "_title", "_words")

    def __init__(
        self,
        title: Text,
        text: Text,
        description: Text | None,
        thumbnail: Text | None,
        keywords: Sequence[str],
    ) -> None:
        self._title = title
        self._text = text
        self._description = description
        self._thumbnail = thumbnail
        self._keywords = tuple(word for keyword in keywords for word in fold(keyword).split(" "))
        fixed = [title.constant, "" if description is None else description.constant]
        self._words = None if None in fixed else self._found_by(*map(str, fixed))

    def likeness(self, turn: Turn, query: Sequence[str]) -> int:
        """How many of the query's words are the beginning of one of its own."""
        words = self._words
        if words is None:
            words = self._found_by(self._title(turn), self._description(turn) if self._description else "")
        return sum(any(word.startswith(asked) for word in words) for asked in query)

    def result(self, turn: Turn, id: str) -> InlineResult | None:
        """None when it has no title or no text for this customer."""
        title, text = self._title(turn).strip(), self._text(turn).strip()
        if not title or not text:
            return None
        return InlineResult(
            id=id,
            title=title,
            text=text,
            description=self._description(turn).strip() if self._description else "",
            thumbnail=web_address(self._thumbnail(turn)) if self._thumbnail else "",
        )

    def _found_by(self, title: str, description: str) -> frozenset[str]:
        return frozenset((*fold(title).split(" "), *fold(description).split(" "), *self._keywords)) - {""}


class InlineAnswers:
    """All of a flow's inline answers, in their order."""

    __slots__ = ("_answers",)

    def __init__(self, answers: Sequence[Answer]) -> None:
        self._answers = tuple(answers)

    def find(self, turn: Turn, query: str) -> tuple[InlineResult, ...]:
        """Those that have most of the query's words, the first ones when it is empty; at most MAX_RESULTS."""
        words = fold(query).split(" ")[:MAX_WORDS]
        ranked: list[tuple[int, int]] = []
        for index, answer in enumerate(self._answers):
            likeness = answer.likeness(turn, words) if words != [""] else 1
            if likeness:
                ranked.append((-likeness, index))
        found: list[InlineResult] = []
        for _, index in sorted(ranked):
            try:
                result = self._answers[index].result(turn, str(index))
            except EngineError as error:
                turn.note("error", f"inline_answers[{index}]", f"{type(error).__name__}: {error}")
                continue
            found += [result] if result is not None else []
            if len(found) == MAX_RESULTS:
                break
        return tuple(found)
