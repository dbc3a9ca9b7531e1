"""predictions.csv: what the model answered to each validation and test picture, as a table that outlives the run.

UTF-8, a header, one row a picture, validation before test, each in the order of split.csv:

    part,path,label,prediction,probability,label_probability

`part` is validation or test; `path`, `label` and `prediction` are the names of split.csv, in quotes where they hold
commas, quotes or line ends; `probability` is the prediction's, `label_probability` the true class's, both calibrated,
with nine digits, which give back every float32 exactly. The answers to test pictures are the model file's own to the
raw pictures; those to validation pictures are the training engine's, which agree with the file's to 1e-4.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import DataError
from pellucid.evaluation.abstention import Answers
from pellucid.images.split_table import NAME_ERRORS, quoted
from pellucid.storage import shown, write_atomically

PREDICTIONS_FILE = "predictions.csv"
_COLUMNS = ["part", "path", "label", "prediction", "probability", "label_probability"]
_PARTS = ("validation", "test")


@dataclass(frozen=True, eq=False)
class Predictions:
    """predictions.csv as columns: names as str [n], probabilities float32 [n]."""

    parts: tuple[str, ...]
    paths: tuple[str, ...]
    labels: tuple[str, ...]
    predictions: tuple[str, ...]
    probabilities: NDArray[np.float32]
    label_probabilities: NDArray[np.float32]

    def answers(self, part: str) -> Answers:
        """How sure and how right the answers to one part were."""
        here = np.array([name == part for name in self.parts], dtype=bool)
        right = [a == b for a, b in zip(self.labels, self.predictions, strict=True)]
        return Answers(self.probabilities[here].astype(np.float64), np.array(right, dtype=bool)[here])


def predictions_of(
    part: str,
    paths: Sequence[str],
    classes: Sequence[str],
    labels: NDArray[np.int64],
    probabilities: NDArray[np.floating],
) -> Predictions:
    """The rows of one part: `labels` [n] are places in `classes`, `probabilities` [n, classes]."""
    best = probabilities.argmax(axis=1) if len(labels) else labels
    rows = np.arange(len(labels))
    return Predictions(
        parts=(part,) * len(labels),
        paths=tuple(paths),
        labels=tuple(classes[int(i)] for i in labels),
        predictions=tuple(classes[int(i)] for i in best),
        probabilities=probabilities[rows, best].astype(np.float32),
        label_probabilities=probabilities[rows, labels].astype(np.float32),
    )


def write_predictions(path: str | os.PathLike, tables: Sequence[Predictions]) -> None:
    """Write the tables below one another, whole or not at all. Raises StorageError."""
    lines = [",".join(_COLUMNS)]
    for table in tables:
        columns = (
            table.parts, table.paths, table.labels, table.predictions,
            table.probabilities.tolist(), table.label_probabilities.tolist(),
        )  # fmt: skip
        lines += [
            f"{part},{quoted(name)},{quoted(label)},{quoted(answer)},{probability:.9g},{of_label:.9g}"
            for part, name, label, answer, probability, of_label in zip(*columns, strict=True)
        ]
    write_atomically(path, "".join(line + "\n" for line in lines).encode("utf-8", NAME_ERRORS))


def read_predictions(path: str | os.PathLike) -> Predictions:
    """Read what write_predictions wrote. Raises DataError naming the row."""
    rows: list[list[str]] = []
    numbers: list[tuple[float, float]] = []
    try:
        with Path(path).open(encoding="utf-8", errors=NAME_ERRORS, newline="") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            if header != _COLUMNS:
                raise _bad_table(path, f"the header is {shown(','.join(header)[:80])!r}", ",".join(_COLUMNS))
            for number, row in enumerate(reader, start=1):
                numbers.append(_checked(path, number, row))
                rows.append(row)
    except OSError as error:
        raise DataError(f"This table can't be read ({error.strerror})", where=shown(path)) from error
    except (csv.Error, ValueError) as error:
        raise _bad_table(path, str(error), "CSV in UTF-8") from error
    columns = [tuple(column) for column in zip(*rows, strict=True)] or [()] * len(_COLUMNS)
    shares = np.array(numbers, np.float32).reshape(-1, 2)
    return Predictions(columns[0], columns[1], columns[2], columns[3], shares[:, 0], shares[:, 1])


def _checked(path: str | os.PathLike, number: int, row: list[str]) -> tuple[float, float]:
    if len(row) != len(_COLUMNS):
        raise _bad_table(path, f"row {number:,} has {len(row)} columns", str(len(_COLUMNS)))
    if row[0] not in _PARTS:
        raise _bad_table(path, f"row {number:,} has the part {shown(row[0][:40])!r}", " or ".join(_PARTS))
    try:
        shares = float(row[4]), float(row[5])
    except ValueError:
        shares = (-1.0, -1.0)
    if not all(0 <= share <= 1.001 for share in shares):
        received = f"row {number:,} has the probabilities {shown(','.join(row[4:])[:40])!r}"
        raise _bad_table(path, received, "two numbers from 0 to 1")
    return shares


def _bad_table(path: str | os.PathLike, received: str, expected: str) -> DataError:
    return DataError(
        "This isn't the table of a run's predictions",
        where=shown(path),
        received=f"{received}; expected {expected}",
        remedy="put the run's own predictions.csv back, or take this one away",
    )
