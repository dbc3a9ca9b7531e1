"""What a report is made of, as plain values: a run fills them in, or `evaluate` for a model without its run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.evaluation.report import Evaluation
from pellucid.images.thumbnail import Thumbnail


@dataclass(frozen=True)
class Picture:
    """A picture in the page: its path, and its small copy, or None and why it can't be shown."""

    path: str
    image: Thumbnail | None
    reason: str = ""


@dataclass(frozen=True)
class Epoch:
    """One epoch's figures; the training ones are as seen while training."""

    number: int
    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float


@dataclass(frozen=True, eq=False)
class DataRecord:
    """The pictures of a run. `counts` int64 [classes, 3]: of each class in train, validation and test.

    `dropped`: how many pictures were left out because they stand in another part, too. `notes`: sentences.
    """

    where: str
    counts: NDArray[np.int64]
    dropped: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Report:
    """Everything on a report's page.

    `name` of the pictures; `measured_on`, which these are, in words; `evaluation` with its answers, each int64 or
    float64 [count]: the true class, the `predicted` one, and its probability, `confidence`. `pictures`: some of
    them, by their place. `excluded`: (path, reason) of what was found and isn't used. `epochs` and `data` are empty
    where the run isn't known. `facts`: (title, name-value pairs) of the folded tables at the end.
    """

    name: str
    measured_on: str
    evaluation: Evaluation
    labels: NDArray[np.int64]
    predicted: NDArray[np.int64]
    confidence: NDArray[np.float64]
    pictures: dict[int, Picture]
    model: str
    created: str
    excluded: tuple[tuple[str, str], ...] = ()
    best_epoch: int | None = None
    epochs: tuple[Epoch, ...] = ()
    data: DataRecord | None = None
    facts: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
