"""What a batch will write, collected row by row. Nothing is decided here, and nothing is sent."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from engine.effects import Call, Record, Send, SendEmail
from engine.events import HumanReplied
from engine.state import ConversationState, TraceEntry
from gateway.channel import Channel
from gateway.delivery.outgoing import Outgoing
from gateway.identity.effect import FetchProfile, UnifyCustomer
from gateway.media.effect import KIND, FetchMedia
from gateway.media.marks import Marked
from storage.media import Adopted, Received
from storage.turns import LockedConversation, TurnRows

POSITIONS_PER_TURN = 4096
"""An effect's position is version × this + ordinal: it rises through the conversation's whole life."""

_encode = msgspec.json.Encoder().encode
_EMPTY = "{}"
_PARTS = (
    "spans", "choices", "paging", "media", "cards", "links", "location", "contact", "template", "reaction", "inline",
    "request", "reply_to",
)  # fmt: skip


class OpenConversation:
    """A locked conversation while the batch runs over it."""

    __slots__ = (
        "answers",
        "contact_key",
        "customer_id",
        "heard_at",
        "id",
        "messages",
        "state",
        "status",
        "version",
        "version_before",
    )

    def __init__(self, contact_key: str, locked: LockedConversation, state: ConversationState) -> None:
        self.contact_key = contact_key
        self.id = locked.id
        self.customer_id = locked.customer_id
        self.version_before = self.version = locked.state_version
        self.messages = locked.message_count
        self.status = locked.status
        self.heard_at = locked.heard_at
        """When the customer last said something."""
        self.answers = ""
        """The platform's id of the message that the next send is the first to answer."""
        self.state = state


