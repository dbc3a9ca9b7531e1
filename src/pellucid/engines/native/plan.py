"""A network as the compiled engine's steps: which values share a place, and how wide their borders of zeros are."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import Any

import pellucid.network.layers as kinds
from pellucid.engines.order import evaluation_order
from pellucid.native import native
from pellucid.network import INPUT, Network, Node
from pellucid.network.layers import Layer, Shape

# In the order of native/train/plan.h.
CURVES: tuple[type[Layer], ...] = (
    kinds.ReLU, kinds.LeakyReLU, kinds.ReLU6, kinds.Sigmoid, kinds.Tanh, kinds.GELU, kinds.SiLU, kinds.HardSwish,
)  # fmt: skip
POOLS = (
    kinds.MaxPool, kinds.AvgPool, kinds.GlobalMaxPool, kinds.GlobalAvgPool, kinds.AdaptiveMaxPool,
    kinds.AdaptiveAvgPool,
)  # fmt: skip
LARGEST = (kinds.MaxPool, kinds.GlobalMaxPool, kinds.AdaptiveMaxPool)
OTHERS = (
    kinds.Conv, kinds.Dense, kinds.BatchNorm, kinds.Dropout, kinds.Flatten, kinds.Add, kinds.Concat, kinds.Pad,
)  # fmt: skip
# Curves whose slope their own value tells, so that they may be computed where their input stood ...
TOLD_BY_VALUE = CURVES[:5]
# ... behind layers whose gradient doesn't need what they gave. Behind a largest value only where what a curve changes
# has no slope: the window that it came from is found by that value.
FORGETFUL = (
    kinds.Conv,
    kinds.Dense,
    kinds.BatchNorm,
    kinds.AvgPool,
    kinds.GlobalAvgPool,
    kinds.AdaptiveAvgPool,
    kinds.Add,
)
FLAT_BELOW = (kinds.ReLU, kinds.ReLU6)
TILE = 3  # columns that the compiled convolution takes at a time: its border is as wide as its reach
BLOCK = 16  # pictures
GRADIENTS = 64 * 2**20  # bytes of all sets of gradients, where so few sets are left


def unable(network: Network, device: str = "cpu", precision: str = "f32") -> str:
    """Why the native engine can't train this: a layer, or a setting. Empty where it can."""
    if native is None:
        return "pellucid's compiled part is missing here (it is built by pip, with a C++ compiler)"
    if not native.train_instructions():
        return "this processor has no set of instructions that the native engine is compiled for"
    if device != "cpu":
        return f"device {device}: the native engine computes on the CPU"
    if precision != "f32":
        return f"precision {precision}: the native engine computes in f32"
    if len(network.input_shape) > 3:
        return f"an input with {len(network.input_shape) - 1} spatial axes: the native engine has 1 and 2"
    nodes = evaluation_order(network.nodes)
    for node in nodes:
        if not isinstance(node.layer, (*CURVES, *POOLS, *OTHERS)):
            return f"{node.name}: the native engine has no {node.layer.word}"
    if not any(name.startswith(f"{node.name}.") for node in nodes for name in network.parameter_shapes):
        return "a network without weights: there is nothing to train"
    return ""


@dataclass
class Parameter:
    """Where a weight or a running statistic stands among all of them, in floats."""

    offset: int
    shape: Shape
    decays: bool  # whether weight decay is for it

    @property
    def count(self) -> int:
        """How many numbers it is."""
        return prod(self.shape)


@dataclass
class Place:
    """A tensor of the compiled engine: [channels, rows, columns] with a border of zeros left and right."""

    shape: tuple[int, int, int]
    halo: int = 0
    gradient_halo: int = 0
    number: int = -1


@dataclass
class Plan:
    """What the compiled engine is given. `parameters` in the network's order, statistics last."""

    network: Network
    parameters: dict[str, Parameter] = field(default_factory=dict)
    compiled: Any = None
    nodes: list[int] = field(
        default_factory=list
    )  # of each compiled step, the number of its node in evaluation order
    piece: int = 1  # blocks of 16 pictures that are normalised together
    groups: int = 8

    def weights(self) -> int:
        """How many numbers are learned."""
        return sum(prod(shape) for shape in self.network.parameter_shapes.values())


