"""One value opened: its terms with their places, what they come to, and what the runtime stored.

The closing equation: |sum - stored| <= closeness x magnitude, where the magnitude is the sum of the absolute terms
and the bias, in float64, and the stored value is read from the runtime's output, never computed again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import isfinite

import numpy as np

from pellucid.inside.places import Place, Places
from pellucid.model.opened import Opened
from pellucid.network.operations import Array, Formula, Linear, Node, Opening, Part

# How near the sum has to come to the stored value, by the type of number that was stored. float32 is DESIGN's rule;
# narrower floats are rounded once more when they are stored; whole numbers are exact.
CLOSENESS = {"float64": 1e-12, "float32": 1e-6, "float16": 1e-3, "bfloat16": 8e-3}
# Where one operation of ours stands for several of ONNX's, whose names say more.
SAID_BY_TYPE = {
    "Flatten": "flatten",
    "Squeeze": "squeeze",
    "Unsqueeze": "unsqueeze",
    "Dropout": "dropout (at rest)",
    "Selu": "SELU",
    "Celu": "CELU",
    "InstanceNormalization": "instance normalisation",
    "MeanVarianceNormalization": "normalisation to mean 0 and variance 1",
}
SMALLEST = 1.2e-38  # a smaller float32 is stored as 0


@dataclass(frozen=True)
class Term:
    """One input value of an opened value: where it stands, what it is multiplied by, and the product.

    `weight` and its place are None where the operation doesn't multiply by one; `role` names it in the formula.
    """

    source: Place
    input: float
    weight: float | None
    product: float
    weight_source: Place | None = None
    role: str = "x"


@dataclass(frozen=True, eq=False, repr=False)
class Number:
    """An opened value: `stored` by the runtime, `opening` (None where the operation isn't known; `reason` says why)."""

    place: Place
    node: Node | None
    stored: float
    dtype: str
    opening: Opening | None
    reason: str
    places: Places

    def _repr_html_(self) -> str:
        from pellucid.inside import notebook  # it writes numbers

        return notebook.number_html(self)

    def __repr__(self) -> str:
        from pellucid.inside.equation import text

        return text(self)

    @property
    def kind(self) -> str:
        """What computes it, in words."""
        if self.node is None:
            return "weight" if self.places.is_constant(self.place.tensor) else "input"
        return kind_of(self.node)

    @property
    def sum(self) -> float | None:
        """What its terms or its formula come to, in float64."""
        return None if self.opening is None else self.opening.value

    @property
    def difference(self) -> float | None:
        """sum - stored."""
        if self.sum is None:
            return None
        return 0.0 if self.sum == self.stored or (self.sum != self.sum and self.stored != self.stored) else (
            self.sum - self.stored
        )  # fmt: skip

    @property
    def allowed(self) -> float:
        """The largest difference that rounding explains."""
        if self.opening is None or self.dtype not in CLOSENESS:
            return 0.0
        return CLOSENESS[self.dtype] * self.opening.magnitude + SMALLEST

    @property
    def closes(self) -> bool | None:
        """Whether the equation closes; None where there is nothing to hold it against."""
        if self.difference is None:
            return None
        # An infinite sum has an infinite magnitude, which would allow any value.
        return isfinite(self.difference) and abs(self.difference) <= self.allowed

    @property
    def bias_source(self) -> Place | None:
        """Where the bias stands, if there is one."""
        if not isinstance(self.opening, Linear) or self.opening.bias_operand is None or self.node is None:
            return None
        return self.places.at(self.node.inputs[self.opening.bias_operand], self.opening.bias_index)

    @cached_property
    def order(self) -> tuple[tuple[int, int], ...]:
        """(part, entry) of every term, largest product first. In a formula that is no sum, where sizes say little, the
        chosen one comes before all others, and what was computed before parameters."""
        if self.opening is None or self.node is None:
            return ()
        parts = self.opening.parts
        products = np.concatenate([part.products for part in parts] or [np.zeros(0)])
        starts = np.cumsum([0, *(len(part) for part in parts)])
        sizes = np.abs(products)
        chosen = self._first()
        if chosen is not None:
            sizes[chosen] = np.inf
        later = [isinstance(self.opening, Formula) and self._is_parameter(part) for part in parts]
        flat = np.lexsort((-sizes, np.repeat(later, [len(part) for part in parts])))
        of = np.searchsorted(starts, flat, side="right") - 1
        return tuple(zip(of.tolist(), (flat - starts[of]).tolist(), strict=True))

    def _is_parameter(self, part: Part) -> bool:
        return self.node is not None and self.places.is_constant(self.node.inputs[part.operand])

    def _first(self) -> int | None:
        """The entry that comes before all others: what was chosen, or the value's own place (softmax's logit)."""
        opening = self.opening
        if not isinstance(opening, Formula) or not len(opening.parts) or not len(opening.parts[0]):
            return None
        if opening.chosen is not None:
            return opening.chosen
        index = opening.parts[0].index
        own = (
            (index == np.asarray(self.place.full)).all(axis=1)
            if index.shape[1] == len(self.place.full)
            else None
        )
        return int(own.argmax()) if own is not None and own.any() else None

    def term(self, part: int, entry: int) -> Term:
        """One term, with its places."""
        assert self.opening is not None and self.node is not None
        each = self.opening.parts[part]
        weighs = None
        if each.weight_operand is not None and each.weight_index is not None:
            weighs = self.places.at(self.node.inputs[each.weight_operand], each.weight_index[entry])
        return Term(
            self.places.at(self.node.inputs[each.operand], each.index[entry]),
            float(each.values[entry]),
            None if each.weights is None else float(each.weights[entry]),
            float(each.products[entry]),
            weighs,
            each.role,
        )

    def terms(self) -> Iterator[Term]:
        """Every term, in the order of the window."""
        for part, each in enumerate(self.opening.parts if self.opening else ()):
            for entry in range(len(each)):
                yield self.term(part, entry)


class Inside:
    """An opened graph from the inside: `open(place)` any value of it. `places` finds them by name."""

    def __init__(self, opened: Opened):
        self.opened = opened
        self.places = Places(opened)

    def at(self, text: str) -> Number:
        """The value that a person means by "conv2[3,4,5]", opened."""
        return self.open(self.places.find(text))

    def open(self, place: Place) -> Number:
        """One value, opened to what it was made of."""
        array = self.opened.values[place.tensor]
        stored = float(array[place.full])
        if place.tensor not in self.opened.graph.maker:
            given = (
                "an input of the graph"
                if place.tensor in self.opened.graph.inputs
                else "a constant of the file"
            )
            return Number(
                place, None, stored, array.dtype.name, None, f"{given}: nothing computes it", self.places
            )
        node, output = self.opened.graph.maker[place.tensor]
        opening, reason = None, ""
        if node.operation is None:
            reason = (self.opened.unknown or {}).get(node.name, f"the operation {node.type} isn't known")
        else:
            opening = node.operation.open(self.operands(node), place.full, output)
        return Number(place, node, stored, array.dtype.name, opening, reason, self.places)

    def operands(self, node: Node) -> list[Array | None]:
        """The values that a node took in."""
        return [self.opened.values[name] if name else None for name in node.inputs]


def kind_of(node: Node) -> str:
    """What a node computes, in words."""
    if node.operation is None or node.type in SAID_BY_TYPE:
        return SAID_BY_TYPE.get(node.type, node.type)
    return node.operation.kind


def closes_within(number: Number) -> float:
    """How far from closing, in units of what is allowed: up to 1 it closes. Exact where nothing is allowed."""
    if number.difference is None:
        return 0.0
    if number.difference == 0:
        return 0.0
    if not isfinite(number.difference):
        return np.inf
    return abs(number.difference) / number.allowed if number.allowed else np.inf
