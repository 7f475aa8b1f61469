"""Shows the changes between two documents in the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from gateway.cli.output import say
from gateway.flows.diff import Change, Kind
from gateway.redaction import redact_text

_MARKS: Final[Mapping[Kind, tuple[str, str]]] = {
    "added": ("+", "green"),
    "removed": ("-", "red"),
    "changed": ("~", "yellow"),
}


def show_changes(changes: Sequence[Change]) -> None:
    """A line for each change, coloured where there are colours, and how many there are."""
    from rich.console import Console
    from rich.text import Text

    if not changes:
        say("No difference.")
        return
    console = Console(soft_wrap=True)
    for change in changes:
        mark, colour = _MARKS[change.kind]
        # Text, not str: what a flow says must not be read as markup.
        console.print(Text(f"{mark} ", style=colour) + Text(redact_text(str(change))))
    counts = Counter(change.kind for change in changes)
    say(", ".join(f"{counts[kind]} {kind}" for kind in _MARKS if counts[kind]) + ".")
