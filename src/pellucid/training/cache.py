"""All pictures of a source at the network's size, as one array: prepared once, then found again on disk."""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL
from numpy.typing import NDArray

from pellucid.errors import DataError
from pellucid.images.contents import (
    Contents,
    content_of_files,
    file_state,
    read_unknown,
    remembered,
    state_of,
    write_index,
)
from pellucid.images.formats import KINDS
from pellucid.images.jpeg import decoder_version
from pellucid.images.reading import VERSION as READING
from pellucid.images.reading import Pixels, decode_picture, picture_digests, read_file
from pellucid.images.sources import ArraySource, FileSource, Source
from pellucid.images.threads import Progress, in_threads
from pellucid.storage import cache_folder, shown
from pellucid.training import cache_store as store

Prepare = Callable[[Pixels], Pixels]


@dataclass(frozen=True, eq=False)
class Cache:
    """The pictures of a source, ready for a network, in the source's order.

    `pixels` uint8 [n, h, w, c] (a read-only map of a file above 1 GB); `digests` uint8 [n, 16], equal for
    pictures with the same pixels before preparing; `readable` bool [n]; `unreadable`, (path, reason) of each
    picture that could not be read, whose pixels are zeros; `fingerprint` of the source; `folder` on disk, if
    any; `filled`, whether it had to be filled now.
    """

    pixels: Pixels
    digests: NDArray[np.uint8]
    readable: NDArray[np.bool_]
    unreadable: tuple[tuple[str, str], ...]
    fingerprint: str
    folder: Path | None
    filled: bool


def open_cache(
    source: Source,
    prepare: Prepare | None,
    key_extra: str,
    shape: tuple[int, int, int],
    progress: Progress | None = None,
    folder: str | os.PathLike | None = None,
) -> Cache:
    """Every picture of `source` through `prepare`, from the disk if that was done before.

    `prepare` takes uint8 [k, H, W, 1 or 3] and gives uint8 [k, *shape]; it is called from several threads
    with k = 1 for files, and up to 256 for arrays. None: the source is an array of that shape already, and is
    used as it is, without any file. `key_extra` says what `prepare` does: another text is another entry.
    `progress(done, n)` runs from 0 to n once for reading what has changed and once for filling; both are one
    where no earlier entry could turn out to hold these pictures.

    A second call with equal pictures, wherever they lie now, finds the first one's entry. An entry that is
    not as it was written is discarded and filled anew. `folder`: see storage.cache_folder.

    Raises StorageError if the disk refuses, DataError if a file changes while it is read or no picture can be
    read at all; a single bad picture is no error but listed in `unreadable`.
    """
    if prepare is None:
        return _as_it_is(source, shape, progress)
    root = cache_folder(folder)
    limit = store.cache_limit()
    pictures, about = root / "pictures", _about(source, key_extra, shape)
    known = _known_before(source, root, pictures, about, progress)
    content = None if len(known.unread) else _content(source, known.contents)
    entry = None
    if content is not None:
        entry = store.load_entry(pictures / store.entry_name(about, content), len(source), shape)
    filled = entry is None
    if content is None or entry is None:
        with store.storage_errors(root, needed=len(source) * int(np.prod(shape))):
            entry, content = _filled(source, known, prepare, shape, pictures, about, progress)
    place = pictures / store.entry_name(about, content)
    store.mark_used(place)
    if filled:
        store.remove_oldest(root, limit, keep=place)
    readable = np.ones(len(source), dtype=bool)
    readable[list(entry.reasons)] = False
    unreadable = tuple((source.path(i), reason) for i, reason in sorted(entry.reasons.items()))
    fingerprint = source.fingerprint_from(content)
    return Cache(entry.pixels, entry.digests, readable, unreadable, fingerprint, place, filled)


def _as_it_is(source: Source, shape: tuple[int, int, int], progress: Progress | None) -> Cache:
    if not isinstance(source, ArraySource) or source.pixels.shape[1:] != shape:
        raise ValueError(f"prepare=None needs arrays of the shape {shape}")
    digests = source.digests(progress)
    readable = np.ones(len(source), dtype=bool)
    return Cache(source.pixels, digests, readable, (), source.fingerprint, None, True)


@dataclass(frozen=True, eq=False)
class _Known:
    """What is known of a source's files before the entry is looked for: of arrays nothing has to be.

    `unread`: the places of those whose hashes are not in `contents` yet; they are hashed while they are decoded.
    """

    contents: Contents | None
    unread: NDArray[np.int64]
    index: Path | None


