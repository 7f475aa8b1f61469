"""What a batch knows of customers and of bots' variables: as loaded, and as its own events have left them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

import msgspec

from engine.effects import Remember, UpdateCustomer
from engine.state import Customer
from gateway.channel import BotVariables, Channel
from storage.turns import MAX_VARIABLES_BYTES, CustomerChange, LockedConversation, SharedVariables, TurnRows

_encode = msgspec.json.Encoder().encode
_EMPTY = "{}"


class Memory:
    """One batch's view; every change is noted in `rows` as well. Nothing outlives the batch before its commit."""

    def __init__(self, rows: TurnRows) -> None:
        self._rows = rows
        self._customers: dict[UUID, Customer] = {}
        self._variables: dict[UUID, Mapping[str, Any]] = {}
        """By bot, where the batch has changed them."""
        self._bots: dict[UUID, BotVariables] = {}

    def customer(self, locked: LockedConversation) -> Customer:
        """The customer of a conversation."""
        customer = self._customers.get(locked.customer_id)
        if customer is None:
            customer = self._customers[locked.customer_id] = _customer(locked)
        return customer

    def variables(self, channel: Channel) -> Mapping[str, Any]:
        """What the bot's conversations share."""
        changed = self._variables.get(channel.chatbot_id)
        return channel.variables if changed is None else changed

    def remember(self, channel: Channel, customer_id: UUID, effect: Remember) -> bool:
        """Merge variables into the customer's or the bot's; False when they would become too large, and stay."""
        if effect.scope == "customer":
            return self._remember_of_customer(customer_id, effect.values)
        return self._remember_of_bot(channel, effect.values)

    def update(self, customer_id: UUID, effect: UpdateCustomer) -> None:
        """The customer speaks another language, or does not want to be written to."""
        change = self._change(customer_id)
        customer = self._customers[customer_id]
        if effect.language is not None:
            change.language = effect.language
            customer = msgspec.structs.replace(customer, language=effect.language)
        if effect.opted_out is not None:
            change.opted_out = effect.opted_out
            customer = msgspec.structs.replace(customer, opted_out=effect.opted_out)
        self._customers[customer_id] = customer

    def is_verified(
        self, locked: LockedConversation, what: Literal["phone", "email"], value: str = ""
    ) -> bool:
        """Whether the customer has a verified number or address: that one, or any."""
        change = self._rows.customers.get(locked.customer_id)
        changed = None if change is None else getattr(change, what)
        if changed is None and not locked.customer[f"{what}_verified"]:
            return False
        return not value or value == getattr(self.customer(locked), what)

    def verify(self, customer_id: UUID, *, phone: str | None, email: str | None) -> None:
        """The platform vouches for the customer's number or address; None for what it says nothing of."""
        change = self._change(customer_id)
        customer = self._customers[customer_id]
        if phone is not None:
            change.phone = phone
            customer = msgspec.structs.replace(customer, phone=phone)
        if email is not None:
            change.email = email
            customer = msgspec.structs.replace(customer, email=email)
        self._customers[customer_id] = customer

    def reachable(self, customer_id: UUID, reachable: bool) -> None:
        """The customer blocked the bot, or lets it write again."""
        self._change(customer_id).reachable = reachable

    def committed(self, shared: Mapping[UUID, SharedVariables]) -> None:
        """The batch is committed: these are the bots' variables from now on, for every turn of this worker."""
        for chatbot_id, stored in shared.items():
            self._bots[chatbot_id].commit(msgspec.json.decode(stored.variables))

    def _remember_of_customer(self, customer_id: UUID, values: Mapping[str, Any]) -> bool:
        customer = self._customers[customer_id]
        variables = merged(customer.variables, values)
        if variables is None:
            return False
        self._change(customer_id).variables.update(values)
        self._customers[customer_id] = msgspec.structs.replace(customer, variables=variables)
        return True

    def _remember_of_bot(self, channel: Channel, values: Mapping[str, Any]) -> bool:
        variables = merged(self.variables(channel), values)
        if variables is None:
            return False
        self._rows.bots.setdefault(channel.chatbot_id, {}).update(values)
        self._variables[channel.chatbot_id] = variables
        self._bots[channel.chatbot_id] = channel.shared
        return True

    def _change(self, customer_id: UUID) -> CustomerChange:
        return self._rows.customers.setdefault(customer_id, CustomerChange())


def merged(variables: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any] | None:
    """The variables with `values` over them, those of None left out; None when they are too large."""
    found = {name: value for name, value in {**variables, **values}.items() if value is not None}
    return found if len(_encode(found)) <= MAX_VARIABLES_BYTES else None


def _customer(locked: LockedConversation) -> Customer:
    columns: Mapping[str, Any] = locked.customer
    attributes, variables = columns["metadata"], columns["variables"]
    return Customer(
        id=str(locked.customer_id),
        first_name=columns["first_name"] or "",
        last_name=columns["last_name"] or "",
        email=columns["email"] or "",
        phone=columns["phone"] or "",
        language=columns["language"] or "",
        timezone=columns["timezone"] or "",
        opted_out=columns["opted_out"],
        attributes={} if attributes == _EMPTY else msgspec.json.decode(attributes),
        variables={} if variables == _EMPTY else msgspec.json.decode(variables),
    )
