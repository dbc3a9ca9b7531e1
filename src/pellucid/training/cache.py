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
from pellucid.images.contents import Contents, content_of_files, file_contents, state_of
from pellucid.images.formats import KINDS
from pellucid.images.jpeg import decoder_version
from pellucid.images.reading import VERSION as READING
from pellucid.images.reading import Pixels, decode_picture, picture_digest, read_file
from pellucid.images.sources import ArraySource, FileSource, Source
from pellucid.images.threads import Progress, in_threads
from pellucid.storage import shown
from pellucid.training import cache_store as store

Prepare = Callable[[Pixels], Pixels]

BATCH = 256


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
    `progress(done, n)` runs from 0 to n once for reading what has changed and once for filling.

    A second call with equal pictures, wherever they lie now, finds the first one's entry. An entry that is
    not as it was written is discarded and filled anew. `folder`: see cache_store.cache_folder.

    Raises StorageError if the disk refuses, DataError if a file changes while it is read or no picture can be
    read at all; a single bad picture is no error but listed in `unreadable`.
    """
    if prepare is None:
        return _as_it_is(source, shape, progress)
    root = store.cache_folder(folder)
    limit = store.cache_limit()
    contents = None
    if isinstance(source, FileSource):
        index = root / "index" / f"{hashlib.sha256(os.fsencode(source.root)).hexdigest()[:32]}.npz"
        contents = file_contents(source.root, source.paths, index, progress)
        store.mark_used(index)
        content = content_of_files(row.tobytes() for row in contents.hashes)
    else:
        content = source.content()
    place = root / "pictures" / _key(source, content, key_extra, shape)
    entry = store.load_entry(place, len(source), shape)
    filled = entry is None
    if entry is None:
        entry = _filled(source, contents, prepare, shape, place, progress)
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
    digests = np.zeros((len(source), 16), dtype=np.uint8)
    in_batches(source, lambda first, batch: _note_digests(digests, first, batch), progress)
    readable = np.ones(len(source), dtype=bool)
    return Cache(source.pixels, digests, readable, (), source.fingerprint, None, True)


def _key(source: Source, content: bytes, key_extra: str, shape: tuple[int, int, int]) -> str:
    decoder = ""
    if isinstance(source, FileSource):
        decoder = (PIL.__version__, decoder_version(), READING, source.max_pixels)
    about = [store.VERSION, decoder, len(source), shape, key_extra]
    return hashlib.blake2b(json.dumps(about).encode() + b"\0" + content, digest_size=16).hexdigest()


def _filled(
    source: Source,
    contents: Contents | None,
    prepare: Prepare,
    shape: tuple[int, int, int],
    place: Path,
    progress: Progress | None,
) -> store.Entry:
    """Fill an entry and give it its name."""
    needed = len(source) * int(np.prod(shape))
    with store.storage_errors(place.parent.parent, needed):
        place.parent.mkdir(parents=True, exist_ok=True)
        store.remove_leftovers(place.parent)
        partial = store.Partial(place, len(source), shape)
        try:
            digests = np.zeros((len(source), 16), dtype=np.uint8)
            reasons: dict[int, str] = {}
            with partial.pixel_file() as file:

                def add(first: int, batch: Pixels) -> None:
                    rows = _prepared(prepare, batch, shape)
                    file.write(first, rows)
                    _note_digests(digests, first, batch)

                if isinstance(source, FileSource) and contents is not None:
                    _add_files(source, contents, add, reasons, progress)
                elif isinstance(source, ArraySource):
                    in_batches(source, add, progress)
            if len(reasons) == len(source):
                raise _none_readable(source, reasons)
            partial.finish(digests, reasons)
            return partial.publish()
        finally:
            partial.close()


def _add_files(
    source: FileSource,
    contents: Contents,
    add: Callable[[int, Pixels], None],
    reasons: dict[int, str],
    progress: Progress | None,
) -> None:
    def add_file(i: int) -> None:
        known = contents.hashes[i]
        try:
            data, state = read_file(source.file(i))
        except DataError as error:
            if known.any():
                raise _changed(source.file(i)) from error
            reasons[i] = error.what
            return
        same = state_of(state) == tuple(contents.states[i].tolist())
        if not same and hashlib.sha256(data).digest() != known.tobytes():
            raise _changed(source.file(i))
        try:
            add(i, decode_picture(data, shown(source.file(i)), source.max_pixels)[None])
        except DataError as error:
            if isinstance(
                error.__cause__, MemoryError
            ):  # says nothing about the picture: don't write it down
                raise
            reasons[i] = error.what

    in_threads(len(source), add_file, progress)


def in_batches(source: ArraySource, add: Callable[[int, Pixels], None], progress: Progress | None) -> None:
    """Call add(first, pixels [k, H, W, C]) for each batch of up to 256 pictures, from several threads."""
    count = len(source)

    def add_batch(number: int) -> None:
        first = number * BATCH
        add(first, source.pixels[first : first + BATCH])

    def counted(done: int, _: int) -> None:
        if progress:
            progress(min(done * BATCH, count), count)

    in_threads(-(-count // BATCH), add_batch, counted)


def _note_digests(digests: NDArray[np.uint8], first: int, batch: Pixels) -> None:
    for i, pixels in enumerate(batch, start=first):
        digests[i] = np.frombuffer(picture_digest(pixels), dtype=np.uint8)


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
