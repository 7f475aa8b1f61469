"""What customers and bots remember while conversations are replayed, as the server would have kept it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import msgspec

from engine.effects import Effect, Remember, UpdateCustomer
from engine.state import ConversationState, Customer
from gateway.replay.past import Past, PastConversation
from gateway.turns.memory import merged
from storage.replays import StoredConversation

LOOKED_UP: Final = frozenset({"slack"})
"""Platforms whose events do not tell the language: it was asked for after the first turn, or chosen in the flow, and
which of the two is not kept."""
_encode = msgspec.json.Encoder().encode
_decode_state = msgspec.json.Decoder(ConversationState).decode


class Memory:
    """Customers as they were at the beginning of a replay, and what its turns make of them."""

    def __init__(self, past: Past) -> None:
        self._customers: dict[UUID, Customer] = {}
        self._shared: dict[UUID, Mapping[str, Any]] = dict(past.remembered)
        self.guessed: set[UUID] = set()
        """Customers that are taken as they are now, since not all that made them so is kept."""
        by_customer: dict[UUID, list[PastConversation]] = {}
        for conversation in past.conversations.values():
            by_customer.setdefault(conversation.stored.customer_id, []).append(conversation)
        for id, conversations in by_customer.items():
            self._customers[id] = self._customer(id, conversations)

    def customer(self, conversation: PastConversation) -> Customer:
        """The customer at this moment of the replay."""
        return self._customers[conversation.stored.customer_id]

    def shared(self, conversation: PastConversation) -> Mapping[str, Any]:
        """What the bot's conversations share at this moment of the replay."""
        return self._shared.get(conversation.stored.chatbot_id, {})

    def carry_out(self, conversation: PastConversation, effects: tuple[Effect, ...]) -> None:
        """Keep what a turn wants to be kept; what would be too large is not, as in the server."""
        id, bot = conversation.stored.customer_id, conversation.stored.chatbot_id
        for effect in effects:
            match effect:
                case Remember(scope="customer"):
                    variables = merged(self._customers[id].variables, effect.values)
                    if variables is not None:
                        self._change(id, variables=stored_form(variables))
                case Remember():
                    shared = merged(self._shared.get(bot, {}), effect.values)
                    if shared is not None:
                        self._shared[bot] = stored_form(shared)
                case UpdateCustomer():
                    changes = {"language": effect.language, "opted_out": effect.opted_out}
                    self._change(id, **{name: value for name, value in changes.items() if value is not None})
                case _:
                    pass

    def _change(self, id: UUID, **changes: Any) -> None:
        self._customers[id] = msgspec.structs.replace(self._customers[id], **changes)

    def _customer(self, id: UUID, conversations: list[PastConversation]) -> Customer:
        """The customer before the first of these conversations, if that can be known."""
        first = min(conversations, key=lambda one: one.stored.created_at)
        now = customer_of(first.stored)
        born_here = first.stored.customer_since >= first.stored.created_at
        if not born_here or any(one.gone for one in conversations) or not first.events:
            self.guessed.add(id)
            return now
        language = first.events[0].event.sender.language
        if not language and now.language and first.stored.platform in LOOKED_UP:
            self.guessed.add(id)
            language = now.language
        return msgspec.structs.replace(now, language=language, opted_out=False, variables={})


def customer_of(stored: StoredConversation) -> Customer:
    """The customer as the database knows them now."""
    return Customer(
        id=str(stored.customer_id),
        first_name=stored.first_name or "",
        last_name=stored.last_name or "",
        email=stored.email or "",
        phone=stored.phone or "",
        language=stored.language or "",
        timezone=stored.timezone or "",
        opted_out=stored.opted_out,
        attributes=msgspec.json.decode(stored.metadata),
        variables=msgspec.json.decode(stored.variables),
    )


def stored_state(state: ConversationState) -> ConversationState:
    """A state as it comes back from the database."""
    read: ConversationState = _decode_state(_encode(state))
    return msgspec.structs.replace(read, variables=stored_form(read.variables)) if read.variables else read


def stored_form(value: Any) -> Any:
    """JSON as PostgreSQL's jsonb gives it back: the keys of objects by length, then by bytes."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
        return {key: stored_form(value[key]) for key in keys}
    if isinstance(value, list):
        return [stored_form(item) for item in value]
    return value
