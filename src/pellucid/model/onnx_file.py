"""An ONNX file of any maker, opened without copying its weights and without running anything in it.

Large tensors are found in the file's bytes and used where they lie (VGG-16's are half a gigabyte); what is left, the
skeleton, is small enough to be handled freely. Weights in a file of their own are taken from the model's folder alone.
Source of the format: protobuf's wire encoding and onnx/onnx.proto (ModelProto.graph = 7, GraphProto.initializer = 5,
TensorProto.dims = 1, data_type = 2, name = 8, raw_data = 9).
"""

from __future__ import annotations

import mmap
import os
import stat
from collections.abc import Iterator, Mapping
from copy import copy
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from pellucid.errors import ModelError
from pellucid.model.onnx_guard import AGAIN, check_model, without_functions
from pellucid.storage import shown

SMALL = 1024  # bytes: tensors up to here stay in the skeleton, where shapes can be worked out from them
LARGEST_SKELETON = 256 << 20
MOST_FIELDS = (
    200_000  # nodes, weights, declarations: four for each of MOST_NODES; counted before they are read
)
_GRAPH, _INITIALIZER = 7, 5
_LENGTH_DELIMITED = 2
LARGEST_FILE = 2**31 - 1  # protobuf's limit
MAPPED_FROM = 64 << 20  # smaller files are read: a map breaks where another program cuts the file short


Bytes = bytes | mmap.mmap


