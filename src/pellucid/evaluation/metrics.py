"""Metrics as pure functions, in three steps kept apart: validate, format, compute.

`labels_array` and `probabilities_array` validate what comes from outside and bring it into one form: labels
int64 [n], probabilities float64 [n, classes]. The functions below them only compute, and trust that form.
A figure that is 0/0 (the recall of a class without pictures) is None, never a made-up 0: tables show "-".
"""

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pellucid.errors import DataError, SettingsError

Labels = NDArray[np.int64]
Probabilities = NDArray[np.float64]
Confusion = NDArray[np.int64]

# How far a row of float32 probabilities may be from summing to 1 (1,000 classes in float16 reach about 5e-4).
SUM_TOLERANCE = 1e-3
BINS = 15  # of the calibration error and the reliability curve, as in Guo et al.


@dataclass(frozen=True)
class ClassFigures:
    """One class: the share of those called so that are (precision), and of those that are, found (recall).

    `support` is the number of pictures of the class. A figure whose divisor is 0 is None.
    """

    precision: float | None
    recall: float | None
    f1: float | None
    support: int


@dataclass(frozen=True)
class Mistake:
    """One wrong answer: the picture's place among those evaluated, both classes as places, both probabilities."""

    picture: int
    label: int
    prediction: int
    probability: float
    label_probability: float


@dataclass(frozen=True)
class Averages:
    """Precision, recall and F1 averaged over classes; None where no class has the figure."""

    precision: float | None
    recall: float | None
    f1: float | None


# --- validate and format ---------------------------------------------------------------------------------


def labels_array(labels: ArrayLike, classes: int) -> Labels:
    """`labels` as int64 [n]. Raises DataError unless they are whole numbers from 0 to classes - 1."""
    array = _array(labels, "labels")
    if array.ndim != 1:
        raise DataError("labels need one axis, one number a picture", received=f"shape {list(array.shape)}")
    if array.size == 0:
        return np.zeros(0, np.int64)
    if array.dtype.kind not in "iu":
        raise DataError("labels need whole numbers, one class index a picture", received=str(array.dtype))
    wrong = np.flatnonzero((array < 0) | (array >= classes))
    if wrong.size:
        first = int(wrong[0])
        raise DataError(
            f"a label is no class: there are {classes} classes, numbered 0 to {classes - 1}",
            where=f"label of picture {first} (from 0)",
            received=str(array[first]),
        )
    return array.astype(np.int64)


def probabilities_array(probabilities: ArrayLike) -> Probabilities:
    """`probabilities` as float64 [n, classes]. Raises DataError unless each row is a distribution.

    Finite, from 0 to 1, summing to 1 within 1e-3.
    """
    array = _array(probabilities, "probabilities")
    if array.ndim != 2 or array.shape[1] == 0:
        raise DataError(
            "probabilities need two axes, [pictures, classes]", received=f"shape {list(array.shape)}"
        )
    if array.dtype.kind not in "iuf":
        raise DataError("probabilities need real numbers", received=str(array.dtype))
    array = array.astype(np.float64)
    with np.errstate(invalid="ignore"):  # infinities of both signs: refused below
        sums = array.sum(axis=1)
    outside = ~((array >= 0) & (array <= 1 + SUM_TOLERANCE)).all(axis=1)  # NaN is outside, too
    off = ~(np.abs(sums - 1) <= SUM_TOLERANCE)
    wrong = np.flatnonzero(outside | off)
    if wrong.size:
        first = int(wrong[0])
        row = array[first]
        raise DataError(
            f"{wrong.size:,} of {len(array):,} rows are no probabilities, from 0 to 1 with a sum of 1",
            where=f"row {first} (from 0)",
            received=f"sum {sums[first]:.6g}, smallest {row.min():.6g}, largest {row.max():.6g}",
            remedy="give the network's output after softmax" if np.isfinite(row).all() else "",
        )
    return array


def check_same_length(labels: Labels, probabilities: Probabilities) -> None:
    """Raises DataError unless there is one label for each row of probabilities."""
    if len(labels) != len(probabilities):
        raise DataError(
            "labels and probabilities are of different pictures",
            received=f"{len(labels):,} labels, {len(probabilities):,} rows of probabilities",
        )


def _array(values: ArrayLike, name: str) -> NDArray[Any]:
    try:
        return np.asarray(values)
    except ValueError:  # rows of different lengths
        raise DataError(f"{name} are no array: their rows differ in length") from None


# --- compute ---------------------------------------------------------------------------------------------


def predictions(probabilities: Probabilities) -> Labels:
    """The most probable class of each row, int64 [n]; of equal ones the first."""
    return probabilities.argmax(axis=1).astype(np.int64)


def confidences(probabilities: Probabilities) -> NDArray[np.float64]:
    """The probability of each row's most probable class, float64 [n], at most 1: float32 rows may end at 1 + 1e-7."""
    return np.minimum(probabilities.max(axis=1, initial=0), 1)


