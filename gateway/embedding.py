"""Sentence vectors from the wordllama package's own bundled weights; nothing is downloaded."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.understanding.vectors import Embed


def load_embedder() -> Embed:
    """Load the vectors and return the embed function: n texts to an (n, 256) array of L2-normalised float32 rows.

    The row of a text without a token is zero. Loading takes about 0.4 s and 100 MB, so call it only when a bot
    needs it, and not on the event loop. Raises ModuleNotFoundError when wordllama is not installed and
    FileNotFoundError when its weights are missing.
    """
    # The tokenizer's thread pool does not survive a fork, and the texts are short.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    spec = find_spec("wordllama")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("wordllama is not installed", name="wordllama")
    with _root_logger_untouched():
        from wordllama import WordLlama
    model = WordLlama.load(cache_dir=Path(spec.origin).parent, disable_download=True)

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        pooled: NDArray[np.float32] = model.embed(list(texts), norm=False)
        lengths = np.sqrt(np.einsum("ij,ij->i", pooled, pooled))
        pooled /= np.maximum(lengths, np.float32(1e-9))[:, None]
        return pooled

    return embed


@cache
def shared_embedder() -> Embed:
    """The one of this process, loaded at the first call. Loaded before workers fork, they share its memory."""
    return load_embedder()


@contextmanager
def _root_logger_untouched() -> Iterator[None]:
    """wordllama calls `logging.basicConfig` when imported, which does nothing while the root has a handler."""
    root, placeholder = logging.getLogger(), logging.NullHandler()
    root.addHandler(placeholder)
    try:
        yield
    finally:
        root.removeHandler(placeholder)
