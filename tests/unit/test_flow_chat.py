"""Chatting in the terminal: what platforms tell besides words, and how it is shown."""

from __future__ import annotations

from typing import Any

import pytest

from engine.scenarios import run_scenarios
from engine.scenarios.model import Settings
from gateway.flows.chat import NAME, Chat
from tests.conversations.chat import bot_of, message, node

FLOW: dict[str, Any] = {
    "start_node": "hi",
    "nodes": [
        message("hi", links=[{"text": "Way", "url": "https://e.example"}], location={"latitude": 1, "longitude": 2}),
        node("seen", "react", "did", emoji="👀"),
        message("did", message="{{event.type}}"),
    ],
    "global_actions": {
        "on": {"events": ["reaction", "form"], "target": "did"},
        "look": {"keywords": ["look"], "target": "seen"},
    },
}  # fmt: skip


def talk(*lines: str) -> tuple[list[str], Chat]:
    shown: list[str] = []
    bot = bot_of(*FLOW["nodes"], global_actions=FLOW["global_actions"])
    chat = Chat(bot, FLOW, Settings(name=NAME), show=shown.append, ask=lambda _: None)
    for line in lines:
        assert chat.take(line)
    return shown, chat


def test_what_a_message_carries_is_shown_below_it() -> None:
    shown, _ = talk("hello")
    assert shown == ["bot: hi", "     (Way → https://e.example)", "     (place:  1, 2)"]


def test_a_reaction_and_an_event_are_let_happen_and_noted_for_a_test() -> None:
    shown, chat = talk(
        "hello", "/react 👍", '/event {"type": "form_submitted", "values": {"n": 1}}', "/react", "look"
    )
    assert shown[3:] == ["bot: reaction_received", "bot: form_submitted", "bot: reaction_received",
                         "     (reacts: 👀)", "bot: text_received"]  # fmt: skip
    test = chat.as_test()
    assert test["steps"][1]["reaction"] == ["👍"]
    report = run_scenarios({**FLOW, "test_scenarios": {"integration_tests": [test]}})
    assert report.passed, report.lines()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("/event", "! this is no JSON"),
        ('/event {"type": "dance"}', "! event: this is no event that platforms know"),
        ("/event [1]", "! event: this is no object"),
    ],
)
def test_an_event_that_is_none_is_refused(line: str, said: str) -> None:
    (shown, *_), _ = talk(line)
    assert shown.startswith(said)
