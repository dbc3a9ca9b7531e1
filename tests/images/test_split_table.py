"""split.csv: every name survives, every damage is named."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.errors import DataError, StorageError
from pellucid.images import read_split, write_split

names = st.binary(max_size=12).map(os.fsdecode)
rows = st.lists(
    st.tuples(
        names,
        names,
        st.sampled_from(["train", "validation", "test", "dropped", "unreadable"]),
        st.binary(min_size=16, max_size=16),
    ),
    max_size=20,
)


@given(rows)
def test_every_name_survives(tmp_path_factory: pytest.TempPathFactory, table: list[tuple]) -> None:
    path = tmp_path_factory.mktemp("split") / "split.csv"
    paths, labels, parts, digests = zip(*table, strict=True) if table else ((), (), (), ())
    digest_rows = np.frombuffer(b"".join(digests), dtype=np.uint8).reshape(-1, 16)
    write_split(path, paths, labels, parts, digest_rows)
    back = read_split(path)
    assert (back.paths, back.labels, tuple(back.parts)) == (paths, labels, parts)
    assert np.array_equal(back.digests, digest_rows)


def test_the_file_is_plain_csv(tmp_path: Path) -> None:
    path = tmp_path / "split.csv"
    odd = 'cats, "big"/one\ntwo.png'
    write_split(
        path, [odd, "b.png"], ["cats, big", "é"], np.array(["train", "test"]), np.eye(2, 16, dtype=np.uint8)
    )
    with path.open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [
            ["path", "label", "part", "digest"],
            [odd, "cats, big", "train", "01" + "00" * 15],
            ["b.png", "é", "test", "0001" + "00" * 14],
        ]
    assert b"\r" not in path.read_bytes()


def test_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "split.csv"
    write_split(path, ["a"], ["x"], ["train"], np.zeros((1, 16), dtype=np.uint8))
    before = path.read_bytes()

    def refuse(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StorageError):
        write_split(path, ["b"], ["x"], ["train"], np.zeros((1, 16), dtype=np.uint8))
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


HEADER = "path,label,part,digest\n"
DIGEST = "0" * 32


@pytest.mark.parametrize(
    ("text", "received"),
    [
        ("", "the header is ''; expected path,label,part,digest"),
        ("a,b\n1,2\n", "the header is 'a,b'; expected path,label,part,digest"),
        (HEADER + "a,b,train\n", "row 1 has 3 columns; expected 4"),
        (
            HEADER + f"a,b,train,{DIGEST}\nc,d,holdout,{DIGEST}\n",
            "row 2 has the part 'holdout'; expected train,",
        ),
        (
            HEADER + f"a,b,train,{DIGEST[1:]}\n",
            f"row 1 has the digest '{DIGEST[1:]}'; expected 32 hexadecimal",
        ),
        (HEADER + f"a,b,train,{'z' * 32}\n", "row 1 has the digest"),
        (HEADER + '"a,b,train\n', "unexpected end of data; expected CSV"),
    ],
)
def test_damaged_tables(tmp_path: Path, text: str, received: str) -> None:
    path = tmp_path / "split.csv"
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        read_split(path)
    assert caught.value.what == "This isn't the table of a split"
    assert caught.value.received.startswith(received)
    assert caught.value.where == str(path)


def test_no_table(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="can't be read"):
        read_split(tmp_path / "no.csv")
    (tmp_path / "bytes").write_bytes(bytes(range(256)) * 10)
    with pytest.raises(DataError, match="This isn't the table of a split"):
        read_split(tmp_path / "bytes")
