"""A model file opened on one input: its graph of operations, and every value that the runtime computed."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import GraphProto, NodeProto, TensorProto, helper, shape_inference

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
LARGEST_TENSOR = 2 << 30  # bytes; VGG-16's largest for one picture has 13 million
_KINDS = set(TensorProto.DataType.values()) - {TensorProto.UNDEFINED}
_SHAPES_ALONE = {"Shape", "Size"}  # what they give depends on no value


@dataclass(frozen=True, eq=False)
class Opened:
    """A graph with the values of one run: `values` has every tensor by name, weights and folded ones too.

    `lazy`: the tensors would not fit into memory together and are fetched one by one. `unknown` says for each node
    that can't be opened why. `recording` is the run itself, so that the next one needn't load the model again.
    """

    graph: Graph
    values: Values
    where: str = ""
    lazy: bool = False
    unknown: Mapping[str, str] | None = None
    recording: Recording | None = None

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
        return Opened(graph, values, after.where, self.lazy or after.lazy, unknown, after.recording)


def open_run(
    file: OnnxFile,
    feeds: Values,
    threads: int | None = None,
    budget: int = BUDGET,
    again: Opened | None = None,
) -> Opened:
    """Run a model on these inputs once, record every value, and read its nodes as operations. `again`: an earlier run,
    perhaps of the same file, whose loaded model is then used.

    Raises ModelError where the graph contradicts itself or holds weights that are no numbers, EngineError where the
    runtime can't run it.
    """
    graph = file.skeleton.graph
    check_order(file, feeds)
    names = [name for node in graph.node for name in node.output if name]
    model, given = file.stripped()
    sizes = tensor_sizes(model, feeds)
    check_sizes(sizes, file.where)
    earlier = again.recording if again else None
    known = again.graph.constants if again else {}
    check_numbers(
        {name: each for name, each in file.weights.items() if each is not known.get(name)}, file.where
    )
    recording = Recording(model, given, names, feeds, sizes, file.where, threads, budget, earlier)
    live = _live(list(graph.node), set(feeds))
    folded = {name: recording[name] for name in names if name not in live}
    check_numbers(folded, file.where)
    constants = {**file.weights, **folded}
    values: Values = ChainMap(constants, recording)  # type: ignore[arg-type]
    nodes, unknown = _nodes(file, live, values)
    outputs = tuple(output.name for output in graph.output)
    opened = Graph(tuple(nodes), tuple(feeds), outputs, constants)
    return Opened(opened, values, file.where, recording.lazy, unknown, recording)


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


def check_order(file: OnnxFile, inputs: Iterable[str]) -> None:
    """Every tensor is made before it is taken in, and by one node."""
    graph = file.skeleton.graph
    known = set(inputs) | set(file.weights) | {""}
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
                raise ModelError("two nodes make the same tensor", where=file.where, received=shown(name),
                                 remedy="export the model again")  # fmt: skip
        known |= set(node.output)


def check_numbers(arrays: Values, where: str) -> None:
    """Weights are numbers; a limit (a single number, or a constant that a graph works out) may be infinite."""
    for name, array in arrays.items():
        if array.dtype.kind not in "fV" or array.dtype.names:
            continue
        with np.errstate(all="ignore"):
            if np.isfinite(array.sum(dtype=np.float64)):
                continue
            bad = np.isnan(array) if array.size == 1 else ~np.isfinite(array)
        if bad.any():
            raise ModelError(
                f"the weight {shown(name)} holds values that are no numbers (NaN or infinite)", where=where,
                received=f"{np.count_nonzero(bad):,} of {array.size:,} values",
                remedy="train again with a lower learning rate, or export an earlier state",
            )  # fmt: skip


def check_sizes(sizes: Mapping[str, int], where: str) -> None:
    """ModelError where one tensor alone would take more memory than any network for pictures needs."""
    for name, size in sizes.items():
        if size > LARGEST_TENSOR:
            raise ModelError(
                "the network would make a tensor too large for memory", where=where,
                received=f"{shown(name)}: {size:,} bytes", remedy=f"{LARGEST_TENSOR:,} bytes at most, with this input",
            )  # fmt: skip


def tensor_sizes(model: bytes, feeds: Values) -> dict[str, int]:
    """The bytes that each tensor takes, as far as its shape can be told beforehand."""
    proto = onnx.load_model_from_string(model)
    for given in proto.graph.input:
        if given.name in feeds:
            array = feeds[given.name]
            kind = helper.np_dtype_to_tensor_dtype(array.dtype)
            given.CopyFrom(helper.make_tensor_value_info(given.name, kind, array.shape))
    del proto.graph.value_info[:]  # what the file says about itself is no measure
    for output in proto.graph.output:
        output.ClearField("type")
    _leave_out(proto.graph, "Range")  # the inference would write it out, however long it is
    try:
        graph = shape_inference.infer_shapes(proto, data_prop=True).graph
    except Exception:  # it only tells how much memory will be needed
        return {}
    sizes: dict[str, int] = {}
    waiting = [graph]
    while waiting:
        graph = waiting.pop()
        for info in [*graph.value_info, *graph.output]:
            tensor = info.type.tensor_type
            shape = [dim.dim_value for dim in tensor.shape.dim]
            if tensor.elem_type in _KINDS and info.type.HasField("tensor_type") and all(n > 0 for n in shape):
                size = prod(shape) * helper.tensor_dtype_to_np_dtype(tensor.elem_type).itemsize
                sizes[info.name] = max(size, sizes.get(info.name, 0))
        for node in graph.node:
            waiting += [attribute.g for attribute in node.attribute if attribute.HasField("g")]
    return sizes


def _leave_out(graph: GraphProto, kind: str) -> None:
    """Take the nodes of one type out of a graph and its inner graphs."""
    kept = [node for node in graph.node if node.op_type != kind]
    if len(kept) < len(graph.node):
        del graph.node[:]
        graph.node.extend(kept)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _leave_out(attribute.g, kind)
