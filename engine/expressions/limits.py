"""The bounds of the expression language.

There are no loops and no calls back into an expression, so every node is evaluated at most once:
`MAX_NODES` bounds the steps of an evaluation as well as the size of the tree.
"""

from __future__ import annotations

from typing import Final

MAX_SOURCE: Final = 2_000
"""Code points of an expression's source."""
MAX_DEPTH: Final = 64
"""Height of the tree, brackets included."""
MAX_NODES: Final = 1_000
"""Nodes of the tree, and so steps of one evaluation."""
MAX_TEXT: Final = 10_000
"""Code points of a text that an evaluation builds (not of one that it is given)."""
MAX_ITEMS: Final = 5_000
"""Elements of an array that an evaluation builds."""
MAX_DATA_DEPTH: Final = 64
"""Nesting of given data that a conversion to text follows."""
MAX_SAFE_INTEGER: Final = 2**53 - 1
"""Up to here every integer is a double of its own (ECMAScript `Number.MAX_SAFE_INTEGER`)."""
