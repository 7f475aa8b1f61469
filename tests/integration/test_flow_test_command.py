"""`gateway flow test|chat` as people run them: the real command, no database; load tests against a real socket."""

from __future__ import annotations

import asyncio
import copy
import json
import re
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID
from xml.etree import ElementTree

import msgspec
import pytest

from adapters.protocol import Parsed
from engine.compile import compile_flow
from engine.document import definition_of
from engine.effects import Send
from engine.state import ConversationState, Customer
from engine.step import step
from gateway.channel import Channel
from gateway.turns.arrival import Accepted
from gateway.web.service import WebService
from tests.conversations.chat import load_flow, message, node
from tests.integration.command import Commander, Done
from tests.integration.web_site import Site, running_site
from tests.unit.web_doubles import NOW

STUBBED = {"status": 200, "body": {"state": "on its way"}}


def document() -> dict[str, Any]:
    """The prescribing document, completed."""
    found = load_flow("tests/data/document.json")
    found["flow_definition"]["nodes"] += load_flow("tests/data/document_completion.json")["nodes"]
    return found


def shop() -> dict[str, Any]:
    """A flow without intents, which calls the shop."""
    options = [{"text": "Order status", "value": "status", "target": "ask"}]
    return {
        "flow_definition": {
            "start_node": "menu",
            "nodes": [
                node(
                    "menu",
                    "quick_reply",
                    message="What is it?",
                    options=options,
                    timeout=60,
                    fallback_target="bye",
                ),
                node("ask", "input", "lookup", message="Which order?", variable="order", type="text"),
                node(
                    "lookup",
                    "http",
                    "found",
                    url="https://shop.example/{{order}}",
                    save={"s": "response.body.state"},
                ),
                message("found", "bye", message="It is {{s}}."),
                node("bye", "end", message="Goodbye."),
            ],
        },
        "test_scenarios": {
            "unit_tests": [{"name": "Greets", "input": "hi", "expected_node": "menu"}],
            "integration_tests": [
                {
                    "name": "Status",
                    "stubs": {"lookup": STUBBED},
                    "steps": [
                        {"input": "hi"},
                        {"click": "status"},
                        {"input": "17", "expected_response_contains": "on its way"},
                    ],
                }
            ],
            "load_tests": {
                "concurrent_users": 1000,
                "duration_seconds": 300,
                "expected_response_time_ms": 200,
            },
        },
    }


@pytest.fixture
def gateway(tmp_path: Path) -> Commander:
    """The command, far from any server."""
    nowhere = {"DATABASE_URL": "postgresql://127.0.0.1:9/x", "REDIS_URL": "redis://127.0.0.1:9"}
    return Commander(folder=tmp_path, variables=nowhere)


def written(gateway: Commander, flow: dict[str, Any], name: str = "flow.json") -> Path:
    path = gateway.folder / name
    path.write_text(json.dumps(flow, ensure_ascii=False))
    return path


def ok(done: Done) -> str:
    assert done.code == 0, done
    return done.out


def refused(done: Done, code: int) -> str:
    assert done.code == code, done
    return done.err + done.out


# gateway flow test


async def test_the_prescribing_documents_tests_pass(gateway: Commander) -> None:
    out = ok(await gateway("flow", "test", written(gateway, document())))
    assert out.splitlines() == [
        "ok    Welcome flow test",
        "ok    Full product inquiry flow",
        "2 tests passed.",
    ]


async def test_a_failing_test_says_what_happened_and_ends_with_1(gateway: Commander) -> None:
    flow = document()
    flow["test_scenarios"]["unit_tests"][0]["expected_response_contains"] = ["Goodbye"]
    out = refused(await gateway("flow", "test", written(gateway, flow), "--junit", "out.xml"), 1)
    assert "FAIL  Welcome flow test" in out
    assert 'step 1, says "Hello": no message contains "Goodbye"' in out
    assert "the text was not understood by intent_classification (nearest: " in out
    assert "2 tests: 1 passed, 1 failed." in out
    suite = ElementTree.parse(gateway.folder / "out.xml").getroot().find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    failed, passed = suite.findall("testcase")
    assert (failed.get("name"), passed.get("name")) == ("Welcome flow test", "Full product inquiry flow")
    failure = failed.find("failure")
    assert failure is not None
    assert failure.get("type") == "expected_response_contains"
    assert "what happened:" in (failure.text or "")
    assert passed.find("failure") is None


