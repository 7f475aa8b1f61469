"""Chatting with a flow in the terminal: the same step as in production, under a clock that only you move."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from pydantic import ValidationError

from engine.bot import Bot
from engine.effects import Call, CallIntegration, Piece, Search, SendEmail
from engine.errors import EngineError
from engine.problems import findings_of, place_of
from engine.scenarios.beginning import begin
from engine.scenarios.expectations import plain, readable_text
from engine.scenarios.model import Settings, Step, Stub
from engine.scenarios.narrate import narrate, thresholds_of
from engine.scenarios.reading import option_values
from engine.scenarios.runner import carried, play
from engine.scenarios.world import Impossible, Moment, World, offered_by

Show: TypeAlias = Callable[[str], None]
Ask: TypeAlias = Callable[[str], str | None]
"""Shows a prompt and reads a line; None at the end of the input."""

NAME: Final = "A conversation from the terminal"
HELP: Final = """\
Write what a customer writes. A number picks the choice of that number, as customers do. Besides:
  /click 2            press a button by its number, its text, its value, or node:index
  /open               open the chat and say nothing
  /location 52.5 13.4, /contact +49…, /image, /audio, /video, /document [caption]
  /react 👍           react to a message; without an emoji, take it back
  /event JSON         anything else that platforms tell: {"type": "form_submitted", "values": {…}}, …
  /wait 2h            let time pass; timers that become due fire
  /timeout            let the timer of the node that waits fire
  /stub NODE JSON     what the node's call comes to: {"status": 200, "body": {…}}, {"error": "refused"}, …
  /result JSON        what the open call comes to
  /trace              show, or hide, what happens inside
  /state, /vars       where the conversation stands; its variables
  /as-test            the conversation so far as an integration test
  /restart            a new conversation from the beginning
  /quit               the end
