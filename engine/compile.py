"""From a definition to a `Bot`: check everything, then build closures and constants for the step to run on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.actions import ESCALATION, HANDOFF, Actions, GlobalAction
from engine.bot import Bot, Variable
from engine.check import Check, marked_texts, measure
from engine.flow import FlowDefinition, GlobalActionDefinition
from engine.known import read_known
from engine.nodes import KINDS
from engine.nodes.base import Condition, Node, NodeConfig, Tools
from engine.problems import FlowInvalid, Problem
from engine.understanding.intents import Embed
from engine.variables import fit

__all__ = ["Bot", "FlowInvalid", "Problem", "compile_flow"]


def compile_flow(
    definition: Mapping[str, Any], *, flow_id: str, name: str = "", embed: Embed | None = None
) -> Bot:
    """Compile a `flow_definition`, given as plain JSON data.

    `flow_id` is the id of this version, which conversations are pinned to; `embed` gives `ai_intent` its sentence
    vectors (without it only words are compared). Raises FlowInvalid with every problem that there is.
    """
    unreadable = measure(definition)
    if unreadable is not None:
        raise FlowInvalid([unreadable])
    if not isinstance(definition, dict):
        raise FlowInvalid([Problem(place="", message="a flow is an object", mend="write an object: { … }")])
    texts = list(marked_texts(definition))
    stored = frozenset(text for _, kind, text in texts if kind == "variable")
    known = read_known(definition, stored)
    tools = Tools(known.conditions, embed)
    check = Check(definition, texts, known, tools)
    if check.problems or check.flow is None:
        raise FlowInvalid(check.problems)
    return _build(check.flow, check.configs, tools, flow_id, name)


def _build(
    flow: FlowDefinition, configs: Mapping[int, NodeConfig], tools: Tools, flow_id: str, name: str
) -> Bot:
    settings = flow.global_settings
    nodes: dict[str, Node] = {}
    for index, definition in enumerate(flow.nodes):
        nodes[definition.id] = KINDS[definition.type].build(definition, configs[index], tools)
    actions = Actions(_action(name, action, tools) for name, action in flow.global_actions.items())
    return Bot(
        flow_id=flow_id,
        name=name,
        start=flow.start_node,
        fallback=settings.fallback_node or "",
        timeout=settings.timeout,
        max_turns=settings.max_turns,
        timezone=settings.timezone,
        nodes=nodes,
        choices={
            choice.id: (node, index) for node in nodes.values() for index, choice in enumerate(node.choices)
        },
        actions=actions,
        escalation=actions.by_name.get(ESCALATION) or _plain_escalation(flow),
        variables={
            name: Variable(type=variable.type, default=fit(variable.default, variable.type))
            for name, variable in flow.variables.items()
        },
    )


def _action(name: str, definition: GlobalActionDefinition, tools: Tools) -> GlobalAction:
    conditions = (tools.condition(source) for source in definition.conditions)
    otherwise = definition.otherwise_message
    return GlobalAction(
        name=name,
        target=definition.target,
        keywords=tuple(definition.keywords),
        conditions=tuple(condition for condition in conditions if isinstance(condition, Condition)),
        clear_context=definition.clear_context,
        high=definition.priority == "high",
        otherwise=tools.template(otherwise) if otherwise is not None else None,
        otherwise_target=definition.otherwise_target or "",
    )


def _plain_escalation(flow: FlowDefinition) -> GlobalAction | None:
    """A flow without an action of that name escalates to its first handoff node, at any hour."""
    handoff = next((node.id for node in flow.nodes if node.type == HANDOFF), None)
    return GlobalAction(name=ESCALATION, target=handoff) if handoff is not None else None
