"""Part of an opened graph in torch: from some of its tensors to others, with gradients of any by any."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pellucid.engines.torch.operations import NotDifferentiable, apply
from pellucid.errors import EngineError
from pellucid.network.operations import Graph, Node
from pellucid.storage import shown

Array = NDArray[Any]
Arrays = Mapping[str, Array]
Precision = Literal["float32", "float64"]


@dataclass(frozen=True, eq=False)
class Gradients:
    """`total`, the number that was differentiated; `values`, of the ends, by name; `gradients`, d total / d tensor."""

    total: float
    values: Arrays
    gradients: Arrays


class GraphPart:
    """The nodes between the tensors `starts` and `ends` (names) of a graph; everything else keeps its recorded value.

    A start may be a weight, or any tensor: its recorded value is where the part begins, unless a call gives another.
    A start that follows from another one is computed. Raises EngineError, naming the node, where one between them
    isn't known, or has no gradient.
    """

    def __init__(
        self, graph: Graph, values: Arrays, starts: Sequence[str], ends: Sequence[str],
        precision: Precision = "float32",
    ):  # fmt: skip
        self.starts, self.ends = tuple(starts), tuple(ends)
        self._dtype = {"float32": torch.float32, "float64": torch.float64}[precision]
        self.nodes = between(graph, self.starts, self.ends)
        made = {name for node in self.nodes for name in node.outputs if name}
        wanted = {name for node in self.nodes for name in node.inputs if name} | {*starts, *ends}
        for name in starts:
            if name not in made and values[name].dtype.kind != "f":
                raise EngineError(
                    "a gradient by whole numbers doesn't exist", where=f"tensor {shown(name)}",
                    received=f"{values[name].dtype} values", remedy="take a tensor of floating point numbers",
                )  # fmt: skip
        self._recorded = {name: self._tensor(values[name]) for name in sorted(wanted - made)}

    def run(self, given: Arrays | None = None) -> dict[str, Array]:
        """The ends' values, with these tensors instead of the recorded ones."""
        with torch.no_grad():
            tensors = self._run({name: self._tensor(array) for name, array in (given or {}).items()})
        return {name: tensors[name].numpy() for name in self.ends}

    def gradients(self, of: Arrays, given: Arrays | None = None) -> Gradients:
        """The gradient of total = sum over the ends in `of` of (coefficients x values) by each start."""
        leaves = {name: self._recorded[name] for name in self.starts if name in self._recorded}
        leaves |= {name: self._tensor(array) for name, array in (given or {}).items()}
        leaves = {name: tensor.detach().requires_grad_() for name, tensor in leaves.items()}
        tensors = self._run(leaves)
        terms = [(self._tensor(coefficients) * tensors[name]).sum() for name, coefficients in of.items()]
        total = torch.stack(terms).sum()
        starts = [tensors[name] for name in self.starts]
        found: tuple[Tensor | None, ...] = (None,) * len(starts)
        if total.requires_grad:
            found = torch.autograd.grad(total, starts, allow_unused=True)
        return Gradients(
            total.item(),
            {name: tensors[name].detach().numpy() for name in self.ends},
            {
                name: np.zeros(tuple(start.shape)) if gradient is None else gradient.numpy()
                for name, start, gradient in zip(self.starts, starts, found, strict=True)
            },
        )

    def _run(self, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        tensors = {**self._recorded, **given}
        for node in self.nodes:
            operands = [tensors[name] if name else None for name in node.inputs]
            for place, name in enumerate(node.outputs):
                if not name or name in given:
                    continue
                try:
                    assert node.operation is not None  # `between` has looked
                    tensors[name] = apply(node.operation, operands, place)
                except NotDifferentiable as error:
                    if place:  # a second result that nobody may ask for
                        continue
                    raise no_gradient(node, str(error)) from error
                except (RuntimeError, KeyError) as error:
                    raise EngineError(
                        "torch can't compute a node of this network", where=f"{node.type} {shown(node.name)}",
                        received=str(error).partition("\n")[0][:200],
                        remedy="occlusion needs no gradients and works with any network",
                    ) from error  # fmt: skip
        return tensors

    def _tensor(self, array: Array) -> Tensor:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # weights that lie in the file can't be written to; nothing does
            tensor = torch.from_numpy(np.asarray(array, order="C"))
        return tensor if tensor.dtype == torch.bool else tensor.to(self._dtype)


def between(graph: Graph, starts: Sequence[str], ends: Sequence[str]) -> tuple[Node, ...]:
    """The nodes on a way from a start to an end, in order. EngineError names one whose operation isn't known."""
    moved = set(starts)
    forward = []
    for node in graph.nodes:
        if moved & set(node.inputs):
            forward.append(node)
            moved |= {name for name in node.outputs if name}
    needed = set(ends)
    found = []
    for node in reversed(forward):
        if needed & set(node.outputs):
            if node.operation is None:
                raise no_gradient(node, "its operation isn't known")
            found.append(node)
            needed |= set(node.inputs)
    return tuple(reversed(found))


def no_gradient(node: Node, reason: str) -> EngineError:
    """The error for a node that gradients can't go through."""
    return EngineError(
        "gradients can't go through a node of this network", where=f"{node.type} {shown(node.name)}",
        received=reason, remedy="occlusion needs no gradients and works with any network",
    )  # fmt: skip
