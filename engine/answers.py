"""What a typed answer means: numbers, e-mail addresses, phone numbers, yes and no, as people write them.

Each reader takes the text as it came and returns the value to store, or None when the text is no such thing.
They are plain checks of form: whether an address exists, only a message to it can tell.
"""

from __future__ import annotations

import re
import unicodedata

from engine.folding import fold
from engine.variables import MAX_INTEGER

MAX_NUMBER = 40
"""Characters of a number."""
MAX_EMAIL = 254
MAX_LOCAL_PART = 64
"""RFC 5321 section 4.5.3.1."""
MIN_PHONE_DIGITS, MAX_PHONE_DIGITS = 6, 15
"""ITU-T E.164 allows 15; fewer than 6 reach nobody outside the house."""

_PLAIN_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d+)?|\.\d+)", re.ASCII)
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?", re.ASCII)
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_PHONE = re.compile(r"\+?[\d\s().\-/]+", re.ASCII)
_AROUND_EMAIL = " \t<>()[]\"',;:!?"

# fmt: off
_YES = frozenset([
    "yes", "y", "yeah", "yea", "yep", "yup", "sure", "ok", "okay", "of course", "correct", "right", "true", "please",
    "yes please", "si", "sí", "oui", "ja", "sim", "да", "👍",
])
_NO = frozenset([
    "no", "n", "nope", "nah", "not now", "no thanks", "no thank you", "never", "false", "nein", "non", "não", "нет",
    "👎",
])
# fmt: on


def read_number(text: str) -> int | float | None:
    """A number: `12`, `-3.5`, `1,250.00`, `1 250`, `3,5` (a lone comma that groups no thousands is decimal)."""
    text = unicodedata.normalize("NFKC", text[: MAX_NUMBER * 2]).strip().replace("−", "-")
    text = re.sub(r"(?<=\d)[ '’_](?=\d{3})", "", text)
    if len(text) > MAX_NUMBER:
        return None
    if _GROUPED.fullmatch(text):
        text = text.replace(",", "")
    elif _GROUPED.fullmatch(_swapped(text)) and (text.count(".") > 1 or "," in text):
        text = _swapped(text).replace(",", "")
    elif text.count(",") == 1 and "." not in text:
        text = text.replace(",", ".")
    if not _PLAIN_NUMBER.fullmatch(text):
        return None
    number = float(text)
    if not number.is_integer():
        return number
    return int(number) if abs(number) <= MAX_INTEGER else None


def read_integer(text: str) -> int | None:
    """A whole number: `12`, `1,250`, `12.0`."""
    number = read_number(text)
    return number if isinstance(number, int) else None


def read_email(text: str) -> str | None:
    """The one e-mail address in the text: `ana@example.com`, `it is <ana@example.com>.`"""
    found = [word for word in text[: MAX_EMAIL * 4].split() if "@" in word]
    if len(found) != 1:
        return None
    address = found[0].lstrip(_AROUND_EMAIL).rstrip(_AROUND_EMAIL + ".").removeprefix("mailto:")
    local, _, domain = address.rpartition("@")
    labels = domain.split(".")
    if len(address) > MAX_EMAIL or len(local) > MAX_LOCAL_PART or not _LOCAL_PART.fullmatch(local):
        return None
    if local.startswith(".") or local.endswith(".") or ".." in local:
        return None
    if len(labels) < 2 or len(labels[-1]) < 2 or labels[-1].isdigit():
        return None
    try:
        coded = [label.encode("idna").decode() for label in labels]
    except UnicodeError:
        return None
    return address if all(_LABEL.fullmatch(label) for label in coded) else None


def read_phone(text: str) -> str | None:
    """A phone number, as digits with a leading `+` if it was international: `+49 (30) 1234-567` is `+49301234567`."""
    text = unicodedata.normalize("NFKC", text[:200]).strip()
    if not _PHONE.fullmatch(text):
        return None
    digits = re.sub(r"\D", "", text)
    if not MIN_PHONE_DIGITS <= len(digits) <= MAX_PHONE_DIGITS:
        return None
    return f"+{digits}" if text.startswith("+") else digits


def read_yes_no(text: str) -> bool | None:
    """Yes or no, in the words that people use."""
    words = fold(text)
    if words in _YES:
        return True
    return False if words in _NO else None


def _swapped(text: str) -> str:
    """Points and commas exchanged: the other half of the world's way to write a number."""
    return text.translate({ord("."): ",", ord(","): "."})
