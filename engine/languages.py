"""The languages that a flow speaks: which of them a customer means, and what a text is in each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from engine.events import AlbumReceived, MediaReceived, TextReceived

if TYPE_CHECKING:
    from engine.turn import Turn

Detect: TypeAlias = Callable[[str, Sequence[str]], tuple[str, float]]
"""Tells the language of a text among tags: (tag, probability from 0 to 1). Pure."""

MIN_DETECTED_LETTERS: Final = 20
"""A shorter text says too little of its language; the platform's own word for it is more reliable."""
MIN_PROBABILITY: Final = 0.7
MAX_TAG: Final = 35
"""Characters of a language tag that are looked at."""
CONTEXT: Final = "|"
"""Between a node's id and a text, in a translation that is meant for that node only."""


class Languages:
    """A flow's languages and translations. Immutable."""

    __slots__ = ("_by_tag", "_translations", "default", "supported")

    def __init__(
        self,
        default: str,
        supported: Iterable[str],
        translations: Mapping[str, Mapping[str, str | Sequence[str]]],
    ) -> None:
        self.default = default
        self._by_tag: dict[str, str] = {}
        for tag in (default, *supported):
            self._by_tag.setdefault(tag.lower(), tag)
        self.supported = tuple(self._by_tag.values())
        self._translations = {
            self._by_tag[tag.lower()]: texts
            for tag, texts in translations.items()
            if tag.lower() in self._by_tag
        }

    @property
    def several(self) -> bool:
        """Whether there is more than one."""
        return len(self.supported) > 1

    def resolve(self, tag: str) -> str:
        """The supported language that `tag` means: the same, or its nearest base (`pt-BR` is `pt`); empty for none."""
        tag = tag[:MAX_TAG].lower().replace("_", "-")
        shorter = tag
        while shorter:
            if found := self._by_tag.get(shorter):
                return found
            shorter = shorter.rpartition("-")[0]
        return self._regional(tag)

    def translated(self, text: str, node: str = "") -> dict[str, str]:
        """`text` in the languages that it is translated to."""
        found = {}
        for tag in self._translations:
            translation = self.words(tag, text, node)
            if translation:
                found[tag] = translation[0]
        return found

    def words(self, tag: str, text: str, node: str = "") -> tuple[str, ...]:
        """What `text` is in that language, best first; nothing when it is not translated (yet: an empty text)."""
        texts = self._translations.get(tag, {})
        found = texts.get(f"{node}{CONTEXT}{text}") if node else None
        found = found or texts.get(text, ())
        return tuple(word for word in ((found,) if isinstance(found, str) else found) if word)

    def _regional(self, tag: str) -> str:
        """`pt` is `pt-BR` when that is the only Portuguese there is."""
        base = tag.partition("-")[0]
        return next((known for lower, known in self._by_tag.items() if lower.startswith(f"{base}-")), "")


def detect_language(turn: Turn) -> None:
    """A long enough text tells the conversation's language, when nothing has told it yet; a button's title doesn't."""
    bot = turn.bot
    if not isinstance(turn.event, TextReceived | MediaReceived | AlbumReceived):
        return
    letters = sum(map(str.isalpha, turn.text[:200]))
    if bot.detect is None or letters < MIN_DETECTED_LETTERS:
        return
    tag, probability = bot.detect(turn.text, bot.languages.supported)
    language = bot.languages.resolve(tag) if probability >= MIN_PROBABILITY else ""
    if language:
        turn.speak(language, "detected")
