"""The flow document: `flow_definition` as bot builders write it. Node configs are in `engine.nodes`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from engine.fields import (
    ConditionText,
    DelayMs,
    ExpressionText,
    Name,
    NodeId,
    NodeRef,
    Part,
    Seconds,
    TemplateText,
)
from engine.variables import VariableType

MAX_NODES = 5_000
MAX_CONNECTIONS = 100
MAX_KEYWORDS = 500
MAX_NAMED = 1_000
"""Conditions, global actions, variables: how many of each a flow may have."""


class GlobalSettings(Part):
    """What holds for the whole flow."""

    timeout: Seconds = Field(
        0, description="Seconds of silence after which the next message starts the flow anew; 0 for never."
    )
    max_turns: int = Field(
        0, ge=0, le=1_000_000, description="Turns before the fallback node is shown once; 0 for no limit."
    )
    fallback_node: NodeRef | None = Field(None, description="Where to go when nothing else fits.")
    timezone: Name = Field(
        "",
        description="IANA time zone for customers whose own is not known, such as Europe/Berlin; UTC if empty.",
    )


class Position(Part):
    """Where an editor draws the node. Means nothing to the conversation."""

    x: float
    y: float


class Connection(Part):
    """A way on from a node. Connections are tried in order; the first whose condition holds is taken."""

    target: NodeRef = Field(description="Id of the node to go to.")
    condition: ConditionText = Field(
        "always", description="`always`, the name of a condition, or an expression."
    )
    delay: DelayMs = Field(0, description="Milliseconds before what the target says.")


class NodeDefinition(Part):
    """One node."""

    id: NodeId = Field(description="Unique within the flow.")
    type: Name = Field(description="The node's kind, which says what its config holds.")
    name: Name = Field("", description="What an editor shows.")
    config: dict[str, Any] = Field(default_factory=dict, description="Settings of this kind of node.")
    position: Position | None = None
    connections: list[Connection] = Field(default_factory=list, max_length=MAX_CONNECTIONS)


class ConditionDefinition(Part):
    """A named condition, used by connections, condition nodes and global actions."""

    expression: ExpressionText = Field(description="An expression; its truth is the condition's.")
    timezone: Name | None = Field(
        None, description="IANA time zone of hour, minute and day_of_week; otherwise the customer's, or UTC."
    )


class GlobalActionDefinition(Part):
    """What certain words do from anywhere in the flow."""

    keywords: list[Name] = Field(
        default_factory=list, max_length=MAX_KEYWORDS, description="Words or phrases, found as whole words."
    )
    target: NodeRef = Field(description="Id of the node to go to.")
    conditions: list[ConditionText] = Field(
        default_factory=list, max_length=20, description="All of them must hold."
    )
    clear_context: bool = Field(False, description="Whether the session's variables are reset.")
    priority: Literal["normal", "high"] = Field(
        "normal", description="`high` acts in any state, even while a human is answering."
    )
    otherwise_message: TemplateText | None = Field(
        None, description="What is said when the conditions do not hold."
    )
    otherwise_target: NodeRef | None = Field(
        None,
        description="Where to go when the conditions do not hold; otherwise the last question is repeated.",
    )


class VariableDefinition(Part):
    """A variable of the session."""

    type: VariableType = "string"
    default: Any = Field(None, description="Its value until it is set.")
    required: bool = Field(False, description="Whether a complete session has it; nothing is refused for it.")


class FlowDefinition(Part):
    """A whole flow."""

    start_node: NodeRef = Field(description="Id of the node where every conversation begins.")
    global_settings: GlobalSettings = Field(default_factory=GlobalSettings)
    nodes: list[NodeDefinition] = Field(min_length=1, max_length=MAX_NODES)
    conditions: dict[Name, ConditionDefinition] = Field(default_factory=dict, max_length=MAX_NAMED)
    global_actions: dict[Name, GlobalActionDefinition] = Field(default_factory=dict, max_length=MAX_NAMED)
    variables: dict[Name, VariableDefinition] = Field(default_factory=dict, max_length=MAX_NAMED)
