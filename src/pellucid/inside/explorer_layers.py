"""The explorer's columns: the layers of the summary table, each with its family, what feeds it, and its stage."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from pellucid.inside.explorer_schema import Family, FormulasDocument, LayerDocument
from pellucid.inside.explorer_words import words
from pellucid.inside.number import Inside
from pellucid.inside.table import table_of
from pellucid.network import Network
from pellucid.network.operations import Node
from pellucid.network.operations.convolution import Convolution
from pellucid.network.operations.dense import Gemm, MatMul
from pellucid.network.operations.elementwise import Elementwise, ParametricRelu
from pellucid.network.operations.movement import Concat, Identity, Movement
from pellucid.network.operations.normalisation import (
    BatchNormalization,
    GroupNormalization,
    LayerNormalization,
    LocalResponse,
    LpNormalization,
)
from pellucid.network.operations.pointwise import Cast, Function, Pointwise
from pellucid.network.operations.pooling import Pooling
from pellucid.network.operations.reduction import Reduction
from pellucid.network.operations.softmax import Softmax
from pellucid.network.operations.transposed import TransposedConvolution
from pellucid.network.stages import KINDS
from pellucid.network.table import Row, rows

INPUT = "input"
_NORMALISATIONS = (BatchNormalization, GroupNormalization, LayerNormalization, LocalResponse, LpNormalization)
# ONNX's names that are words of ours, for the plain sentence.
_WORDS = {
    "Relu": "relu", "LeakyRelu": "leakyrelu", "Sigmoid": "sigmoid", "Tanh": "tanh", "Gelu": "gelu",
    "HardSwish": "hardswish", "MaxPool": "maxpool", "AveragePool": "avgpool", "GlobalAveragePool": "globalavgpool",
    "GlobalMaxPool": "globalmaxpool", "BatchNormalization": "batchnorm", "LRN": "lrn", "Dropout": "dropout",
    "Flatten": "flatten", "Softmax": "softmax", "Concat": "concat", "Pad": "pad",
}  # fmt: skip


@dataclass(frozen=True)
class _Layer:
    """A row of the table and the graph's nodes that it stands for, the last of which makes its values."""

    row: Row
    nodes: tuple[Node, ...]
    family: Family
    word: str


def layers_of(inside: Inside, start: str, network: Network | None) -> list[LayerDocument]:
    """A document for each layer after the tensor `start`, the network's own input; `network` where the file is ours."""
    found = _of_network(inside, network) if network is not None else _of_nodes(inside, start)
    names = {layer.row.name for layer in found}
    feeds = {
        layer.row.name: tuple(name if name in names else INPUT for name in layer.row.inputs)
        for layer in found
    }
    stages = _stages(found, feeds)
    places = _grid(found, feeds, stages)
    return [_document(inside, layer, feeds, stages, places) for layer in found]


def _document(
    inside: Inside,
    layer: _Layer,
    feeds: dict[str, tuple[str, ...]],
    stages: dict[str, int],
    places: dict[int, tuple[int, int]],
) -> LayerDocument:
    row, last = layer.row, layer.nodes[-1]
    tensor = next(name for name in last.outputs if name)
    weights = [
        name
        for node in layer.nodes
        for name in node.inputs
        if name and inside.places.is_constant(name)
    ]  # fmt: skip
    column, lane = places[stages[row.name]]
    formulas = row.formulas
    return LayerDocument(
        name=row.name,
        tensor=tensor,
        kind=layer.word or row.kind,
        family=layer.family,
        operation=row.text,
        words=words(layer.word, layer.family, *_filters(inside, layer)),
        shape=list(row.output_shape),
        maps=list(inside.places.short(tensor)),
        values=row.values,
        parameters=row.parameters,
        mult_adds=row.mult_adds,
        receptive_field=list(row.receptive_field),
        formulas=FormulasDocument(
            shape=formulas.shape,
            parameters=formulas.parameters,
            mult_adds=formulas.mult_adds,
            receptive_field=formulas.receptive_field,
        ),
        inputs=list(feeds[row.name]),
        stage=stages[row.name],
        column=column,
        row=lane,
        nodes=[node.name for node in layer.nodes],
        weights=list(dict.fromkeys(weights)),
    )


def _filters(inside: Inside, layer: _Layer) -> tuple[int, str]:
    for node in layer.nodes:
        if isinstance(node.operation, Convolution):
            shape = inside.places.shape(node.inputs[1])
            return shape[0], " x ".join(str(n) for n in shape[2:])
    return 0, ""


def _of_network(inside: Inside, network: Network) -> list[_Layer]:
    """Our layers, each with the nodes that the writer made of it."""
    nodes: dict[str, list[Node]] = defaultdict(list)
    table = rows(network)
    names = {row.name for row in table}
    for node in inside.opened.graph.nodes:
        own = node.name.split("/", 1)[0]
        if node.name == "calibrate":
            own = table[-1].name
        if own in names:
            nodes[own].append(node)
    return [
        _Layer(row, tuple(nodes[row.name]), _family_of_word(row.kind, nodes[row.name][-1]), row.kind)
        for row in table
    ]