def _known_before(
    source: Source, root: Path, pictures: Path, about: str, progress: Progress | None
) -> _Known:
    none = np.zeros(0, np.int64)
    if not isinstance(source, FileSource):
        return _Known(None, none, None)
    index = root / "index" / f"{hashlib.sha256(os.fsencode(source.root)).hexdigest()[:32]}.npz"
    contents, unread = remembered(source.root, source.paths, index)
    if len(unread) and store.may_hold(pictures, about):  # there may be nothing to decode
        read_unknown(source.root, source.paths, contents, unread, index, progress)
        unread = none
    store.mark_used(index)
    return _Known(contents, unread, index)


def _about(source: Source, key_extra: str, shape: tuple[int, int, int]) -> str:
    decoder = ""
    if isinstance(source, FileSource):
        decoder = (PIL.__version__, decoder_version(), READING, source.max_pixels)
    return json.dumps([store.VERSION, decoder, len(source), shape, key_extra])


def _content(source: Source, contents: Contents | None) -> bytes:
    if isinstance(source, ArraySource):
        return source.content()
    assert contents is not None
    return content_of_files(row.tobytes() for row in contents.hashes)


def _filled(
    source: Source,
    known: _Known,
    prepare: Prepare,
    shape: tuple[int, int, int],
    pictures: Path,
    about: str,
    progress: Progress | None,
) -> tuple[store.Entry, bytes]:
    """Fill an entry and give it its name; it, and the content that is in the name."""
    pictures.mkdir(parents=True, exist_ok=True)
    store.remove_leftovers(pictures)
    partial = store.Partial(pictures, len(source), shape)
    try:
        digests = np.zeros((len(source), 16), dtype=np.uint8)
        reasons: dict[int, str] = {}
        with partial.pixel_file() as file:

            def add(first: int, batch: Pixels) -> None:
                rows = _prepared(prepare, batch, shape)
                file.write(first, rows)
                digests[first : first + len(batch)] = picture_digests(batch)

            if isinstance(source, FileSource):
                _add_files(source, known, add, reasons, progress)
            elif isinstance(source, ArraySource):
                source.in_batches(add, progress)
        if len(reasons) == len(source):
            raise _none_readable(source, reasons)
        partial.finish(digests, reasons)
        content = _content(source, known.contents)
        return partial.publish(pictures / store.entry_name(about, content)), content
    finally:
        partial.close()


def _add_files(
    source: FileSource,
    known: _Known,
    add: Callable[[int, Pixels], None],
    reasons: dict[int, str],
    progress: Progress | None,
) -> None:
    contents = known.contents
    assert contents is not None
    unread = np.zeros(len(source), dtype=bool)
    unread[known.unread] = True

    def add_file(i: int) -> None:
        file, expected = source.file(i), tuple(contents.states[i].tolist())
        try:
            data, state = read_file(file)
        except DataError as error:
            if contents.hashes[i].any() or (unread[i] and file_state(file) != expected):
                raise _changed(file) from error
            reasons[i] = error.what
            return
        if unread[i]:
            contents.hashes[i] = np.frombuffer(hashlib.sha256(data).digest(), dtype=np.uint8)
            if file_state(file) != expected:
                raise _changed(file)
        elif state_of(state) != expected and hashlib.sha256(data).digest() != contents.hashes[i].tobytes():
            raise _changed(file)
        try:
            add(i, decode_picture(data, shown(file), source.max_pixels)[None])
        except DataError as error:
            if isinstance(
                error.__cause__, MemoryError
            ):  # says nothing about the picture: don't write it down
                raise
            reasons[i] = error.what

    in_threads(len(source), add_file, progress)
    if known.index and len(known.unread):
        write_index(known.index, source.paths, contents)


def _prepared(prepare: Prepare, batch: Pixels, shape: tuple[int, int, int]) -> Pixels:
    result = prepare(batch)
    if result.shape != (len(batch), *shape) or result.dtype != np.uint8:
        raise ValueError(f"prepare gave {result.dtype} {result.shape}, not uint8 {(len(batch), *shape)}")
    return result


def _changed(file: str) -> DataError:
    return DataError(
        "A picture changed while the pictures were being read",
        where=shown(file),
        remedy="run again when nothing writes into this folder",
    )


def _none_readable(source: Source, reasons: dict[int, str]) -> DataError:
    return DataError(
        "None of the pictures can be read",
        where=source.where,
        received=f"{len(source):,} files; {shown(source.path(0))}: {reasons[0]}",
        remedy=f"check that these are {KINDS} pictures",
    )
