"""The work effects about who a customer is. The engine does not know them: turns leave them behind."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import msgspec


class UnifyCustomer(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="unify_customer",
    omit_defaults=True,
    gc=False,
):
    """Merge a customer with `other`, or with all who have the same verified number or address; nothing waits for it.

    `{"type": "unify_customer", "customer": "0192…", "other": "0193…", "reason": "link"}`
    """

    customer: UUID
    other: UUID | None = None
    reason: str = ""
    """Why `other` is the same person: `link` (a code was shown) or `identity` (the platform says so)."""


class FetchProfile(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="fetch_profile", gc=False
):
    """Ask the platform who a new customer is, and fill in what we lack; nothing waits for it.

    `{"type": "fetch_profile", "external_id": "T024:U042"}`
    """

    external_id: str
    """As in `Sender.external_id`, on the effect's channel."""


KIND: Final = "unify_customer"
"""Also the tag of `UnifyCustomer`."""
encode = msgspec.json.Encoder().encode
