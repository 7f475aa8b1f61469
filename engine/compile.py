"""From a definition to a `Bot`: check everything, then build closures and constants for the step to run on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import time
from typing import TYPE_CHECKING, Any, Final, Literal

from engine.actions import ESCALATION, HANDOFF, Actions, GlobalAction
from engine.bot import Bot, QuietHours, Variable
from engine.check import Check, MarkedText, marked_texts, measure
from engine.environment import Environment, zone
from engine.fields import select
from engine.flow import (
    FlowDefinition,
    GlobalActionDefinition,
    GlobalSettings,
    NodeDefinition,
    VariableDefinition,
)
from engine.flow_types import Format
from engine.inline import Answer, InlineAnswers
from engine.keywords import Keywords
from engine.known import flow_of, inside, read_known
from engine.languages import Detect, Languages
from engine.nodes import KINDS
from engine.nodes.base import Condition, Node, NodeConfig, page_key
from engine.nodes.tools import Tools
from engine.opt_out import OptOutWords
from engine.problems import FlowInvalid, Path, Problem
from engine.understanding.intents import Embed
from engine.validation import check_of
from engine.variables import Scope, fit

if TYPE_CHECKING:
    from engine.turn import Turn

__all__ = ["Bot", "FlowInvalid", "Problem", "compile_flow"]

_SCOPES: Final[Mapping[Scope, Literal["session", "customer", "bot"]]] = {
    "session": "session",
    "customer": "customer",
    "user": "customer",
    "bot": "bot",
    "global": "bot",
}
_GROUP_SCOPES: Final[Mapping[str, Literal["session", "customer", "bot"]]] = {
    "customer_variables": "customer",
    "user_variables": "customer",
    "global_variables": "bot",
}


def compile_flow(
    definition: Mapping[str, Any],
    *,
    flow_id: str,
    name: str = "",
    embed: Embed | None = None,
    detect: Detect | None = None,
) -> Bot:
    """Compile a `flow_definition`, given as plain JSON data, with the document's other sections beside its own.

    `flow_id` is the id of this version, which conversations are pinned to; `embed` gives `ai_intent` its sentence
    vectors (without it only words are compared); `detect` tells the language of a text (without it the customer's
    profile does). Raises FlowInvalid with every problem that there is.
    """
    unreadable = measure(definition)
    if unreadable is not None:
        raise FlowInvalid([unreadable])
    if not isinstance(definition, dict):
        raise FlowInvalid([Problem(place="", message="a flow is an object", mend="write an object: { … }")])
    texts = list(marked_texts(definition))
    stored = frozenset(text for _, kind, text in texts if kind == "variable")
    known = read_known(definition, stored)
    languages = _languages(definition)
    tools = Tools(known.conditions, embed, languages, _format(definition), _edited(texts))
    check = Check(definition, texts, known, tools)
    if check.problems or check.flow is None:
        raise FlowInvalid(check.problems)
    return _build(check.flow, check.configs, tools, flow_id, name, detect)


def _build(
    flow: FlowDefinition,
    configs: Mapping[Path, NodeConfig],
    tools: Tools,
    flow_id: str,
    name: str,
    detect: Detect | None,
) -> Bot:
    settings = flow.global_settings
    nodes: dict[str, Node] = {}
    for path, definition in _definitions(flow):
        node = KINDS[definition.type].build(definition, configs[path], tools)
        node.error = tools.error(definition)
        nodes[definition.id] = node
    actions = Actions(
        (_action(name, action, tools) for name, action in flow.global_actions.items()),
        typos=settings.typo_tolerance,
    )
    variables = dict(_variables(flow, tools))
    quiet = settings.quiet_hours
    return Bot(
        flow_id=flow_id,
        name=name,
        start=flow.start_node,
        fallback=settings.fallback_node or "",
        timeout=settings.timeout,
        max_turns=settings.max_turns,
        max_steps=settings.max_steps,
        timezone=settings.timezone,
        burst_ms=settings.burst_window,
        album_ms=settings.album_window,
        groups=settings.groups,
        echo_takes_over=settings.echo_takes_over,
        inline=_inline(flow, tools),
        quiet_hours=None
        if quiet is None
        else QuietHours(
            start=time.fromisoformat(quiet.start),
            end=time.fromisoformat(quiet.end),
            zone=zone(quiet.timezone or ""),
        ),
        opt_out=_opt_out(settings, tools),
        migrates=settings.live_conversations == "migrate",
        languages=tools.languages,
        detect=detect if tools.languages.several else None,
        nodes=nodes,
        starts={name: inside(name, sub.start_node) for name, sub in flow.flows.items()},
        pages={page_key(node.id): node for node in nodes.values() if node.paged},
        choices={
            choice.id: (node, index) for node in nodes.values() for index, choice in enumerate(node.choices)
        },
        actions=actions,
        escalation=actions.by_name.get(ESCALATION) or _plain_escalation(flow),
        variables=variables,
        persistent=frozenset(name for name, variable in variables.items() if variable.persistent),
    )


def _definitions(flow: FlowDefinition) -> Iterator[tuple[Path, NodeDefinition]]:
    """Every node with its place; those of sub-flows with ids as they are in the whole flow."""
    for index, node in enumerate(flow.nodes):
        yield ("nodes", index), node
    for name, sub in flow.flows.items():
        for index, node in enumerate(sub.nodes):
            ways = [way.model_copy(update={"target": inside(name, way.target)}) for way in node.connections]
            changes = {"id": inside(name, node.id), "connections": ways}
            yield ("flows", name, "nodes", index), node.model_copy(update=changes)


def _variables(flow: FlowDefinition, tools: Tools) -> Iterator[tuple[str, Variable]]:
    for name, definition in flow.variables.items():
        yield name, _variable(definition, _SCOPES[definition.scope], tools)
    for group, definitions in flow.variable_definitions.items():
        for name, definition in definitions.items():
            named = "scope" in definition.model_fields_set
            scope = _SCOPES[definition.scope] if named else _GROUP_SCOPES.get(group, "session")
            yield name, _variable(definition, scope, tools)


def _variable(
    definition: VariableDefinition, scope: Literal["session", "customer", "bot"], tools: Tools
) -> Variable:
    return Variable(
        type=definition.type,
        default=fit(definition.default, definition.type),
        scope=scope,
        persistent=definition.persistence and scope == "session",
        compute=None if definition.expression is None else _computed(definition.expression, tools),
        check=check_of(definition.rules),
    )


def _computed(source: str, tools: Tools) -> Callable[[Turn], Any]:
    expression = tools.expression(source)
    environment = Environment(expression.names)
    return lambda turn: expression(environment(turn))


def _action(name: str, definition: GlobalActionDefinition, tools: Tools) -> GlobalAction:
    conditions = (tools.condition(source) for source in definition.conditions)
    otherwise = definition.otherwise_message
    written = definition.keywords
    keywords = (
        written if isinstance(written, list) else [word for words in written.values() for word in words]
    )
    return GlobalAction(
        name=name,
        target=definition.target,
        keywords=_in_every_language(keywords, tools.languages),
        conditions=tuple(condition for condition in conditions if isinstance(condition, Condition)),
        clear_context=definition.clear_context,
        high=definition.priority == "high",
        otherwise=tools.spoken(otherwise) if otherwise is not None else None,
        otherwise_target=definition.otherwise_target or "",
        events=tuple(definition.events),
    )


def _inline(flow: FlowDefinition, tools: Tools) -> InlineAnswers | None:
    answers = [
        Answer(
            tools.spoken(answer.title, format="plain"),
            tools.spoken(answer.text, format="plain"),
            tools.spoken(answer.description, format="plain") if answer.description is not None else None,
            tools.template(answer.thumbnail) if answer.thumbnail is not None else None,
            _in_every_language(answer.keywords, tools.languages),
        )
        for answer in flow.inline_answers
    ]
    return InlineAnswers(answers) if answers else None


def _in_every_language(keywords: list[str], languages: Languages) -> tuple[str, ...]:
    translated = (
        word
        for keyword in keywords
        for tag in languages.supported[1:]
        for word in languages.words(tag, keyword)
    )
    return tuple(dict.fromkeys((*keywords, *translated)))


def _opt_out(settings: GlobalSettings, tools: Tools) -> OptOutWords | None:
    words = settings.opt_out
    if words is None:
        return None
    out = _in_every_language(words.keywords, tools.languages)
    again = _in_every_language(words.opt_in_keywords, tools.languages)
    return OptOutWords(
        words=Keywords(
            [*((word, True, 0) for word in out), *((word, False, 0) for word in again)], typos=False
        ),
        out=tools.spoken(words.message) if words.message else tools.sentence("opted_out"),
        again=tools.spoken(words.opt_in_message) if words.opt_in_message else tools.sentence("opted_in"),
    )


def _plain_escalation(flow: FlowDefinition) -> GlobalAction | None:
    """A flow without an action of that name escalates to its first handoff node, at any hour."""
    handoff = next((node.id for _, node in _definitions(flow) if node.type == HANDOFF), None)
    return GlobalAction(name=ESCALATION, target=handoff) if handoff is not None else None


def _format(definition: Mapping[str, Any]) -> Format:
    """How the texts of a definition are written that may still be wrong."""
    written = any(value == "markdown" for _, value in select(definition, ("global_settings", "format")))
    return "markdown" if written else "plain"


def _edited(texts: Iterable[MarkedText]) -> frozenset[str]:
    """The ids of the nodes whose messages others replace, as they are in the whole flow."""
    return frozenset(inside(flow_of(path), id) for path, kind, id in texts if kind == "reference")


def _languages(definition: Mapping[str, Any]) -> Languages:
    """The languages of a definition that may still be wrong: its own check tells."""
    default, supported, texts = (
        definition.get("default_language"),
        definition.get("supported_languages"),
        definition.get("translations"),
    )
    translations = {
        tag: {source: words for source, words in texts_of.items() if isinstance(words, str | list)}
        for tag, texts_of in (texts.items() if isinstance(texts, dict) else ())
        if isinstance(texts_of, dict)
    }
    tags = [tag for tag in supported if isinstance(tag, str)] if isinstance(supported, list) else []
    return Languages(default if isinstance(default, str) else "en", tags or list(translations), translations)
