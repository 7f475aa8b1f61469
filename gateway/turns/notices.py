"""What an event tells of who the customer is, noted before its turn runs: verified numbers and addresses, ids that
change, codes that link. What follows beyond the customer's own row is left behind as work; so is the question who
somebody new is, where the platform's events do not say.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from adapters.protocol import ProfileSource
from engine.events import ContactReceived, IdentityChanged, InboundEvent
from gateway.channel import Channel
from gateway.identity.codes import LinkCodes
from gateway.identity.effect import FetchProfile, UnifyCustomer
from gateway.identity.filling import without_mark
from gateway.identity.numbers import verified_address, verified_number
from gateway.turns.ledger import Ledger, OpenConversation
from gateway.turns.memory import Memory
from storage.identities import Renamed
from storage.ids import derived
from storage.turns import LockedConversation

UNIFY_ORDINAL: Final = 4_095
LINK_ORDINAL: Final = 4_094
PROFILE_ORDINAL: Final = 4_093
"""Of these effects among the ids that belong to an event's inbox row."""


class Notices:
    """Notes for one deployment. Without `codes` nobody is linked; unless `merges`, nobody is merged by itself."""

    def __init__(self, codes: LinkCodes | None = None, *, merges: bool = True) -> None:
        self._codes = codes
        self._merges = merges

    def take_code(
        self, channel: Channel, event: InboundEvent, ledger: Ledger
    ) -> tuple[InboundEvent, UUID | None]:
        """The event without a link code that it carried, and the customer whom the code stands for."""
        if self._codes is None:
            return event, None
        return self._codes.take(channel.organization_id, without_mark(event), ledger.now)

    def welcome(
        self, ledger: Ledger, channel: Channel, conversation: OpenConversation, inbox_id: UUID, newcomer: str
    ) -> None:
        """A customer was created for `newcomer`, an id on the channel: ask the platform who that is, if it tells."""
        if isinstance(channel.adapter, ProfileSource):
            effect = FetchProfile(external_id=newcomer)
            id = derived(inbox_id, PROFILE_ORDINAL)
            ledger.identify(channel, conversation, id, PROFILE_ORDINAL, effect)

    def note(
        self,
        ledger: Ledger,
        memory: Memory,
        channel: Channel,
        conversation: OpenConversation,
        locked: LockedConversation,
        event: InboundEvent,
        inbox_id: UUID,
        linked: UUID | None,
    ) -> None:
        """Note what the event tells. Only in private: a group's conversation is nobody's own."""
        if isinstance(event.body, IdentityChanged):
            _rename(ledger, channel, conversation, event, event.body)
        if event.context is not None and event.context.place != "private":
            return
        if linked is not None and linked != locked.customer_id:
            effect = UnifyCustomer(customer=locked.customer_id, other=linked, reason="link")
            ledger.identify(channel, conversation, derived(inbox_id, LINK_ORDINAL), LINK_ORDINAL, effect)
        if _verifies(memory, conversation, locked, event) and self._merges:
            effect = UnifyCustomer(customer=locked.customer_id)
            ledger.identify(channel, conversation, derived(inbox_id, UNIFY_ORDINAL), UNIFY_ORDINAL, effect)


def _verifies(
    memory: Memory, conversation: OpenConversation, locked: LockedConversation, event: InboundEvent
) -> bool:
    """Note a number or an address that the platform vouches for; whether there is news for whoever compares them."""
    sender = event.sender
    began = conversation.version == 0  # first contact was created with what the sender brought
    news = began and bool(sender.phone or sender.email)
    number = address = None
    if isinstance(event.body, ContactReceived) and event.body.own:
        number = verified_number(event.body.phone)
        if number is not None and memory.is_verified(locked, "phone", number):
            number = None
    elif sender.phone and not memory.is_verified(locked, "phone"):
        number = verified_number(sender.phone)
    if sender.email and not memory.is_verified(locked, "email"):
        address = verified_address(sender.email)
    if number is not None or address is not None:
        memory.verify(locked.customer_id, phone=number, email=address)
        news = True
    return news


def _rename(
    ledger: Ledger,
    channel: Channel,
    conversation: OpenConversation,
    event: InboundEvent,
    change: IdentityChanged,
) -> None:
    """The customer, or the group, has another id from now on; what this batch still sends goes there."""
    if not change.old or not change.new or change.old == change.new:
        return
    moves = event.conversation_key == change.old
    sender = event.sender
    ledger.rows.renamed.append(
        Renamed(
            organization_id=channel.organization_id,
            channel_id=channel.id,
            conversation_id=conversation.id,
            old=change.old,
            new=change.new,
            gone=sender.aliases if sender.external_id == change.old else (),
            moves=moves,
        )
    )
    if moves:
        conversation.contact_key = change.new
