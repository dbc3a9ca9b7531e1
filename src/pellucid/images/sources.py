"""Where pictures come from: a Source lists them with their classes and reads them one by one."""

import hashlib
import json
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import DataError
from pellucid.images.contents import content_of_files, full_path, hash_file
from pellucid.images.reading import MAX_PIXELS, Pixels, picture_digests, read_picture
from pellucid.images.threads import Progress, in_threads
from pellucid.storage import shown

Labels = NDArray[np.int64]

PARTS = ("train", "validation", "test")
_DIGESTED = 8 << 20  # bytes at a time: each waits for Python's lock once


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Source(ABC):
    """Labelled pictures, n of them, always in the same order.

    `name` for the screen; `where` they lie; `classes` in their order (see class_order); `labels` int64 [n],
    places in `classes`; `parts` [n], each "train", "validation" or "test" if the source is divided by its
    maker, else ""; `left_out`, the (path, reason) of whatever was found and isn't used; `final`, whether the parts
    stay exactly as they are, so that no validation or test part is taken off train.
    """

    name: str
    where: str
    classes: tuple[str, ...]
    labels: Labels
    parts: NDArray[np.str_]
    left_out: tuple[tuple[str, str], ...] = field(default=())
    final: bool = False
    kind: ClassVar[Literal["files", "arrays"]]

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.describe()}>"

    @abstractmethod
    def read(self, index: int) -> Pixels:
        """Picture `index` as uint8 [height, width, channels], full size. Raises DataError."""

    @abstractmethod
    def path(self, index: int) -> str:
        """What picture `index` is called in tables: its path below the folder, or its place in the array."""

    @abstractmethod
    def describe(self) -> str:
        """One line for the screen."""

    @abstractmethod
    def content(self) -> bytes:
        """A digest of all pictures in their order. For files this reads every one."""

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the classes, the labels and the pictures' contents, in hexadecimal."""
        return self.fingerprint_from(self.content())

    def fingerprint_from(self, content: bytes) -> str:
        """The fingerprint, for a caller who knows `content()` already."""
        digest = hashlib.sha256(json.dumps(self.classes).encode() + b"\0")
        digest.update(self.labels.astype("<i8").tobytes())
        digest.update(content)
        return digest.hexdigest()

    def _counts(self) -> str:
        return f"{self.name} · {counted(len(self), 'picture')}"


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class FileSource(Source):
    """Pictures in files; `paths` are relative to the folder `root` or absolute, with the system's separators.

    A picture of more than `max_pixels` is not read.
    """

    root: str
    paths: tuple[str, ...]
    max_pixels: int = MAX_PIXELS
    kind = "files"

    def read(self, index: int) -> Pixels:
        return read_picture(self.file(index), max_pixels=self.max_pixels)

    def path(self, index: int) -> str:
        return self.paths[index].replace(os.sep, "/")

    def file(self, index: int) -> str:
        """The full path of picture `index`."""
        return full_path(self.root, self.paths[index])

    def describe(self) -> str:
        return f"{self._counts()} · {len(self.classes)} classes"

    def content(self) -> bytes:
        return content_of_files(hash_file(self.file(index))[0] for index in range(len(self)))


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ArraySource(Source):
    """Pictures in memory: `pixels` uint8 [n, height, width, channels]."""

    pixels: Pixels
    kind = "arrays"

    def read(self, index: int) -> Pixels:
        return self.pixels[index]

    def path(self, index: int) -> str:
        return str(index)

    def describe(self) -> str:
        _, height, width, channels = self.pixels.shape
        colours = "grey" if channels == 1 else "colour"
        return f"{self._counts()} {height}x{width} {colours} · {len(self.classes)} classes"

    def digests(self, progress: Progress | None = None) -> NDArray[np.uint8]:
        """uint8 [n, 16]: picture_digest of each, taken once; `progress(done, n)` follows it."""
        found: NDArray[np.uint8] | None = self.__dict__.get("_digests")
        if found is None:
            found = np.empty((len(self), 16), np.uint8)
            some = max(_DIGESTED // max(self.pixels[:1].nbytes, 1), 1)
            self.in_batches(partial(_note_digests, found), progress, some)
            found.flags.writeable = False
            object.__setattr__(self, "_digests", found)
        return found

    def in_batches(
        self, add: Callable[[int, Pixels], None], progress: Progress | None = None, size: int = 256
    ) -> None:
        """Call add(first, pixels [k, H, W, C]) for each batch of up to `size` pictures, from several threads."""
        count = len(self)

        def add_batch(number: int) -> None:
            first = number * size
            add(first, self.pixels[first : first + size])

        def counted(done: int, _: int) -> None:
            if progress:
                progress(min(done * size, count), count)

        in_threads(-(-count // size), add_batch, counted)

    def content(self) -> bytes:
        digest = hashlib.sha256("x".join(map(str, self.pixels.shape)).encode() + b"\0")
        for start in range(0, len(self), 4096):  # in pieces: the array may be mapped from a file
            digest.update(np.ascontiguousarray(self.pixels[start : start + 4096]).data)
        return digest.digest()


def _note_digests(digests: NDArray[np.uint8], first: int, batch: Pixels) -> None:
    digests[first : first + len(batch)] = picture_digests(batch)


def open_source(data: "str | os.PathLike | tuple | Source", max_pixels: int = MAX_PIXELS) -> Source:
    """Find the pictures and classes that `data` means.

    `data` is one of
    - "mnist": the built-in handwritten digits, also if a folder of that name exists (write ./mnist for that);
    - a folder of class folders, pictures anywhere below them;
    - a folder with train and, optionally, val (valid, validation) and test, in capitals or not, with class
      folders inside;
    - a folder with IDX files as MNIST's are called, or the path of one IDX file of pictures, whose labels
      lie beside it; .gz or not;
    - a table (.csv, .tsv) of paths and labels: see table.py;
    - an .npz file of arrays: see npz.py;
    - (images, labels): arrays [n, height, width] or [n, height, width, channels] and [n];
    - a Source, which is returned as it is.

    Only names are read here, no picture files, so a bad picture shows later; so does one of more than `max_pixels`,
    unless it is in an array. Raises DataError.
    """
    from pellucid.images.arrays import arrays_source
    from pellucid.images.builtin import mnist
    from pellucid.images.folder import folder_source
    from pellucid.images.idx import find_idx, idx_file_source, idx_source
    from pellucid.images.npz import npz_source
    from pellucid.images.table import EXTENSIONS, table_source

    if isinstance(data, Source):
        return data
    if isinstance(data, str) and data == "mnist":
        return mnist()
    if isinstance(data, (tuple, list)):
        if len(data) != 2:
            raise DataError("Arrays are given as a pair: (images, labels)", received=f"{len(data)} values")
        return arrays_source(data[0], data[1], max_pixels=max_pixels)
    if not isinstance(data, (str, os.PathLike)):
        raise DataError(
            "Data is a path, the word mnist, or a pair (images, labels)",
            received=f"a value of type {type(data).__name__}",
        )
    if not os.fspath(data):
        raise DataError(
            "The path of the data is empty", received=repr(data), remedy="give a folder, or the word mnist"
        )
    path = Path(data).expanduser()
    state = _kind_of_path(path)
    if state == "folder":
        pairs = find_idx(path)
        return idx_source(path, pairs, max_pixels=max_pixels) if pairs else folder_source(path, max_pixels)
    if path.suffix.lower() in EXTENSIONS:
        return table_source(path, max_pixels)
    if path.suffix.lower() == ".npz":
        return npz_source(path, max_pixels)
    return idx_file_source(path, max_pixels)


def class_order(names: Iterable[str]) -> tuple[str, ...]:
    """Class names in order: by number if all are numbers, else naturally, so that "a2" precedes "a10"."""
    unique = sorted(set(names))
    if all(re.fullmatch(r"[+-]?[0-9]{1,300}(\.[0-9]{1,300})?", name) for name in unique):
        return tuple(sorted(unique, key=float))
    return tuple(sorted(unique, key=_natural))


def _natural(name: str) -> list[tuple[int, str]]:
    """Text and numbers by turns; a number sorts by its length without leading zeros, then by its digits."""
    pieces = re.split(r"([0-9]+)", name.casefold())
    numbers = [piece.lstrip("0") for piece in pieces]
    return [(len(numbers[i]), numbers[i]) if i % 2 else (0, piece) for i, piece in enumerate(pieces)]


def counted(number: int, noun: str) -> str:
    """A number with its noun: 1 picture, 2,000 pictures."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(names: Sequence[str], limit: int = 5) -> str:
    """Names for a message: the first few, and how many more."""
    text = ", ".join(shown(name) for name in names[:limit])
    return text + (f" and {len(names) - limit:,} more" if len(names) > limit else "")


def check_classes(classes: tuple[str, ...], labels: Labels, parts: NDArray[np.str_], where: str) -> None:
    """At least two classes, and none that train lacks while another part has it. Raises DataError."""
    if len(classes) < 2:
        raise DataError(
            "There is only one class, and a classifier needs two or more",
            where=where,
            received=f"{counted(len(labels), 'picture')}, all of class {listed(classes)}",
            remedy="add pictures of at least one other class",
        )
    in_train = np.unique(labels[parts == "train"])
    for part in ("test", "validation"):
        lacking = np.setdiff1d(labels[parts == part], in_train)
        if len(lacking):
            only, trained = ([classes[i] for i in places.tolist()] for places in (lacking, in_train))
            raise DataError(
                f"These classes are in {part} but not in train",
                where=where,
                received=f"only in {part}: {listed(only)}; in train: {listed(trained)}",
                remedy=f"name the classes alike in both (capitals count), or remove these from {part}",
            )


def _kind_of_path(path: Path) -> Literal["file", "folder"]:
    try:
        if path.is_dir():
            return "folder"
        if path.exists():
            return "file"
    except OSError as error:
        raise DataError(f"This can't be opened ({error.strerror})", where=shown(path)) from error
    except ValueError as error:
        raise DataError("This is no path", where=shown(path)) from error
    raise DataError("There is no such folder", where=shown(path), remedy=_nearby(path))


def _nearby(path: Path) -> str:
    """What was perhaps meant: a name much like it in the same folder."""
    import difflib

    parent = path.absolute().parent
    if not parent.is_dir():
        return f"{shown(parent)} doesn't exist either: check the path"
    try:
        names = [entry.name for entry in parent.iterdir() if entry.is_dir()]
    except OSError:
        names = []
    if str(path).lower() == "mnist":
        names = ["mnist", *names]
    near = difflib.get_close_matches(path.name.lower(), {name.lower(): name for name in names}, n=1)
    exact = [name for name in names if near and name.lower() == near[0]]
    if not exact:
        return "check the spelling, or give the folder's full path"
    return f"did you mean {shown(exact[0] if exact[0] == 'mnist' else path.with_name(exact[0]))}?"
