"""`gateway flow check`: every problem of a flow with its file, line and column. Touches no database."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer

from gateway.cli.output import EXIT_FAILED, fail, say

if TYPE_CHECKING:
    from engine.problems import Severity

_KINDS: Final[tuple[Severity, ...]] = ("error", "warning")

Source = Annotated[Path, typer.Argument(help="A flow in JSON, or a bot's folder.", metavar="FILE_OR_FOLDER")]


def register(app: typer.Typer) -> None:
    """Add the command to the group `flow`."""
    app.command("check")(check)


def check(
    source: Source,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail the check too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the problems as JSON.")] = False,
    channel: Annotated[
        list[str] | None,
        typer.Option(
            help="Measure texts by this channel's limits, such as telegram; repeatable.", metavar="NAME"
        ),
    ] = None,
) -> None:
    """Check a flow: mistakes, and what is probably not meant. Exit code 1 for errors."""
    from gateway.flows.checking import CHANNELS, check_file

    for name in channel or ():
        if name not in CHANNELS:
            fail(f"there is no channel {name}; use {', '.join(CHANNELS)}")
    found = check_file(source, channels=channel or ())
    counts = Counter(problem.severity for problem in found)
    if as_json:
        result = {
            "problems": msgspec.to_builtins(found),
            "errors": counts["error"],
            "warnings": counts["warning"],
        }
        say(json.dumps(result, ensure_ascii=False, indent=2))
    else:
        for problem in found:
            say(str(problem))
        say(_summary(source, counts))
    if counts["error"] or (strict and found):
        raise typer.Exit(EXIT_FAILED)


def _summary(source: Path, counts: Mapping[Severity, int]) -> str:
    if not counts:
        return f"{source}: no problem."
    told = [f"{counts[kind]} {kind}{'s' if counts[kind] > 1 else ''}" for kind in _KINDS if counts[kind]]
    return f"{source}: {', '.join(told)}."