def compile_plan(network: Network) -> Plan:
    """The steps of a network that `unable` has nothing against."""
    plan = Plan(network)
    offset = 0
    for name, shape in (network.parameter_shapes | network.state_shapes).items():
        plan.parameters[name] = Parameter(offset, shape, len(shape) > 1)
        offset += prod(shape)
    learned = plan.weights()
    assert native
    plan.compiled = native.TrainNetwork(learned, offset - learned)
    plan.groups = min(max(GRADIENTS // max(4 * learned, 1), 8), 64)
    _Compiler(plan).run()
    return plan


def planes(shape: Shape) -> tuple[int, int, int]:
    """(channels, rows, columns) of any shape of up to two spatial axes."""
    if len(shape) == 3:
        return (shape[0], shape[1], shape[2])
    return (shape[0], 1, shape[1] if len(shape) == 2 else 1)


def two(values: tuple[Any, ...], one: Any) -> tuple[Any, Any]:
    """A size for both axes; the rows of a signal are one."""
    return (values[0], values[1]) if len(values) == 2 else (one, values[0])


class _Compiler:
    def __init__(self, plan: Plan):
        self.plan, self.network, self.compiled = plan, plan.network, plan.compiled
        self.nodes = evaluation_order(self.network.nodes)
        self.shapes = self._shapes()
        self.by_name = {node.name: node for node in self.nodes}
        self.users: dict[str, list[Node]] = {name: [] for name in self.shapes}
        for node in self.nodes:
            for name in node.inputs:
                self.users[name].append(node)
        self.places = self._places()
        self.dropouts = 0

    def run(self) -> None:
        tensors = {id(place): place for place in self.places.values()}
        for place in (self.places[INPUT], *tensors.values()):
            if place.number < 0:
                place.number = self.compiled.tensor(*place.shape, place.halo, place.gradient_halo)
        for number, node in enumerate(self.nodes):
            if (
                not isinstance(node.layer, kinds.Flatten)
                or self.places[node.inputs[0]] is not self.places[node.name]
            ):
                self.plan.nodes.append(number)
            source, target = (self.places[name].number for name in (node.inputs[0], node.name))
            match node.layer:
                case kinds.Conv():
                    self._conv(node, source, target)
                case kinds.Dense():
                    weight, bias = self._offsets(node, "weight", "bias")
                    self.compiled.dense(source, target, weight, bias, _frozen(node.layer))
                case kinds.BatchNorm():
                    names = ("weight", "bias", "running_mean", "running_var")
                    self.compiled.norm(source, target, *self._offsets(node, *names), node.layer.epsilon)
                case kinds.Dropout():
                    self.compiled.dropout(source, target, node.layer.rate, self.dropouts)
                    self.dropouts += 1
                case kinds.Flatten():
                    if source != target:
                        self.compiled.copy(source, target)
                case kinds.Add() | kinds.Concat():
                    join = self.compiled.add if isinstance(node.layer, kinds.Add) else self.compiled.concat
                    join([self.places[name].number for name in node.inputs], target)
                case kinds.Pad():
                    rows, columns = two(tuple(origins(node.layer, self.shapes[node.inputs[0]])), [0])
                    self.compiled.pad(source, target, rows, columns)
                case _ if isinstance(node.layer, CURVES):
                    slope = node.layer.slope if isinstance(node.layer, kinds.LeakyReLU) else 0.0
                    self.compiled.curve(source, target, CURVES.index(type(node.layer)), slope)
                case _:
                    rows, columns, divisor = windows(node.layer, self.shapes[node.inputs[0]])
                    self.compiled.pool(
                        source, target, isinstance(node.layer, LARGEST), rows, columns, divisor
                    )
        last = self.places[self.nodes[-1].name]
        if last.halo or last.gradient_halo:  # logits stand side by side
            flat = self.compiled.tensor(prod(last.shape), 1, 1, 0, 0)
            self.compiled.copy(last.number, flat)

    def _shapes(self) -> dict[str, Shape]:
        """The shapes in this order: where a pooling went before a curve, the curve's is the smaller one."""
        shapes = {INPUT: self.network.input_shape}
        for node in self.nodes:
            shapes[node.name] = node.layer.output_shape(*(shapes[name] for name in node.inputs))
        return shapes

    def _places(self) -> dict[str, Place]:
        """A place for each value; some share one. Borders are as wide as the layers that read them need."""
        places = {INPUT: Place(planes(self.shapes[INPUT]))}
        for node in self.nodes:
            source = places[node.inputs[0]]
            if self._in_place(node):
                places[node.name] = source
            else:
                places[node.name] = Place(planes(self.shapes[node.name]))
            if isinstance(node.layer, kinds.Conv):
                source.halo = max(source.halo, reach(node.layer, self.shapes[node.inputs[0]]))
                places[node.name].gradient_halo = TILE - 1
        # What a dense layer reads lies close together: as it is, or flattened into a copy.
        for node in self.nodes:
            if isinstance(node.layer, kinds.Flatten):
                source = places[node.inputs[0]]
                dense = all(isinstance(user.layer, kinds.Dense) for user in self.users[node.name])
                if dense and self.users[node.name] and not source.halo and not source.gradient_halo:
                    places[node.name] = source
        return places

    def _in_place(self, node: Node) -> bool:
        source = self.by_name.get(node.inputs[0])
        if source is None or len(self.users[source.name]) > 1 or not isinstance(node.layer, TOLD_BY_VALUE):
            return False
        if isinstance(node.layer, kinds.LeakyReLU) and node.layer.slope < 0:
            return False
        if isinstance(source.layer, LARGEST):
            return isinstance(node.layer, FLAT_BELOW)
        return isinstance(source.layer, FORGETFUL)

    def _conv(self, node: Node, source: int, target: int) -> None:
        layer, shape = node.layer, self.shapes[node.inputs[0]]
        assert isinstance(layer, kinds.Conv)
        before = tuple(pair[0] for pair in layer.pads(shape))
        weight, bias = self._offsets(node, "weight", "bias")
        self.compiled.conv(
            source, target, weight, bias, two(layer.kernel, 1), two(layer.stride, 1), two(before, 0),
            two(layer.dilation, 1), layer.groups, _frozen(layer),
        )  # fmt: skip

    def _offsets(self, node: Node, *names: str) -> list[int]:
        known = self.plan.parameters
        return [known[full].offset if (full := f"{node.name}.{name}") in known else -1 for name in names]


def _frozen(layer: Layer) -> bool:
    return bool(getattr(layer, "frozen", False))


def reach(layer: kinds.Conv, shape: Shape) -> int:
    """How far a convolution reads past its input's columns: its padding, or a whole tile at the edge."""
    before, after = layer.pads(shape)[-1]
    return max(before, after, (TILE - 1) * layer.stride[-1])


def windows(layer: Layer, shape: Shape) -> tuple[list[tuple[int, int]], list[tuple[int, int]], float]:
    """For rows and columns the (first, end) of each window inside the input, and what a sum is divided by.

    0: by as many values as the window holds.
    """
    divisor = 0.0
    if isinstance(layer, kinds.AdaptiveAvgPool | kinds.AdaptiveMaxPool):
        spans = [list(axis) for axis in layer.spans(shape)]
    elif isinstance(layer, kinds.GlobalAvgPool | kinds.GlobalMaxPool):
        spans = [[(0, n)] for n in shape[1:]]
    else:
        assert isinstance(layer, kinds.MaxPool | kinds.AvgPool)
        sizes = zip(shape[1:], layer.window, layer.stride, layer.pads(shape), layer.slide(shape), strict=True)
        spans = [
            [(max(i * s - before, 0), min(i * s - before + f, n)) for i in range(count)]
            for n, f, s, (before, _), count in sizes
        ]
        if isinstance(layer, kinds.AvgPool) and layer.count_include_pad:
            divisor = float(prod(layer.window))
    rows, columns = two(tuple(spans), [(0, 1)])
    return rows, columns, divisor


def origins(layer: kinds.Pad, shape: Shape) -> list[list[int]]:
    """For each axis, the place in the input of every place of the output; -1 where it is 0."""
    found = []
    for n, (before, after) in zip(shape[1:], layer.padding, strict=True):
        places = range(-before, n + after)
        if layer.mode == "zero":
            found.append([i if 0 <= i < n else -1 for i in places])
        elif layer.mode == "reflect":
            found.append([n - 1 - abs(n - 1 - abs(i)) for i in places])
        else:
            found.append([min(max(i, 0), n - 1) for i in places])
    return found
