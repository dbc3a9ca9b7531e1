"""One ONNX node as a reader sees it: attributes as Python values, inputs as the arrays that were recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import AttributeProto, NodeProto, TensorProto, helper, numpy_helper

from pellucid.network.operations import Operation

# The operation, and which of the node's inputs are its operands, in its order (None: left out).
Read = tuple[Operation, tuple[int | None, ...]]


class CannotOpen(Exception):
    """This form of the operation isn't known; the text says what about it. The node is shown, not opened."""


@dataclass(frozen=True)
class NodeSource:
    """A node, the opset that its domain is read by, and its inputs' values ("" for an input left out).

    `value(name)` gives an input as it was recorded; fetching one may cost a run, so readers ask only for those
    that configure.
    """

    proto: NodeProto
    opset: int
    value: Callable[[str], NDArray[Any]]

    @property
    def count(self) -> int:
        """How many inputs are named, trailing ones left out not counted."""
        return len(self.proto.input)

    def has(self, place: int) -> bool:
        """Whether this input is given."""
        return place < self.count and self.proto.input[place] != ""

    def array(self, place: int) -> NDArray[Any]:
        """An input as it was recorded."""
        return self.value(self.proto.input[place])

    def ints(self, place: int) -> tuple[int, ...] | None:
        """An input of whole numbers (axes, pads, a shape), or None if it was left out."""
        return tuple(int(n) for n in np.ravel(self.array(place))) if self.has(place) else None

    def scalar(self, place: int) -> float | None:
        """An input of one number, or None if it was left out."""
        return float(np.ravel(self.array(place))[0]) if self.has(place) else None

    def get(self, name: str, default: Any = None) -> Any:
        """An attribute as a Python value (text as str, a tensor as an array), or the default."""
        for attribute in self.proto.attribute:
            if attribute.name == name:
                return _plain(attribute)
        return default

    def operands(self, *places: int) -> tuple[int | None, ...]:
        """These inputs as operands, those not given as None."""
        return tuple(place if self.has(place) else None for place in places)


Reader = Callable[[NodeSource], Read]


def _plain(attribute: AttributeProto) -> Any:
    value = helper.get_attribute_value(attribute)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, TensorProto):
        return numpy_helper.to_array(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(each.decode("utf-8", "replace") if isinstance(each, bytes) else each for each in value)
    return value
