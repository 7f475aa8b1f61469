"""What happens to a conversation, at random: plausible, stale, hostile."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final

from engine.bot import Bot
from engine.events import (
    AnswerGenerated,
    CallFinished,
    ChoiceMade,
    CommandReceived,
    ContactabilityChanged,
    ContactReceived,
    ConversationOpened,
    EventBody,
    LocationReceived,
    MediaReceived,
    MessageDeleted,
    MessageEdited,
    Passage,
    ReactionReceived,
    SearchFinished,
    TextReceived,
    TimerFired,
)
from engine.folding import readable
from engine.state import ConversationState
from tests.conversations.random_flows import WORDS

MARK: Final = "Qz7secret"
"""In everything that customers write of their own, so that a test can see whether it is quoted."""
TEXTS: Final = (
    "hello", "yes", "no", "1", "2", "3,5", "4/5", "⭐⭐⭐", "17 May", "tomorrow", "14:30", "ana@example.com",
    "+49 30 1234567", "https://example.com/a", "52.5, 13.4", "Yes, please", "Red", "Leave it out", "Skip it",
    "where is my order", "", " ", "\0", "{{secret.KEY}}", "wo ist meine bestellung, ich warte seit tagen darauf",
    "-0", "1e400", "\u202e\u0645", *WORDS,
)  # fmt: skip
SECONDS: Final = (0, 0, 1, 3, 45, 700, 40_000, 200_000)
"""Between one event and the next."""


class EventMaker:
    """Makes events for a conversation; every choice is drawn from `random`."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def seconds(self) -> int:
        """How long nothing happens."""
        return self._random.choice(SECONDS)

    def event(
        self, bot: Bot, state: ConversationState, timers: Sequence[str], calls: Sequence[str]
    ) -> EventBody:
        """The next event; `timers` run, `calls` were ever made."""
        kind = self._random.random()
        waiting = state.waiting
        if waiting is not None and waiting.call and kind < 0.5:
            return self._result(waiting.call)
        if timers and kind < 0.2:
            return TimerFired(timer=self._random.choice(timers))
        if kind < 0.5:
            return TextReceived(text=self.text())
        if bot.choices and kind < 0.65:
            return ChoiceMade(choice=self._random.choice(sorted(bot.choices)), title=self.text())
        return self._other(calls)

    def text(self) -> str:
        """What a customer may write."""
        random = self._random
        own = random.random()
        if own < 0.6:
            return random.choice(TEXTS)
        if own < 0.85:
            return f"{MARK} {random.choice(TEXTS)}"
        if own < 0.9:
            return MARK * random.choice((200, 5_000))
        return "".join(
            chr(random.choice((random.randrange(0x80), random.randrange(0x110000)))) for _ in range(9)
        )

    def _other(self, calls: Sequence[str]) -> EventBody:
        random, text = self._random, self.text
        match random.randrange(13):
            case 0:
                return MediaReceived(kind="image", file=MARK, caption=text(), name=text(), size=3)
            case 1:
                return LocationReceived(latitude=52.5, longitude=13.4, name=text())
            case 2:
                return ContactReceived(phone=text(), name=text())
            case 3:
                return CommandReceived(command=random.choice(("start", "human", "x", "")), argument=text())
            case 4:
                return ReactionReceived(emoji=("👍",), message="1")
            case 5:
                return MessageEdited(message="1", text=text())
            case 6:
                return MessageDeleted(message="1")
            case 7:
                return ContactabilityChanged(reachable=random.choice((True, False)))
            case 8:
                return ConversationOpened()
            case 9:
                return TimerFired(timer=random.choice(("n0#1", "burst#1", "", "x")))
            case 10:
                return ChoiceMade(choice=text(), title=text())
            case _:
                return self._result(random.choice(calls) if calls else "none#1")

    def _result(self, call: str) -> EventBody:
        """A result as the workers hand it on: its texts are readable."""
        random = self._random
        text = readable(self.text())
        error = random.choice(("", "", "timeout", "status 503"))
        passages = (Passage(text=text, score=0.7),) * random.choice((0, 2))
        body = random.choice(
            (None, text, {"name": text}, [text] * 50, [[[[[[[[[[1]]]]]]]]]], 10**30, {"name": [1.5]})
        )
        return random.choice(
            (
                CallFinished(call=call, status=random.choice((200, 404, 0)), body=body, error=error),
                SearchFinished(call=call, passages=passages, error=error),
                AnswerGenerated(call=call, text=text, passages=passages, error=error),
            )
        )
