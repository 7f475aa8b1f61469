"""The golden conversations come out as they are written; `REFRESH_GOLDEN=1` writes them anew."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.conversations.golden import files, replay, written


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


def test_there_are_golden_conversations() -> None:
    assert len(files()) >= 10


def test_a_golden_conversation_that_differs_is_noticed() -> None:
    conversation = json.loads(files()[0].read_text())
    conversation["turns"][0]["bot"] = ["something else"]
    assert written(replay(conversation)) != written(conversation)
