"""The flow document: `flow_definition` as bot builders write it. Node configs are in `engine.nodes`."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, model_validator

from engine.fields import (
    ConditionText,
    DelayMs,
    ExpressionText,
    Keyword,
    Name,
    NodeId,
    NodeRef,
    Part,
    Seconds,
    SpokenText,
    TemplateText,
)
from engine.flow_types import ClockTime, EventName, Format, LanguageTag
from engine.validation import JsonSchema, Rules
from engine.variables import Scope, VariableType

MAX_NODES = 5_000
MAX_FLOWS = 200
MAX_STEPS = 1_000
MAX_LANGUAGES = 50
MAX_TRANSLATIONS = 50_000
MAX_BURST_MS = 10_000
MAX_CONNECTIONS = 100
MAX_KEYWORDS = 500
MAX_INLINE = 200
MAX_NAMED = 1_000
"""Conditions, global actions, variables: how many of each a flow may have."""


FlowName: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,50}$")]
VariableGroup: TypeAlias = Literal[
    "session_variables", "customer_variables", "user_variables", "global_variables"
]


class QuietHours(Part):
    """When customers are left in peace: what answers nothing waits for their end."""

    start: ClockTime = Field(description="When they begin, such as 21:00.")
    end: ClockTime = Field(description="When they end, such as 08:00; before `start` means the next morning.")
    timezone: Name | None = Field(
        None, description="IANA time zone; otherwise the customer's, or the flow's."
    )


class OptOut(Part):
    """Words with which customers forbid messages that answer nothing, and allow them again."""

    keywords: list[Keyword] = Field(
        default_factory=lambda: ["stop", "unsubscribe"],
        min_length=1,
        max_length=MAX_KEYWORDS,
        description="Words that opt out, when they are the whole message.",
    )
    message: SpokenText | None = Field(None, description="What is said then; a sentence if absent.")
    opt_in_keywords: list[Keyword] = Field(
        default_factory=lambda: ["unstop", "subscribe"],
        max_length=MAX_KEYWORDS,
        description="Words that opt in again, when they are the whole message.",
    )
    opt_in_message: SpokenText | None = Field(None, description="What is said then; a sentence if absent.")


class GlobalSettings(Part):
    """What holds for the whole flow."""

    timeout: Seconds = Field(
        0, description="Seconds of silence after which the next message starts the flow anew; 0 for never."
    )
    max_turns: int = Field(
        0, ge=0, le=1_000_000, description="Turns before the fallback node is shown once; 0 for no limit."
    )
    fallback_node: NodeRef | None = Field(None, description="Where to go when nothing else fits.")
    max_steps: int = Field(
        100,
        ge=10,
        le=MAX_STEPS,
        description="Nodes that one turn may enter; more of them are a loop, which ends at the fallback node.",
    )
    timezone: Name = Field(
        "",
        description="IANA time zone for customers whose own is not known, such as Europe/Berlin; UTC if empty.",
    )
    burst_window: int = Field(
        0,
        ge=0,
        le=MAX_BURST_MS,
        description="Milliseconds in which texts that follow each other are read as one; 0 reads each at once.",
    )
    album_window: int = Field(
        800,
        ge=0,
        le=MAX_BURST_MS,
        description="Milliseconds in which the pieces of an album are waited for, which are then read as one; 0 reads "
        "each at once.",
    )
    groups: Literal["all", "mentioned"] = Field(
        "mentioned",
        description="Which messages of a group are meant for the bot: `all`, or those that name or answer it.",
    )
    echo_takes_over: bool = Field(
        True,
        description="Whether a human who answers in the platform's own app has the conversation from then on.",
    )
    quiet_hours: QuietHours | None = Field(
        None, description="When nothing is sent that answers nothing, such as the end of a wait."
    )
    opt_out: OptOut | None = Field(None, description="Words with which customers opt out of such messages.")
    format: Format = Field(
        "plain",
        description="How texts are written where a node does not say it: `plain`, or with `markdown`.",
    )
    typo_tolerance: bool = Field(
        True, description="Whether a keyword of five letters or more is found with one slip of the finger."
    )
    live_conversations: Literal["stay", "migrate"] = Field(
        "stay",
        description="What happens, when this version is published, to conversations under way on an older one: "
        "they `stay` there until they begin anew, or `migrate` where they wait, if this version has the node.",
    )


class Position(Part):
    """Where an editor draws the node. Means nothing to the conversation."""

    x: float
    y: float


class Connection(Part):
    """A way on from a node. Connections are tried in order; the first whose condition holds is taken."""

    target: NodeRef = Field(description="Id of the node to go to.")
    condition: ConditionText = Field(
        "always",
        description="`always` or `else`, `error` (the node failed), the name of a condition, or an expression.",
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
    """What certain words or events do from anywhere in the flow."""

    keywords: list[Keyword] | dict[LanguageTag, list[Keyword]] = Field(
        default_factory=list,
        description="Words or phrases, found as whole words; a list, or a list for each language.",
    )
    events: list[EventName] = Field(
        default_factory=list,
        max_length=20,
        description="Events that call for it when no node waits for them and the conditions hold.",
    )
    target: NodeRef = Field(description="Id of the node to go to.")
    conditions: list[ConditionText] = Field(
        default_factory=list, max_length=20, description="All of them must hold."
    )
    clear_context: bool = Field(False, description="Whether the session's variables are reset.")
    priority: Literal["normal", "high"] = Field(
        "normal", description="`high` acts in any state, even while a human is answering."
    )
    otherwise_message: SpokenText | None = Field(
        None, description="What is said when the conditions do not hold."
    )
    otherwise_target: NodeRef | None = Field(
        None,
        description="Where to go when the conditions do not hold; otherwise the last question is repeated.",
    )


class InlineAnswerDefinition(Part):
    """What a customer can pick who types the bot's name and a query in another chat."""

    title: SpokenText = Field(description="What is seen first, a template.")
    text: SpokenText = Field(description="What picking it sends, a template; plain text.")
    description: SpokenText | None = Field(None, description="A second line, a template.")
    thumbnail: TemplateText | None = Field(None, description="Address of a small picture, a template.")
    keywords: list[Keyword] = Field(
        default_factory=list,
        max_length=MAX_KEYWORDS,
        description="More words by which it is found, besides those of the title and the description.",
    )


