"""A neutral message as Telegram calls: plain text without parse_mode, choices as an inline keyboard.

Plain text is never refused for its markup. What a keyboard can't carry is written out in the text, with
its number, so that the customer can still pick it by typing.

https://core.telegram.org/bots/api#sendmessage
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from adapters.protocol import Call
from adapters.telegram.capabilities import (
    BUTTON_TITLE,
    BUTTONS,
    CALLBACK_DATA,
    COMPACT_TITLE,
    MARKUP_BYTES,
    TEXT,
)
from adapters.text import clean, is_blank, shorten, split
from engine.messages import Choice, OutboundMessage

BLANK: Final = "…"
"""What is sent in place of a text that has nothing to see; Telegram refuses an empty message."""
BUTTON_BYTES: Final = 40
"""The JSON around one button's title and data, as counted against MARKUP_BYTES."""

_RECIPIENT = re.compile(r"(-?\d{1,19})(?::(\d{1,19}))?")
_encode = msgspec.json.Encoder().encode


def render_message(recipient: str, message: OutboundMessage) -> list[Call]:
    """The sendMessage calls for `message`, in order; the keyboard goes with the last one."""
    target = address(recipient)
    buttons, written = _buttons(message.choices)
    parts = split(clean(message.text + written), TEXT) or [BLANK]
    calls = [Call(method="sendMessage", body=_encode({**target, "text": part})) for part in parts[:-1]]
    last: dict[str, Any] = {**target, "text": parts[-1]}
    if buttons:
        last["reply_markup"] = {"inline_keyboard": _rows(buttons)}
    return [*calls, Call(method="sendMessage", body=_encode(last))]


def render_typing(recipient: str) -> Call:
    """The call that shows "typing…" for five seconds or until a message arrives."""
    return Call(method="sendChatAction", body=_encode({**address(recipient), "action": "typing"}))


def address(recipient: str) -> dict[str, int | str]:
    """A conversation key (`chat id` or `chat id:thread id`) as the parameters that address it.

    Anything else, such as `@channel`, goes as it is; Telegram says whether it knows it.
    """
    match = _RECIPIENT.fullmatch(recipient)
    if match is None:
        return {"chat_id": recipient}
    chat, thread = match.groups()
    if thread is None:
        return {"chat_id": int(chat)}
    return {"chat_id": int(chat), "message_thread_id": int(thread)}


def _buttons(choices: tuple[Choice, ...]) -> tuple[list[dict[str, str]], str]:
    """The choices as buttons, and what to append to the text: descriptions, and choices without a button."""
    buttons: list[dict[str, str]] = []
    lines: list[str] = []
    size = 0
    for number, choice in enumerate(choices, start=1):
        title = shorten(clean(choice.title), BUTTON_TITLE.size)
        title = (choice.id or str(number)) if is_blank(title) else title
        size += len(title.encode()) + len(choice.id) + BUTTON_BYTES
        fits = len(buttons) < BUTTONS and size <= MARKUP_BYTES
        if fits and choice.id and CALLBACK_DATA.allows(choice.id):
            buttons.append({"text": title, "callback_data": choice.id})
            if choice.description:
                lines.append(f"{title}: {choice.description}")
        else:
            lines.append(
                f"{number}. {choice.title}" + (f": {choice.description}" if choice.description else "")
            )
    return buttons, "\n\n" + "\n".join(lines) if lines else ""


def _rows(buttons: list[dict[str, str]]) -> list[list[dict[str, str]]]:
    """Short titles two a row; one long title gives every button a row of its own."""
    width = 1 if any(len(button["text"]) > COMPACT_TITLE for button in buttons) else 2
    return [buttons[start : start + width] for start in range(0, len(buttons), width)]
