"""Tests that a flow carries: what can happen in a step, the clock, and what calls come to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.scenarios import NoSuchTest, run_scenarios
from engine.scenarios.world import START
from tests.conversations.chat import message, node
from tests.unit.scenario_flow import FOUND, assert_passes, failure_of, flow, report, run

HELLO = {"input": "hello"}
ORDER = [HELLO, {"input": "status"}, {"input": "17"}]


def test_the_documents_form_runs_as_it_is() -> None:
    found = report(
        {
            "unit_tests": [
                {
                    "name": "Welcome",
                    "input": "Hello",
                    "expected_node": "welcome",
                    "expected_response_contains": ["Hello", "What"],
                }
            ],
            "integration_tests": [
                {
                    "name": "Status",
                    "steps": [
                        {"input": "hi", "expected_node": "menu"},
                        {"input": "Order status", "expected_node": "ask_order"},
                    ],
                }
            ],
            "load_tests": {
                "concurrent_users": 1000,
                "duration_seconds": 300,
                "expected_response_time_ms": 200,
            },
        }
    )
    assert found.passed
    assert [(test.name, test.kind, len(test.steps)) for test in found.tests] == [
        ("Welcome", "unit", 1),
        ("Status", "integration", 2),
    ]
    assert found.lines() == ["ok    Welcome", "ok    Status", "2 tests passed."]


def test_a_document_and_its_merged_form_are_the_same() -> None:
    scenarios = {"unit_tests": [{"name": "a", "input": "hi", "expected_node": "menu"}]}
    merged = flow(supported_languages=["en", "de"], translations={"de": {"What is it?": "Was ist es?"}})
    inner = {
        key: value for key, value in merged.items() if key not in ("supported_languages", "translations")
    }
    whole = {
        "flow_id": "main",
        "version": "1.0.0",
        "flow_definition": inner,
        "flow_metadata": {},
        "supported_languages": ["en", "de"],
        "translations": {"de": {"What is it?": "Was ist es?"}},
        "test_scenarios": scenarios,
    }
    assert run_scenarios(whole) == run_scenarios({**merged, "test_scenarios": scenarios})


def test_a_document_without_tests_passes_with_nothing_covered() -> None:
    found = run_scenarios(flow())
    assert found.passed
    assert found.tests == ()
    assert found.coverage.unreached_nodes == found.coverage.nodes


def test_only_the_tests_that_are_named_run() -> None:
    scenarios = {"unit_tests": [{"name": name, "input": "hi"} for name in ("one", "two", "three")]}
    document = {**flow(), "test_scenarios": scenarios}
    assert [test.name for test in run_scenarios(document, only=["two"]).tests] == ["two"]
    with pytest.raises(NoSuchTest, match='there is no test "twoo"; did you mean "two"'):
        run_scenarios(document, only=["twoo"])


def test_a_test_ends_with_the_step_that_fails() -> None:
    found = run(HELLO, {"input": "status", "expected_node": "bye"}, {"input": "17"})
    assert [step.number for step in found.steps] == [1, 2]
    assert found.failures[0].step == 2
    assert found.failures[0].place == "test_scenarios.integration_tests[0].steps[1].expected_node"
    assert found.lines() == [
        "FAIL  t",
        '      step 2, says "status": bye was not reached: ask_order; the conversation stands at ask_order',
        '        expected: "bye"',
        '        actual:   ["ask_order"]',
        "        at test_scenarios.integration_tests[0].steps[1].expected_node",
        "      what happened:",
        '        "Order status" was chosen at menu ("status") → ask_order',
        "        bot: Which order?",
    ]


def test_every_run_is_the_same() -> None:
    scenarios = {"integration_tests": [{"name": "t", "steps": [*ORDER], "stubs": {"order_lookup": FOUND}}]}
    assert report(scenarios) == report(scenarios)


# What can happen


@pytest.mark.parametrize("what", ["Order status", "status", "menu:0"])
def test_a_choice_is_clicked_by_its_text_its_value_or_its_place(what: str) -> None:
    assert_passes(HELLO, {"click": what, "expected_node": "ask_order"})


def test_a_choice_of_an_older_message_can_be_clicked() -> None:
    assert_passes(HELLO, {"click": "rate"}, {"click": "Order status", "expected_node": "ask_order"})


def test_of_choices_with_the_same_text_the_newest_is_clicked() -> None:
    options = [[{"text": "Yes", "target": target}] for target in ("second", "third")]
    document = {
        "start_node": "first",
        "nodes": [
            node("first", "quick_reply", message="?", options=options[0]),
            node("second", "quick_reply", message="??", options=options[1]),
            message("third"),
        ],
    }
    steps = [HELLO, {"click": "Yes", "expected_node": "second"}, {"click": "Yes", "expected_node": "third"}]
    scenarios = {"integration_tests": [{"name": "t", "steps": steps}]}
    found = run_scenarios({**document, "test_scenarios": scenarios})
    assert found.passed, "\n".join(found.lines())


@pytest.mark.parametrize("what", ["Refund", "menu:9", "nothing:0", "menu:x"])
def test_a_choice_that_nobody_offered_fails_the_test(what: str) -> None:
    failure = failure_of(HELLO, {"click": what})
    assert failure.message == f'there is no choice "{what}"; on offer: "Order status", "Rate us", "Search"'
    assert failure.place == "test_scenarios.integration_tests[0].steps[1].click"


def test_a_command_is_sent() -> None:
    assert_passes(HELLO, {"command": "/start ref42", "expected_nodes": ["welcome", "menu"]})
    assert_passes(HELLO, {"command": "human", "expected_action": "escalation"})


def test_opening_the_chat_greets_once() -> None:
    assert_passes(
        {"open": True, "expected_node": "menu", "expected_response_contains": "Hello there"},
        {"open": True, "expected_no_response": True},
    )


@pytest.mark.parametrize(
    ("type_", "step"),
    [
        ("phone", {"contact": {"phone": "+49 30 1234567", "name": "Ana"}}),
        ("location", {"location": {"latitude": 52.5, "longitude": 13.4}}),
        ("file", {"media": {"kind": "document", "file": "abc", "name": "bill.pdf"}}),
    ],
)
def test_what_a_customer_shares_is_an_answer(type_: str, step: dict[str, Any]) -> None:
    document = {
        "start_node": "ask",
        "nodes": [node("ask", "input", "done", message="?", type=type_, variable="shared"), message("done")],
        "test_scenarios": {
            "integration_tests": [
                {"name": "t", "steps": [{"input": "hi"}, {**step, "expected_node": "done"}]}
            ]
        },
    }
    found = run_scenarios(document)
    assert found.passed, "\n".join(found.lines())


# The clock


def test_timers_fire_in_order_while_time_passes() -> None:
    found = assert_passes(
        HELLO,
        {"wait": "59s", "expected_no_response": True},
        {"wait": "1s", "expected_node": "bye", "expected_response_equals": "Goodbye."},
    )
    assert [step.at.isoformat() for step in found.steps] == [
        "2026-01-14T10:00:00+00:00",
        "2026-01-14T10:00:59+00:00",
        "2026-01-14T10:01:00+00:00",
    ]


def test_the_running_timer_fires_at_its_time() -> None:
    found = assert_passes(HELLO, {"timeout": True, "expected_node": "bye"})
    assert (found.steps[-1].at - START).total_seconds() == 60
    failure = failure_of(HELLO, {"click": "rate"}, {"timeout": True})
    assert failure.message == "no timer is running"


def test_timers_that_overlap_fire_by_their_times() -> None:
    document = flow()
    document["global_settings"]["burst_window"] = 3000
    steps = [
        HELLO,
        {"wait": "59s"},
        {"input": "hm", "more": True},
        {"wait": "10s", "expected_response_contains": "What is it?"},
    ]
    found = run_scenarios(
        {**document, "test_scenarios": {"integration_tests": [{"name": "t", "steps": steps}]}}
    )
    assert found.passed, "\n".join(found.lines())
    assert "the timer of menu has to wait: the customer is writing" in found.tests[0].steps[-1].story


def test_a_long_silence_begins_a_new_session() -> None:
    assert_passes(
        HELLO, {"click": "rate"}, {"wait": "1h1m"}, {"input": "5", "expected_nodes": ["welcome", "menu"]}
    )
    assert_passes(HELLO, {"click": "rate"}, {"wait": "59m"}, {"input": "5", "expected_node": "bye"})


def test_texts_within_the_burst_window_are_read_as_one() -> None:
    document = {
        "start_node": "ask",
        "global_settings": {"burst_window": 3000},
        "nodes": [node("ask", "input", "done", message="?", variable="x"), message("done", message="{{x}}")],
        "test_scenarios": {
            "integration_tests": [
                {
                    "name": "t",
                    "steps": [
                        {"input": "hi", "expected_node": "ask"},
                        {"input": "one", "more": True, "expected_no_response": True},
                        {"input": "two", "expected_response_equals": "one\ntwo"},
                    ],
                }
            ]
        },
    }
    found = run_scenarios(document)
    assert found.passed, "\n".join(found.lines())


def test_a_test_begins_when_it_says() -> None:
    found = assert_passes(HELLO, start="2026-03-01T09:30", timezone="America/New_York")
    assert found.steps[0].at == datetime(2026, 3, 1, 14, 30, tzinfo=UTC)
    found = assert_passes(HELLO, start="2026-03-01T09:30")
    assert found.steps[0].at == datetime(2026, 3, 1, 8, 30, tzinfo=UTC)  # the flow's own zone
    found = assert_passes(HELLO, start="2026-03-01T09:30:00+02:00")
    assert found.steps[0].at == datetime(2026, 3, 1, 7, 30, tzinfo=UTC)


def test_business_hours_are_the_flows_own() -> None:
    human = {"input": "human"}
    assert_passes(HELLO, {**human, "expected_control": "waiting"}, business_hours=True)
    assert_passes(HELLO, {**human, "expected_control": "bot"}, business_hours=False)
    night = assert_passes(HELLO, business_hours=False).steps[0].at
    assert night == datetime(2026, 1, 14, 16, 0, tzinfo=UTC)  # 17:00 in Berlin
    assert_passes(HELLO, {**human, "expected_control": "waiting"}, business_hours=True, timezone="Asia/Tokyo")


def test_business_hours_of_a_flow_that_defines_none() -> None:
    definition = {"start_node": "a", "nodes": [message("a", message="{{current_time}}")]}
    tests: list[dict[str, Any]] = [
        {
            "name": "open",
            "input": "hi",
            "business_hours": True,
            "expected_response_contains": "2026-01-14T10:00",
        },
        {
            "name": "closed",
            "input": "hi",
            "business_hours": False,
            "expected_response_contains": "2026-01-14T18:00",
        },
    ]
    found = run_scenarios({**definition, "test_scenarios": {"unit_tests": tests}})
    assert found.passed, "\n".join(found.lines())


def test_a_business_that_never_opens_fails_the_test() -> None:
    scenarios = {"unit_tests": [{"name": "t", "input": "hi", "business_hours": True}]}
    (found,) = report(scenarios, conditions={"business_hours": {"expression": "hour > 30"}}).tests
    assert found.failures[0].message == (
        "within 8 days from 2026-01-14 10:00 UTC there is no time when the business is open"
    )


# Who is talking


def test_the_customer_the_language_and_the_channel_are_the_tests() -> None:
    document = {
        "start_node": "a",
        "supported_languages": ["en", "de"],
        "translations": {"de": {"{{user.name}} {{user.tier}} {{channel}}": "de {{user.name}}"}},
        "nodes": [message("a", message="{{user.name}} {{user.tier}} {{channel}}")],
    }
    customer = {"first_name": "Ana", "last_name": "Lima", "attributes": {"tier": "gold"}}
    tests: list[dict[str, Any]] = [
        {"name": "a", "channel": "telegram", "expected_response_equals": "Ana Lima gold telegram"},
        {"name": "b", "language": "de-AT", "expected_response_equals": "de Ana Lima", "expected_language": "de"},
    ]  # fmt: skip
    tests = [{"input": "hi", "customer": customer, **test} for test in tests]
    found = run_scenarios({**document, "test_scenarios": {"unit_tests": tests}})
    assert found.passed, "\n".join(found.lines())


def test_variables_begin_in_their_scopes() -> None:
    found = assert_passes(
        {"input": "hi", "expected_variables": {"visits": 3, "tier": "gold", "offer": "sale", "mine": [1]}},
        variables={"visits": 3, "tier": "gold", "offer": "sale", "mine": [1]},
    )
    assert found.steps[0].node == "menu"


def test_what_is_remembered_lasts_through_the_test() -> None:
    document = {
        "start_node": "a",
        "variables": {"seen": {"type": "integer", "scope": "customer", "default": 0}},
        "nodes": [
            node("a", "set_variable", "end", variable="seen", expression="seen + 1"),
            node("end", "end"),
        ],
        "test_scenarios": {
            "integration_tests": [
                {"name": "t", "steps": [{"input": "1"}, {"input": "2", "expected_variables": {"seen": 2}}]},
                {"name": "and no longer", "steps": [{"input": "1", "expected_variables": {"seen": 1}}]},
            ]
        },
    }
    found = run_scenarios(document)
    assert found.passed, "\n".join(found.lines())


def test_what_is_forgotten_has_its_default_again() -> None:
    document = {
        "start_node": "a",
        "variables": {"tier": {"type": "string", "scope": "customer", "default": "none"}},
        "nodes": [node("a", "set_variable", variable="tier", value=None)],
    }
    test = {"name": "t", "input": "hi", "variables": {"tier": "gold"}, "expected_variables": {"tier": "none"}}
    found = run_scenarios({**document, "test_scenarios": {"unit_tests": [test]}})
    assert found.passed, "\n".join(found.lines())


def test_a_customer_who_opts_out_stays_so() -> None:
    scenarios = {
        "integration_tests": [
            {
                "name": "t",
                "language": "de",
                "expected_language": "de",
                "steps": [
                    {"input": "hello"},
                    {"input": "stop", "expected_effects": [{"type": "update_customer", "opted_out": True}]},
                    {"wait": "2m", "expected_no_response": True},
                ],
            }
        ]
    }
    own = {"opt_out": {}, "fallback_node": "sorry"}
    found = report(scenarios, global_settings=own, supported_languages=["en", "de"])
    assert found.passed, "\n".join(found.lines())


# Calls


def test_a_stub_is_what_a_call_comes_to() -> None:
    assert_passes(
        *ORDER[:2],
        {"input": "17", "expected_node": "order_found", "expected_response_contains": "on its way"},
        stubs={"order_lookup": FOUND},
    )


@pytest.mark.parametrize(
    ("stub", "seconds"),
    [({"status": 503}, 0), ({"error": "refused"}, 0), ({"timeout": True}, 25)],
    ids=["status", "error", "timeout"],
)
def test_a_call_can_fail(stub: dict[str, Any], seconds: int) -> None:
    found = assert_passes(
        *ORDER[:2], {"input": "17", "expected_node": "order_lost"}, stubs={"order_lookup": stub}
    )
    assert (found.steps[-1].at - START).total_seconds() == seconds


def test_successive_calls_have_stubs_of_their_own() -> None:
    again = [{"input": "vip"}, {"input": "status"}]
    stubs = {"order_lookup": [FOUND, {"status": 500}]}
    assert_passes(*ORDER, *again, {"input": "17", "expected_node": "order_lost"}, stubs=stubs)
    failure = failure_of(*ORDER, *again, {"input": "17"}, *again, {"input": "17"}, stubs=stubs)
    assert failure.message == "order_lookup makes call number 3, and there are 2 stubs for it"
    assert failure.step == 9


def test_one_stub_alone_serves_every_call() -> None:
    again = [{"input": "vip"}, {"input": "status"}, {"input": "17", "expected_node": "order_found"}]
    assert_passes(*ORDER, *again, *again, stubs={"order_lookup": FOUND})


def test_a_call_without_a_stub_fails_the_test_and_says_how_to_mend_it() -> None:
    failure = failure_of(*ORDER)
    assert failure.message.startswith("order_lookup makes a call, and nothing says what it comes to; add")
    assert '"stubs": {"order_lookup": {…}}' in failure.message


def test_a_later_step_may_be_the_result() -> None:
    assert_passes(
        *ORDER[:2],
        {"input": "17", "expected_no_response": True},
        {"input": "and hurry", "expected_no_response": True},
        {"result": FOUND, "expected_node": "order_found"},
    )
    assert_passes(*ORDER, {"timeout": True, "expected_node": "order_lost"})
    assert failure_of(HELLO, {"result": FOUND}).message == "no call is open"


def test_a_stub_that_does_not_fit_its_call_fails_the_test() -> None:
    failure = failure_of(*ORDER, stubs={"order_lookup": {"text": "hello"}})
    assert failure.message == (
        "the call of order_lookup goes to an integration, whose stub has body, error, headers, status, timeout, "
        "and no text"
    )


def test_a_search_and_a_language_model_have_stubs() -> None:
    document = {
        "start_node": "faq",
        "nodes": [
            node("faq", "knowledge", "ask", query="{{message}}"),
            node("ask", "ai_answer", prompt="Say it again"),
        ],
    }
    stubs = {
        "faq": {"passages": [{"text": "Open at nine.", "score": 0.8, "title": "Hours"}]},
        "ask": {"text": "As I said."},
    }
    step = {"input": "when?", "expected_response_equals": ["Open at nine.", "As I said."]}
    test = {"name": "t", "stubs": stubs, **step}
    found = run_scenarios({**document, "test_scenarios": {"unit_tests": [test]}})
    assert found.passed, "\n".join(found.lines())


def test_calls_that_never_end_are_bounded() -> None:
    document = {
        "start_node": "a",
        "nodes": [node("a", "http", "a", url="https://shop.example/")],
        "test_scenarios": {"unit_tests": [{"name": "t", "input": "hi", "stubs": {"a": FOUND}}]},
    }
    (found,) = run_scenarios(document).tests
    assert "more than 50 calls without a word from the customer" in found.failures[0].message


def test_a_conversation_that_moves_past_its_call_has_none_open() -> None:
    failure = failure_of(*ORDER, {"input": "vip", "expected_node": "menu"}, {"result": FOUND})
    assert (failure.step, failure.message) == (5, "no call is open")


def test_calls_made_while_time_passes_end_at_once() -> None:
    document = flow()
    document["nodes"][1]["config"]["fallback_target"] = "order_lookup"
    test = {"name": "t", "steps": [HELLO, {"wait": "2h", "expected_node": "order_found"}]}
    stubs = {"order_lookup": FOUND}
    found = run_scenarios({**document, "test_scenarios": {"integration_tests": [{**test, "stubs": stubs}]}})
    assert found.passed, "\n".join(found.lines())


STEPS = st.lists(
    st.one_of(
        st.fixed_dictionaries({"input": st.sampled_from(["hello", "status", "17", "human", "vip", "break", "x" * 50])}),
        st.fixed_dictionaries({"click": st.sampled_from(["status", "rate", "menu:2", "nothing"])}),
        st.fixed_dictionaries({"wait": st.sampled_from(["1s", "90s", "2h", "3d"])}),
        st.sampled_from([{"timeout": True}, {"open": True}, {"result": FOUND}, {"command": "start"}]),
    ),
    min_size=1,
    max_size=8,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_whatever_the_steps_the_test_ends_and_repeats(steps: list[dict[str, Any]]) -> None:
    first, second = run(*steps), run(*steps)
    assert first == second
    assert first.steps
