"""One number that makes probabilities honest: logits are divided by a temperature before the softmax.

Guo, Pleiss, Sun and Weinberger 2017, "On calibration of modern neural networks". It changes no answer, only how
sure the answer is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

COLDEST, HOTTEST = 0.2, 5.0
FEWEST = 100  # pictures; fewer say too little about how sure to be


def fit_temperature(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """The temperature, from 0.2 to 5, that gives these logits [n, classes] the least log loss; 1 below 100 pictures.

    The loss is convex in 1/T: its slope, mean(expected logit - true class's logit), rises with 1/T, so bisection
    finds where it is 0. The result is a float32 number: it is what the model file multiplies by.
    """
    if len(labels) < FEWEST:
        return 1.0
    true = logits[np.arange(len(labels)), labels]
    low, high = 1 / HOTTEST, 1 / COLDEST
    for _ in range(60):
        middle = (low + high) / 2
        expected = (softmax(middle * logits) * logits).sum(axis=1)
        low, high = (middle, high) if (expected - true).mean() <= 0 else (low, middle)
        if np.float32(1 / low) == np.float32(1 / high):
            break
    return float(np.float32(1 / low))


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities of each row."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


def without_temperature(probabilities: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """The probabilities that the same logits give undivided.

    softmax(z) is what softmax(temperature * log p) gives, p being softmax(z / temperature): log p is z / temperature
    but for a constant in each row.
    """
    with np.errstate(divide="ignore"):  # a probability of 0 stays 0
        return softmax(temperature * np.log(probabilities))
