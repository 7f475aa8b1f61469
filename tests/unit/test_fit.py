"""What a platform can't show is written out, and nothing of it is lost."""

from __future__ import annotations

import msgspec
import pytest

from adapters.fit import fit
from adapters.telegram.adapter import TelegramAdapter
from adapters.telegram.capabilities import CAPABILITIES
from engine.messages import Card, CardButton, Choice, Media, OutboundMessage
from tests.channels import calls_for


def written_out(message: OutboundMessage) -> OutboundMessage:
    fitted = fit(message, CAPABILITIES)
    assert fitted is not None
    return fitted


PICTURE = Media(kind="image", url="https://example.com/a.png", alt="Our office")
CARD = Card(
    title="Basic",
    subtitle="For one",
    image="https://example.com/basic.png",
    url="https://example.com/basic",
    buttons=(
        CardButton(title="Buy", id="x:0"),
        CardButton(title="Read more", url="https://example.com/more"),
    ),
)


def test_plain_text_is_left_as_it_is() -> None:
    message = OutboundMessage(text="Hello", choices=(Choice(id="a", title="A"),))
    assert written_out(message) is message


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (OutboundMessage(text="Look", media=(PICTURE,)), "Look\n\nOur office: https://example.com/a.png"),
        (OutboundMessage(media=(Media(kind="document", url="https://e.com/p.pdf", name="Plan"),)), "Plan: https://e.com/p.pdf"),
        (OutboundMessage(media=(Media(kind="audio", url="https://e.com/x.mp3"),)), "https://e.com/x.mp3"),
    ],
)  # fmt: skip
def test_media_become_addresses(message: OutboundMessage, text: str) -> None:
    assert written_out(message) == OutboundMessage(text=text)


def test_a_carousel_becomes_text_and_choices() -> None:
    plain = written_out(OutboundMessage(text="Our plans", cards=(CARD, Card(title="Free"))))
    assert plain.text == (
        "Our plans\n\nBasic\nFor one\nhttps://example.com/basic.png\nhttps://example.com/basic\n"
        "Read more: https://example.com/more\n\nFree"
    )
    assert plain.choices == (Choice(id="x:0", title="Buy"),)
    assert not plain.cards


def test_telegram_shows_it() -> None:
    (call,) = calls_for(TelegramAdapter(), "17", OutboundMessage(text="Our plans", cards=(CARD,)))
    sent = msgspec.json.decode(call.body)
    assert sent["text"].startswith("Our plans\n\nBasic\n")
    assert sent["reply_markup"]["inline_keyboard"] == [[{"text": "Buy", "callback_data": "x:0"}]]
