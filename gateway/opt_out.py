"""The words with which customers opt out on a channel, whatever the bot's flow says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine.folding import fold


def opt_out_words(settings: Mapping[str, Any]) -> frozenset[str]:
    """Those of a channel's configuration (`compliance.opt_out_keywords`), folded as the engine compares them."""
    compliance = settings.get("compliance")
    words = compliance.get("opt_out_keywords") if isinstance(compliance, Mapping) else None
    return folded_words(words if isinstance(words, list | tuple) else ())


def folded_words(words: Iterable[Any]) -> frozenset[str]:
    """Words as the engine compares them."""
    return frozenset(fold(word) for word in words if isinstance(word, str) and word.strip())
