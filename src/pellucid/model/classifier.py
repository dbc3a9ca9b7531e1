"""Whatever answers for pictures with probabilities: one picture, several, a stream that goes on after bad ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import DataError, PellucidError
from pellucid.images.reading import read_picture

BATCH_BYTES = 64 << 20  # of raw pixels handed to one run
MOST_IN_BATCH = 256


@dataclass(frozen=True)
class Prediction:
    """One picture's answer: the likeliest class, and every class's probability in the model's order of classes."""

    label: str
    probability: float
    classes: tuple[str, ...]
    probabilities: NDArray[np.float32]

    def top(self, count: int = 5) -> list[tuple[str, float]]:
        """The likeliest classes with their probabilities, likeliest first; equals in the order of the classes."""
        order = np.argsort(-self.probabilities, kind="stable")[:count]
        return [(self.classes[i], float(self.probabilities[i])) for i in order]


class Classifier:
    """Answers from probabilities; what computes them comes with `ModelFile` and `ForeignModel`."""

    where: str

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names, in the order of the probabilities."""
        raise NotImplementedError

    def probabilities(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Probabilities [N, classes] of raw pixels, uint8 [N, height, width, 1 or 3], of any height and width."""
        raise NotImplementedError

    def predict(self, pictures: object) -> Prediction | list[Prediction]:
        """The answer for one picture, or a list of answers for several.

        A picture is a path, an array [height, width] or [height, width, 1 or 3] (uint8), or anything that NumPy
        makes into one (a Pillow image). Several are a list of pictures, or an array [N, height, width, 1 or 3].
        Raises DataError for one that can't be read; `predict_each` goes on after such a one.
        """
        if isinstance(pictures, list | tuple) or (isinstance(pictures, np.ndarray) and pictures.ndim == 4):
            return self.predict_batch(pictures)
        return self._answers([as_pixels(pictures)])[0]

    def predict_batch(self, pictures: Iterable[object]) -> list[Prediction]:
        """The answers for several pictures, in order. Raises the first error."""
        answers = []
        for answer in self.predict_each(pictures):
            if isinstance(answer, PellucidError):
                raise answer
            answers.append(answer)
        return answers

    def predict_each(self, pictures: Iterable[object]) -> Iterator[Prediction | PellucidError]:
        """An answer or an error for each picture, in order; neighbours of one size are run together.

        A picture may also be the error that reading it gave: it comes out in its place.
        """
        batch: list[NDArray[np.uint8]] = []
        for picture in pictures:
            try:
                pixels = as_pixels(picture)
            except PellucidError as error:
                yield from self._answers(batch)
                batch = []
                yield error
                continue
            full = len(batch) * pixels.nbytes >= BATCH_BYTES or len(batch) >= MOST_IN_BATCH
            if batch and (full or batch[0].shape != pixels.shape):
                yield from self._answers(batch)
                batch = []
            batch.append(pixels)
        yield from self._answers(batch)

    def _answers(self, batch: Sequence[NDArray[np.uint8]]) -> list[Prediction]:
        if not batch:
            return []
        rows = self.probabilities(np.stack(batch))
        best = rows.argmax(axis=1)
        return [
            Prediction(self.classes[i], float(row[i]), self.classes, row)
            for i, row in zip(best, rows, strict=True)
        ]


def as_pixels(picture: object) -> NDArray[np.uint8]:
    """A picture as uint8 [height, width, channels]: read from a path, or checked where it is an array already."""
    if isinstance(picture, PellucidError):
        raise picture
    if isinstance(picture, str | Path):
        return read_picture(Path(picture))
    array = np.asarray(picture)
    if array.ndim == 2:
        array = array[:, :, None]
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] not in (1, 3) or 0 in array.shape:
        raise DataError(
            "a picture must be uint8 [height, width] or [height, width, 1 or 3]",
            received=f"{array.dtype} {list(array.shape)}",
            remedy="scale to 0..255 and convert: (x * 255).round().astype('uint8')",
        )
    return array


def check_pixels(pixels: NDArray[np.uint8]) -> None:
    """DataError unless these are pictures that a model takes."""
    if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[3] not in (1, 3) or 0 in pixels.shape[1:]:
        raise DataError(
            "pixels must be uint8 [N, height, width, 1 or 3]",
            received=f"{pixels.dtype} {list(pixels.shape)}",
        )
