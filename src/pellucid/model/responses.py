"""Some layers' values for picture after picture: the part of a model's graph that leads to them, and no more.

`opened` records every value of one picture; this is for many pictures and few tensors. One picture a run, so that a
value doesn't depend on which pictures it was run with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import GraphProto, NodeProto, ValueInfoProto

from pellucid.engines.onnxruntime import Session
from pellucid.model.classifier import check_pixels
from pellucid.model.foreign import ForeignModel
from pellucid.model.model import ModelFile
from pellucid.model.onnx_file import OnnxFile
from pellucid.model.read import check_graph

Arrays = dict[str, NDArray[Any]]


class Responses:
    """What the tensors `names` of a model's graph (as `opened` names them) are for one picture after another."""

    def __init__(self, model: ModelFile | ForeignModel, names: Sequence[str], threads: int | None = None):
        self._first, self._second, self._between = _files(model)
        made = _made(self._first)
        first = [name for name in names if name in made]
        second = [name for name in names if name not in made]
        needed = [*first, *([self._between] if second and self._between not in first else [])]
        self._names = tuple(names)
        self._needed, self._after = needed, second
        self._sessions = [_session(self._first, needed, threads)]
        if second:
            assert self._second is not None
            self._sessions.append(_session(self._second, second, threads))
        self._image = self._first.skeleton.graph.input[0].name

    def of(self, pixels: NDArray[np.uint8]) -> Arrays:
        """The tensors, batch of 1 included, for one picture uint8 [height, width, 1 or 3]."""
        check_pixels(pixels[None])
        found = self._sessions[0].run_all({self._image: np.ascontiguousarray(pixels[None])}, self._needed)
        if self._after:
            found |= self._sessions[1].run_all({self._between: found[self._between]}, self._after)
        return {name: found[name] for name in self._names}


def _files(model: ModelFile | ForeignModel) -> tuple[OnnxFile, OnnxFile | None, str]:
    """The graph that takes in pixels; the one behind it, if any; and the tensor that goes from one to the other."""
    if isinstance(model, ModelFile):
        check_graph(model.file, model.card)
        return model.file, None, ""
    return model.before, model.file, model.intake.name


def _made(file: OnnxFile) -> set[str]:
    graph = file.skeleton.graph
    return {name for node in graph.node for name in node.output} | {given.name for given in graph.input}


def _session(file: OnnxFile, names: Sequence[str], threads: int | None) -> Session:
    data, given = file.stripped()
    part, kept = cut(data, names)
    return Session(part, {name: given[name] for name in kept if name in given}, file.where, threads, True)


def cut(data: bytes, names: Sequence[str]) -> tuple[bytes, Mapping[str, None]]:
    """A model's bytes without the nodes and weights that don't lead to the tensors `names`; and the names of the
    weights that are left. Everything in it is an output, so that nothing is fused: the bits are `opened`'s."""
    model = onnx.load_model_from_string(data)
    graph = model.graph
    needed, nodes = set(names), []
    for node in reversed(graph.node):
        if needed & set(node.output):
            nodes.append(node)
            needed |= _taken(node)
    weights = [tensor for tensor in graph.initializer if tensor.name in needed]
    part = GraphProto(name=graph.name, node=reversed(nodes), initializer=weights, input=graph.input)
    made = dict.fromkeys(name for node in part.node for name in node.output if name)
    part.output.extend(ValueInfoProto(name=name) for name in [*made, *(n for n in names if n not in made)])
    model.graph.CopyFrom(part)
    return model.SerializeToString(), dict.fromkeys(tensor.name for tensor in weights)


def _taken(node: NodeProto) -> set[str]:
    """What a node takes in, its inner graphs too."""
    found = set(node.input)
    for attribute in node.attribute:
        for graph in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
            for inner in graph.node:
                found |= _taken(inner)
            found |= {output.name for output in graph.output}
    return found
