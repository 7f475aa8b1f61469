"""Utterances as unit vectors: by meaning when there is an embedding, else by letters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.understanding.words import Analysis

Floats: TypeAlias = NDArray[np.float32]
Embed: TypeAlias = Callable[[Sequence[str]], Floats]
"""n texts to an (n, d) array with L2-normalised rows; the row of a text without a token is zero."""

WORD_WEIGHT = 1.5  # of a whole word, where a letter trigram weighs 1


def vectorise(utterances: Sequence[Analysis], embed: Embed) -> Floats:
    """An (n, 2 d) array of unit rows: one half for the text as it stands, the other for its topic.

    The first tells apart what the second does not ("buy" and "sell"); the second brings together what the first
    holds apart ("I was charged", "payment problem"), and keeps "tell me a joke" from "tell me about products".
    """
    halves = embed([text for utterance in utterances for text in (utterance.text, utterance.topic)])
    return halves.reshape(len(utterances), -1) * np.float32(0.5**0.5)


def letters(texts: Sequence[str]) -> Embed:
    """An embedding without meaning: the words and letter trigrams that occur in `texts`; others only lengthen."""
    columns = {
        key: n for n, key in enumerate(dict.fromkeys(key for text in texts for key, _ in _parts(text)))
    }

    def embed(texts: Sequence[str]) -> Floats:
        vectors = np.zeros((len(texts), len(columns)), np.float32)
        for row, text in zip(vectors, texts, strict=True):
            square = 0.0
            for key, weight in _parts(text):
                square += weight * weight
                column = columns.get(key)
                if column is not None:
                    row[column] = weight
            row /= max(square, 1e-9) ** 0.5
        return vectors

    return embed


def unit(vectors: Floats) -> Floats:
    """Rows divided by their length; a zero row stays zero."""
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    scaled: Floats = vectors / np.maximum(lengths, 1e-9)[:, None]
    return scaled


def _parts(text: str) -> Iterator[tuple[str, float]]:
    words = dict.fromkeys(text.split())
    for word in words:
        yield f" {word} ", WORD_WEIGHT
    padded = f" {text} "
    for trigram in dict.fromkeys(padded[n : n + 3] for n in range(len(padded) - 2)):
        yield trigram, 1.0