class Ledger:
    """The rows of one batch and the sends that follow its commit."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.rows = TurnRows()
        self.outgoing: list[Outgoing] = []
        self._timers: dict[tuple[UUID, str], tuple[object, ...]] = {}

    def record(
        self,
        channel: Channel,
        id: UUID,
        external_id: str,
        conversation_id: UUID | None,
        *,
        event: bytes = b"",
        seq: int | None = None,
        parked: str = "",
        raw: bytes | None = None,
    ) -> None:
        """An event is accepted: with its turn, or parked with the reason and its raw form."""
        status = "parked" if parked else "done"
        text = event.decode() if event else None
        self.rows.inbox.append(
            (id, channel.organization_id, channel.id, external_id, conversation_id, status, text, raw)
            + (parked or None, seq)
        )

    def heard(
        self,
        channel: Channel,
        conversation: OpenConversation,
        id: UUID,
        said: tuple[str, str, str],
        external_id: str,
        meant: TraceEntry | None,
    ) -> int:
        """The customer's message joins the transcript, with its intent. Returns its sequence number."""
        conversation.messages += 1
        intent = (meant.detail, meant.value) if meant is not None else (None, None)
        conversation.heard_at = self.now
        conversation.answers = external_id
        self._message(channel, conversation, id, "customer", said, "received", external_id or None, intent)
        return conversation.messages

    def answered(
        self,
        channel: Channel,
        conversation: OpenConversation,
        id: UUID,
        reply: HumanReplied,
        external_id: str,
    ) -> int:
        """What somebody answered by hand, in the platform's own app, joins the transcript; its sequence number."""
        conversation.messages += 1
        payload = {"agent": reply.agent, "media": reply.media}
        kept = _encode({name: part for name, part in payload.items() if part}).decode()
        said = ("text", reply.text, kept)
        self._message(channel, conversation, id, "agent", said, "sent", external_id or None)
        return conversation.messages

    def send(
        self, channel: Channel, conversation: OpenConversation, id: UUID, ordinal: int, send: Send
    ) -> None:
        """The bot's message joins the transcript, and its effect the outbox."""
        conversation.messages += 1
        said = ("text", send.message.text, beside_text(send))
        self._message(channel, conversation, id, "bot", said, "queued", None)
        outgoing = Outgoing(
            id=id,
            created_at=self.now,
            conversation_id=conversation.id,
            channel=channel,
            recipient=conversation.contact_key,
            position=_position(conversation, ordinal),
            seq=conversation.messages,
            send=send,
            due_at=self.now + timedelta(milliseconds=send.delay_ms) if send.delay_ms else self.now,
            answers=conversation.answers,
            heard_at=conversation.heard_at,
        )
        conversation.answers = ""
        self.outgoing.append(outgoing)
        self.rows.effects.append(
            (
                id,
                channel.organization_id,
                conversation.id,
                channel.id,
                "delivery",
                "send",
                outgoing.position,
                None,
            )
            + (outgoing.payload(), outgoing.due_at)
        )

    def start_timer(
        self,
        channel: Channel,
        conversation: OpenConversation,
        id: UUID,
        ordinal: int,
        timer: str,
        due_at: datetime,
    ) -> None:
        """The conversation wants to be woken."""
        self._timers[(conversation.id, timer)] = (
            id,
            channel.organization_id,
            conversation.id,
            channel.id,
            "timer",
            "timer",
        ) + (_position(conversation, ordinal), timer, _EMPTY, due_at)

    def cancel_timer(self, conversation: OpenConversation, timer: str) -> None:
        """The conversation need not be woken; a timer that this very batch started is simply not written."""
        if self._timers.pop((conversation.id, timer), None) is None:
            self.rows.cancelled.append((conversation.id, timer))

    def work(
        self,
        channel: Channel,
        conversation: OpenConversation,
        id: UUID,
        ordinal: int,
        effect: Call | SendEmail,
    ) -> None:
        """Something is to be done outside; `key` names the call that waits for it."""
        config = type(effect).__struct_config__
        key = None if isinstance(effect, SendEmail) else effect.call
        self.rows.effects.append(
            (id, channel.organization_id, conversation.id, channel.id, "work", config.tag)
            + (_position(conversation, ordinal), key, _encode(effect).decode(), self.now)
        )

    def files(self, channel: Channel, conversation: OpenConversation, files: list[Marked]) -> None:
        """Files that the customer sent: each is noted, and fetched unless it is in the store already."""
        for file in files:
            if file.stored:
                self.rows.adopted.append(
                    Adopted(id=file.id, channel_id=channel.id, conversation_id=conversation.id)
                )
                continue
            self.rows.media.append(_received(channel, conversation, file))
            self.rows.effects.append(
                (file.id, channel.organization_id, conversation.id, channel.id, "work", KIND)
                + (_position(conversation, file.ordinal), None)
                + (_encode(FetchMedia(media=file.id)).decode(), self.now)
            )

    def identify(
        self,
        channel: Channel,
        conversation: OpenConversation,
        id: UUID,
        ordinal: int,
        effect: UnifyCustomer | FetchProfile,
    ) -> None:
        """Somebody is to look who the customer is: whether we know them already, or what the platform knows."""
        kind = type(effect).__struct_config__.tag
        self.rows.effects.append(
            (id, channel.organization_id, conversation.id, channel.id, "work", kind)
            + (_position(conversation, ordinal), None, _encode(effect).decode(), self.now)
        )

    def put_on_record(
        self, channel: Channel, conversation: OpenConversation, id: UUID, record: Record
    ) -> None:
        """Something is counted, or proven."""
        self.rows.interactions.append(
            (id, channel.organization_id, conversation.customer_id, conversation.id, channel.id)
            + (channel.chatbot_id, record.kind, record.name, _encode(record.properties).decode())
        )

    def close(self, conversations: list[OpenConversation]) -> None:
        """One row for each conversation that moved; the timers that are still wanted."""
        self.rows.effects.extend(self._timers.values())
        self.rows.conversations.extend(
            (c.id, _encode(c.state).decode(), c.version_before, c.version, c.messages, c.status, c.heard_at)
            for c in conversations
            if c.version != c.version_before
        )

    def _message(
        self,
        channel: Channel,
        conversation: OpenConversation,
        id: UUID,
        sender: str,
        said: tuple[str, str, str],
        status: str,
        external_id: str | None,
        intent: tuple[str | None, float | None] = (None, None),
    ) -> None:
        self.rows.messages.append(
            (id, channel.organization_id, conversation.id, channel.id, conversation.messages, sender)
            + said
            + (status, external_id)
            + intent
        )


def beside_text(send: Send) -> str:
    """What the transcript keeps of a message besides its text: JSON, without what is empty."""
    message = send.message
    parts = {name: part for name in _PARTS if (part := getattr(message, name))}
    if send.label:
        parts["label"] = send.label
    if send.replaces:
        parts["replaces"] = send.replaces
    return _encode(parts).decode() if parts else _EMPTY


def _received(channel: Channel, conversation: OpenConversation, file: Marked) -> Received:
    piece = file.piece
    return Received(
        id=file.id,
        organization_id=channel.organization_id,
        channel_id=channel.id,
        conversation_id=conversation.id,
        direction=file.direction,
        kind=piece.kind,
        file=piece.file,
        name=piece.name,
        mime_type=piece.mime_type,
        size=piece.size,
    )


def _position(conversation: OpenConversation, ordinal: int) -> int:
    return conversation.version * POSITIONS_PER_TURN + ordinal
