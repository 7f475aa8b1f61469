"""Messages that did not go out, as operators look for them, replay them and drop them.

A replay is only a change of rows: the running servers send what waits. A replayed message goes to its lane's end, so
that nothing that waits by then is overtaken, and keeps its id, under which the platform may know it already.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from gateway.admin.bots import ACTOR
from gateway.admin.channels import channels_of, select_channel
from gateway.delivery.trouble import explain
from gateway.errors import Conflict, GatewayError, NotFound
from storage.audit import Change
from storage.database import Database
from storage.letters import (
    Content,
    Letter,
    State,
    Wanted,
    drop_letters,
    letter_content,
    list_letters,
    replay_letters,
)
from storage.organizations import Organization

EVER = datetime(1970, 1, 1, tzinfo=UTC)
AT_ONCE = 500
"""Letters that one transaction changes."""

_SPAN = re.compile(r"(\d{1,5})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A letter with its words and what an operator should know."""

    letter: Letter
    content: Content | None
    meaning: str
    advice: str


class Desk:
    """The letters of one organization."""

    def __init__(self, database: Database, organization: Organization) -> None:
        self._database = database
        self._organization = organization

    async def find(
        self,
        states: Sequence[State],
        *,
        channel: str | None = None,
        since: datetime = EVER,
        error: str = "",
        limit: int,
    ) -> list[Letter]:
        """The letters in these states, oldest first. Raises NotFound for a channel that is not there."""
        chosen: UUID | None = None
        if channel is not None:
            channels = await channels_of(self._database, self._organization)
            chosen = select_channel(channels, channel).id
        wanted = Wanted(states=tuple(states), since=since, channel=chosen, error=error, limit=limit)
        return await self._list(wanted)

    async def named(self, ids: Sequence[str], states: Sequence[State]) -> list[Letter]:
        """The letters of these ids, or beginnings of ids. Raises NotFound and Conflict."""
        whole = tuple(UUID(id) for id in ids if _is_uuid(id))
        exact = whole if len(whole) == len(ids) else None
        found = await self._list(Wanted(states=tuple(states), since=EVER, ids=exact))
        letters = []
        for id in ids:
            hits = [letter for letter in found if str(letter.id).startswith(id.lower())]
            if not hits:
                raise NotFound(f"there is no such message among those that did not go out: {id}")
            if len(hits) > 1:
                raise Conflict(f"{len(hits)} messages begin with {id}; write more of the id")
            letters += [letter for letter in hits if letter not in letters]
        return sorted(letters, key=lambda letter: letter.created_at)

    async def show(self, letter: Letter) -> Shown:
        """A letter whole."""
        async with self._database.transaction([self._organization.id]) as connection:
            content = await letter_content(connection, letter)
        meaning, advice = _told(letter)
        return Shown(letter=letter, content=content, meaning=meaning, advice=advice)

    async def replay(self, letters: Sequence[Letter], now: datetime) -> set[UUID]:
        """Send letters anew. Returns those that nobody else has dealt with meanwhile."""
        done: set[UUID] = set()
        for start in range(0, len(letters), AT_ONCE):
            async with self._database.transaction([self._organization.id]) as connection:
                done |= await replay_letters(connection, self._change(now), letters[start : start + AT_ONCE])
        return done

    async def drop(self, letters: Sequence[Letter], now: datetime) -> set[UUID]:
        """Give letters up for good. Returns those that nobody else has dealt with meanwhile."""
        async with self._database.transaction([self._organization.id]) as connection:
            return await drop_letters(connection, self._change(now), letters)

    async def _list(self, wanted: Wanted) -> list[Letter]:
        async with self._database.transaction([self._organization.id]) as connection:
            return await list_letters(connection, wanted)

    def _change(self, now: datetime) -> Change:
        return Change(organization_id=self._organization.id, actor=ACTOR, now=now)


def read_since(text: str, now: datetime) -> datetime:
    """`90m`, `12h`, `7d`, `2w` before now, or a date or time (UTC unless it says otherwise). Raises GatewayError."""
    if match := _SPAN.fullmatch(text):
        return now - timedelta(**{_UNITS[match[2]]: int(match[1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise GatewayError(f"{text!r} is no time: write 12h, 7d, 2026-11-01 or 2026-11-01T08:00") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def as_json(letter: Letter) -> dict[str, Any]:
    """A letter as JSON."""
    meaning, advice = _told(letter)
    return {
        "id": str(letter.id),
        "created_at": letter.created_at.isoformat(),
        "channel_id": str(letter.channel_id),
        "channel": letter.channel,
        "recipient": letter.recipient,
        "state": letter.state,
        "trouble": letter.trouble or None,
        "error": letter.error,
        "attempts": letter.attempts,
        "due_at": letter.due_at.isoformat() if letter.state == "waiting" else None,
        "meaning": meaning,
        "advice": advice,
    }


def _told(letter: Letter) -> tuple[str, str]:
    if letter.state == "waiting":
        again = f"It is tried again at {letter.due_at:%Y-%m-%d %H:%M:%S} UTC."
        return "It waits for its turn, or for its next try.", again
    return explain(letter.trouble)


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return len(text) == 36
