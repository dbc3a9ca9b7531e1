"""A network as a model file, opened on a picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid.model import ModelFile
from pellucid.model.card import Card
from pellucid.model.onnx_file import OnnxFile
from pellucid.model.opened import Opened, open_run
from pellucid.model.preprocessing import Preprocessing
from pellucid.model.write import model_bytes
from pellucid.network import Network


def file_of(network: Network, fit: str = "stretch", temperature: float = 1.0) -> bytes:
    """The model file; a grey level of 128 comes in as 0, 192 as 1, 64 as -1."""
    channels, height, width = network.input_shape
    card = Card(
        classes=tuple(f"c{i}" for i in range(network.output_shape[0])),
        network=network.text,
        temperature=temperature,
        preprocessing=Preprocessing.model_validate(
            {"height": height, "width": width, "channels": channels, "fit": fit}
            | {"scale": (1 / 64,) * channels, "shift": (-2.0,) * channels}
        ),
    )
    return model_bytes(network, card)


def opened_on(
    network: Network, pixels: NDArray[np.uint8], fit: str = "stretch", temperature: float = 1.0
) -> Opened:
    """Opened on uint8 [height, width, channels]."""
    return open_run(OnnxFile(file_of(network, fit, temperature)), {"image": pixels[None]})


def model_of(network: Network, fit: str = "stretch") -> ModelFile:
    return ModelFile(file_of(network, fit))
