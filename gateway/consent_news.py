"""What customers told a platform of what they want to get: stopped or resumed marketing. It never runs a turn."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid5

from adapters.protocol import ConsentReported, Parked
from gateway.away import AWAY
from gateway.channel import Channel
from gateway.errors import Unavailable
from gateway.logs import get_logger
from storage.consents import record_consent
from storage.database import Database

NOBODY = "a choice about {purpose} messages of somebody who has had no conversation on this channel"

_log = get_logger(__name__)


class ConsentNews:
    """Puts such choices on record, as proofs beside those that flows ask for; the last word counts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def report(self, channel: Channel, told: Sequence[ConsentReported]) -> tuple[Parked, ...]:
        """All of them or none, each once however often it is reported. Raises `Unavailable` when none is written.

        Returns what concerns nobody who is known, to be parked.
        """
        strangers: list[Parked] = []
        try:
            async with self._database.transaction([channel.organization_id]) as connection:
                for one in told:
                    known = await record_consent(
                        connection,
                        id=uuid5(channel.id, one.external_id),
                        organization_id=channel.organization_id,
                        chatbot_id=channel.chatbot_id,
                        channel_id=channel.id,
                        customer=one.customer,
                        purpose=one.purpose,
                        granted=one.granted,
                        text=one.text,
                        at=one.occurred_at,
                    )
                    if not known:
                        reason = NOBODY.format(purpose=one.purpose)
                        strangers.append(Parked(external_id=one.external_id, reason=reason, raw=one.raw))
        except AWAY as error:
            raise Unavailable from error
        _log.info("consents reported", channel=str(channel.id), count=len(told), unknown=len(strangers))
        return tuple(strangers)
