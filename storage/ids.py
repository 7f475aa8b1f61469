"""Time-ordered ids (UUID version 7): rows that are made together lie together in an index."""

from __future__ import annotations

import time
from random import getrandbits
from uuid import UUID

ORDINAL_BITS = 12
MAX_ORDINAL = (1 << ORDINAL_BITS) - 1

_VERSION = 7 << 76
_VARIANT = 2 << 62
_NS_PER_MS = 1_000_000


def new_id(now_ms: int | None = None) -> UUID:
    """A new id whose order is the order of time; its low 12 bits are zero, for `derived`.

    Layout (RFC 9562, method 3): 48 bits of milliseconds, version, 12 bits of the millisecond's fraction
    (random when `now_ms` is given), variant, 50 random bits, 12 zero bits. Not a secret: do not use as one.
    """
    if now_ms is None:
        now_ms, rest = divmod(time.time_ns(), _NS_PER_MS)
        fraction = (rest << 12) // _NS_PER_MS
    else:
        fraction = getrandbits(12)
    return UUID(int=now_ms << 80 | _VERSION | fraction << 64 | _VARIANT | getrandbits(50) << ORDINAL_BITS)


def derived(identifier: UUID, ordinal: int) -> UUID:
    """The `ordinal`-th (1 to 4095) id that belongs to `identifier`: the same for the same arguments, always.

    Raises `ValueError` when the ordinal is out of range or `identifier` is itself derived.
    """
    if not 0 < ordinal <= MAX_ORDINAL or identifier.int & MAX_ORDINAL:
        raise ValueError(f"no derived id: ordinal {ordinal} of {identifier}")
    return UUID(int=identifier.int | ordinal)
