"""What a model's own training kept aside, found again from its card and its run folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import DataError, PellucidError
from pellucid.evaluation import Answers
from pellucid.evaluation.predictions import PREDICTIONS_FILE, read_predictions
from pellucid.images import Source, SplitTable, open_source, read_split
from pellucid.images.corrections import corrected
from pellucid.images.reading import MAX_PIXELS
from pellucid.model import ModelFile
from pellucid.training.folder import SPLIT_FILE
from pellucid.training.settings import ARRAYS, SETTINGS_FILE, make_settings, read_settings

_OTHER = "give labelled pictures: pellucid evaluate MODEL DATA"


@dataclass(frozen=True, eq=False)
class TestPart:
    """`rows` of `source` that were never trained on nor chosen by, and the digests that their pixels had then. `note`
    says how many labels of `source` were corrected."""

    source: Source
    rows: NDArray[np.int64]
    digests: NDArray[np.uint8]
    note: str = ""


def own_test_part(model: ModelFile, max_pixels: int | None = None) -> TestPart:
    """Find the model's test part. Its pictures may have `max_pixels`, as many as its training allowed unless given.

    Raises DataError where the model doesn't say what it was trained on, the split.csv beside it is gone, or the
    pictures are no longer there. Whether a picture is still the same one shows when it is read.
    """
    source, table = own_pictures(model, max_pixels)
    rows = np.flatnonzero(table.parts == "test")
    if not len(rows):
        raise DataError(
            "This run kept no test part", where=str(Path(model.where).parent / SPLIT_FILE), remedy=_OTHER
        )
    assert model.card.data
    labelled = corrected(source, model.card.data.source, table.digests)
    rows = rows[~labelled.excluded[rows]]
    return TestPart(labelled.source, rows, table.digests[rows], labelled.note)


def own_pictures(model: ModelFile, max_pixels: int | None = None) -> tuple[Source, SplitTable]:
    """All pictures of the model's run, labelled as the data says, and its split.csv. Raises as own_test_part does."""
    card, where = model.card, model.where
    if card.data is None:
        raise DataError("The model doesn't say what it was trained on", where=where, remedy=_OTHER)
    if card.data.source == ARRAYS:
        raise DataError("The model was trained on arrays, which it doesn't hold", where=where, remedy=_OTHER)
    table_path = Path(where).parent / SPLIT_FILE
    if not table_path.is_file():
        raise DataError(
            "The run's split.csv is not beside the model, so its test part is unknown", where=str(table_path),
            remedy=f"keep model.onnx in its run folder, or {_OTHER}",
        )  # fmt: skip
    try:
        source = open_source(card.data.source, max_pixels or _allowed(Path(where).parent))
    except DataError as error:
        raise DataError(
            "The pictures that the model was trained on are not where they were", where=error.where or where,
            received=error.what, remedy=f"put them back, or {_OTHER}",
        ) from error  # fmt: skip
    table = read_split(table_path)
    if len(table.paths) != len(source) or any(
        source.path(row) != path for row, path in enumerate(table.paths)
    ):
        raise DataError(
            "The pictures are no longer those that the model was trained on", where=source.where,
            received=f"{len(source):,} pictures, {len(table.paths):,} in {table_path}", remedy=_OTHER,
        )  # fmt: skip
    return source, table


def validation_answers(model: ModelFile) -> Answers | None:
    """The model's answers to its validation pictures, from the predictions.csv beside it; None where there is none."""
    path = Path(model.where).parent / PREDICTIONS_FILE
    return read_predictions(path).answers("validation") if path.is_file() else None


def _allowed(run: Path) -> int:
    """How many pixels a picture might have in this run; the usual number where its settings are gone."""
    try:
        return make_settings(read_settings(run / SETTINGS_FILE)).max_pixels
    except PellucidError:
        return MAX_PIXELS
