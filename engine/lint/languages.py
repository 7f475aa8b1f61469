"""Languages: texts that are not translated, and translations that are of no use, empty, or miss a value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from engine.fields import TRANSLATED, MarkKind
from engine.languages import CONTEXT
from engine.lint.flow import Flow, Remark
from engine.problems import Path, shortened

_SHOWN: Final = 3
"""Missing texts that a remark names."""
_PLACEHOLDER: Final = re.compile(r"\{\{[^{}]*\}\}")


def remarks(flow: Flow) -> Iterator[Remark]:
    """All of them: of missing translations one for each language."""
    translations = flow.definition.get("translations")
    texts = {
        str(tag): words
        for tag, words in (translations.items() if isinstance(translations, dict) else ())
        if isinstance(words, dict)
    }
    sources: dict[str, set[str]] = {}
    """Each text that can be translated, with the nodes that have it."""
    kinds: dict[str, MarkKind] = {}
    for path, kind, value in flow.texts:
        if kind in TRANSLATED:
            sources.setdefault(value, set()).add(flow.node_at(path))
            if kinds.get(value) in (None, "keyword"):
                kinds[value] = kind
    by_tag = {tag.lower(): words for tag, words in texts.items()}
    for tag in flow.languages.supported[1:]:
        yield from _missing(flow, tag, by_tag.get(tag.lower(), {}))
    for tag, words in texts.items():
        for source, translation in words.items():
            yield from _of_one(flow, ("translations", tag, source), translation, sources, kinds)


def _missing(flow: Flow, tag: str, words: Mapping[str, Any]) -> Iterator[Remark]:
    missing: dict[str, Path] = {}
    for path, kind, value in flow.texts:
        if kind not in TRANSLATED or kind == "keyword" or value in words or not _has_words(value):
            continue
        if f"{flow.node_at(path)}{CONTEXT}{value}" not in words:
            missing.setdefault(value, path)
    if missing:
        shown = ", ".join(f'"{shortened(value)}"' for value in list(missing)[:_SHOWN])
        more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        told = "1 text has" if len(missing) == 1 else f"{len(missing)} texts have"
        message = f'{told} no translation to "{tag}": {shown}{more}'
        mend = f'add {"it" if len(missing) == 1 else "them"} to "translations", under "{tag}"'
        yield Remark(next(iter(missing.values())), message, mend)


def _of_one(
    flow: Flow,
    path: Path,
    translation: Any,
    sources: Mapping[str, set[str]],
    kinds: Mapping[str, MarkKind],
) -> Iterator[Remark]:
    source = str(path[-1])
    node, bar, rest = source.partition(CONTEXT)
    if source not in sources:
        if not (bar and node in sources.get(rest, ())):
            otherwise = "remove it, or write the text exactly as it stands in the flow"
            yield Remark(
                path, "no text of the flow is translated by this", flow.suggest(source, sources, otherwise)
            )
            return
        source = rest
    words = translation if isinstance(translation, list) else [translation]
    if not any(isinstance(word, str) and word.strip() for word in words):
        yield Remark(path, f'the translation of "{shortened(source)}" is empty', "write it, or remove this")
    elif len(words) > 1 and kinds[source] != "keyword":
        message = f'of the translations of "{shortened(source)}" only the first is used'
        yield Remark(path, message, "keep one; only keywords have several")
    elif kinds[source] == "text" and isinstance(translation, str):
        lost = sorted(flow.names_in(source) - flow.names_in(translation))
        if lost and flow.names_in(translation) != flow.names_in(source):
            message = f"the translation leaves out {{{{{lost[0]}}}}}"
            yield Remark(path, message, "write it where the value belongs")


def _has_words(value: str) -> bool:
    """Whether there is anything to translate besides values."""
    return any(map(str.isalpha, _PLACEHOLDER.sub("", value)))
