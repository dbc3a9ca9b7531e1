"""Training goes by corrected labels and says so; no picture changes its part; evaluating says the same as training."""

import csv

import numpy as np
import pytest

from pellucid.errors import DataError
from pellucid.evaluation import measure
from pellucid.images import read_split
from pellucid.images.corrections import Correction, corrections_file, write_corrections
from pellucid.model import ModelFile
from pellucid.training import Finished, make_settings, own_test_part, train
from support.digits import digits_folder


def _run(data, out):
    out.mkdir()
    settings = make_settings({"data": str(data), "network": "flatten, dense 10", "epochs": 1, "threads": 1})
    return list(train(settings, out))


def _rows(table, part, label):
    return [i for i, each in enumerate(table.labels) if each == label and table.parts[i] == part]


def test_corrected_labels_are_trained_and_tested_on(tmp_path, monkeypatch):
    monkeypatch.setenv("PELLUCID_CACHE", str(tmp_path / "cache"))
    data = digits_folder(tmp_path / "digits")
    before = _run(data, tmp_path / "before")
    table = read_split(tmp_path / "before" / "split.csv")
    trained, tested, gone = _rows(table, "train", "3")[0], *_rows(table, "test", "5")[:2]
    write_corrections(
        corrections_file(data),
        [Correction(table.paths[row], label, table.labels[row], table.digests[row].tobytes())
         for row, label in ((trained, "8"), (tested, "6"), (gone, ""))],
    )  # fmt: skip
    after = _run(data, tmp_path / "after")
    notes = next(event.notes for event in after if type(event).__name__ == "DataReady")
    assert notes[0] == f"2 labels corrected, 1 picture left out by {corrections_file(data)}"
    assert not [event for event in before if "corrected" in str(getattr(event, "notes", ""))]

    again = read_split(tmp_path / "after" / "split.csv")
    moved = np.flatnonzero(again.parts != table.parts)
    assert moved.tolist() == [gone] and again.parts[gone] == "dropped"
    assert again.labels[trained] == "8" and again.labels[tested] == "6"
    with (tmp_path / "after" / "predictions.csv").open() as file:
        answered = {row["path"]: row["label"] for row in csv.DictReader(file)}
    assert answered[table.paths[tested]] == "6" and table.paths[gone] not in answered

    assert isinstance(after[-1], Finished)
    model = ModelFile.read(after[-1].model)
    part = own_test_part(model)
    figures = measure(model, part.source, part.rows, part.digests).evaluation
    assert figures.count == after[-1].test.count and figures.accuracy == after[-1].test.accuracy
    assert part.note == notes[0]


def test_a_class_may_not_lose_its_last_training_picture(tmp_path, monkeypatch):
    monkeypatch.setenv("PELLUCID_CACHE", str(tmp_path / "cache"))
    data = digits_folder(tmp_path / "digits", 60)
    _run(data, tmp_path / "before")
    table = read_split(tmp_path / "before" / "split.csv")
    rows = _rows(table, "train", "7")
    write_corrections(
        corrections_file(data),
        [Correction(table.paths[row], "1", "7", table.digests[row].tobytes()) for row in rows],
    )
    with pytest.raises(DataError, match="without a picture to train on"):
        _run(data, tmp_path / "after")
