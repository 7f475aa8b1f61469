"""Tests that a flow carries: `test_scenarios` read, run under a virtual clock, and told in words.

report = run_scenarios(document)
report.passed, report.lines(), report.coverage.percent
"""

from __future__ import annotations

from engine.scenarios.coverage import Coverage, coverage
from engine.scenarios.expectations import Failure
from engine.scenarios.model import LoadTest, Scenarios
from engine.scenarios.narrate import narrate, thresholds_of
from engine.scenarios.reading import read_scenarios
from engine.scenarios.runner import NoSuchTest, Report, StepResult, TestResult, run_scenarios

__all__ = [
    "Coverage",
    "Failure",
    "LoadTest",
    "NoSuchTest",
    "Report",
    "Scenarios",
    "StepResult",
    "TestResult",
    "coverage",
    "narrate",
    "read_scenarios",
    "run_scenarios",
    "thresholds_of",
]
