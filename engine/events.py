"""What happened: every event that can reach a conversation, in neutral terms and in the past tense.

An adapter produces them from a platform's payload; the gateway produces the rest (timers, results
of effects). `engine.step.step` is the only thing that decides what follows from one.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, TypeAlias

import msgspec


class _Body(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True, gc=False):
    """Base of every event body: immutable, serialised as JSON with its kind in `type`."""


class TextReceived(_Body, frozen=True, tag="text_received"):
    """The customer wrote a text. `{"type": "text_received", "text": "hello"}`"""

    text: str


class ChoiceMade(_Body, frozen=True, tag="choice_made"):
    """The customer pressed a button or picked from a list. `{"type": "choice_made", "choice": "3kf9:1"}`

    `choice` is the `Choice.id` that was offered; `title` is what the customer saw, when the platform says.
    """

    choice: str
    title: str = ""


class CommandReceived(_Body, frozen=True, tag="command_received"):
    """The customer sent a command. `{"type": "command_received", "command": "start", "argument": "ref42"}`"""

    command: str
    argument: str = ""


class MediaReceived(_Body, frozen=True, tag="media_received"):
    """The customer sent media. `{"type": "media_received", "kind": "image", "file": "AgACAg…"}`

    `file` is the platform's own reference; `size` is in bytes, when known.
    """

    kind: Literal["image", "audio", "voice", "video", "document", "sticker"]
    file: str
    caption: str = ""
    name: str = ""
    mime_type: str = ""
    size: int | None = None


class LocationReceived(_Body, frozen=True, tag="location_received"):
    """The customer shared a place, in degrees. `{"type": "location_received", "latitude": 52.5, …}`"""

    latitude: float
    longitude: float
    name: str = ""


class ContactReceived(_Body, frozen=True, tag="contact_received"):
    """The customer shared a contact card. `{"type": "contact_received", "phone": "+49…", "name": "Ana"}`"""

    phone: str
    name: str = ""


class ReactionReceived(_Body, frozen=True, tag="reaction_received"):
    """The customer's reactions to a message are now these. `{"type": "reaction_received", "emoji": ["👍"], …}`

    An empty `emoji` means that the reaction was taken back.
    """

    emoji: tuple[str, ...]
    message: str


class MessageEdited(_Body, frozen=True, tag="message_edited"):
    """The customer changed an earlier message. `{"type": "message_edited", "message": "17", "text": "…"}`"""

    message: str
    text: str


class MessageDeleted(_Body, frozen=True, tag="message_deleted"):
    """The customer deleted an earlier message. `{"type": "message_deleted", "message": "17"}`"""

    message: str


class ContactabilityChanged(_Body, frozen=True, tag="contactability_changed"):
    """The customer blocked the bot, or let it write again. `{"type": "contactability_changed", "reachable": false}`"""

    reachable: bool


class ConversationOpened(_Body, frozen=True, tag="conversation_opened"):
    """The customer opened the conversation and has said nothing yet. `{"type": "conversation_opened"}`"""


class TimerFired(_Body, frozen=True, tag="timer_fired"):
    """A timer that a turn started is due. `{"type": "timer_fired", "timer": "ask_name#4"}`"""

    timer: str


class CallFinished(_Body, frozen=True, tag="call_finished"):
    """An integration answered, or could not be reached. `{"type": "call_finished", "call": "order#3", …}`

    `error` is empty when there was a response of status 200 to 299 that could be read; else what went wrong, fit
    for a trace: `timeout`, `status 503`, `refused: …`. `body` is the decoded JSON, or the text when it is none.
    """

    call: str
    status: int = 0
    body: Any = None
    headers: dict[str, str] = {}
    error: str = ""


class Passage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A found piece of knowledge; `score` is 0 to 1, `source` a title or an address."""

    text: str
    score: float = 0.0
    title: str = ""
    source: str = ""


class SearchFinished(_Body, frozen=True, tag="search_finished"):
    """A search of the bot's knowledge ended; `passages` best first, `error` empty when it worked."""

    call: str
    passages: tuple[Passage, ...] = ()
    error: str = ""


class AnswerGenerated(_Body, frozen=True, tag="answer_generated"):
    """A language model answered; `error` is empty when it did."""

    call: str
    text: str = ""
    passages: tuple[Passage, ...] = ()
    """What the answer is grounded in."""
    error: str = ""


EventBody: TypeAlias = (
    TextReceived
    | ChoiceMade
    | CommandReceived
    | MediaReceived
    | LocationReceived
    | ContactReceived
    | ReactionReceived
    | MessageEdited
    | MessageDeleted
    | ContactabilityChanged
    | ConversationOpened
    | TimerFired
    | CallFinished
    | SearchFinished
    | AnswerGenerated
)


class Sender(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Who caused an event, as the platform describes them. `external_id` is unique within the channel."""

    external_id: str
    first_name: str = ""
    last_name: str = ""
    username: str = ""
    language: str = ""
    """IETF tag as the platform gives it, such as `de` or `pt-BR`; empty when unknown."""


class InboundEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event of one conversation on one channel.

    `external_id` is the dedupe key within the channel (Telegram `update_id`, widget message UUID, …);
    `conversation_key` names the conversation within the channel (Telegram chat id, widget session id, …).
    """

    external_id: str
    conversation_key: str
    sender: Sender
    body: EventBody
    occurred_at: datetime
    """UTC, as the platform says; never later than what the gateway's own clock says is believed blindly."""
    message: str = ""
    """The platform's id of the message that carries the event, when it has one."""
