"""Golden conversations: a file holds what the customer does, and after a refresh also what came of it.

    {"about": "…", "flow": "gateway/demo/flow.json", "start": "2026-01-14T15:00:00Z", "customer": {"first_name": "Ana"},
     "turns": [{"after_s": 20, "say": "ai tools", "bot": […], "timers": […], "state": {…}, "trace": […]}]}

`flow` is a path in the repository or a definition. A turn is one of `say`, `click` ("node:index"), `command`,
`time_out` (true: the running timer fires) and `event` (any event body), `after_s` seconds after the one before.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from engine.compile import compile_flow
from engine.effects import Send
from engine.events import EventBody
from engine.state import Customer, TraceEntry
from tests.conversations.chat import Chat, load_flow

FOLDER = Path(__file__).parent
MAX_LINES = 30
"""Of a trace, in a file."""
INPUTS = ("after_s", "say", "click", "command", "time_out", "event")


def files() -> list[Path]:
    """The golden conversations."""
    return sorted(FOLDER.glob("*.json"))


def replay(conversation: dict[str, Any]) -> dict[str, Any]:
    """The conversation with what comes of it now."""
    flow = conversation["flow"]
    bot = compile_flow(load_flow(flow) if isinstance(flow, str) else flow, flow_id="golden")
    customer = msgspec.convert(conversation.get("customer", {}), Customer)
    chat = Chat(bot, now=datetime.fromisoformat(conversation["start"]), customer=customer)
    return {**conversation, "turns": [_turn(chat, turn) for turn in conversation["turns"]]}


def written(conversation: dict[str, Any]) -> str:
    """As a file: one line a value, so that a difference is easy to read."""
    return json.dumps(conversation, ensure_ascii=False, indent=1) + "\n"


def _turn(chat: Chat, turn: dict[str, Any]) -> dict[str, Any]:
    done = {key: value for key, value in turn.items() if key in INPUTS}
    chat.wait(turn.get("after_s", 0))
    (kind,) = done.keys() - {"after_s"}
    _DO[kind](chat, turn[kind])
    done["bot"] = [_shown(send) for send in chat.sends]
    if chat.timers:
        done["timers"] = chat.timers
    done["state"] = _state(chat)
    done["trace"] = _trace(chat.trace)
    return done


def _click(chat: Chat, choice: str) -> None:
    node, _, index = choice.rpartition(":")
    chat.click(node, int(index))


def _event(chat: Chat, event: dict[str, Any]) -> None:
    chat.happen(msgspec.convert(event, EventBody))


_DO: dict[str, Callable[[Chat, Any], object]] = {
    "say": lambda chat, text: chat.say(text),
    "click": _click,
    "command": lambda chat, command: chat.command(command),
    "time_out": lambda chat, _: chat.time_out(),
    "event": _event,
}


def _shown(send: Send) -> str:
    """`+1000 ms, typing: text [choice | choice]`."""
    delay = (
        f"+{send.delay_ms} ms{', typing' if send.typing else ''}: " if send.delay_ms or send.typing else ""
    )
    titles = " | ".join(choice.title for choice in send.message.choices)
    return f"{delay}{send.message.text}{f' [{titles}]' if titles else ''}"


def _state(chat: Chat) -> dict[str, Any]:
    """The state, but for what the clock says and what is the same in every turn."""
    state: dict[str, Any] = msgspec.to_builtins(chat.state)
    return {key: value for key, value in state.items() if key not in ("last_event_at", "flow", "schema")}


def _trace(trace: tuple[TraceEntry, ...]) -> list[str]:
    """One line an entry; of a very long account the beginning and the end."""
    lines = [_line(entry) for entry in trace]
    if len(lines) <= MAX_LINES:
        return lines
    return [*lines[: MAX_LINES // 2], f"… {len(lines) - MAX_LINES} more …", *lines[-MAX_LINES // 2 :]]


def _line(entry: TraceEntry) -> str:
    """`condition business_hours = true`. How sure an intent is has tests of its own."""
    known = entry.value is not None and entry.kind != "intent"
    value = f" = {json.dumps(entry.value, ensure_ascii=False)}" if known else ""
    detail = entry.detail.partition(";")[0] if entry.kind == "intent" else entry.detail
    return f"{entry.kind}{f' {entry.at}' if entry.at else ''}{f': {detail}' if detail else ''}{value}"
