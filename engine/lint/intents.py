"""Intents that can't be told apart, or can't be recognised at all."""

from __future__ import annotations

from collections.abc import Iterator

from engine.folding import fold
from engine.known import text
from engine.lint.flow import Flow, Remark
from engine.problems import shortened


def remarks(flow: Flow) -> Iterator[Remark]:
    """All of them."""
    for id in flow.nodes:
        if flow.type_of(id) == "ai_intent":
            yield from _of_node(flow, id)


def _of_node(flow: Flow, id: str) -> Iterator[Remark]:
    fallback = text(flow.config_of(id).get("fallback_intent"))
    owners: dict[str, str] = {}
    for path, intent in flow.items_of(id, "intents"):
        name, examples = text(intent.get("name")), intent.get("examples", [])
        if not isinstance(examples, list):
            continue
        if not examples and name != fallback:
            message = f'the intent "{shortened(name)}" has no examples, so that nothing is understood as it'
            yield Remark(path, message, 'add "examples": how customers say it')
        for index, example in enumerate(examples):
            folded = fold(example) if isinstance(example, str) else ""
            if folded and owners.setdefault(folded, name) != name:
                message = f'the intent "{shortened(owners[folded])}" has the example "{shortened(str(example))}" too'
                yield Remark((*path, "examples", index), message, "leave it to one of them")
