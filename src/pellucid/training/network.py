"""Which network a run trains: from the zoo, from its text, or from a model file whose weights it starts with.

A text may have filters among its layers (see `pellucid.filters.text`): they become frozen convolutions.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from pellucid.engines.initial import initial_weights
from pellucid.engines.memory import physical_memory
from pellucid.errors import EngineError, NetworkError
from pellucid.filters import Expanded, expand, has_filters, kernel_name
from pellucid.model import ModelFile
from pellucid.network import Network, zoo
from pellucid.network.layers import LAYERS, Dense, Shape, Softmax, on_screen
from pellucid.network.table import bytes_text, rows, totals
from pellucid.training.settings import Settings


def chosen_network(settings: Settings, classes: tuple[str, ...]) -> Network:
    """The network that the settings name, ending in a softmax over the classes, with the weights to start from."""
    assert settings.height and settings.width and settings.channels
    shape = (settings.channels, settings.height, settings.width)
    if settings.start_from:
        return _from_model(settings.start_from, shape, len(classes), settings.seed)
    network, fixed = network_of(settings.network, shape, len(classes))
    if not network.nodes or not isinstance(network.nodes[-1].layer, Softmax):
        network = network.then("softmax")
    _check_answer(network, classes)
    _check_learning(network)
    check_memory(network, settings)
    return network.with_weights(initial_weights(network, settings.seed) | fixed)


def network_of(
    name_or_text: str, shape: Shape, classes: int
) -> tuple[Network, dict[str, NDArray[np.float32]]]:
    """A network of the zoo by its name, or one from its text, for pictures of (channels, height, width).

    Also the weights of the filters in the text, by name.
    """
    channels, height, width = shape
    name = name_or_text.strip()
    if re.fullmatch(r"[\w-]+", name) and name not in LAYERS and not kernel_name(name):
        return zoo.build(name, height, width, channels, classes), {}
    made = expand(name_or_text, shape) if has_filters(name_or_text) else Expanded(name_or_text, {})
    return Network.from_text(made.text, shape), dict(made.weights)


def check_memory(network: Network, settings: Settings) -> None:
    """EngineError where training this network would clearly not fit into this machine's memory."""
    here = physical_memory()
    sums = totals(rows(network))
    # Weights, gradient, average and two moments; of 16 pictures at least, the values, their gradients and a copy.
    needed = 5 * sums.parameter_bytes + 3 * 16 * sums.value_bytes
    if here and needed > here:
        raise EngineError(
            "This network is too large to train on this machine",
            received=f"about {bytes_text(needed)} are needed, the machine has {bytes_text(here)}",
            where=f"{settings.network[:80]}, largest layer {sums.largest_layer}",
            remedy="a smaller --size, or a smaller network",
        )


def _check_learning(network: Network) -> None:
    """At least one number that training may change."""
    if network.parameter_shapes.keys() <= network.frozen:
        raise NetworkError(
            "The network has nothing to learn: "
            + ("all its weights are frozen" if network.frozen else "no weights"),
            where=network.text[:80],
            remedy="a layer that learns, as in: flatten, dense 10",
        )


def _check_answer(network: Network, classes: tuple[str, ...]) -> None:
    """One output a class, no more axes."""
    if network.output_shape == (len(classes),):
        return
    last = next((node for node in reversed(network.nodes) if not isinstance(node.layer, Softmax)), None)
    where = f"{last.name}: {last.layer.word}" if last else "the network"
    got = " x ".join(str(n) for n in on_screen(network.output_shape))
    if len(network.output_shape) == 1 and last and isinstance(last.layer, Dense):
        remedy = f"end with: dense {len(classes)}"
    else:
        remedy = f"end with: flatten, dense {len(classes)}"
    raise NetworkError(
        f"The network gives {got} values, but there are {len(classes)} classes", where=where, remedy=remedy
    )


def _from_model(path: str, shape: Shape, classes: int, seed: int) -> Network:
    """The model's layers and weights, for this picture size; a last dense layer of another class count starts anew."""
    old = ModelFile.read(path).network
    if old.input_shape[0] != shape[0]:
        raise NetworkError(
            f"The model to start from takes {old.input_shape[0]} channels, the pictures have {shape[0]}",
            where=path, remedy=f"--channels {old.input_shape[0]}",
        )  # fmt: skip
    text = old.text
    if old.output_shape != (classes,):
        text, changed = re.subn(
            rf"dense {old.output_shape[0]}( nobias)?, softmax$", rf"dense {classes}\1, softmax", text
        )
        if not changed:
            raise NetworkError(
                "The model to start from doesn't end in a dense layer, so its classes can't be exchanged",
                where=path, received=f"{old.output_shape[0]} classes, {classes} wanted",
            )  # fmt: skip
    network = Network.from_text(text, shape)
    weights = initial_weights(network, seed)
    for name, array in old.weights.items():
        if weights[name].shape == array.shape:
            weights[name] = np.array(array)
    return network.with_weights(weights)
