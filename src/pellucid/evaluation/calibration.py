"""Whether a model is as often right as it says: the reliability curve, in the bins of the calibration error."""

from dataclasses import dataclass

import numpy as np

from pellucid.evaluation import metrics


@dataclass(frozen=True)
class Bin:
    """The answers whose probability lies above `low` and up to `high`.

    `confidence` is the mean of what they said, `accuracy` the share that was right, `interval` its 95% Wilson interval;
    None in an empty bin.
    """

    low: float
    high: float
    count: int
    confidence: float | None
    accuracy: float | None
    interval: tuple[float, float] | None


def reliability(
    labels: metrics.Labels, probabilities: metrics.Probabilities, bins: int = metrics.BINS
) -> tuple[Bin, ...]:
    """The bins in ascending order. Σ count / n × |accuracy - confidence| over them is the calibration error."""
    top = metrics.confidences(probabilities)
    place = metrics.confidence_bins(top, bins)
    counts = np.bincount(place, minlength=bins).tolist()
    right = np.bincount(place, weights=metrics.predictions(probabilities) == labels, minlength=bins).tolist()
    said = np.bincount(place, weights=top, minlength=bins).tolist()
    edges = np.linspace(0, 1, bins + 1).tolist()
    return tuple(_bin(edges[i], edges[i + 1], counts[i], int(right[i]), said[i]) for i in range(bins))


def merged(bins: tuple[Bin, ...]) -> Bin:
    """Neighbouring bins as one."""
    count = sum(part.count for part in bins)
    right = sum(round(part.count * part.accuracy) for part in bins if part.accuracy is not None)
    said = sum(part.count * part.confidence for part in bins if part.confidence is not None)
    return _bin(bins[0].low, bins[-1].high, count, right, said)


def _bin(low: float, high: float, count: int, right: int, said: float) -> Bin:
    if not count:
        return Bin(low, high, 0, None, None, None)
    return Bin(low, high, count, said / count, right / count, metrics.wilson_interval(right, count))
