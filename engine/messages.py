"""What is said to a customer, in neutral terms; `adapters` turn it into each platform's own form."""

from __future__ import annotations

import msgspec


class Choice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One thing that the customer can pick. `{"id": "3kf9:1", "title": "AI Tools"}`

    `id` is short ASCII (at most 32 bytes, so that every platform carries it) and comes back in `ChoiceMade`.
    """

    id: str
    title: str
    description: str = ""


class OutboundMessage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A message to a customer. `{"text": "Which category?", "choices": [{"id": …, "title": …}]}`

    `text` is plain text, never markup: a platform that renders markup gets it escaped by its adapter.
    """

    text: str
    choices: tuple[Choice, ...] = ()