async def test_junit_holds_whatever_the_flow_says(gateway: Commander) -> None:
    flow = shop()
    flow["test_scenarios"]["unit_tests"][0] |= {"name": 'A <b> & "c" \u0001 \ufffe', "expected_choices": []}
    refused(await gateway("flow", "test", written(gateway, flow), "--junit", "out.xml"), 1)
    case = ElementTree.parse(gateway.folder / "out.xml").getroot().find("testsuite/testcase")
    assert case is not None
    assert case.get("name") == 'A <b> & "c" \ufffd \ufffd'


async def test_only_some_tests(gateway: Commander) -> None:
    path = written(gateway, shop())
    assert ok(await gateway("flow", "test", path, "--only", "Status")).splitlines()[-1] == "1 test passed."
    assert 'did you mean "Status"?' in refused(await gateway("flow", "test", path, "--only", "Statsu"), 1)


async def test_the_result_as_json(gateway: Commander) -> None:
    found = json.loads(ok(await gateway("flow", "test", written(gateway, shop()), "--json", "--coverage")))
    assert found["passed"] is True
    assert [(test["name"], test["kind"], test["passed"]) for test in found["tests"]] == [
        ("Greets", "unit", True),
        ("Status", "integration", True),
    ]
    assert found["tests"][1]["steps"][2]["said"] == ["It is on its way.", "Goodbye."]
    assert {entry["kind"] for entry in found["tests"][0]["steps"][0]["trace"]} >= {"start", "node", "timer"}
    assert found["coverage"]["percent"] < 100
    assert [way["kind"] for way in found["coverage"]["untaken_ways"]] == ["fallback"]


async def test_coverage_can_be_required(gateway: Commander) -> None:
    path = written(gateway, shop())
    out = ok(await gateway("flow", "test", path, "--coverage", "--min-coverage", "80"))
    assert "Coverage: 90 % (5 of 5 nodes, 4 of 5 ways)." in out
    assert "  menu → bye: fallback (fallback)" in out
    out = refused(await gateway("flow", "test", path, "--min-coverage", "95"), 1)
    assert "That is less than the 95 % that are wanted." in out


async def test_mistakes_in_the_tests_are_listed_with_their_places(gateway: Commander) -> None:
    flow = shop()
    flow["test_scenarios"]["unit_tests"][0]["expected_nod"] = "menu"
    flow["test_scenarios"]["integration_tests"][0]["steps"][1]["expected_node"] = "aks"
    err = refused(await gateway("flow", "test", written(gateway, flow)), 2)
    assert (
        'test_scenarios.unit_tests[0].expected_nod: there is no such setting. Did you mean "expected_node"?'
        in err
    )
    assert "test_scenarios.integration_tests[0].steps[1].expected_node: there is no node" in err


async def test_a_flow_without_tests_does_not_pass(gateway: Commander) -> None:
    flow = shop()
    del flow["test_scenarios"]
    assert "has no tests" in refused(await gateway("flow", "test", written(gateway, flow)), 1)


# gateway flow chat


