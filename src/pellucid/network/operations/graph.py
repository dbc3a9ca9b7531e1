"""An opened graph: nodes that name their tensors, each with the operation it executes, if that is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from pellucid.network.operations.base import Array, Operation


@dataclass(frozen=True)
class Node:
    """One node: `name`, unique and for the screen; `type`, ONNX's ("Conv"); `operation`, or None where it isn't
    known: its values can be shown, but not opened. `inputs` are the tensors that are the operation's operands, in its
    order, "" for one left out; `outputs` the tensors it makes, "" for one that is not asked for. `aliases` are other
    names a person may know it by (the module's path in PyTorch)."""

    name: str
    type: str
    operation: Operation | None
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes in an order in which each comes after its inputs.

    `inputs` are the tensors that come from outside (the picture first), `outputs` the answers; `constants` are
    weights and everything folded that follows from constants and shapes alone.
    """

    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    constants: Mapping[str, Array] = field(repr=False)

    @cached_property
    def maker(self) -> Mapping[str, tuple[Node, int]]:
        """For each tensor that a node makes: the node, and which of its results it is."""
        return {name: (node, place) for node in self.nodes for place, name in enumerate(node.outputs) if name}

    @cached_property
    def users(self) -> Mapping[str, tuple[tuple[Node, int], ...]]:
        """For each tensor: the nodes that take it in, and as which operand."""
        found: dict[str, list[tuple[Node, int]]] = {}
        for node in self.nodes:
            for place, name in enumerate(node.inputs):
                if name:
                    found.setdefault(name, []).append((node, place))
        return {name: tuple(users) for name, users in found.items()}
