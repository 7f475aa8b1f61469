"""The language of a text, by the model in the package."""

from __future__ import annotations

import pytest

from engine.compile import compile_flow
from engine.events import TextReceived
from engine.languages import MIN_PROBABILITY
from gateway.detection import shared_detector
from tests.conversations.chat import Chat

FLOW = {
    "start_node": "a",
    "nodes": [{"id": "a", "type": "message", "config": {"message": "Hello"}}],
    "supported_languages": ["en", "de", "es"],
    "translations": {"de": {"Hello": "Hallo"}, "es": {"Hello": "Hola"}},
}


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Guten Tag, ich möchte gerne etwas bestellen", "de"),
        ("I would like to buy something, please", "en"),
        ("hola, quiero comprar algo por favor", "es"),
    ],
)
def test_a_sentence_tells_its_language(text: str, language: str) -> None:
    tag, probability = shared_detector()(text, ("en", "de", "es"))
    assert tag == language
    assert probability >= MIN_PROBABILITY


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Guten Tag, ich möchte gerne etwas bestellen", "Hallo"),
        ("hola, quiero comprar algo por favor", "Hola"),
        ("Bonjour, je voudrais parler à quelqu'un de votre équipe", "Hello"),  # the flow speaks no French
        ("hola", "Hello"),  # too short to tell
        ("12345678901234567890 12345678901234567890", "Hello"),
    ],
)
def test_a_conversation_goes_on_in_the_customers_language(text: str, said: str) -> None:
    chat = Chat(compile_flow(FLOW, flow_id="test", detect=shared_detector()))
    assert chat.happen(TextReceived(text=text)) == [said]
