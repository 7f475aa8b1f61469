"""The widget's own words in other languages: the built `texts.json`, from which each visitor gets one language.

The script itself carries English, so that it works, and stays small, whatever this tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import msgspec

from widget import DIST

MAX_TAG: Final = 64
"""Characters of a language's tag."""
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
_SCRIPTS: Final = {"zh-tw": "zh-hant", "zh-hk": "zh-hant", "zh-mo": "zh-hant"}
"""Regions that write in another script than their language's usual one."""


class Texts:
    """The languages that there are, read once."""

    def __init__(self, path: Path = DIST / "texts.json") -> None:
        self._languages: dict[str, dict[str, str]] = msgspec.json.decode(path.read_bytes())

    def of(self, language: str) -> Mapping[str, Any]:
        """`{"language": "pt-pt", "words": {…}}` for the nearest language to an IETF tag; nothing for English.

        A tag is shortened until there is such a language (RFC 4647, section 3.4).
        """
        tag = language[:MAX_TAG].lower().replace("_", "-")
        tag = _SCRIPTS.get("-".join(tag.split("-")[:2]), tag)
        while tag:  # each round is shorter
            if (texts := self._languages.get(tag)) is not None:
                return {"language": tag, "words": texts}
            tag = tag.rpartition("-")[0]
        return _NOTHING
