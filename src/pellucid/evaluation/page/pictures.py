"""Which pictures a report shows, and their small copies: a bounded number, the surest mistakes first."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import DataError
from pellucid.evaluation.page.records import Picture
from pellucid.images import Source
from pellucid.images.threads import in_threads
from pellucid.images.thumbnail import SIDE, thumbnail

WORST = 5
WORST_SIDE = 320
MOST_IN_CELL = 12
MOST_RIGHT_IN_CELL = 6
MOST = 400


def choose(
    labels: NDArray[np.int64], predicted: NDArray[np.int64], confidence: NDArray[np.float64]
) -> list[int]:
    """The places of the pictures to show: the surest mistakes, up to 12 in a cell of the confusion matrix, then the
    least sure right answers, up to 6 in a class; 400 in all."""
    wrong = np.flatnonzero(predicted != labels)
    right = np.flatnonzero(predicted == labels)
    order = [*wrong[np.argsort(-confidence[wrong], kind="stable")].tolist(),
             *right[np.argsort(confidence[right], kind="stable")].tolist()]  # fmt: skip
    seen: Counter[tuple[int, int]] = Counter()
    chosen = []
    for place in order:
        cell = int(labels[place]), int(predicted[place])
        if seen[cell] < (MOST_RIGHT_IN_CELL if cell[0] == cell[1] else MOST_IN_CELL):
            seen[cell] += 1
            chosen.append(place)
        if len(chosen) == MOST:
            break
    return chosen


def read_pictures(
    source: Source, rows: NDArray[np.int64], places: list[int], large: int = WORST
) -> dict[int, Picture]:
    """The pictures at `places` of `rows`, by place; the first `large` in larger copies.

    One that can't be read any more says why instead.
    """
    found: dict[int, Picture] = {}

    def read(i: int) -> None:
        place = places[i]
        row = int(rows[place])
        try:
            image = thumbnail(source.read(row), WORST_SIDE if i < large else SIDE)
            found[place] = Picture(source.path(row), image)
        except DataError as error:
            found[place] = Picture(source.path(row), None, error.what)

    in_threads(len(places), read)
    return {place: found[place] for place in places}  # in their order, whichever thread was first
