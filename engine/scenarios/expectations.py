"""Whether what happened is what was expected: each expectation compared, with both sides of what differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from engine.errors import EngineError
from engine.messages import OutboundMessage
from engine.scenarios.model import Expectations
from engine.scenarios.world import Moment, World, offered_by
from engine.state import TraceEntry

_NOT_UNDERSTOOD: Final = "none; "
_CALL_FAILED: Final = "failed: "
_TOO_LATE: Final = "no result in time"


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """One expectation that was not met."""

    place: str
    """Where it is written, such as `test_scenarios.unit_tests[0].expected_node`."""
    step: int
    """Number of the step from 1; 0 for what was expected of the whole test."""
    message: str
    """What is wrong, in one line."""
    expected: Any = None
    actual: Any = None


Difference = tuple[str, str, Any, Any]
"""(key, message, expected, actual)"""


def differences(expected: Expectations, moments: Sequence[Moment], world: World) -> Iterator[Difference]:
    """Everything in which these moments, and the world after them, are not as expected."""
    trace = [entry for moment in moments for entry in moment.outcome.trace]
    messages = [message for moment in moments for message in moment.messages]
    yield from _nodes(expected, trace, world)
    yield from _responses(expected, messages)
    yield from _choices(expected, messages)
    yield from _shown(expected, messages)
    yield from _variables(expected, world)
    yield from _effects(expected, moments)
    yield from _state(expected, world)
    yield from _understanding(expected, trace)
    yield from _errors(expected, trace)


def readable_text(message: OutboundMessage) -> str:
    """What a customer reads of a message: its text and its cards."""
    cards = (part for card in message.cards for part in (card.title, card.subtitle))
    return "\n".join(part for part in (message.text, *cards) if part)


def plain(value: Any) -> Any:
    """Effects as JSON, with all their fields, those at their defaults included."""
    if isinstance(value, msgspec.Struct):
        config = value.__struct_config__
        tag = {config.tag_field: config.tag} if config.tag_field else {}
        return {**tag, **{name: plain(getattr(value, name)) for name in value.__struct_fields__}}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value.isoformat() if isinstance(value, datetime) else value


def _nodes(expected: Expectations, trace: Sequence[TraceEntry], world: World) -> Iterator[Difference]:
    entered = [entry.at for entry in trace if entry.kind == "node"]
    node = expected.expected_node
    if node is not None and node not in (*entered, world.place):
        way = " → ".join(entered) or "no node was entered"
        where = f"the conversation stands at {world.place}" if world.place else "the session has ended"
        yield "expected_node", f"{node} was not reached: {way}; {where}", node, entered or world.place
    left = iter(entered)
    wanted = expected.expected_nodes
    if wanted is not None and not all(any(node == found for found in left) for node in wanted):
        message = f"the way was {' → '.join(entered) or 'nowhere'}, not {' → '.join(wanted)}"
        yield "expected_nodes", message, wanted, entered


def _responses(expected: Expectations, messages: Sequence[OutboundMessage]) -> Iterator[Difference]:
    texts = [text for message in messages if (text := readable_text(message))]
    said = "\n".join(texts)
    for part in expected.expected_response_contains:
        if part not in said:
            yield "expected_response_contains", f'no message contains "{part}"', part, texts
    for part in expected.expected_response_not_contains:
        if part in said:
            yield "expected_response_not_contains", f'a message contains "{part}"', part, texts
    equal = expected.expected_response_equals
    if equal is not None and equal != texts:
        yield "expected_response_equals", "the bot says something else", equal, texts
    if expected.expected_no_response is not None and expected.expected_no_response == bool(messages):
        message = "the bot says something" if messages else "the bot says nothing"
        yield "expected_no_response", message, expected.expected_no_response, texts


def _choices(expected: Expectations, messages: Sequence[OutboundMessage]) -> Iterator[Difference]:
    if expected.expected_choices is None:
        return
    offers = [offered for message in messages if (offered := offered_by(message))]
    titles = [title for _, title in offers[-1]] if offers else []
    if titles != expected.expected_choices:
        yield "expected_choices", "other choices are on offer", expected.expected_choices, titles


def _shown(expected: Expectations, messages: Sequence[OutboundMessage]) -> Iterator[Difference]:
    """How the texts look, and what else the messages carry."""
    looks = [
        {"kind": span.kind, "text": message.text[span.start : span.end], "value": span.value}
        for message in messages
        for span in message.spans
    ]
    for look in expected.expected_looks:
        wanted = look.model_dump(exclude_none=True)
        if not any(_contains(found, wanted) for found in looks):
            yield "expected_looks", f'no "{look.text}" is {look.kind}', wanted, looks
    links = [link.title for message in messages for link in message.links]
    if expected.expected_links is not None and links != expected.expected_links:
        yield "expected_links", "other links are shown", expected.expected_links, links
    for key, name, given in (
        ("expected_location", "location", expected.expected_location),
        ("expected_contact", "contact", expected.expected_contact),
    ):
        parts = [plain(part) for message in messages if (part := getattr(message, name)) is not None]
        if given is not None and not any(_contains(part, given) for part in parts):
            yield key, f"no {name} is like that" if parts else f"there is no {name}", given, parts
    templates = [message.template.key for message in messages if message.template is not None]
    if expected.expected_template is not None and expected.expected_template not in templates:
        yield "expected_template", "no message is of that template", expected.expected_template, templates
    reactions = [message.reaction.emoji for message in messages if message.reaction is not None]
    if expected.expected_reaction is not None and expected.expected_reaction not in reactions:
        yield "expected_reaction", "the bot does not react so", expected.expected_reaction, reactions


def _variables(expected: Expectations, world: World) -> Iterator[Difference]:
    for name, value in expected.expected_variables.items():
        try:
            actual = world.variable(name)
        except EngineError as error:
            yield "expected_variables", f"{name} cannot be computed: {error}", value, None
            continue
        if not _same(value, actual):
            yield "expected_variables", f"{name} has another value", value, actual


def _effects(expected: Expectations, moments: Sequence[Moment]) -> Iterator[Difference]:
    """Each expected effect has one of its own among those that happened."""
    if not expected.expected_effects:
        return
    done = [plain(effect) for moment in moments for effect in moment.outcome.effects]
    left = list(done)
    for wanted in expected.expected_effects:
        found = next((effect for effect in left if _contains(effect, wanted)), None)
        if found is None:
            same = [effect for effect in done if effect["type"] == wanted["type"]]
            message = f"no {wanted['type']} is like that" if same else f"there is no {wanted['type']}"
            yield "expected_effects", message, wanted, same or [effect["type"] for effect in done]
        else:
            left.remove(found)


def _state(expected: Expectations, world: World) -> Iterator[Difference]:
    if expected.expected_language is not None and world.language != expected.expected_language:
        yield "expected_language", "it is another language", expected.expected_language, world.language
    if expected.expected_control is not None and world.state.control != expected.expected_control:
        yield "expected_control", "somebody else answers", expected.expected_control, world.state.control


def _understanding(expected: Expectations, trace: Sequence[TraceEntry]) -> Iterator[Difference]:
    if "expected_intent" in expected.model_fields_set:
        read = [entry.detail for entry in trace if entry.kind == "intent" and entry.value is not None]
        understood = [detail for detail in read if not detail.startswith(_NOT_UNDERSTOOD)]
        met = expected.expected_intent in understood if expected.expected_intent else not understood
        if not met:
            message = f"understood was {', '.join(understood) or 'nothing'}"
            yield "expected_intent", message, expected.expected_intent, understood
    if expected.expected_action is not None:
        actions = list(dict.fromkeys(entry.at for entry in trace if entry.kind == "action"))
        if expected.expected_action not in actions:
            message = f"{', '.join(actions) or 'no action'} was called for"
            yield "expected_action", message, expected.expected_action, actions


def _errors(expected: Expectations, trace: Sequence[TraceEntry]) -> Iterator[Difference]:
    """An error that nothing expects is a failure too, unless a call failed: then it is its consequence."""
    errors = [entry.detail for entry in trace if entry.kind == "error"]
    wanted = expected.expected_error
    if isinstance(wanted, str):
        if not any(wanted in error for error in errors):
            yield "expected_error", f'no error contains "{wanted}"', wanted, errors
    elif wanted and not errors:
        yield "expected_error", "there was no error", wanted, errors
    elif not wanted and errors and ("expected_error" in expected.model_fields_set or not _call_failed(trace)):
        yield "expected_error", f"there was an error: {errors[0]}", False, errors


def _call_failed(trace: Sequence[TraceEntry]) -> bool:
    return any(
        (entry.kind == "call" and entry.detail.startswith(_CALL_FAILED))
        or (entry.kind == "error" and entry.detail == _TOO_LATE)
        for entry in trace
    )


def _contains(actual: Any, wanted: Any) -> bool:
    """Objects may have more than what is wanted; everything else is equal."""
    if isinstance(wanted, Mapping):
        return isinstance(actual, Mapping) and all(
            key in actual and _contains(actual[key], value) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(actual, list)
            and len(actual) == len(wanted)
            and all(_contains(*pair) for pair in zip(actual, wanted, strict=True))
        )
    return _same(wanted, actual)


def _same(wanted: Any, actual: Any) -> bool:
    """Equal as JSON: true is not 1, but 1 is 1.0."""
    return isinstance(wanted, bool) == isinstance(actual, bool) and bool(wanted == actual)
