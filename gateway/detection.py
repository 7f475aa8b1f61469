"""The language of a text, by the model in the py3langid package; nothing is downloaded."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from engine.languages import Detect

MAX_TEXT = 500
"""Code points of a text that are looked at."""


@cache
def shared_detector() -> Detect:
    """The one of this process, loaded at the first call (about 0.2 s), so call it not on the event loop.

    It tells the most likely of all the languages that the model knows: a text in one that the flow does not speak
    must not be taken for the nearest that it does.
    """
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # type: ignore[import-untyped]

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)

    def detect(text: str, tags: Sequence[str]) -> tuple[str, float]:
        tag, probability = identifier.classify(text[:MAX_TEXT])
        return str(tag), float(probability)

    return detect