def chatting(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


async def test_chatting_shows_what_customers_see(gateway: Commander) -> None:
    path = written(gateway, document())
    typed = chatting("I want to buy something", "/click 1", "/quit", "never read")
    arguments = ("--at", "2026-01-14T10:00", "--customer", '{"first_name": "Ana"}')
    out = ok(await gateway("flow", "chat", path, *arguments, typed=typed))
    assert out.splitlines() == [
        "flow.json: write something, or /help.",
        "bot: Good morning, Ana! Hello! I'm here to help. What can I do for you?",
        "bot: Which product category interests you?",
        "     [1] 🚀 AI Tools",
        "     [2] 💼 Business Solutions",
        "     [3] 🎓 Educational",
        "bot: AI Tools: advanced AI-powered solutions.",
    ]


async def test_a_chat_becomes_a_test_that_passes(gateway: Commander) -> None:
    flow = shop()
    typed = chatting(
        "/as-test", "hello", "/wait 30s", "1", "17", "/location 52.5 13.4", "/start", "/timeout", "/as-test"
    )
    out = ok(await gateway("flow", "chat", written(gateway, flow), "--at", "2026-01-14T10:00", typed=typed))
    _, _, printed = out.rpartition("\n{\n")
    pasted = json.loads("{" + printed)
    assert [next(iter(step)) for step in pasted["steps"]] == [
        "input", "wait", "input", "input", "location", "command", "timeout",
    ]  # fmt: skip
    assert pasted["stubs"] == {"lookup": [STUBBED]}
    flow["test_scenarios"] = {"integration_tests": [pasted]}
    ok(await gateway("flow", "test", written(gateway, flow)))
    pasted["steps"][0]["expected_node"] = "bye"
    refused(await gateway("flow", "test", written(gateway, flow)), 1)


async def test_a_chat_asks_what_a_call_comes_to(gateway: Commander) -> None:
    flow = shop()
    del flow["test_scenarios"]["integration_tests"]
    path = written(gateway, flow)
    typed = chatting("hello", "1", "17", json.dumps(STUBBED), "/as-test")
    out = ok(await gateway("flow", "chat", path, typed=typed))
    assert "(lookup calls GET https://shop.example/17)" in out
    assert "bot: It is on its way." in out
    assert '"result": {' in out
    typed = chatting("hello", "1", "17", "", "/state", "/result refused", "/vars")
    out = ok(await gateway("flow", "chat", path, "--trace", typed=typed))
    assert "(the call is open; /result ends it)" in out
    assert "call      lookup calls GET" in out
    assert "  · the call of lookup failed: refused" in out
    assert '  order = "17"' in out


async def test_a_chats_mistakes_are_told_and_it_goes_on(gateway: Commander) -> None:
    lines = (
        "hello",
        "/click 9",
        "/wait soon",
        "/stub nowhere {}",
        '/stub lookup {"statu": 1}',
        "/result {",
        "/timeout",
    )
    out = ok(
        await gateway(
            "flow", "chat", written(gateway, shop()), typed=chatting(*lines, "/timeout", "/restart", "hi")
        )
    )
    told = [line for line in out.splitlines() if line.startswith("!")]
    assert told == [
        '! there is no choice "9"; on offer: "Order status"',
        "! wait: this is no time span (write it like 90s, 15m, 2h or 1d12h)",
        "! there is no node 'nowhere'; write /stub NODE JSON",
        '! statu: there is no such setting (did you mean "status"?)',
        told[4],
        "! no timer is running",
    ]
    assert told[4].startswith("! this is no JSON: ")
    assert out.count("bot: What is it?") == 2
    assert out.endswith("     [1] Order status\n")


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--at", "soon", "--at: start: this is no time"),
        ("--customer", "{", "--customer is no JSON"),
        ("--customer", '{"name": "Ana"}', "--customer: customer.name: there is no such setting"),
    ],
)
async def test_a_chats_options_are_checked(gateway: Commander, option: str, value: str, words: str) -> None:
    err = refused(await gateway("flow", "chat", written(gateway, shop()), option, value), 1)
    assert words in err


# gateway flow test --load


class Answering:
    """A web channel whose turns run a flow in memory."""

    def __init__(self, site: Site, flow: dict[str, Any]) -> None:
        self.heard = 0
        self.slow = 0.0
        self._site = site
        self._bot = compile_flow(definition_of(flow), flow_id="load")
        self._states: dict[UUID, ConversationState] = {}

    async def accept(self, channel: Channel, parsed: Parsed) -> Sequence[Accepted]:
        done = await self._site.turns.accept(channel, parsed)
        for event, accepted in zip(parsed.events, done, strict=True):
            assert accepted.conversation_id is not None
            self.heard += 1
            state = self._states.get(accepted.conversation_id, ConversationState())
            outcome = step(self._bot, state, event, Customer(id="1"), NOW)
            self._states[accepted.conversation_id] = outcome.state
            for effect in outcome.effects:
                if isinstance(effect, Send):
                    payload = msgspec.to_builtins(effect.message)
                    entry = self._site.transcript.add(
                        accepted.conversation_id, effect.message.text, payload=payload, hidden=True
                    )
                    asyncio.get_running_loop().call_later(self.slow, self._show, entry)
        return done

    def _show(self, entry: Any) -> None:
        self._site.transcript.show(entry)
        self._site.deliver(entry)


