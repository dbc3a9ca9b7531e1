"""How a weight learns: one step of stochastic gradient descent on one picture and its label, opened.

The loss is the cross-entropy of the scores, -log softmax(scores)[label]. Its gradient by a weight is a sum over the
results that the weight took part in: d loss / d result (delta), times what the weight was multiplied by there.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from math import fsum

import numpy as np
from numpy.typing import NDArray

from pellucid.engines.choice import open_part
from pellucid.errors import ModelError, SettingsError
from pellucid.inside.scores import Scores, find_scores
from pellucid.model.opened import Opened
from pellucid.network.operations import Array, Index, Linear, Node, Operands, number
from pellucid.network.operations.convolution import Convolution
from pellucid.network.operations.normalisation import BatchNormalization
from pellucid.storage import shown

Numbers = NDArray[np.float64]
Places = NDArray[np.int64]
RATE = 0.01
_SCALE, _SHIFT = 1, 2  # batch normalisation's operands


@dataclass(frozen=True, eq=False)
class GradientTerms:
    """delta x input, n of them: where a weight took part in the results of one `node`.

    `result` names the tensor that the node makes, `result_index` int64 [n, rank] stands in it, `deltas` float64 [n] is
    d loss / d result there. `inputs` [n] is what the weight was multiplied by; `source` and `input_index` [n, rank]
    say where that stands: "" and None where it is a number of the operation itself (1 for a bias).
    """

    node: str
    kind: str
    result: str
    result_index: Places
    deltas: Numbers
    inputs: Numbers
    source: str = ""
    input_index: Places | None = None

    @property
    def products(self) -> Numbers:
        return self.deltas * self.inputs

    def __len__(self) -> int:
        return len(self.deltas)


@dataclass(frozen=True, eq=False)
class LearningStep:
    """One weight before and after: after = weight - rate x gradient.

    `gradient` is the sum of all `terms` (one entry for each node that uses the weight), `by_autograd` what torch finds
    for the weight itself. `loss` and `loss_after` are those of this picture, in float64, with this one weight changed;
    `probability` of the label before and after.
    """

    name: str
    index: Index
    label: int
    rate: float
    weight: float
    terms: tuple[GradientTerms, ...]
    gradient: float
    by_autograd: float
    after: float
    loss: float
    loss_after: float

    @property
    def probability(self) -> float:
        return float(np.exp(-self.loss))

    @property
    def probability_after(self) -> float:
        return float(np.exp(-self.loss_after))

    @property
    def difference(self) -> float:
        """gradient - by_autograd."""
        return self.gradient - self.by_autograd

    @property
    def formula(self) -> str:
        """The update with its numbers put in."""
        gradient = number(self.gradient)
        gradient = f"({gradient})" if self.gradient < 0 else gradient
        return f"{number(self.weight)} - {self.rate:g} × {gradient} = {number(self.after)}"


def learning_step(
    opened: Opened, weight_name: str, index: Index, label: int, rate: float = RATE
) -> LearningStep:
    """The step for one weight, `index` in its tensor. Raises SettingsError for an unknown weight, index or label,
    EngineError without torch or a gradient."""
    scores = find_scores(opened)
    if not np.isfinite(rate):
        raise SettingsError("a learning rate is a number", where="rate", received=str(rate), remedy="0.01")
    users = _users(opened, weight_name)
    array = opened.values[weight_name]
    if len(index) != array.ndim or not all(0 <= i < n for i, n in zip(index, array.shape, strict=True)):
        ranges = ", ".join(f"0 to {n - 1}" for n in array.shape)
        raise SettingsError(
            f"{shown(weight_name)} has no such weight: indices are from 0", where="index",
            received=f"{shown(weight_name)}[{','.join(map(str, index))}]", remedy=ranges,
        )  # fmt: skip
    results = list(dict.fromkeys(node.outputs[0] for node, _ in users))
    part = open_part(opened.graph, opened.values, [weight_name, *results], [scores.name], "float64")
    loss, answers = _cross_entropy(part.run()[scores.name], label, scores)
    answers[scores.index(label)] -= 1  # d loss / d score = softmax - 1 for the label
    found = part.gradients({scores.name: answers}).gradients
    terms = tuple(
        _terms(opened, node, operand, index, found[node.outputs[0]].astype(np.float64))
        for node, operand in users
    )
    gradient = fsum(product for each in terms for product in each.products)
    weight = float(array[index])
    after = weight - rate * gradient
    changed = array.astype(np.float64)
    changed[index] = after
    loss_after, _ = _cross_entropy(part.run({weight_name: changed})[scores.name], label, scores)
    return LearningStep(
        weight_name, tuple(index), label, rate, weight, terms, gradient, float(found[weight_name][index]), after,
        loss, loss_after,
    )  # fmt: skip


def _cross_entropy(values: Array, label: int, scores: Scores) -> tuple[float, Numbers]:
    """-log softmax(scores)[label], and the softmax in the scores' shape."""
    below = values.astype(np.float64) - values.max()
    exponents = np.exp(below)
    total = float(exponents.sum())
    return float(np.log(total) - below[scores.index(label)]), exponents / total


