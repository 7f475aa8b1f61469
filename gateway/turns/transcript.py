"""How an event reads in the transcript: its message type, its text, and what the text does not carry."""

from __future__ import annotations

from typing import assert_never

import msgspec

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

_encode = msgspec.json.Encoder().encode

NOTHING = "{}"


def describe(body: EventBody) -> tuple[str, str, str] | None:
    """(message type, content, payload as JSON) of a customer's message; None for what is no message."""
    match body:
        case TextReceived():
            return "text", body.text, NOTHING
        case ChoiceMade():
            return "choice", body.title, _encode({"choice": body.choice}).decode()
        case CommandReceived():
            return "command", f"/{body.command} {body.argument}".strip(), NOTHING
        case MediaReceived():
            return body.kind, body.caption, _encode(body).decode()
        case AlbumReceived():
            return "album", body.caption, _encode(body).decode()
        case FormSubmitted():
            return "form", body.title, _encode(body).decode()
        case OrderPlaced():
            return "order", body.text, _encode(body).decode()
        case LocationReceived():
            return "location", body.name, _encode(body).decode()
        case ContactReceived():
            return "contact", body.name, _encode(body).decode()
        case ReactionReceived() | MessageEdited() | MessageDeleted():
            return None
        case PollAnswered() | QueryReceived() | MembersChanged() | HumanReplied() | IdentityChanged():
            return None
        case ContactabilityChanged() | ConversationOpened() | TimerFired():
            return None
        case CallFinished() | SearchFinished() | AnswerGenerated():
            return None
        case _:
            assert_never(body)
