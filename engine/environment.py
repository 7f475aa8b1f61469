"""The names that expressions and templates can use, and only those of them that each one asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from engine.events import Context, FormSubmitted
from engine.expressions.values import UNDEFINED
from engine.folding import readable
from engine.scopes import declared

if TYPE_CHECKING:
    from engine.state import Customer
    from engine.turn import Turn

UTC: Final = ZoneInfo("UTC")
LINK_CODE: Final = ("LINK-CODE-" * 5)[:48]
"""Stands for a code that links the customer's channels, as long as one. The gateway puts the code in its place when the
message leaves, so that no state, transcript or replay has it; what customers write can't bring it in."""
MAX_NAME = 64
"""Code points of a customer's name that are used."""

_UNSET: Final = object()
_NO_CONTEXT: Final = Context()


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo | None:
    """The IANA time zone of that name; None when there is none, or `name` is no name at all."""
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def first_name(customer: Customer) -> str:
    """What to call the customer; empty when not known."""
    return customer.first_name.strip()[:MAX_NAME]


class Environment:
    """Collects the values of `names` for one turn.

    Clock names (hour, minute, day_of_week with Monday = 1, current_time, timezone) are in `timezone` if that is
    given, else in the customer's, else in the flow's, else UTC. A name that nothing defines is left out.
    """

    __slots__ = ("_clock", "_of_turn", "_variables", "_zone")

    def __init__(self, names: Iterable[str], timezone: str = "") -> None:
        wanted = sorted(names)
        self._zone = zone(timezone)
        self._clock = tuple((name, _CLOCK[name]) for name in wanted if name in _CLOCK)
        self._of_turn = tuple((name, _OF_TURN[name]) for name in wanted if name in _OF_TURN)
        self._variables = tuple(name for name in wanted if name not in BUILTINS)

    def __call__(self, turn: Turn) -> dict[str, Any]:
        env: dict[str, Any] = {}
        if self._clock:
            local = turn.local_time(self._zone)
            for name, read in self._clock:
                env[name] = read(local)
        for name, find in self._of_turn:
            env[name] = find(turn)
        variables = turn.variables
        for name in self._variables:
            value = variables.get(name, _UNSET)
            if value is _UNSET:
                value = declared(turn, name)
            if value is not UNDEFINED:
                env[name] = value
        return env

    def at(self, turn: Turn, moment: datetime) -> dict[str, Any]:
        """The values as they would be at another moment (aware): only the clock's names differ."""
        env = self(turn)
        local = moment.astimezone(self._zone or turn.zone())
        for name, read in self._clock:
            env[name] = read(local)
        return env


def _user(turn: Turn) -> dict[str, Any]:
    customer = turn.customer
    name = f"{customer.first_name} {customer.last_name}".strip()
    known = {
        "id": customer.id,
        "name": name,
        "first_name": customer.first_name,
        "last_name": customer.last_name,
        "email": customer.email,
        "phone": customer.phone,
        "language": customer.language,
        "timezone": customer.timezone,
        "link_code": "" if turn.in_group else LINK_CODE,
    }
    return {**customer.attributes, **turn.customer_variables, **known}


def _text(turn: Turn) -> str:
    return turn.text


def _event(turn: Turn) -> dict[str, Any]:
    """What happened, as plain data: `type` and every field of the event."""
    body = turn.event
    return {} if body is None else {"type": body.__struct_config__.tag, **_plain(body)}


def _form(turn: Turn) -> dict[str, Any]:
    return {**_plain(turn.event.values)} if isinstance(turn.event, FormSubmitted) else {}


def _message_context(turn: Turn) -> dict[str, Any]:
    return {"id": turn.message, **_plain(turn.context or _NO_CONTEXT)}


def _plain(value: Any) -> Any:
    """Structs as objects with all their fields, tuples as lists, texts readable."""
    if isinstance(value, str):
        return readable(value)
    if isinstance(value, Struct):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, dict):
        return {readable(str(name)): _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value


_CLOCK: Final[dict[str, Callable[[datetime], Any]]] = {
    "hour": lambda local: local.hour,
    "minute": lambda local: local.minute,
    "day_of_week": lambda local: local.isoweekday(),
    "current_time": lambda local: local.isoformat(timespec="seconds"),
    "timezone": lambda local: str(local.tzinfo),
}
_OF_TURN: Final[dict[str, Callable[[Turn], Any]]] = {
    "user": _user,
    "channel": lambda turn: turn.channel,
    "language": lambda turn: turn.language,
    "response": lambda turn: turn.response,
    "customer_name": lambda turn: first_name(turn.customer),
    "conversation_history": lambda turn: {"length": turn.state.history},
    "event": _event,
    "form": _form,
    "message_context": _message_context,
    "message": _text,
    "text": _text,
}
BUILTINS: Final = frozenset(_CLOCK) | frozenset(_OF_TURN)
"""Names that the engine gives; no variable can have one of them."""
