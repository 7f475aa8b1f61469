"""Checks of the media store: a small file is written, read back and removed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Final

from gateway.doctor.finding import Report
from gateway.media.places import open_store
from gateway.settings import Settings
from storage.ids import new_id

PROBE: Final = b"gateway doctor"
CHECK: Final = "media store"


async def check_media(report: Report, settings: Settings) -> None:
    """Raises what the store raises."""
    url = settings.media_url.get_secret_value() if settings.media_url is not None else None
    store = open_store(url, settings.data_dir, lambda: datetime.now(UTC))
    try:
        stored = await store.put(new_id(), _probe())
        async with store.open(stored.place) as chunks:
            found = b"".join([chunk async for chunk in chunks])
        await store.delete(stored.place)
    finally:
        await store.close()
    if found == PROBE:
        kind = "a folder" if url is None or url.startswith("file:") else "a bucket"
        report.ok(CHECK, f"{kind}: a file was written, read and removed")
    else:
        report.fail(CHECK, "what was written is not what is read", "See GATEWAY_MEDIA_URL")


async def _probe() -> AsyncIterator[bytes]:
    yield PROBE
