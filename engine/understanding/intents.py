"""Few-shot intent classification: which of a bot's intents an utterance means, and how sure that is.

Each intent gets a score, a weighted sum of six features of the utterance against its examples, and "none of
these" gets one of its own; the confidences are the softmax over all of them. So a confidence is a
probability: of the utterances that get 0.7, about 70 % are right, out-of-scope ones counted as wrong.
`docs/decisions/0005-intent-confidence.md` has the figures.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.understanding.vectors import Embed, Floats, letters, unit, vectorise
from engine.understanding.words import Analysis, analyse

__all__ = ["LEXICAL", "SEMANTIC", "Calibration", "Embed", "IntentClassifier", "IntentMatch"]

RIDGE = 0.1  # of the discriminant; on the tuning data 0.05 to 0.3 make no difference


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """Weights of the features, in the order of `IntentClassifier.features`, and the score of "none of these".

    The latter is `none + none_per_log_intents * ln(number of intents)`.
    """

    weights: tuple[float, float, float, float, float, float]
    none: float
    none_per_log_intents: float


# Fitted by maximum likelihood (tests/benchmarks/tune_intents.py) on few-shot tasks drawn from
# NLU-Evaluation-Data, cross-validation fold 1 (Liu, Eshghi, Swietojanski, Rieser, 2019; CC BY 4.0).
SEMANTIC = Calibration(weights=(1.92, 2.07, 3.07, 4.07, 0.91, -0.84), none=0.78, none_per_log_intents=0.85)
LEXICAL = Calibration(weights=(2.49, 1.68, 1.79, 5.43, 1.33, -0.96), none=0.59, none_per_log_intents=0.72)


class IntentMatch(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The likeliest intent and the next. `{"name": "billing_question", "confidence": 0.95, "runner_up": …}`

    Confidences are probabilities. `name` is empty only when the utterance is; `runner_up` is also
    empty when there is no second intent, or when the utterance is an example word for word.
    """

    name: str
    confidence: float
    runner_up: str = ""
    runner_up_confidence: float = 0.0


