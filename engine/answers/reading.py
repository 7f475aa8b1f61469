"""What a reader knows about the customer, and the tidying that every reader starts with."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from functools import lru_cache
from typing import Final

import msgspec


class Reading(msgspec.Struct, frozen=True):
    """How a text is to be read. `Reading(language="de-AT", today=date(2026, 1, 31), region="AT")`"""

    language: str = ""
    """IETF tag such as `pt-BR`; empty when unknown."""
    today: date | None = None
    """The customer's local date; without it, words such as "tomorrow" mean nothing."""
    region: str = ""
    """ISO 3166 country such as `DE`; empty when unknown."""


UNKNOWN: Final = Reading()
MAX_TAG = 35
"""Characters of a language tag: what RFC 5646 section 4.4.1 asks every program to take."""

_VIRAMA: Final = 9
"""The highest combining class of a mark that spells: accents and the vowel points of Arabic and Hebrew lie above."""
_STEERING: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
"""Marks that turn the direction of what follows, and the byte order mark: CLDR writes them into Arabic dates."""
_TAG_PART = re.compile(r"[a-z0-9]{1,8}")
_TERRITORY = re.compile(r"[a-z]{2}|[0-9]{3}")


@lru_cache(maxsize=512)
def subtags(language: str) -> tuple[str, ...]:
    """The subtags of a language tag in lower case, `pt_BR` too; none for what is no tag."""
    if len(language) > MAX_TAG:
        return ()
    parts = tuple(language.lower().replace("_", "-").split("-"))
    return parts if all(_TAG_PART.fullmatch(part) for part in parts) else ()


def base_language(language: str) -> str:
    """`pt` for `pt-BR`."""
    return next(iter(subtags(language)), "")


def territory(reading: Reading) -> str:
    """The country the customer writes like, in capitals: the language tag's own, else the region."""
    own = next((part for part in subtags(reading.language)[1:] if _TERRITORY.fullmatch(part)), "")
    return (own or reading.region).upper()


def tidy(text: str, most: int) -> str:
    """`text` with width, spacing and digits of any script evened out; empty when it is longer than `most`."""
    if len(text) > most * 2:
        return ""
    text = " ".join(unicodedata.normalize("NFKC", text).split())
    if not text.isascii():
        text = _STEERING.sub("", text)
        text = "".join(str(unicodedata.decimal(mark)) if mark.isdecimal() else mark for mark in text)
    return text if len(text) <= most else ""


def unaccented(text: str) -> str:
    """`text` without case, accents and dotless i: "FÉVRIER" and "fevrier", "ŞUBAT" and "subat" are the same.

    Vowel signs of Indian scripts are letters, not accents: without them June would be January in Hindi.
    """
    text = unicodedata.normalize("NFKD", text).casefold().replace("ı", "i")
    if text.isascii():
        return text
    return unicodedata.normalize(
        "NFC", "".join(mark for mark in text if unicodedata.combining(mark) <= _VIRAMA)
    )
