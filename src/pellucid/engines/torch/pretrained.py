"""Weights that PyTorch saved elsewhere: the one place with torch.load, and that for bytes of a known digest alone."""

from __future__ import annotations

import hashlib
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from pellucid.engines.torch.module import array_of
from pellucid.errors import ModelError
from pellucid.storage import shown


def read_state(path: Path, sha256: str, remedy: str) -> dict[str, NDArray[np.float32]]:
    """The tensors of a state dict by name, in its order; what is not float32 is left out.

    What is loaded are the very bytes whose SHA-256 was found to be `sha256`. ModelError with this remedy where the
    file can't be read or is another one.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(
            "The pretrained weights can't be read",
            where=shown(path),
            received=error.strerror or "",
            remedy=remedy,
        ) from error
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise ModelError(
            "The pretrained weights are not the file that pellucid knows: it is damaged, or another version",
            where=shown(path),
            received=f"{len(data):,} bytes with SHA-256 {found}",
            remedy=remedy,
        )
    state = torch.load(BytesIO(data), map_location="cpu", weights_only=True)
    return {name: array_of(tensor) for name, tensor in state.items() if tensor.dtype == torch.float32}
