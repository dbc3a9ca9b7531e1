"""IDX files, the format that MNIST came in: a short big-endian header, then bytes.

Header: two zero bytes, the type (8 = unsigned byte), the number of axes, then 4 bytes for each axis's
length. Source: http://yann.lecun.com/exdb/mnist, "The IDX file format".
"""

import os
import re
import zlib
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NoReturn

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import DataError
from pellucid.images.gunzip import gunzipped
from pellucid.images.reading import MAX_PIXELS, is_picture_name
from pellucid.images.sources import PARTS, ArraySource, check_classes, class_order, listed
from pellucid.storage import shown

MAX_VALUES = 1 << 34
_DEFLATE_LIMIT = 1040  # deflate never shrinks by more (zlib's technical notes: 1032 to 1)
_IMAGES_NAME = re.compile(r"(.*)images([-._]?)idx[34](.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class IdxPair:
    """A file of pictures, its file of labels, and the part that their name tells ("" if none)."""

    images: Path
    labels: Path
    part: str


def find_idx(folder: Path) -> list[IdxPair]:
    """The pairs of IDX files in a folder, in the order of PARTS; maybe none. Raises DataError."""
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if not entry.name.startswith("."))
    except OSError:
        return []  # the folder's own reader says what is wrong
    found: dict[str, IdxPair] = {}
    for name in names:
        match = _IMAGES_NAME.fullmatch(name)
        if not match or not (folder / name).is_file():
            continue
        part = _part(name)
        rivals = [pair for known, pair in found.items() if known == part or "" in (known, part)]
        other = rivals[0] if rivals else None
        if other is None:
            found[part] = IdxPair(folder / name, _labels_beside(folder / name), part)
        elif name.removesuffix(".gz") != other.images.name.removesuffix(".gz"):
            raise DataError(
                "Which of these IDX files is meant?",
                where=shown(folder),
                received=f"{shown(other.images.name)} and {shown(name)}",
                remedy=f"give the one that you mean: {shown(folder / name)}",
            )
    if found and "" not in found and "train" not in found:
        raise DataError(
            "There are no IDX files of pictures to train on here",
            where=shown(folder),
            received=listed([pair.images.name for pair in found.values()]),
            remedy="put train-images-idx3-ubyte and train-labels-idx1-ubyte beside it",
        )
    return [found[part] for part in ("", *PARTS) if part in found]


def idx_file_source(path: Path, max_pixels: int = MAX_PIXELS) -> ArraySource:
    """A Source from one IDX file of pictures, whose labels lie beside it. Raises DataError."""
    if not _IMAGES_NAME.fullmatch(path.name):
        raise DataError(
            "This is a file, and a folder is wanted",
            where=shown(path),
            remedy=f"give the folder that holds the class folders{_such_as(path)}; "
            "of files, only tables (.csv, .tsv), .npz and IDX files are read, IDX files named like "
            "train-images-idx3-ubyte",
        )
    return idx_source(path, [IdxPair(path, _labels_beside(path), "")], max_pixels=max_pixels)


def idx_source(
    where: Path, pairs: list[IdxPair], name: str = "", max_pixels: int = MAX_PIXELS
) -> ArraySource:
    """A Source from pairs of IDX files, with the maker's parts if there are several. Raises DataError."""
    with ExitStack() as stack:
        images = [_IdxFile(pair.images, (3, 4), stack, max_pixels) for pair in pairs]
        labels = [_IdxFile(pair.labels, (1,), stack) for pair in pairs]
        for picture_file, label_file in zip(images, labels, strict=True):
            _check_pair(picture_file, label_file, images[0])
        counts = [file.shape[0] for file in images]
        _check_size(sum(images_file.bytes for images_file in images), images[0])
        height, width, *channels = images[0].shape[1:]
        pixels = np.empty((sum(counts), height, width, *(channels or [1])), dtype=np.uint8)
        values = np.empty(sum(counts), dtype=np.uint8)
        starts = np.cumsum([0, *counts])
        for i in range(len(pairs)):
            images[i].read_into(pixels[starts[i] : starts[i + 1]])
            labels[i].read_into(values[starts[i] : starts[i + 1]])
    present = np.unique(values)
    classes = class_order(str(value) for value in present)
    parts = np.repeat([pair.part if len(pairs) > 1 else "" for pair in pairs], counts).astype("<U10")
    places = np.searchsorted(present, values).astype(np.int64)
    check_classes(classes, places, parts, shown(where))
    pixels.flags.writeable = False
    title = name or (where.absolute().name if where.is_dir() else where.name)
    return ArraySource(
        name=shown(title), where=shown(where), classes=classes, labels=places, parts=parts, pixels=pixels
    )


