"""Parts that nothing uses: nodes that no conversation comes to, sub-flows, conditions and actions by the way."""

from __future__ import annotations

from collections.abc import Iterator

from engine.actions import ESCALATION
from engine.fields import EACH, select
from engine.known import text
from engine.lint.flow import Flow, Remark
from engine.ways import reachable


def remarks(flow: Flow) -> Iterator[Remark]:
    """All of them."""
    uncalled = flow.known.flows - {value for _, kind, value in flow.texts if kind == "flow"}
    for name in sorted(uncalled):
        yield Remark(("flows", name), f'nothing calls the sub-flow "{name}"', "call it, or remove it")
    yield from _unreachable(flow, uncalled)
    yield from _conditions(flow)
    yield from _actions(flow)


def _unreachable(flow: Flow, uncalled: frozenset[str]) -> Iterator[Remark]:
    if text(flow.definition.get("start_node")) not in flow.nodes:
        return
    found = reachable(flow.definition)
    led_to = {way.target for way in flow.ways if way.source != way.target}
    for id, node in flow.nodes.items():
        if id in found or node.flow in uncalled:
            continue
        message = f'no conversation comes to "{id}"' if id in led_to else f'nothing leads to "{id}"'
        yield Remark((*node.path, "id"), message, "connect it, or remove it")


def _conditions(flow: Flow) -> Iterator[Remark]:
    used = {value for _, kind, value in flow.texts if kind == "condition"}
    for name in flow.known.conditions:
        if name not in used:
            message = f'nothing uses the condition "{name}"'
            yield Remark(("conditions", name), message, "use it, or remove it")


def _actions(flow: Flow) -> Iterator[Remark]:
    """An action is called by its keywords or by events; the one for escalation by quick replies too."""
    for path, action in select(flow.definition, ("global_actions", EACH)):
        called = isinstance(action, dict) and (action.get("keywords") or action.get("events"))
        if isinstance(action, dict) and not called and path[-1] != ESCALATION:
            message = f'nothing calls the action "{path[-1]}": it has no keywords'
            yield Remark(path, message, 'add "keywords", or remove it')
