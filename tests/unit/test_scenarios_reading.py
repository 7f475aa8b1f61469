"""Mistakes in a document's tests: all of them at once, each with its place, what is wrong, and a mend."""

from __future__ import annotations

from typing import Any

import pytest

from engine.problems import FlowInvalid
from engine.scenarios import run_scenarios
from tests.unit.scenario_flow import problems_of

OK: dict[str, Any] = {"name": "t", "input": "hi"}


def in_unit(**more: Any) -> dict[str, Any]:
    return {"unit_tests": [{**OK, **more}]}


def in_step(**step: Any) -> dict[str, Any]:
    return {"integration_tests": [{"name": "t", "steps": [step]}]}


UNIT = "test_scenarios.unit_tests[0]"
STEP = "test_scenarios.integration_tests[0].steps[0]"

MISTAKES: list[tuple[Any, str, str, str]] = [
    ([], "test_scenarios", "this is no object", "write an object"),
    ({"unit_test": []}, "test_scenarios.unit_test", "there is no such setting", 'did you mean "unit_tests"?'),
    ({"unit_tests": {}}, "test_scenarios.unit_tests", "this is no list", "write a list"),
    ({"unit_tests": [{"input": "hi"}]}, f"{UNIT}.name", "this is missing", 'add "name"'),
    (in_unit(expected_nod="a"), f"{UNIT}.expected_nod", "there is no such setting", 'did you mean "expected_node"?'),
    (in_unit(expected_node="mneu"), f"{UNIT}.expected_node", 'there is no node "mneu"', 'did you mean "menu"?'),
    (in_unit(expected_nodes=["menu", "x"]), f"{UNIT}.expected_nodes[1]", 'there is no node "x"', "name a node"),
    (in_unit(expected_action="vipp"), f"{UNIT}.expected_action", "there is no global action", 'did you mean "vip"?'),
    (in_unit(expected_control="robot"), f"{UNIT}.expected_control", "this should be 'bot'", "bot"),
    (in_unit(expected_error=3), f"{UNIT}.expected_error", "this is true, false, or", "write one of these"),
    (in_unit(expected_response_contains=3), f"{UNIT}.expected_response_contains", "this is no list", "[ …"),
    (in_unit(expected_response_contains=[3]), f"{UNIT}.expected_response_contains[0]", "this is no text", ""),
    (in_unit(expected_effects=[{"type": "recrd"}]), f"{UNIT}.expected_effects[0].type", "no effect", '"record"'),
    (in_unit(expected_effects=[{}]), f"{UNIT}.expected_effects[0].type", "the effect has no type", "use one of send"),
    (
        in_unit(expected_effects=[{"type": "record", "kin": "a"}]),
        f"{UNIT}.expected_effects[0].kin", "a record has no such field", 'did you mean "kind"?',
    ),
    (in_unit(stubs={"order_lokup": {}}), f"{UNIT}.stubs.order_lokup", "there is no node", '"order_lookup"'),
    (in_unit(stubs={"faq": {"statu": 1}}), f"{UNIT}.stubs.faq.statu", "no such setting", ""),
    (in_unit(stubs={"faq": [{"status": 9}]}), f"{UNIT}.stubs.faq[0].status", "greater than or equal to 100", ""),
    (in_unit(stubs={"faq": []}), f"{UNIT}.stubs.faq", "", "add at least one"),
    (in_unit(variables={"visits": "x"}), f"{UNIT}.variables.visits", "this is no number", "another value"),
    (in_unit(variables={"loud": "x"}), f"{UNIT}.variables.loud", '"loud" is computed', "leave it out"),
    (in_unit(start="soon"), f"{UNIT}.start", "this is no time", "write it like 2026-01-14T10:00"),
    (in_unit(start="2026-01-14", business_hours=True), UNIT, 'there are a "start" and', "keep one"),
    (in_unit(timezone="Berlin"), f"{UNIT}.timezone", "there is no such time zone", "Europe/Berlin"),
    (in_unit(customer={"nme": "Ana"}), f"{UNIT}.customer.nme", "there is no such setting", "remove it"),
    (in_unit(customer={"frst_name": "A"}), f"{UNIT}.customer.frst_name", "no such setting", '"first_name"'),
    (in_unit(click="a"), UNIT, "only one thing happens in a step", "keep one of input, click"),
    ({"unit_tests": [{"name": "t"}]}, UNIT, "nothing happens here", 'add an "input"'),
    (in_step(inptu="hi"), f"{STEP}.inptu", "there is no such setting", 'did you mean "input"?'),
    (in_step(wait="soon"), f"{STEP}.wait", "this is no time span", "write it like 90s"),
    (in_step(wait="9999d"), f"{STEP}.wait", "this is longer than 3650 days", "write less"),
    (in_step(open=False), f"{STEP}.open", "should be True", "use one of"),
    (in_step(wait="1s", more=True), STEP, '"more" goes with an "input"', "remove it"),
    (in_step(location={"latitude": 91.0, "longitude": 0.0}), f"{STEP}.location.latitude", "equal to 90", ""),
    (in_step(media={"kind": "smell"}), f"{STEP}.media.kind", "should be 'image'", "use one of"),
    ({"integration_tests": [{"name": "t", "steps": []}]}, STEP.removesuffix("[0]"), "", "add at least one"),
    (
        {"unit_tests": [OK], "integration_tests": [{"name": "t", "steps": [{"input": "a"}]}]},
        "test_scenarios.integration_tests[0].name", '"t" is the name of unit_tests[0] too', "a name of its own",
    ),
    ({"load_tests": {"concurrent_users": 0}}, "test_scenarios.load_tests.concurrent_users", "greater than", ""),
    (
        {"load_tests": {"concurrent_users": 9999, "duration_seconds": 1, "expected_response_time_ms": 1}},
        "test_scenarios.load_tests.concurrent_users", "less than or equal to 5000", "",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("scenarios", "place", "message", "mend"), MISTAKES, ids=[row[1] for row in MISTAKES]
)
def test_a_mistake_has_its_place_and_its_mend(scenarios: Any, place: str, message: str, mend: str) -> None:
    found = problems_of(scenarios)[0]
    assert found.place == place
    assert message in found.message
    assert mend in found.mend


def test_every_mistake_is_found_at_once_in_the_order_of_the_tests() -> None:
    places = [
        problem.place
        for problem in problems_of(
            {
                "unit_tests": [
                    {"name": "a", "input": "hi", "expected_node": "nowhere"},
                    {"name": "b", "input": 3, "expected_node": "elsewhere"},
                ],
                "integration_tests": [
                    {"name": "c", "steps": [{"input": "hi", "expectd_node": "menu"}, {"click": 1}]},
                    {"name": "c", "steps": [{"wait": "x"}], "expected_control": "nobody"},
                ],
            }
        )
    ]
    assert sorted(places) == sorted(
        [
            "test_scenarios.unit_tests[0].expected_node",
            "test_scenarios.unit_tests[1].input",
            "test_scenarios.unit_tests[1].expected_node",
            "test_scenarios.integration_tests[0].steps[0].expectd_node",
            "test_scenarios.integration_tests[0].steps[1].click",
            "test_scenarios.integration_tests[1].name",
            "test_scenarios.integration_tests[1].steps[0].wait",
            "test_scenarios.integration_tests[1].expected_control",
        ]
    )
    tests = [place.split(".")[1] for place in places]
    assert tests == sorted(tests, key=lambda test: (test.startswith("integration"), test))


def test_a_section_too_deep_to_be_read_is_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(100):
        deep = {"x": deep}
    (problem,) = problems_of(deep)
    assert problem.place == "test_scenarios.x.x.x.x"
    assert "levels deep" in problem.message


def test_the_flows_own_mistakes_come_first() -> None:
    with pytest.raises(FlowInvalid) as raised:
        run_scenarios({"start_node": "a", "nodes": [], "test_scenarios": {"unit_tests": 3}})
    assert {problem.place for problem in raised.value.problems} == {"start_node", "nodes"}
