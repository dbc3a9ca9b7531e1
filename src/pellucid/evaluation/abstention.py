"""What a model gains by leaving its unsure answers open, as `predict --threshold` does.

A threshold is chosen on validation pictures only; what it comes to is measured on others.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.evaluation import metrics

THRESHOLDS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999)
WANTED = (0.95, 0.99, 0.999)
_STEP = 10_000  # chosen thresholds have four decimals, so that one can be typed and gives the same figures


@dataclass(frozen=True, eq=False)
class Answers:
    """How sure each answer was, `confidence` float64 [n], and whether it was `right`, bool [n]."""

    confidence: NDArray[np.float64]
    right: NDArray[np.bool_]


@dataclass(frozen=True)
class Abstention:
    """Answering only from the probability `threshold` on.

    `answered` pictures, a `share` of all; of these the `accuracy` and its 95% Wilson `interval`, None where nothing
    is answered.
    """

    threshold: float
    answered: int
    share: float
    accuracy: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class Choice:
    """The threshold that reached the `wanted` accuracy on `validation`, and what it comes to on those `measured`.

    All three are None where no threshold reached it.
    """

    wanted: float
    threshold: float | None
    validation: Abstention | None
    measured: Abstention | None


def answers_of(labels: metrics.Labels, probabilities: metrics.Probabilities) -> Answers:
    """The most probable class of each row, as an answer."""
    return Answers(metrics.confidences(probabilities), metrics.predictions(probabilities) == labels)


def abstention(answers: Answers, thresholds: Sequence[float] = THRESHOLDS) -> tuple[Abstention, ...]:
    """One row for each threshold, in their order. There is at least one answer."""
    rows = []
    for threshold in thresholds:
        given = answers.confidence >= threshold
        answered, right = int(given.sum()), int((given & answers.right).sum())
        rows.append(
            Abstention(
                threshold=threshold,
                answered=answered,
                share=answered / len(given),
                accuracy=right / answered if answered else None,
                interval=metrics.wilson_interval(right, answered) if answered else None,
            )
        )
    return tuple(rows)


def choose_threshold(validation: Answers, wanted: float) -> float | None:
    """The lowest threshold, to four decimals, from which on at least the `wanted` share is right; None without one.

    Only 0 and what lies next above a confidence change what is answered, so only they are tried.
    """
    order = np.argsort(-validation.confidence, kind="stable")
    falling, right = validation.confidence[order], np.cumsum(validation.right[order])
    below = np.floor(falling * _STEP)  # perhaps one too low, by rounding: so two above it are tried
    candidates = np.unique(np.concatenate([[0], below + 1, below + 2]))
    candidates = candidates[candidates <= _STEP] / _STEP
    answered = np.searchsorted(-falling, -candidates, side="right")  # how many are at least so sure
    some = answered > 0
    share = right[answered[some] - 1] / answered[some]
    enough = candidates[some][share >= wanted]
    return float(enough[0]) if len(enough) else None


def choices(validation: Answers, measured: Answers, wanted: Sequence[float] = WANTED) -> tuple[Choice, ...]:
    """For each wanted accuracy the threshold that reached it on validation, and its effect on both sets."""
    found = []
    for share in wanted:
        threshold = choose_threshold(validation, share)
        if threshold is None:
            found.append(Choice(share, None, None, None))
        else:
            (there,), (here,) = abstention(validation, [threshold]), abstention(measured, [threshold])
            found.append(Choice(share, threshold, there, here))
    return tuple(found)


def curve(answers: Answers, low: float = 0.0, most: int = 200) -> list[tuple[float, float]]:
    """(share answered, accuracy of those) as the threshold falls, from the share `low` to all.

    One point for each confidence that occurs, or about `most` of them, the last among them.
    """
    order = np.argsort(-answers.confidence, kind="stable")
    falling, right = answers.confidence[order], np.cumsum(answers.right[order])
    ends = np.flatnonzero(np.diff(falling, append=-1))
    ends = ends[ends + 1 >= low * len(falling)]
    if len(ends) > most:
        ends = ends[np.unique(np.linspace(0, len(ends) - 1, most).round().astype(int))]
    return [(float((end + 1) / len(falling)), float(right[end] / (end + 1))) for end in ends]
