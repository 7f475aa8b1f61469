"""What one evaluation costs, in microseconds: `python -m tests.benchmarks.microbench_expressions`.

The goal is at most 0.5 for the hours condition. Each figure is the best of many short runs, which on a
shared machine is the one that says most about the code.
"""

from __future__ import annotations

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


def microseconds(call: Callable[[Mapping[str, Any]], Any], *, repeats: int = 40) -> float:
    """The least time of one `call(ENV)` over `repeats` runs of some thousand calls."""
    runs = timeit.repeat("call(env)", globals={"call": call, "env": ENV}, number=_EVALUATIONS, repeat=repeats)
    return min(runs) / _EVALUATIONS * 1e6


def main() -> None:
    """Print a line for each expression and template."""
    for source in EXPRESSIONS:
        print(f"{microseconds(compile_expression(source)):7.3f} µs  {source}")
    for source in TEMPLATES:
        print(f"{microseconds(compile_template(source)):7.3f} µs  template: {source}")
    compiling = timeit.repeat(lambda: compile_expression(HOURS), number=100, repeat=10)
    print(f"{min(compiling) / 100 * 1e6:7.1f} µs  to compile the first")


if __name__ == "__main__":
    main()
