"""`.npz` files: NumPy arrays of pictures and labels in one ZIP file, as Keras and MedMNIST give them out.

Read are the members x, y (or images, labels); x_train, y_train, x_test, y_test and, if there, x_val, y_val, as in
Keras' mnist.npz; train_images, train_labels, val_images … as in MedMNIST. Never pickles.

Nothing is inflated before the sizes are known from the headers: an array is at most 16 GiB, and no array above
256 MB may be more than 200 times its compressed size. One array of uint8, not compressed, stays in its file (a
read-only map); whatever else comes above 1 GB goes through a temporary file that is deleted already, and never
into memory as a whole. Checksums are held against what was read.

Source: numpy.lib.format (NEP 1), PKWARE's APPNOTE.TXT 6.3.9, section 4.3.7.
"""

import math
import os
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NoReturn

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from pellucid.errors import DataError
from pellucid.images.arrays import Shades, labelled, picture_shape_of, shades_of
from pellucid.images.reading import MAX_PIXELS, Pixels
from pellucid.images.sources import ArraySource, counted, listed
from pellucid.storage import shown, storage_error

MAX_VALUES = 1 << 34
MAP_ABOVE = 1 << 30
MAX_MEMBERS = 1000
BOMB_ABOVE = 1 << 28
BOMB_RATIO = 200

_PIECE = 1 << 24
_PAIRS = (("x", "y"), ("X", "y"), ("images", "labels"), ("data", "labels"), ("data", "target"))
_PARTS = (("train", "train"), ("val", "validation"), ("valid", "validation"), ("test", "test"))


def npz_source(path: Path, max_pixels: int = MAX_PIXELS) -> ArraySource:
    """A Source from an .npz file, with the maker's parts if its names tell them. Raises DataError, StorageError."""
    try:
        with path.open("rb") as file:
            return _source(path, file, max_pixels)
    except DataError:
        raise
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        struct.error,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise DataError(
            "This .npz file is damaged or cut short", where=shown(path), received=str(error)[:200],
            remedy="fetch the file again",
        ) from error  # fmt: skip
    except OSError as error:
        raise DataError(f"This file can't be read ({error.strerror or error})", where=shown(path)) from error


def _source(path: Path, file: IO[bytes], max_pixels: int) -> ArraySource:
    _check_count(path, file)
    with zipfile.ZipFile(file) as archive:
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        found = _pairs(path, members)
        images = [_Member(path, file, archive, members[pair[0]]) for pair in found]
        labels = [_Member(path, file, archive, members[pair[1]]) for pair in found]
        shapes = [picture_shape_of(member.shape, max_pixels, member.where) for member in images]
        for shape, member in zip(shapes, images, strict=True):
            if shape[1:] != shapes[0][1:]:
                sizes = ["x".join(map(str, other[1:])) for other in (shapes[0], shape)]
                raise DataError(
                    "The pictures of the two arrays differ in size", where=member.where,
                    received=f"{sizes[0]} and {sizes[1]}", remedy="give pictures of one size",
                )  # fmt: skip
        kinds = listed(sorted({str(member.dtype) for member in images}))
        if "," in kinds:
            raise DataError("The arrays of pictures differ in type", where=shown(path), received=kinds,
                            remedy="give all of them as uint8, 0 to 255")  # fmt: skip
        for pictures, names in zip(images, labels, strict=True):
            _check_pair(pictures, names)
        values = [member.array() for member in labels]
        pixels = _pixels(images, shapes)
    counts = [shape[0] for shape in shapes]
    parts = np.repeat([pair[2] for pair in found], counts).astype("<U10")
    return labelled(pixels, values, parts, name=shown(path.stem), where=shown(path))


