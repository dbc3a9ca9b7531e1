"""Convolutional networks you can see through: train an image classifier on a CPU, open any number in it, ship it.

import pellucid
model = pellucid.train("photos/")        # a folder of class folders; pellucid.train() is MNIST
model.predict("new.jpg").label
model = pellucid.load("runs/photos-1/model.onnx")
model = pellucid.zoo.pretrained("efficientnet-lite0")    # knows ImageNet's 1,000 classes
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pellucid import filters
    from pellucid.errors import PellucidError
    from pellucid.faces import figures, zoo
    from pellucid.faces.estimator import ImageClassifier
    from pellucid.faces.python import Model, load, train
    from pellucid.model import Prediction
    from pellucid.network import Network

__version__ = "0.1.0"

# Where each public name lives, or the module that it is. They load when first used, so that `import pellucid` costs
# nothing.
_HOMES = {
    "ImageClassifier": "pellucid.faces.estimator",
    "Model": "pellucid.faces.python",
    "Network": "pellucid.network",
    "PellucidError": "pellucid.errors",
    "Prediction": "pellucid.model",
    "figures": "pellucid.faces.figures",
    "filters": "pellucid.filters",
    "load": "pellucid.faces.python",
    "train": "pellucid.faces.python",
    "zoo": "pellucid.faces.zoo",
}

__all__ = [
    "ImageClassifier",
    "Model",
    "Network",
    "PellucidError",
    "Prediction",
    "__version__",
    "figures",
    "filters",
    "load",
    "train",
    "zoo",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'pellucid' has no attribute {name!r}")
    home = import_module(_HOMES[name])
    return home if _HOMES[name].endswith(f".{name}") else getattr(home, name)


def __dir__() -> list[str]:
    return sorted(__all__)
