"""What is said when an answer does not do: the flow's own words, else the engine's for the reason or for the type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from engine.answers.reading import base_language
from engine.answers.sentences import rule_sentence, sentence, sentence_language
from engine.messages import OutboundMessage, Request
from engine.nodes.texts import Menu, Speech
from engine.saying import say
from engine.templates import to_text
from engine.templates.limits import MAX_DIGITS
from engine.validation import Fault, Rules
from engine.validation.day_bounds import compile_day

if TYPE_CHECKING:
    from engine.turn import Turn

Reason: TypeAlias = Literal["type"] | Fault
"""Why an answer does not do: it is not of the type, or breaks a rule."""

MAX_LISTED: Final = 7
"""Values of an enumeration that a customer is told."""
MAX_LISTED_TEXT: Final = 40
"""Code points of the longest of them."""


class RuleSentences:
    """The engine's own sentence for each rule that an answer can break. Made when it is said, not before."""

    __slots__ = ("_menu", "_request", "_rules")

    def __init__(self, rules: Rules, menu: Menu, request: Request | None) -> None:
        self._rules = rules
        self._menu = menu
        self._request = request

    def say(self, turn: Turn, reason: Reason) -> bool:
        """Say it; False when there is none for that reason."""
        text = rule_text(self._rules, reason, turn)
        if text:
            say(
                turn,
                OutboundMessage(
                    text=text,
                    choices=self._menu(turn),
                    paging=self._menu.paging(turn.language),
                    request=self._request,
                ),
            )
        return bool(text)


class Retries:
    """What an `input` says before it waits again."""

    __slots__ = ("_by_reason", "_by_rule", "_in_turn")

    def __init__(
        self,
        in_turn: tuple[Speech, ...],
        by_reason: Mapping[Reason, Speech],
        by_rule: RuleSentences | None,
    ) -> None:
        self._in_turn = in_turn
        self._by_reason = by_reason
        self._by_rule = by_rule
        """None where the flow has words of its own in `in_turn`."""

    def say(self, turn: Turn, reason: Reason, attempt: int) -> None:
        """Say it for the `attempt`-th time, from 1."""
        speech = self._by_reason.get(reason)
        if speech is None:
            if self._by_rule is not None and self._by_rule.say(turn, reason):
                return
            speech = self._in_turn[min(attempt, len(self._in_turn)) - 1]
        speech.say(turn)


def rule_text(rules: Rules, reason: Reason, turn: Turn) -> str:
    """The sentence for the rule that an answer breaks, with the rule's own value; empty for `type`."""
    language = _written_in(turn)
    match reason:
        case "" | "type":
            return ""
        case "too_short":
            value = _number(rules.min_length, language)
        case "too_long":
            value = _number(rules.max_length, language)
        case "too_small":
            value = _number(rules.minimum, language)
        case "too_large":
            value = _number(rules.maximum, language)
        case "too_early":
            value = _day(rules.earliest, turn, language)
        case "too_late":
            value = _day(rules.latest, turn, language)
        case "not_allowed":
            value = _values(rules.enum or [], language)
            if not value:
                return rule_sentence("retry_not_of_many", turn.language)
        case "pattern" | "schema":
            return rule_sentence("retry_form", turn.language)
    return rule_sentence(f"retry_{reason}", turn.language, value) if value else ""


def _written_in(turn: Turn) -> str:
    """How values are written: as the customer writes them, unless the sentence has to be in another language."""
    spoken = sentence_language(turn.language)
    own = turn.reading_language
    return own if base_language(own) == base_language(spoken) else spoken


def _number(value: float | None, language: str) -> str:
    """With all of its digits: a bound that is rounded would be another one."""
    text = to_text(value)
    digits = len(text.partition(".")[2])
    if not text or "e" in text or digits > MAX_DIGITS:
        return text
    return _filtered("number", value, language, digits)


def _day(bound: str | None, turn: Turn, language: str) -> str:
    day = compile_day(bound)(turn.local_time().date()) if bound is not None else None
    # Only the long style has the month in words everywhere, and is read as the same day when it is typed.
    return "" if day is None else _filtered("date", day, language, "long")


def _values(allowed: list[Any], language: str) -> str:
    """The values in one phrase; empty when there are too many of them, or too long ones."""
    if len(allowed) > MAX_LISTED:
        return ""
    texts = [_value(value, language) for value in allowed]
    if any(len(text) > MAX_LISTED_TEXT for text in texts):
        return ""
    return _filtered("list", texts, language, "or")


def _value(value: Any, language: str) -> str:
    if isinstance(value, bool):
        return sentence("yes" if value else "no", language)
    text = to_text(value)
    # A whole number may be a year or a code: it is written without marks between its digits.
    return _number(value, language) if isinstance(value, float) and "." in text else text


def _filtered(name: str, value: Any, language: str, argument: object) -> str:
    """What the localized filter makes of `value`. It needs Babel, which takes long to import."""
    from engine.templates.localized import BINDINGS

    return BINDINGS[name](argument)(value, {"language": language})
