"""The work effect that fetches a file. The engine does not know it: whoever marks an event leaves it behind."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import msgspec


class FetchMedia(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="fetch_media", gc=False):
    """Fetch a customer's file from its platform into the store; nothing waits for it. At most one for a file.

    `{"type": "fetch_media", "media": "0192…"}`
    """

    media: UUID


KIND: Final = "fetch_media"
encode = msgspec.json.Encoder().encode
