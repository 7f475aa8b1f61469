"""`feedback`: asks for a rating from 1 to 5 and, if wanted, a comment; both go on record.

The rating is recorded at once, for most customers leave it at that; a comment follows as a record of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field

from engine.answers import Reading, read_integer
from engine.effects import Record
from engine.fields import Label, SpokenText, VariableName
from engine.nodes.base import Connection, Next, Node, SpeakingConfig
from engine.nodes.texts import Menu, Speech
from engine.nodes.titles import Titles, titles_of
from engine.nodes.tools import Tools
from engine.scopes import keep
from engine.waits import wait

if TYPE_CHECKING:
    from engine.flow import NodeDefinition
    from engine.turn import Turn

RATINGS: Final = ("1", "2", "3", "4", "5")
COMMENT: Final = "comment"
"""The stage in which the comment is asked for."""
MAX_COMMENT: Final = 2_000
MAX_RETRIES = 20
_STAR: Final = "⭐"


class FeedbackConfig(SpeakingConfig):
    """Asks for a rating, then for a comment when there is a `comment_message`."""

    message: SpokenText = Field(description="The question, a template.")
    name: Annotated[str, Field(max_length=100)] = Field("", description="What is rated; the record's name.")
    labels: list[Label] | None = Field(
        None,
        min_length=5,
        max_length=5,
        description="Titles of the five buttons, the worst first; 1 to 5 if absent.",
    )
    comment_message: SpokenText | None = Field(None, description="Asks for a comment, a template.")
    skip_text: Label | None = Field(None, description="The title of the button that leaves the comment out.")
    variable: VariableName | None = Field(None, description="Where the rating, 1 to 5, is stored.")
    comment_variable: VariableName | None = Field(None, description="Where the comment is stored.")
    retries: int = Field(1, ge=0, le=MAX_RETRIES, description="How often the rating is asked for again.")


class FeedbackNode(Node):
    """A compiled `feedback`. Its choices are the ratings, and after them the one that leaves the comment out."""

    __slots__ = ("_comment", "_config", "_rating", "_titles")

    free_text = True

    def __init__(
        self,
        id: str,
        connections: tuple[Connection, ...],
        rating: Speech,
        comment: Speech | None,
        menu: Menu,
        config: FeedbackConfig,
    ) -> None:
        super().__init__(id, connections, menu.choices)
        self._rating = rating
        self._comment = comment
        self._config = config
        self._titles = Titles(titles_of(menu.labels))

    def enter(self, turn: Turn) -> Next:
        turn.unread = False
        self._rating.say(turn)
        wait(turn, self.id)
        return None

    def offer(self, turn: Turn) -> None:
        asked = turn.asked
        stage = asked.stage if asked is not None else ""
        (self._comment if stage and self._comment is not None else self._rating).say(turn)
        wait(turn, self.id, attempts=asked.attempts if asked is not None else 0, stage=stage)

    def pick(self, turn: Turn) -> int | None:
        index = self._titles.find(turn)
        commenting = turn.waiting is not None and bool(turn.waiting.stage)
        # What is typed counts for what is on offer: "5" may be a comment, and nobody was asked to skip the rating.
        return index if index is not None and (index >= len(RATINGS)) is commenting else None

    def choose(self, turn: Turn, index: int) -> Next:
        turn.unread = False
        return self._rated(turn, index + 1) if index < len(RATINGS) else self.follow(turn)

    def answer(self, turn: Turn) -> Next:
        asked = turn.asked
        turn.unread = False
        if asked is not None and asked.stage:
            return self._commented(turn, _rating_of(asked.stage), turn.text.strip()[:MAX_COMMENT])
        rating = read_rating(turn.text, turn.reading_language)
        if rating is not None:
            return self._rated(turn, rating)
        attempts = asked.attempts + 1 if asked is not None else 1
        turn.note("input", self.id, f"no rating; {attempts} of {self._config.retries} retries")
        if attempts > self._config.retries:
            return self.follow(turn)
        self._rating.say(turn)
        wait(turn, self.id, attempts=attempts)
        return None

    def _rated(self, turn: Turn, rating: int) -> Next:
        if self._config.variable is not None:
            keep(turn, self._config.variable, rating)
        self._record(turn, {"rating": rating})
        turn.note("feedback", self.id, value=rating)
        if self._comment is None:
            return self.follow(turn)
        self._comment.say(turn)
        wait(turn, self.id, stage=f"{COMMENT} {rating}")
        return None

    def _commented(self, turn: Turn, rating: int, comment: str) -> Next:
        if comment:
            if self._config.comment_variable is not None:
                keep(turn, self._config.comment_variable, comment)
            self._record(turn, {"rated": rating, "comment": comment})
            turn.note("feedback", self.id, "commented")
        return self.follow(turn)

    def _record(self, turn: Turn, properties: dict[str, Any]) -> None:
        turn.effects.append(Record(kind="feedback", name=self._config.name or self.id, properties=properties))


def read_rating(text: str, language: str = "") -> int | None:
    """A rating as people write it: `4`, `4/5`, `⭐⭐⭐⭐`, `four`."""
    stars = text.count(_STAR)
    if stars:
        return stars if stars <= len(RATINGS) else None
    number = read_integer(text.strip().removesuffix("/5"), Reading(language))
    return number if number is not None and 1 <= number <= len(RATINGS) else None


def _rating_of(stage: str) -> int:
    return int(stage.rpartition(" ")[2])


def build(definition: NodeDefinition, config: FeedbackConfig, tools: Tools) -> FeedbackNode:
    """Compile."""
    id = definition.id
    ratings = [tools.label(text, id) for text in (config.labels or RATINGS)]
    comment = None
    labels = ratings
    if config.comment_message is not None:
        skip = tools.label(config.skip_text, id) if config.skip_text else tools.sentence_label("skip")
        labels = [*ratings, skip]
        text = tools.spoken(config.comment_message, id, config.format)
        comment = Speech(text, SpeakingConfig(), tools.menu(id, labels).only(slice(len(RATINGS), None)))
    menu = tools.menu(id, labels)
    rating = Speech(
        tools.spoken(config.message, id, config.format), config, menu.only(slice(0, len(RATINGS)))
    )
    return FeedbackNode(id, tools.connections(definition), rating, comment, menu, config)
