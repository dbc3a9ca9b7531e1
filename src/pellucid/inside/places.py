"""Where a value stands: `conv2[3,4,5]`, its tensor and index, found from what a person types.

An index is one number for each axis, from 0, without the batch, in the tensor's own order of axes: channel first in
a network, channel last in a picture.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property

from pellucid.errors import SettingsError
from pellucid.model.opened import Opened
from pellucid.network.operations import Array, Index, Node, Shape
from pellucid.network.operations.convolution import Convolution
from pellucid.network.operations.dense import Gemm
from pellucid.network.operations.movement import Transpose
from pellucid.storage import shown

_SPATIAL = {1: ("place",), 2: ("row", "column"), 3: ("slice", "row", "column")}
TO_FIRST, TO_LAST = (0, 3, 1, 2), (0, 2, 3, 1)
_MOST_NAMED = 40


@dataclass(frozen=True)
class Place:
    """One value: its `tensor` in the file, `name` on the screen, `index` there (without the batch), the `full` index
    in the array, and what each number of the index counts (`axes`)."""

    tensor: str
    name: str
    index: Index
    full: Index
    axes: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name}[{','.join(str(n) for n in self.index)}]"


class Places:
    """The names and axes of an opened graph's tensors."""

    def __init__(self, opened: Opened):
        self._opened = opened

    @cached_property
    def names(self) -> Mapping[str, str]:
        """For each tensor its name on the screen: that of the node that makes it, where it makes but one."""
        graph = self._opened.graph
        found = {name: name for name in (*graph.inputs, *graph.constants)}
        for node in graph.nodes:
            made = [name for name in node.outputs if name]
            for name in made:
                found[name] = node.name if name == made[0] else name
        return found

    @cached_property
    def _known(self) -> Mapping[str, str]:
        """Every name that is accepted, and the tensor that it means."""
        known: dict[str, str] = {}
        for node in self._opened.graph.nodes:
            made = [name for name in node.outputs if name]
            for alias in node.aliases if made else ():
                known[alias] = made[0]
        known |= {name: name for name in self.names}
        return known | {name: tensor for tensor, name in self.names.items()}

    @cached_property
    def channel_last(self) -> frozenset[str]:
        """The tensors whose channels are the last axis: a picture's, until a transposition brings them to the front."""
        graph = self._opened.graph
        found = {
            name for name in graph.inputs if self.shape(name)[-1] in (1, 3) and len(self.shape(name)) == 4
        }
        found -= {
            name
            for name in graph.inputs
            if self.shape(name)[1] in (1, 3) and self.shape(name)[-1] not in (1, 3)
        }
        for node in graph.nodes:
            last = bool(node.inputs) and node.inputs[0] in found
            if isinstance(node.operation, Transpose):
                last = (
                    last and node.operation.permutation != TO_FIRST
                ) or node.operation.permutation == TO_LAST
            if last:
                found |= set(node.outputs)
        return frozenset(found)

    def value(self, tensor: str) -> Array:
        """The tensor's values."""
        return self._opened.values[tensor]

    def is_computed(self, tensor: str) -> bool:
        """Whether a node makes it, so that its values can be opened."""
        return tensor in self._opened.graph.maker

    def is_constant(self, tensor: str) -> bool:
        """Whether it is a weight, or follows from constants and shapes alone."""
        return tensor in self._opened.graph.constants

    def shape(self, tensor: str) -> Shape:
        """The tensor's shape, batch included."""
        return self._opened.values[tensor].shape

    def short(self, tensor: str) -> Shape:
        """The shape as an index counts it: without the batch."""
        shape = self.shape(tensor)
        return shape[1:] if self._has_batch(tensor) else shape

    def axes(self, tensor: str) -> tuple[str, ...]:
        """What each number of an index counts."""
        rank = len(self.short(tensor))
        if tensor in self._opened.graph.constants:
            return self._weight_axes(tensor, rank)
        if rank == 1:
            return ("value",)
        if rank - 1 not in _SPATIAL:
            return tuple(f"axis {axis}" for axis in range(rank))
        spatial = _SPATIAL[rank - 1]
        return (*spatial, "channel") if tensor in self.channel_last else ("channel", *spatial)

    def _weight_axes(self, tensor: str, rank: int) -> tuple[str, ...]:
        for node, operand in self._opened.graph.users.get(tensor, ()):
            if isinstance(node.operation, Convolution) and operand == 1 and rank - 2 in _SPATIAL:
                return ("filter", "channel", *_SPATIAL[rank - 2])
            if isinstance(node.operation, Gemm) and operand == 1:
                return ("output", "input") if node.operation.transposed_b else ("input", "output")
            if rank == 1 and operand > 0:
                return ("channel",)
        return tuple(f"axis {axis}" for axis in range(rank))

    def at(self, tensor: str, full: Iterable[int]) -> Place:
        """The place of an array's index."""
        index = tuple(int(n) for n in full)
        shorter = index[1:] if self._has_batch(tensor) else index
        return Place(tensor, self.names.get(tensor, tensor), shorter, index, self.axes(tensor))

    def find(self, text: str) -> Place:
        """The value that a person means by "conv2[3,4,5]"; SettingsError with the names and ranges there are."""
        match = re.fullmatch(r"\s*(.+?)\s*(?:\[([^\[\]]*)\])?\s*", text, re.DOTALL)
        if match is None:
            raise SettingsError(
                "a value has a name and an index",
                where="NAME[INDEX]",
                received=shown(text),
                remedy=self._example(),
            )
        tensor = self.tensor(match[1])
        return self._indexed(tensor, match[2], text)

    def tensor(self, name: str) -> str:
        """The tensor of this name; SettingsError with the nearest and the list."""
        known = self._known
        if name in known:
            return known[name]
        folded = {each.lower(): tensor for each, tensor in known.items()}
        if name.lower() in folded:
            return folded[name.lower()]
        near = get_close_matches(name.lower(), list(folded), n=1, cutoff=0.5)
        names = [node.name for node in self._opened.graph.nodes]
        listed = ", ".join(shown(each) for each in names[:_MOST_NAMED])
        more = (
            f" and {len(names) - _MOST_NAMED:,} more: pellucid summary lists them"
            if len(names) > _MOST_NAMED
            else ""
        )
        nearest = f"{shown(self.names.get(folded[near[0]], near[0]))}? " if near else ""
        raise SettingsError(
            "the network has nothing of this name", where=self._opened.where, received=shown(name),
            remedy=f"{nearest}There are {listed}{more}",
        )  # fmt: skip

    def node(self, name: str) -> Node:
        """The node that makes the tensor of this name."""
        tensor = self.tensor(name)
        if tensor not in self._opened.graph.maker:
            raise SettingsError(
                "this is no layer: nothing computes it", received=shown(name),
                remedy=f"one of {', '.join(shown(node.name) for node in self._opened.graph.nodes[:_MOST_NAMED])}",
            )  # fmt: skip
        return self._opened.graph.maker[tensor][0]

    def _indexed(self, tensor: str, written: str | None, text: str) -> Place:
        shape, axes = self.short(tensor), self.axes(tensor)
        name = shown(self.names.get(tensor, tensor))
        ranges = ", ".join(f"{axis} 0 to {n - 1}" for axis, n in zip(axes, shape, strict=True))
        example = f"{name}[{','.join(str(n // 2) for n in shape)}]"
        parts = [part.strip() for part in (written or "").split(",")] if (written or "").strip() else []
        if written is None and shape:
            raise SettingsError(f"which value of {name}? Indices are from 0: {ranges}", received=shown(text),
                                remedy=example)  # fmt: skip
        if any(not re.fullmatch(r"-?\d{1,18}", part) for part in parts):
            raise SettingsError("an index is whole numbers, from 0", received=shown(text),
                                remedy=f"{example}: {ranges}")  # fmt: skip
        index = tuple(int(part) for part in parts)
        if len(index) == len(self.shape(tensor)) and self._has_batch(tensor) and index[0] == 0:
            index = index[1:]  # the batch was given, too
        if len(index) != len(shape):
            raise SettingsError(
                f"{name} has {_counted(len(shape), 'axis', 'axes')}"
                f"{' without the batch' if self._has_batch(tensor) else ''}, "
                f"the index has {_counted(len(index), 'number', 'numbers')}",
                received=shown(text), remedy=f"{example}: {ranges}",
            )  # fmt: skip
        for n, size, axis in zip(index, shape, axes, strict=True):
            if not 0 <= n < size:
                raise SettingsError(
                    f"{axis} {n} is outside {name}: indices are from 0", received=shown(text),
                    remedy=f"{example}: {ranges}",
                )  # fmt: skip
        full = (0, *index) if self._has_batch(tensor) else index
        return Place(tensor, self.names.get(tensor, tensor), index, full, axes)

    def _has_batch(self, tensor: str) -> bool:
        shape = self.shape(tensor)
        return len(shape) > 1 and shape[0] == 1 and not self.is_constant(tensor)

    def _example(self) -> str:
        last = self._opened.graph.nodes[-1]
        tensor = next(name for name in last.outputs if name)
        return f"{shown(last.name)}[{','.join('0' for _ in self.short(tensor))}]"


def _counted(count: int, one: str, more: str) -> str:
    return f"{count} {one if count == 1 else more}"
