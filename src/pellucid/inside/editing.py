"""What if: a model with weights changed by hand, or feature maps switched off, that runs and opens like any other.

A map that is off is multiplied by zero on its way to whatever takes it in. Its own values are then shown as zeros; the
graph stays the model's own, so that every name and every opening is what it was.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from pellucid.engines.onnxruntime import Session
from pellucid.errors import ModelError, SettingsError
from pellucid.inside.number import Inside
from pellucid.model import ForeignModel, ModelFile
from pellucid.model.classifier import check_pixels
from pellucid.model.onnx_file import OnnxFile
from pellucid.model.opened import Opened, open_run
from pellucid.model.preprocessing import IMAGE
from pellucid.model.write import PROBABILITIES
from pellucid.network.operations import Graph
from pellucid.storage import shown

MOST_EDITS = 10_000
_OFF, _BY = "/switched off", "/switched off by"
_FLOATS = ("float16", "float32", "float64")


@dataclass(frozen=True)
class Weight:
    """One weight's new value: `name` on the screen, its index there."""

    name: str
    index: tuple[int, ...]
    value: float


class Edited:
    """A model as it would be, for one picture at a time: it opens and answers like a model.

    `base` is the model opened on any picture (for its names); `weights` stand for the file's own, by tensor;
    `changed` single values; `off`, (name, channel) of maps. Afterwards `weights` has all changed tensors, whole.
    SettingsError for what isn't there.
    """

    def __init__(
        self,
        model: ModelFile | ForeignModel,
        base: Inside,
        weights: Mapping[str, NDArray[Any]] | None = None,
        changed: Sequence[Weight] = (),
        off: Sequence[tuple[str, int]] = (),
    ):
        if len(changed) + len(off) > MOST_EDITS:
            raise SettingsError("there are too many changes at once", received=f"{len(changed) + len(off):,}",
                                remedy=f"{MOST_EDITS:,} at most: reset some")  # fmt: skip
        self._model = model
        self._names = {node.outputs[0]: (node.name, node.aliases) for node in base.opened.graph.nodes}
        self._masks = _masks(base, off)
        self.weights = _weights(model, base, weights or {}, changed)
        self._file = _switched(model.file.changed(self.weights), self._masks)

    @cached_property
    def _session(self) -> Session:
        return Session(*self._file.stripped(), self.where, bounded=True)

    def probabilities(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Probabilities [N, classes] of raw pixels, uint8 [N, height, width, 1 or 3]."""
        check_pixels(pixels)
        if isinstance(self._model, ModelFile):
            answer = self._session.run({IMAGE: np.ascontiguousarray(pixels)}, self._read(PROBABILITIES))
            return answer.astype(np.float32, copy=False)
        model, output = self._model, self._model.answer[0]
        rows = []
        for picture in pixels:  # many a file takes one picture at a time
            taken = model.prepared(picture)
            rows.append(np.ravel(self._session.run({model.intake.name: taken}, self._read(output))))
        return model.as_probabilities(np.stack(rows)).astype(np.float32)

    def _read(self, tensor: str) -> str:
        """The tensor's name where others read it."""
        return tensor + _OFF if tensor in self._masks else tensor

    @property
    def where(self) -> str:
        """The model's file."""
        return self._model.where

    @property
    def classes(self) -> tuple[str, ...]:
        """The model's classes."""
        return self._model.classes

    def opened(self, pixels: NDArray[np.uint8], again: Opened | None = None) -> Opened:
        """Every value for one picture, uint8 [height, width, 1 or 3]; `again` as for a model."""
        check_pixels(pixels[None])
        picture = np.ascontiguousarray(pixels[None])
        if isinstance(self._model, ModelFile):
            return self._own(open_run(self._file, {IMAGE: picture}, again=again))
        model = self._model
        before = open_run(model.before, {model.before.skeleton.graph.input[0].name: picture})
        feeds = {model.intake.name: before.values[model.intake.name]}
        return self._own(before.then(open_run(self._file, feeds, again=again)))

    def _own(self, opened: Opened) -> Opened:
        """The same run as one of the unchanged graph: without the nodes that switch off, under its own names."""
        graph, ours = opened.graph, {tensor + _OFF: tensor for tensor in self._masks}
        nodes = []
        for node in graph.nodes:
            if node.outputs[0] in ours:
                continue
            name, aliases = self._names.get(node.outputs[0], (node.name, node.aliases))
            inputs = tuple(ours.get(each, each) for each in node.inputs)
            nodes.append(replace(node, name=name, aliases=aliases, inputs=inputs))
        outputs = tuple(ours.get(each, each) for each in graph.outputs)
        silent = {tensor: opened.values[tensor + _OFF] for tensor in self._masks}
        values = ChainMap(silent, opened.values)  # type: ignore[arg-type]
        made = Graph(tuple(nodes), graph.inputs, outputs, graph.constants)
        return Opened(made, values, opened.where, opened.lazy, opened.unknown, opened.recording)


def _weights(
    model: ModelFile | ForeignModel,
    base: Inside,
    whole: Mapping[str, NDArray[Any]],
    changed: Sequence[Weight],
) -> dict[str, NDArray[Any]]:
    found: dict[str, NDArray[Any]] = {}
    for name, array in whole.items():
        own = model.file.weights.get(name)
        if own is None or own.shape != array.shape:
            raise ModelError("other weights don't fit this model", where=model.where, received=shown(name))
        found[name] = np.ascontiguousarray(array, own.dtype)
    for edit in changed:
        place = base.places.find(f"{edit.name}[{','.join(str(n) for n in edit.index)}]")
        own = model.file.weights.get(place.tensor)
        if own is None or own.dtype.name not in _FLOATS:
            raise SettingsError("this is no weight that can be changed", where=shown(edit.name))
        if place.tensor not in found:
            found[place.tensor] = np.array(own)
        with np.errstate(over="ignore"):
            value = own.dtype.type(edit.value)
        if not np.isfinite(value):
            raise SettingsError("a weight is a number", where=shown(edit.name), received=str(edit.value))
        found[place.tensor][place.full] = value
    return found


def _masks(base: Inside, off: Sequence[tuple[str, int]]) -> dict[str, NDArray[Any]]:
    """For each tensor with maps that are off: 1 for a channel that goes on, 0 for one that doesn't."""
    masks: dict[str, NDArray[Any]] = {}
    for name, channel in off:
        tensor = base.places.tensor(name)
        array, axes = base.places.value(tensor), base.places.axes(tensor)
        axis = axes.index("channel") if "channel" in axes else 0
        axis += array.ndim - len(axes)  # the batch
        if not base.places.is_computed(tensor) or array.dtype.name not in _FLOATS or array.ndim < 2:
            raise SettingsError("this is no feature map that can be switched off", where=shown(name))
        if not 0 <= channel < array.shape[axis]:
            raise SettingsError("there is no such channel", where=shown(name), received=str(channel),
                                remedy=f"0 to {array.shape[axis] - 1}")  # fmt: skip
        if tensor not in masks:
            shape = [size if at == axis else 1 for at, size in enumerate(array.shape)]
            masks[tensor] = np.ones(shape, array.dtype)
        masks[tensor][tuple(channel if at == axis else 0 for at in range(array.ndim))] = 0
    return masks


def _switched(file: OnnxFile, masks: Mapping[str, NDArray[Any]]) -> OnnxFile:
    """The file with a product by its mask between each such tensor and whatever takes it in."""
    if not masks:
        return file
    made = file.changed({})
    graph, nodes = made.skeleton.graph, []
    for node in graph.node:
        kept = onnx.NodeProto()
        kept.CopyFrom(node)
        kept.input[:] = [name + _OFF if name in masks else name for name in node.input]
        nodes.append(kept)
        nodes += [
            helper.make_node("Mul", [name, name + _BY], [name + _OFF], name=name + _OFF)
            for name in node.output
            if name in masks
        ]
    del graph.node[:]
    graph.node.extend(nodes)
    for output in graph.output:
        output.name += _OFF if output.name in masks else ""
    for name, mask in masks.items():
        graph.initializer.append(numpy_helper.from_array(mask, name + _BY))
        made.weights[name + _BY] = mask
    return made
