"""Judges what a platform saw while it refused many sends: nothing early, nothing out of order, nothing lost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Seen(NamedTuple):
    """A call that arrived at `at`: taken, or refused with the seconds to wait."""

    chat: int
    text: str
    at: float
    wait: float = 0.0


def violations(calls: Sequence[Seen], expected: Mapping[int, Sequence[str]]) -> list[str]:
    """What is wrong with a log of calls, in words; `expected` are each chat's texts in order."""
    by_chat: dict[int, list[Seen]] = defaultdict(list)
    for call in sorted(calls, key=lambda call: call.at):
        by_chat[call.chat].append(call)
    wrong = []
    for chat in sorted(expected.keys() | by_chat.keys()):
        free_at = 0.0
        for call in by_chat[chat]:
            if call.at < free_at:
                wrong.append(f"{chat}: a call came {free_at - call.at:.3f} s before its time")
            free_at = call.at + call.wait
        taken = [call.text for call in by_chat[chat] if not call.wait]
        wanted = list(expected.get(chat, ()))
        if taken == wanted:
            continue
        lost = [text for text in wanted if text not in taken]
        wrong += [f"{chat}: {text!r} is lost" for text in lost]
        if len(taken) > len(set(taken)):
            wrong.append(f"{chat}: something came twice")
        if not lost:
            wrong.append(f"{chat}: out of order")
    return wrong
