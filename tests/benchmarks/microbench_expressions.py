"""What one evaluation and one compilation cost, in microseconds: `python -m tests.benchmarks.microbench_expressions`.

The goals are at most 0.5 to evaluate the hours condition, and 30 to compile an expression. Each figure is processor
time, the best of many short runs: on a shared machine that says most about the code.
"""

from __future__ import annotations

import time
import timeit
from collections.abc import Callable, Mapping
from typing import Any

from engine.expressions import compile_expression
from engine.templates import compile_template

HOURS = "hour >= 9 && hour <= 17 && day_of_week >= 1 && day_of_week <= 5"
EXPRESSIONS = (
    HOURS,
    "user.subscription_tier === 'premium' || user.subscription_tier === 'enterprise'",
    "conversation_history.length > 0",
    "attempts + 1",
    "selected_product ?? 'none'",
    "user.tags.includes('vip') ? 'Dear ' + user.first_name : user.first_name",
)
TEMPLATES = (
    "Hello! I'm here to help. What can I do for you?",
    "Hello {{user.first_name}}, you chose {{ selected_product | default:'nothing' }}.",
)
ENV: Mapping[str, Any] = {
    "hour": 12,
    "day_of_week": 3,
    "attempts": 2,
    "selected_product": "ai_tools",
    "conversation_history": [{"role": "customer"}],
    "user": {"subscription_tier": "enterprise", "first_name": "Ana", "tags": ["new", "vip"]},
}
_EVALUATIONS = 5_000
_SHAPES = (
    "hour >= {0} && hour <= {1} && day_of_week >= 1",
    "user.tier === 'gold{0}' || total > {1}",
    "response.body.items[{0}].price * 2 > limit",
    "contains(tags, 'x{0}')",
    "score_{0} >= 0.5 && (region === 'eu' || region === 'us')",
    "user.subscription_tier === 'premium{0}' || user.subscription_tier === 'enterprise'",
    "attempts_{0} + 1",
    "is_business_hours(current_time, timezone_{0}) && !user.blocked",
)


def microseconds(call: Callable[[Mapping[str, Any]], Any], *, repeats: int = 40) -> float:
    """The least time of one `call(ENV)` over `repeats` runs of some thousand calls."""
    runs = timeit.repeat(
        "call(env)",
        timer=time.process_time,
        globals={"call": call, "env": ENV},
        number=_EVALUATIONS,
        repeat=repeats,
    )
    return min(runs) / _EVALUATIONS * 1e6


def distinct_expressions(count: int = 2_000) -> list[str]:
    """Expressions as flows have them, no two of them the same."""
    rounds = -(-count // len(_SHAPES))
    return [shape.format(index, index + 9) for index in range(rounds) for shape in _SHAPES][:count]


def microseconds_to_compile(*, repeats: int = 10) -> float:
    """The mean time to compile one of 2,000 distinct expressions, in the best of `repeats` runs."""
    sources = distinct_expressions()
    runs = timeit.repeat(
        lambda: [compile_expression(source) for source in sources],
        timer=time.process_time,
        number=1,
        repeat=repeats,
    )
    return min(runs) / len(sources) * 1e6


def main() -> None:
    """Print a line for each expression and template, and one for compiling."""
    for source in EXPRESSIONS:
        print(f"{microseconds(compile_expression(source)):7.3f} µs  {source}")
    for source in TEMPLATES:
        print(f"{microseconds(compile_template(source)):7.3f} µs  template: {source}")
    print(f"{microseconds_to_compile():7.1f} µs  to compile one of 2,000 distinct expressions")


if __name__ == "__main__":
    main()