def confidence_bins(top: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """In which of `bins` equal widths of (0, 1] each confidence lies, a bin including its upper edge; int64 [n]."""
    return np.digitize(top, np.linspace(0, 1, bins + 1), right=True) - 1


def confusion_matrix(labels: Labels, predicted: Labels, classes: int) -> Confusion:
    """How often class i (row) was called class j (column), int64 [classes, classes]."""
    cells = np.bincount(labels * classes + predicted, minlength=classes * classes)
    return cells.reshape(classes, classes).astype(np.int64)


def accuracy(confusion: Confusion) -> float | None:
    """The share of right answers, 0 to 1; None without pictures."""
    return _ratio(int(np.trace(confusion)), int(confusion.sum()))


def wilson_interval(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Where the true share lies, given `successes` of `n`: (low, high), each 0 to 1.

    Wilson's score interval (E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical
    Inference", 1927), without continuity correction:
    (p + z²/2n ± z √(p(1 - p)/n + z²/4n²)) / (1 + z²/n), z the normal quantile of `confidence`.
    With n = 0 nothing is known: (0, 1). Raises SettingsError for a confidence that isn't between 0 and 1,
    DataError unless 0 <= successes <= n.
    """
    if not 0 < confidence < 1:
        raise SettingsError("a confidence lies between 0 and 1", received=str(confidence), remedy="0.95")
    if not 0 <= successes <= n:
        raise DataError("successes lie between 0 and n", received=f"{successes} of {n}")
    if n == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = successes / n
    scale = 1 + z * z / n
    centre = (share + z * z / (2 * n)) / scale
    half = z / scale * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
    # At the ends the formula gives exactly 0 and 1; rounding would not.
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == n else min(1.0, centre + half)
    return low, high


def per_class(confusion: Confusion) -> tuple[ClassFigures, ...]:
    """Precision, recall, F1 and support of each class, in class order.

    With t right answers, c pictures called so and s that are: precision t/c, recall t/s, F1 2t/(c + s). So a
    class never called has no precision, one without pictures no recall; F1 is None only when both are 0.
    """
    figures = []
    for right, called, support in zip(
        np.diag(confusion).tolist(),
        confusion.sum(axis=0).tolist(),
        confusion.sum(axis=1).tolist(),
        strict=True,
    ):
        figures.append(
            ClassFigures(
                precision=_ratio(right, called),
                recall=_ratio(right, support),
                f1=_ratio(2 * right, called + support),
                support=support,
            )
        )
    return tuple(figures)


def macro_average(figures: tuple[ClassFigures, ...]) -> Averages:
    """Each class counts the same; classes without the figure are left out of its average."""
    return _average(figures, [1] * len(figures))


def weighted_average(figures: tuple[ClassFigures, ...]) -> Averages:
    """Each class counts by its support; classes without the figure are left out of its average."""
    return _average(figures, [figure.support for figure in figures])


def top_k_accuracy(labels: Labels, probabilities: Probabilities, k: int) -> float | None:
    """The share of pictures whose class is among the `k` likeliest, equals in class order; None without pictures."""
    true = probabilities[np.arange(len(labels)), labels][:, None]
    earlier = np.arange(probabilities.shape[1]) < labels[:, None]
    ahead = ((probabilities > true) | ((probabilities == true) & earlier)).sum(axis=1)
    return _ratio(int((ahead < k).sum()), len(labels))


def worst_mistakes(
    labels: Labels, probabilities: Probabilities, most: int | None = None
) -> tuple[Mistake, ...]:
    """The wrong answers, or the first `most` of them: surest first, then by how little was left for the truth."""
    predicted = predictions(probabilities)
    wrong = np.flatnonzero(predicted != labels)
    top, true = probabilities[wrong, predicted[wrong]], probabilities[wrong, labels[wrong]]
    order = np.lexsort((wrong, true, -top))[:most]
    return tuple(
        Mistake(int(wrong[i]), int(labels[wrong[i]]), int(predicted[wrong[i]]), float(top[i]), float(true[i]))
        for i in order
    )


def calibration_error(labels: Labels, probabilities: Probabilities, bins: int = BINS) -> float | None:
    """The expected calibration error, 0 (a 90% is right 9 times in 10) to 1; None without pictures.

    Pictures are sorted by the probability of their top class into `bins` equal widths of (0, 1], a bin
    including its upper edge; Σ share of the pictures × |share right - mean probability| over the bins.
    Source: C. Guo et al., "On Calibration of Modern Neural Networks", 2017, equations 2 and 3.
    """
    n = len(labels)
    if n == 0:
        return None
    top = confidences(probabilities)
    right = predictions(probabilities) == labels
    place = confidence_bins(top, bins)
    counted_right = np.bincount(place, weights=right, minlength=bins)
    promised = np.bincount(place, weights=top, minlength=bins)
    return float(np.abs(counted_right - promised).sum() / n)


def log_loss(labels: Labels, probabilities: Probabilities) -> float | None:
    """The mean of -ln(probability of the true class), in nats; None without pictures.

    A probability of 0 counts as float64's epsilon (2.2e-16), a loss of 36, so that the mean is finite.
    """
    if len(labels) == 0:
        return None
    true = probabilities[np.arange(len(labels)), labels]
    epsilon = np.finfo(np.float64).eps
    return float(-np.log(np.clip(true, epsilon, 1)).mean())


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _average(figures: tuple[ClassFigures, ...], weights: list[int]) -> Averages:
    def mean(values: list[float | None]) -> float | None:
        known = [(value, weight) for value, weight in zip(values, weights, strict=True) if value is not None]
        total = sum(weight for _, weight in known)
        return sum(value * weight for value, weight in known) / total if total else None

    return Averages(
        precision=mean([figure.precision for figure in figures]),
        recall=mean([figure.recall for figure in figures]),
        f1=mean([figure.f1 for figure in figures]),
    )
