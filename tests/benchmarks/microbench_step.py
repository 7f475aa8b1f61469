"""What one step costs: `python -m tests.benchmarks.microbench_step` prints microseconds a turn, by kind of turn."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from engine.bot import Bot
from engine.compile import compile_flow
from engine.events import ChoiceMade, EventBody, InboundEvent, Sender, TextReceived
from engine.nodes.base import choice_id
from engine.state import ConversationState, Customer
from engine.step import step
from engine.understanding.intents import Embed

DEMO = Path(__file__).parents[2] / "gateway" / "demo" / "flow.json"
NOW = datetime(2026, 1, 14, 15, 0, tzinfo=UTC)
CUSTOMER = Customer(id="1", first_name="Ana", timezone="Europe/Berlin")
ROUNDS = 5
TURNS = 20_000


def event_of(body: EventBody) -> InboundEvent:
    """An event with that body."""
    return InboundEvent(
        external_id="1", conversation_key="1", sender=Sender(external_id="1"), occurred_at=NOW, body=body
    )


def after(bot: Bot, *texts: str) -> ConversationState:
    """The state after these messages."""
    state = ConversationState()
    for text in texts:
        state = step(bot, state, event_of(TextReceived(text=text)), CUSTOMER, NOW).state
    return state


def best_us(run: Callable[[], Any], turns: int = TURNS) -> float:
    """CPU microseconds a call, the best of some rounds: the machine's other work is not ours to count."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time_ns()
        for _ in range(turns):
            run()
        best = min(best, (time.process_time_ns() - started) / turns / 1000)
    return best


def turns(bot: Bot) -> dict[str, Callable[[], Any]]:
    """What a turn does, by kind of turn."""
    menu = after(bot, "what do you sell")
    name = after(bot, "what do you sell", "ai tools", "1")
    click = ChoiceMade(choice=choice_id("product_flow", 0), title="🚀 AI Tools")
    cases: dict[str, tuple[ConversationState, EventBody]] = {
        "quick reply by click": (menu, click),
        "quick reply by text": (menu, TextReceived(text="🚀 AI Tools")),
        "quick reply by ASCII text": (menu, TextReceived(text="AI Tools")),
        "keyword restart": (menu, TextReceived(text="please start over")),
        "keyword with a condition": (menu, TextReceived(text="speak to someone")),
        "input stored": (name, TextReceived(text="Ana Maria")),
    }
    return {label: _turn(bot, state, body) for label, (state, body) in cases.items()}


def _turn(bot: Bot, state: ConversationState, body: EventBody) -> Callable[[], Any]:
    return partial(step, bot, state, event_of(body), CUSTOMER, NOW)


def measure_intent(embed: Embed | None, turns: int = 2_000) -> float:
    """Microseconds of a turn that classifies a text which is no example."""
    bot = compile_flow(json.loads(DEMO.read_text()), flow_id="bench", embed=embed)
    state = after(bot, "restart")
    text = TextReceived(text="I would like to buy something nice for my company")
    return best_us(_turn(bot, state, text), turns)


def measure_compile(count: int = 1_000) -> float:
    """Milliseconds to compile a flow of `count` nodes."""
    nodes = [
        {
            "id": f"node_{number}",
            "type": "message",
            "config": {"message": f"Hello {{{{user_name}}}}, this is number {number}"},
            "connections": [
                {
                    "target": f"node_{(number + 7) % count}",
                    "condition": f"hour >= {number % 24} && visits < {number}",
                },
                {"target": f"node_{(number + 1) % count}"},
            ],
        }
        for number in range(count)
    ]
    return best_us(lambda: compile_flow({"start_node": "node_0", "nodes": nodes}, flow_id="bench"), 1) / 1000


def main() -> None:
    """Print the table."""
    bot = compile_flow(json.loads(DEMO.read_text()), flow_id="bench")
    for label, turn in turns(bot).items():
        print(f"{label:28} {best_us(turn):8.1f} µs")
    print(f"{'intent, words only':28} {measure_intent(None):8.1f} µs")
    from gateway.embedding import load_embedder

    print(f"{'intent, wordllama':28} {measure_intent(load_embedder()):8.1f} µs")
    print(f"{'compile 1,000 nodes':28} {measure_compile():8.1f} ms")


if __name__ == "__main__":
    main()
