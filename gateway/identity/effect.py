"""The work effect that makes one customer of several. The engine does not know it: turns leave it behind."""

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


KIND: Final = "unify_customer"
"""Also the tag of the effect."""
encode = msgspec.json.Encoder().encode
