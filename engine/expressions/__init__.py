"""Conditions and computed values: the documents' JavaScript-like expressions.

    condition = compile_expression("hour >= 9 && hour <= 17")
    condition({"hour": 12})         # True
    condition.names                 # frozenset({"hour"})

Values are plain Python data (see `engine.expressions.values`), the semantics are JavaScript's: coercions,
`undefined` for what is missing, texts measured in UTF-16 units. There is no way to Python: names and
properties are keys of mappings, calls go to a fixed table of functions and a whitelist of methods. Where
it differs from JavaScript: a missing name is undefined instead of an error, functions are not values,
objects have no prototype, and everything is bounded (`engine.expressions.limits`).

Functions are pure, so there is no `now()`: the present is the name `current_time`. `reference()` lists them.
"""

from __future__ import annotations

from engine.expressions.errors import ExpressionError, ExpressionSyntaxError
from engine.expressions.expression import Expression, compile_expression
from engine.expressions.functions import DEFAULT_FUNCTIONS, Function, FunctionTable, reference
from engine.expressions.values import UNDEFINED, Undefined

__all__ = [
    "DEFAULT_FUNCTIONS",
    "UNDEFINED",
    "Expression",
    "ExpressionError",
    "ExpressionSyntaxError",
    "Function",
    "FunctionTable",
    "Undefined",
    "compile_expression",
    "reference",
]
