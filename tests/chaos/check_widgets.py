"""The widget's transcript: numbers 1 to n, each once a connection, in order, and the same text everywhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from tests.chaos.findings import Fault, Findings
from tests.chaos.history import Frame, Message


def check_widgets(findings: Findings) -> None:
    """Compare what the widgets were told with what the database holds."""
    told: defaultdict[str, list[Frame]] = defaultdict(list)
    for frame in findings.history.frames:
        told[frame.chat].append(frame)
    for chat in {*(chat for chat in findings.chats if chat.startswith("w")), *told}:
        transcript = {message.seq: message for message in findings.transcript(chat)}
        _complete(findings, chat, transcript, told[chat])
        connections: defaultdict[tuple[int, int], list[Frame]] = defaultdict(list)
        for frame in told[chat]:
            if frame.what == "message":
                connections[(frame.connection, frame.resumes)].append(frame)
        for (_, resumes), frames in connections.items():
            _pushed(findings, chat, transcript, frames[0].since, frames, resumed=resumes > 0)


def _complete(
    findings: Findings, chat: str, transcript: Mapping[int, Message], frames: Sequence[Frame]
) -> None:
    known = {frame.seq for frame in frames}
    missing = sorted(transcript.keys() - known)
    if missing:
        detail = f"the widget was never told {len(missing)} of {len(transcript)}, first number {missing[0]}"
        findings.add(Fault.SEQUENCE_GAP, chat, detail)
    for frame in frames:
        message = transcript.get(frame.seq)
        if message is None or message.text != frame.text:
            held = f"the database holds {message.text!r}" if message else "the database has no such number"
            findings.add(Fault.SEND_WITHOUT_TURN, chat, f"number {frame.seq} is {frame.text!r}; {held}")


def _pushed(
    findings: Findings,
    chat: str,
    transcript: Mapping[int, Message],
    since: int,
    frames: Sequence[Frame],
    *,
    resumed: bool,
) -> None:
    """One connection: the numbers rise, and jump over nothing but the widget's own messages.

    After a resume a number may come twice: it was on its way when the widget asked for it.
    """
    latest = since
    for frame in frames:
        if frame.seq <= latest:
            if not resumed:
                findings.add(Fault.ORDER_BREAK, chat, f"number {frame.seq} was pushed after {latest}")
            continue
        for skipped in range(latest + 1, frame.seq):
            message = transcript.get(skipped)
            if message is not None and message.sender != "customer":
                findings.add(Fault.SEQUENCE_GAP, chat, f"number {frame.seq} was pushed before {skipped}")
        latest = frame.seq
