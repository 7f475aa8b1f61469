"""Labelled points of the road where a crash test can stop a process.

`reach` does nothing unless `arm` found a plan in the environment:

    GATEWAY_CRASH_AT="turn.locked:37"        the process kills itself (SIGKILL) the 37th time it gets there
    GATEWAY_PAUSE_AT="turn.locked:5:35"      the whole process stands still for 35 s the 5th time

Several plans are separated by commas. Each process counts for itself.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.errors import ConfigurationError, Problem

CRASH_VARIABLE = "GATEWAY_CRASH_AT"
PAUSE_VARIABLE = "GATEWAY_PAUSE_AT"
MAX_PAUSE_SECONDS = 3600.0

POINTS: Mapping[str, str] = {
    "request.received": "a webhook's body is read; nothing is checked yet",
    "request.verified": "the secret or signature is right; the body is not parsed yet",
    "request.parsed": "the body is split into events; none is queued yet",
    "turn.queued": "an event waits for its lane",
    "turn.begun": "the batch's transaction is open; nothing is locked or written",
    "turn.locked": "the batch's conversations are locked and loaded; no step has run",
    "turn.stepped": "every step of the batch has run; nothing is written",
    "turn.written": "everything is written; the commit is not sent",
    "turn.committed": "the commit is acknowledged; nobody has been told",
    "request.answered": "everything is committed; the 2xx is about to be handed to the server",
    "delivery.taken": "a send is leased; the platform has not been called",
    "delivery.sending": "the call is about to leave for the platform",
    "delivery.sent": "the platform has answered; the database does not know",
    "delivery.marked": "the send's row is gone and its message is marked as sent",
    "sweep.found": "the sweeper has found due work; none is claimed",
    "sweep.claimed": "the sweeper has claimed due work; none is carried out",
    "timer.accepted": "a due timer's event is committed; its effect row is not yet forgotten",
    "work.claimed": "a call or an e-mail is claimed; nothing has left",
    "work.done": "the call is answered, or the e-mail taken; the database does not know",
    "socket.published": "a widget message is published on the bus; no socket has it",
}
"""Every point, in the order in which a message passes them."""


@dataclass(slots=True)
class _Plan:
    """What happens at the `nth` reach of a point, counted down in `left`. No `pause_seconds`: a crash."""

    left: int
    pause_seconds: float | None = None


_armed: dict[str, list[_Plan]] = {}


def reach(name: str) -> None:
    """Mark that the road's point `name` is reached. Costs a global look-up while nothing is armed."""
    if _armed:
        _strike(name)


def arm(environ: Mapping[str, str] = os.environ) -> None:
    """Read the plans from `environ`, replacing earlier ones. Raises ConfigurationError for a wrong one."""
    plans = _parse(environ)
    _armed.clear()
    _armed.update(plans)


def _strike(name: str) -> None:
    for plan in _armed.get(name, ()):
        plan.left -= 1
        if plan.left:
            continue
        if plan.pause_seconds is None:
            os.kill(os.getpid(), signal.SIGKILL)
        else:
            time.sleep(plan.pause_seconds)  # the whole process, as a stalled machine would


def _parse(environ: Mapping[str, str]) -> dict[str, list[_Plan]]:
    plans: dict[str, list[_Plan]] = {}
    problems: list[Problem] = []
    for variable in (CRASH_VARIABLE, PAUSE_VARIABLE):
        for text in environ.get(variable, "").split(","):
            if not text.strip():
                continue
            try:
                name, plan = _parse_one(text.strip(), pause=variable == PAUSE_VARIABLE)
            except ValueError as error:
                problems.append(Problem(place=variable, message=str(error), mend=_mend(variable)))
            else:
                plans.setdefault(name, []).append(plan)
    if problems:
        raise ConfigurationError(problems)
    return plans


def _parse_one(text: str, *, pause: bool) -> tuple[str, _Plan]:
    name, *numbers = text.split(":")
    if name not in POINTS:
        raise ValueError(f"{name!r} is no checkpoint (there are: {', '.join(POINTS)})")
    if len(numbers) != (2 if pause else 1):
        raise ValueError(f"{text!r} has the wrong number of parts")
    nth = int(numbers[0]) if numbers[0].isdecimal() else 0
    if nth < 1:
        raise ValueError(f"{text!r} does not count from 1")
    if not pause:
        return name, _Plan(left=nth)
    seconds = float(numbers[1])
    if not 0 < seconds <= MAX_PAUSE_SECONDS:
        raise ValueError(f"{text!r} pauses for no time, or for more than {MAX_PAUSE_SECONDS:.0f} s")
    return name, _Plan(left=nth, pause_seconds=seconds)


def _mend(variable: str) -> str:
    form = (
        "name:nth:seconds, such as turn.locked:5:35"
        if variable == PAUSE_VARIABLE
        else "name:nth, such as turn.locked:37"
    )
    return f"Write {form}, several separated by commas, or unset it"