Any other /word goes to the bot as a command, such as /start."""
_MEDIA: Final = frozenset({"image", "audio", "voice", "video", "document", "sticker"})
_ANSWERS: Final = "its result, such as {}; `timeout`; a word for an error; nothing to leave it open"
_EXAMPLES: Final[Mapping[str, str]] = {
    "call_integration": '{"status": 200, "body": {}}',
    "search": '{"passages": [{"text": "…"}]}',
    "generate": '{"text": "…"}',
}


class Mistake(EngineError):
    """What was written cannot be done."""


class Chat:
    """One conversation, and the lines that drive it."""

    def __init__(
        self,
        bot: Bot,
        definition: Mapping[str, Any],
        settings: Settings,
        *,
        show: Show,
        ask: Ask,
        trace: bool = False,
        pause: Callable[[float], None] | None = None,
    ) -> None:
        """`settings.stubs` are what calls come to; without one, `ask` is asked. `pause` waits out delays, in seconds.

        Raises Impossible when there is no time such as the settings want.
        """
        self._bot = bot
        self._definition = definition
        self._settings = settings
        self._show = show
        self._ask = ask
        self._trace = trace
        self._pause = pause
        self._names = option_values(definition)
        self._thresholds = thresholds_of(definition)
        self._steps: list[dict[str, Any]] = []
        self._world = self._begin()

    def take(self, line: str) -> bool:
        """Do what a line says; False when it ends the chat."""
        line = line.strip()
        word, _, rest = line.partition(" ")
        if line == "/quit":
            return False
        command = _COMMANDS.get(word)
        try:
            if command is not None:
                command(self, rest.strip())
            elif line:
                self._do(_step_of(word, rest.strip(), line))
        except EngineError as error:
            self._show(f"! {error}")
        return True

    def as_test(self) -> dict[str, Any]:
        """The conversation so far as an integration test that passes."""
        given = self._settings.model_dump(exclude_unset=True)
        used = {node: stubs for node, stubs in self._world.stubs.items() if node in self._world.used}
        stubs = {
            node: [stub.model_dump(exclude_unset=True) for stub in found] for node, found in used.items()
        }
        return {
            **{key: value for key, value in given.items() if key != "stubs"},
            **({"stubs": stubs} if stubs else {}),
            "steps": self._steps,
        }

    # Commands

    def _restart(self, _: str) -> None:
        self._world = self._begin()
        self._steps = []
        self._show("(a new conversation)")

    def _toggle(self, _: str) -> None:
        self._trace = not self._trace
        self._show(f"(the trace is {'shown' if self._trace else 'hidden'})")

    def _state(self, _: str) -> None:
        world, state = self._world, self._world.state
        self._show(f"  clock     {world.now:%A %Y-%m-%d %H:%M:%S} UTC")
        self._show(f"  node      {world.place or 'none: the next message begins a session'}")
        self._show(f"  answers   {'a human, or nobody yet' if state.control == 'waiting' else state.control}")
        self._show(f"  language  {world.language}")
        for frame in state.stack:
            self._show(f"  within    {frame.node}")
        for timer in world.timers:
            self._show(f"  timer     {timer.timer} at {timer.due_at:%Y-%m-%d %H:%M:%S} UTC")
        if world.call is not None:
            self._show(f"  call      {_described(world.call)}")

    def _variables(self, _: str) -> None:
        world = self._world
        names = sorted(
            {*world.state.variables, *self._bot.variables, *world.customer.variables, *world.shared}
        )
        for name in names:
            declared = self._bot.variables.get(name)
            scope = "" if declared is None or declared.scope == "session" else f"  ({declared.scope})"
            try:
                value = _json(world.variable(name))
            except EngineError as error:
                value = f"cannot be computed: {error}"
            self._show(f"  {name} = {value}{scope}")
        if not names:
            self._show("  (none)")

    def _as_test(self, _: str) -> None:
        self._show(json.dumps(self.as_test(), ensure_ascii=False, indent=2))

    def _help(self, _: str) -> None:
        for line in HELP.splitlines():
            self._show(line)

    def _stub(self, rest: str) -> None:
        node, _, written = rest.partition(" ")
        if node not in self._bot.nodes:
            raise Mistake(f"there is no node {node!r}; write /stub NODE JSON")
        self._world.stubs[node] = [_stub_of(written)]
        if self._world.call_node == node:
            self._do(Step(result=_stub_of(written)))

    def _click(self, what: str) -> None:
        offered = self._world.on_offer
        if what.isdecimal() and 0 < int(what) <= len(offered):
            what = offered[int(what) - 1][1]
        self._do(_valid(click=what))

    # The conversation

    def _begin(self) -> World:
        return begin(self._settings, self._bot, self._definition, self._names)

    def _do(self, step: Step) -> None:
        before = len(self._world.moments)
        try:
            play(self._world, step, leave_open=True)
        finally:
            moments = self._world.moments[before:]
            if moments or step.wait is not None:
                self._note(step, moments)
            self._tell(moments)
        if self._world.call is not None:
            self._ask_for_result(self._world.call)

    def _ask_for_result(self, call: Call) -> None:
        self._show(f"  ({_described(call)})")
        example = _EXAMPLES[plain(call)["type"]]
        written = self._ask(f"  {_ANSWERS.format(example)}: ")
        if written is None or not written.strip():
            self._show("  (the call is open; /result ends it)")
            return
        self._do(Step(result=_stub_of(written)))

    def _note(self, step: Step, moments: Sequence[Moment]) -> None:
        """Keep a step as a test would have it."""
        noted = step.model_dump(exclude_unset=True)
        messages = [message for moment in moments for message in moment.messages]
        if self._world.place:
            noted["expected_node"] = self._world.place
        if texts := [text for message in messages if (text := readable_text(message))]:
            noted["expected_response_contains"] = texts
        if offers := [offered for message in messages if (offered := offered_by(message))]:
            noted["expected_choices"] = [title for _, title in offers[-1]]
        if not messages:
            noted["expected_no_response"] = True
        if any(entry.kind == "error" for moment in moments for entry in moment.outcome.trace):
            noted["expected_error"] = True
        self._steps.append(noted)

    def _tell(self, moments: Sequence[Moment]) -> None:
        for moment in moments:
            if self._trace:
                for line in narrate(moment.outcome.trace, self._thresholds):
                    self._show(f"  · {line}")
            waited = 0
            for effect in moment.outcome.effects:
                due = getattr(effect, "delay_ms", 0)
                if self._pause is not None and due > waited:
                    self._pause((due - waited) / 1000)
                    waited = due
                for line in _said(effect):
                    self._show(line)
        if not moments:
            self._show("(nothing happens)")
        elif not any(moment.messages for moment in moments):
            control = self._world.state.control
            self._show("(the bot says nothing)" if control == "bot" else "(a human is to answer)")


def _said(effect: Any) -> Iterator[str]:
    """The lines of an effect that somebody reads."""
    if isinstance(effect, SendEmail):
        yield f"(e-mail to {', '.join(effect.to)}: {effect.subject})"
    message = getattr(effect, "message", None)
    if message is None:
        return
    yield from (f"bot: {line}" for line in readable_text(message).splitlines())
    yield from (f"     ({media.kind}: {media.url})" for media in message.media)
    yield from (f"     {line}" for line in carried(message))
    for number, (_, title) in enumerate(offered_by(message), 1):
        yield f"     [{number}] {title}"


def _step_of(word: str, rest: str, line: str) -> Step:
    """The step that a line means."""
    match word.removeprefix("/") if word.startswith("/") else "":
        case "":
            return _valid(input=line)
        case "open":
            return _valid(open=True)
        case "timeout":
            return _valid(timeout=True)
        case "wait":
            return _valid(wait=rest)
        case "result":
            return Step(result=_stub_of(rest))
        case "location":
            numbers = [_number(part) for part in shlex.split(rest)] if rest else []
            return _valid(location=dict(zip(("latitude", "longitude"), numbers, strict=False)))
        case "contact":
            return _valid(contact={"phone": rest})
        case "react":
            return _valid(reaction=rest.split())
        case "event":
            return _valid(event=_object(rest))
        case kind if kind in _MEDIA:
            return _valid(media={"kind": kind, **({"caption": rest} if rest else {})})
        case _:
            return _valid(command=line.removeprefix("/"))


def _valid(**fields: Any) -> Step:
    try:
        return Step.model_validate(fields)
    except ValidationError as error:
        raise Mistake(_mistakes(error, Step)) from None


def _object(written: str) -> Any:
    try:
        return json.loads(written)
    except ValueError as error:
        raise Mistake(f"this is no JSON: {error}") from None


def _stub_of(written: str) -> Stub:
    """`{"status": 200, …}`, `timeout`, or a word for an error."""
    written = written.strip()
    if not written.startswith("{"):
        return Stub(timeout=True) if written == "timeout" else Stub(error=written[:200] or "refused")
    given = _object(written)
    try:
        return Stub.model_validate(given)
    except ValidationError as error:
        raise Mistake(_mistakes(error, Stub)) from None


def _mistakes(error: ValidationError, model: type[Step | Stub]) -> str:
    return "; ".join(
        f"{place_of(path)}: {message} ({mend})" if path else f"{message} ({mend})"
        for path, message, mend in findings_of(error, model)
    )


def _number(text: str) -> float:
    try:
        return float(text.rstrip(","))
    except ValueError:
        raise Mistake(f"{text!r} is no number; write /location LATITUDE LONGITUDE") from None


def _described(call: Call) -> str:
    node = call.call.rpartition("#")[0]
    match call:
        case CallIntegration():
            return f"{node} calls {call.method} {_pieces(call.url)}"
        case Search():
            return f"{node} searches for: {call.query}"
        case _:
            return f"{node} asks a language model: {call.prompt}"


def _pieces(pieces: Sequence[Piece]) -> str:
    return "".join(piece if isinstance(piece, str) else f"{{{{secret.{piece.name}}}}}" for piece in pieces)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


_COMMANDS: Final[Mapping[str, Callable[[Chat, str], None]]] = {
    "/restart": Chat._restart,
    "/trace": Chat._toggle,
    "/state": Chat._state,
    "/vars": Chat._variables,
    "/as-test": Chat._as_test,
    "/help": Chat._help,
    "/stub": Chat._stub,
    "/click": Chat._click,
}

__all__ = ["HELP", "NAME", "Chat", "Impossible", "Mistake"]
