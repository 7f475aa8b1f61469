"""The one step: a state and an event become the next state, what is to be done, and an account of why.

What a customer's message does, the first line that fits (`_decide`, `_read` and `_next` are this table):

    control   the message is                            what follows
    --------  ----------------------------------------  ------------------------------------------------
    any       in a group, and names nobody              nothing (see `engine.origins`)
    bot       a button that leafs through a menu        another page of it; nothing else
    any       the whole text an opt-out word            it is recorded and confirmed; nothing else (a choice that
                                                        the flow offers is that choice, whatever its title)
    human     a keyword of priority high                the action; the bot has the conversation again
    human     anything else                             nothing: a human answers
    waiting   a keyword of priority high, or the whole  the action, or the start; the bot has the
              text a keyword, or /start                 conversation again
    waiting   anything else                             nothing: a human will answer
    bot       /start                                    a new session at the start node
    bot       a keyword of priority high                the action
    bot       a keyword (where: see engine.actions)     the action
              that is not the exact answer to the
              choices on offer
    bot       a piece of an album                       it is held until no more come, then they are read as one
    bot       text, and the flow gathers bursts         it is held until the window closes, then read
    bot       text while a call is running              it is held until the result is there; what carries no
                                                        text is ignored
    bot       more than max_turns turns                 the fallback node; the turns are counted anew
    bot       a choice by click, or by name, value or   the choice at the node that offered it
              number of the choices on offer
    bot       the first of a session                    the start node
    bot       anything, a node waits                    that node's `answer`
    bot       anything, no node waits                   the fallback node, or the start node when there is none

A session is new when the flow has never run, has ended, no longer has the node where it stood, or was silent for
longer than its timeout. Timers and the results of calls reach the node that waits for them, and are ignored when the
conversation has moved past it. Everything else that can happen (reactions, edits, forms, …) is for the node that waits
for it, or for a global action that names it (`engine.occasions`); a human's reply in the platform's own app takes the
conversation, and an inline query is answered without a change.

The step is pure: the same arguments give the same outcome, and it never raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, assert_never

import msgspec

from engine.actions import Called, called_by, perform
from engine.bot import Bot
from engine.events import (
    AlbumReceived,
    AnswerGenerated,
    CallFinished,
    ChoiceMade,
    CommandReceived,
    ContactabilityChanged,
    ContactReceived,
    ConversationOpened,
    EventBody,
    FormSubmitted,
    HumanReplied,
    IdentityChanged,
    InboundEvent,
    LocationReceived,
    MediaReceived,
    MembersChanged,
    MessageDeleted,
    MessageEdited,
    OrderPlaced,
    PollAnswered,
    QueryReceived,
    ReactionReceived,
    SearchFinished,
    TextReceived,
    TimerFired,
)
from engine.folding import fold, readable
from engine.gathering import gathers, holds, read_album, read_burst, stop_gathering
from engine.languages import detect_language
from engine.nodes.base import Next, Node
from engine.occasions import (
    UNASKED,
    answer_query,
    give_back,
    go_back,
    human_replied,
    opened,
    page_of,
    show_page,
    taker_of,
)
from engine.opt_out import opts_out
from engine.origins import overhears, recall
from engine.running import guarded, run
from engine.sessions import end_silence, waiting_node, why_fresh
from engine.state import ConversationState, Customer, Outcome, TraceEntry
from engine.turn import Turn
from engine.waking import finish_call, wake

START = "start"
"""The command that begins anew, on every platform."""
NO_WORDS: Final[frozenset[str]] = frozenset()
_NOTHING: Mapping[str, Any] = MappingProxyType({})


def step(
    bot: Bot,
    state: ConversationState,
    event: InboundEvent,
    customer: Customer,
    now: datetime,
    *,
    shared: Mapping[str, Any] = _NOTHING,
    channel: str = "",
    opt_out_words: frozenset[str] = NO_WORDS,
) -> Outcome:
    """Decide what follows from `event`. Never raises.

    `now` is aware, in UTC; `shared` has the variables of scope `bot`; `channel` is the platform's name;
    `opt_out_words` opt out on this channel whatever the flow says (folded by `engine.folding.fold`).
    """
    turn = Turn(bot, state, customer, now, shared, channel, event.message, event.context, opt_out_words)
    try:
        _decide(turn, event.body)
    except Exception as error:  # a turn that fails in the engine itself changes nothing but tells why
        failed = TraceEntry(kind="error", at=state.node, detail=type(error).__name__)
        kept = msgspec.structs.replace(state, last_event_at=now)
        return Outcome(state=kept, effects=(), trace=(*turn.trace, failed))
    return turn.outcome()


def _decide(turn: Turn, body: EventBody) -> None:
    turn.event = body
    if overhears(turn, body):
        recall(turn)
        turn.ignore("in a group, and not meant for the bot")
        return
    match body:
        case TextReceived():
            _hear(turn, body.text)
        case ChoiceMade():
            choice = turn.bot.choices.get(body.choice)
            if choice is not None:
                _hear(turn, choice[0].choices[choice[1]].title, choice=choice)
            else:
                _pressed(turn, body)
        case CommandReceived():
            _hear(turn, f"/{body.command} {body.argument}".rstrip(), command=fold(body.command))
        case MediaReceived():
            if not gathers(turn, body):
                _hear(turn, body.caption)
            else:
                turn.history += 1
                end_silence(turn)
        case AlbumReceived():
            _hear(turn, body.caption)
        case LocationReceived():
            _hear(turn, "")
        case ContactReceived():
            _hear(turn, "", contact=body.phone)
        case ConversationOpened():
            opened(turn)
        case TimerFired():
            recall(turn)
            _timer_fired(turn, body.timer)
        case CallFinished() | SearchFinished() | AnswerGenerated():
            recall(turn)
            finish_call(turn, body)
        case QueryReceived():
            answer_query(turn, body)
        case HumanReplied():
            human_replied(turn)
        case FormSubmitted() | OrderPlaced() | ReactionReceived() | MessageEdited() | MessageDeleted():
            _happened(turn, body)
        case PollAnswered() | MembersChanged() | IdentityChanged() | ContactabilityChanged():
            _happened(turn, body)
        case _:
            assert_never(body)


def _pressed(turn: Turn, body: ChoiceMade) -> None:
    """A button that is none of the flow's choices: it leafs through a menu, or says what stands on it."""
    page = page_of(turn.bot, body.choice)
    if page is None:
        _hear(turn, body.title)
        return
    end_silence(turn)
    show_page(turn, *page, stale=bool(why_fresh(turn)))


