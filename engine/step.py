"""The one step: a state and an event become the next state, what is to be done, and an account of why.

What a customer's message does, the first line that fits (`_hear` and `_next` are this table):

    control   the message is                            what follows
    --------  ----------------------------------------  ------------------------------------------------
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
conversation has moved past it; everything else that can happen (edits, deletions, reactions, …) changes nothing.

The step is pure: the same arguments give the same outcome, and it never raises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, assert_never

import msgspec

from engine.actions import GlobalAction, opt_out, perform
from engine.bot import Bot
from engine.effects import Send
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
from engine.languages import MIN_DETECTED_LETTERS, MIN_PROBABILITY
from engine.nodes.base import Next, Node, Result
from engine.quiet import end_of_quiet
from engine.state import ConversationState, Customer, Outcome, TraceEntry, Waiting
from engine.turn import Turn

START = "start"
"""The command that begins anew, on every platform."""
QUIET_AFTER = timedelta(minutes=5)
"""From how long after the customer's last word on a message is one that answers nothing."""
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
) -> Outcome:
    """Decide what follows from `event`. Never raises.

    `now` is aware, in UTC; `shared` has the variables of scope `bot`; `channel` is the platform's name.
    """
    turn = Turn(bot, state, customer, now, shared, channel)
    try:
        _decide(turn, event.body)
    except Exception as error:  # a turn that fails in the engine itself changes nothing but tells why
        failed = TraceEntry(kind="error", at=state.node, detail=type(error).__name__)
        kept = msgspec.structs.replace(state, last_event_at=now)
        return Outcome(state=kept, effects=(), trace=(*turn.trace, failed))
    return turn.outcome()


def _decide(turn: Turn, body: EventBody) -> None:
    turn.event = body
    match body:
        case TextReceived():
            _hear(turn, body.text)
        case ChoiceMade():
            choice = turn.bot.choices.get(body.choice)
            title = choice[0].choices[choice[1]].title if choice is not None else body.title
            _hear(turn, title, choice=choice)
        case CommandReceived():
            _hear(turn, f"/{body.command} {body.argument}".rstrip(), command=fold(body.command))
        case MediaReceived() | AlbumReceived():
            _hear(turn, body.caption)
        case LocationReceived():
            _hear(turn, "")
        case ContactReceived():
            _hear(turn, "", contact=body.phone)
        case ConversationOpened():
            _opened(turn)
        case TimerFired():
            _timer_fired(turn, body.timer)
        case CallFinished() | SearchFinished() | AnswerGenerated():
            _call_finished(turn, body)
        case ReactionReceived() | MessageEdited() | MessageDeleted() | ContactabilityChanged():
            turn.ignore(type(body).__name__)
        case PollAnswered() | FormSubmitted() | OrderPlaced() | QueryReceived():
            turn.ignore(type(body).__name__)
        case MembersChanged() | HumanReplied() | IdentityChanged():
            turn.ignore(type(body).__name__)
        case _:
            assert_never(body)


def _hear(
    turn: Turn,
    text: str,
    *,
    choice: tuple[Node, int] | None = None,
    command: str = "",
    contact: str = "",
) -> None:
    """The customer said something."""
    turn.text = readable(text)
    turn.contact = contact
    turn.unread = True
    turn.history += 1
    turn.silent = 0
    turn.calls = 0
    if turn.bot.quiet_hours is not None:
        turn.heard_at = turn.now
    if turn.bot.detect is not None and not turn.chosen_language:
        _detect_language(turn)
    if turn.bot.opt_out is not None and choice is None and _opts_out(turn):
        return
    fresh = _why_fresh(turn)
    node = turn.bot.nodes.get(turn.waiting.node) if turn.waiting is not None and not fresh else None
    action = None
    if turn.control != "bot" or choice is None:
        if node is not None and not command and (picked := node.pick(turn)) is not None:
            choice = (node, picked)
        action = _action(turn, node, choice, command)
    if turn.control != "bot" and action is None and not (command == START and turn.control == "waiting"):
        turn.note("ignored", detail="a human answers" if turn.control == "human" else "a human will answer")
        return
    if choice is None and action is None and command != START and _held(turn, fresh):
        return
    _stop_gathering(turn, kept=choice is None and action is None and command != START)
    _answer(turn, fresh, node, choice, command, action)


