"""What happens to a conversation, at random: plausible, stale, hostile."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final, Literal, TypeAlias

from engine.bot import Bot
from engine.events import (
    AlbumReceived,
    AnswerGenerated,
    CallFinished,
    ChoiceMade,
    CommandReceived,
    ContactabilityChanged,
    ContactReceived,
    Context,
    ConversationOpened,
    EventBody,
    FormSubmitted,
    HumanReplied,
    IdentityChanged,
    LocationReceived,
    MediaReceived,
    MembersChanged,
    MessageDeleted,
    MessageEdited,
    OrderItem,
    OrderPlaced,
    Passage,
    PollAnswered,
    QueryReceived,
    ReactionReceived,
    Referral,
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


Place: TypeAlias = Literal["private", "group", "channel"]


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
        if bot.pages and kind < 0.53:
            return ChoiceMade(choice=f"{self._random.choice(sorted(bot.pages))}{self._random.randrange(4)}")
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

    def context(self) -> Context | None:
        """Under which circumstances it comes: most often there is nothing to tell."""
        random = self._random
        if random.random() < 0.7:
            return None
        places: tuple[Place, ...] = ("private", "group", "group", "channel")
        return Context(
            place=random.choice(places),
            title=MARK,
            reply_to="9",
            quote=self.text(),
            mentioned=random.choice((True, False)),
            overheard=random.choice((True, False)),
            referral=random.choice((None, Referral(source="ad", text=self.text(), payload="p"))),
        )

    def _other(self, calls: Sequence[str]) -> EventBody:
        random, text = self._random, self.text
        match random.randrange(24):
            case 0 | 13 | 14:
                album = random.choice(("", "a1", "a1", "a2"))
                return MediaReceived(
                    kind="image", file=MARK, caption=text(), name=text(), size=3, album=album
                )
            case 15:
                items = tuple(MediaReceived(kind="audio", file=MARK) for _ in range(random.randrange(4)))
                return AlbumReceived(items=items, caption=text())
            case 16:
                return FormSubmitted(form="f", values={"name": text(), "n": 3}, title=text())
            case 17:
                items_ = (OrderItem(product="p", quantity=2, price="9.50", currency="EUR"),)
                return OrderPlaced(items=items_, text=text())
            case 18:
                return PollAnswered(poll="1", options=(0, 2))
            case 19:
                return QueryReceived(query="q1", text=text())
            case 20:
                return MembersChanged(joined=(text(),), bot=random.choice((True, False)))
            case 21:
                return HumanReplied(text=text(), agent=MARK)
            case 22:
                return IdentityChanged(old=MARK, new="2")
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
