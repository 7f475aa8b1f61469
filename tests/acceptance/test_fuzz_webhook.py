"""Ten thousand bodies that are nearly updates, with the right secret: all stored, none answered with a 5xx."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import msgspec
import pytest
from aiohttp import web

from adapters.telegram.parse import parse_update
from tests.acceptance.mutations import bodies
from tests.acceptance.served import serve
from tests.integration.road import SECRET, SECRET_HEADER

COUNT = 10_000
SEED = 20_250_607
CONNECTIONS = 16
KEPT = 5
"""Bad answers that are shown with their bodies."""


class Findings(msgspec.Struct, kw_only=True):
    """What came of posting the bodies."""

    statuses: Counter[int] = msgspec.field(default_factory=Counter)
    accepted: set[str] = msgspec.field(default_factory=set)
    """External ids of what was answered with 200."""
    problems: list[str] = msgspec.field(default_factory=list)


async def post_all(url: str, posted: Iterable[bytes]) -> Findings:
    """Post bodies over a few connections that are kept; every answer but 200 and 413 is a problem."""
    findings = Findings()
    waiting: Iterator[bytes] = iter(posted)
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector, headers={SECRET_HEADER: SECRET}) as session:
        await asyncio.gather(*(_post_some(session, url, waiting, findings) for _ in range(CONNECTIONS)))
    return findings


async def _post_some(
    session: aiohttp.ClientSession, url: str, waiting: Iterator[bytes], findings: Findings
) -> None:
    for body in waiting:
        async with session.post(url, data=body) as response:
            await response.read()
        findings.statuses[response.status] += 1
        if response.status == 200:
            parsed = parse_update(body, datetime.now(UTC))
            findings.accepted |= {event.external_id for event in parsed.events}
            findings.accepted |= {piece.external_id for piece in parsed.parked}
        elif response.status != 413 and len(findings.problems) < KEPT:
            findings.problems.append(f"{response.status} for {body[:500]!r}")


def lost(accepted: set[str], stored: Iterable[str]) -> list[str]:
    """What differs between the accepted and the stored, and what is stored twice."""
    rows = Counter(stored)
    return [
        *(f"lost: {external_id}" for external_id in sorted(accepted - rows.keys())),
        *(f"never sent: {external_id}" for external_id in sorted(rows.keys() - accepted)),
        *(f"twice: {external_id}" for external_id, count in rows.items() if count > 1),
    ]


def test_the_bodies_are_many_different_and_the_same_each_time() -> None:
    made = list(bodies(COUNT, SEED))
    assert (
        hashlib.sha256(b"\n".join(made)).digest() == hashlib.sha256(b"\n".join(bodies(COUNT, SEED))).digest()
    )
    assert len(set(made)) > 0.95 * COUNT
    now = datetime.now(UTC)
    parsed = [parse_update(body, now) for body in made]
    turns, parked = sum(bool(one.events) for one in parsed), sum(bool(one.parked) for one in parsed)
    assert min(turns, parked) > COUNT / 5, "neither all readable nor all garbage"


@pytest.mark.slow
async def test_ten_thousand_mutated_bodies_are_stored_and_none_fails(
    postgres_url: str, migrated_template: str, valkey_url: str, tmp_path: Path
) -> None:
    async with serve(postgres_url, migrated_template, valkey_url, tmp_path) as served:
        started = time.monotonic()
        findings = await post_all(served.gateway.url + served.path, bodies(COUNT, SEED))
        seconds = time.monotonic() - started
        # The timers of what the bodies began (an album that is gathered) are events of our own.
        rows = [row for row in await served.inbox() if not row["external_id"].startswith("timer:")]
        kinds = Counter(row["status"] for row in rows)
        print(
            f"\n{COUNT} bodies (seed {SEED}) in {seconds:.1f} s: answers {dict(findings.statuses)}, "
            f"{len(findings.accepted)} distinct ids, {len(rows)} rows {dict(kinds)}"
        )
        assert findings.problems == []
        assert sum(findings.statuses.values()) == COUNT
        assert lost(findings.accepted, (row["external_id"] for row in rows)) == []
        assert all(row["error"] for row in rows if row["status"] == "parked")
        assert served.gateway.entries("Traceback", '"level":"error"') == []
        assert served.gateway.deaths == []
        await served.converses(999_999, "after all this", seconds=60)


async def test_the_checker_sees_a_single_500() -> None:
    """The same checker, on a server that answers 500 to one body of a hundred."""
    seen = 0

    async def answer(request: web.Request) -> web.Response:
        nonlocal seen
        await request.read()
        seen += 1
        return web.Response(status=500 if seen == 50 else 200)

    app = web.Application()
    app.router.add_post("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        findings = await post_all(f"http://127.0.0.1:{runner.addresses[0][1]}/", bodies(100, SEED))
    finally:
        await runner.cleanup()
    assert findings.statuses == {200: 99, 500: 1}
    assert len(findings.problems) == 1
    assert findings.problems[0].startswith("500 for b")


def test_the_checker_sees_a_lost_row_a_strange_one_and_a_double_one() -> None:
    assert lost({"1", "2", "3"}, ["1", "2", "3"]) == []
    assert lost({"1", "2", "3"}, ["1", "2", "2", "4"]) == ["lost: 3", "never sent: 4", "twice: 2"]
