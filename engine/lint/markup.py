"""Formatting: markup in a text that is shown as it stands, and marks that nothing closes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from engine.fields import select
from engine.lint.flow import Flow, Remark
from engine.markup import escape, parse
from engine.nodes import KINDS
from engine.nodes.base import SpeakingConfig
from engine.problems import shortened

_PLACEHOLDER: Final = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_MEANT: Final = frozenset({"bold", "strike", "link", "pre"})
"""What nobody writes by chance."""
_OPEN: Final = re.compile(r"\*\*|~~|\]\(https?:|^```", re.MULTILINE)
"""What is left in a text as it is shown when a mark is not closed."""
_PLAIN: Final = frozenset({"title", "subtitle", "alt", "name", "address", "organization"})
"""Texts that are never formatted."""


def remarks(flow: Flow) -> Iterator[Remark]:
    """All of them."""
    default = [value for _, value in select(flow.definition, ("global_settings", "format"))]
    for path, kind, value in flow.texts:
        node = flow.node_at(path)
        if kind != "text" or not node or path[-1] in _PLAIN or not _speaks(flow, node):
            continue
        marked = parse(_PLACEHOLDER.sub(_as_value, value))
        written = flow.config_of(node).get("format") or (default[0] if default else "plain")
        if written != "markdown":
            for span in marked.spans:
                if span.kind in _MEANT:
                    stretch = shortened(marked.text[span.start : span.end])
                    message = f'"{stretch}" is marked as {span.kind}, and the marks are shown as they stand'
                    yield Remark(path, message, 'set "format" to markdown, here or in global_settings')
                    break
        elif (left := _OPEN.search(marked.text)) is not None and "\\" not in value:
            message = f'the mark "{left[0]}" is not closed, and is shown as it stands'
            yield Remark(path, message, "close it, or write \\ before it")


def _speaks(flow: Flow, node: str) -> bool:
    kind = KINDS.get(flow.type_of(node))
    return kind is not None and issubclass(kind.config, SpeakingConfig)


def _as_value(_: re.Match[str]) -> str:
    return escape("x")
