"""Fit and judge the intent classifier's constants: `python -m tests.benchmarks.tune_intents hwu64_fold1.json`.

The data is a JSON object with `train` and `test`, each a list of [text, intent]; an intent's name starts with
its scenario ("alarm_set"). A few-shot task is a bot as its builder would write it: 2 to 15 intents with 2 to 10
examples each from `train`, half of the tasks with at most one intent of a scenario. It is asked 36 utterances,
of which 30 % belong to none of its intents (half of these to a scenario that it does not know). All is seeded.

Cross-validation: four times, the intents are parted at random into 40 to fit on (utterances of `train`) and 24
to judge on (utterances of `test`), so that neither an intent nor an utterance is seen twice. The constants
printed last are fitted on the `train` utterances of all intents.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.understanding.intents import Calibration, Embed, IntentClassifier
from engine.understanding.words import analyse
from gateway.embedding import load_embedder

Array: TypeAlias = NDArray[np.float64]
Utterances: TypeAlias = Mapping[str, Sequence[str]]

TASKS = 250
QUESTIONS = 36
OUT_OF_SCOPE = 0.3
MOST_INTENTS = 15
NEWTON_STEPS = 40


class Task(msgspec.Struct, frozen=True):
    """A bot's intents with their examples, and questions with the intent they mean, None for none of them."""

    intents: dict[str, list[str]]
    questions: list[tuple[str, str | None]]


class Sample(msgspec.Struct, frozen=True):
    """Questions, padded to MOST_INTENTS: a design row per choice, "none" last; `answer` is the right one."""

    design: Array
    exists: NDArray[np.bool_]
    answer: NDArray[np.intp]
    nearest: Array


def scenario(intent: str) -> str:
    return intent.partition("_")[0]


def by_intent(pairs: Sequence[tuple[str, str]]) -> Utterances:
    result = defaultdict(list)
    for text, intent in pairs:
        result[intent].append(text)
    return result


def draw_tasks(pool: Sequence[str], examples: Utterances, asked: Utterances, seed: int) -> Iterator[Task]:
    """TASKS seeded tasks over the intents of `pool`."""
    rng = random.Random(seed)
    for number in range(TASKS):
        shuffled = rng.sample(pool, len(pool))
        if number % 2:
            shuffled = list({scenario(intent): intent for intent in shuffled}.values())
        chosen = shuffled[: rng.randint(2, MOST_INTENTS)]
        intents = {intent: rng.sample(examples[intent], rng.randint(2, 10)) for intent in chosen}
        known = {scenario(intent) for intent in chosen}
        others = [intent for intent in pool if intent not in intents]
        far = [intent for intent in others if scenario(intent) not in known] or others
        taught = {text for texts in intents.values() for text in texts}
        yield Task(intents, [q for q in _questions(rng, chosen, others, far, asked) if q[0] not in taught])


def _questions(
    rng: random.Random, chosen: Sequence[str], others: Sequence[str], far: Sequence[str], asked: Utterances
) -> Iterator[tuple[str, str | None]]:
    for _ in range(QUESTIONS):
        if rng.random() < OUT_OF_SCOPE:
            yield rng.choice(asked[rng.choice(far if rng.random() < 0.5 else others)]), None
        else:
            intent = rng.choice(chosen)
            yield rng.choice(asked[intent]), intent


def measure(tasks: Iterator[Task], embed: Embed | None) -> Sample:
    """Ask every question of every task and keep the features."""
    rows, exists, answers, nearest = [], [], [], []
    for task in tasks:
        classifier = IntentClassifier.build(task.intents, embed)
        names = list(task.intents)
        raw = _raw_cosines(task, embed)
        for number, (text, intent) in enumerate(task.questions):
            features = classifier.features(analyse(text))
            row = np.zeros((MOST_INTENTS + 1, len(features) + 2))
            row[: len(names), : len(features)] = features.T
            row[-1, -2:] = 1.0, np.log(len(names))
            rows.append(row)
            exists.append([n < len(names) or n == MOST_INTENTS for n in range(MOST_INTENTS + 1)])
            answers.append(names.index(intent) if intent is not None else MOST_INTENTS)
            nearest.append(np.pad(raw[number], (0, MOST_INTENTS - len(names)), constant_values=-1.0))
    return Sample(np.array(rows), np.array(exists), np.array(answers), np.array(nearest))


def _raw_cosines(task: Task, embed: Embed | None) -> Array:
    """The baseline: cosine of the text as it stands to the nearest example of each intent."""
    if embed is None:
        return np.zeros((len(task.questions), len(task.intents)))
    asked = embed([text.lower() for text, _ in task.questions])
    return np.stack(
        [
            (asked @ embed([text.lower() for text in examples]).T).max(axis=1)
            for examples in task.intents.values()
        ],
        axis=1,
    ).astype(np.float64)


def probabilities(weights: Array, sample: Sample) -> Array:
    scores = np.where(sample.exists, sample.design @ weights, -np.inf)
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    result: Array = odds / odds.sum(axis=1, keepdims=True)
    return result