class IntentClassifier:
    """Scores an utterance against the examples of each intent. Immutable; a text always has the same answer."""

    __slots__ = (
        "_counts",
        "_embed",
        "_exact",
        "_matrix",
        "_names",
        "_none",
        "_starts",
        "_term_rows",
        "_terms",
        "_weights",
    )

    def __init__(
        self,
        *,
        groups: Mapping[str, Sequence[Analysis]],
        exact: Mapping[str, str],
        embed: Embed,
        calibration: Calibration,
    ) -> None:
        """`groups` has, for each intent, its name taken as an example and then its examples. See `build`."""
        self._names = tuple(groups)
        self._exact = exact
        self._embed = embed
        self._weights = np.array(calibration.weights)
        self._none = calibration.none + calibration.none_per_log_intents * math.log(len(groups))
        sizes = [len(group) for group in groups.values()]
        self._starts = np.cumsum([0, *sizes[:-1]])
        self._counts = np.log(np.maximum(np.array(sizes) - 1, 1))
        vectors = vectorise([example for group in groups.values() for example in group], embed)
        self._matrix = np.vstack((vectors, _centroids(vectors, sizes), _discriminants(vectors, sizes)))
        self._term_rows, self._terms = _term_table(list(groups.values()))

    @classmethod
    def build(cls, intents: Mapping[str, Sequence[str]], embed: Embed | None) -> IntentClassifier:
        """Prepare `intents`, name to examples. Without `embed` it works by words and letters.

        Raises ValueError when there is no intent.
        """
        if not intents:
            raise ValueError("at least one intent is needed")
        groups = {
            name: [analyse(name.replace("_", " ")), *(a for a in map(analyse, examples) if a.key)]
            for name, examples in intents.items()
        }
        calibration = SEMANTIC
        if embed is None:
            texts = [text for group in groups.values() for a in group for text in (a.text, a.topic)]
            embed, calibration = letters(texts), LEXICAL
        return cls(groups=groups, exact=_exact_table(intents), embed=embed, calibration=calibration)

    def classify(self, text: str) -> IntentMatch:
        """The likeliest intent of `text`, of which the first 500 code points count, and the one after it.

        An utterance that is an example word for word, and of one intent only, has confidence 1.
        """
        utterance = analyse(text)
        known = self._exact.get(utterance.key)
        if known is not None:
            return IntentMatch(name=known, confidence=1.0)
        if not utterance.key:
            return IntentMatch(name="", confidence=0.0)
        confidences = self._confidences(self.features(utterance))
        best = int(confidences.argmax())
        confidence = float(confidences[best])
        confidences[best] = -1.0
        second = int(confidences.argmax())
        if second == best:
            return IntentMatch(name=self._names[best], confidence=confidence)
        return IntentMatch(
            name=self._names[best],
            confidence=confidence,
            runner_up=self._names[second],
            runner_up_confidence=float(confidences[second]),
        )

    def features(self, utterance: Analysis) -> NDArray[np.float64]:
        """An array of six rows and one column per intent, in the order in which they were given.

        0 cosine to the nearest example; 1 to the name; 2 to the centroid of the examples; 3 the least-squares
        discriminant (1 on its own examples, 0 on the others'); 4 root of the weight of the topic-bearing
        terms that the utterance shares with the intent, each divided by the number of intents that have it;
        5 log of the number of examples.
        """
        intents = len(self._names)
        products = self._matrix @ vectorise((utterance,), self._embed)[0]
        cosines = products[: -2 * intents]
        features = np.empty((6, intents))
        features[0] = np.maximum.reduceat(cosines, self._starts)
        features[1] = cosines[self._starts]
        features[2:4] = products[-2 * intents :].reshape(2, intents)
        features[4] = self._shared_terms(utterance)
        features[5] = self._counts
        return features

    def _shared_terms(self, utterance: Analysis) -> NDArray[np.float64] | float:
        known = [
            (row, w) for term, w in utterance.terms.items() if (row := self._term_rows.get(term)) is not None
        ]
        if not known:
            return 0.0
        rows, weights = zip(*known, strict=True)
        shared: NDArray[np.float64] = np.sqrt(np.array(weights) @ self._terms[list(rows)])
        return shared

    def _confidences(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """One per intent: the softmax over the intents and "none of these", without the latter."""
        scores = self._weights @ features
        top = max(float(scores.max()), self._none)
        odds = np.exp(scores - top)
        confidences: NDArray[np.float64] = odds / (odds.sum() + math.exp(self._none - top))
        return confidences


def _exact_table(intents: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Example, or else name, to its intent; one that two intents share is in doubt and left out."""
    table: dict[str, str] = {}
    for texts in ({name: [name.replace("_", " ")] for name in intents}, intents):
        keys = {name: {analyse(text).key for text in examples} for name, examples in texts.items()}
        owners = Counter(key for group in keys.values() for key in group)
        table |= {key: name for name, group in keys.items() for key in group if key and owners[key] == 1}
    return table


def _centroids(vectors: Floats, sizes: Sequence[int]) -> Floats:
    """One unit row per intent: the mean of its examples, or its name when it has none."""
    groups = np.split(vectors, np.cumsum(sizes)[:-1])
    return unit(np.stack([(group[1:] if len(group) > 1 else group).mean(axis=0) for group in groups]))


def _discriminants(vectors: Floats, sizes: Sequence[int]) -> Floats:
    """Ridge regression of "belongs to this intent" on the vectors: one row per intent."""
    belongs = np.repeat(np.eye(len(sizes), dtype=np.float32), sizes, axis=0)
    gram = vectors @ vectors.T + RIDGE * np.eye(len(vectors), dtype=np.float32)
    rows: Floats = (vectors.T @ np.linalg.solve(gram, belongs)).T
    return rows


def _term_table(groups: Sequence[Sequence[Analysis]]) -> tuple[dict[str, int], NDArray[np.float64]]:
    """Term to row, and the rows: for each intent that has the term, one over the number of those intents."""
    vocabularies = [{term for example in group for term in example.terms} for group in groups]
    rows = {term: n for n, term in enumerate(dict.fromkeys(t for v in vocabularies for t in sorted(v)))}
    table = np.zeros((max(len(rows), 1), len(groups)))
    for intent, vocabulary in enumerate(vocabularies):
        table[[rows[term] for term in vocabulary], intent] = 1.0
    return rows, table / np.maximum(table.sum(axis=1, keepdims=True), 1.0)
