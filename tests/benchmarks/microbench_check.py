"""What checking costs: `python -m tests.benchmarks.microbench_check` prints milliseconds by size, compile and lint."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from engine.compile import compile_flow
from engine.lint import lint
from engine.problems import FlowInvalid

SIZES = (500, 1_000, 2_000)
ROUNDS = 3


def large_flow(nodes: int, *, broken: bool = False) -> dict[str, Any]:
    """A flow of so many nodes of all common kinds, with a sub-flow and two languages; `broken` in every other node."""
    made: list[dict[str, Any]] = []
    german: dict[str, str] = {}
    for index in range(nodes - 1):
        onward = f"nod_{index}" if broken and index % 2 else f"node_{index + 1}"
        made.append(_node(index, onward, f"node_{index // 2}"))
        if index % 8 not in (1, 2, 3):
            german[f"Text {index} for {{{{user.first_name}}}}"] = f"Text {index} für {{{{user.first_name}}}}"
    made.append({"id": f"node_{nodes - 1}", "type": "end", "config": {"message": "Goodbye!"}})
    sub = {
        "start_node": "ask",
        "nodes": [{"id": "ask", "type": "input", "config": {"message": "Card?", "variable": "card"}}],
    }
    return {
        "start_node": "node_0",
        "nodes": made,
        "flows": {"pay": sub},
        "variables": {f"answer_{index}": {"type": "string"} for index in range(7, min(nodes, 1_000) - 1, 8)},
        "supported_languages": ["en", "de"],
        "translations": {"de": german},
    }


def _node(index: int, onward: str, back: str) -> dict[str, Any]:
    id, text = f"node_{index}", f"Text {index} for {{{{user.first_name}}}}"
    way = [{"target": onward}]
    match index % 8:
        case 0:
            options = [
                {"text": f"Option {number}", "value": str(number), "target": onward} for number in range(4)
            ]
            config: dict[str, Any] = {
                "message": text,
                "options": [*options, {"text": "Back", "target": back}],
            }
            return {"id": id, "type": "quick_reply", "config": config, "connections": way}
        case 1:
            cases = [
                {"condition": f"hour > {hour} && answer_{index + 6} !== 'no'", "target": onward}
                for hour in (8, 12)
            ]
            return {"id": id, "type": "condition", "config": {"cases": cases, "else": onward}}
        case 2:
            return {"id": id, "type": "call", "config": {"flow": "pay"}, "connections": way}
        case 3:
            config = {
                "url": f"https://example.org/{id}?card={{{{card}}}}",
                "save": {f"found_{index}": "response.body.name"},
            }
            error = [*way, {"target": onward, "condition": "error"}]
            return {"id": id, "type": "http", "config": config, "connections": error}
        case 7:
            config = {"message": text, "variable": f"answer_{index}"}
            return {"id": id, "type": "input", "config": config, "connections": way}
        case _:
            return {"id": id, "type": "message", "config": {"message": text}, "connections": way}


def best_ms(work: Callable[[], Any], rounds: int = ROUNDS) -> float:
    """CPU milliseconds, the best of some rounds: the machine's other work is not ours to count."""
    best = float("inf")
    for _ in range(rounds):
        started = time.process_time_ns()
        work()
        best = min(best, (time.process_time_ns() - started) / 1e6)
    return best


def compiled(definition: dict[str, Any]) -> None:
    """Compile, problems or not."""
    with suppress(FlowInvalid):
        compile_flow(definition, flow_id="bench")


def main() -> None:
    """Print the table."""
    print(f"{'nodes':>8}{'':>10}{'compile':>12}{'lint':>12}   (CPU ms)")
    for size in SIZES:
        for broken in (False, True):
            definition = large_flow(size, broken=broken)
            compile_ms = best_ms(partial(compiled, definition))
            lint_ms = best_ms(partial(lint, definition))
            print(f"{size:>8}{'broken' if broken else '':>10}{compile_ms:>12.1f}{lint_ms:>12.1f}")


if __name__ == "__main__":
    main()
