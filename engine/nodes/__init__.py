"""The node catalogue: one small module a type, each with its config and its behaviour."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from engine.nodes import (
    ai_intent,
    condition,
    end,
    human_handoff,
    input,
    jump,
    message,
    quick_reply,
    set_variable,
)
from engine.nodes.base import Node, NodeConfig


class Kind(msgspec.Struct, frozen=True):
    """A type of node: what its config holds, and how a node is built from it."""

    config: type[NodeConfig]
    build: Callable[..., Node]


KINDS: Final[Mapping[str, Kind]] = {
    "message": Kind(message.MessageConfig, message.build),
    "ai_intent": Kind(ai_intent.AiIntentConfig, ai_intent.build),
    "quick_reply": Kind(quick_reply.QuickReplyConfig, quick_reply.build),
    "input": Kind(input.InputConfig, input.build),
    "condition": Kind(condition.ConditionConfig, condition.build),
    "set_variable": Kind(set_variable.SetVariableConfig, set_variable.build),
    "jump": Kind(jump.JumpConfig, jump.build),
    "human_handoff": Kind(human_handoff.HumanHandoffConfig, human_handoff.build),
    "end": Kind(end.EndConfig, end.build),
}


def config_schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schema of each type's config, for editors: `{"message": {"properties": …}, …}`.

    Texts that refer to something carry `x-kind`: node, template, condition, expression or variable.
    """
    return {name: kind.config.model_json_schema() for name, kind in KINDS.items()}
