"""A trace as a person would read it. It says nothing of what the customer wrote: a trace does not know it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from engine.actions import EVENT, KEYWORD
from engine.known import raw_nodes
from engine.nodes.ai_intent import AiIntentConfig
from engine.state import TraceEntry

_NONE: Final = "none; nearest: "
_NOTHING: Final = "nothing"
_EXPLAINS: Final = frozenset({"intent", "input", "choice", "error", "limit", "action", "timer", "call"})
"""After one of these, a fallback goes on the same line."""
_UNDERSTANDS: Final = "ai_intent"
_ASKED_AGAIN: Final = "asked again"


def narrate(trace: Sequence[TraceEntry], thresholds: Mapping[str, float] | None = None) -> list[str]:
    """One line for each thing that happened, with the nodes that it led to.

    `thresholds` are the flow's confidence thresholds by node (see `thresholds_of`); without them an intent's
    confidence stands alone.
    """
    story = _Story(thresholds or {})
    for entry in trace:
        story.tell(entry)
    return story.lines


def thresholds_of(definition: Mapping[str, Any]) -> dict[str, float]:
    """From which confidence each `ai_intent` of a definition understands."""
    default = AiIntentConfig.model_fields["confidence_threshold"].default
    return {
        located.id: located.node["config"].get("confidence_threshold", default)
        for located in raw_nodes(definition)
        if located.node.get("type") == _UNDERSTANDS and isinstance(located.node.get("config"), dict)
    }


class _Story:
    """The lines so far, and where the last of them ends."""

    def __init__(self, thresholds: Mapping[str, float]) -> None:
        self.lines: list[str] = []
        self._thresholds = thresholds
        self._at = ""
        """The node at which the last line ends; empty when it ends at none."""
        self._kind = ""
        self._before: TraceEntry | None = None

    def tell(self, entry: TraceEntry) -> None:
        match entry.kind:
            case "node":
                self._enter(entry.at)
            case "connection":
                self._take(entry)
            case "fallback" if entry.at:
                self._fall_back(entry)
            case "intent":
                self._say(self._intent(entry))
            case kind:
                self._say(_PHRASES.get(kind, _anything)(entry))
        self._kind, self._before = entry.kind, entry

    def _say(self, line: str) -> None:
        self.lines.append(line)
        self._at = ""

    def _enter(self, node: str) -> None:
        if self._kind in ("connection", "fallback"):
            return
        if self.lines and self._kind not in ("condition", "variable", "held", "ignored", "language"):
            self.lines[-1] += f" → {node}"
        else:
            self.lines.append(f"→ {node}")
        self._at = node

    def _take(self, entry: TraceEntry) -> None:
        if self._at == entry.at and self.lines:
            self.lines[-1] += f" → {entry.detail}"
        else:
            self.lines.append(f"{entry.at} → {entry.detail}")
        self._at = entry.detail

    def _fall_back(self, entry: TraceEntry) -> None:
        if self._kind in _EXPLAINS and self.lines:
            why = "" if self._kind in ("intent", "error") else f" ({entry.detail})"
            self.lines[-1] += f" → fallback {entry.at}{why}"
        else:
            self.lines.append(f"{entry.detail} → fallback {entry.at}")
        self._at = entry.at

    def _intent(self, entry: TraceEntry) -> str:
        if entry.value is None:
            return f"{entry.at}: {entry.detail}"
        threshold = self._thresholds.get(entry.at)
        sure = f"{entry.value:.2f}" + (f" of {threshold:.2f}" if threshold is not None else "")
        if not entry.detail.startswith(_NONE):
            return f"the text was understood by {entry.at} as {entry.detail} ({sure})"
        nearest = entry.detail.removeprefix(_NONE)
        why = "nothing is near" if nearest == _NOTHING else f"nearest: {nearest}, {sure}"
        return f"the text was not understood by {entry.at} ({why})"


def _condition(entry: TraceEntry) -> str:
    return f"the condition {entry.at} {'holds' if entry.value else 'does not hold'}"


def _action(entry: TraceEntry) -> str:
    if entry.detail.startswith(KEYWORD):
        return f'the keyword "{entry.detail.removeprefix(KEYWORD)}" calls for {entry.at}'
    if entry.detail.startswith(EVENT):
        return f"the event {entry.detail.removeprefix(EVENT)} calls for {entry.at}"
    return f"{entry.at}: {entry.detail}"


def _choice(entry: TraceEntry) -> str:
    if _ASKED_AGAIN in entry.detail:
        return f"{entry.at}: {entry.detail}"
    value = f" ({_json(entry.value)})" if entry.value is not None and entry.value != entry.detail else ""
    return f'"{entry.detail}" was chosen at {entry.at}{value}'


def _input(entry: TraceEntry) -> str:
    if entry.detail.startswith("stored in "):
        return f"the answer to {entry.at} is {entry.detail}"
    return f"the answer to {entry.at} will not do: {entry.detail}"


def _timer(entry: TraceEntry) -> str:
    if entry.detail == "started":
        return f"{entry.at} starts a timer of {_json(entry.value)} s"
    return f"the timer of {entry.at} {entry.detail}"


def _round(entry: TraceEntry) -> str:
    if entry.detail:
        return f"{entry.at} ends its rounds: {entry.detail}"
    return f"{entry.at} begins round {entry.value + 1 if isinstance(entry.value, int) else ''}".rstrip()


def _language(entry: TraceEntry) -> str:
    if entry.at:
        return f"{entry.at}: {entry.detail}"
    return f"the language is {entry.value} from here on ({entry.detail})"


def _consent(entry: TraceEntry) -> str:
    return f"consent to {entry.detail} is {'given' if entry.value else 'refused'} at {entry.at}"


def _search(entry: TraceEntry) -> str:
    number = f" ({_json(entry.value)})" if entry.value is not None else ""
    return f"{entry.at} searched: {entry.detail}{number}"


def _held(entry: TraceEntry) -> str:
    if entry.value is not None:
        return f"piece {_json(entry.value)} of an album is held; more may come"
    place = f" at {entry.at}" if entry.at else ""
    return f"the text is held{place}: {entry.detail}"


def _opt_out(entry: TraceEntry) -> str:
    return "the customer has opted out" if entry.value else "the customer has opted in again"


def _postponed(entry: TraceEntry) -> str:
    if entry.value is None:
        return f"the timer of {entry.at} has to wait: {entry.detail}"
    return f"the timer of {entry.at} waits for the end of {entry.detail}, until {entry.value}"


def _control(entry: TraceEntry) -> str:
    return f"{entry.detail}; the {entry.value} answers from here on"


def _anything(entry: TraceEntry) -> str:
    value = _json(entry.value) if entry.value is not None else ""
    return f"{entry.kind}: {', '.join(part for part in (entry.at, entry.detail, value) if part)}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


_PHRASES: Final[Mapping[str, Callable[[TraceEntry], str]]] = {
    "start": lambda entry: f"the flow begins: {entry.detail}",
    "condition": _condition,
    "action": _action,
    "choice": _choice,
    "input": _input,
    "variable": lambda entry: f"{entry.at} sets {entry.detail}",
    "timer": _timer,
    "call": lambda entry: f"the call of {entry.at} {entry.detail}",
    "round": _round,
    "return": lambda entry: f"back at {entry.at}",
    "left": lambda entry: f"{entry.detail} left behind",
    "held": _held,
    "language": _language,
    "case": lambda entry: f"the case of {entry.at}: {entry.detail}",
    "split": lambda entry: f"{entry.at} draws {entry.detail}",
    "track": lambda entry: f"{entry.at} tracks {entry.detail}",
    "feedback": lambda entry: f"{entry.at} is rated {_json(entry.value)}",
    "consent": _consent,
    "search": _search,
    "email": lambda entry: f"{entry.at} sends an e-mail to {_json(entry.value)} addresses",
    "opt_out": _opt_out,
    "postponed": _postponed,
    "page": lambda entry: f"{entry.at} shows page {_json(entry.value)} of its choices",
    "inline": lambda entry: f"a query from another chat is {entry.detail} with {_json(entry.value)} results",
    "control": _control,
    "fallback": lambda entry: f"no way on: {entry.detail}",
    "limit": lambda entry: f"a limit is reached: {entry.detail}",
    "error": lambda entry: f"an error{f' at {entry.at}' if entry.at else ''}: {entry.detail}",
    "ignored": lambda entry: f"ignored: {entry.detail}",
}
