"""The node catalogue: one small module a type, each with its config and its behaviour."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from engine.nodes import (
    ai_answer,
    ai_intent,
    call,
    condition,
    consent,
    email,
    end,
    feedback,
    http,
    human_handoff,
    input,
    jump,
    knowledge,
    loop,
    message,
    quick_reply,
    react,
    return_,
    set_language,
    set_variable,
    split,
    switch,
    track,
    wait,
)
from engine.nodes.base import Node, NodeConfig


class Kind(msgspec.Struct, frozen=True):
    """A type of node: what its config holds, and how a node is built from it."""

    config: type[NodeConfig]
    build: Callable[..., Node]
    waits: bool = False
    """Whether a turn ends here until something happens."""
    final: bool = False
    """Whether nothing need follow."""


KINDS: Final[Mapping[str, Kind]] = {
    "message": Kind(message.MessageConfig, message.build),
    "react": Kind(react.ReactConfig, react.build),
    "quick_reply": Kind(quick_reply.QuickReplyConfig, quick_reply.build, waits=True),
    "ai_intent": Kind(ai_intent.AiIntentConfig, ai_intent.build, waits=True),
    "input": Kind(input.InputConfig, input.build, waits=True),
    "condition": Kind(condition.ConditionConfig, condition.build),
    "switch": Kind(switch.SwitchConfig, switch.build),
    "split": Kind(split.SplitConfig, split.build),
    "set_variable": Kind(set_variable.SetVariableConfig, set_variable.build),
    "jump": Kind(jump.JumpConfig, jump.build),
    "call": Kind(call.CallConfig, call.build),
    "return": Kind(return_.ReturnConfig, return_.build, final=True),
    "loop": Kind(loop.LoopConfig, loop.build),
    "wait": Kind(wait.WaitConfig, wait.build, waits=True),
    "http": Kind(http.HttpConfig, http.build, waits=True),
    "knowledge": Kind(knowledge.KnowledgeConfig, knowledge.build, waits=True),
    "ai_answer": Kind(ai_answer.AiAnswerConfig, ai_answer.build, waits=True),
    "human_handoff": Kind(human_handoff.HumanHandoffConfig, human_handoff.build, waits=True, final=True),
    "feedback": Kind(feedback.FeedbackConfig, feedback.build, waits=True),
    "email": Kind(email.EmailConfig, email.build),
    "track": Kind(track.TrackConfig, track.build),
    "set_language": Kind(set_language.SetLanguageConfig, set_language.build),
    "consent": Kind(consent.ConsentConfig, consent.build, waits=True),
    "end": Kind(end.EndConfig, end.build, final=True),
}


def config_schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schema of each type's config, for editors: `{"message": {"properties": …}, …}`.

    Texts that refer to something carry `x-kind`: node, template, condition, expression or variable.
    """
    return {name: kind.config.model_json_schema() for name, kind in KINDS.items()}
