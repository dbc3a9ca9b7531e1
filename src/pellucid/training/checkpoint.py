"""The last good state of a run, on disk: arrays in safetensors, the rest in JSON with their sha256.

The arrays go to a new file, then `checkpoint.json` is renamed over the old one, then the old arrays are removed. So at
every moment, also in the middle of a write, `checkpoint.json` names a whole file.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_safetensors
from safetensors.numpy import save as save_safetensors

from pellucid.errors import ModelError
from pellucid.storage import storage_error, write_atomically

FOLDER, INDEX = "checkpoint", "checkpoint.json"
_ARRAYS = re.compile(r"state-\d+\.safetensors")


@dataclass(frozen=True)
class Checkpoint:
    """`arrays` by name; `progress` is what JSON can hold."""

    arrays: Mapping[str, NDArray[np.generic]]
    progress: Mapping[str, Any]


def save_checkpoint(run: Path, step: int, checkpoint: Checkpoint) -> None:
    """Save for `run`, replacing the checkpoint before. StorageError leaves that one in force."""
    folder = run / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, folder) from error
    data = save_safetensors({name: np.ascontiguousarray(array) for name, array in checkpoint.arrays.items()})
    name = f"state-{step}.safetensors"
    current = _index(folder)
    if current and current["arrays"] == name:  # the same step again: never write over what is in force
        return
    write_atomically(folder / name, data)
    body = {"arrays": name, "sha256": hashlib.sha256(data).hexdigest(), "progress": dict(checkpoint.progress)}
    text = json.dumps(body)
    write_atomically(
        folder / INDEX, json.dumps(body | {"seal": hashlib.sha256(text.encode()).hexdigest()}).encode()
    )
    for old in folder.iterdir():
        if _ARRAYS.fullmatch(old.name) and old.name != name:
            with suppress(OSError):  # it does no harm, and the next checkpoint tries again
                old.unlink()


def load_checkpoint(run: Path) -> Checkpoint | None:
    """The run's checkpoint, or None where none was saved yet. ModelError where it is damaged."""
    folder = run / FOLDER
    index = _index(folder)
    if index is None:
        return None
    path = folder / index["arrays"]
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _damaged(path, error.strerror or str(error)) from error
    if hashlib.sha256(data).hexdigest() != index["sha256"]:
        raise _damaged(path, "its contents don't match the checksum that was written with it")
    try:
        return Checkpoint(load_safetensors(data), index["progress"])
    except SafetensorError as error:
        raise _damaged(path, str(error)) from error


def has_checkpoint(run: Path) -> bool:
    """Whether a checkpoint is in force, sound or not."""
    return (run / FOLDER / INDEX).is_file()


def clear_checkpoint(run: Path) -> None:
    """Remove the checkpoint of a finished run."""
    folder = run / FOLDER
    try:
        (folder / INDEX).unlink(missing_ok=True)
        for old in folder.glob("state-*.safetensors"):
            old.unlink(missing_ok=True)
        folder.rmdir()
    except OSError:
        pass  # it does no harm; the model file is written


def _index(folder: Path) -> dict[str, Any] | None:
    path = folder / INDEX
    try:
        index = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise _damaged(path, str(error)) from error
    if not isinstance(index, dict) or not isinstance(index.get("arrays"), str):
        raise _damaged(path, "it is not what pellucid writes")
    seal = index.pop("seal", None)
    if seal != hashlib.sha256(json.dumps(index).encode()).hexdigest() or not _ARRAYS.fullmatch(
        index["arrays"]
    ):
        raise _damaged(path, "its contents don't match its own checksum")
    return index


def _damaged(path: Path, why: str) -> ModelError:
    return ModelError(
        "the checkpoint is damaged", where=str(path), received=why,
        remedy="start again: pellucid train with the same settings (--settings FILE) gives the same weights",
    )  # fmt: skip
