"""How the tests of a flow went, for machines: JSON, and the JUnit XML that build servers read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final
from xml.etree import ElementTree

import msgspec

from engine.scenarios import Failure, Report, StepResult, TestResult

_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML document may hold."""


def as_json(report: Report) -> dict[str, Any]:
    """`{"passed": …, "tests": [{"name": …, "passed": …, "steps": […], "failures": […]}], "coverage": {…}}`"""
    covered = report.coverage
    found: dict[str, Any] = msgspec.to_builtins(
        {
            "passed": report.passed,
            "tests": [{"passed": test.passed, **msgspec.structs.asdict(test)} for test in report.tests],
            "coverage": {"percent": round(covered.percent, 1), **msgspec.structs.asdict(covered)},
        }
    )
    return found


def as_junit(report: Report, suite: str) -> str:
    """An XML document with one suite; a failure's text has the step, both sides and the trace in words."""
    root = ElementTree.Element("testsuites")
    failed = sum(not test.passed for test in report.tests)
    counts = {"tests": str(len(report.tests)), "failures": str(failed), "errors": "0", "skipped": "0"}
    suite_element = ElementTree.SubElement(root, "testsuite", {"name": _clean(suite), **counts, "time": "0"})
    for test in report.tests:
        attributes = {"classname": f"{_clean(suite)}.{test.kind}", "name": _clean(test.name), "time": "0"}
        case = ElementTree.SubElement(suite_element, "testcase", attributes)
        for failure in test.failures[:1]:  # the format has room for one; its text has them all
            element = ElementTree.SubElement(
                case, "failure", {"message": _clean(failure.message), "type": _kind(failure)}
            )
            element.text = _clean("\n".join(test.lines()))
        output = ElementTree.SubElement(case, "system-out")
        output.text = _clean("\n".join(transcript(test)))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def transcript(test: TestResult) -> Iterator[str]:
    """The conversation and what happened inside, line by line."""
    for step in test.steps:
        yield from _of_step(step)


def _of_step(step: StepResult) -> Iterator[str]:
    yield f"{step.number}. {step.did}"
    yield from (f"   · {line}" for line in step.story)
    yield from (f"   bot: {line}" for text in step.said for line in text.splitlines())


def _kind(failure: Failure) -> str:
    """`expected_node` of `…steps[0].expected_node`."""
    return failure.place.rpartition(".")[2]


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
