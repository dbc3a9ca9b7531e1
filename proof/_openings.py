"""What the proofs of opened values share: networks with random weights as files, values picked by chance, the tally."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from skimage import data

from pellucid.engines.initial import initial_weights
from pellucid.inside.number import Inside, Number, closes_within
from pellucid.model.card import Card
from pellucid.model.model import ModelFile
from pellucid.model.opened import Opened
from pellucid.model.preprocessing import Preprocessing
from pellucid.model.write import write_model
from pellucid.network import Network, zoo
from pellucid.network.operations import Node


def lively(network: Network, seed: int) -> Network:
    """Training's first weights, but every bias and every statistic of a batch normalisation random, too."""
    weights = initial_weights(network, seed)
    rng = np.random.default_rng(seed)
    for name, array in weights.items():
        kind = name.rpartition(".")[2]
        if kind in ("bias", "running_mean"):
            weights[name] = rng.normal(0, 0.2, array.shape).astype(np.float32)
        elif kind == "running_var":  # about what these weights make of values as large as 1
            weights[name] = rng.uniform(0.2, 0.6, array.shape).astype(np.float32)
        elif array.ndim == 1:
            weights[name] = rng.uniform(0.5, 1.5, array.shape).astype(np.float32)
    return network.with_weights(weights)


def write_zoo(name: str, path: Path, seed: int = 0) -> Path:
    """A network of the zoo at full size with random weights, as a file."""
    network = lively(zoo.build(name), seed)
    channels, height, width = network.input_shape
    made = Preprocessing(
        height=height, width=width, channels=channels, scale=(1 / 64,) * channels, shift=(-2.0,) * channels  # type: ignore[arg-type]
    )  # fmt: skip
    classes = tuple(f"class {number}" for number in range(network.output_shape[0]))
    write_model(path, network, Card(classes=classes, network=network.text, preprocessing=made))
    return path


def photograph() -> NDArray[np.uint8]:
    """scikit-image's cat, 300 x 451 pixels."""
    return np.asarray(data.chelsea())


def open_zoo(name: str, folder: Path) -> Opened:
    """A network of the zoo with random weights on the photograph, through its file, which is not kept."""
    path = write_zoo(name, folder / f"{name}.onnx")
    try:
        return ModelFile.read(path).opened(photograph())
    finally:
        path.unlink()


def some(inside: Inside, tensor: str, count: int, rng: np.random.Generator) -> Iterator[Number]:
    """`count` values of a tensor, opened: the first, the last and others by chance; all where there are fewer."""
    array = inside.opened.values[tensor]
    flat = (
        np.arange(array.size)
        if array.size <= count
        else np.union1d(rng.choice(array.size, count, replace=False), [0, array.size - 1])
    )
    for place in flat:
        yield inside.open(inside.places.at(tensor, np.unravel_index(place, array.shape)))


def made_by(node: Node) -> list[str]:
    """The tensors that a node makes."""
    return [name for name in node.outputs if name]


@dataclass
class Tally:
    """How many values were opened and how nearly they close; `worst`, by operation, in units of what is allowed."""

    nodes: int = 0
    values: int = 0
    worst: dict[str, tuple[float, str]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    unknown: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def check(self, name: str, opened: Opened, count: int, rng: np.random.Generator) -> float:
        """Open `count` values of every node of a network; the worst of them."""
        inside = Inside(opened)
        top = 0.0
        for node in opened.graph.nodes:
            self.nodes += 1
            if node.operation is None:
                self.unknown[f"{name}: {node.name}"] = (opened.unknown or {}).get(node.name, "")
                continue
            for output, tensor in enumerate(node.outputs):
                if not tensor:
                    continue
                shape = node.operation.result_shape(inside.operands(node), output)
                if shape != opened.values[tensor].shape:
                    self.wrong.append(f"{name}: {node.name} has the shape {shape} by its operation")
                for number in some(inside, tensor, count, rng):
                    within = closes_within(number)
                    top = max(top, within)
                    self._note(name, node, number, within)
        return top

    def _note(self, network: str, node: Node, number: Number, within: float) -> None:
        self.values += 1
        self.counts[node.type] += 1
        said = f"{network}: {number.place} = {number.sum!r}, stored {number.stored!r}"
        if node.type not in self.worst or within > self.worst[node.type][0]:
            self.worst[node.type] = (within, said)
        if not within <= 1:
            self.wrong.append(f"{said}: {within:.3g} times what is allowed")
