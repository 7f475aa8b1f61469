"""The parts that keep files, put together for one process."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from aiohttp import web

from gateway.directory import Directory
from gateway.media.download import Downloads
from gateway.media.fetching import Fetching
from gateway.media.files import GatewayFiles
from gateway.media.http import MediaPages
from gateway.media.intake import Intake
from gateway.media.keeper import Keeper
from gateway.media.links import MediaLinks
from gateway.media.marks import MediaMarks
from gateway.media.places import open_store
from gateway.media.retention import Housekeeping, MediaRetention
from gateway.media.upload import VisitorUploads
from gateway.settings import Settings, host_list
from gateway.work.addresses import AddressPolicy
from storage.database import Database
from storage.keyring import Keyring


def links_of(settings: Settings, keyring: Keyring, clock: Callable[[], datetime]) -> MediaLinks:
    """Links that lead to this deployment."""
    base = settings.public_url or f"http://{settings.host}:{settings.port}"
    return MediaLinks(keyring, base, timedelta(hours=settings.media_link_hours), clock)


def marks_of(settings: Settings, links: MediaLinks) -> MediaMarks:
    """What marks the files in events."""
    return MediaMarks(links, timedelta(days=settings.media_days) if settings.media_days else None)


class MediaParts:
    """All of them. `connect` says how channels are found, before the first request."""

    def __init__(
        self, settings: Settings, database: Database, keyring: Keyring, clock: Callable[[], datetime]
    ) -> None:
        url = settings.media_url
        self._max_bytes = settings.media_max_bytes
        self._clock = clock
        self._database = database
        self.store = open_store(url.get_secret_value() if url else None, settings.data_dir, clock)
        self.links = links_of(settings, keyring, clock)
        self.marks = marks_of(settings, self.links)
        self.keeper = Keeper(database, self.store, self._max_bytes, clock)
        self.fetching = Fetching(self.keeper, clock)
        downloads = Downloads(AddressPolicy(host_list(settings.http_allowed_hosts)), self._max_bytes)
        self.files = GatewayFiles(self.links, self.keeper, self.store, downloads)
        self.intake = Intake(database, self.store, self._organization_of, clock)
        self._directory: Directory | None = None

    def connect(self, directory: Directory) -> None:
        """Where channels are found."""
        self._directory = directory

    def routes(self, directory: Directory) -> list[web.RouteDef]:
        """The HTTP routes: links, and visitors' uploads."""
        pages = MediaPages(self.links, self.keeper, self.store, directory.by_id, self._clock)
        find = partial(directory.by_route, "web")
        uploads = VisitorUploads(self.intake, self.links, find, self._max_bytes, self._clock)
        return [*pages.routes(), *uploads.routes()]

    def housekeeper(self, before: Housekeeping) -> MediaRetention:
        """The storage's chores and, after them, the media store's."""
        return MediaRetention(before, self._database, self.store)

    async def close(self) -> None:
        """Let go of connections and threads."""
        await self.files.close()
        await self.store.close()

    def _organization_of(self, channel_id: UUID) -> UUID | None:
        return None if self._directory is None else self._directory.organization_of(channel_id)