class OnnxFile:
    """A model file's `skeleton` (a ModelProto whose large initializers name no data) and its `weights` by name,
    arrays that lie in the file. Raises ModelError where the file isn't ONNX or contradicts itself.

    `data` are the file's bytes (or a map of them); `folder`, where weights kept apart may be, None: nowhere.
    """

    def __init__(self, data: Bytes, where: str = "", folder: Path | None = None):
        self.where = where
        self._folder = folder
        self._apart: dict[str, NDArray[np.uint8]] = {}
        self._elsewhere: set[str] = set()  # weights whose values aren't in the skeleton
        self.weights: dict[str, NDArray[Any]] = {}
        view = memoryview(data)
        try:
            small, large = _split(view)
            self.skeleton = onnx.ModelProto()
            self.skeleton.ParseFromString(small)
        except (DecodeError, ValueError, IndexError) as error:
            raise ModelError(
                "this is no ONNX model, or a damaged one",
                where=where,
                received=str(error)[:200],
                remedy=AGAIN,
            ) from error
        check_model(self.skeleton, where)
        self.skeleton = without_functions(self.skeleton)
        graph = self.skeleton.graph
        for tensor in graph.initializer:  # the small ones; those kept apart are among them
            self._add(tensor, None)
        for head, raw in large:
            graph.initializer.append(head)
            self._add(head, raw)

    @classmethod
    def open(cls, path: Path) -> OnnxFile:
        """Open a file; its weights may lie in another one beside it."""
        return cls(read_file(path), shown(path), path.resolve().parent)

    @property
    def metadata(self) -> dict[str, str]:
        """The file's own notes."""
        return {entry.key: entry.value for entry in self.skeleton.metadata_props}

    def output_shape(self, name: str) -> list[int | str]:
        """The declared shape of an output; a name stands where it is open. Empty if there is no such output."""
        for output in self.skeleton.graph.output:
            if output.name == name:
                return [dim.dim_value or dim.dim_param for dim in output.type.tensor_type.shape.dim]
        return []

    def _add(self, tensor: TensorProto, raw: memoryview | NDArray[np.uint8] | None) -> None:
        """Note one weight; its declared shape must be what its bytes hold."""
        name = tensor.name
        if name in self.weights:
            raise self._bad(name, "it stands in the file twice")
        if tensor.data_location == TensorProto.EXTERNAL:
            raw = self._from_apart(tensor)
        try:
            array = numpy_helper.to_array(tensor) if raw is None else self._from_bytes(tensor, raw)
        except (ValueError, TypeError, KeyError, IndexError, OverflowError, MemoryError) as error:
            raise self._bad(name, str(error)[:200]) from error
        if raw is not None:
            self._elsewhere.add(name)
        self.weights[name] = array

    def _from_bytes(self, tensor: TensorProto, raw: memoryview | NDArray[np.uint8]) -> NDArray[Any]:
        try:
            dtype = np.dtype(helper.tensor_dtype_to_np_dtype(tensor.data_type))
        except KeyError:
            raise self._bad(tensor.name, f"a data type {tensor.data_type} that ONNX doesn't have") from None
        wanted = prod(tensor.dims) * dtype.itemsize if all(n >= 0 for n in tensor.dims) else -1
        if tensor.data_type in _PACKED:
            tensor = _whole(tensor, raw)
            return numpy_helper.to_array(tensor)
        if len(raw) != wanted:
            said = f"{'x'.join(str(n) for n in tensor.dims)} {dtype} would be {wanted:,} bytes, it holds {len(raw):,}"
            raise self._bad(tensor.name, said)
        return np.frombuffer(raw, dtype.newbyteorder("<")).reshape(tuple(tensor.dims))

    def _from_apart(self, tensor: TensorProto) -> NDArray[np.uint8]:
        """The bytes of a weight in a file of its own: a plain name in the model's own folder, nowhere else."""
        about = {entry.key: entry.value for entry in tensor.external_data}
        location = about.get("location", "")
        plain = bool(location) and location == Path(location).name and "\\" not in location
        if self._folder is None or not plain:
            raise ModelError(
                "the model keeps weights in a place that isn't read", where=self.where,
                received=f"{shown(tensor.name)} in {shown(location)[:200]}",
                remedy="weights are read from the model file, or from a file beside it; export it so",
            )  # fmt: skip
        if location not in self._apart:
            self._apart[location] = self._open_apart(self._folder / location)
        data = self._apart[location]
        try:
            start = int(about.get("offset", "0"))
            length = int(about.get("length", str(len(data) - start)))
        except ValueError:
            raise self._bad(tensor.name, f"its place is no number: {about}"[:200]) from None
        if not 0 <= start <= start + length <= len(data):
            raise self._bad(tensor.name, f"bytes {start:,} to {start + length:,} of a file of {len(data):,}")
        return data[start : start + length]

    def _open_apart(self, path: Path) -> NDArray[np.uint8]:
        assert self._folder is not None
        try:
            if path.resolve().parent != self._folder:
                raise ModelError(
                    "the model's weights lie behind a link out of its folder", where=shown(path),
                    received=shown(path.resolve()), remedy="copy the file itself beside the model",
                )  # fmt: skip
            return np.frombuffer(_contents(path.resolve()), np.uint8)
        except (OSError, ValueError) as error:
            raise ModelError(
                "the file with the model's weights can't be read", where=shown(path),
                received=getattr(error, "strerror", None) or str(error),
                remedy="it belongs beside the model file: copy both",
            ) from error  # fmt: skip

    def _bad(self, name: str, said: str) -> ModelError:
        return ModelError(
            f"the model's tensor {shown(name)} can't be read", where=self.where, received=said, remedy=AGAIN
        )

    def changed(self, weights: Mapping[str, NDArray[Any]]) -> OnnxFile:
        """The same file with other values for some of its weights, of the same shape and type; the rest is shared."""
        other = copy(self)
        other.skeleton = onnx.ModelProto()
        other.skeleton.CopyFrom(self.skeleton)
        other.weights = {**self.weights, **weights}
        for tensor in other.skeleton.graph.initializer:
            if tensor.name in weights and tensor.name not in self._elsewhere:
                tensor.CopyFrom(numpy_helper.from_array(weights[tensor.name], tensor.name))
        return other

    def stripped(self) -> tuple[bytes, Mapping[str, NDArray[Any]]]:
        """The model as onnxruntime is given it: the skeleton's bytes, and the large arrays that it takes from us."""
        model = onnx.ModelProto()
        model.CopyFrom(self.skeleton)
        given = {}
        for tensor in model.graph.initializer:
            if tensor.name not in self._elsewhere:
                continue
            array = self.weights[tensor.name]
            if array.nbytes <= SMALL or tensor.data_type in _PACKED:
                tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
                continue
            tensor.data_location = TensorProto.EXTERNAL
            del tensor.external_data[:]
            tensor.external_data.add(key="location", value="given")
            given[tensor.name] = array
        return model.SerializeToString(), given