class _IdxFile:
    """An open IDX file, its header read and checked, its size held against what the header says."""

    def __init__(self, path: Path, axes: tuple[int, ...], stack: ExitStack, max_pixels: int = MAX_PIXELS):
        self.path = path
        try:
            raw = stack.enter_context(path.open("rb"))
            self.zipped = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            self.size = os.fstat(raw.fileno()).st_size
        except OSError as error:
            raise DataError(f"This file can't be read ({error.strerror})", where=shown(path)) from error
        self.file: IO[bytes] = gunzipped(raw) if self.zipped else raw
        magic = self._take(4, "magic number")
        if magic[:2] != b"\0\0" or magic[2] != 8 or magic[3] not in axes:
            expected = " or ".join(f"0x{0x800 + number:08x}" for number in axes)
            self._fail("magic number", f"0x{magic.hex()}; expected {expected}")
        shape: list[int] = []
        fields = ("number of pictures", "rows", "columns", "channels")
        for name in fields[: magic[3]] if axes != (1,) else ("number of labels",):
            length = int.from_bytes(self._take(4, name), "big")
            if length == 0:
                self._fail(name, "0; expected at least 1")
            shape.append(length)
        self.shape = tuple(shape)
        self.bytes = int(np.prod(self.shape, dtype=object))
        if axes != (1,):
            if self.shape[1] * self.shape[2] > max_pixels:
                self._fail("rows x columns", f"{self.shape[1]:,} x {self.shape[2]:,}; at most {max_pixels:,}")
            if len(self.shape) == 4 and self.shape[3] not in (1, 3):
                self._fail("channels", f"{self.shape[3]:,}; expected 1 or 3")
        self._check_length(4 + 4 * len(self.shape))

    def read_into(self, target: NDArray[np.uint8]) -> None:
        """Fill a contiguous array of the header's size; the file must end there."""
        view = target.reshape(-1).data
        got = 0
        try:
            while got < len(view):
                count = self.file.readinto(view[got : got + (1 << 24)])  # type: ignore[attr-defined]
                if not count:
                    break
                got += count
            more = self.file.read(1)
        except (OSError, EOFError, zlib.error) as error:
            self._fail_reading(error)
        if got < len(view) or more:
            has = f"{'more than ' if more else ''}{got:,}"
            self._fail("size", f"{has} bytes of values; the header says {self._said()}")

    def _said(self) -> str:
        return f"{' x '.join(f'{length:,}' for length in self.shape)} = {self.bytes:,}"

    def _check_length(self, header: int) -> None:
        if not self.zipped and self.size != header + self.bytes:
            self._fail("size", f"{self.size - header:,} bytes of values; the header says {self._said()}")
        if self.zipped and self.bytes > self.size * _DEFLATE_LIMIT:
            self._fail("size", f"{self.size:,} bytes, compressed; too few for the header's {self._said()}")

    def _take(self, count: int, name: str) -> bytes:
        try:
            data = self.file.read(count)
        except (OSError, EOFError, zlib.error) as error:
            self._fail_reading(error)
        if len(data) < count:
            self._fail(name, f"the file ends after {len(data)} of its {count} bytes")
        return data

    def _fail(self, name: str, received: str) -> NoReturn:
        raise DataError(
            f"This IDX file is not as it should be: {name}",
            where=shown(self.path),
            received=received,
            remedy="fetch the file again",
        )

    def _fail_reading(self, error: Exception) -> NoReturn:
        kind = "cut short" if isinstance(error, EOFError) else "damaged"
        raise DataError(
            f"This compressed file is {kind}",
            where=shown(self.path),
            received=str(error),
            remedy="fetch the file again",
        ) from error


def _check_pair(images: _IdxFile, labels: _IdxFile, first: _IdxFile) -> None:
    if images.shape[0] != labels.shape[0]:
        raise DataError(
            "The number of labels differs from the number of pictures",
            where=f"{shown(images.path)} and {shown(labels.path.name)}",
            received=f"{images.shape[0]:,} pictures, {labels.shape[0]:,} labels",
            remedy="put the two files of one set side by side",
        )
    if images.shape[1:] != first.shape[1:]:
        sizes = ["x".join(map(str, file.shape[1:])) for file in (images, first)]
        raise DataError(
            "The pictures of the two files differ in size",
            where=f"{shown(images.path)} and {shown(first.path.name)}",
            received=f"{sizes[0]} and {sizes[1]}",
            remedy="give files of one set",
        )


def _check_size(total: int, first: _IdxFile) -> None:
    if total > MAX_VALUES:
        raise DataError(
            "These pictures are too many to hold in memory",
            where=shown(first.path),
            received=f"{total:,} bytes; the limit is {MAX_VALUES:,}",
            remedy="save them as picture files in class folders",
        )


def _such_as(path: Path) -> str:
    """For a picture, the folder above its class folder."""
    return f", such as {shown(path.parent.parent)}" if is_picture_name(path.name) and path.parent.name else ""


def _part(name: str) -> str:
    match = re.search(r"(?<![a-z])(train|val|t10k|test)", name, re.IGNORECASE)
    return {"train": "train", "val": "validation"}.get(match[1].lower(), "test") if match else ""


def _labels_beside(images: Path) -> Path:
    match = _IMAGES_NAME.fullmatch(images.name)
    assert match
    start, dash, rest = match.groups()
    wanted = f"{start}labels{dash}idx1{rest}"
    plain = wanted.removesuffix(".gz")
    for name in (wanted, plain, plain + ".gz"):
        if (images.parent / name).is_file():
            return images.parent / name
    raise DataError(
        "The labels of these pictures are missing",
        where=shown(images),
        received=f"no {shown(plain)} or {shown(plain)}.gz beside it",
        remedy="put the file of labels into the same folder",
    )
