"""The functions that an expression may call by name: a table fixed when the expression is compiled.

All of them are pure: the same arguments give the same value, in every process. So there is no `now()` and no
`random()`: the present is the name `current_time`, and `bucket` splits customers for good.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from engine.expressions.functions import data, lists, numbers, texts, times
from engine.expressions.functions.function import MOST_ARGUMENTS, Function, FunctionTable

__all__ = ["DEFAULT_FUNCTIONS", "MOST_ARGUMENTS", "SUBJECTS", "Function", "FunctionTable", "reference"]

SUBJECTS: Final[Mapping[str, FunctionTable]] = MappingProxyType(
    {
        "times": times.FUNCTIONS,
        "texts": texts.FUNCTIONS,
        "numbers": numbers.FUNCTIONS,
        "lists": lists.FUNCTIONS,
        "data": data.FUNCTIONS,
    }
)
"""The functions of each subject, in the order of the reference."""

DEFAULT_FUNCTIONS: Final[FunctionTable] = {
    name: function for table in SUBJECTS.values() for name, function in table.items()
}
"""What `compile_expression` offers unless it is given another table."""


def reference() -> list[tuple[str, str, str]]:
    """Subject, signature and summary of every function, for documentation."""
    return [
        (subject, function.signature, function.summary)
        for subject, table in SUBJECTS.items()
        for function in table.values()
    ]
