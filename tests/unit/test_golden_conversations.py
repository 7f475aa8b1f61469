"""The golden conversations come out as they are written; `REFRESH_GOLDEN=1` writes them anew."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from engine.effects import Effect
from engine.events import EventBody
from engine.nodes import KINDS
from tests.conversations.chat import ROOT
from tests.conversations.golden import Play, files, replay, seconds_of, written

_NOTED = re.compile(r'(?:\.note\(\s*|TraceEntry\(kind=)(".*?"[^,]*)[,)]')
"""The kinds of a trace entry, where the engine writes one."""
_KIND = re.compile(r'"(\w+)"')
_REPLAY_ALL = """
import json
from tests.conversations.golden import files, replay, written
for path in files():
    print(path.name, written(replay(json.loads(path.read_text()))) == path.read_text())
"""


@pytest.mark.parametrize("path", files(), ids=lambda path: path.stem)
def test_a_golden_conversation_comes_out_as_written(path: Path) -> None:
    before = path.read_text()
    now = written(replay(json.loads(before)))
    if os.environ.get("REFRESH_GOLDEN"):
        path.write_text(now)
        return
    assert now == before, (
        f"{path.name} differs; if it should, run again with REFRESH_GOLDEN=1 and review the diff"
    )


@pytest.fixture(scope="module")
def plays() -> list[Play]:
    """Every golden conversation, to its end."""
    plays = []
    for path in files():
        conversation = json.loads(path.read_text())
        plays.append(Play(conversation))
        for turn in conversation["turns"]:
            plays[-1].turn(turn)
    return plays


def test_together_they_enter_every_type_of_node(plays: list[Play]) -> None:
    entered = {
        type(play.bot.nodes[entry.at]).__module__.rpartition(".")[2].rstrip("_")
        for play in plays
        for outcome in play.outcomes
        for entry in outcome.trace
        if entry.kind == "node" and entry.at in play.bot.nodes
    }
    assert not set(KINDS) - entered


def test_together_they_have_every_effect(plays: list[Play]) -> None:
    effects = {type(effect) for play in plays for outcome in play.outcomes for effect in outcome.effects}
    assert not set(get_args(Effect)) - effects


def test_together_they_have_every_event(plays: list[Play]) -> None:
    assert not set(get_args(EventBody)) - {type(body) for play in plays for body in play.bodies}


def test_together_they_leave_every_kind_of_trace(plays: list[Play]) -> None:
    sources = [
        path.read_text() for folder in ("", "nodes") for path in (ROOT / "engine" / folder).glob("*.py")
    ]
    known = {kind for source in sources for kinds in _NOTED.findall(source) for kind in _KIND.findall(kinds)}
    left = {entry.kind for play in plays for outcome in play.outcomes for entry in outcome.trace}
    assert {"node", "connection", "fallback", "held"} <= known
    assert not known - left


def test_they_come_out_the_same_in_any_process() -> None:
    """The order of sets and the seeds of hashes decide nothing."""
    replayed = subprocess.run(
        [sys.executable, "-c", _REPLAY_ALL],
        cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": "4242"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert replayed.stdout.splitlines() == [f"{path.name} True" for path in files()]


def test_a_golden_conversation_that_differs_is_noticed() -> None:
    conversation = json.loads(files()[0].read_text())
    conversation["turns"][0]["bot"] = ["something else"]
    assert written(replay(conversation)) != written(conversation)


@pytest.mark.parametrize(("duration", "seconds"), [("45s", 45), ("2h 30m", 9_000), ("1d", 86_400)])
def test_a_duration_is_read(duration: str, seconds: int) -> None:
    assert seconds_of(duration) == seconds


@pytest.mark.parametrize("duration", ["", "2", "2 h", "h", "2h30m", "-1s"])
def test_a_duration_that_is_none_is_refused(duration: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        seconds_of(duration)