class VariableDefinition(Part):
    """A variable."""

    type: VariableType = "string"
    scope: Scope = Field(
        "session",
        description="Whose it is: the session's, the customer's (in every conversation), or the whole bot's. "
        "`global` is another word for bot, `user` for customer.",
    )
    default: Any = Field(None, description="Its value until it is set.")
    required: bool = Field(
        False, description="Whether a complete session has it; the check says if none sets it."
    )
    description: Name = Field("", description="What it is for.")
    persistence: bool = Field(
        False, description="Whether a session's variable outlives a restart and the session's end."
    )
    computed: bool = Field(False, description="Whether its value is what `expression` comes to, each time.")
    expression: ExpressionText | None = Field(None, description="What a computed variable comes to.")
    validation: Rules = Field(
        default_factory=Rules, description="What its values must be, besides their type."
    )
    schema_: JsonSchema | None = Field(
        None,
        alias="schema",
        description="JSON Schema of an object or a list, or the schemas of its properties.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> VariableDefinition:
        if self.computed != (self.expression is not None):
            raise ValueError('a computed variable has an expression; write both "computed" and "expression"')
        if self.computed and self.default is not None:
            raise ValueError("a computed variable has no default; remove one of the two")
        if self.persistence and self.computed:
            raise ValueError('a computed variable is not kept; remove "persistence"')
        return self

    @property
    def rules(self) -> Rules:
        """All that its values must be, besides their type."""
        if self.schema_ is None:
            return self.validation
        return self.validation.model_copy(update={"schema_": self.schema_})


class SubFlow(Part):
    """A part of the flow that `call` nodes call by its name; its nodes refer to each other only."""

    start_node: NodeRef = Field(description="Id of the node where it begins.")
    nodes: list[NodeDefinition] = Field(min_length=1, max_length=MAX_NODES)


class FlowDefinition(Part):
    """A whole flow."""

    start_node: NodeRef = Field(description="Id of the node where every conversation begins.")
    global_settings: GlobalSettings = Field(default_factory=GlobalSettings)
    nodes: list[NodeDefinition] = Field(min_length=1, max_length=MAX_NODES)
    flows: dict[FlowName, SubFlow] = Field(
        default_factory=dict, max_length=MAX_FLOWS, description="Sub-flows by name."
    )
    conditions: dict[Name, ConditionDefinition] = Field(default_factory=dict, max_length=MAX_NAMED)
    global_actions: dict[Name, GlobalActionDefinition] = Field(default_factory=dict, max_length=MAX_NAMED)
    inline_answers: list[InlineAnswerDefinition] = Field(
        default_factory=list,
        max_length=MAX_INLINE,
        description="What is offered where the platform lets customers ask the bot from other chats.",
    )
    variables: dict[Name, VariableDefinition] = Field(default_factory=dict, max_length=MAX_NAMED)
    variable_definitions: dict[VariableGroup, dict[Name, VariableDefinition]] = Field(
        default_factory=dict,
        description="More variables, in groups: `session_variables`, `global_variables`, …",
    )
    supported_languages: list[LanguageTag] = Field(
        default_factory=list, max_length=MAX_LANGUAGES, description="The languages that the flow speaks."
    )
    default_language: LanguageTag = Field("en", description="The language in which the flow is written.")
    translations: dict[LanguageTag, dict[str, str | list[str]]] = Field(
        default_factory=dict,
        description="For each language, each text as it stands in the flow, with its translation. A keyword may "
        "have a list. `node id|text` translates the text in that node only.",
    )
