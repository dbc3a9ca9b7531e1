"""A network's training in pieces: what each costs, and how many operations and bytes it has.

A stage is a convolution or dense layer with what follows it up to the next one, as the engine fuses them. Its time is
the difference between training the network up to its end and training it up to its beginning, each with a small head
(mean over all places, dense), so it counts all that the stage adds: both passes, its weights' gradient and their step.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from math import prod

import numpy as np

from pellucid.engines.contract import Batches, Engine, Recipe
from pellucid.engines.initial import initial_weights
from pellucid.network import INPUT, Network, Node
from pellucid.network.layers import Conv, Dense, Flatten, GlobalAvgPool, Softmax

FLOAT = 4  # bytes
LONG = 0.5  # seconds
STEP = 10  # floats that move for a weight, a step: read twice, its gradient twice, Adam's two moments and itself twice


@dataclass(frozen=True)
class Stage:
    """Layers `nodes[first:last]` of a network. For one picture: `flop` of a training step; `bytes` that must at least
    go in and out: what it takes and gives, in both passes, and its weights' share of a batch."""

    name: str
    first: int
    last: int
    flop: int
    bytes: float


def stages(network: Network, batch: int) -> list[Stage]:
    """The pieces, in order. Where branches run side by side there is no cut."""
    nodes = _without_softmax(network)
    starts = [0]
    for index in range(1, len(nodes)):
        begun = any(isinstance(node.layer, Conv | Dense) for node in nodes[starts[-1] : index])
        if begun and isinstance(nodes[index].layer, Conv | Dense) and _is_cut(nodes, index):
            starts.append(index)
    return [
        _stage(network, nodes, first, last, batch)
        for first, last in zip(starts, [*starts[1:], len(nodes)], strict=True)
    ]


def up_to(network: Network, last: int) -> Network:
    """The network's layers before `last`, and the head; all of it, without a head, where `last` is the end."""
    nodes = _without_softmax(network)
    if last >= len(nodes):
        return Network(network.input_shape, nodes)
    kept = nodes[:last]
    name = kept[-1].name if kept else INPUT
    shape = network.shapes[name] if kept else network.input_shape
    head = []
    if len(shape) > 1:
        head = [Node("bench_mean", GlobalAvgPool(), (name,)), Node("bench_flat", Flatten(), ("bench_mean",))]
        name = "bench_flat"
    head.append(Node("bench_dense", Dense(prod(network.output_shape)), (name,)))
    return Network(network.input_shape, (*kept, *head))


class Timed:
    """A network in training on pictures of noise, timed step by step."""

    def __init__(self, network: Network, engine: Engine, batch: int, threads: int):
        network = network.with_weights(initial_weights(network.without_weights(), seed=0))
        channels, *spatial = network.input_shape
        rng = np.random.default_rng(0)
        count = 2 * batch  # small enough for the cache: the engine is measured, not the pictures' way to it
        pixels = rng.integers(0, 256, (count, *spatial, channels), np.uint8)
        labels = rng.integers(0, prod(network.output_shape), count)
        scale, shift = np.full(channels, 1 / 64, np.float32), np.full(channels, -2, np.float32)
        recipe = Recipe(batch_size=batch, threads=threads)
        self.trainer = engine(network, pixels, labels, scale, shift, recipe)
        self.rows = rng.permutation(count).reshape(2, batch)
        self.batch, self.taken = batch, 0
        self._step()

    def fastest(self, seconds: float) -> float:
        """Seconds a picture, of the fastest step: of three at least, or of one that takes long."""
        end = time.perf_counter() + seconds
        found = [self._step()]
        while time.perf_counter() < end or (len(found) < 3 and found[0] < LONG):
            found.append(self._step())
        return min(found) / self.batch

    def rate(self, seconds: float) -> float:
        """Pictures a second over all steps."""
        begin, first = time.perf_counter(), self.taken
        while (spent := time.perf_counter() - begin) < seconds or self.taken == first:
            self._step()
        return (self.taken - first) * self.batch / spent

    def _step(self) -> float:
        rows = self.rows[self.taken % 2][None]
        begin = time.perf_counter()
        self.trainer.steps(Batches(rows, np.full(1, 1e-3, np.float32)), self.taken)
        self.taken += 1
        return time.perf_counter() - begin


def _without_softmax(network: Network) -> tuple[Node, ...]:
    nodes = network.nodes
    return nodes[:-1] if nodes and isinstance(nodes[-1].layer, Softmax) else nodes


def _is_cut(nodes: tuple[Node, ...], index: int) -> bool:
    """Whether one value alone, the last one, goes from the layers before `index` to those after."""
    before = {INPUT} | {node.name for node in nodes[:index]}
    return {name for node in nodes[index:] for name in node.inputs} & before == {nodes[index - 1].name}


def _stage(network: Network, nodes: tuple[Node, ...], first: int, last: int, batch: int) -> Stage:
    flop = parameters = 0
    learned = {name.rpartition(".")[0] for name in network.parameter_shapes if name not in network.frozen}
    behind = any(node.name in learned for node in nodes[:first])  # whether a gradient goes on from here
    deep = behind
    for node in nodes[first:last]:
        own = node.name in learned
        flop += 2 * node.layer.mult_adds(*network.inputs_of(node)) * (1 + own + deep)
        deep = deep or own
        parameters += sum(
            prod(shape) for shape in node.layer.weight_shapes(*network.inputs_of(node)).values()
        )
    taken = prod(network.shapes[nodes[first - 1].name] if first else network.input_shape)
    given = prod(network.shapes[nodes[last - 1].name])
    # Both passes read what goes in; back comes a gradient of what was given, and on goes one of what was taken.
    moved = FLOAT * (taken * (2 + behind) + given * 2) if first else FLOAT * given * 2 + 2 * taken
    name = nodes[first].name if last - first == 1 else f"{nodes[first].name} … {nodes[last - 1].name}"
    return Stage(name, first, last, flop, moved + FLOAT * STEP * parameters / batch)
