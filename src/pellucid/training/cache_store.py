"""The cache on disk: where it lies, what a whole entry is, and how it is kept from growing.

`pictures/KEY/` holds one entry: pixels.npy, digests.bin, and meta.json, whose first line is the SHA-256 of
the rest. An entry is filled under another name, flushed, then renamed, so what has its name is whole.
`index/` holds what pellucid.images.contents remembers of folders.
"""

import contextlib
import errno
import hashlib
import io
import json
import os
import re
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import PellucidError, SettingsError, StorageError
from pellucid.images.reading import Pixels
from pellucid.storage import create_held, is_abandoned, shown, storage_error, sync_folder

VERSION = 2
MAP_ABOVE = 1 << 30
DEFAULT_LIMIT = 20 * 10**9
FLUSH_EVERY = 0.25  # seconds

_ENTRY = re.compile(r"[0-9a-f]{32}")
_UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}


@dataclass(frozen=True, eq=False)
class Entry:
    """What one entry holds: `pixels` uint8 [n, h, w, c], `digests` uint8 [n, 16], and the `reasons` by place
    of the pictures that could not be read (their pixels and digests are zeros)."""

    pixels: Pixels
    digests: NDArray[np.uint8]
    reasons: dict[int, str]


def cache_limit() -> int:
    """How many bytes the cache may keep: $PELLUCID_CACHE_LIMIT, such as 500MB. Raises SettingsError."""
    text = os.environ.get("PELLUCID_CACHE_LIMIT", "").strip()
    if not text:
        return DEFAULT_LIMIT
    match = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)\s*([a-z]*)", text.lower())
    if not match or match[2] not in _UNITS:
        raise SettingsError(
            "The limit of the picture cache can't be understood",
            where="PELLUCID_CACHE_LIMIT",
            received=shown(text),
            remedy="give a size such as 500MB or 20GB",
        )
    return int(float(match[1]) * _UNITS[match[2]])


def entry_name(about: str, content: bytes) -> str:
    """The name of the entry for pictures of this content, what else its pixels depend on being `about`."""
    return _kind(about) + hashlib.blake2b(content, digest_size=12).hexdigest()


def may_hold(pictures: Path, about: str) -> bool:
    """Whether there is an entry `about` the same, of whatever content."""
    return any(
        path.name.startswith(_kind(about)) and _ENTRY.fullmatch(path.name) for path in _inside(pictures)
    )


def _kind(about: str) -> str:
    return hashlib.blake2b(about.encode(), digest_size=4).hexdigest()


def load_entry(place: Path, count: int, shape: tuple[int, int, int]) -> Entry | None:
    """The entry that lies at `place`; None if there is none or anything about it isn't as it was written."""
    try:
        checksum, _, body = (place / "meta.json").read_bytes().partition(b"\n")
        if checksum.decode() != hashlib.sha256(body).hexdigest():
            return None
        meta = json.loads(body)
        if meta["version"] != VERSION or meta["count"] != count or meta["shape"] != list(shape):
            return None
        digests = np.frombuffer((place / "digests.bin").read_bytes(), dtype=np.uint8)
        if hashlib.sha256(digests.data).hexdigest() != meta["digests"]:
            return None
        header = pixels_header(count, shape)
        size = (place / "pixels.npy").stat().st_size
        if size != len(header) + count * int(np.prod(shape)):
            return None
        with (place / "pixels.npy").open("rb") as file:
            if file.read(len(header)) != header:
                return None
        mode = "r" if size > MAP_ABOVE else None
        pixels = np.asarray(np.load(place / "pixels.npy", mmap_mode=mode, allow_pickle=False))
        pixels.flags.writeable = False
        return Entry(pixels, digests.reshape(count, 16), {int(i): str(why) for i, why in meta["reasons"]})
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        return None


def pixels_header(count: int, shape: tuple[int, int, int]) -> bytes:
    """How a .npy file uint8 [count, *shape] begins."""
    file = io.BytesIO()
    header = {"descr": "|u1", "fortran_order": False, "shape": (count, *shape)}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue()


def mark_used(path: Path) -> None:
    """Note that an entry or index was used now, as the oldest are removed first."""
    with contextlib.suppress(OSError):
        os.utime(path / "meta.json" if path.is_dir() else path)


