"""What replicas tell each other about widgets. A note is a hint: the transcript has the truth."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final, Protocol, TypeAlias
from uuid import UUID

import msgspec


class _Note(msgspec.Struct, frozen=True, kw_only=True, tag_field="note", omit_defaults=True, gc=False):
    """Base of every note. `origin` is the replica that wrote it."""

    origin: str


class Pushed(_Note, frozen=True, kw_only=True, tag="pushed"):
    """This frame is for the conversation's widgets. `seq` is 0 for a frame that is no message."""

    seq: int
    frame: msgspec.Raw


class Said(_Note, frozen=True, kw_only=True, tag="said"):
    """The visitor wrote message `seq`; the visitor's other widgets have to fetch it."""

    seq: int


class Born(_Note, frozen=True, kw_only=True, tag="born"):
    """The visitor, whose key this is sent to, has a conversation now."""

    conversation_id: UUID


class Here(_Note, frozen=True, kw_only=True, tag="here"):
    """The origin holds a widget of this key, from now on."""


Note: TypeAlias = Pushed | Said | Born | Here

encode: Final = msgspec.json.Encoder().encode
_decoder: Final = msgspec.json.Decoder(Note)


def decode(data: bytes) -> Note:
    """Read a note. Raises msgspec.DecodeError."""
    note: Note = _decoder.decode(data)
    return note


class Listener(Protocol):
    """Who hears what other replicas say."""

    def received(self, key: UUID, note: Note) -> None:
        """A note of another replica about a key that is subscribed to."""

    def resync(self) -> None:
        """Notes may have been lost: look into the transcript."""


class NoteBus(Protocol):
    """Carries notes between replicas: `gateway.web.bus.Bus`, or `Alone`."""

    @property
    def origin(self) -> str:
        """This replica's name in its notes."""

    @property
    def healthy(self) -> bool:
        """Whether notes of others arrive. While they do not, the transcript has to be polled."""

    def publish(self, key: UUID, note: Note) -> None:
        """Tell the other replicas that hold `key`. Never waits; a note that is lost ends in a resync."""

    def subscribe(self, key: UUID) -> Awaitable[None]:
        """Hear about `key`. Returns when it is so, or soon after when it can't be."""

    def unsubscribe(self, key: UUID) -> None:
        """Hear no more of `key`."""


class Alone:
    """The bus of a replica that is the only one."""

    origin = ""
    healthy = True

    def publish(self, key: UUID, note: Note) -> None:
        """There is nobody to tell."""

    async def subscribe(self, key: UUID) -> None:
        """There is nothing to hear."""

    def unsubscribe(self, key: UUID) -> None:
        """There is nothing to hear."""
