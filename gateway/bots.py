"""Compiled flows, by the id of their stored version. A version never changes, so a compiled one stays right."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from uuid import UUID

from engine.compile import Bot, compile_flow
from engine.document import DEFINITION, definition_of
from engine.errors import EngineError
from engine.languages import Detect
from engine.understanding.intents import Embed
from gateway.detection import shared_detector
from gateway.flows.document import document_of, speaks_several, understands_intents
from gateway.logs import get_logger
from storage.database import Database
from storage.routing import StoredFlow, load_flow

MAX_COMPILED = 500
"""Compiled flows kept; the least recently used one goes first."""

_log = get_logger(__name__)


class BotRegistry:
    """One worker's compiled flows."""

    def __init__(
        self,
        database: Database,
        embedder: Callable[[], Embed],
        detector: Callable[[], Detect] = shared_detector,
    ) -> None:
        self._database = database
        self._embedder = embedder
        self._detector = detector
        self._embed: Embed | None = None
        self._detect: Detect | None = None
        self._compiled: OrderedDict[UUID, Bot] = OrderedDict()
        self._loading = asyncio.Lock()

    async def load(self, flows: Mapping[UUID, UUID]) -> Mapping[UUID, Bot]:
        """The compiled flows among `flows` (version id → organization id); one that can't be had is left out."""
        compiled = self._compiled
        missing = [flow for flow in flows if flow not in compiled]
        if missing:
            async with self._loading:
                for flow in missing:
                    if flow not in compiled:
                        await self._load(flow, flows[flow])
        found = {}
        for flow in flows:
            bot = compiled.get(flow)
            if bot is not None:
                found[flow] = bot
                compiled.move_to_end(flow)
        return found

    async def _load(self, flow: UUID, organization_id: UUID) -> None:
        stored = await load_flow(self._database, organization_id, flow)
        if stored is None:
            return
        try:
            bot = await asyncio.to_thread(self._compile, stored)
        except EngineError as error:  # published by other means than our own, which checks first
            _log.error("flow does not compile", flow=str(flow), error=str(error))
            return
        self._compiled[flow] = bot
        while len(self._compiled) > MAX_COMPILED:
            self._compiled.popitem(last=False)

    def _compile(self, stored: StoredFlow) -> Bot:
        document = document_of(stored.definition, stored.parts)
        if self._embed is None and understands_intents(document[DEFINITION]):
            self._embed = self._embedder()
        if self._detect is None and speaks_several(document):
            self._detect = self._detector()
        return compile_flow(
            definition_of(document),
            flow_id=str(stored.id),
            name=stored.name,
            embed=self._embed,
            detect=self._detect,
        )
