"""What a flow has to pass before customers meet it: the check for likely mistakes, and its own tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from engine.document import DEFINITION, definition_of
from engine.problems import FlowInvalid
from engine.problems import Problem as FlowProblem
from gateway.errors import ConfigurationError, GatewayError, Problem
from gateway.flows.document import nodes_of
from gateway.models import models_of


class Passed(msgspec.Struct, frozen=True, kw_only=True):
    """A document that may be published."""

    nodes: int
    warnings: tuple[str, ...]
    """What its author should look at."""


def pass_gate(document: Mapping[str, Any], place: str, *, force: bool = False) -> Passed:
    """Check a document and run its own tests.

    Raises ConfigurationError when it does not compile, which no force helps, and GatewayError when the check
    finds a mistake or a test fails, unless `force`.
    """
    nodes = check_document(document, place)
    found = check_for_mistakes(document)
    passed = Passed(nodes=nodes, warnings=tuple(f"{place}: {problem}" for problem in found))
    if force:
        return passed
    mistakes = [str(problem) for problem in found if problem.severity == "error"]
    reasons = [("the check finds mistakes", mistakes), ("its own tests fail", run_own_tests(document))]
    told = [f"{place}: {reason}:\n  " + "\n  ".join(lines) for reason, lines in reasons if lines]
    if told:
        raise GatewayError("\n".join([*told, "To publish it all the same, add --force."]))
    return passed


def check_document(document: Mapping[str, Any], place: str) -> int:
    """Compile a document; the number of its nodes. Raises ConfigurationError with every problem."""
    from engine.compile import compile_flow

    try:
        compile_flow(definition_of(document), flow_id="")
    except FlowInvalid as error:
        raise ConfigurationError(
            [
                Problem(place=f"{place}: {found.place or 'flow'}", message=found.message, mend=found.mend)
                for found in error.problems
            ]
        ) from None
    return sum(1 for _ in nodes_of(document[DEFINITION]))


def run_own_tests(document: Mapping[str, Any]) -> list[str]:
    """Run the `test_scenarios` of a document that compiles: lines of how they went, none when all passed.

    Intents are understood as the server understands them. Tests that can't be read are told like failed ones.
    """
    if not document.get("test_scenarios"):
        return []
    from engine.scenarios import run_scenarios

    try:
        report = run_scenarios(document, **models_of(document))
    except FlowInvalid as error:
        return [str(problem) for problem in error.problems]
    return [] if report.passed else report.lines()


def check_for_mistakes(document: Mapping[str, Any]) -> list[FlowProblem]:
    """What is probably a mistake in a document that compiles; those of severity `error` keep it unpublished."""
    from engine.lint import lint

    return lint(definition_of(document))
