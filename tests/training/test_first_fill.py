"""Filling the cache for the first time: each file is read once, hashed and decoded from the same bytes."""

import errno
import hashlib
import os
import threading
from pathlib import Path

import numpy as np
import pytest

from pellucid.errors import DataError, StorageError
from pellucid.images import FileSource, contents, open_source
from pellucid.training import cache, cache_store
from support.digits import digits_folder


def prepare(pixels: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(pixels[:, :4, :4])


def opened(source: FileSource, folder: Path) -> cache.Cache:
    return cache.open_cache(source, prepare, "", (4, 4, 1), folder=folder)


@pytest.fixture
def source(tmp_path: Path) -> FileSource:
    found = open_source(digits_folder(tmp_path / "digits"))
    assert isinstance(found, FileSource)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def files(source: FileSource) -> list[str]:
    return [source.file(i) for i in range(len(source))]


def test_each_file_is_read_once(source: FileSource, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    real = cache.read_file
    monkeypatch.setattr(cache, "read_file", lambda path: [read.append(path), real(path)][1])
    monkeypatch.setattr(contents, "hash_file", lambda path: pytest.fail(f"{path} was read to be hashed"))
    first = opened(source, folder)
    assert sorted(read) == sorted(files(source))
    hashes = [hashlib.sha256(Path(file).read_bytes()).digest() for file in files(source)]
    content = hashlib.blake2b(contents.content_of_files(hashes), digest_size=12).hexdigest()
    assert first.folder and first.folder.name.endswith(content)
    assert first.fingerprint == source.fingerprint
    for i in range(0, len(source), 50):
        assert np.array_equal(first.pixels[i], prepare(source.read(i)[None])[0])


def test_it_leaves_the_index(source: FileSource, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = contents.time.time_ns
    monkeypatch.setattr(contents.time, "time_ns", lambda: real() + 10 * 10**9)  # as if the files were old
    opened(source, folder)
    (index,) = (folder / "index").iterdir()
    found, unread = contents.remembered(source.root, source.paths, index)
    assert len(unread) == 0
    assert np.array_equal(found.hashes, contents.file_contents(source.root, source.paths).hashes)
    monkeypatch.setattr(cache, "read_file", lambda path: pytest.fail(f"{path} was read again"))
    assert not opened(source, folder).filled


def test_equal_pictures_elsewhere_are_hashed_and_not_decoded(source: FileSource, folder: Path) -> None:
    opened(source, folder)
    Path(source.root).rename(Path(source.root).with_name("moved"))
    moved = open_source(Path(source.root).with_name("moved"))
    found = cache.open_cache(moved, lambda _: pytest.fail("decoded"), "", (4, 4, 1), folder=folder)
    assert not found.filled


@pytest.mark.parametrize("change", ["gone", "grown", "a folder"])
def test_a_file_that_changes_between_the_look_and_its_turn(
    source: FileSource, folder: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    path, real = Path(source.file(7)), cache.remembered

    def then_changed(*arguments: object) -> object:
        result = real(*arguments)
        if change == "grown":
            path.write_bytes(path.read_bytes() + b"x")
        else:
            path.unlink()
        if change == "a folder":
            path.mkdir()
        return result

    monkeypatch.setattr(cache, "remembered", then_changed)
    with pytest.raises(DataError) as caught:
        opened(source, folder)
    assert caught.value.what == "A picture changed while the pictures were being read"
    assert caught.value.where == str(path)
    assert list((folder / "pictures").iterdir()) == []


def test_a_file_that_changes_while_it_is_read(
    source: FileSource, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bytes may be half of the old and half of the new ones."""
    path, real = source.file(7), cache.read_file

    def half(file: str) -> tuple:
        data, state = real(file)
        if file == path:
            Path(file).write_bytes(data[: len(data) // 2])
        return data, state

    monkeypatch.setattr(cache, "read_file", half)
    with pytest.raises(DataError, match="changed while the pictures were being read"):
        opened(source, folder)
    assert list((folder / "pictures").iterdir()) == []


def test_what_the_disk_says_while_it_is_flushed_is_not_lost(
    source: FileSource, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failed flush may be told only once, and the last one succeed."""
    told, real = threading.Event(), os.fsync

    def once(descriptor: int) -> None:
        if not told.is_set():
            told.set()
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(descriptor)

    def slow(pixels: np.ndarray) -> np.ndarray:
        assert told.wait(10)
        return prepare(pixels)

    monkeypatch.setattr(cache_store, "FLUSH_EVERY", 0.001)
    monkeypatch.setattr(os, "fsync", once)
    with pytest.raises(StorageError, match="input/output error"):
        cache.open_cache(source, slow, "", (4, 4, 1), folder=folder)
    assert list((folder / "pictures").iterdir()) == []
