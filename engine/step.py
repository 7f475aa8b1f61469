"""The one step: a state and an event become the next state, what is to be done, and an account of why.

What a customer's message does, the first line that fits (`_hear` and `_next` are this table):

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
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final, assert_never

import msgspec

from engine.actions import OPT_IN_WORDS, Called, opt_out, perform
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
from engine.languages import MIN_DETECTED_LETTERS, MIN_PROBABILITY
from engine.nodes.base import Next, Node, Result
from engine.occasions import UNASKED, action_for, answer_query, give_back, human_replied, page_of, show_page
from engine.origins import overhears, recall
from engine.quiet import end_of_quiet
from engine.running import guarded, run
from engine.state import ConversationState, Customer, Outcome, TraceEntry, Waiting
from engine.turn import Turn
from engine.waits import keep_waiting, start_timer

START = "start"
"""The command that begins anew, on every platform."""
QUIET_AFTER = timedelta(minutes=5)
"""From how long after the customer's last word on a message is one that answers nothing."""
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
                _hear_again(turn)
        case AlbumReceived():
            _hear(turn, body.caption)
        case LocationReceived():
            _hear(turn, "")
        case ContactReceived():
            _hear(turn, "", contact=body.phone)
        case ConversationOpened():
            _opened(turn)
        case TimerFired():
            recall(turn)
            _timer_fired(turn, body.timer)
        case CallFinished() | SearchFinished() | AnswerGenerated():
            recall(turn)
            _call_finished(turn, body)
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
    _hear_again(turn)
    show_page(turn, *page, stale=bool(_why_fresh(turn)))


def _happened(turn: Turn, body: EventBody) -> None:
    """Something that is said in no words: for the node that waits for it, or for a global action."""
    asked = not isinstance(body, UNASKED)
    if turn.opted_out and not asked:
        turn.ignore(f"{type(body).__name__}; the customer has opted out")
        return
    if isinstance(body, FormSubmitted | OrderPlaced):
        turn.history += 1
        turn.text = readable(body.text) if isinstance(body, OrderPlaced) else ""
    fresh = _why_fresh(turn)
    node = _waiting_node(turn, fresh)
    if node is not None and turn.control == "bot" and node.takes(body):
        turn.unread = True
        action = None
    elif (action := action_for(turn, body)) is None:
        turn.ignore(type(body).__name__)
        return
    elif turn.waiting is not None and turn.waiting.call:
        if node is not None and not action.action.high:
            turn.ignore("a call is running", node.id)
            return
        stop_gathering(turn, kept=False)
    if asked:
        _hear_again(turn)
    _answer(turn, fresh, node, None, "", action)
    if action is not None and node is not None and not action.action.clear_context:
        _go_back(turn)


def _go_back(turn: Turn) -> None:
    """What an event called for leads no further: what the conversation waited for it waits for again."""
    if turn.waiting is not None or turn.control != "bot" or not turn.node:
        return
    turn.asked = turn.state.waiting
    keep_waiting(turn)
    turn.node, turn.stack = turn.state.node, turn.state.stack
    turn.note("return", turn.node)


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
    _hear_again(turn)
    if turn.echoed:
        give_back(turn)
    _read(turn, choice, command)


def _hear_again(turn: Turn) -> None:
    """The customer is there."""
    turn.silent = 0
    turn.calls = 0
    if turn.bot.quiet_hours is not None:
        turn.heard_at = turn.now


def _read(turn: Turn, choice: tuple[Node, int] | None, command: str) -> None:
    """What was said is there to be read, at once or after it was held."""
    if turn.bot.detect is not None and not turn.chosen_language:
        _detect_language(turn)
    if (turn.bot.opt_out is not None or turn.opt_out_words) and choice is None and _opts_out(turn, command):
        return
    fresh = _why_fresh(turn)
    node = _waiting_node(turn, fresh)
    action = None
    if turn.control != "bot" or choice is None:
        if node is not None and not command and (picked := node.pick(turn)) is not None:
            choice = (node, picked)
        action = _action(turn, node, choice, command)
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


def _detect_language(turn: Turn) -> None:
    """A long enough text tells the conversation's language, when nothing has told it yet; a button's title doesn't."""
    bot = turn.bot
    if not isinstance(turn.event, TextReceived | MediaReceived | AlbumReceived):
        return
    letters = sum(map(str.isalpha, turn.text[:200]))
    if bot.detect is None or letters < MIN_DETECTED_LETTERS:
        return
    tag, probability = bot.detect(turn.text, bot.languages.supported)
    language = bot.languages.resolve(tag) if probability >= MIN_PROBABILITY else ""
    if language:
        turn.speak(language, "detected")


def _opts_out(turn: Turn, command: str) -> bool:
    """Whether the message is an opt-out word, of the flow or of the channel, which is then done with."""
    words = turn.bot.opt_out
    for keyword, whole in words.words.find(turn.folded) if words is not None else ():
        if whole and (keyword.value or turn.opted_out):
            opt_out(turn, out=keyword.value)
            return True
    if not turn.opt_out_words:
        return False
    out = turn.folded in turn.opt_out_words
    if out or (turn.opted_out and not command and turn.folded in OPT_IN_WORDS):
        opt_out(turn, out=out, of_channel=True)
        return True
    return False


def _waiting_node(turn: Turn, fresh: str) -> Node | None:
    """The node that waits, unless a new session begins."""
    return turn.bot.nodes.get(turn.waiting.node) if turn.waiting is not None and not fresh else None


def _album_over(turn: Turn) -> None:
    """No more pieces come: what was gathered is read as one message."""
    calling = turn.waiting is not None and bool(turn.waiting.call) and not _why_fresh(turn)
    if read_album(turn, calling=calling):
        _read(turn, None, "")