def _pairs(path: Path, members: dict[str, zipfile.ZipInfo]) -> list[tuple[str, str, str]]:
    """(images, labels, part) by the members' names. Raises DataError."""
    for images, labels in _PAIRS:
        if images in members and labels in members:
            return [(images, labels, "")]
    for style in ("x_{0} y_{0}", "{0}_images {0}_labels"):
        found: list[tuple[str, str, str]] = []
        for name, part in _PARTS:
            images, labels = style.format(name).split()
            if images in members and labels in members and part not in [pair[2] for pair in found]:
                found.append((images, labels, part))
        if found and found[0][2] == "train":
            return found if len(found) > 1 else [(found[0][0], found[0][1], "")]
    raise DataError(
        "Which arrays of this file are the pictures and the labels?", where=shown(path),
        received=listed(list(members), 10) or "no arrays",
        remedy="name them x and y, or x_train, y_train, x_test, y_test: "
        "numpy.savez('file.npz', x=images, y=labels)",
    )  # fmt: skip


class _Member:
    """An array inside the file: its header read and checked, its values not yet."""

    def __init__(self, path: Path, file: IO[bytes], archive: zipfile.ZipFile, info: zipfile.ZipInfo):
        self.path, self.file, self.archive, self.info = path, file, archive, info
        self.where = f"{shown(path)}, {shown(info.filename)}"
        self.stored = info.compress_type == zipfile.ZIP_STORED
        if info.flag_bits & 1:
            self._fail("it is encrypted")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            self._fail("it is compressed in a way that NumPy doesn't write")
        with archive.open(info) as raw:
            try:
                version = npy.read_magic(raw)
                read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
                self.shape, self.fortran, self.dtype = read(raw)
                self.start = raw.tell()
            except ValueError as error:
                self._fail(f"its header: {' '.join(str(error).split())[:120]}", error)
        if self.dtype.hasobject:
            raise DataError(
                "This array holds Python objects, and those are never read", where=self.where,
                received=f"type {self.dtype}", remedy="save plain numbers: numpy.asarray(x, dtype='uint8')",
            )  # fmt: skip
        self.bytes = math.prod(self.shape) * self.dtype.itemsize
        self._check_size()

    def _check_size(self) -> None:
        if self.start + self.bytes != self.info.file_size:
            said = f"{self.info.file_size - self.start:,} bytes of values; its header says {self.bytes:,}"
            self._fail(said)
        if self.bytes > MAX_VALUES:
            raise DataError(
                "These pictures are too many", where=self.where,
                received=f"{self.bytes:,} bytes; the limit is {MAX_VALUES:,}",
                remedy="save them as picture files in class folders",
            )  # fmt: skip
        if self.bytes > BOMB_ABOVE and self.bytes > BOMB_RATIO * self.info.compress_size:
            raise DataError(
                "This array would grow too much, like a ZIP bomb", where=self.where,
                received=f"{self.info.compress_size:,} bytes, {self.bytes:,} inflated",
                remedy="if it is what it should be, save it with numpy.savez, which doesn't compress",
            )  # fmt: skip

    def array(self) -> NDArray:
        """The array: mapped where it lies if it isn't compressed, inflated otherwise."""
        if self.stored:
            return self._mapped()
        flat = room(self.bytes)
        self.read_into(flat)
        return flat.view(self.dtype).reshape(self.shape, order="F" if self.fortran else "C")

    def read_into(self, target: NDArray[np.uint8]) -> None:
        """Inflate the values into `target`, uint8 [self.bytes]; their checksum is checked."""
        with self.archive.open(self.info) as raw:
            raw.read(self.start)
            view, got = target.data, 0
            while got < len(view):
                count = raw.readinto(view[got : got + _PIECE])  # type: ignore[attr-defined]
                if not count:
                    self._fail(f"it ends after {got:,} of {len(view):,} bytes")
                got += count
            if raw.read(1):
                self._fail("it goes on behind its end")

    def _mapped(self) -> NDArray:
        self.file.seek(self.info.header_offset)
        local = self.file.read(30)
        if len(local) < 30 or local[:4] != b"PK\x03\x04":
            self._fail("its place in the file")
        name, extra = struct.unpack_from("<HH", local, 26)
        begins = self.info.header_offset + 30 + name + extra
        size = os.fstat(self.file.fileno()).st_size
        if self.info.compress_size != self.info.file_size or begins + self.info.file_size > size:
            self._fail("its place in the file")
        whole = np.memmap(self.path, np.uint8, "r", begins, (self.info.file_size,))
        checksum = 0
        for at in range(0, len(whole), _PIECE):
            checksum = zlib.crc32(whole[at : at + _PIECE].data, checksum)
        if checksum != self.info.CRC:
            self._fail("its checksum")
        if self.bytes == 0:
            return np.empty(self.shape, self.dtype)
        order = "F" if self.fortran else "C"
        return np.memmap(self.path, self.dtype, "r", begins + self.start, self.shape, order)

    def _fail(self, how: str, error: Exception | None = None) -> NoReturn:
        raise DataError(
            "This array is not as it should be", where=self.where, received=how, remedy="fetch the file again"
        ) from error


