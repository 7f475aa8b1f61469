"""Emoji by Slack's names and back: `:+1::skin-tone-4:` is 👍🏽.

Slack's names are those of emoji-data, which GitHub's (`emoji`'s aliases) share except for flags.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import emoji

MAX_NAMES: Final = 4096
"""Names and emoji remembered."""

_FLAG = re.compile(r"flag-([a-z]{2})", re.ASCII)
_REGIONAL_A: Final = 0x1F1E6
_TONES: Final = "🏻🏼🏽🏾🏿"
"""Slack counts them from 2."""
_VARIATION: Final = "\ufe0f"


@lru_cache(maxsize=MAX_NAMES)
def emoji_of(name: str) -> str:
    """The emoji that Slack calls `name`; a workspace's own one, which has no character, as `:name:`."""
    plain, _, tone = name.partition("::skin-tone-")
    flag = _FLAG.fullmatch(plain)
    if flag is not None:
        return "".join(chr(_REGIONAL_A + ord(letter) - ord("a")) for letter in flag[1])
    found = emoji.emojize(f":{plain}:", language="alias")
    if found == f":{plain}:" or tone not in {"2", "3", "4", "5", "6"}:
        return found
    toned = found.rstrip(_VARIATION) + _TONES[int(tone) - 2]
    return toned if toned in emoji.EMOJI_DATA else found


@lru_cache(maxsize=MAX_NAMES)
def name_of(character: str) -> str:
    """What Slack calls an emoji. A name, bare or as `:name:`, is taken as it is, and so is what is unknown."""
    if len(character) == 2 and all(_REGIONAL_A <= ord(half) < _REGIONAL_A + 26 for half in character):
        return "flag-" + "".join(chr(ord(half) - _REGIONAL_A + ord("a")) for half in character)
    tone = next((number for number, one in enumerate(_TONES, 2) if one in character), 0)
    plain = character.replace(_TONES[tone - 2], "") if tone else character
    known = (
        emoji.EMOJI_DATA.get(plain)
        or emoji.EMOJI_DATA.get(plain + _VARIATION)
        or emoji.EMOJI_DATA.get(plain.rstrip(_VARIATION))
    )
    if known is None:
        return character.strip(":")
    name = (known.get("alias") or [known["en"]])[0].strip(":")
    return f"{name}::skin-tone-{tone}" if tone else name
