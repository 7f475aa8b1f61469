"""What a platform reports of message templates: approved, refused, paused. It never runs a turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from adapters.protocol import TemplateChanged
from gateway.away import AWAY
from gateway.channel import Channel
from gateway.errors import Unavailable
from gateway.logs import get_logger
from storage.database import Database
from storage.message_templates import change_template

_log = get_logger(__name__)


class TemplateNews:
    """Writes such reports down."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    async def report(self, channel: Channel, changes: Sequence[TemplateChanged]) -> None:
        """All of them or none. Raises `Unavailable` when they are not written."""
        try:
            async with self._database.transaction([channel.organization_id]) as connection:
                for change in changes:
                    known = await change_template(
                        connection,
                        channel.id,
                        name=change.name,
                        language=change.language,
                        status=change.status,
                        reason=change.reason,
                        category=change.category,
                        now=self._clock(),
                    )
                    _log.info(
                        "template changed",
                        channel=str(channel.id),
                        template=f"{change.name}/{change.language}",
                        status=change.status,
                        known=known,
                    )
        except AWAY as error:
            raise Unavailable from error
