"""Writing files so that a kill, a full disk or a pulled plug never leaves half of one; where what is kept lies."""

import errno
import os
import shlex
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from pellucid.errors import StorageError

try:
    import fcntl
except ImportError:  # Windows has none
    fcntl = None

_REMEDIES = {
    errno.ENOSPC: "free some space on that disk, or choose a folder on another one",
    errno.EDQUOT: "free some of your quota on that disk, or choose a folder on another one",
    errno.EFBIG: "choose a folder on a disk that takes larger files",
    errno.EACCES: "choose a folder that you may write to, or change its permissions",
    errno.EPERM: "choose a folder that you may write to, or change its permissions",
    errno.EROFS: "that disk can only be read: choose a folder on another one",
    errno.EIO: "the disk reports a fault: check it, and write to another one",
    errno.ENOENT: "make the folder first",
    errno.ENOTDIR: "choose a path whose folders are all folders",
    errno.EEXIST: "choose another path, or remove what stands there",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ELOOP: "choose a path whose links lead somewhere",
    errno.EMFILE: "close some files, or raise the limit (ulimit -n)",
}


def shown(path: str | bytes | os.PathLike) -> str:
    """A path on one line for the screen: line ends, bytes that are no text and the like are escaped."""
    text = os.fsdecode(path)
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in text)


def typed(path: str | bytes | os.PathLike) -> str:
    """A path as a command takes it, in quotes where a shell needs them."""
    return shlex.quote(shown(path))


def _escaped(letter: str) -> str:
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:  # how Python keeps a byte that is no text
        return f"\\x{code - 0xDC00:02x}"
    return letter.encode("unicode_escape").decode()


def storage_error(error: OSError, path: str | os.PathLike, *, remedy: str = "") -> StorageError:
    """What the disk said about `path`, as a StorageError; the remedy is the usual one unless given."""
    said = os.strerror(error.errno) if error.errno else str(error)
    return StorageError(
        f"Can't write: {said[:1].lower()}{said[1:]}",
        where=shown(path),
        remedy=remedy or _REMEDIES.get(error.errno or 0, "choose another path"),
    )


def write_atomically(path: str | os.PathLike, write: Callable[[BinaryIO], None] | bytes) -> None:
    """Write a file whole or not at all.

    The bytes (or what `write` writes) go into a temporary file in the same folder, which is flushed to the
    disk and renamed over `path`; then the folder is flushed too. Whatever stops this before the rename, a
    kill included, leaves the previous file as it was. A link is followed. Leftovers of killed writers of the
    same file are removed on the way.

    Raises StorageError naming the path if the system refuses; the temporary file is removed. What `write`
    itself raises passes through, except OSError.
    """
    try:
        target = Path(os.path.realpath(path))
        if target.exists() and not target.is_file():
            kind = errno.EISDIR if target.is_dir() else errno.EEXIST
            raise OSError(kind, os.strerror(kind))
        _remove_leftovers(target)
        temporary, descriptor = _open_temporary(target)
        try:
            with os.fdopen(descriptor, "wb") as file:
                if isinstance(write, bytes):
                    file.write(write)
                else:
                    write(file)
                file.flush()
                os.fsync(file.fileno())
                if fcntl:  # still locked while it gets its name, so nobody takes it for a leftover
                    temporary.replace(target)
            if not fcntl:  # Windows doesn't rename an open file
                temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(target.parent)
    except OSError as error:
        raise storage_error(error, path) from error


def sync_folder(folder: str | os.PathLike) -> None:
    """Flush a folder's list of names to the disk, where the system has such a thing. Raises OSError."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some file systems have none
            raise
    finally:
        os.close(descriptor)


def create_held(path: str | os.PathLike) -> int | None:
    """Create a file and hold it until its descriptor is closed, also by a kill. Raises OSError.

    None if somebody who was tidying up took it first: choose another name.
    """
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_BINARY", 0), 0o666)
    if fcntl is None:
        return descriptor
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        taken = os.fstat(descriptor).st_nlink == 0
    except BlockingIOError:
        taken = True
    except OSError:  # a file system without locks
        taken = False
    if taken:
        os.close(descriptor)
        return None
    return descriptor


def is_abandoned(path: str | os.PathLike) -> bool:
    """Whether nobody holds this file any more: its maker is gone (without locks: it is a day old)."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        if fcntl:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                return False
            except OSError:
                pass
        return time.time() - os.fstat(descriptor).st_mtime > 86_400
    finally:
        os.close(descriptor)


def _open_temporary(target: Path) -> tuple[Path, int]:
    while True:
        temporary = target.with_name(f"{_prefix(target)}{os.getpid()}-{os.urandom(4).hex()}.tmp")
        descriptor = create_held(temporary)
        if descriptor is not None:
            return temporary, descriptor


def _prefix(target: Path) -> str:
    return f".{target.name[:40]}."  # cut, so that a long name gets no longer one


def _remove_leftovers(target: Path) -> None:
    prefix = _prefix(target)
    try:
        with os.scandir(target.parent) as entries:
            leftovers = [entry.path for entry in entries if _is_temporary(entry, prefix)]
        for leftover in leftovers:
            if is_abandoned(leftover):
                Path(leftover).unlink(missing_ok=True)
    except OSError:
        pass  # tidying is a courtesy: the write itself says what is wrong


def _is_temporary(entry: os.DirEntry, prefix: str) -> bool:
    return (
        entry.name.startswith(prefix)
        and entry.name.endswith(".tmp")
        and stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode)
    )


def cache_folder(folder: str | os.PathLike | None = None) -> Path:
    """Where the cache lies: the folder given, $PELLUCID_CACHE, or the system's usual place for caches."""
    if chosen := folder or os.environ.get("PELLUCID_CACHE"):
        return Path(chosen).expanduser().absolute()
    try:
        if sys.platform == "win32":
            return (
                Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "pellucid" / "Cache"
            )
        if sys.platform == "darwin":
            return Path.home() / "Library" / "Caches" / "pellucid"
        base = os.environ.get("XDG_CACHE_HOME", "")
        return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "pellucid"
    except RuntimeError as error:
        raise StorageError(
            "There is no home folder to keep the picture cache in", remedy="set PELLUCID_CACHE to a folder"
        ) from error
