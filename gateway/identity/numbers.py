"""Phone numbers that a platform vouches for, in one form, so that two of them can be compared."""

from __future__ import annotations

import re
from typing import Final

_WRITTEN: Final = re.compile(r"[\d +().\-/]{1,40}", re.ASCII)
_MEXICAN_MOBILE: Final = re.compile(r"\+521(\d{10})\Z", re.ASCII)
"""WhatsApp's ids keep the 1 that Mexico gave up in 2019 after its country code."""


def verified_number(text: str) -> str | None:
    """E.164 of an international number, with or without its `+`: `49 301 234567` → `+49301234567`. None for none."""
    import phonenumbers  # takes a tenth of a second, and most processes of commands never need it

    if not _WRITTEN.fullmatch(text):
        return None
    digits = "".join(filter(str.isdecimal, text))
    try:
        number = phonenumbers.parse(_MEXICAN_MOBILE.sub(r"+52\1", f"+{digits}"), None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def verified_address(text: str) -> str | None:
    """An e-mail address as it is compared; None for what is none."""
    text = text.strip()
    name, at, host = text.rpartition("@")
    return text if at and name and host and len(text) <= 254 and not re.search(r"\s", text) else None
