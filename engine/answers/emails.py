"""E-mail addresses: of the right form by RFC 5321 and 6532; whether one exists, only a message to it can tell."""

from __future__ import annotations

import re
import unicodedata

from engine.answers.reading import UNKNOWN, Reading

MAX_EMAIL = 254
"""Characters of an address, RFC 5321 section 4.5.3.1.3."""
MAX_LOCAL_PART = 64
"""Characters before the @, RFC 5321 section 4.5.3.1.1."""

_BETWEEN = re.compile(r'[\s<>()\[\]",;:]+')
_BEFORE = "'`‘’“”«»!?"
_AFTER = _BEFORE + ".。、"
_WRITTEN_ON = re.compile(r"^.*[\u0e00-\u0eff\u3000-\u30ff\u3400-\u9fff]")
"""What runs into the address in scripts that put no spaces between words."""


def read_email(text: str, reading: Reading = UNKNOWN) -> str | None:
    """The one address in the text, its domain in small letters: `it is <Ana@Example.com>.` is `Ana@example.com`."""
    text = unicodedata.normalize("NFKC", text[: MAX_EMAIL * 4])
    found = [word for word in _BETWEEN.split(text) if "@" in word]
    if len(found) != 1 or found[0].count("@") != 1:
        return None
    local, _, domain = found[0].lstrip(_BEFORE).rstrip(_AFTER).partition("@")
    return _normalised(f"{_WRITTEN_ON.sub('', local)}@{domain.partition('。')[0]}")


def _normalised(address: str) -> str | None:
    from email_validator import EmailNotValidError, validate_email

    local, _, domain = address.partition("@")
    if len(address) > MAX_EMAIL or len(local) > MAX_LOCAL_PART or len(domain.rpartition(".")[2]) < 2:
        return None
    try:
        return validate_email(address, check_deliverability=False, allow_smtputf8=False).normalized
    except (EmailNotValidError, UnicodeError):
        return None
