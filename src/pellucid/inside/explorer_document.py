"""A model file as the explorer's document: `described(model)`, with the weights as one run of bytes.

The graph is opened once, on a picture of nothing, for its shapes; what depends on the picture's size (the resize) isn't
in the document's nodes: whoever shows it makes them from `input`, as model/preprocessing.py does.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass
from importlib.metadata import PackageNotFoundError, version
from math import isfinite, isnan
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pellucid import __version__
from pellucid.errors import ModelError
from pellucid.inside.classical import frame_of
from pellucid.inside.explorer_layers import layers_of
from pellucid.inside.explorer_schema import (
    AnswerDocument,
    ClassicalDocument,
    FiguresDocument,
    FrameDocument,
    GraphDocument,
    InputDocument,
    NodeDocument,
    TensorDocument,
    WeightDocument,
)
from pellucid.inside.number import Inside, kind_of
from pellucid.inside.scores import find_input, find_layer, find_scores
from pellucid.inside.table import learned_weights
from pellucid.model import ForeignModel, ModelFile
from pellucid.model.preprocessing import INPUT, Preprocessing
from pellucid.network.operations import Node, Operation
from pellucid.network.operations.convolution import Convolution

_SMALL = {
    "float32",
    "float16",
    "bfloat16",
    "int8",
    "uint8",
    "bool",
}  # all of them are float32 numbers exactly
_RENAMED = re.compile(r"(?:our-)*picture/(.+)")  # as model/foreign.py makes them
MOST_FILTERS = 11  # the side of the largest kernel that classical filters are compared with


@dataclass(frozen=True, eq=False)
class Described:
    """A network's document, and its constants in the order of their offsets."""

    document: GraphDocument
    arrays: Sequence[NDArray[Any]]

    def pieces(self) -> Iterator[bytes]:
        """The weights' bytes, array by array: little-endian, as each WeightDocument says."""
        for array, about in zip(self.arrays, self.document.weights, strict=True):
            yield np.ascontiguousarray(array, "<f4" if about.stored == "float32" else "<f8").tobytes()

    def weights(self) -> bytes:
        """All bytes in one."""
        return b"".join(self.pieces())

    def snapshot(self, weights: Mapping[str, NDArray[np.float32]]) -> bytes:
        """Other weights of the same network (an epoch's) as float16, each at half its offset; what isn't `replayed`
        is zeros there, and keeps the model's own values."""
        data = np.zeros(self.document.weight_bytes // 4, "<f2")
        for about in self.document.weights:
            if about.replayed:
                array = weights[about.tensor]
                data[about.offset // 4 : about.offset // 4 + array.size] = array.ravel()
        return data.tobytes()


def described(model: ModelFile | ForeignModel, title: str = "") -> Described:
    """The document of a model file. ModelError where its graph can't be run on one picture."""
    size = model.card.preprocessing if isinstance(model, ModelFile) else model.intake.preprocessing
    inside = Inside(model.opened(np.zeros((size.height, size.width, size.channels), np.uint8)))
    taken = _input(model, inside, size)
    nodes = _after(inside, taken)
    used = {name for node in nodes for name in node.inputs if name and inside.places.is_constant(name)}
    learned = learned_weights(inside.places, nodes)
    network = model.network if isinstance(model, ModelFile) else None
    shapes = {} if network is None else network.parameter_shapes | network.state_shapes
    replayed = shapes.keys() - (set() if network is None else set(network.frozen))
    weights, arrays, offset = [], [], 0
    for name in sorted(used, key=_in_order(nodes)):
        array = inside.places.value(name)
        stored = "float32" if array.dtype.name in _SMALL else "float64"
        weights.append(
            WeightDocument(
                tensor=name,
                shape=list(array.shape),
                axes=list(inside.places.axes(name)),
                dtype=array.dtype.name,
                stored=stored,
                offset=offset,
                learned=name in learned,
                replayed=name in replayed,
            )
        )
        arrays.append(array)
        # Aligned to eight, as a reader looks at the bytes as numbers of that size.
        offset += array.size * (4 if stored == "float32" else 8)
        if stored == "float32" and array.size % 2:
            arrays[-1], offset = np.append(array.ravel(), array.dtype.type(0)), offset + 4
    layers = layers_of(inside, taken, network)
    document = GraphDocument(
        format=1,
        title=title
        or (model.card.data.name if isinstance(model, ModelFile) and model.card.data else "")
        or Path(model.where).stem,
        file=Path(model.where).name,
        fingerprint=_fingerprint(model),
        versions=_versions(),
        network=model.card.network if isinstance(model, ModelFile) else None,
        classes=list(model.classes),
        named=isinstance(model, ModelFile) or model.is_named,
        input=_input_document(model, inside, size, taken),
        answer=_answer(model, inside),
        nodes=[_node(inside, node) for node in nodes],
        tensors=[
            _tensor(inside, name) for name in [taken, *(n for node in nodes for n in node.outputs if n)]
        ],
        weights=weights,
        weight_bytes=offset,
        layers=layers,
        parameters=sum(layer.parameters for layer in layers),
        mult_adds=sum(layer.mult_adds for layer in layers),
        values=sum(layer.values for layer in layers),
        classical=list(_frames(inside, nodes)),
        figures=_figures(model),
    )
    return Described(document, arrays)


def _input(model: ModelFile | ForeignModel, inside: Inside, size: Preprocessing) -> str:
    name = INPUT if isinstance(model, ModelFile) else model.intake.name
    if name not in inside.opened.values:
        raise ModelError("the network's input isn't in its graph", where=model.where, received=name)
    return name


def _after(inside: Inside, start: str) -> list[Node]:
    """The nodes that follow from the network's input: all but those that prepare the picture."""
    reached, found = {start}, []
    for node in inside.opened.graph.nodes:
        if reached & set(node.inputs):
            reached |= {name for name in node.outputs if name}
            found.append(node)
    return found


def _in_order(nodes: Sequence[Node]) -> Any:
    first: dict[str, int] = {}
    for node in nodes:
        for name in node.inputs:
            first.setdefault(name, len(first))
    return first.__getitem__


def _input_document(
    model: ModelFile | ForeignModel, inside: Inside, size: Preprocessing, taken: str
) -> InputDocument:
    ours = isinstance(model, ModelFile)
    raw = not ours and np.dtype(model.intake.dtype) == np.uint8
    renamed: dict[str, str] = {}
    if not ours:  # names that the file has itself are given away, for longer ones
        graph = model.before.skeleton.graph
        used = {name for node in graph.node for name in (*node.input, *node.output)}
        renamed = {found[1]: name for name in sorted(used) if (found := _RENAMED.fullmatch(name))}
    return InputDocument(
        picture=inside.opened.graph.inputs[0],
        input=taken,
        height=size.height,
        width=size.width,
        channels=size.channels,
        fit=size.fit,
        scale=[float(np.float32(each)) for each in size.scale],
        shift=[float(np.float32(each)) for each in size.shift],
        mean=[-shift / scale for scale, shift in zip(size.scale, size.shift, strict=True)],
        deviation=[1 / scale for scale in size.scale],
        raw=raw,
        bgr=not ours and model.intake.bgr,
        channel_last=not ours and model.intake.channel_last,
        renamed=renamed,
        own=ours,
        assumed=[] if ours else list(model.assumed),
    )


def _answer(model: ModelFile | ForeignModel, inside: Inside) -> AnswerDocument:
    opened, lacking = inside.opened, list[str]()
    scores = start = layer = None
    logits = False
    try:
        found = find_scores(opened)
        scores, logits = found.name, found.softmax
        start = find_input(opened, found)
        layer = find_layer(opened, start, found)
    except ModelError as error:
        lacking.append(error.what)
    output = opened.graph.outputs[0]
    ending: Literal["", "softmax", "divided by their sum"] = ""
    if isinstance(model, ForeignModel):
        output, last = model.answer
        ending = "" if last == "Softmax" else "divided by their sum" if last == "Sigmoid" else "softmax"
    return AnswerDocument(
        probabilities=output, ending=ending, scores=scores, logits=logits, start=start, layer=layer, lacking=lacking
    )  # fmt: skip


def _node(inside: Inside, node: Node) -> NodeDocument:
    operation = node.operation
    return NodeDocument(
        name=node.name,
        kind=kind_of(node),
        type=node.type,
        operation=None if operation is None else operation_name(operation),
        attributes={} if operation is None else plain(operation),
        inputs=list(node.inputs),
        outputs=list(node.outputs),
        aliases=list(node.aliases),
        unknown=None
        if operation is not None
        else (inside.opened.unknown or {}).get(node.name, "it isn't known"),
    )


def operation_name(operation: Operation) -> str:
    """Module and class: "convolution.Convolution"."""
    kind = type(operation)
    return f"{kind.__module__.rsplit('.', 1)[1]}.{kind.__name__}"


def plain(value: Any) -> Any:
    """An operation's attributes, or one of them, as plain data: no NumPy, no tuples, no infinite numbers."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    if isinstance(value, np.dtype):
        return value.name
    if isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, int | np.integer):
        return int(value)
    assert not isinstance(value, type)
    number = float(value)
    return (
        number if isfinite(number) else "NaN" if isnan(number) else "Infinity" if number > 0 else "-Infinity"
    )


def _tensor(inside: Inside, name: str) -> TensorDocument:
    places = inside.places
    full, short = places.shape(name), places.short(name)
    return TensorDocument(
        tensor=name,
        name=places.names.get(name, name),
        shape=list(short),
        full=list(full),
        batch=len(short) < len(full),
        axes=list(places.axes(name)),
        channel_last=name in places.channel_last,
        dtype=places.value(name).dtype.name,
        values=places.value(name).size,
    )


def _frames(inside: Inside, nodes: Sequence[Node]) -> Iterator[FrameDocument]:
    """The classical filters for every size of kernel that the network has."""
    sizes: dict[tuple[int, int], set[int]] = {}
    for node in nodes:
        if isinstance(node.operation, Convolution) and node.inputs[1] and len(node.operation.kernel) == 2:
            height, width = node.operation.kernel
            if 1 < max(height, width) <= MOST_FILTERS:
                channels = inside.places.shape(node.inputs[1])[1]
                sizes.setdefault((height, width), {1}).add(channels)
    for (height, width), channels in sorted(sizes.items()):
        vectors, names, thresholds = frame_of(height, width, sorted(channels))
        yield FrameDocument(
            height=height,
            width=width,
            thresholds={str(count): threshold for count, threshold in thresholds.items()},
            filters=[
                ClassicalDocument(
                    name=name,
                    title=title,
                    shift=list(shift),
                    enlarged=enlarged,
                    kernel=[[float(f"{cell:.8g}") for cell in row] for row in vector.reshape(height, width)],
                )
                for vector, (name, title, shift, enlarged) in zip(vectors, names, strict=True)
            ],
        )


def _figures(model: ModelFile | ForeignModel) -> FiguresDocument | None:
    if not isinstance(model, ModelFile):
        return None
    card, figures = model.card, model.card.figures
    return FiguresDocument(
        validation_accuracy=figures.validation_accuracy,
        test_accuracy=figures.test_accuracy,
        test_interval=figures.test_interval,
        test_count=figures.test_count,
        epoch=card.epoch,
        data=None if card.data is None else card.data.name,
    )


def _fingerprint(model: ModelFile | ForeignModel) -> str:
    """The file's sha256; of another tool's file, that of its graph and weights, which may lie in several files."""
    if isinstance(model, ModelFile):
        return hashlib.sha256(memoryview(model.data)).hexdigest()
    digest = hashlib.sha256(model.file.skeleton.SerializeToString(deterministic=True))
    for name in sorted(model.file.weights):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(model.file.weights[name]).view(np.uint8).data)
    return digest.hexdigest()


def _versions() -> dict[str, str]:
    found = {"pellucid": __version__}
    with suppress(PackageNotFoundError):
        found["onnxruntime"] = version("onnxruntime")
    return found
