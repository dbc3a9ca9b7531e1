"""What is drawn together: the layers of a network as stages (conv, batchnorm, relu, pool), and stages that repeat.

A stage is a run of layers in which each takes in the one before and nothing else does; drawn as one card. A network
narrows to one tensor at certain places (between ResNet's blocks): what lies between two of them is a segment. Segments
that come again, layer for layer and shape for shape, can be folded into one, drawn once with a count.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from pellucid.network.fitting import INPUT, Node
from pellucid.network.graph import Network

Wire = tuple[str, str]  # a layer's name, and that of one which takes it in

LONGEST_STAGE = 6
LONGEST_PERIOD = 12  # segments that repeat together

KINDS = {
    "conv": "convolution",
    "dense": "dense",
    "maxpool": "pooling", "avgpool": "pooling", "globalavgpool": "pooling", "globalmaxpool": "pooling",
    "adaptiveavgpool": "pooling", "adaptivemaxpool": "pooling",
    "batchnorm": "normalisation", "lrn": "normalisation",
    "relu": "activation", "leakyrelu": "activation", "sigmoid": "activation", "tanh": "activation",
    "gelu": "activation", "silu": "activation", "hardswish": "activation", "relu6": "activation",
    "softmax": "activation",
    "add": "join", "concat": "join",
}  # fmt: skip


def kind_of(node: Node) -> str:
    """What a layer is to the eye: convolution, dense, pooling, normalisation, activation, join or other."""
    return KINDS.get(node.layer.word, "other")


@dataclass(frozen=True)
class Stage:
    """Layers drawn as one card: their names, and those of each repetition that is folded into it."""

    layers: tuple[str, ...]
    copies: tuple[tuple[str, ...], ...] = ()

    @property
    def times(self) -> int:
        """How often it stands in the network."""
        return 1 + len(self.copies)


@dataclass(frozen=True)
class Fold:
    """Stages from `first` to `last` that are drawn once and stand `times` in a row."""

    first: int
    last: int
    times: int


@dataclass(frozen=True)
class Plan:
    """What there is to draw. The first stage is the input.

    `edges`: (stage, stage) -> the layers' connections that this line stands for, folded ones with it. Connections
    inside a stage are its layers' order.
    """

    stages: tuple[Stage, ...]
    edges: dict[tuple[int, int], tuple[Wire, ...]]
    folds: tuple[Fold, ...]


def plan(network: Network, fold: bool = False) -> Plan:
    """The stages of a network and their connections; `fold` draws stages in a row that repeat once."""
    runs = _runs(network.nodes)
    place = {name: number for number, run in enumerate(runs) for name in run}
    wires: dict[tuple[int, int], list[Wire]] = defaultdict(list)
    for node in network.nodes:
        for name in node.inputs:
            ends = place[name], place[node.name]
            if ends[0] != ends[1]:
                wires[ends].append((name, node.name))
    if not fold:
        return Plan(tuple(Stage(run) for run in runs), {e: tuple(w) for e, w in wires.items()}, ())
    return _folded(network, runs, wires)


def _runs(nodes: Sequence[Node]) -> list[tuple[str, ...]]:
    """The layers' names by stage; the input is a stage of its own."""
    takers: dict[str, list[str]] = defaultdict(list)
    for node in nodes:
        for name in node.inputs:
            takers[name].append(node.name)
    runs: list[list[Node]] = []
    for node in nodes:
        before = runs[-1] if runs else []
        alone = bool(before) and node.inputs == (before[-1].name,) and takers[before[-1].name] == [node.name]
        if alone and len(before) < LONGEST_STAGE and _goes_on(before, node):
            before.append(node)
        else:
            runs.append([node])
    return [(INPUT,), *(tuple(node.name for node in run) for run in runs)]


