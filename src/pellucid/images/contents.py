"""What is in picture files, as SHA-256; an index on disk spares reading those that haven't changed."""

import hashlib
import os
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import DataError, StorageError
from pellucid.images.reading import read_file
from pellucid.images.threads import Progress, in_threads
from pellucid.storage import write_atomically

UNREADABLE = bytes(32)

# A file written twice within its clock's tick looks unchanged, so what is younger isn't believed.
_SETTLED_NS = 2_000_000_000


@dataclass(frozen=True, eq=False)
class Contents:
    """The files' `hashes` uint8 [n, 32], zeros where a file can't be read or wasn't yet; their `states` when they
    were looked at or read, int64 [n, 4]: size, modified and changed in ns, inode; `began`, when that was, in ns."""

    hashes: NDArray[np.uint8]
    states: NDArray[np.int64]
    began: int


def file_contents(
    root: str, paths: Sequence[str], index: Path | None = None, progress: Progress | None = None
) -> Contents:
    """The contents of the files `root`/path, from the index where size, times and inode are as they were.

    What had to be read is written to the index, if it can be. A damaged index counts as none.
    """
    contents, unknown = remembered(root, paths, index)
    read_unknown(root, paths, contents, unknown, index, progress)
    return contents


def remembered(root: str, paths: Sequence[str], index: Path | None) -> tuple[Contents, NDArray[np.int64]]:
    """What is known without reading any file, with all states of now, and the places whose hashes lack."""
    began = time.time_ns()
    states = np.array([file_state(full_path(root, path)) for path in paths], dtype=np.int64).reshape(-1, 4)
    hashes = np.zeros((len(paths), 32), dtype=np.uint8)
    known = _from_index(index, paths, states, hashes) if index else np.zeros(len(paths), dtype=bool)
    return Contents(hashes, states, began), np.flatnonzero(~known)


def read_unknown(
    root: str,
    paths: Sequence[str],
    contents: Contents,
    unknown: NDArray[np.int64],
    index: Path | None,
    progress: Progress | None,
) -> None:
    """Fill in what `remembered` left open, and write it to the index."""

    def read(place: int) -> None:
        i = int(unknown[place])
        content, state = hash_file(full_path(root, paths[i]))
        contents.hashes[i] = np.frombuffer(content, dtype=np.uint8)
        contents.states[i] = state

    if len(unknown):
        in_threads(len(unknown), read, progress)
        if index:
            write_index(index, paths, contents)


def full_path(root: str, path: str) -> str:
    """`path` below the folder `root`, or as it is if it is absolute."""
    return path if path.startswith(os.sep) else f"{root}{os.sep}{path}"  # no Path: there may be millions


def hash_file(path: str) -> tuple[bytes, tuple[int, int, int, int]]:
    """SHA-256 of a file (UNREADABLE if it can't be read) and its state when it was opened."""
    try:
        data, state = read_file(path)
    except DataError:
        return UNREADABLE, (-1, -1, -1, -1)
    return hashlib.sha256(data).digest(), state_of(state)


def content_of_files(hashes: Iterable[bytes]) -> bytes:
    """One digest of many files in their order, from the SHA-256 of each."""
    digest = hashlib.sha256(b"files\0")
    for file_hash in hashes:
        digest.update(file_hash)
    return digest.digest()


def state_of(state: os.stat_result) -> tuple[int, int, int, int]:
    """What changes when a file does: size, modified and changed in ns, inode."""
    inode = state.st_ino & 0x7FFF_FFFF_FFFF_FFFF  # Windows uses all 64 bits
    return state.st_size, state.st_mtime_ns, state.st_ctime_ns, inode


def file_state(file: str) -> tuple[int, int, int, int]:
    """state_of a file, all -1 if there is none."""
    try:
        return state_of(os.stat(file))  # noqa: PTH116
    except OSError:
        return -1, -1, -1, -1


def _from_index(
    index: Path, paths: Sequence[str], states: NDArray[np.int64], hashes: NDArray[np.uint8]
) -> NDArray[np.bool_]:
    """Fill in the hashes that the index knows; which those are."""
    none = np.zeros(len(paths), dtype=bool)
    try:
        with np.load(index, allow_pickle=False) as file:
            names, old_states, old_hashes = file["names"].tobytes(), file["states"], file["hashes"]
        old_paths = names.split(b"\0")
        if old_states.shape != (len(old_paths), 4) or old_hashes.shape != (len(old_paths), 32):
            return none
        if old_states.dtype != np.int64 or old_hashes.dtype != np.uint8:
            return none
    except Exception:  # missing, from another version, or damaged in any way
        return none
    row_of = {path: row for row, path in enumerate(old_paths)}
    rows = np.array([row_of.get(path, -1) for path in _encoded(paths)], dtype=np.int64)
    known = (rows >= 0) & (states[:, 0] >= 0) & (old_states[rows] == states).all(axis=1)
    hashes[known] = old_hashes[rows[known]]
    return known


def write_index(index: Path, paths: Sequence[str], contents: Contents) -> None:
    """Remember the contents, if that can be written."""
    hashes, states = contents.hashes, contents.states
    settled = (states[:, 1:3].max(axis=1) < contents.began - _SETTLED_NS) & hashes.any(axis=1)
    states = np.where(settled[:, None], states, -2)
    names = np.frombuffer(b"\0".join(_encoded(paths)), dtype=np.uint8)
    with suppress(StorageError, OSError):  # without an index the next run is slower, no more
        index.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(index, lambda file: np.savez(file, names=names, states=states, hashes=hashes))


def _encoded(paths: Sequence[str]) -> list[bytes]:
    return [os.fsencode(path) for path in paths]