def fit(sample: Sample, penalty: float = 1e-3) -> Array:
    """Maximum likelihood of the conditional logit by Newton's method; the objective is concave."""
    everyone, size = np.arange(len(sample.answer)), sample.design.shape[2]
    weights = np.zeros(size)
    for _ in range(NEWTON_STEPS):
        chances = probabilities(weights, sample)
        means = np.einsum("nk,nkf->nf", chances, sample.design)
        gradient = (sample.design[everyone, sample.answer] - means).mean(axis=0) - penalty * weights
        spread = np.einsum("nk,nkf,nkg->fg", chances, sample.design, sample.design, optimize=True)
        hessian = (spread - means.T @ means) / len(everyone) + penalty * np.eye(size)
        step = np.linalg.solve(hessian, gradient)
        weights = weights + step
        if np.abs(step).max() < 1e-7:
            break
    return weights


def judge(scores: Array, answer: NDArray[np.intp], threshold: float) -> dict[str, float]:
    """Figures of "say the best intent if its score reaches the threshold, else none". `scores` has no "none"."""
    best, confidence = scores.argmax(axis=1), scores.max(axis=1)
    inside = answer < MOST_INTENTS
    right, said = best == answer, confidence >= threshold
    near = np.abs(confidence - 0.7) < 0.05
    return {
        "top-1 in scope": right[inside].mean(),
        "accuracy": ((said & right) | (~said & ~inside)).mean(),
        "precision": right[said].mean(),
        "recall": (said & right).sum() / inside.sum(),
        "out-of-scope rejected": (~said)[~inside].mean(),
        "calibration error": _calibration_error(confidence, right),
        "right where 0.65-0.75": right[near].mean() if near.any() else np.nan,
    }


def _calibration_error(confidence: Array, right: NDArray[np.bool_]) -> float:
    """Expected calibration error over ten bins of equal width."""
    bins = np.minimum((np.maximum(confidence, 0.0) * 10).astype(int), 9)
    gaps = np.abs(np.bincount(bins, confidence - right, 10))
    return float(gaps.sum() / len(right))


def best_threshold(scores: Array, answer: NDArray[np.intp]) -> float:
    return float(max(np.arange(0.1, 0.95, 0.01), key=lambda t: judge(scores, answer, t)["accuracy"]))


def precise_threshold(scores: Array, answer: NDArray[np.intp], precision: float) -> float:
    """The lowest threshold with at least that precision."""
    return float(
        next(t for t in np.arange(0.1, 1.0, 0.01) if judge(scores, answer, t)["precision"] >= precision)
    )


def cross_validate(train: Utterances, test: Utterances, embed: Embed | None, splits: int = 4) -> None:
    """Print the mean figures over the splits: ours at 0.7, ours at the best threshold, raw cosine at its best."""
    figures: dict[str, list[dict[str, float]]] = defaultdict(list)
    likelihood = []
    for split in range(splits):
        intents = random.Random(split).sample(sorted(train), len(train))
        ours = measure(draw_tasks(intents[:40], train, train, seed=10 + split), embed)
        theirs = measure(draw_tasks(intents[40:], train, test, seed=20 + split), embed)
        weights = fit(ours)
        own, other = (probabilities(weights, sample) for sample in (ours, theirs))
        likelihood.append(np.log(other[np.arange(len(other)), theirs.answer]).mean())
        figures["calibrated, 0.7"].append(judge(other[:, :-1], theirs.answer, 0.7))
        threshold = best_threshold(own[:, :-1], ours.answer)
        figures["calibrated, best threshold"].append(judge(other[:, :-1], theirs.answer, threshold))
        if embed is not None:
            threshold = best_threshold(ours.nearest, ours.answer)
            figures["raw cosine, best threshold"].append(judge(theirs.nearest, theirs.answer, threshold))
            figures["raw cosine, 0.7"].append(judge(theirs.nearest, theirs.answer, 0.7))
            same = judge(own[:, :-1], ours.answer, 0.7)["precision"]
            threshold = precise_threshold(ours.nearest, ours.answer, same)
            figures["raw cosine, as precise as 0.7"].append(judge(theirs.nearest, theirs.answer, threshold))
    print(f"  mean log-likelihood {np.mean(likelihood):.4f}")
    for name, runs in figures.items():
        print(
            f"  {name}: " + ", ".join(f"{key} {np.mean([run[key] for run in runs]):.3f}" for key in runs[0])
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path)
    data = json.loads(parser.parse_args().data.read_text(encoding="utf-8"))
    train, test = by_intent(data["train"]), by_intent(data["test"])
    for name, embed in (("SEMANTIC", load_embedder()), ("LEXICAL", None)):
        print(name)
        cross_validate(train, test, embed)
        weights = fit(measure(draw_tasks(sorted(train), train, train, seed=1), embed)).round(2).tolist()
        constants = Calibration(
            weights=tuple(weights[:-2]), none=weights[-2], none_per_log_intents=weights[-1]
        )
        print(f"  {constants}")


if __name__ == "__main__":
    main()
