"""`python -m tests.chaos [--long]`: every scenario, one line each; ends with 1 when a guarantee was broken."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Final

import msgspec
import uvloop

from gateway.checkpoints import POINTS
from tests.chaos.checker import Report, check
from tests.chaos.history import History
from tests.chaos.run import Run
from tests.chaos.scenarios import (
    Disturb,
    crash_points,
    kill_at_random,
    kill_valkey,
    pause_at,
    restart_postgres,
    stop_gently,
)
from tests.chaos.world import Servers

PAUSED: Final = (
    "request.parsed",
    "turn.locked",
    "turn.written",
    "delivery.taken",
    "delivery.sent",
    "sweep.claimed",
    "work.claimed",
    "work.done",
)
PAUSE_SECONDS: Final = 8.0
"""Longer than a lease."""
KEPT: Final = Path(tempfile.gettempdir()) / "gateway-chaos"
SHOWN: Final = 20
"""Violations printed of one scenario."""


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """A name, what is done, and how many events there are to say (None: as long as it takes)."""

    name: str
    disturb: Disturb
    rate: float
    events: int | None = None


def scenarios(*, long: bool, rate: float, seed: int) -> list[Scenario]:
    """All of them."""
    kills, many, times, events = (20, 100, 20, 20_000) if long else (1, 10, 2, 1_500)
    every = [
        Scenario(name=f"kill at {point}", disturb=crash_points((point,), kills, seed + number), rate=rate)
        for number, point in enumerate(POINTS)
    ]
    seconds = events / rate / many
    return [
        *every,
        Scenario(
            name="kill at random",
            disturb=kill_at_random(many, seed, seconds=seconds),
            rate=rate,
            events=events,
        ),
        Scenario(name="PostgreSQL restarted", disturb=restart_postgres(times, seed), rate=rate),
        Scenario(name="Valkey killed", disturb=kill_valkey(times, seed), rate=rate),
        Scenario(name="stopped and started", disturb=stop_gently(times, seed), rate=rate),
        Scenario(name="worker paused", disturb=pause_at(PAUSED, PAUSE_SECONDS, seed), rate=rate / 2),
    ]


async def play(servers: Servers, scenario: Scenario, seed: int) -> tuple[Report, Run]:
    """Run one scenario to its end."""
    run = Run(servers, rate=scenario.rate, events=scenario.events, seed=seed)
    async with run.prepared():
        await run.play(scenario.disturb)
        if scenario.events is not None:
            await run.customers_done(600)
        report = await run.finish()
    return report, run


def line(name: str, report: Report, run: Run, seconds: float) -> str:
    """`kill at turn.locked   21 kills   1,204 events   1,204 accepted   3 repeated, explained   …`"""
    answers = ", ".join(f"{status or 'none'}: {times:,}" for status, times in sorted(run.log.answers.items()))
    return (
        f"{name:<28}{report.kills:>4} kills  {report.events:>6,} events  {report.accepted:>6,} accepted  "
        f"{report.duplicates:>3} repeats explained  {report.calls:>5,} calls  "
        f"{report.repeated_calls:>3} repeated  {len(report.violations):>3} violations  {seconds:>6.1f} s"
        f"  (answers {answers})"
    )


async def _main(arguments: argparse.Namespace) -> int:
    broken = 0
    wanted = [
        scenario
        for scenario in scenarios(long=arguments.long, rate=arguments.rate, seed=arguments.seed)
        if arguments.only in scenario.name
    ]
    with Servers() as servers:
        for scenario in wanted:
            started = time.monotonic()
            report, run = await play(servers, scenario, arguments.seed)
            print(line(scenario.name, report, run, time.monotonic() - started), flush=True)
            for text, times in Counter(run.ended_by_themselves).items():
                print(f"    {text} ({times} times)", flush=True)
            broken += bool(report.violations or run.ended_by_themselves)
            if report.violations and run.history is not None:
                _tell(scenario.name, report, run.history, arguments.keep)
    print("every guarantee held" if not broken else f"{broken} of {len(wanted)} scenarios broke a guarantee")
    return 1 if broken else 0


def _tell(name: str, report: Report, history: History, folder: Path) -> None:
    for violation in report.violations[:SHOWN]:
        print(f"    {violation}")
    if len(report.violations) > SHOWN:
        print(f"    … and {len(report.violations) - SHOWN} more")
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"{name.replace(' ', '-')}.json"
    kept.write_bytes(msgspec.json.encode(history))
    print(f"    history: {kept}", flush=True)


def _check_again(path: Path) -> int:
    report = check(msgspec.json.decode(path.read_bytes(), type=History))
    for violation in report.violations:
        print(violation)
    print(f"{len(report.violations)} violations in {report.events:,} events")
    return 1 if report.violations else 0


def main() -> int:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument(
        "--long", action="store_true", help="20 kills at each point, 100 at random, 20,000 events"
    )
    parser.add_argument("--only", default="", metavar="TEXT", help="only scenarios whose name has this in it")
    parser.add_argument(
        "--rate", type=float, default=120.0, help="events a second, Telegram and web together"
    )
    parser.add_argument("--seed", type=int, default=1, help="for everything that is drawn")
    parser.add_argument(
        "--keep", type=Path, default=KEPT, metavar="FOLDER", help="where broken histories are kept"
    )
    parser.add_argument(
        "--check", type=Path, metavar="FILE", help="check a kept history again, and nothing else"
    )
    arguments = parser.parse_args()
    if arguments.check is not None:
        return _check_again(arguments.check)
    return uvloop.run(_main(arguments))


if __name__ == "__main__":
    sys.exit(main())
