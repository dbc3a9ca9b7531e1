"""Hashing files, and the index that spares it."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from pellucid.images import contents
from pellucid.images.contents import UNREADABLE, file_contents

NAMES = ["a.png", "b/c.png", os.fsdecode(b"b/\xff.png"), "missing.png"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root" / "b").mkdir(parents=True)
    for name in NAMES[:3]:
        (tmp_path / "root" / name).write_bytes(b"content of " + os.fsencode(name))
    return tmp_path / "root"


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were read."""
    files: list[str] = []
    real = contents.hash_file

    def hash_file(path: str) -> tuple:
        files.append(Path(path).name)
        return real(path)

    monkeypatch.setattr(contents, "hash_file", hash_file)
    return files


def age(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let the files have been there for so long."""
    real = contents.time.time_ns
    monkeypatch.setattr(contents.time, "time_ns", lambda: real() + int(seconds * 1e9))


def expected(root: Path) -> list[bytes]:
    return [
        hashlib.sha256((root / name).read_bytes()).digest() if (root / name).exists() else UNREADABLE
        for name in NAMES
    ]


def hashes(root: Path, index: Path | None, names: list[str] = NAMES) -> list[bytes]:
    return [row.tobytes() for row in file_contents(str(root), names, index).hashes]


def test_what_has_not_changed_is_not_read_again(
    root: Path, tmp_path: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    index = tmp_path / "index" / "x.npz"
    age(monkeypatch, 10)
    assert hashes(root, index) == expected(root)
    assert len(read) == 4
    read.clear()
    assert hashes(root, index) == expected(root)
    assert read == ["missing.png"]  # it may be there now
    read.clear()
    (root / "b" / "c.png").write_bytes(b"content of b/C.png")  # of the same size
    assert hashes(root, index) == expected(root)
    assert sorted(read) == ["c.png", "missing.png"]
    read.clear()
    assert hashes(root, index, NAMES[::-1]) == expected(root)[::-1]
    assert read == ["missing.png"]


def test_files_written_just_now_are_not_believed(root: Path, tmp_path: Path, read: list[str]) -> None:
    index = tmp_path / "x.npz"
    for _ in range(2):
        read.clear()
        assert hashes(root, index) == expected(root)
        assert len(read) == 4


def test_a_change_with_its_time_set_back_is_seen(
    root: Path, tmp_path: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    index = tmp_path / "x.npz"
    age(monkeypatch, 10)
    before = (root / "a.png").stat()
    hashes(root, index)
    (root / "a.png").write_bytes(b"CONTENT of a.png")
    os.utime(root / "a.png", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert hashes(root, index) == expected(root)


def test_a_damaged_index_counts_as_none(
    root: Path, tmp_path: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    index = tmp_path / "x.npz"
    age(monkeypatch, 10)
    hashes(root, index)
    whole = index.read_bytes()
    generator = np.random.default_rng(0)
    for _ in range(60):
        broken = bytearray(whole)
        broken[generator.integers(len(whole))] ^= int(generator.integers(1, 256))
        index.write_bytes(broken[: generator.integers(len(whole) // 2, len(whole) + 1)])
        assert hashes(root, index) == expected(root)
    np.savez(index, names=np.zeros(3, np.uint8), states=np.zeros((7, 4)), hashes=np.zeros((1, 32), np.uint8))
    assert hashes(root, index) == expected(root)


def test_an_index_that_can_not_be_written_is_no_error(root: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert hashes(root, tmp_path / "file" / "x.npz") == expected(root)


def test_progress(root: Path) -> None:
    calls: list[tuple[int, int]] = []
    file_contents(str(root), NAMES, None, lambda done, total: calls.append((done, total)))
    assert calls[-1] == (4, 4)
