"""Channels whose documents switch buttons off: what could be pressed is numbered, and a typed number counts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.integration.four import DOCUMENTS, Four, open_four
from tests.integration.road import until, update
from tests.platforms.whatsapp import people

FLOW: Final[dict[str, Any]] = {
    "start_node": "which",
    "nodes": [
        {
            "id": "which",
            "type": "quick_reply",
            "config": {
                "message": "Which tour?",
                "options": [
                    {"text": title, "value": title.lower(), "target": "agreed"}
                    for title in ("Lakes", "Hills", "Old town", "Harbour")
                ],
                "variable": "tour",
            },
        },
        {
            "id": "agreed",
            "type": "consent",
            "config": {
                "message": "May we write to you?",
                "purpose": "marketing",
                "granted_target": "yes",
                "refused_target": "no",
            },
        },
        {"id": "yes", "type": "message", "config": {"message": "{{tour}}, and news"}},
        {"id": "no", "type": "message", "config": {"message": "{{tour}}, no news"}},
    ],
}
DOCUMENT: Final = {
    "telegram": {**DOCUMENTS["telegram"], "advanced_features": {"inline_keyboards": False}},
    "whatsapp": {**DOCUMENTS["whatsapp"], "business_features": {"quick_replies": False}},
}
MENU: Final = "Which tour?\n\n1. Lakes\n2. Hills\n3. Old town\n4. Harbour"
CONSENT: Final = "May we write to you?\n\n1. Yes\n2. No"
CUSTOMER: Final = "4915550100311"


@pytest.fixture
async def four(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Four]:
    async with open_four(database_url, redis_url, tmp_path, flow=FLOW, documents=DOCUMENT) as four:
        yield four


async def purposes(four: Four) -> list[tuple[str, bool]]:
    """The consents that were recorded."""
    rows = await four.rows("SELECT purpose, granted FROM consents ORDER BY recorded_at, id")
    return [(row["purpose"], row["granted"]) for row in rows]


async def test_a_typed_number_picks_the_choice_on_telegram(four: Four) -> None:
    said: list[str] = []
    for number, (words, answer) in enumerate(
        [("Hello", MENU), ("4", CONSENT), ("1", "harbour, and news")], 1
    ):
        assert (await four.post("telegram", update(number, 42, words)))[0] == 200
        said.append(answer)
        await four.telegram.wait(lambda: len(four.telegram.sent(42)) >= len(said), 10)
    sent = four.telegram.sent(42)
    assert [one.text for one in sent] == said
    assert not any(one.reply_markup for one in sent)
    assert await purposes(four) == [("marketing", True)]


async def test_a_typed_number_picks_the_choice_on_whatsapp(four: Four) -> None:
    four.whatsapp.number.webhook_url = four.webhook("whatsapp")
    said: list[str] = []
    for words, answer in [("Hello", MENU), ("2", CONSENT), ("2", "hills, no news")]:
        people.say(four.whatsapp.number, CUSTOMER, words)
        said.append(answer)
        await four.whatsapp.wait(lambda: len(four.whatsapp.sent(CUSTOMER)) >= len(said), 10)
    assert [(one.kind, one.content["body"]) for one in four.whatsapp.sent(CUSTOMER)] == [
        ("text", words) for words in said
    ]
    assert await purposes(four) == [("marketing", False)]
    await until(lambda: four.whatsapp.courier.pending == 0)
