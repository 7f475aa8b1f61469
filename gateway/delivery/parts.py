"""The parts of delivery, put together for one worker."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from gateway.connections import Connections
from gateway.delivery.doubts import Doubts
from gateway.delivery.lanes import Lanes
from gateway.delivery.marker import Marker
from gateway.delivery.prepare import Preparer
from gateway.identity.filling import CodeFiller
from gateway.limits.limiter import Limiter
from gateway.statuses import StatusLane
from gateway.web.bus import connect


class Delivery:
    """Lanes, their notes, the rate limits, the doubts, and the platforms' reports."""

    def __init__(
        self,
        connections: Connections,
        redis_url: str,
        owner: UUID,
        lease: timedelta,
        clock: Callable[[], datetime],
        codes: CodeFiller | None = None,
    ) -> None:
        self._redis = connect(redis_url)
        self.limiter = Limiter(self._redis)
        self.doubts = Doubts(connections)
        self.marker = Marker(connections, owner, lease)
        self.lanes = Lanes(
            self.marker, Preparer(connections, clock, codes), clock, limiter=self.limiter, doubts=self.doubts
        )
        self.statuses = StatusLane(connections, clock, self.doubts.told)

    def start(self) -> None:
        """Start what runs beside the lanes."""
        self.limiter.start()
        self.doubts.start()
        self.marker.start()
        self.statuses.start()

    async def close(self) -> None:
        """End what runs beside the lanes; after them."""
        await self.doubts.stop()
        await self.limiter.stop()
        await self._redis.aclose()
