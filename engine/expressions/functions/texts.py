"""Texts. Null and undefined count as empty everywhere, so that a missing variable is never an error."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any, Final

from engine.expressions.functions.arguments import array, short_text, text
from engine.expressions.functions.function import FunctionTable, described
from engine.expressions.functions.patterns import compiled, matches
from engine.expressions.limits import MAX_ITEMS, MAX_TEXT
from engine.expressions.methods import bounded_items
from engine.expressions.text import WHITESPACE, fold, too_long
from engine.expressions.values import UNDEFINED, join, to_string


def _lower(value: Any) -> str:
    return text(value).lower()


def _upper(value: Any) -> str:
    return text(value).upper()


def trim(value: Any) -> str:
    """Without white space at its ends."""
    return text(value).strip(WHITESPACE)


def capitalize(value: Any) -> str:
    """With a capital first; the rest stays as it is."""
    found = text(value)
    return found[:1].title() + found[1:]


def replace(value: Any, searched: Any, replacement: Any) -> str:
    """Every occurrence replaced, literally; nothing is replaced when `searched` is empty."""
    found, part, other = text(value), text(searched), text(replacement)
    if not part:
        return found
    length = len(found) + found.count(part) * (len(other) - len(part))
    if length > max(MAX_TEXT, len(found)):
        raise too_long()
    return fold(found.replace(part, other))


def split(value: Any, separator: Any) -> list[str]:
    """The parts between the separators; an empty separator gives the characters, an empty text no parts."""
    found, cut = text(value), text(separator)
    if not found:
        return []
    return bounded_items(found.split(cut, MAX_ITEMS) if cut else found)


def joined(items: Any, separator: Any = UNDEFINED) -> str:
    """The elements as one text."""
    return join(array(items), ", " if separator is UNDEFINED else text(separator))


def starts_with(value: Any, start: Any) -> bool:
    """Whether the text begins so."""
    return text(value).startswith(text(start))


def ends_with(value: Any, end: Any) -> bool:
    """Whether the text ends so."""
    return text(value).endswith(text(end))


def similar(first: Any, second: Any) -> float:
    """Sørensen and Dice's coefficient over pairs of neighbouring characters, ends included: 1 for texts that are
    equal but for case and spaces, 0 for texts without a common pair. Linear in their length.
    """
    pairs, others = _pairs(first), _pairs(second)
    total = pairs.total() + others.total()
    return 2 * (pairs & others).total() / total


def _pairs(value: Any) -> Counter[str]:
    padded = f" {' '.join(short_text(value).casefold().split())} "
    return Counter(map("".join, pairwise(padded)))


FUNCTIONS: Final[FunctionTable] = dict(
    (
        described("string(value)", "The value as text; null is 'null'.", to_string),
        described("lower(text)", "The text in small letters.", _lower),
        described("upper(text)", "The text in capital letters.", _upper),
        described("trim(text)", "The text without white space at its ends.", trim),
        described("capitalize(text)", "The text with a capital first, the rest as it is.", capitalize),
        described(
            "replace(text, searched, replacement)", "The text with every occurrence replaced.", replace
        ),
        described(
            "split(text, separator)", "The parts of the text between the separators, as a list.", split
        ),
        described(
            "join(list, separator?)", "The elements as one text, with ', ' between them by default.", joined
        ),
        described("starts_with(text, start)", "Whether the text begins with start.", starts_with),
        described("ends_with(text, end)", "Whether the text ends with end.", ends_with),
        described(
            "matches(text, pattern)",
            "Whether the regular expression (RE2's) matches anywhere in the text; ^ and $ are its ends.",
            matches,
            {1: compiled},
        ),
        described(
            "similar(first, second)",
            "How alike two texts are, from 0 to 1, whatever their case: the share of common letter pairs.",
            similar,
        ),
        described("String(value)", "JavaScript's name for string.", to_string),
    )
)
