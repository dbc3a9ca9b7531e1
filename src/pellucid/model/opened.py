"""A model file opened on one input: its graph of operations, and every value that the runtime computed."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, shape_inference

from pellucid.engines.onnxruntime import Recording
from pellucid.engines.onnxruntime.recording import BUDGET
from pellucid.errors import ModelError
from pellucid.model.naming import names_of
from pellucid.model.onnx_file import OnnxFile
from pellucid.model.onnx_nodes import READERS, CannotOpen, NodeSource
from pellucid.network.operations import Graph, Node
from pellucid.storage import shown

Values = Mapping[str, NDArray[Any]]
OURS = ("", "ai.onnx")  # the domains of ONNX's own operations
_SHAPES_ALONE = {"Shape", "Size"}  # what they give depends on no value


@dataclass(frozen=True, eq=False)
class Opened:
    """A graph with the values of one run: `values` has every tensor by name, weights and folded ones too.

    `lazy`: the tensors would not fit into memory together and are fetched one by one. `unknown` says for each node
    that can't be opened why.
    """

    graph: Graph
    values: Values
    where: str = ""
    lazy: bool = False
    unknown: Mapping[str, str] | None = None

    def then(self, after: Opened) -> Opened:
        """This one's graph followed by another's, whose inputs are tensors of this one."""
        first, second = self.graph, after.graph
        known = {name for node in second.nodes for name in (node.name, *node.aliases)}
        before = (
            replace(node, aliases=tuple(alias for alias in node.aliases if alias not in known))
            for node in first.nodes
        )
        nodes = (*before, *second.nodes)
        graph = Graph(nodes, first.inputs, second.outputs, {**first.constants, **second.constants})
        values = ChainMap(dict(after.values) if not after.lazy else after.values, self.values)  # type: ignore[arg-type]
        unknown = {**(self.unknown or {}), **(after.unknown or {})}
        return Opened(graph, values, after.where, self.lazy or after.lazy, unknown)


def open_run(file: OnnxFile, feeds: Values, threads: int | None = None, budget: int = BUDGET) -> Opened:
    """Run a model on these inputs once, record every value, and read its nodes as operations.

    Raises ModelError where the graph contradicts itself or holds weights that are no numbers, EngineError where the
    runtime can't run it.
    """
    graph = file.skeleton.graph
    _check_weights(file)
    _check_order(file, feeds)
    names = [name for node in graph.node for name in node.output if name]
    model, given = file.stripped()
    recording = Recording(model, given, names, feeds, _sizes(model, feeds), file.where, threads, budget)
    live = _live(list(graph.node), set(feeds))
    constants = dict(file.weights)
    constants |= {name: recording[name] for name in names if name not in live}
    values: Values = ChainMap(constants, recording)  # type: ignore[arg-type]
    nodes, unknown = _nodes(file, live, values)
    outputs = tuple(output.name for output in graph.output)
    opened = Graph(tuple(nodes), tuple(feeds), outputs, constants)
    return Opened(opened, values, file.where, recording.lazy, unknown)


def _nodes(file: OnnxFile, live: set[str], values: Values) -> tuple[list[Node], dict[str, str]]:
    opsets = {entry.domain: entry.version for entry in file.skeleton.opset_import}
    opset = next((opsets[domain] for domain in OURS if domain in opsets), 1)
    protos = [node for node in file.skeleton.graph.node if any(name in live for name in node.output)]
    nodes, unknown = [], {}
    for proto, (name, aliases) in zip(protos, names_of(protos), strict=True):
        inputs = tuple(proto.input)
        operation = None
        if proto.domain not in OURS or proto.op_type not in READERS:
            domain = "" if proto.domain in OURS else f" of {shown(proto.domain)}"
            unknown[name] = f"the operation {shown(proto.op_type)}{domain} isn't known"
        else:
            try:
                operation, places = READERS[proto.op_type](NodeSource(proto, opset, values.__getitem__))
                inputs = tuple("" if place is None else proto.input[place] for place in places)
            except CannotOpen as error:
                unknown[name] = str(error)
            except (ArithmeticError, AssertionError, LookupError, TypeError, ValueError) as error:
                unknown[name] = f"its attributes make no sense here: {type(error).__name__}: {error}"[:200]
        nodes.append(Node(name, proto.op_type, operation, inputs, tuple(proto.output), aliases))
    return nodes, unknown


def _live(nodes: list[NodeProto], live: set[str]) -> set[str]:
    """The tensors whose values depend on those of the inputs; all others follow from constants and shapes."""
    live = set(live)
    for node in nodes:
        inner = any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute)
        if inner or (node.op_type not in _SHAPES_ALONE and any(name in live for name in node.input)):
            live |= {name for name in node.output if name}
    return live


def _check_order(file: OnnxFile, feeds: Values) -> None:
    """Every tensor is made before it is taken in, and by one node."""
    graph = file.skeleton.graph
    known = (
        set(feeds) | set(file.weights) | {tensor.values.name for tensor in graph.sparse_initializer} | {""}
    )
    made = {name for node in graph.node for name in node.output}
    for node in graph.node:
        for name in node.input:
            if name not in known:
                raise ModelError(
                    "the graph goes in a circle, or its nodes are out of order" if name in made
                    else "the graph takes in a tensor that nothing makes",
                    where=file.where, received=f"{shown(node.op_type)} {shown(node.name)} needs {shown(name)}",
                    remedy="export the model again; onnx.checker.check_model says more",
                )  # fmt: skip
        for name in node.output:
            if name and name in known:
                raise ModelError("two nodes make the same tensor", where=file.where, received=shown(name))
        known |= set(node.output)


def _check_weights(file: OnnxFile) -> None:
    for name, array in file.weights.items():
        if array.dtype.kind == "f" and array.size > 1 and not np.isfinite(array.sum(dtype=np.float64)):
            raise ModelError(
                f"the weight {shown(name)} holds values that are no numbers (NaN or infinite)", where=file.where,
                received=f"{np.count_nonzero(~np.isfinite(array)):,} of {array.size:,} values",
                remedy="train again with a lower learning rate, or export an earlier state",
            )  # fmt: skip


def _sizes(model: bytes, feeds: Values) -> dict[str, int]:
    """The bytes that each tensor takes, as far as its shape can be told beforehand."""
    proto = onnx.load_model_from_string(model)
    for given in proto.graph.input:
        if given.name in feeds:
            array = feeds[given.name]
            kind = helper.np_dtype_to_tensor_dtype(array.dtype)
            given.CopyFrom(helper.make_tensor_value_info(given.name, kind, array.shape))
    try:
        graph = shape_inference.infer_shapes(proto, data_prop=True).graph
    except Exception:  # it only tells how much memory will be needed
        return {}
    sizes = {}
    for info in [*graph.value_info, *graph.output]:
        tensor = info.type.tensor_type
        shape = [dim.dim_value for dim in tensor.shape.dim]
        if tensor.elem_type != TensorProto.UNDEFINED and all(shape):
            sizes[info.name] = prod(shape) * helper.tensor_dtype_to_np_dtype(tensor.elem_type).itemsize
    return sizes
