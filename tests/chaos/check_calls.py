"""What a flow calls for is called, and its result causes one turn; called again only where a disturbance explains it.

A call is in flight from when its request leaves until the database knows its result. Killed in between, it is made
again under the same idempotency key: once for each disturbance. That the result's turn answers in its place is for
`check_turns` to see.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from tests.chaos.check_sends import IN_FLIGHT_SECONDS, Repeat, explain
from tests.chaos.findings import Fault, Findings
from tests.chaos.history import Event, Request

RESULT: Final = "call_integration:"
"""What the inbox calls a result's event: this, and the call's idempotency key."""


def check_calls(findings: Findings) -> None:
    """Compare what the integration was asked with what the database decided."""
    asked: defaultdict[str, list[Request]] = defaultdict(list)
    for request in findings.history.requests:
        asked[request.event].append(request)
    decided = {
        message.text
        for chat in findings.chats
        for message in findings.transcript(chat)
        if message.sender == "customer"
    }
    for event in findings.history.events:
        if event.kind == "call" and event.name in decided:
            _made(findings, event, asked[event.name])
    for name in sorted(asked):
        caller = findings.events.get(name)
        if name not in decided or caller is None or caller.kind != "call":
            findings.add(Fault.CALL_WITHOUT_TURN, "?", f"{name!r} was called for, and no turn decided it")


def _made(findings: Findings, event: Event, requests: Sequence[Request]) -> None:
    if not requests:
        findings.add(Fault.CALL_LOST, event.chat, f"the call of {event.name} never arrived")
        return
    of_key: defaultdict[str, list[Request]] = defaultdict(list)
    for request in sorted(requests, key=lambda request: request.at):
        of_key[request.key].append(request)
    if len(of_key) > 1 or "" in of_key:
        detail = f"the call of {event.name} was made under the keys {', '.join(map(repr, of_key))}"
        findings.add(Fault.CALL_REKEYED, event.chat, detail)
    for key, same in of_key.items():
        if findings.inbox.get(f"{RESULT}{key}") is None:
            findings.add(Fault.RESULT_LOST, event.chat, f"the result of {event.name} had no turn")
        _repeated(findings, event, same)


def _repeated(findings: Findings, event: Event, requests: Sequence[Request]) -> None:
    repeats = [
        Repeat(
            text=event.name, first=first.at, second=second.at, overtaken=False,
            settled=first.at + first.seconds + IN_FLIGHT_SECONDS,
        )
        for first, second in pairwise(requests)
    ]  # fmt: skip
    unexplained = explain(repeats, findings.history.disturbances)
    findings.repeated_calls += len(repeats) - len(unexplained)
    for repeat in unexplained:
        detail = f"the call of {repeat.text} was made again after {repeat.second - repeat.first:.2f} s"
        findings.add(Fault.DUPLICATE_CALL, event.chat, detail)
