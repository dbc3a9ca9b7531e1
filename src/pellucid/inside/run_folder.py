"""What a run's folder and its pictures add to a model, for the explorer: test pictures, mistakes, corrections, replay.

Each may be lacking; `lacks` then says why, and what would help. Pictures are the test part alone: what was trained on
would look better than it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import DataError, PellucidError, SettingsError
from pellucid.evaluation import metrics
from pellucid.evaluation.predictions import PREDICTIONS_FILE, read_predictions
from pellucid.images import Source, SplitTable, picture_digest
from pellucid.images.corrections import Correction, corrections_file, read_corrections, write_corrections
from pellucid.images.reading import Pixels, picture_shape
from pellucid.images.sources import ArraySource, FileSource
from pellucid.inside.explorer_schema import (
    ClassFiguresDocument,
    EpochDocument,
    MistakesDocument,
    PictureEntry,
    ReplayDocument,
)
from pellucid.model import ForeignModel, ModelFile
from pellucid.storage import shown
from pellucid.training.folder import HISTORY_FILE
from pellucid.training.own_test import own_pictures
from pellucid.training.snapshots import read_snapshot, snapshot_files

WORST = 60  # mistakes in the document; `pictures` gives the others
MOST_AT_ONCE = 500


@dataclass(frozen=True, eq=False)
class _Answers:
    """The test part's answers as columns: `rows` of the source, places among the classes, probabilities."""

    rows: NDArray[np.int64]
    truth: NDArray[np.int64]
    answer: NDArray[np.int64]
    probability: NDArray[np.float64]
    of_truth: NDArray[np.float64]


