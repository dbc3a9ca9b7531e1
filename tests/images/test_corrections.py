"""Corrected labels: which rows hold, which are passed over and why, and what a damaged table says."""

import numpy as np
import pytest

from pellucid.errors import DataError
from pellucid.images import picture_digest
from pellucid.images.arrays import arrays_source
from pellucid.images.corrections import (
    Correction,
    corrected,
    corrections_file,
    read_corrections,
    write_corrections,
)

PIXELS = np.arange(4 * 8 * 8, dtype=np.uint8).reshape(4, 8, 8)
NAMES = ["cat", "dog", "cat", "dog"]


def _made(tmp_path, rows):
    source = arrays_source(PIXELS, np.array(NAMES))
    digests = np.stack([np.frombuffer(picture_digest(source.read(i)), np.uint8) for i in range(4)])
    data = tmp_path / "pets.npz"
    written = [Correction(path, label, was, digests[of].tobytes()) for path, label, was, of in rows]
    write_corrections(tmp_path / "pets.npz.corrections.csv", written)
    return corrected(source, data, digests)


def test_a_label_is_corrected_and_the_data_stays(tmp_path):
    found = _made(tmp_path, [("1", "cat", "dog", 1)])
    assert [found.source.classes[label] for label in found.source.labels] == ["cat", "cat", "cat", "dog"]
    assert found.count == 1 and found.note == f"1 label corrected by {tmp_path / 'pets.npz.corrections.csv'}"


def test_a_picture_of_no_class_is_left_out(tmp_path):
    found = _made(tmp_path, [("2", "", "cat", 2)])
    assert found.excluded.tolist() == [False, False, True, False]
    assert "0 labels corrected, 1 picture left out" in found.note


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (("1", "cat", "dog", 0), "the picture has changed since"),
        (("1", "horse", "dog", 1), "there is no class horse any more"),
        (("0", "dog", "horse", 0), "the data no longer says horse of it"),
        (("9", "dog", "cat", 0), "there is no such picture any more"),
    ],
)
def test_a_correction_that_no_longer_holds_is_passed_over(tmp_path, row, reason):
    found = _made(tmp_path, [row])
    assert found.source.labels.tolist() == [0, 1, 0, 1] and found.count == 0
    assert found.passed_over == ((row[0], reason),) and reason in found.note


def test_names_with_anything_in_them_come_back(tmp_path):
    rows = [Correction('a,"b"\nc.png', "x\udce9", "<img src=x onerror=alert(1)>", bytes(16))]
    write_corrections(tmp_path / "t.csv", rows)
    assert list(read_corrections(tmp_path / "t.csv").values()) == rows


@pytest.mark.parametrize(
    "text", ["", "a,b\n", "path,label,was,digest\nx,y\n", "path,label,was,digest\nx,y,z,12\n", "\0"]
)
def test_what_is_no_such_table_is_refused(tmp_path, text):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(DataError, match="table"):
        read_corrections(tmp_path / "t.csv")


def test_the_file_lies_beside_the_data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert corrections_file("photos/") == tmp_path / "photos.corrections.csv"
    assert corrections_file("mnist") == tmp_path / "mnist.corrections.csv"
    assert corrections_file("/") is None
