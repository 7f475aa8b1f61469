"""What happens that is no word of the customer's: reactions, forms, orders, members, a human's reply, an inline query.

A node that waits for such an event takes it; else the first global action that names it in `events` and whose
conditions hold is performed; else it changes nothing. A conversation that is opened is greeted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from engine.actions import EVENT, Called
from engine.effects import Send
from engine.events import (
    ContactabilityChanged,
    EventBody,
    FormSubmitted,
    IdentityChanged,
    MembersChanged,
    MessageDeleted,
    MessageEdited,
    OrderPlaced,
    PollAnswered,
    QueryReceived,
    ReactionReceived,
)
from engine.flow_types import EventName
from engine.folding import readable
from engine.gathering import stop_gathering
from engine.messages import InlineAnswer, OutboundMessage
from engine.running import run
from engine.turn import error_words
from engine.waits import keep_waiting

if TYPE_CHECKING:
    from engine.actions import GlobalAction
    from engine.bot import Bot
    from engine.nodes.base import Node
    from engine.turn import Turn

EVENTS: Final[Mapping[type[EventBody], EventName]] = {
    ReactionReceived: "reaction",
    MessageEdited: "edit",
    MessageDeleted: "deletion",
    PollAnswered: "poll_answer",
    FormSubmitted: "form",
    OrderPlaced: "order",
    MembersChanged: "members",
    IdentityChanged: "identity",
    ContactabilityChanged: "contactability",
}
"""What a global action calls them."""
UNASKED: Final = (MembersChanged, IdentityChanged, ContactabilityChanged)
"""Nothing that the customer said or did to the bot: an answer to it is one to nothing."""


def taker_of(turn: Turn, body: EventBody, node: Node | None) -> Node | Called | None:
    """Who takes the event: `node`, which waits, or an action; None when it changes nothing, which the trace tells."""
    if turn.opted_out and isinstance(body, UNASKED):
        turn.ignore(f"{type(body).__name__}; the customer has opted out")
        return None
    if isinstance(body, FormSubmitted | OrderPlaced):
        turn.history += 1
        turn.text = readable(body.text) if isinstance(body, OrderPlaced) else ""
    if node is not None and turn.control == "bot" and node.takes(body):
        turn.unread = True
        return node
    called = _action_for(turn, body)
    if called is None:
        turn.ignore(type(body).__name__)
        return None
    if turn.waiting is not None and turn.waiting.call:
        if node is not None and not called.action.high:
            turn.ignore("a call is running", node.id)
            return None
        stop_gathering(turn, kept=False)
    return called


def go_back(turn: Turn) -> None:
    """What an event called for leads no further: what the conversation waited for it waits for again."""
    if turn.waiting is not None or turn.control != "bot" or not turn.node:
        return
    turn.asked = turn.state.waiting
    keep_waiting(turn)
    turn.node, turn.stack = turn.state.node, turn.state.stack
    turn.note("return", turn.node)


def _action_for(turn: Turn, body: EventBody) -> Called | None:
    """The first action for the event whose conditions hold."""
    name = EVENTS[type(body)]
    for action in turn.bot.actions.by_event.get(name, ()):
        if (turn.control == "bot" or action.high) and _holds(turn, action):
            return Called(action, f"{EVENT}{name}", met=True)
    return None


def _holds(turn: Turn, action: GlobalAction) -> bool:
    try:
        return all(condition.holds(turn) for condition in action.conditions)
    except Exception as error:  # a condition that can't be evaluated does not hold, and the trace says why
        turn.note("error", action.name, error_words(error))
        return False


def opened(turn: Turn) -> None:
    """Greet, but only who has not been greeted and has said nothing."""
    if turn.control != "bot" or turn.node or turn.history:
        turn.ignore("the conversation has begun already")
        return
    turn.begin_answer()
    turn.renew("the conversation was opened")
    run(turn, turn.start())


def human_replied(turn: Turn) -> None:
    """Somebody answered by hand, in the platform's own app: the conversation is theirs."""
    if not turn.bot.echo_takes_over:
        turn.ignore("a human's reply; the bot goes on")
        return
    if turn.control != "human":
        turn.control = "human"
        turn.echoed = True
    turn.note("control", detail="a human answered in the platform's own app", value="human")


def give_back(turn: Turn) -> None:
    """When nobody has said anything for as long as a session lasts, the bot answers again."""
    last, timeout = turn.state.last_event_at, turn.bot.timeout
    if not (turn.echoed and turn.control == "human" and timeout) or last is None:
        return
    if (turn.now - last).total_seconds() > timeout:
        turn.control = "bot"
        turn.note("control", detail=f"silent for more than {timeout} s", value="bot")


def answer_query(turn: Turn, body: QueryReceived) -> None:
    """Answer what is typed in another chat; nothing of this conversation changes."""
    turn.silence_lasts = True
    if turn.bot.inline is None:
        turn.ignore(type(body).__name__)
        return
    turn.text = readable(body.text)
    results = turn.bot.inline.find(turn, body.text)
    message = OutboundMessage(
        inline=InlineAnswer(query=body.query, results=results),
        language=turn.language if turn.bot.languages.several else "",
    )
    turn.effects.append(Send(message=message))
    turn.note("inline", detail="answered", value=len(results))


def page_of(bot: Bot, choice: str) -> tuple[Node, int] | None:
    """The menu and its page that a button leads to; None when it is none that leafs."""
    head, mark, page = choice.rpartition("p")
    node = bot.pages.get(head + mark) if mark and page.isdecimal() and len(page) <= 3 else None
    return None if node is None else (node, int(page))


def show_page(turn: Turn, node: Node, page: int, *, stale: bool) -> None:
    """Leaf through a menu: it is shown again, and the conversation stands where it stood.

    It counts as no turn and no message; the silence ends, unless the session was over (`stale`) already.
    """
    if turn.control != "bot":
        turn.note("ignored", detail="a human answers")
        return
    turn.silent = 0
    turn.silence_lasts = stale
    try:
        node.show_page(turn, page)
    except Exception as error:  # its text can't be filled in any more: the page stays as it is
        turn.note("error", node.id, error_words(error))
        return
    turn.note("page", node.id, value=page + 1)
