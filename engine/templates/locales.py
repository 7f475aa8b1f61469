"""Where a text is read: the locale and the time zone of localized filters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import tzinfo
from functools import lru_cache
from typing import Any, Final

from babel.core import Locale, UnknownLocaleError

from engine.environment import UTC, zone
from engine.templates.errors import ArgumentError

ENGLISH: Final = Locale("en")

MAX_TAG: Final = 64
"""Characters of a language tag that is looked at."""
MAX_ZONE: Final = 64
"""Characters of a time zone's name that is looked at."""
_TAG: Final = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8})*")
_ZONES_WITHOUT_A_SLASH: Final = frozenset({"UTC", "GMT"})


class Place:
    """The locale and time zone that a filter was given, with those of the environment for what it was not."""

    __slots__ = ("_locale", "_zone")

    def __init__(self, locale: Locale | None = None, zone: tzinfo | None = None) -> None:
        self._locale = locale
        self._zone = zone

    def locale(self, env: Mapping[str, Any]) -> Locale:
        """The filter's locale, else that of `env["language"]`, else English."""
        return self._locale or find_locale(env.get("language")) or ENGLISH

    def zone(self, env: Mapping[str, Any]) -> tzinfo:
        """The filter's time zone, else that of `env["timezone"]`, else UTC."""
        return self._zone or find_zone(env.get("timezone")) or UTC


def find_locale(tag: Any) -> Locale | None:
    """The locale of an IETF tag, or of as much of its beginning as is known; None when nothing is."""
    if not isinstance(tag, str) or len(tag) > MAX_TAG or not _TAG.fullmatch(tag):
        return None
    return _parsed(str(tag))


def find_zone(name: Any) -> tzinfo | None:
    """The time zone of an IANA name; None when there is none."""
    return zone(name) if isinstance(name, str) and len(name) <= MAX_ZONE else None


@lru_cache(maxsize=256)
def _parsed(tag: str) -> Locale | None:
    subtags = tag.replace("_", "-").split("-")
    for end in range(len(subtags), 0, -1):
        try:
            return Locale.parse("-".join(subtags[:end]), sep="-")
        except (ValueError, UnknownLocaleError):
            continue
    return None


def place_in(locale: object) -> Place:
    """The place of a filter that was given `locale`, None when it was not. Raises `ArgumentError`."""
    return Place() if locale is None else Place(_named_locale(locale))


def place_of(named: Iterable[object]) -> Place:
    """The place of a filter that was given locales and time zones; a zone is UTC, GMT or has a slash.

    Raises `ArgumentError`.
    """
    locale: Locale | None = None
    zone: tzinfo | None = None
    for name in named:
        if isinstance(name, str) and ("/" in name or name in _ZONES_WITHOUT_A_SLASH):
            zone = _named_zone(name)
        else:
            locale = _named_locale(name)
    return Place(locale, zone)


def _named_locale(tag: object) -> Locale:
    locale = find_locale(tag)
    if locale is None:
        raise ArgumentError('name a language such as "de" or "pt-BR"; a time zone is one as "Europe/Berlin"')
    return locale


def _named_zone(name: str) -> tzinfo:
    found = find_zone(name)
    if found is None:
        raise ArgumentError('there is no such time zone: name one such as "Europe/Berlin"')
    return found