class RunFolder:
    """The folder around a model file. Everything is found when it is first asked for."""

    def __init__(self, model: ModelFile | ForeignModel):
        self._model = model
        self._folder = Path(model.where).parent

    @cached_property
    def lacks(self) -> dict[str, str]:
        """Capabilities (as in the explorer's contract) that aren't there, with a sentence each."""
        found: dict[str, str] = {}
        if isinstance(self._pictures, str):
            found |= dict.fromkeys(("pictures", "mistakes", "correct"), self._pictures)
        elif isinstance(self._answers, str):
            found["mistakes"] = self._answers
        if "correct" not in found and self._corrections is None:
            found["correct"] = "There is no place beside the data where corrections could be kept."
        replay = self._replay
        if isinstance(replay, str):
            found["replay"] = replay
        return found

    @cached_property
    def _pictures(self) -> tuple[Source, SplitTable] | str:
        if isinstance(self._model, ForeignModel):
            return (
                "Another tool's file doesn't say which pictures it was tested on: drop a picture of your own."
            )
        try:
            source, table = own_pictures(self._model)
        except PellucidError as error:
            return _sentence(error, "Drop a picture of your own, or put the run's folder and its data back.")
        if not (table.parts == "test").any():
            return "This run kept no test part: drop a picture of your own."
        return source, table

    @cached_property
    def _answers(self) -> _Answers | str:
        found = self._found()
        path = self._folder / PREDICTIONS_FILE
        if not path.is_file():
            return (
                "The run's predictions.csv isn't beside the model, so its mistakes aren't known. Put it back."
            )
        try:
            table = read_predictions(path)
        except PellucidError as error:
            return _sentence(error, error.remedy)
        source = found[0]
        row_of = {source.path(row): row for row in self._test_rows.tolist()}
        places = {name: place for place, name in enumerate(self._model.classes)}
        kept: list[tuple[int, int, int, float, float]] = []
        for i, part in enumerate(table.parts):
            if part != "test" or table.paths[i] not in row_of:
                continue
            truth, answer = (places.get(shown(name)) for name in (table.labels[i], table.predictions[i]))
            if truth is None or answer is None:
                return "The run's predictions.csv names classes that the model doesn't have: it is of another run."
            shares = float(table.probabilities[i]), float(table.label_probabilities[i])
            kept.append((row_of[table.paths[i]], truth, answer, *shares))
        if not kept:
            return "The run's predictions.csv has no test pictures."
        rows, truths, answers, first, second = zip(*kept, strict=True)
        return _Answers(
            np.array(rows, np.int64), np.array(truths, np.int64), np.array(answers, np.int64),
            np.array(first), np.array(second),
        )  # fmt: skip

    @cached_property
    def _test_rows(self) -> NDArray[np.int64]:
        return np.flatnonzero(self._found()[1].parts == "test")

    def _found(self) -> tuple[Source, SplitTable]:
        if isinstance(self._pictures, str):
            raise DataError(self._pictures)
        return self._pictures

    def _answered(self) -> _Answers:
        self._found()
        if isinstance(self._answers, str):
            raise DataError(self._answers)
        return self._answers

    def entries(
        self, kind: str, start: int, count: int, truth: int | None = None, answer: int | None = None
    ) -> list[PictureEntry]:
        """Test pictures, the "mistakes" among them the surest first; those of one class, or one answer, where given."""
        count = max(0, min(count, MOST_AT_ONCE))
        known = kind == "mistakes" or truth is not None or answer is not None
        if not known and isinstance(self._answers, str):
            rows = self._test_rows[start : start + count]
            return [self._entry(int(row), None, None, None, None) for row in rows]
        found = self._answered()
        places = self._places(found, kind, truth, answer)[start : start + count]
        return [self._entry_at(found, int(place)) for place in places]

    @staticmethod
    def _places(found: _Answers, kind: str, truth: int | None, answer: int | None) -> NDArray[np.int64]:
        chosen = np.ones(len(found.rows), bool)
        if truth is not None:
            chosen &= found.truth == truth
        if answer is not None:
            chosen &= found.answer == answer
        if kind == "mistakes":
            chosen &= found.truth != found.answer
        places = np.flatnonzero(chosen)
        if kind == "mistakes" or truth is not None or answer is not None:
            # The surest first, then by how little was left for the truth, as in the report.
            return places[np.lexsort((places, found.of_truth[places], -found.probability[places]))]
        return places

    def _entry_at(self, found: _Answers, place: int) -> PictureEntry:
        return self._entry(
            int(found.rows[place]), int(found.truth[place]), int(found.answer[place]),
            float(found.probability[place]), float(found.of_truth[place]),
        )  # fmt: skip

    def _entry(
        self,
        row: int,
        truth: int | None,
        answer: int | None,
        probability: float | None,
        of_truth: float | None,
    ) -> PictureEntry:
        source, table = self._found()
        if truth is None:
            places = {name: place for place, name in enumerate(self._model.classes)}
            truth = places.get(shown(table.labels[row]))
        height, width = _size(source, row)
        said = self._written.get(table.paths[row])
        label = None if said is None else shown(said.label)
        if label is not None and truth is not None and label == self._model.classes[truth]:
            label = None  # this run was trained by it already
        return PictureEntry(
            id=str(row), name=shown(source.path(row)), truth=truth, answer=answer, probability=probability,
            of_truth=of_truth, height=height, width=width, corrected=label,
        )  # fmt: skip

    def picture(self, identity: str) -> Pixels:
        """A test picture by its entry's id. DataError where it can't be read or has changed."""
        source, table = self._found()
        row = self._row(identity)
        pixels = source.read(row)
        if picture_digest(pixels) != table.digests[row].tobytes():
            raise DataError("The picture has changed since the model was trained", where=source.path(row))
        return pixels

    def _row(self, identity: str) -> int:
        row = int(identity) if identity.isascii() and identity.isdigit() and len(identity) < 10 else -1
        parts = self._found()[1].parts
        if not 0 <= row < len(parts) or parts[row] != "test":
            raise SettingsError("there is no such test picture", received=shown(identity)[:80])
        return row

    def mistakes(self) -> MistakesDocument:
        """The test part in figures, as they were measured when the run ended."""
        found, classes = self._answered(), self._model.classes
        confusion = metrics.confusion_matrix(found.truth, found.answer, len(classes))
        right, count = int(confusion.trace()), len(found.rows)
        worst = self._places(found, "mistakes", None, None)[:WORST]
        return MistakesDocument(
            classes=list(classes),
            accuracy=right / count,
            interval=metrics.wilson_interval(right, count),
            count=count,
            wrong=count - right,
            confusion=confusion.tolist(),
            per_class=[
                ClassFiguresDocument(
                    label=label, count=each.support, precision=each.precision, recall=each.recall, f1=each.f1
                )
                for label, each in zip(classes, metrics.per_class(confusion), strict=True)
            ],
            worst=[self._entry_at(found, int(place)) for place in worst],
            corrections=len(self._written),
            corrections_file=str(self._corrections) if self._corrections else None,
        )

    @property
    def _corrections(self) -> Path | None:
        card = self._model.card if isinstance(self._model, ModelFile) else None
        return corrections_file(card.data.source) if card and card.data else None

    @cached_property
    def _written(self) -> dict[str, Correction]:
        return read_corrections(self._corrections) if self._corrections else {}

    def correct(self, identity: str, label: str | None) -> None:
        """Write down that a picture belongs to another class ("" for none), or take that back (None).

        The data's own label, written down, takes it back, too. SettingsError for an unknown class or picture.
        """
        source, table = self._found()
        row, file = self._row(identity), self._corrections
        if file is None:
            raise SettingsError("there is no place beside the data for corrections", where=source.where)
        names = {shown(name): name for name in source.classes}  # a name's bytes may be no text
        if label is not None and label and label not in names:
            raise SettingsError("there is no such class", where="label", received=shown(label)[:80])
        said = source.classes[int(source.labels[row])]
        path = table.paths[row]
        rows = read_corrections(file)  # again: somebody else may have written
        if label is None or (label and names[label] == said):
            rows.pop(path, None)
        else:
            digest = table.digests[row].tobytes()
            rows[path] = Correction(path, names[label] if label else "", said, digest)
        write_corrections(file, rows.values())
        self._written = rows

    @cached_property
    def _replay(self) -> ReplayDocument | str:
        if isinstance(self._model, ForeignModel):
            return "Another tool's file has no run beside it, so there is nothing to replay."
        path = self._folder / HISTORY_FILE
        if not path.is_file():
            return "The run's history.jsonl isn't beside the model: keep model.onnx in its run folder to replay it."
        try:
            epochs = list(_epochs(path, set(snapshot_files(self._folder))))
        except (OSError, ValueError, KeyError, TypeError):
            return "The run's history.jsonl can't be read: put the run's own back."
        if not any(epoch.kept for epoch in epochs):
            return (
                "This run kept no snapshots of its weights, as it was trained with them switched off, or the network "
                "is too large for them."
            )
        return ReplayDocument(epochs=epochs, best=self._model.card.epoch)

    def replay(self) -> ReplayDocument:
        """The run's epochs. DataError where they aren't kept."""
        if isinstance(self._replay, str):
            raise DataError(self._replay)
        return self._replay

    def weights_of(self, epoch: int) -> dict[str, NDArray[np.float32]]:
        """The weights of a kept epoch, by the names of the model file."""
        self.replay()
        assert isinstance(self._model, ModelFile)
        path = snapshot_files(self._folder).get(epoch)
        if path is None:
            raise SettingsError("this epoch's weights weren't kept", received=str(epoch))
        network = read_snapshot(path).network
        if network.text != self._model.network.text:
            raise DataError("The snapshot is of another network than the model", where=shown(path))
        return dict(network.weights)


def _epochs(path: Path, kept: set[int]) -> Iterator[EpochDocument]:
    for line in path.read_text("utf-8").splitlines():
        record = json.loads(line)
        yield EpochDocument(
            epoch=int(record["epoch"]), kept=int(record["epoch"]) in kept, best=bool(record["best"]),
            **{name: float(record[name]) for name in _FIGURES},
        )  # fmt: skip


_FIGURES = ("loss", "accuracy", "validation_loss", "validation_accuracy", "learning_rate", "seconds")


def _size(source: Source, row: int) -> tuple[int, int]:
    """Height and width, from the header alone; 0 where it can't be read: reading the picture says why."""
    if isinstance(source, ArraySource):
        return source.pixels.shape[1], source.pixels.shape[2]
    assert isinstance(source, FileSource)
    try:
        return picture_shape(source.file(row), source.max_pixels)[:2]
    except PellucidError:
        return 0, 0


def _sentence(error: PellucidError, remedy: str) -> str:
    return f"{error.what}. {remedy[:1].upper()}{remedy[1:]}{'' if remedy.endswith('.') else '.'}"