def _burst_over(turn: Turn) -> None:
    """The window has closed: what was gathered is read as one text."""
    if not read_burst(turn):
        return
    fresh = _why_fresh(turn)
    if turn.waiting is not None and turn.waiting.call and not fresh:
        turn.note("held", turn.waiting.node, "a call is running")
        return
    turn.read_held()
    turn.event = TextReceived(text=turn.text)
    node = _waiting_node(turn, fresh)
    picked = node.pick(turn) if node is not None else None
    choice = (node, picked) if node is not None and picked is not None else None
    _answer(turn, fresh, node, choice, "", _action(turn, node, choice, ""))


def _why_fresh(turn: Turn) -> str:
    """Why a new session begins with this message; empty when it does not."""
    if turn.control != "bot":
        return ""
    if turn.node not in turn.bot.nodes:
        return "the flow has no such node any more" if turn.node else "a new session"
    last, timeout = turn.state.last_event_at, turn.bot.timeout
    if not timeout or last is None or _waits_patiently(turn):
        return ""
    # The silence ended with the first text of a burst, or the first piece of an album.
    gathered = turn.bot.burst_ms / 1000 if turn.state.burst else 0.0
    if turn.state.album is not None:
        gathered = max(gathered, (turn.now - turn.state.album.began_at).total_seconds())
    if (turn.now - last).total_seconds() - gathered > timeout:
        return f"silent for more than {timeout} s"
    return ""


def _waits_patiently(turn: Turn) -> bool:
    node = turn.bot.nodes.get(turn.waiting.node) if turn.waiting is not None else None
    return node is not None and node.patient


def _action(turn: Turn, node: Node | None, choice: tuple[Node, int] | None, command: str) -> Called | None:
    """The global action that the message calls for."""
    human = turn.control != "bot"
    whole = human or (node is not None and node.free_text)
    actions = turn.bot.actions
    found = (actions.find(command, whole=True) if command else None) or actions.find(turn.folded, whole=whole)
    if found is None or found.action.high:
        return found
    if turn.control == "human" or (choice is not None and not human):
        return None
    return found


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


def _opened(turn: Turn) -> None:
    """Greet, but only who has not been greeted and has said nothing."""
    if turn.control != "bot" or turn.node or turn.history:
        turn.ignore("the conversation has begun already")
        return
    turn.begin_answer()
    turn.renew("the conversation was opened")
    run(turn, turn.start())


def _timer_fired(turn: Turn, timer: str) -> None:
    if timer == turn.burst and timer:
        _burst_over(turn)
        return
    if turn.album is not None and timer == turn.album.timer:
        _album_over(turn)
        return
    waiting = turn.waiting
    node = turn.bot.nodes.get(waiting.node) if waiting is not None else None
    if waiting is None or node is None or not timer or waiting.timer != timer or turn.control != "bot":
        turn.ignore("a timer that nothing waits for")
        if waiting is not None and timer and waiting.timer == timer:
            _forget_timer(turn, waiting)
        return
    if not waiting.call and _postponed(turn, waiting):
        return
    turn.node = waiting.node
    turn.flow = turn.bot.flow_id
    turn.silent += 1
    turn.asked, turn.waiting = waiting, None
    turn.note("timer", waiting.node, "fired")
    if waiting.call:
        stop_gathering(turn, kept=True)
    run(turn, guarded(turn, lambda: node.timed_out(turn)))


def _forget_timer(turn: Turn, waiting: Waiting) -> None:
    """A timer that fired where its node can't use it will not fire again: nothing must wait for it any more."""
    if not waiting.call:
        turn.waiting = msgspec.structs.replace(waiting, timer="")
        return
    turn.waiting = None
    if turn.held and not turn.burst and turn.album is None:
        turn.held = ""
        turn.note("ignored", waiting.node, "what was held; the call has no node any more")


def _postponed(turn: Turn, waiting: Waiting) -> bool:
    """Whether what the timer would send must not be sent now: it answers nothing."""
    if turn.opted_out:
        turn.waiting = msgspec.structs.replace(waiting, timer="")
        turn.ignore("a timer; the customer has opted out", waiting.node)
        return True
    if turn.burst or turn.album is not None:
        _start_again(turn, waiting, max(turn.bot.burst_ms, turn.bot.album_ms) / 1000)
        turn.silence_lasts = True
        turn.note("postponed", waiting.node, "the customer is writing")
        return True
    quiet = turn.bot.quiet_hours
    if quiet is None or (turn.heard_at is not None and turn.now - turn.heard_at < QUIET_AFTER):
        return False
    until = end_of_quiet(quiet, turn.local_time(quiet.zone))
    if until is None:
        return False
    _start_again(turn, waiting, (until - turn.now).total_seconds())
    turn.silence_lasts = True
    turn.note("postponed", waiting.node, "quiet hours", until.isoformat(timespec="minutes"))
    return True


def _start_again(turn: Turn, waiting: Waiting, seconds: float) -> None:
    timer = start_timer(turn, waiting.node, seconds)
    turn.waiting = msgspec.structs.replace(waiting, timer=timer)


def _call_finished(turn: Turn, result: Result) -> None:
    waiting = turn.waiting
    node = turn.bot.nodes.get(waiting.node) if waiting is not None else None
    if (
        waiting is None
        or node is None
        or not result.call
        or waiting.call != result.call
        or turn.control != "bot"
    ):
        turn.ignore("a result that nothing waits for")
        return
    turn.note("call", waiting.node, f"failed: {result.error}" if result.error else "finished")
    turn.begin_answer()
    stop_gathering(turn, kept=True)
    turn.node = waiting.node
    run(turn, guarded(turn, lambda: node.finished(turn, result)))
