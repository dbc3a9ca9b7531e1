"""Small copies of the weights by epoch, for replaying a run later: `snapshots/epoch-0007.safetensors`.

They hold the averaged weights, those which validation measured, in float16, and frozen ones as they are. Over a long
run they are thinned evenly, so that neither their number nor their bytes grow without end. They are for looking: the
model is in model.onnx.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_safetensors
from safetensors.numpy import save as save_safetensors

from pellucid.errors import ModelError, NetworkError
from pellucid.network import Network
from pellucid.network.layers import Shape
from pellucid.storage import shown, storage_error, write_atomically

FOLDER = "snapshots"
MOST = 30  # snapshots of a run
MOST_BYTES = 64 * 2**20  # of all together
FEWEST = 2  # fewer show no change: a network so large gets none

_FILE = re.compile(r"epoch-(\d{4,9})\.safetensors")
_KEY, _FORMAT = "pellucid.snapshot", 1
_HEADER_ROOM = 2**21  # bytes, for names, shapes and the network's text
_UNSEALED = "0" * 64


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The weights after `epoch` (from 1), in the network, as float32; `versions` of what made them."""

    epoch: int
    network: Network
    versions: Mapping[str, str]


def most_snapshots(network: Network) -> int:
    """How many a run of this network keeps: 30, fewer where 64 MB would not hold them, none where not even two."""
    shapes = network.parameter_shapes | network.state_shapes
    size = sum((4 if name in network.frozen else 2) * prod(shape) for name, shape in shapes.items())
    size += 200 * len(shapes) + 4096
    most = min(MOST, MOST_BYTES // size)
    return most if most >= FEWEST else 0


def kept_epochs(epoch: int, most: int) -> list[int]:
    """Which epochs' snapshots there are after `epoch`: the newest, and every 1st, 2nd, 4th, 8th ... from the first."""
    stride = 1
    while len(range(1, epoch, stride)) >= most:
        stride *= 2
    return [*range(1, epoch, stride), epoch]


def save_snapshot(
    run: Path,
    epoch: int,
    network: Network,
    weights: Mapping[str, NDArray[np.float32]],
    versions: Mapping[str, str],
) -> None:
    """Write the epoch's snapshot, and remove those that thinning leaves out. StorageError where the disk refuses."""
    most = most_snapshots(network)
    if not most:
        return
    folder = run / FOLDER
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise storage_error(error, folder) from error
    about = {
        "sha256": _UNSEALED, "format": _FORMAT, "epoch": epoch, "network": network.text,
        "input": list(network.input_shape), "versions": dict(versions),
    }  # fmt: skip
    arrays = {
        name: np.ascontiguousarray(array) if name in network.frozen else _halved(array)
        for name, array in weights.items()
    }
    data = save_safetensors(arrays, {_KEY: json.dumps(about)})
    seal = hashlib.sha256(data).hexdigest()
    write_atomically(folder / _name(epoch), data.replace(_UNSEALED.encode(), seal.encode(), 1))
    kept = {_name(number) for number in kept_epochs(epoch, most)}
    try:
        for path in folder.iterdir():
            if _FILE.fullmatch(path.name) and path.name not in kept:
                path.unlink()
    except OSError as error:
        raise storage_error(error, folder) from error


def read_snapshots(run: Path) -> list[Snapshot]:
    """All snapshots of a run, oldest first; none where it keeps none.

    ModelError where one is damaged, is larger than pellucid writes them, is of another network than the first, or
    doesn't fit its own network's shapes. Nothing in a file is run.
    """
    found: list[Snapshot] = []
    for path in list(snapshot_files(run).values())[: MOST + 1]:
        snapshot = read_snapshot(path)
        if found and snapshot.network.text != found[0].network.text:
            raise _damaged(path, "it is of another network than the first")
        found.append(snapshot)
    return sorted(found, key=lambda snapshot: snapshot.epoch)


def snapshot_files(run: Path) -> dict[int, Path]:
    """The snapshots' files by epoch, oldest first, by their names alone; none where the run keeps none."""
    folder = run / FOLDER
    try:
        names = [match for path in folder.iterdir() if (match := _FILE.fullmatch(path.name))]
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise _damaged(folder, error.strerror or str(error)) from error
    return {int(name[1]): folder / name[0] for name in sorted(names, key=lambda name: int(name[1]))}


def read_snapshot(path: Path) -> Snapshot:
    """One snapshot; see read_snapshots."""
    data = _bytes(path)
    about = _about(path, data)
    try:
        arrays = load_safetensors(data)
        shape: Shape = tuple(int(side) for side in about["input"])
        network = Network.from_text(str(about["network"]), shape)
        weights = {name: _finite(path, name, array) for name, array in arrays.items()}
        return Snapshot(int(about["epoch"]), network.with_weights(weights), dict(about["versions"]))
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise _damaged(path, f"{type(error).__name__}: {error}") from error
    except NetworkError as error:
        raise _damaged(path, error.what) from error


def _bytes(path: Path) -> bytes:
    """The file, its size and its header's length checked first."""
    most = MOST_BYTES + _HEADER_ROOM
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise _damaged(path, error.strerror or str(error)) from error
    if len(data) > most:
        raise _damaged(path, f"it is larger than {most:,} bytes")
    if len(data) < 8 or int.from_bytes(data[:8], "little") > min(len(data) - 8, _HEADER_ROOM):
        raise _damaged(path, "it is cut short, or no safetensors file")
    return data


def _about(path: Path, data: bytes) -> dict:
    """What the header says, once the file's own checksum has been found right."""
    try:
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        about = json.loads(header["__metadata__"][_KEY])
        seal = about["sha256"]
        sealed = isinstance(seal, str) and re.fullmatch(r"[0-9a-f]{64}", seal)
        number = about["format"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged(path, "it is not what pellucid writes") from error
    if not sealed or hashlib.sha256(data.replace(seal.encode(), _UNSEALED.encode(), 1)).hexdigest() != seal:
        raise _damaged(path, "its contents don't match its own checksum")
    if number != _FORMAT:
        raise _damaged(path, f"it has the format {number}, this version reads {_FORMAT}")
    return about


def _halved(array: NDArray[np.float32]) -> NDArray[np.generic]:
    """float16 where every value has a place in it."""
    fits = np.abs(array).max(initial=0) <= np.finfo(np.float16).max
    return np.ascontiguousarray(array, np.float16 if fits else np.float32)


def _finite(path: Path, name: str, array: NDArray[np.generic]) -> NDArray[np.float32]:
    if array.dtype not in (np.float16, np.float32):
        raise _damaged(path, f"{shown(name)} is {array.dtype}")
    if not np.isfinite(array).all():
        raise _damaged(path, f"{shown(name)} holds values that are no numbers")
    return array.astype(np.float32)


def _name(epoch: int) -> str:
    return f"epoch-{epoch:04}.safetensors"


def _damaged(path: Path, why: str) -> ModelError:
    return ModelError(
        "the snapshot can't be used", where=shown(path), received=why,
        remedy="remove the file: a snapshot is only for looking back; the model is in model.onnx",
    )  # fmt: skip