def _goes_on(before: Sequence[Node], node: Node) -> bool:
    """Whether a layer belongs to the stage before it."""
    kinds = [kind_of(each) for each in before]
    words = [each.layer.word for each in before]
    match kind_of(node):
        case "activation" | "normalisation":
            return True
        case "pooling":  # what pools all there is begins the end of a network, and is no part of a block
            return "pooling" not in kinds and "flatten" not in words and not node.layer.sees_all
        case "convolution" | "dense":  # what only prepares belongs to what it prepares for
            return set(kinds) == {"other"}
        case "join":
            return False
    return node.layer.word == "dropout" or (node.layer.word == "flatten" and kinds[0] == "pooling")


def _folded(
    network: Network, runs: Sequence[tuple[str, ...]], wires: dict[tuple[int, int], list[Wire]]
) -> Plan:
    starts = _narrow(len(runs), list(wires))
    segments = [range(a, b) for a, b in zip(starts, [*starts[1:], len(runs)], strict=True)]
    numbers = {INPUT: -1} | {node.name: number for number, node in enumerate(network.nodes)}
    marks = [_mark(network, numbers, [runs[stage] for stage in segment]) for segment in segments]
    drawn: dict[int, int] = {}  # stage -> its place among those that are drawn
    repetition: dict[int, tuple[int, int]] = {}  # stage -> (the fold's first stage, which repetition)
    copies: dict[int, list[tuple[str, ...]]] = defaultdict(list)
    order: list[int] = []
    folds = []
    at = 0
    while at < len(segments):
        period, times = _repeats(marks, at)
        first = segments[at].start
        length = segments[at + period - 1].stop - first
        for stage in range(first, first + length * times):
            again, offset = divmod(stage - first, length)
            repetition[stage] = first, again
            if again == 0:
                drawn[stage] = len(order)
                order.append(stage)
            else:
                drawn[stage] = drawn[first + offset]
                copies[first + offset].append(runs[stage])
        if times > 1:
            folds.append(Fold(drawn[first], drawn[first + length - 1], times))
        at += period * times
    edges: dict[tuple[int, int], list[Wire]] = defaultdict(list)
    for (source, target), each in sorted(wires.items()):
        first, again = repetition[target]
        # A repetition begins from the one before: on paper, from where the first one does.
        entry = first - 1 if again and repetition[source] != (first, again) else source
        edges[drawn[entry], drawn[target]] += each
    stages = tuple(Stage(runs[stage], tuple(copies[stage])) for stage in order)
    return Plan(stages, {ends: tuple(each) for ends, each in edges.items()}, tuple(folds))


def _narrow(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """The stages before which nothing is under way but the output of the stage just before; 0 is one."""
    furthest = [0] * (count + 1)
    for source, target in edges:
        furthest[source] = max(furthest[source], target)
    starts, reach = [0], 0
    for stage in range(1, count):
        if stage >= 2:
            reach = max(reach, furthest[stage - 2])
        if reach < stage <= furthest[stage - 1]:
            starts.append(stage)
    return starts


def _mark(network: Network, numbers: dict[str, int], runs: Sequence[tuple[str, ...]]) -> Hashable:
    """Equal for segments that differ in names alone; `numbers` are the layers' places in the network."""
    return tuple(
        tuple(
            (
                network.nodes[numbers[name]].layer,
                network.shapes[name],
                tuple(
                    (numbers[name] - numbers[each], network.shapes[each])
                    for each in network.nodes[numbers[name]].inputs
                ),
            )
            if name != INPUT
            else INPUT
            for name in run
        )
        for run in runs
    )


def _repeats(marks: Sequence[Hashable], at: int) -> tuple[int, int]:
    """(how many segments repeat together, how often), the choice that leaves least to draw."""
    best = (1, 1)
    for period in range(1, min(LONGEST_PERIOD, (len(marks) - at) // 2) + 1):
        times = 1
        while marks[at : at + period] == marks[at + period * times : at + period * (times + 1)]:
            times += 1
        if (times - 1) * period > (best[1] - 1) * best[0]:
            best = (period, times)
    return best
