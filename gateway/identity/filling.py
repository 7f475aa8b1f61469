"""Puts link codes where a flow says `{{user.link_code}}`, in the moment in which a message leaves or is shown.

Until then there is a mark (`engine.environment.LINK_CODE`). What customers send can't carry one: a flow that repeats
their words elsewhere, in a group for example, would give somebody else's code away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from msgspec import structs

from engine.environment import LINK_CODE
from engine.events import InboundEvent, TextReceived
from engine.messages import OutboundMessage
from gateway.connections import Connections
from gateway.identity.codes import LinkCodes
from storage.deliveries import transaction
from storage.identities import customers_of
from storage.transcripts import StoredMessage

_MARK: Final = LINK_CODE.encode()
_encode = msgspec.json.Encoder().encode
_decode_event = msgspec.json.Decoder(InboundEvent).decode
_decode_message = msgspec.json.Decoder(OutboundMessage).decode


class CodeFiller:
    """Fills in for one process. Without `codes` nothing is put in the mark's place."""

    def __init__(
        self, connections: Connections, codes: LinkCodes | None, clock: Callable[[], datetime]
    ) -> None:
        self._connections = connections
        self._codes = codes
        self._clock = clock

    async def fill(
        self, organization_id: UUID, conversation_id: UUID, message: OutboundMessage
    ) -> OutboundMessage:
        """The message with a fresh code of the conversation's customer. Raises what the database raises."""
        plain = not (message.links or message.choices or message.cards or message.template or message.inline)
        if plain and LINK_CODE not in message.text:
            return message
        encoded = _encode(message)
        if _MARK not in encoded:
            return message
        codes = await self._codes_of({conversation_id: organization_id})
        return _decode_message(encoded.replace(_MARK, codes.get(conversation_id, "").encode()))

    async def fill_rows(
        self, organizations: Mapping[UUID, UUID], rows: Sequence[StoredMessage]
    ) -> Sequence[StoredMessage]:
        """The same for messages of a transcript; `organizations` by conversation."""
        marked = {row.conversation_id for row in rows if _is_marked(row)}
        if not marked:
            return rows
        codes = await self._codes_of({id: organizations[id] for id in marked})
        return [_filled(row, codes.get(row.conversation_id, "")) if _is_marked(row) else row for row in rows]

    async def _codes_of(self, organizations: Mapping[UUID, UUID]) -> dict[UUID, str]:
        if self._codes is None:
            return {}
        async with self._connections.raw() as connection:
            async with transaction(connection, set(organizations.values())):
                customers = await customers_of(connection, list(organizations))
        now = self._clock()
        return {id: self._codes.make(organizations[id], customer, now) for id, customer in customers.items()}


def without_mark(event: InboundEvent) -> InboundEvent:
    """The event as it came, unless somebody wrote the mark into it. A space takes its place: were it nothing, what
    stands around it could become another one.
    """
    body = event.body
    if isinstance(body, TextReceived) and not body.entities and event.context is None:
        if LINK_CODE not in body.text:
            return event
        return structs.replace(event, body=TextReceived(text=body.text.replace(LINK_CODE, " ")))
    try:
        encoded = _encode(event)
    except UnicodeEncodeError:  # half a character: nobody can store this event, and it is parked
        return event
    return _decode_event(encoded.replace(_MARK, b" ")) if _MARK in encoded else event


def _is_marked(row: StoredMessage) -> bool:
    return LINK_CODE in row.content or (row.payload is not None and LINK_CODE in row.payload)


def _filled(row: StoredMessage, code: str) -> StoredMessage:
    payload = None if row.payload is None else row.payload.replace(LINK_CODE, code)
    return structs.replace(row, content=row.content.replace(LINK_CODE, code), payload=payload)