def _answer(
    turn: Turn,
    fresh: str,
    node: Node | None,
    choice: tuple[Node, int] | None,
    command: str,
    action: tuple[GlobalAction, str] | None,
) -> None:
    turn.begin_answer()
    if fresh:
        turn.renew(fresh)
    else:
        turn.turns += 1
    _run(turn, _guarded(turn, lambda: _next(turn, node, choice, command, action)))


def _detect_language(turn: Turn) -> None:
    """A long enough text tells the conversation's language, when nothing has told it yet; a button's title doesn't."""
    bot = turn.bot
    if not isinstance(turn.event, TextReceived | MediaReceived):
        return
    letters = sum(map(str.isalpha, turn.text[:200]))
    if bot.detect is None or letters < MIN_DETECTED_LETTERS:
        return
    tag, probability = bot.detect(turn.text, bot.languages.supported)
    language = bot.languages.resolve(tag) if probability >= MIN_PROBABILITY else ""
    if language:
        turn.speak(language, "detected")


def _opts_out(turn: Turn) -> bool:
    """Whether the message is an opt-out word, which is then done with."""
    words = turn.bot.opt_out
    if words is None:
        return False
    for keyword, whole in words.words.find(turn.folded):
        if whole and (keyword.value or turn.opted_out):
            opt_out(turn, out=keyword.value)
            return True
    return False


def _held(turn: Turn, fresh: str) -> bool:
    """Whether the text has to wait: for the end of a burst, or for the result of a call."""
    waiting = turn.waiting
    if waiting is not None and waiting.call and not fresh:
        if turn.text:
            turn.hold(turn.text)
        turn.note("held" if turn.text else "ignored", waiting.node, "a call is running")
        return True
    if not turn.bot.burst_ms or not isinstance(turn.event, TextReceived):
        return False
    turn.hold(turn.text)
    turn.silence_lasts = True
    if not turn.burst:
        turn.burst = turn.start_timer("burst", turn.bot.burst_ms / 1000)
    turn.note("held", detail=f"more may come within {turn.bot.burst_ms} ms")
    return True


def _stop_gathering(turn: Turn, *, kept: bool) -> None:
    """Something came that can't wait: what was held is read with it if `kept`, else it has been overtaken."""
    if turn.burst:
        turn.cancel_timer(turn.burst)
        turn.burst = ""
    if kept:
        turn.read_held()
    elif turn.held:
        turn.held = ""
        turn.note("ignored", detail="what was held; something else was chosen since")


def _burst_over(turn: Turn) -> None:
    """The window has closed: what was gathered is read as one text."""
    turn.burst = ""
    if turn.control != "bot":
        turn.held = ""
        turn.note("ignored", detail="a human answers")
        return
    fresh = _why_fresh(turn)
    if turn.waiting is not None and turn.waiting.call and not fresh:
        turn.note("held", turn.waiting.node, "a call is running")
        return
    turn.read_held()
    node = turn.bot.nodes.get(turn.waiting.node) if turn.waiting is not None and not fresh else None
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
    # The silence ended with the first text of a burst, as long ago as its window is.
    gathered = turn.bot.burst_ms / 1000 if turn.state.burst else 0
    if (turn.now - last).total_seconds() - gathered > timeout:
        return f"silent for more than {timeout} s"
    return ""


def _waits_patiently(turn: Turn) -> bool:
    node = turn.bot.nodes.get(turn.waiting.node) if turn.waiting is not None else None
    return node is not None and node.patient


