"""Reads a history and names every guarantee that it breaks. Pure: no I/O, no clock.

G1 accept, G2 dedupe, G3 one turn, G4 order, G5 replies, calls and their results, and delivery status that only
rises: see docs/chaos.md.
"""

from __future__ import annotations

import msgspec

from tests.chaos.check_calls import check_calls
from tests.chaos.check_sends import check_sends
from tests.chaos.check_turns import check_turns
from tests.chaos.check_widgets import check_widgets
from tests.chaos.findings import Fault, Findings, Violation
from tests.chaos.history import History

__all__ = ["Fault", "Report", "Violation", "check"]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a history comes to."""

    events: int
    accepted: int
    kills: int
    """Disturbances of every kind."""
    duplicates: int
    """Repeated sends that a disturbance explains."""
    calls: int
    """Requests that the integration received."""
    repeated_calls: int
    """Those of them that repeat another, and a disturbance explains it."""
    held: int
    """What customers said during a call."""
    violations: list[Violation]


def check(history: History) -> Report:
    """Check everything."""
    findings = Findings(history)
    check_turns(findings)
    check_sends(findings)
    check_widgets(findings)
    check_calls(findings)
    return Report(
        events=len(history.events),
        accepted=sum(event.acknowledged_at is not None for event in history.events),
        kills=len(history.disturbances),
        duplicates=findings.duplicates,
        calls=len(history.requests),
        repeated_calls=findings.repeated_calls,
        held=findings.held,
        violations=findings.violations,
    )
