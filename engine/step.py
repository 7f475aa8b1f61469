"""The one step: a state and an event become the next state, what is to be done, and an account of why.

What a customer's message does, the first line that fits (`_next` is this table):

    control   the message is                            what follows
    --------  ----------------------------------------  ------------------------------------------------
    human     a keyword of priority high                the action; the bot has the conversation again
    human     anything else                             nothing: a human answers
    waiting   a keyword of priority high, or the whole  the action, or the start; the bot has the
              text a keyword, or /start                 conversation again
    waiting   anything else                             nothing: a human will answer
    bot       /start                                    a new session at the start node
    bot       a keyword of priority high                the action
    bot       a choice by click, or by name, value or   the choice at the node that offered it
              number of the choices on offer
    bot       a keyword (where: see engine.actions)     the action
    bot       more than max_turns turns                 the fallback node; the turns are counted anew
    bot       the first of a session                    the start node
    bot       anything, a node waits                    that node's `answer`
    bot       anything, no node waits                   the fallback node, or the start node when there is none

A session is new when the flow has never run, has ended, no longer has the node where it stood, or was silent for
longer than its timeout. Timers reach the node that waits for them; everything else that can happen (edits,
deletions, reactions, …) changes nothing.

The step is pure: the same arguments give the same outcome, and it never raises.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import assert_never

import msgspec

from engine.actions import GlobalAction, perform
from engine.bot import Bot
from engine.effects import Send
from engine.events import (
    ChoiceMade,
    CommandReceived,
    ContactabilityChanged,
    ContactReceived,
    ConversationOpened,
    EventBody,
    InboundEvent,
    LocationReceived,
    MediaReceived,
    MessageDeleted,
    MessageEdited,
    ReactionReceived,
    TextReceived,
    TimerFired,
)
from engine.folding import fold, readable
from engine.nodes.base import Next, Node
from engine.state import ConversationState, Customer, Outcome, TraceEntry
from engine.turn import Turn

MAX_STEPS_PER_TURN = 100
"""Nodes that one turn may enter before it counts as a loop."""
START = "start"
"""The command that begins anew, on every platform."""


def step(
    bot: Bot, state: ConversationState, event: InboundEvent, customer: Customer, now: datetime
) -> Outcome:
    """Decide what follows from `event`. `now` is aware, in UTC. Never raises."""
    turn = Turn(bot, state, customer, now)
    try:
        _decide(turn, event.body)
    except Exception as error:  # a turn that fails in the engine itself changes nothing but tells why
        failed = TraceEntry(kind="error", at=state.node, detail=type(error).__name__)
        kept = msgspec.structs.replace(state, last_event_at=now)
        return Outcome(state=kept, effects=(), trace=(*turn.trace, failed))
    return turn.outcome()


def _decide(turn: Turn, body: EventBody) -> None:
    match body:
        case TextReceived():
            _hear(turn, body.text)
        case ChoiceMade():
            choice = turn.bot.choices.get(body.choice)
            title = choice[0].choices[choice[1]].title if choice is not None else body.title
            _hear(turn, title, choice=choice)
        case CommandReceived():
            _hear(turn, f"/{body.command} {body.argument}".rstrip(), command=fold(body.command))
        case MediaReceived():
            _hear(turn, body.caption)
        case LocationReceived():
            _hear(turn, "")
        case ContactReceived():
            _hear(turn, "", contact=body.phone)
        case ConversationOpened():
            _opened(turn)
        case TimerFired():
            _timer_fired(turn, body.timer)
        case ReactionReceived() | MessageEdited() | MessageDeleted() | ContactabilityChanged():
            turn.note("ignored", detail=type(body).__name__)
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
    turn.begin_answer()
    if fresh:
        turn.renew(fresh)
    else:
        turn.turns += 1
    _run(turn, _guarded(turn, lambda: _next(turn, node, choice, command, action)))


def _why_fresh(turn: Turn) -> str:
    """Why a new session begins with this message; empty when it does not."""
    if turn.control != "bot":
        return ""
    if turn.node not in turn.bot.nodes:
        return "the flow has no such node any more" if turn.node else "a new session"
    last, timeout = turn.state.last_event_at, turn.bot.timeout
    if timeout and last is not None and (turn.now - last).total_seconds() > timeout:
        return f"silent for more than {timeout} s"
    return ""


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
        turn.note("ignored", detail="the conversation has begun already")
        return
    turn.begin_answer()
    turn.renew("the conversation was opened")
    _run(turn, turn.start())


def _timer_fired(turn: Turn, timer: str) -> None:
    waiting = turn.waiting
    node = turn.bot.nodes.get(waiting.node) if waiting is not None else None
    if waiting is None or node is None or waiting.timer != timer or turn.control != "bot":
        turn.note("ignored", detail="a timer that nothing waits for")
        return
    turn.flow = turn.bot.flow_id
    turn.silent += 1
    turn.asked, turn.waiting = waiting, None
    turn.note("timer", waiting.node, "fired")
    _run(turn, _guarded(turn, lambda: node.timed_out(turn)))


def _guarded(turn: Turn, decide: Callable[[], Next]) -> Next:
    """What `decide` says; what cannot be evaluated is accounted for and falls back."""
    try:
        return decide()
    except Exception as error:
        return turn.fail(error)


def _run(turn: Turn, target: Next) -> None:
    """Enter node after node until one waits, ends, or leads nowhere."""
    nodes = turn.bot.nodes
    steps = 0
    while target is not None:
        steps += 1
        if steps > MAX_STEPS_PER_TURN:
            steps = 0
            target = _stop_loop(turn)
            continue
        node = nodes[target]
        turn.node = target
        turn.waiting = None
        turn.trace.append(node.entered)
        try:
            target = node.enter(turn)
        except Exception as error:
            target = turn.fail(error)


def _stop_loop(turn: Turn) -> Next:
    """A loop that never waits: take back what it said, and fall back (once a turn, so this ends)."""
    turn.note("error", turn.node, f"a loop: {MAX_STEPS_PER_TURN} nodes entered and none of them waits")
    turn.effects = [effect for effect in turn.effects if not isinstance(effect, Send)]
    turn.delay_ms = 0
    return turn.fall_back("a loop")