class Partial:
    """An entry being filled in a folder of its own, which is held until it is published or removed."""

    def __init__(self, pictures: Path, count: int, shape: tuple[int, int, int]):
        self.count, self.shape = count, shape
        while True:
            self.folder = pictures / f"entry.partial-{os.getpid()}-{os.urandom(3).hex()}"
            self.folder.mkdir(parents=True)
            self._held = create_held(self.folder / "lock")
            if self._held is not None:
                return

    @contextlib.contextmanager
    def pixel_file(self) -> Iterator["PixelFile"]:
        """The file of pixels, at its full size; flushed to the disk meanwhile and at the end."""
        file = PixelFile(self.folder / "pixels.npy", self.count, self.shape)
        try:
            with _flushing(file.descriptor):
                yield file
            os.fsync(file.descriptor)
        finally:
            os.close(file.descriptor)

    def finish(self, digests: NDArray[np.uint8], reasons: dict[int, str]) -> None:
        """Write what belongs to the pixels, and flush it all to the disk."""
        meta = {
            "version": VERSION,
            "count": self.count,
            "shape": self.shape,
            "digests": hashlib.sha256(digests.data).hexdigest(),
            "reasons": sorted(reasons.items()),
        }
        body = json.dumps(meta).encode()
        _write_flushed(self.folder / "digests.bin", digests.tobytes())
        _write_flushed(self.folder / "meta.json", hashlib.sha256(body).hexdigest().encode() + b"\n" + body)

    def publish(self, place: Path) -> Entry:
        """Make it the entry `place`, unless another process did so first with the same pictures."""
        entry = load_entry(self.folder, self.count, self.shape)
        if entry is None:
            raise OSError(errno.EIO, "what was written reads back differently")
        sync_folder(self.folder)
        while True:
            try:
                self.folder.rename(place)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
                if other := load_entry(place, self.count, self.shape):
                    return other
                discard(place)
            else:
                sync_folder(place.parent)
                (place / "lock").unlink(missing_ok=True)
                return entry

    def close(self) -> None:
        """Let go of the folder, and remove it if it was not published."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._held is not None:
            os.close(self._held)


@contextlib.contextmanager
def _flushing(descriptor: int) -> Iterator[None]:
    """Flush the file again and again from another thread, so that little is left to wait for at the end."""
    done = threading.Event()
    failures: list[OSError] = []

    def flush() -> None:
        try:
            while not done.wait(FLUSH_EVERY):
                os.fsync(descriptor)
        except OSError as error:  # the system may tell it only once
            failures.append(error)

    thread = threading.Thread(target=flush, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
    if failures:
        raise failures[0]


class PixelFile:
    """A .npy file uint8 [n, h, w, c] of its full size, to be filled from several threads, each row once.

    Its space is taken at the start, and rows are written, not mapped: a full disk is an OSError here, where
    it would be a fatal signal in a map.
    """

    def __init__(self, path: Path, count: int, shape: tuple[int, int, int]):
        header = pixels_header(count, shape)
        path.write_bytes(header)
        self.start = len(header)
        self.row = int(np.prod(shape))
        self.bytes = self.start + count * self.row
        self.descriptor = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
        self._lock = threading.Lock()
        try:
            self._take_space()
        except BaseException:
            os.close(self.descriptor)
            raise

    def write(self, first: int, rows: Pixels) -> None:
        """Write rows [k, h, w, c] at place `first`. Raises OSError."""
        data = memoryview(np.ascontiguousarray(rows).data).cast("B")
        offset = self.start + first * self.row
        while data:
            if hasattr(os, "pwrite"):
                written = os.pwrite(self.descriptor, data, offset)
            else:
                with self._lock:
                    os.lseek(self.descriptor, offset, os.SEEK_SET)
                    written = os.write(self.descriptor, data)
            data, offset = data[written:], offset + written

    def _take_space(self) -> None:
        if hasattr(os, "posix_fallocate"):
            try:
                os.posix_fallocate(self.descriptor, 0, self.bytes)
                return
            except OSError as error:
                if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS):
                    raise
        os.ftruncate(self.descriptor, self.bytes)


def remove_leftovers(pictures: Path) -> None:
    """Remove what killed processes left half filled or half removed."""
    for path in _inside(pictures):
        if ".removed-" in path.name:
            shutil.rmtree(path, ignore_errors=True)
        elif ".partial-" in path.name:
            lock = path / "lock"
            if is_abandoned(lock) or (not lock.exists() and _age(path) > 60):
                shutil.rmtree(path, ignore_errors=True)


def remove_oldest(folder: Path, limit: int, keep: Path) -> None:
    """Remove the entries and indexes that were used longest ago until the rest is within `limit` bytes."""
    items = [path for path in _inside(folder / "pictures") if _ENTRY.fullmatch(path.name)]
    items += _inside(folder / "index")
    sizes = {path: _size(path) for path in items}
    total = sum(sizes.values())
    for path in sorted(items, key=_last_used):
        if total <= limit:
            return
        if path != keep:
            with contextlib.suppress(OSError):  # what can't be removed stays
                discard(path)
                total -= sizes[path]


def discard(path: Path) -> None:
    """Remove an entry or index: first its name, so that nobody finds half of it."""
    away = path.with_name(f"{path.name}.removed-{os.getpid()}-{os.urandom(3).hex()}")
    try:
        path.rename(away)
    except FileNotFoundError:
        return  # another process was quicker
    if away.is_dir():
        shutil.rmtree(away, ignore_errors=True)
    else:
        away.unlink(missing_ok=True)


@contextlib.contextmanager
def storage_errors(folder: Path, needed: int) -> Iterator[None]:
    """Whatever the disk refuses inside becomes a StorageError about the cache."""
    try:
        yield
    except PellucidError:
        raise
    except OSError as error:
        away = "set PELLUCID_CACHE to a folder on another disk"
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageError(
                "There is no space for the picture cache",
                where=shown(folder),
                received=f"{needed:,} bytes needed, {_free(folder):,} free",
                remedy=f"free some space there, or {away}",
            ) from error
        path = error.filename if isinstance(error.filename, str) else folder
        raise storage_error(error, path, remedy=away) from error


def _write_flushed(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _inside(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _last_used(path: Path) -> float:
    try:
        return (path / "meta.json" if path.is_dir() else path).stat().st_mtime
    except OSError:
        return 0.0


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0


def _size(path: Path) -> int:
    try:
        return sum(file.stat().st_size for file in (path.iterdir() if path.is_dir() else [path]))
    except OSError:
        return 0


def _free(folder: Path) -> int:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free