def _action(
    turn: Turn, node: Node | None, choice: tuple[Node, int] | None, command: str
) -> tuple[GlobalAction, str] | None:
    """The global action that the message calls for."""
    human = turn.control != "bot"
    whole = human or (node is not None and node.free_text)
    actions = turn.bot.actions
    found = (actions.find(command, whole=True) if command else None) or actions.find(turn.folded, whole=whole)
    if found is None or found[0].high:
        return found
    if turn.control == "human" or (choice is not None and not human):
        return None
    return found


def _next(
    turn: Turn,
    node: Node | None,
    choice: tuple[Node, int] | None,
    command: str,
    action: tuple[GlobalAction, str] | None,
) -> Next:
    """The table of transitions, from the top."""
    if command == START:
        return _restart(turn)
    if action is not None:
        return perform(turn, action[0], f"keyword: {action[1]}")
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
    _run(turn, turn.start())


def _timer_fired(turn: Turn, timer: str) -> None:
    if timer == turn.burst and timer:
        _burst_over(turn)
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
        turn.read_held()
    _run(turn, _guarded(turn, lambda: node.timed_out(turn)))


def _forget_timer(turn: Turn, waiting: Waiting) -> None:
    """A timer that fired where its node can't use it will not fire again: nothing must wait for it any more."""
    if not waiting.call:
        turn.waiting = msgspec.structs.replace(waiting, timer="")
        return
    turn.waiting = None
    if turn.held and not turn.burst:
        turn.held = ""
        turn.note("ignored", waiting.node, "what was held; the call has no node any more")


def _postponed(turn: Turn, waiting: Waiting) -> bool:
    """Whether what the timer would send must not be sent now: it answers nothing."""
    if turn.opted_out:
        turn.waiting = msgspec.structs.replace(waiting, timer="")
        turn.ignore("a timer; the customer has opted out", waiting.node)
        return True
    if turn.burst:
        _start_again(turn, waiting, turn.bot.burst_ms / 1000)
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
    timer = turn.start_timer(waiting.node, seconds)
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
    turn.read_held()
    turn.node = waiting.node
    _run(turn, _guarded(turn, lambda: node.finished(turn, result)))


def _guarded(turn: Turn, decide: Callable[[], Next]) -> Next:
    """What `decide` says; what cannot be evaluated is accounted for and falls back."""
    try:
        return decide()
    except Exception as error:
        return turn.fail(error)


def _run(turn: Turn, target: Next) -> None:
    """Enter node after node until one waits, ends, or leads nowhere and nothing called it."""
    nodes = turn.bot.nodes
    left = turn.bot.max_steps
    while target is not None or _returns(turn):
        if left <= 0:
            left = turn.bot.max_steps
            target = _stop_loop(turn)
            continue
        left -= 1
        if target is None:
            target = _guarded(turn, lambda: _come_back(turn))
        else:
            node = nodes[target]
            turn.node = target
            turn.waiting = None
            turn.trace.append(node.entered)
            try:
                target = node.enter(turn)
            except Exception as error:
                target = turn.fail(error)


def _returns(turn: Turn) -> bool:
    """Whether what leads no further was called, and so goes on where it came from."""
    return bool(turn.stack) and turn.waiting is None and turn.control == "bot" and bool(turn.node)


def _come_back(turn: Turn) -> Next:
    """The innermost call, or round of a loop, leads no further: go on where it came from."""
    frame = turn.pop()
    node = turn.bot.nodes.get(frame.node)
    if node is None:
        return turn.fall_back("the flow has no such node any more")
    turn.node = node.id
    turn.note("return", frame.node)
    return node.resume(turn, frame)


def _stop_loop(turn: Turn) -> Next:
    """A loop that never waits: take back what it said, and fall back (once a turn, so this ends)."""
    steps = turn.bot.max_steps
    turn.note("error", turn.node, f"a loop: {steps} nodes entered and none of them waits")
    turn.effects = [effect for effect in turn.effects if not isinstance(effect, Send)]
    turn.delay_ms = 0
    turn.spoke = False
    turn.stack = ()
    return turn.fall_back("a loop")