@pytest.fixture
async def answering(redis_url: str) -> AsyncIterator[tuple[Answering, str]]:
    """A site with the shop's flow, and its address."""
    async with running_site(redis_url) as site:
        found = Answering(site, load_flow_of_shop())
        site.service.connect(
            accept=found.accept, find_channel=site._find, statuses=site.statuses, demo_route=site._demo
        )
        assert isinstance(site.service, WebService)
        yield found, str(site.server.make_url("/")).rstrip("/")


def load_flow_of_shop(think_ms: int = 50) -> dict[str, Any]:
    """The shop without the call, for nothing would answer it."""
    flow = copy.deepcopy(shop())
    nodes = flow["flow_definition"]["nodes"]
    nodes[1]["connections"] = [{"target": "bye"}]
    del nodes[2:4]
    steps = [{"input": "hi"}, {"wait": "1s"}, {"click": "status"}, {"input": "17"}]
    flow["test_scenarios"]["integration_tests"] = [{"name": "Status", "steps": steps}]
    flow["test_scenarios"]["load_tests"] |= {"think_time_ms": think_ms, "expected_response_time_ms": 600}
    return flow


async def test_a_load_test_drives_a_running_server_and_ends_by_itself(
    gateway: Commander, answering: tuple[Answering, str]
) -> None:
    server, url = answering
    path = written(gateway, load_flow_of_shop())
    options = ("--channel", "demo", "--users", "20", "--seconds", "2")
    began = time.monotonic()
    out = ok(await gateway("flow", "test", path, "--load", url, *options, "--json"))
    assert time.monotonic() - began < 45
    found = json.loads(out)
    assert (found["passed"], found["users"], found["errors"]) == (True, 20, {})
    assert found["messages"] >= found["answered"] > 60
    assert server.heard == found["messages"]
    times = found["response_time_ms"]
    assert 0 < times["p50"] <= times["p95"] <= times["p99"] <= times["max"]


async def test_a_slow_server_fails_the_load_test(
    gateway: Commander, answering: tuple[Answering, str]
) -> None:
    server, url = answering
    server.slow = 1.0
    path = written(gateway, load_flow_of_shop())
    options = ("--channel", "demo", "--users", "3", "--seconds", "2")
    out = refused(await gateway("flow", "test", path, "--load", url, *options), 1)
    assert "Left out, because a website's visitor can't do it: 1 of the steps." in out
    assert "expected 600 ms at most" in out
    assert re.search(r"Failed: p95 is \d{4} ms", out)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "say which bot: --channel WIDGET_ID"),
        (("--channel", "nobody"), "has no bot 'nobody'"),
        (("--channel", "demo", "--users", "5001"), "at most 5000 users"),
    ],
)
async def test_a_load_test_that_cannot_be_run_says_why(
    gateway: Commander, answering: tuple[Answering, str], options: tuple[str, ...], words: str
) -> None:
    path = written(gateway, load_flow_of_shop())
    assert words in refused(await gateway("flow", "test", path, "--load", answering[1], *options), 1)


async def test_a_load_test_without_a_server_or_numbers_says_so(gateway: Commander) -> None:
    path = written(gateway, load_flow_of_shop())
    nowhere = ("--load", "http://127.0.0.1:9", "--channel", "demo")
    assert "there is no server at" in refused(await gateway("flow", "test", path, *nowhere), 1)
    assert "is no address" in refused(
        await gateway("flow", "test", path, "--load", "127.0.0.1", "--channel", "demo"), 1
    )
    flow = load_flow_of_shop()
    del flow["test_scenarios"]["load_tests"]
    assert 'no "load_tests"' in refused(await gateway("flow", "test", written(gateway, flow), *nowhere), 1)
