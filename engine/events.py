"""What happened: every event that can reach a conversation, in neutral terms and in the past tense.

An adapter produces them from a platform's payload; the gateway produces the rest (timers, results
of effects). `engine.step.step` is the only thing that decides what follows from one.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, TypeAlias

import msgspec

from engine.messages import MediaKind


class _Body(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True, gc=False):
    """Base of every event body: immutable, serialised as JSON with its kind in `type`."""


class Entity(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What a platform marked in a text: a mention, an address, a stretch in bold.

    `start` and `end` count code points, `end` exclusive. `kind` is `mention`, `hashtag`, `command`, `url`, `email`,
    `phone`, `emoji`, or one of `engine.messages.SpanKind`; `value` is a link's address or a mentioned user's id.
    """

    kind: str
    start: int
    end: int
    value: str = ""


class TextReceived(_Body, frozen=True, tag="text_received"):
    """The customer wrote a text. `{"type": "text_received", "text": "hello"}`"""

    text: str
    entities: tuple[Entity, ...] = ()


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

    kind: MediaKind
    file: str
    caption: str = ""
    name: str = ""
    mime_type: str = ""
    size: int | None = None
    seconds: int | None = None
    """How long a sound or film plays."""
    album: str = ""
    """Names the pieces that were sent as one: they reach the flow together, as an `AlbumReceived`."""
    media: str = ""
    """The gateway's own id of the file (a UUID), under which it keeps it; set by the gateway."""
    url: str = ""
    """A signed link to the file that expires; set by the gateway."""


class AlbumReceived(_Body, frozen=True, tag="album_received"):
    """The customer sent several files as one. `{"type": "album_received", "items": […], "caption": "look"}`

    From a platform that sends them in one piece, or gathered by the engine from those that share an `album`.
    """

    items: tuple[MediaReceived, ...]
    caption: str = ""


class LocationReceived(_Body, frozen=True, tag="location_received"):
    """The customer shared a place, in degrees. `{"type": "location_received", "latitude": 52.5, …}`"""

    latitude: float
    longitude: float
    name: str = ""


class ContactReceived(_Body, frozen=True, tag="contact_received"):
    """The customer shared a contact card. `{"type": "contact_received", "phone": "+49…", "name": "Ana"}`"""

    phone: str
    name: str = ""
    own: bool = False
    """The platform vouches that it is the customer's own card."""


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


class PollAnswered(_Body, frozen=True, tag="poll_answered"):
    """The customer voted in a poll. `{"type": "poll_answered", "poll": "91", "options": [0]}`

    `options` are places in the poll's list, from 0; none when the vote was taken back.
    """

    poll: str
    options: tuple[int, ...] = ()


class FormSubmitted(_Body, frozen=True, tag="form_submitted"):
    """The customer sent a form: a WhatsApp Flow, a Slack modal. `{"type": "form_submitted", "values": {…}}`"""

    form: str = ""
    values: dict[str, Any] = {}
    title: str = ""
    """What the platform shows of it, such as a summary line."""


class OrderItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One line of an order; `price` of one piece, as a decimal text."""

    product: str
    quantity: int = 1
    price: str = ""
    currency: str = ""


class OrderPlaced(_Body, frozen=True, tag="order_placed"):
    """The customer sent a cart from the catalogue. `{"type": "order_placed", "items": […]}`"""

    items: tuple[OrderItem, ...] = ()
    catalog: str = ""
    text: str = ""


class QueryReceived(_Body, frozen=True, tag="query_received"):
    """The customer types a query to the bot in another chat. `{"type": "query_received", "query": "42", …}`

    `query` is the platform's id, which the answer names.
    """

    query: str
    text: str = ""


class MembersChanged(_Body, frozen=True, tag="members_changed"):
    """People joined or left the group. `{"type": "members_changed", "joined": ["Ana"]}`

    Names as the platform gives them; `bot` when the bot itself is the one.
    """

    joined: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    bot: bool = False


class HumanReplied(_Body, frozen=True, tag="human_replied"):
    """Somebody of the business answered the customer by hand, in the platform's own app.

    `{"type": "human_replied", "text": "I am on it"}`
    """

    text: str = ""
    agent: str = ""
    media: tuple[MediaReceived, ...] = ()


class IdentityChanged(_Body, frozen=True, tag="identity_changed"):
    """The platform knows the customer under another id from now on. `{"old": "49151…", "new": "49160…"}`"""

    old: str
    new: str


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
    | AlbumReceived
    | ReactionReceived
    | MessageEdited
    | MessageDeleted
    | PollAnswered
    | FormSubmitted
    | OrderPlaced
    | QueryReceived
    | MembersChanged
    | HumanReplied
    | IdentityChanged
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
    timezone: str = ""
    """IANA name, when the platform tells."""
    phone: str = ""
    """In international form, when the platform vouches for it."""
    email: str = ""
    """When the platform vouches for it."""
    aliases: tuple[str, ...] = ()
    """Other ids of the same person on this channel, such as a phone number beside a business-scoped id."""


class Referral(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What led the customer here: an ad, a post, a link with a payload."""

    source: str
    """`ad`, `post`, `link`, `product` or what the platform calls it."""
    id: str = ""
    url: str = ""
    headline: str = ""
    text: str = ""
    payload: str = ""
    """What the link carried (`/start payload`), or the ad's click id."""


class Context(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The circumstances of a customer's message."""

    reply_to: str = ""
    """The platform's id of the message that it answers."""
    quote: str = ""
    """The words of that message, as far as the platform repeats them."""
    forwarded: bool = False
    forwarded_from: str = ""
    """Who wrote it first, when the platform tells."""
    place: Literal["private", "group", "channel"] = "private"
    title: str = ""
    """The group's name."""
    mentioned: bool = False
    """The bot was named or answered: in a group, that the message is meant for it."""
    overheard: bool = False
    """Nothing says that it is meant for the bot: it runs a turn only in a conversation that there is already, and
    begins none."""
    referral: Referral | None = None


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
    context: Context | None = None
