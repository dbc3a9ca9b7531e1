"""What a foreign ONNX graph may not be, found before anything is run: it may come from anybody.

Refused are loops (nothing says that one ends), operations that need a library, values kept outside the graph's own
weights, and functions that call themselves or grow without bound. Source: onnx/docs/IR.md.
"""

from __future__ import annotations

from collections.abc import Iterator

from onnx import (
    AttributeProto,
    FunctionProto,
    GraphProto,
    ModelProto,
    NodeProto,
    SparseTensorProto,
    TensorProto,
    inliner,
)

from pellucid.errors import ModelError
from pellucid.storage import shown

MOST_NODES = 50_000  # the largest networks have some thousand
AGAIN = "copy it again from where it came, or train or export it again"
LONGEST_NAME = 1000
DEEPEST_CALL = 50
# ONNX's own domains and those that onnxruntime has operations for; any other would need a library.
DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft", "com.microsoft.nchwc", "com.ms.internal.nhwc")
_OWN_PART = "export the part of the network that takes in a picture and gives its answer"
_Key = tuple[str, str, str]


def check_model(model: ModelProto, where: str) -> None:
    """ModelError where this model is none that is opened."""
    functions = {_key_of(function): function for function in model.functions}
    # What can be counted without looking into every node comes first, and costs nothing.
    _check_count(max(len(model.graph.node) + sum(len(f.node) for f in model.functions), 1), where)
    _check_names(model, where)
    count = 0
    for nodes in (model.graph.node, *(function.node for function in model.functions)):
        for node, graphs in _walk(nodes):
            count += 1
            _check_node(node, graphs, functions, where)
    _check_count(count, where)
    _check_tensors(model.graph, where)
    _check_count(_Sizes(functions, where).of(model.graph.node, 0), where)


def without_functions(model: ModelProto) -> ModelProto:
    """The model with its own functions' bodies put where they are called. It has to be checked before."""
    return inliner.inline_local_functions(model) if model.functions else model


def _check_names(model: ModelProto, where: str) -> None:
    graph = model.graph
    names: list[str | bytes] = [tensor.name for tensor in (*graph.initializer, *graph.input, *graph.output)]
    names += [
        value
        for tensor in graph.initializer
        for entry in tensor.external_data
        for value in (entry.key, entry.value)
    ]
    names += [value for entry in model.metadata_props for value in (entry.key, entry.value)]
    for nodes in (graph.node, *(function.node for function in model.functions)):
        for node, _ in _walk(nodes):
            names += [node.name, node.op_type, node.domain, *node.input, *node.output]
            names += [attribute.name for attribute in node.attribute]
    for name in names:
        if isinstance(name, bytes):  # so protobuf gives what isn't UTF-8
            raise ModelError("a name in the file is no text", where=where, received=shown(repr(name))[:80],
                             remedy=AGAIN)  # fmt: skip
    longest = max(
        (len(each) for node in graph.node for each in (node.name, *node.input, *node.output)), default=0
    )
    longest = max((longest, *(len(tensor.name) for tensor in graph.initializer)))
    if longest > LONGEST_NAME:
        raise ModelError("a name in the graph is too long", where=where, received=f"{longest:,} characters",
                         remedy=f"{LONGEST_NAME:,} at most")  # fmt: skip


def _check_count(count: int, where: str) -> None:
    if not 0 < count <= MOST_NODES:
        raise ModelError(
            "this ONNX file holds no network that can be opened", where=where,
            received=f"{count:,} nodes", remedy=f"one of 1 to {MOST_NODES:,} nodes",
        )  # fmt: skip


def _check_node(node: NodeProto, graphs: bool, functions: dict[_Key, FunctionProto], where: str) -> None:
    about = f"{shown(node.op_type)[:80]} {shown(node.name)[:80]}".strip()
    if (graphs and node.op_type != "If") or node.op_type == "SequenceMap":
        raise ModelError(
            "the network runs a part of itself again and again: nothing says that this ends", where=where,
            received=about, remedy=_OWN_PART,
        )  # fmt: skip
    if node.domain not in DOMAINS and _called(node) not in functions:
        raise ModelError(
            "the network needs an operation of a library, and none is loaded", where=where,
            received=f"{about} of {shown(node.domain)[:80]}", remedy="export it with ONNX's own operations alone",
        )  # fmt: skip
    for attribute in node.attribute:
        for tensor in _tensors(attribute):
            _check_inside(tensor, where)


def _check_tensors(graph: GraphProto, where: str) -> None:
    if graph.sparse_initializer:
        raise ModelError(
            "the model keeps weights as sparse tensors, which aren't read", where=where,
            received=shown(graph.sparse_initializer[0].values.name)[:80], remedy="export it with dense weights",
        )  # fmt: skip


def _check_inside(tensor: TensorProto, where: str) -> None:
    if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
        raise ModelError(
            "a constant in the graph is kept in another file, which isn't read", where=where,
            received=shown(tensor.name)[:80], remedy="export it with its constants inside the file",
        )  # fmt: skip


def _walk(nodes: object) -> Iterator[tuple[NodeProto, bool]]:
    """Every node with those of inner graphs, and whether it has such a graph."""
    waiting = [nodes]
    while waiting:
        for node in waiting.pop():  # type: ignore[attr-defined]
            inner = [graph for attribute in node.attribute for graph in _graphs(attribute)]
            waiting += [graph.node for graph in inner]
            yield node, bool(inner)


def _graphs(attribute: AttributeProto) -> list[GraphProto]:
    return [*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs]


def _tensors(attribute: AttributeProto) -> Iterator[TensorProto]:
    """Every tensor that an attribute holds itself, and those of its inner graphs' weights."""
    if attribute.HasField("t"):
        yield attribute.t
    yield from attribute.tensors
    sparse: list[SparseTensorProto] = list(attribute.sparse_tensors)
    if attribute.HasField("sparse_tensor"):
        sparse.append(attribute.sparse_tensor)
    for graph in _graphs(attribute):
        yield from graph.initializer
        sparse += graph.sparse_initializer
    for each in sparse:
        yield each.values
        yield each.indices


def _key_of(function: FunctionProto) -> _Key:
    return function.domain, function.name, function.overload


def _called(node: NodeProto) -> _Key:
    return node.domain, node.op_type, node.overload


class _Sizes:
    """How many nodes functions come to once their bodies stand where they are called."""

    def __init__(self, functions: dict[_Key, FunctionProto], where: str):
        self._functions = functions
        self._where = where
        self._found: dict[_Key, int] = {}

    def of(self, nodes: object, depth: int) -> int:
        """The nodes that these come to."""
        if not self._functions:
            return sum(1 for _ in _walk(nodes))
        if depth > DEEPEST_CALL:
            raise ModelError(
                "the model's functions call each other in a circle, or too deep", where=self._where,
                received=f"over {DEEPEST_CALL} calls within calls", remedy="export it without functions of its own",
            )  # fmt: skip
        count = 0
        for node, _ in _walk(nodes):
            key = _called(node)
            if key in self._functions and key not in self._found:
                self._found[key] = self.of(self._functions[key].node, depth + 1)
            count += self._found.get(key, 1)
        return count