def room(size: int) -> NDArray[np.uint8]:
    """uint8 [size] to write into: in memory, or above MAP_ABOVE mapped from a temporary file that has no name any
    more, so that it goes when the last user goes. Raises StorageError."""
    if size <= MAP_ABOVE:
        return np.empty(size, np.uint8)
    folder = os.environ.get("TMPDIR") or next(
        (name for name in ("/var/tmp",) if os.access(name, os.W_OK)), None
    )
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)  # a full disk shows here, not as a crash
            else:
                file.truncate(size)
            return np.memmap(file, np.uint8, "r+", 0, (size,))
    except OSError as error:
        raise storage_error(
            error, folder or tempfile.gettempdir(),
            remedy=f"{size:,} bytes are needed there, or in another folder: set TMPDIR",
        ) from error  # fmt: skip


def _pixels(members: Sequence[_Member], shapes: Sequence[tuple[int, int, int, int]]) -> Pixels:
    """All members' pictures as one uint8 array."""
    plain = all(member.dtype == np.uint8 and not member.fortran for member in members)
    if len(members) == 1 and plain:
        return members[0].array().reshape(shapes[0])
    shape = (sum(shape[0] for shape in shapes), *shapes[0][1:])
    target = room(math.prod(shape))
    pictures = target.reshape(shape)
    starts = np.cumsum([0, *(one[0] for one in shapes)])
    if plain:
        for i, member in enumerate(members):
            place = pictures[starts[i] : starts[i + 1]]
            if member.stored:
                place[:] = member.array().reshape(shapes[i])
            else:
                member.read_into(place.reshape(-1))
    else:
        arrays = [member.array().reshape(one) for member, one in zip(members, shapes, strict=True)]
        shades = shades_of(piece for array in arrays for piece in _pieces(array))
        _fill(pictures, arrays, shades)
    return pictures


def _fill(target: Pixels, arrays: Sequence[NDArray], shades: Shades) -> None:
    first = 0
    for array in arrays:
        for piece in _pieces(array):
            target[first : first + len(piece)] = shades(piece)
            first += len(piece)


def _pieces(array: NDArray) -> Iterator[NDArray]:
    """The array's pictures, some at a time: 16 MB of them, or one."""
    each = max(_PIECE // max(array[0].nbytes, 1), 1)
    for start in range(0, len(array), each):
        yield array[start : start + each]


def _check_pair(images: _Member, labels: _Member) -> None:
    if not labels.shape or labels.shape[0] != images.shape[0]:
        raise DataError(
            "The number of labels differs from the number of pictures", where=labels.where,
            received=f"{counted(images.shape[0], 'picture')}, labels of shape {list(labels.shape)}",
            remedy="give one label for each picture",
        )  # fmt: skip


def _check_count(path: Path, file: IO[bytes]) -> None:
    """Not so many members that their list alone is a burden."""
    size = os.fstat(file.fileno()).st_size
    file.seek(max(0, size - 65_557))
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + 22 > len(tail):
        raise DataError("This .npz file is damaged or cut short", where=shown(path),
                        received="no list of its arrays at its end", remedy="fetch the file again")  # fmt: skip
    count = struct.unpack_from("<H", tail, at + 10)[0]
    if count > MAX_MEMBERS:
        raise DataError("This .npz file holds too many arrays", where=shown(path),
                        received=f"{count:,}; the limit is {MAX_MEMBERS:,}")  # fmt: skip
    file.seek(0)