def _happened(turn: Turn, body: EventBody) -> None:
    """Something that is said in no words: for the node that waits for it, or for a global action."""
    fresh = why_fresh(turn)
    node = waiting_node(turn, fresh)
    taker = taker_of(turn, body, node)
    if taker is None:
        return
    if not isinstance(body, UNASKED):
        end_silence(turn)
    action = taker if isinstance(taker, Called) else None
    _answer(turn, fresh, node, None, "", action)
    if action is not None and node is not None and not action.action.clear_context:
        go_back(turn)


def _hear(
    turn: Turn,
    text: str,
    *,
    choice: tuple[Node, int] | None = None,
    command: str = "",
    contact: str = "",
) -> None:
    """The customer said something."""
    turn.text = text if choice is not None else readable(text)  # titles were made readable when compiled
    turn.contact = contact
    turn.unread = True
    turn.history += 1
    end_silence(turn)
    if turn.echoed:
        give_back(turn)
    _read(turn, choice, command)


def _read(turn: Turn, choice: tuple[Node, int] | None, command: str) -> None:
    """What was said is there to be read, at once or after it was held."""
    if turn.bot.detect is not None and not turn.chosen_language:
        detect_language(turn)
    if (turn.bot.opt_out is not None or turn.opt_out_words) and choice is None and opts_out(turn, command):
        return
    fresh = why_fresh(turn)
    node = waiting_node(turn, fresh)
    action = None
    if turn.control != "bot" or choice is None:
        if node is not None and not command and (picked := node.pick(turn)) is not None:
            choice = (node, picked)
        action = called_by(turn, node, choice, command)
    if turn.control != "bot" and action is None and not _takes_back(turn, command):
        turn.note("ignored", detail="a human answers" if turn.control == "human" else "a human will answer")
        return
    if choice is None and action is None and command != START and holds(turn, fresh):
        return
    stop_gathering(turn, kept=choice is None and action is None and command != START)
    _answer(turn, fresh, node, choice, command, action)


def _takes_back(turn: Turn, command: str) -> bool:
    """Whether the customer may begin anew, though a human has the conversation."""
    return command == START and (turn.control == "waiting" or turn.echoed)


def _answer(
    turn: Turn,
    fresh: str,
    node: Node | None,
    choice: tuple[Node, int] | None,
    command: str,
    action: Called | None,
) -> None:
    turn.begin_answer()
    if fresh:
        turn.renew(fresh)
    else:
        turn.turns += 1
    run(turn, guarded(turn, lambda: _next(turn, node, choice, command, action)))


def _timer_fired(turn: Turn, timer: str) -> None:
    """What was gathered is read now, or waiting ends."""
    if timer == turn.burst and timer:
        _burst_over(turn)
    elif turn.album is not None and timer == turn.album.timer:
        _album_over(turn)
    else:
        wake(turn, timer)


def _album_over(turn: Turn) -> None:
    """No more pieces come: what was gathered is read as one message."""
    if read_album(turn, why_fresh(turn)):
        _read(turn, None, "")


def _burst_over(turn: Turn) -> None:
    """The window has closed: what was gathered is read as one text."""
    fresh = why_fresh(turn)
    if not read_burst(turn, fresh):
        return
    node = waiting_node(turn, fresh)
    picked = node.pick(turn) if node is not None else None
    choice = (node, picked) if node is not None and picked is not None else None
    _answer(turn, fresh, node, choice, "", called_by(turn, node, choice, ""))


def _next(
    turn: Turn,
    node: Node | None,
    choice: tuple[Node, int] | None,
    command: str,
    action: Called | None,
) -> Next:
    """The table of transitions, from the top."""
    if command == START:
        return _restart(turn)
    if action is not None:
        return perform(turn, action)
    if _over_the_limit(turn):
        return turn.fall_back(f"more than {turn.bot.max_turns} turns")
    if choice is not None:
        if choice[0] is not node:
            turn.leave()
        turn.node = choice[0].id
        return choice[0].choose(turn, choice[1])
    if not turn.node:
        return turn.start()
    if node is not None:
        return node.answer(turn)
    if turn.bot.fallback:
        return turn.fall_back("nothing waits for an answer")
    turn.renew("nothing waits for an answer")
    return turn.start()


def _restart(turn: Turn) -> Next:
    turn.unread = False
    turn.control = "bot"
    turn.renew("the command /start")
    return turn.start()


def _over_the_limit(turn: Turn) -> bool:
    bot = turn.bot
    if not bot.max_turns or turn.turns <= bot.max_turns:
        return False
    turn.note("limit", detail=f"max_turns {bot.max_turns}")
    turn.turns = 0
    return bool(bot.fallback)
