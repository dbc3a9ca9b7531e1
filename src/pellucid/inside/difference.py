"""Why one class and not another: the difference of two sums, term by term, as the last layer computes them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import ModelError, SettingsError
from pellucid.inside.scores import Scores, find_scores
from pellucid.model.opened import Opened
from pellucid.network.operations import Graph, Index, Linear, Node, Part
from pellucid.network.operations.convolution import Convolution
from pellucid.network.operations.dense import Gemm, MatMul
from pellucid.storage import shown

Numbers = NDArray[np.float64]
_SUMS = (Convolution, Gemm, MatMul)


@dataclass(frozen=True, eq=False)
class Difference:
    """score a - score b = sum of inputs x (weights_a - weights_b) + bias_a - bias_b.

    The terms stand in the order of the tensor `layer`'s inputs, `source`: `index` int64 [n, rank] there, `inputs`,
    `weights_a`, `weights_b`, `products` float64 [n]. What a score is multiplied by afterwards (a temperature) is in
    the weights and the biases. `score_a` and `score_b` are as the runtime stored them; `value` is what the terms come
    to, `magnitude` their absolute sum.
    """

    a: int
    b: int
    layer: str
    source: str
    index: NDArray[np.int64]
    inputs: Numbers
    weights_a: Numbers
    weights_b: Numbers
    bias_a: float
    bias_b: float
    score_a: float
    score_b: float

    @property
    def products(self) -> Numbers:
        return self.inputs * (self.weights_a - self.weights_b)

    @property
    def value(self) -> float:
        return float(self.products.sum()) + self.bias_a - self.bias_b

    @property
    def magnitude(self) -> float:
        absolute = np.abs(self.inputs) * (np.abs(self.weights_a) + np.abs(self.weights_b))
        return float(absolute.sum()) + abs(self.bias_a) + abs(self.bias_b)

    def order(self) -> NDArray[np.int64]:
        """The terms' places, the strongest first, whichever class they speak for."""
        return np.argsort(-np.abs(self.products), kind="stable")


@dataclass(frozen=True)
class _Sum:
    """One score as the last sum that has several terms, times what follows: node, source, part, factor, bias."""

    layer: str
    source: str
    part: Part
    factor: float
    bias: float


def difference(opened: Opened, a: int, b: int) -> Difference:
    """Why class a and not b. SettingsError for an unknown class or the same twice; ModelError where the scores aren't
    sums."""
    if a == b:
        raise SettingsError(
            "a class doesn't differ from itself", where="classes", received=f"{a} and {b}",
            remedy="name two classes",
        )  # fmt: skip
    scores = find_scores(opened)
    for each in (a, b):
        scores.index(each)  # a wrong class is said first
    first, second = _sum_of(opened, scores, a), _sum_of(opened, scores, b)
    if (first.layer, first.source) != (second.layer, second.source):
        raise _no_sum(opened, scores)
    shape = opened.values[first.source].shape
    places = [np.ravel_multi_index(tuple(each.part.index.T), shape) for each in (first, second)]
    together = np.unique(np.concatenate(places))
    weights = []
    for each, own in zip((first, second), places, strict=True):
        found = np.zeros(len(together))
        factors = np.ones(len(each.part)) if each.part.weights is None else each.part.weights
        np.add.at(found, np.searchsorted(together, own), factors * each.factor)
        weights.append(found)
    values = opened.values[first.source].astype(np.float64).ravel()[together]
    return Difference(
        a, b, first.layer, first.source, np.stack(np.unravel_index(together, shape), axis=1), values,
        weights[0], weights[1], first.bias, second.bias, scores.of(a), scores.of(b),
    )  # fmt: skip


def _sum_of(opened: Opened, scores: Scores, which: int) -> _Sum:
    """From a score back through what only moves, scales or shifts it, to the sum that it is."""
    name, index = scores.name, scores.index(which)
    factor, bias = 1.0, 0.0
    graph = opened.graph
    while name in graph.maker:
        node, output = graph.maker[name]
        if node.operation is None:
            break
        operands = [opened.values[each] if each else None for each in node.inputs]
        opening = node.operation.open(operands, index, output)
        if not isinstance(opening, Linear):
            break
        parts = [_data_first(part, node, graph) for part in opening.parts]
        live = [part for part in parts if node.inputs[part.operand] not in graph.constants]
        fixed = [part for part in parts if node.inputs[part.operand] in graph.constants]
        if len(live) != 1:
            break
        part, source = live[0], node.inputs[live[0].operand]
        # A constant that is added is one more bias.
        weight_name = "" if part.weight_operand is None else node.inputs[part.weight_operand]
        if weight_name and weight_name not in graph.constants:
            break
        factor /= opening.divisor
        bias += factor * (opening.bias + sum(float(each.products.sum()) for each in fixed))
        if len(part) != 1 or isinstance(node.operation, _SUMS):
            return _Sum(node.name, source, part, factor, bias)
        factor *= 1.0 if part.weights is None else float(part.weights[0])
        name, index = source, _as_index(part)
    raise _no_sum(opened, scores)


def _data_first(part: Part, node: Node, graph: Graph) -> Part:
    """A constant times a value is the value times the constant."""
    weight = part.weight_operand
    if weight is None or part.weight_index is None or part.weights is None:
        return part
    if node.inputs[part.operand] not in graph.constants or node.inputs[weight] in graph.constants:
        return part
    return Part(weight, part.weight_index, part.weights, part.values, part.operand, part.index)


def _as_index(part: Part) -> Index:
    return tuple(int(n) for n in part.index[0])


def _no_sum(opened: Opened, scores: Scores) -> ModelError:
    return ModelError(
        "the classes' scores aren't sums of one layer's values, so that they have no difference in terms",
        where=opened.where, received=shown(scores.name),
        remedy="Grad-CAM over the difference shows what speaks for one class and not the other",
    )  # fmt: skip
