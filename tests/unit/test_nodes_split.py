"""`split`: by the weights, the same way for a customer each time, and not the same in every experiment."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID

import pytest

from engine.events import TextReceived
from engine.state import ConversationState, Customer
from engine.step import step
from tests.conversations.chat import WORKING_HOURS, Chat, bot_of, event_of, message, node

CUSTOMERS = 10_000
IDS = {
    "counted": [str(number) for number in range(CUSTOMERS)],
    "uuids": [str(UUID(int=number * 0x9E3779B97F4A7C15)) for number in range(CUSTOMERS)],
}


def bot_with(*weights: float, **config: Any) -> Any:
    branches = [{"target": f"b{i}", "weight": weight} for i, weight in enumerate(weights)]
    return bot_of(
        node("test", "split", branches=branches, **config), *(message(f"b{i}") for i in range(len(weights)))
    )


def way(bot: Any, customer: str) -> str:
    hello = event_of(TextReceived(text="hi"))
    outcome = step(bot, ConversationState(), hello, Customer(id=customer), WORKING_HOURS)
    return outcome.state.node


@pytest.mark.parametrize("ids", IDS.values(), ids=IDS)
def test_customers_are_divided_by_the_weights(ids: list[str]) -> None:
    bot = bot_with(1, 2.5, 6.5)
    shares = Counter(way(bot, id) for id in ids)
    # Within four standard deviations of a fair draw.
    for target, share in (("b0", 0.1), ("b1", 0.25), ("b2", 0.65)):
        deviation = (CUSTOMERS * share * (1 - share)) ** 0.5
        assert abs(shares[target] - CUSTOMERS * share) < 4 * deviation


@pytest.mark.parametrize("ids", IDS.values(), ids=IDS)
def test_two_experiments_do_not_send_the_same_customers_the_same_ways(ids: list[str]) -> None:
    one, other = bot_with(1, 1, seed="test_a"), bot_with(1, 1, seed="test_b")
    both = Counter((way(one, id), way(other, id)) for id in ids[:4_000])
    assert len(both) == 4
    assert all(850 < count < 1_150 for count in both.values())


def test_a_customer_always_goes_the_same_way() -> None:
    bot = bot_with(1, 1, 1)
    for id in IDS["counted"][:50]:
        chat = Chat(bot, customer=Customer(id=id))
        assert len({(chat.say("hi"), chat.state.node)[1] for _ in range(5)}) == 1


def test_the_same_seed_means_the_same_ways() -> None:
    one, same = bot_with(1, 1, seed="s"), bot_with(1, 1, seed="s")
    assert [way(one, id) for id in IDS["counted"][:200]] == [way(same, id) for id in IDS["counted"][:200]]


def test_each_visit_is_another_draw_when_it_is_not_sticky() -> None:
    bot = bot_with(1, 1, sticky=False)
    chat = Chat(bot)
    ways: Counter[str] = Counter()
    for _ in range(400):
        chat.say("hi")
        ways[chat.state.node] += 1
    assert all(140 < count < 260 for count in ways.values())


@pytest.mark.parametrize("sticky", [True, False])
def test_a_replay_goes_the_same_way(sticky: bool) -> None:
    bot = bot_with(1, 1, 1, sticky=sticky)

    def ways() -> list[str]:
        chat = Chat(bot, customer=Customer(id="42"))
        return [(chat.say("hi"), chat.state.node)[1] for _ in range(30)]

    assert ways() == ways()


def test_the_account_names_the_branch() -> None:
    branches = [{"target": "a", "name": "short"}, {"target": "b", "name": "long"}]
    chat = Chat(bot_of(node("test", "split", branches=branches), message("a"), message("b")))
    chat.say("hi")
    assert chat.traced("split") == ["short" if chat.state.node == "a" else "long"]


def test_a_customer_without_any_letter_of_unicode_is_split_too() -> None:
    assert way(bot_with(1, 1), "\ud800").startswith("b")
