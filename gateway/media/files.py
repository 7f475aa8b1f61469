"""The files that adapters upload: those of the gateway's own store, and those on the web.

An adapter is handed sources, never ids: `gateway.media.links` has sealed each for the organization whose channel
sends it, and the file is looked up as that organization. So one `Files` serves all tenants and trusts no source.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.errors import Refused, TryLater
from adapters.protocol import Content
from gateway.away import AWAY
from gateway.media.download import Downloads
from gateway.media.errors import NotThere, StoreAway, StoreMisconfigured
from gateway.media.keeper import Keeper
from gateway.media.links import SCHEME, MediaLinks
from gateway.media.store import MediaStore
from gateway.media.tokens import Named
from storage.media import Media


class GatewayFiles:
    """`adapters.protocol.Files` for one worker."""

    def __init__(self, links: MediaLinks, keeper: Keeper, store: MediaStore, downloads: Downloads) -> None:
        self._links = links
        self._keeper = keeper
        self._store = store
        self._downloads = downloads

    @asynccontextmanager
    async def open(self, source: str) -> AsyncIterator[Content]:
        """Read a sealed source, a link of ours (from the store), or an address on the web. Raises `SendFailed`."""
        named = self._links.read_source(source)
        if named is None and source.startswith(SCHEME):
            raise Refused("the file's name is none of ours, or its time is over")
        if named is None:
            async with self._downloads.open(source) as content:
                yield content
            return
        media = await self._find(named)
        try:
            async with self._store.open(_place(media)) as chunks:
                yield Content(chunks=chunks, mime_type=media.mime_type, size=media.size, name=media.name)
        except NotThere:
            raise Refused("the file is no longer there") from None
        except (StoreAway, StoreMisconfigured) as error:
            raise TryLater(str(error)) from None

    async def close(self) -> None:
        """Release connections."""
        await self._downloads.close()

    async def _find(self, named: Named) -> Media:
        try:
            media = await self._keeper.find(named.organization_id, named.media_id)
        except AWAY as error:
            raise TryLater(f"the file can't be looked up: {type(error).__name__}") from None
        if media is None:
            raise Refused("there is no such file")
        return media


def _place(media: Media) -> str:
    match media.status:
        case "stored" if media.place is not None:
            return media.place
        case "pending":
            raise TryLater("the file is still on its way")
        case _:
            raise Refused(f"the file was not kept: {media.reason}")
