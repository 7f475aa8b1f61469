"""What is to be written down about a piece of work."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias

import msgspec

from engine.events import AnswerGenerated, CallFinished, SearchFinished

Result: TypeAlias = CallFinished | SearchFinished | AnswerGenerated


class Answer(msgspec.Struct, frozen=True):
    """A conversation waits for this."""

    result: Result


class Done(msgspec.Struct, frozen=True):
    """It is done; nothing waits for it. `doubt` says what did not work of it."""

    doubt: str = ""


class Later(msgspec.Struct, frozen=True, kw_only=True):
    """Not now; `changes` replace parts of the stored effect."""

    due_at: datetime
    reason: str
    changes: Mapping[str, Any]


class GivenUp(msgspec.Struct, frozen=True):
    """It will not be tried again: a dead letter."""

    reason: str


Verdict: TypeAlias = Answer | Done | Later | GivenUp