def _family_of_word(word: str, node: Node) -> Family:
    if word == "softmax":
        return "softmax"
    kind = KINDS.get(word)
    return kind if kind is not None else _family(node, 1)  # type: ignore[return-value]


def _of_nodes(inside: Inside, start: str) -> list[_Layer]:
    """A layer for each node of a foreign graph."""
    graph = inside.opened.graph
    by_name = {node.name: node for node in graph.nodes}
    found = []
    for row in table_of(inside, start):
        node = by_name[row.name]
        computed = sum(1 for name in node.inputs if name and not inside.places.is_constant(name))
        word = "add" if node.type in ("Add", "Sum") and computed > 1 else _WORDS.get(node.type, "")
        found.append(_Layer(row, (node,), _family(node, computed), word))
    return found


def _family(node: Node, computed: int) -> Family:
    """What a node is to the eye; `computed`, how many of its operands are no constants."""
    match node.operation:
        case Convolution() | TransposedConvolution():
            return "convolution"
        case Gemm() | MatMul():
            return "dense"
        case Pooling():
            return "pooling"
        case Reduction() if node.type == "ReduceMean" or node.type == "ReduceMax":
            return "pooling"
        case Softmax():
            return "softmax"
        case Cast() | Function():
            return "other"
        case Pointwise() | ParametricRelu():
            return "activation"
        case Concat():
            return "join" if computed > 1 else "other"
        case Identity():
            return "other"
        case Movement():
            return "reshape"
        case Elementwise() if computed > 1:
            return "join"
    return "normalisation" if isinstance(node.operation, _NORMALISATIONS) else "other"


def _stages(layers: Sequence[_Layer], feeds: dict[str, tuple[str, ...]]) -> dict[str, int]:
    """The stage of each layer: runs in which each takes in the one before, and nothing else does."""
    gates = _gates(layers, feeds)
    feeds = feeds | {product: (gate,) for product, gate in gates.items()}
    takers: dict[str, int] = defaultdict(int)
    for names in feeds.values():
        for name in names:
            takers[name] += 1
    found: dict[str, int] = {}
    run: list[_Layer] = []
    number = -1
    for layer in layers:
        name = layer.row.name
        chained = bool(run) and feeds[name] == (run[-1].row.name,) and takers[run[-1].row.name] == 1
        if chained and (_goes_on(run, layer) or name in gates):
            run.append(layer)
        else:
            run, number = [layer], number + 1
        found[name] = number
    return found


def _gates(layers: Sequence[_Layer], feeds: dict[str, tuple[str, ...]]) -> dict[str, str]:
    """Products x f(x) of a value and its own gate, as exporters write SiLU and hard swish: product -> gate. They are
    one activation to the eye."""
    families = {layer.row.name: layer.family for layer in layers}
    found = {}
    for layer in layers:
        name = layer.row.name
        if layer.family == "join" and len(feeds[name]) == 2 and layer.word != "add":
            for gate, source in (feeds[name], feeds[name][::-1]):
                if families.get(gate) == "activation" and feeds[gate] == (source,):
                    found[name] = gate
    return found


def _goes_on(run: Sequence[_Layer], layer: _Layer) -> bool:
    """Whether a layer belongs to the bracket before it: what bends, scales, pools or moves a convolution's maps."""
    families = [each.family for each in run]
    match layer.family:
        case "activation" | "normalisation":
            return True
        case "pooling":
            whole = all(n == 1 for n in layer.row.output_shape[:-1])  # it begins the end of a network
            return "pooling" not in families and "convolution" in families and not whole
        case "softmax":
            return "dense" in families
        case "convolution" | "dense":
            return set(families) <= {"reshape", "other"}
        case "other":
            return layer.word == "dropout" or families[-1] == "other"
        case "reshape":
            return families[-1] in ("reshape", "other")
    return False


def _grid(
    layers: Sequence[_Layer], feeds: dict[str, tuple[str, ...]], stages: dict[str, int]
) -> dict[int, tuple[int, int]]:
    """For each stage (column, row): as far right as its longest way from the input, branches under one another."""
    columns: dict[int, int] = {}
    for layer in layers:
        stage = stages[layer.row.name]
        before = [
            columns[stages[name]] for name in feeds[layer.row.name] if name != INPUT and stages[name] != stage
        ]
        columns[stage] = max([columns.get(stage, 0), *(column + 1 for column in before)])
    lanes: dict[int, int] = defaultdict(int)
    places = {}
    for stage, column in columns.items():
        places[stage] = (column, lanes[column])
        lanes[column] += 1
    return places
