"""A model measured on pictures, through its file alone: each picture goes in raw."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import DataError, PellucidError
from pellucid.evaluation.abstention import Answers
from pellucid.evaluation.report import Evaluation, evaluate_probabilities
from pellucid.images import Source, picture_digest
from pellucid.model import ModelFile, Prediction
from pellucid.storage import shown

if TYPE_CHECKING:
    from pellucid.model import ForeignModel


@dataclass(frozen=True, eq=False)
class Measured:
    """The figures, and the (path, reason) of pictures that couldn't be read and are not in them.

    The answers behind the figures, one for each picture that was read: its `rows` in the source, int64 [count], its
    `labels`, int64 [count], and `probabilities`, float32 [count, classes], both in the model's order of classes.
    """

    evaluation: Evaluation
    left_out: tuple[tuple[str, str], ...]
    rows: NDArray[np.int64]
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float32]


def measure(
    model: ModelFile | ForeignModel,
    source: Source,
    rows: NDArray[np.int64],
    digests: NDArray[np.uint8] | None = None,
    validation: Answers | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Measured:
    """Evaluate the model on these rows of the source. The source's classes must all be the model's.

    `digests` uint8 [len(rows), 16]: what the pictures' pixels must still be; one that isn't is left out and listed.
    `validation`: the model's answers to its validation pictures, to choose thresholds on.
    Raises DataError where a class is unknown to the model, or no picture could be read.
    """
    places = _class_places(model, source)
    answers: list[NDArray[np.float32]] = []
    labels: list[int] = []
    used: list[int] = []
    left_out: list[tuple[str, str]] = []
    for done, (row, answer) in enumerate(
        zip(rows, model.predict_each(_pictures(source, rows, digests)), strict=True)
    ):
        if isinstance(answer, Prediction):
            answers.append(answer.probabilities)
            labels.append(places[source.labels[row]])
            used.append(int(row))
        else:
            left_out.append((source.path(int(row)), answer.what))
        if progress:
            progress(done + 1, len(rows))
    if not answers:
        raise DataError(
            "No picture could be read", where=source.where, received=f"{len(rows):,} pictures",
            remedy="give pictures that open in a picture viewer",
        )  # fmt: skip
    probabilities = np.stack(answers)
    temperature = model.card.temperature if isinstance(model, ModelFile) else None
    evaluation = evaluate_probabilities(labels, probabilities, model.classes, temperature, validation)
    return Measured(
        evaluation, tuple(left_out), np.array(used, np.int64), np.array(labels, np.int64), probabilities
    )


def _class_places(model: ModelFile | ForeignModel, source: Source) -> list[int]:
    names = [shown(name) for name in source.classes]
    unknown = [name for name in names if name not in model.classes]
    if unknown:
        raise DataError(
            "These pictures have classes that the model doesn't know",
            where=source.where,
            received=", ".join(unknown[:10]),
            remedy=f"the model's classes are {', '.join(model.classes[:20])}",
        )
    return [model.classes.index(name) for name in names]


def _pictures(source: Source, rows: NDArray[np.int64], digests: NDArray[np.uint8] | None) -> Iterator[Any]:
    """The pictures in order; one that can't be used comes as its error, and the rest go on."""
    for place, row in enumerate(rows):
        try:
            pixels = source.read(int(row))
            if digests is not None and picture_digest(pixels) != digests[place].tobytes():
                raise DataError(
                    "The picture has changed since the model was trained", where=source.path(int(row))
                )
            yield pixels
        except PellucidError as error:
            yield error