def read_file(path: Path) -> Bytes:
    """The file's bytes, its size checked first; a map of them where they are many."""
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise ModelError("this is a folder, not a model file", where=shown(path), received="a folder",
                             remedy=_in_folder(path))  # fmt: skip
        if size > LARGEST_FILE:
            raise ModelError(
                "the file is too large for an ONNX model", where=shown(path), received=f"{size:,} bytes",
                remedy=f"{LARGEST_FILE:,} bytes at most",
            )  # fmt: skip
        data = _contents(path)
    except FileNotFoundError:
        raise ModelError(
            "there is no such model file",
            where=shown(path),
            received="no file",
            remedy="pellucid train makes one",
        ) from None
    except (OSError, ValueError) as error:
        raise ModelError(
            "the model file can't be read", where=shown(path),
            received=getattr(error, "strerror", None) or str(error), remedy="give the .onnx file",
        ) from error  # fmt: skip
    if not data:
        raise ModelError("the model file is empty", where=shown(path), received="0 bytes", remedy=AGAIN)
    return data


def _contents(path: Path) -> Bytes:
    """A plain file's bytes, or a map of them. A pipe or a device would never end: ValueError, without waiting."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("it is no plain file")
        if os.fstat(descriptor).st_size > MAPPED_FROM:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return file.read()


def _in_folder(path: Path) -> str:
    return f"{path / 'model.onnx'}" if (path / "model.onnx").is_file() else "give the .onnx file"


# Types of which several share a byte: small enough to be unpacked.
_PACKED = {TensorProto.INT4, TensorProto.UINT4, TensorProto.FLOAT4E2M1, TensorProto.UINT2, TensorProto.INT2}


def _whole(tensor: TensorProto, raw: memoryview | NDArray[np.uint8]) -> TensorProto:
    whole = TensorProto(name=tensor.name, data_type=tensor.data_type, dims=tensor.dims)
    whole.raw_data = bytes(raw)
    return whole


def _split(view: memoryview) -> tuple[bytes, list[tuple[TensorProto, memoryview]]]:
    """The model's bytes without its large initializers, and those: heads without data, and where the data lie."""
    kept: list[bytes | memoryview] = []
    large: list[tuple[TensorProto, memoryview]] = []
    size = fields = 0
    for field, whole, content in _fields(view):
        if field != _GRAPH or content is None:
            kept.append(whole)
            size += len(whole)
            continue
        inner: list[memoryview] = []
        for inner_field, inner_whole, tensor in _fields(content):
            fields += 1
            if fields > MOST_FIELDS:
                raise ValueError(f"over {MOST_FIELDS:,} nodes, weights and declarations")
            if inner_field == _INITIALIZER and tensor is not None and len(tensor) > SMALL:
                head, raw = _head(tensor)
                if raw is not None:
                    large.append((head, raw))
                    continue
            inner.append(inner_whole)
        graph = b"".join(inner)
        kept += [bytes([_GRAPH << 3 | _LENGTH_DELIMITED]), _varint(len(graph)), graph]
        size += len(graph)
    if size > LARGEST_SKELETON:
        raise ValueError(f"{size:,} bytes without its weights, {LARGEST_SKELETON:,} at most")
    return b"".join(kept), large


def _head(tensor: memoryview) -> tuple[TensorProto, memoryview | None]:
    """A TensorProto without its raw data, and where these lie; None where it holds its values another way."""
    raw = None
    rest: list[memoryview] = []
    for field, whole, content in _fields(tensor):
        if field == 9 and content is not None:
            raw = content
        else:
            rest.append(whole)
    if raw is None or sum(len(each) for each in rest) > SMALL:
        return TensorProto(), None
    head = TensorProto()
    head.ParseFromString(b"".join(rest))
    return (head, raw) if head.data_location != TensorProto.EXTERNAL else (head, None)


def _fields(view: memoryview) -> Iterator[tuple[int, memoryview, memoryview | None]]:
    """Each field of a protobuf message: its number, all its bytes, and its content where it is length-delimited."""
    place = 0
    while place < len(view):
        start = place
        key, place = _read_varint(view, place)
        content = None
        match key & 7:
            case 0:
                _, place = _read_varint(view, place)
            case 1:
                place += 8
            case 2:
                length, place = _read_varint(view, place)
                content = view[place : place + length]
                place += length
            case 5:
                place += 4
            case other:
                raise ValueError(f"wire type {other} at byte {start:,}")
        if place > len(view) or key >> 3 == 0:
            raise ValueError(f"the file ends inside a field that begins at byte {start:,}")
        yield key >> 3, view[start:place], content


def _read_varint(view: memoryview, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = view[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7
        if shift > 63:
            raise ValueError(f"a number longer than 64 bits at byte {place:,}")


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
