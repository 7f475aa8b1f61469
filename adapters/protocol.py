"""What a platform's adapter is: verify (pure), parse (pure), render (pure), send (thin I/O).

An adapter translates, it never decides. It knows no server, no database and no other platform.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable
from uuid import UUID

import msgspec

from adapters.capabilities import Capabilities
from engine.events import InboundEvent, Sender
from engine.messages import OutboundMessage

DeliveryState: TypeAlias = Literal["sent", "delivered", "read", "failed"]


class ChannelAccess(msgspec.Struct, frozen=True, kw_only=True):
    """What an adapter needs of one channel: its id, its decrypted secrets and its settings.

    The repr shows no secret.
    """

    channel_id: UUID
    secrets: Mapping[str, str]
    settings: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"ChannelAccess(channel_id={self.channel_id})"


class StatusUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """A platform's report on a message that was sent: its status lane never runs a turn."""

    message: str
    """The platform's message id, as in `Receipt.message`."""
    state: DeliveryState
    occurred_at: datetime
    error: str = ""
    """What an operator reads, when it failed; `code: words`."""
    key: UUID | None = None
    """Our own key of the send, where the platform repeats it: proof that a call in doubt was carried out."""
    call: int = 0
    """Which call of the send, from 0."""


class Parked(msgspec.Struct, frozen=True, kw_only=True):
    """An authentic piece of a body that is stored with its reason and runs no turn."""

    external_id: str
    reason: str
    raw: bytes


class TemplateChanged(msgspec.Struct, frozen=True, kw_only=True):
    """The platform approved, refused or paused a message template."""

    name: str
    language: str
    status: str
    """`APPROVED`, `REJECTED`, `PAUSED`, … as the platform says."""
    reason: str = ""
    category: str = ""


class ConsentReported(msgspec.Struct, frozen=True, kw_only=True):
    """A customer told the platform, by a setting of its own, what they want to get. The proof is kept; no turn runs."""

    external_id: str
    """The same for every report of the same choice, within the channel."""
    customer: tuple[str, ...]
    """The ids by which the platform knows them; at least one."""
    purpose: str
    """As in the `consent` node, such as `marketing`."""
    granted: bool
    text: str
    """The platform's own words."""
    occurred_at: datetime
    """When they chose; never later than now."""
    raw: bytes
    """A body of its own, to be parked where nobody is known by these ids."""


class Parsed(msgspec.Struct, frozen=True, kw_only=True):
    """A body split whole: what runs a turn, what only changes a status, what is parked."""

    events: tuple[InboundEvent, ...] = ()
    statuses: tuple[StatusUpdate, ...] = ()
    templates: tuple[TemplateChanged, ...] = ()
    consents: tuple[ConsentReported, ...] = ()
    parked: tuple[Parked, ...] = ()
    answer: bytes | None = None
    """JSON to answer the webhook with, when the platform lets the answer carry something; None for an empty 200."""


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A file that goes with a call: `source` is an address as in `engine.messages.Media.url`."""

    field: str
    """Where the call wants it: the name of a multipart field, or what the adapter's client understands."""
    source: str
    kind: str
    name: str = ""


class Call(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One API call, rendered and ready: `method` is the platform's name for it, `body` is JSON."""

    method: str
    body: bytes
    uploads: tuple[Upload, ...] = ()


class Envelope(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What goes with a call: which effect it carries out, and where that stands in its conversation."""

    key: UUID
    """The effect's id: the same at every try, for platforms that take an idempotency key."""
    conversation_id: UUID
    seq: int
    """The message's number in its conversation, from 1, without gaps."""
    at: datetime
    """When the message was decided on (UTC)."""
    call: int = 0
    """Which of the message's calls, from 0: key and call together name one call for good."""


class Receipt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The platform took a call; `message` is its id for the message (empty when it gave none)."""

    message: str = ""


class Content(msgspec.Struct, kw_only=True):
    """A file being read. `size` in bytes, None when it is not known before the end."""

    chunks: AsyncIterator[bytes]
    mime_type: str = ""
    size: int | None = None
    name: str = ""


class Files(Protocol):
    """Where adapters get the files from that a message shows. The gateway gives one to each adapter."""

    def open(self, source: str) -> AbstractAsyncContextManager[Content]:
        """Read the file at `source` (`media:<id>`, or http(s)). Raises `SendFailed`."""


class Adapter(Protocol):
    """A platform. A fifth one is one folder, one folder of payloads and one line in the composition root."""

    platform: str
    capabilities: Capabilities

    def verify(self, body: bytes, headers: Mapping[str, str], access: ChannelAccess, now: datetime) -> None:
        """Check that `body` (raw bytes, unparsed) comes from the platform. Raises `Unverified`."""

    def challenge(self, query: Mapping[str, str], access: ChannelAccess) -> bytes:
        """The answer (text/plain) to the GET with which the platform tries a webhook out. Raises `Unverified`."""

    def parse(self, body: bytes, access: ChannelAccess, now: datetime) -> Parsed:
        """Split a verified body into neutral pieces. Never raises: what can't be read comes back parked."""

    def render(self, recipient: str, message: OutboundMessage, access: ChannelAccess) -> list[Call]:
        """The API calls that say `message` to `recipient` (the conversation key), in order; never empty.

        `message` has been through `adapters.fit`: all that is in it the platform has a form for.
        """

    def announce(
        self, recipient: str, answers: str, access: ChannelAccess, *, typing: bool, showing: str = ""
    ) -> Call | None:
        """The call that shows the typing indicator (when `typing`) and marks the customer's message `answers` (the
        platform's id, may be empty) as read; None where the platform has neither. `showing` is the kind of media that
        is about to be sent (`engine.messages.MediaKind`), for platforms that name it; empty for words."""

    async def send(self, call: Call, access: ChannelAccess, envelope: Envelope) -> Receipt:
        """Carry out one call. Raises `SendFailed`."""

    async def find(self, call: Call, access: ChannelAccess, envelope: Envelope) -> Receipt | None:
        """Whether a call in doubt was carried out after all: its receipt, or None when nothing says so.

        Asked before it is sent again, where `capabilities.certainty` is `lookup`. Raises `SendFailed`.
        """

    def fetch(self, file: str, access: ChannelAccess) -> AbstractAsyncContextManager[Content]:
        """Read a file that a customer sent, by `MediaReceived.file`. Raises `SendFailed` (`Refused`: it is gone)."""

    async def close(self) -> None:
        """Release connections."""


@runtime_checkable
class ProfileSource(Protocol):
    """Beside `Adapter`, for a platform whose events do not say what it knows of their sender."""

    async def profile(self, access: ChannelAccess, external_id: str) -> Sender:
        """Who a person is, by `Sender.external_id`; phone and e-mail only where the platform vouches for them.

        Raises `SendFailed`; `CustomerGone` when the platform knows nobody of that id, or shows nothing of them.
        """


@runtime_checkable
class CapabilitiesBySettings(Protocol):
    """An adapter whose channels can switch forms of the platform off."""

    def capabilities_for(self, settings: Mapping[str, Any]) -> Capabilities:
        """The platform's table as a channel's settings leave it; what is no setting, or a wrong one, changes nothing.

        The same object as `capabilities` where nothing is switched off.
        """


def capabilities_of(adapter: Adapter, settings: Mapping[str, Any]) -> Capabilities:
    """What a channel with these settings can do: the table that its messages are fitted to."""
    if isinstance(adapter, CapabilitiesBySettings):
        return adapter.capabilities_for(settings)
    return adapter.capabilities
