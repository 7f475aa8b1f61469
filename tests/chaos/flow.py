"""The bot that chaos talks to: every reply names the event that it answers, so a history can be matched.

| the customer writes        | the bot answers                                             |
|----------------------------|-------------------------------------------------------------|
| `t12e3` (an echo)          | `echo t12e3`, `after t12e3`                                 |
| `t12e4t` (a timer)         | `ask t12e4t`, and a second later `late t12e4t`, `after …`   |
| `t12e5x` (a doubtful one)  | the same, unless the customer's next message comes first    |

A name is the chat (`t12` on Telegram, `w3` a widget), the event's ordinal within it, and a letter for its kind.
"""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

Kind: TypeAlias = Literal["echo", "timer", "doubtful"]

LETTERS: Final[dict[Kind, str]] = {"echo": "", "timer": "t", "doubtful": "x"}
TIMER_SECONDS: Final = 1

FLOW: Final[dict[str, Any]] = {
    "start_node": "hear",
    "nodes": [
        {
            "id": "hear",
            "type": "set_variable",
            "config": {"variable": "said", "value": "{{text}}"},
            "connections": [
                {"target": "ask", "condition": "said.endsWith('t') || said.endsWith('x')"},
                {"target": "echo"},
            ],
        },
        {
            "id": "echo",
            "type": "message",
            "config": {"message": "echo {{said}}"},
            "connections": [{"target": "after"}],
        },
        {
            "id": "after",
            "type": "message",
            "config": {"message": "after {{said}}"},
            "connections": [{"target": "rest"}],
        },
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
        {
            "id": "late",
            "type": "message",
            "config": {"message": "late {{said}}"},
            "connections": [{"target": "after"}],
        },
    ],
}


def name(chat: str, ordinal: int, kind: Kind) -> str:
    """What the customer of `chat` writes: the event's name."""
    return f"{chat}e{ordinal}{LETTERS[kind]}"


def replies(event: str, kind: Kind) -> tuple[str, ...]:
    """What the bot answers in the event's own turn, in order."""
    return (f"echo {event}", f"after {event}") if kind == "echo" else (f"ask {event}",)


def timer_replies(event: str) -> tuple[str, ...]:
    """What it says when the timer fires, in order."""
    return f"late {event}", f"after {event}"
