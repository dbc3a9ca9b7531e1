"""What the nodes of an opened graph compute, value by value: terms, formulas, and which values reach which."""

from pellucid.network.operations.base import (
    Array,
    Formula,
    Index,
    Linear,
    Mask,
    Opening,
    Operands,
    Operation,
    Part,
    Shape,
    Window,
    number,
)
from pellucid.network.operations.graph import Graph, Node

__all__ = [
    "Array",
    "Formula",
    "Graph",
    "Index",
    "Linear",
    "Mask",
    "Node",
    "Opening",
    "Operands",
    "Operation",
    "Part",
    "Shape",
    "Window",
    "number",
]
