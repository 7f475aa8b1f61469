"""The bot that chaos talks to: every reply names the event that it answers, so a history can be matched.

| the customer writes        | the bot answers                                                          |
|----------------------------|--------------------------------------------------------------------------|
| `t12e3` (an echo)          | `echo t12e3`, `after t12e3`                                              |
| `t12e4t` (a timer)         | `ask t12e4t`, and a second later `late t12e4t`, `after …`                |
| `t12e5x` (a doubtful one)  | the same, unless the customer's next message comes first                 |
| `t12e6c` (a call)          | `call t12e6c`, and when the integration has answered, `got …`, `after …` |
| `t12e7a` (an aside)        | as to an echo; said during a call, it is answered behind the result      |

A name is the chat (`t12` on Telegram, `w3` a widget), the event's ordinal within it, and a letter for its kind.
What stands behind `got` has been at the integration and back; `failed …` in its place is a lost result.
"""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

Kind: TypeAlias = Literal["echo", "timer", "doubtful", "call", "aside"]

LETTERS: Final[dict[Kind, str]] = {"echo": "", "timer": "t", "doubtful": "x", "call": "c", "aside": "a"}
TIMER_SECONDS: Final = 1
CALL_TIMEOUT_SECONDS: Final = 60
"""Long beside the few leases for which a call that is killed again and again may wait."""


def flow(calls_url: str) -> dict[str, Any]:
    """The bot's flow; its calls go to `calls_url`."""
    return {
        "start_node": "hear",
        "nodes": [
            {
                "id": "hear",
                "type": "set_variable",
                "config": {"variable": "said", "value": "{{text}}"},
                "connections": [
                    {"target": "ask", "condition": "said.endsWith('t') || said.endsWith('x')"},
                    {"target": "call", "condition": "said.endsWith('c')"},
                    {"target": "echo"},
                ],
            },
            _says("echo", "echo {{said}}", "after"),
            _says("after", "after {{said}}", "rest"),
            {"id": "rest", "type": "end"},
            {
                "id": "ask",
                "type": "quick_reply",
                "config": {
                    "message": "ask {{said}}",
                    "options": [{"text": "skip", "target": "echo"}],
                    "timeout": TIMER_SECONDS,
                    "fallback_target": "late",
                },
                "connections": [{"target": "hear"}],
            },
            _says("late", "late {{said}}", "after"),
            _says("call", "call {{said}}", "fetch"),
            {
                "id": "fetch",
                "type": "http",
                "config": {
                    "method": "POST",
                    "url": calls_url,
                    "json": {"said": "{{said}}"},
                    "timeout": CALL_TIMEOUT_SECONDS,
                    "save": {"echoed": "response.body.said"},
                },
                "connections": [
                    {"target": "failed", "condition": "error"},
                    {"target": "got"},
                ],
            },
            _says("got", "got {{echoed}}", "called"),
            _says("failed", "failed {{said}}", "called"),
            {
                "id": "called",
                "type": "message",
                "config": {"message": "after {{said}}"},
                "connections": [
                    {"target": "hear", "condition": "text !== ''"},
                    {"target": "rest"},
                ],
            },
        ],
    }


def _says(id: str, message: str, target: str) -> dict[str, Any]:
    return {"id": id, "type": "message", "config": {"message": message}, "connections": [{"target": target}]}


def name(chat: str, ordinal: int, kind: Kind) -> str:
    """What the customer of `chat` writes: the event's name."""
    return f"{chat}e{ordinal}{LETTERS[kind]}"


def replies(event: str, kind: Kind) -> tuple[str, ...]:
    """What the bot answers in the event's own turn, in order."""
    match kind:
        case "echo" | "aside":
            return f"echo {event}", f"after {event}"
        case "timer" | "doubtful":
            return (f"ask {event}",)
        case "call":
            return (f"call {event}",)


def later_replies(event: str, kind: Kind) -> tuple[str, ...]:
    """What it says in a later turn, when the timer fires or the call's result is there, in order."""
    match kind:
        case "echo" | "aside":
            return ()
        case "timer" | "doubtful":
            return f"late {event}", f"after {event}"
        case "call":
            return f"got {event}", f"after {event}"
