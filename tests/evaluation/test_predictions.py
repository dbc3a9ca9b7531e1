"""predictions.csv: written and read again it is the same, whatever the names; what isn't one is refused."""

import csv
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.errors import DataError, StorageError
from pellucid.evaluation.predictions import predictions_of, read_predictions, write_predictions

# Any bytes that a file system takes in a name, and text.
NAMES = st.one_of(
    st.binary(min_size=1, max_size=12).filter(lambda b: b"\0" not in b).map(os.fsdecode),
    st.sampled_from(
        ['<script>alert("1")</script>', "a,b", 'say "x"', "two\nlines", "\r", "a\r\nb", " ", "é", "'"]
    ),
)


@given(st.lists(NAMES, min_size=2, max_size=5, unique=True), st.integers(0, 8), st.integers(0, 2**31))
def test_what_is_written_is_read(tmp_path_factory, classes, count, seed):
    rng = np.random.default_rng(seed)
    path = tmp_path_factory.mktemp("table") / "predictions.csv"
    tables = []
    for part in ("validation", "test"):
        shares = rng.dirichlet(np.ones(len(classes)), count).astype(np.float32).reshape(count, len(classes))
        paths = [classes[i] + "/x" for i in rng.integers(0, len(classes), count)]
        tables.append(predictions_of(part, paths, classes, rng.integers(0, len(classes), count), shares))
    write_predictions(path, tables)
    read = read_predictions(path)
    for name in ("parts", "paths", "labels", "predictions"):
        assert getattr(read, name) == getattr(tables[0], name) + getattr(tables[1], name)
    for name in ("probabilities", "label_probabilities"):
        expected = np.concatenate([getattr(table, name) for table in tables])
        np.testing.assert_array_equal(getattr(read, name), expected)
    found = read.answers("test")
    assert found.right.tolist() == [
        a == b for a, b in zip(tables[1].labels, tables[1].predictions, strict=True)
    ]


def test_the_columns(tmp_path):
    shares = np.array([[0.25, 0.75]], np.float32)
    write_predictions(tmp_path / "p.csv", [predictions_of("test", ["a/1.png"], "ab", np.array([0]), shares)])
    (row,) = csv.DictReader((tmp_path / "p.csv").open())
    assert row == {"part": "test", "path": "a/1.png", "label": "a", "prediction": "b", "probability": "0.75",
                   "label_probability": "0.25"}  # fmt: skip


HEADER = "part,path,label,prediction,probability,label_probability\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "header"),
        ("path,label\n", "header"),
        (HEADER + "test,a,b\n", "row 1 has 3 columns"),
        (HEADER + "train,a,b,c,1,1\n", "part 'train'"),
        (HEADER + "test,a,b,c,nan,1\n", "probabilities"),
        (HEADER + "test,a,b,c,1,much\n", "probabilities"),
        (HEADER + 'test,"a,b,c,1,1\n', "expected CSV"),
    ],
)
def test_what_is_no_such_table(tmp_path, text, says):
    path = tmp_path / "p.csv"
    path.write_text(text)
    with pytest.raises(DataError, match="isn't the table of a run's predictions") as caught:
        read_predictions(path)
    assert says in caught.value.received
    assert "predictions.csv" in caught.value.remedy


def test_a_disk_that_refuses(tmp_path):
    with pytest.raises(StorageError) as caught:
        write_predictions(tmp_path / "no" / "p.csv", [])
    assert str(tmp_path / "no" / "p.csv") in caught.value.where
