"""G4 and G5 on Telegram: every reply arrives, in order, and twice only where a disturbance explains it.

A send is in flight from when it leaves until the database knows that it did. Killed in between, it is sent again:
once for each conversation and disturbance, before the conversation's next message leaves. A paused worker is the
one exception to the last part: it may let go of what it held after others have gone on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import msgspec

from tests.chaos.findings import Fault, Findings
from tests.chaos.history import Arrival, Disturbance

TRANSIT_SECONDS = 0.25
"""A send that left just before a kill may arrive this much after it."""
IN_FLIGHT_SECONDS = 1.0
"""How long after a send's arrival the database knows of it, at the latest, on a busy machine."""


class Repeat(msgspec.Struct, frozen=True, kw_only=True):
    """A text, or a call, that arrived again."""

    text: str
    first: float
    second: float
    overtaken: bool
    """Whether the conversation's next message had arrived in between."""
    settled: float
    """When the database knew of the first one, at the latest."""


def check_sends(findings: Findings) -> None:
    """Compare what Telegram received with what the database decided."""
    arrived: defaultdict[str, list[Arrival]] = defaultdict(list)
    for arrival in findings.history.arrivals:
        arrived[arrival.chat].append(arrival)
    for chat in {*(chat for chat in findings.chats if chat.startswith("t")), *arrived}:
        decided = [message.text for message in findings.transcript(chat) if message.sender != "customer"]
        _complete(findings, chat, decided, arrived[chat])
        _ordered(findings, chat, decided, arrived[chat])
        _repeated(findings, chat, decided, arrived[chat])


def _complete(findings: Findings, chat: str, decided: Sequence[str], arrivals: Sequence[Arrival]) -> None:
    texts = {arrival.text for arrival in arrivals}
    for text in dict.fromkeys(decided):
        if text not in texts:
            findings.add(Fault.REPLY_LOST, chat, f"{text!r} never arrived")
    for text in sorted(texts.difference(decided)):
        findings.add(Fault.SEND_WITHOUT_TURN, chat, f"{text!r} arrived, and no turn decided it")


def _ordered(findings: Findings, chat: str, decided: Sequence[str], arrivals: Sequence[Arrival]) -> None:
    """First arrivals stand in the order of the decisions."""
    place = {text: index for index, text in enumerate(decided)}
    latest = -1
    for text in dict.fromkeys(arrival.text for arrival in arrivals):
        index = place.get(text)
        if index is None:
            continue
        if index < latest:
            findings.add(Fault.ORDER_BREAK, chat, f"{text!r} arrived after {decided[latest]!r}")
        latest = max(latest, index)


def _repeated(findings: Findings, chat: str, decided: Sequence[str], arrivals: Sequence[Arrival]) -> None:
    repeats = find_repeats(decided, arrivals)
    unexplained = explain(repeats, findings.history.disturbances)
    findings.duplicates += len(repeats) - len(unexplained)
    for repeat in unexplained:
        late = ", after the next message" if repeat.overtaken else ""
        detail = f"{repeat.text!r} arrived again after {repeat.second - repeat.first:.2f} s{late}"
        findings.add(Fault.DUPLICATE_SEND, chat, detail)


def find_repeats(decided: Sequence[str], arrivals: Sequence[Arrival]) -> list[Repeat]:
    """Each arrival of a text that had arrived before, with the one before it, in order of time."""
    place = {text: index for index, text in enumerate(decided)}
    seen: dict[str, float] = {}
    repeats = []
    furthest = -1
    for arrival in arrivals:
        index = place.get(arrival.text, -1)
        first = seen.get(arrival.text)
        if first is not None:
            overtaken = furthest > index
            repeats.append(
                Repeat(
                    text=arrival.text, first=first, second=arrival.at, overtaken=overtaken,
                    settled=first + IN_FLIGHT_SECONDS,
                )
            )  # fmt: skip
        seen[arrival.text] = arrival.at
        furthest = max(furthest, index)
    return repeats


def explain(repeats: Sequence[Repeat], disturbances: Sequence[Disturbance]) -> list[Repeat]:
    """The repeats (of one conversation, or one call) that no disturbance accounts for; each does for one at most."""
    free = sorted(disturbances, key=lambda disturbance: disturbance.end)
    unexplained = []
    for repeat in sorted(repeats, key=lambda repeat: repeat.second):
        reason = next((disturbance for disturbance in free if _explains(disturbance, repeat)), None)
        if reason is None:
            unexplained.append(repeat)
        else:
            free.remove(reason)
    return unexplained


def _explains(disturbance: Disturbance, repeat: Repeat) -> bool:
    if repeat.overtaken and disturbance.trouble != "pause":
        return False
    in_flight = disturbance.start <= repeat.settled and disturbance.end >= repeat.first - TRANSIT_SECONDS
    return in_flight and repeat.second > disturbance.start
