"""What a builder should know of a flow that runs: dead ends, loops, unset variables, long options, secrets, …

`engine.check` refuses what can't run; everything here can, but probably does not do what was meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from engine.lint import (
    channels,
    choices,
    exits,
    intents,
    languages,
    markup,
    names,
    reach,
    rounds,
    secrets,
    types,
    workers,
)
from engine.lint.channels import Channel
from engine.lint.flow import Flow, Remark
from engine.lint.secret_shapes import without_secrets
from engine.problems import Path, Problem, place_of

__all__ = ["Channel", "lint"]


def lint(definition: Mapping[str, Any], *, on: Iterable[Channel] = ()) -> list[Problem]:
    """Every remark on a definition, as it stands in it; `on` are the channels that the bot speaks on.

    The definition is one that `engine.check.measure` accepts. One that does not compile gives the remarks that can
    be made of what is readable. No remark quotes a secret.
    """
    if not isinstance(definition, dict):
        return []
    flow = Flow(definition)
    remarks = list(dict.fromkeys(remark for remarks in _all(flow, tuple(on)) for remark in remarks))
    ranks = _ranks(definition, {remark.path for remark in remarks})
    return [
        Problem(
            place=place_of(remark.path),
            message=without_secrets(remark.message),
            mend=without_secrets(remark.mend),
            severity=remark.severity,
            path=remark.path,
        )
        for remark in sorted(remarks, key=lambda remark: ranks[remark.path])
    ]


def _all(flow: Flow, on: tuple[Channel, ...]) -> Iterator[Iterable[Remark]]:
    yield reach.remarks(flow)
    yield exits.remarks(flow)
    yield rounds.remarks(flow)
    yield names.remarks(flow)
    yield types.remarks(flow)
    yield choices.remarks(flow)
    yield intents.remarks(flow)
    yield languages.remarks(flow)
    yield markup.remarks(flow)
    yield channels.remarks(flow, on)
    yield secrets.remarks(flow)
    yield workers.remarks(flow)


def _ranks(definition: Any, paths: Iterable[Path]) -> dict[Path, tuple[int, ...]]:
    """Where each place stands in the definition: the positions of its steps."""
    orders: dict[int, dict[str, int]] = {}

    def rank(path: Path) -> tuple[int, ...]:
        value, found = definition, []
        for step in path:
            if isinstance(value, dict):
                order = orders.setdefault(id(value), {})
                if not order:
                    order.update((key, position) for position, key in enumerate(value))
                found.append(order.get(str(step), len(order)))
                value = value.get(step)
            else:
                found.append(step if isinstance(step, int) else 0)
                value = value[step] if isinstance(value, list) and isinstance(step, int) else None
        return tuple(found)

    return {path: rank(path) for path in paths}
