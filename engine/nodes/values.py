"""Values that a flow writes down: JSON in which each text is a template."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from engine.nodes.tools import Tools

if TYPE_CHECKING:
    from engine.turn import Turn

Value: TypeAlias = "Callable[[Turn], Any]"


def compile_value(value: Any, tools: Tools) -> Value:
    """What gives the value in a turn. Raises TemplateSyntaxError for a text that is no template."""
    if isinstance(value, str):
        # A number stays a number; what is missing is the empty text, as in any other template.
        return tools.placeholder(value, missing="") or tools.template(value)
    if isinstance(value, list):
        items = [compile_value(item, tools) for item in value]
        return lambda turn: [item(turn) for item in items]
    if isinstance(value, dict):
        members = {key: compile_value(member, tools) for key, member in value.items()}
        return lambda turn: {key: member(turn) for key, member in members.items()}
    return lambda turn: value
