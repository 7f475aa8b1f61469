"""Phone numbers: E.164 where the country is known, else the digits as they were written."""

from __future__ import annotations

import re

from engine.answers.reading import UNKNOWN, Reading, tidy

MIN_PHONE_DIGITS, MAX_PHONE_DIGITS = 6, 15
"""ITU-T E.164 allows 15; fewer than 6 reach nobody outside the house."""
MAX_PHONE = 60
"""Characters of a number with its punctuation."""

_PHONE = re.compile(r"\+?[\d\s().\-/]+", re.ASCII)
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—−"), "-")


def read_phone(text: str, reading: Reading = UNKNOWN) -> str | None:
    """A phone number with its country, `+49 (0)30 1234-567` or `030 1234567` in DE, as `+49301234567`.

    A number whose country nobody can tell is kept as its digits: `0301234567`.
    """
    text = tidy(text, MAX_PHONE).translate(_DASHES)
    text = text.removeprefix("tel:").strip()
    if not _PHONE.fullmatch(text):
        return None
    digits = re.sub(r"\D", "", text)
    if not MIN_PHONE_DIGITS <= len(digits) <= MAX_PHONE_DIGITS:
        return None
    international = text.startswith("+")
    if international or reading.region:
        number = _e164(text, reading.region.upper())
        if number is not None:
            return number
    return f"+{digits}" if international else digits


def _e164(text: str, region: str) -> str | None:
    """The number as E.164, or None when it is none that this region dials."""
    import phonenumbers

    try:
        number = phonenumbers.parse(text, region or None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