def _users(opened: Opened, name: str) -> tuple[tuple[Node, int], ...]:
    """The nodes that take the weight in, each with the place of it among the node's operands."""
    graph = opened.graph
    users = graph.users.get(name, ())
    array = opened.values[name] if users else None
    if name not in graph.constants or array is None or array.dtype.kind != "f":
        weights = [
            each for each in graph.users if each in graph.constants and opened.values[each].dtype.kind == "f"
        ]
        near = get_close_matches(name, weights, n=1, cutoff=0.5)
        raise SettingsError(
            f"the network has no weight {shown(name)}" + (f"; did you mean {shown(near[0])}?" if near else ""),
            where="weight", received=shown(name), remedy=f"one of {', '.join(map(shown, weights[:40]))}",
        )  # fmt: skip
    return users


def _terms(opened: Opened, node: Node, operand: int, index: Index, deltas: Numbers) -> GradientTerms:
    if node.operation is None:
        raise ModelError(
            "the weight's node isn't known", where=f"{node.type} {shown(node.name)}",
            received=(opened.unknown or {}).get(node.name, ""), remedy="take a weight of another node",
        )  # fmt: skip
    operands: Operands = [opened.values[name] if name else None for name in node.inputs]
    kind, result = node.operation.kind, node.outputs[0]
    if isinstance(node.operation, Convolution):
        rows, inputs, places = _convolution(node.operation, operands, operand, index, deltas)
        source = "" if places is None else node.inputs[0]
    elif isinstance(node.operation, BatchNormalization) and operand in (_SCALE, _SHIFT):
        rows, inputs, places = _batch(node.operation, operands, operand, index, deltas)
        source = ""
    else:
        rows, inputs, source, places = _any(opened, node, operands, operand, index)
    return GradientTerms(node.name, kind, result, rows, deltas[tuple(rows.T)], inputs, source, places)


def _convolution(
    operation: Convolution, operands: Operands, operand: int, index: Index, deltas: Numbers
) -> tuple[Places, Numbers, Places | None]:
    """Every place of the output whose tap lies inside the input: results' places, inputs, inputs' places."""
    x, weight = operands[0], operands[1]
    assert x is not None
    assert weight is not None
    everywhere = np.argwhere(np.ones((len(deltas), *deltas.shape[2:]), bool))
    rows = np.insert(everywhere, 1, index[0], axis=1)
    if operand == 2:
        return rows, np.ones(len(rows)), None
    taps = np.array(index[2:])
    before = np.array([pair[0] for pair in operation.pads])
    under = rows[:, 2:] * np.array(operation.stride) + taps * np.array(operation.dilation) - before
    inside = ((under >= 0) & (under < np.array(x.shape[2:]))).all(axis=1)
    channel = index[0] // (len(weight) // operation.groups) * weight.shape[1] + index[1]
    places = np.insert(np.column_stack([rows[inside, 0], under[inside]]), 1, channel, axis=1)
    return rows[inside], x[tuple(places.T)].astype(np.float64), places


def _batch(
    operation: BatchNormalization, operands: Operands, operand: int, index: Index, deltas: Numbers
) -> tuple[Places, Numbers, None]:
    """The scale is multiplied by the normalised value, the shift by 1."""
    x, mean, variance = operands[0], operands[3], operands[4]
    assert x is not None
    assert mean is not None
    assert variance is not None
    mask = np.zeros(deltas.shape, bool)
    mask[(slice(None), *index)] = True
    rows = np.argwhere(mask)
    if operand == _SHIFT:
        return rows, np.ones(len(rows)), None
    if operation.training:
        raise ModelError("batch normalisation in training mode has no terms of one weight", where="gradient")
    values = x[tuple(rows.T)].astype(np.float64)
    deviation = np.sqrt(float(variance[index]) + operation.epsilon)
    return rows, (values - float(mean[index])) / deviation, None


def _any(
    opened: Opened, node: Node, operands: Operands, operand: int, index: Index
) -> tuple[Places, Numbers, str, Places | None]:
    """Anything linear in the weight: each result that it reaches is opened, and says by what it is multiplied."""
    operation, array = node.operation, operands[operand]
    assert operation is not None
    assert array is not None
    mask = np.zeros(array.shape, bool)
    mask[index] = True
    rows = np.argwhere(operation.spread(operands, operand, mask))
    factors, places, source = np.zeros(len(rows)), list[Places](), ""
    for row, result in enumerate(rows):
        opening = operation.open(operands, tuple(int(n) for n in result))
        if not isinstance(opening, Linear):
            raise ModelError(
                "the gradient of this weight isn't a sum of deltas and inputs",
                where=f"{node.type} {shown(node.name)}", received=f"{operation.kind}: {opening.formula[:80]}",
                remedy="take a weight of a convolution, a dense layer or a batch normalisation",
            )  # fmt: skip
        if opening.bias_operand == operand and opening.bias_index == index:
            factors[row] += opening.facts.get("beta", 1.0) / opening.divisor
        for part in opening.parts:
            if part.weight_operand == operand and part.weight_index is not None:
                own = (part.weight_index == np.array(index)).all(axis=1)
                scale = opening.facts.get("alpha", 1.0) / opening.divisor
                factors[row] += float(part.values[own].sum()) * scale
                places.append(part.index[own])
                source = node.inputs[part.operand]
            elif part.operand == operand:
                own = (part.index == np.array(index)).all(axis=1)
                weights = np.ones(len(part)) if part.weights is None else part.weights
                factors[row] += float(weights[own].sum()) / opening.divisor
                if part.weight_operand is not None and part.weight_index is not None:
                    places.append(part.weight_index[own])
                    source = node.inputs[part.weight_operand]
    found = np.concatenate(places) if places else None
    # One place a term, or none where the weight meets several values of a result.
    return rows, factors, source, found if found is not None and len(found) == len(rows) else None
