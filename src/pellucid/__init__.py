"""Convolutional networks you can see through: train an image classifier on a CPU, open any number in it, ship it.

import pellucid
model = pellucid.train("photos/")        # a folder of class folders; pellucid.train() is MNIST
model.predict("new.jpg").label
model = pellucid.load("runs/photos-1/model.onnx")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pellucid.errors import PellucidError
    from pellucid.faces.estimator import ImageClassifier
    from pellucid.faces.python import Model, load, train
    from pellucid.model import Prediction
    from pellucid.network import Network

__version__ = "0.1.0"

# Where each public name lives. They load when first used, so that `import pellucid` costs nothing.
_HOMES = {
    "ImageClassifier": "pellucid.faces.estimator",
    "Model": "pellucid.faces.python",
    "Network": "pellucid.network",
    "PellucidError": "pellucid.errors",
    "Prediction": "pellucid.model",
    "load": "pellucid.faces.python",
    "train": "pellucid.faces.python",
}

__all__ = [
    "ImageClassifier",
    "Model",
    "Network",
    "PellucidError",
    "Prediction",
    "__version__",
    "load",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'pellucid' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
