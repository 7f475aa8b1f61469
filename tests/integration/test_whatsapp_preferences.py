"""Marketing stopped and resumed in WhatsApp's own settings: kept as proof without a turn, and heeded by delivery."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest

from gateway.admin.inbox import Retrier
from gateway.worker import utc_now
from storage.database import Database
from storage.inbox import list_parked
from storage.keyring import Keyring
from tests.integration.four import DOCUMENTS, Four, open_four
from tests.integration.road import until
from tests.platforms.whatsapp import ACCOUNT, NUMBER, Template, people

MAYA: Final = "4915550100311"
OFFER: Final[dict[str, Any]] = {
    "name": "offer_v1",
    "language": "en_US",
    "category": "MARKETING",
    "status": "APPROVED",
    "components": [{"type": "BODY", "text": "Half price today"}],
}
FLOW: Final[dict[str, Any]] = {
    "start_node": "offer",
    "nodes": [{"id": "offer", "type": "message", "config": {"template": {"key": "offer"}}}],
}
DOCUMENT: Final = {"whatsapp": {**DOCUMENTS["whatsapp"], "message_templates": {"offer": OFFER}}}


@pytest.fixture
async def four(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Four]:
    async with open_four(database_url, redis_url, tmp_path, flow=FLOW, documents=DOCUMENT) as four:
        four.whatsapp.number.webhook_url = four.webhook("whatsapp")
        four.whatsapp.world.add_template(
            Template(name="offer_v1", category="MARKETING", components=OFFER["components"])
        )
        yield four


def chosen(value: str, at: float, customer: str = MAYA) -> bytes:
    """Meta's webhook about a customer's choice at a time (Unix seconds)."""
    preference = {
        "wa_id": customer, "detail": f"User requested to {value} marketing messages",
        "category": "marketing_messages", "value": value, "timestamp": str(int(at)),
    }  # fmt: skip
    value_ = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550100200", "phone_number_id": NUMBER},
        "contacts": [{"profile": {"name": "Maya"}, "wa_id": customer}],
        "user_preferences": [preference],
    }
    changes = [{"field": "user_preferences", "value": value_}]
    return json.dumps(
        {"object": "whatsapp_business_account", "entry": [{"id": ACCOUNT, "changes": changes}]}
    ).encode()


async def proofs(four: Four) -> list[tuple[str, bool, str]]:
    """The consents on record, in the order in which they were given."""
    rows = await four.rows("SELECT purpose, granted, text FROM consents ORDER BY recorded_at")
    return [(row["purpose"], row["granted"], row["text"]) for row in rows]


async def asks_for_the_offer(four: Four) -> int:
    """Maya writes; how many offers she has got when all is settled."""
    turns = await four.count("inbox")
    people.say(four.whatsapp.number, MAYA, "hello")

    async def heard() -> bool:
        return await four.count("inbox") > turns

    await until(heard)
    await four.settled()
    return len(four.whatsapp.sent(MAYA, "template"))


async def test_marketing_that_was_stopped_in_whatsapp_is_held_until_it_is_resumed(four: Four) -> None:
    assert await asks_for_the_offer(four) == 1
    now = time.time()
    before = await four.count("inbox"), await four.count("messages")
    for _ in range(2):  # Meta repeats itself
        assert (await four.post("whatsapp", chosen("stop", now - 60)))[0] == 200
    assert await proofs(four) == [("marketing", False, "User requested to stop marketing messages")]
    assert (await four.count("inbox"), await four.count("messages")) == before, "no turn"
    assert await asks_for_the_offer(four) == 1
    (held,) = await four.rows("SELECT last_error FROM effects WHERE status = 'held'")
    assert held["last_error"] == "the customer does not want marketing messages"
    assert (await four.post("whatsapp", chosen("resume", now - 30)))[0] == 200
    assert (await four.post("whatsapp", chosen("stop", now - 60)))[0] == 200, "an old report, late"
    assert [granted for _, granted, _ in await proofs(four)] == [False, True]
    assert await asks_for_the_offer(four) == 2


async def test_a_choice_of_somebody_unknown_is_parked_and_kept_once_they_have_written(
    four: Four, database_url: str, tmp_path: Path
) -> None:
    assert (await four.post("whatsapp", chosen("stop", time.time())))[0] == 200
    assert await proofs(four) == []
    database = Database(database_url, pool_size=2, application_name="gateway-test")
    retrier = Retrier(database, Keyring.open(tmp_path / "encryption.keys"), utc_now)
    try:
        async with database.transaction([four.ids.organization]) as connection:
            (parked,) = await list_parked(connection, 10)
        assert parked.error.startswith("a choice about marketing messages of somebody who has had no conv")
        assert (await retrier.retry(parked)).result == "unreadable", "still nobody"
        await asks_for_the_offer(four)
        assert (await retrier.retry(parked)).result == "done"
        assert [granted for _, granted, _ in await proofs(four)] == [False]
        async with database.transaction([four.ids.organization]) as connection:
            assert await list_parked(connection, 10) == []
    finally:
        await retrier.close()
        await database.dispose()
