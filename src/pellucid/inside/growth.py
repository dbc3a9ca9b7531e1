"""The receptive field of the middle value, layer by layer: from a few pixels to the whole picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.inside.field import Mask, box, field_of, picture_mask
from pellucid.inside.number import Inside
from pellucid.inside.window import find_entrance
from pellucid.model import ForeignModel, ModelFile
from pellucid.network.operations.convolution import Convolution
from pellucid.network.operations.dense import Gemm, MatMul
from pellucid.network.operations.pooling import Pooling
from pellucid.network.operations.transposed import TransposedConvolution

_WIDENING = (Convolution, Pooling, TransposedConvolution, Gemm, MatMul)


@dataclass(frozen=True, eq=False)
class Grown:
    """One layer's middle value (all channels): `place` [row, column] in the layer's maps, empty without maps.

    `rows` and `columns`: the first and last of the picture's own pixels that take part; `pixels`, how many do, `share`
    of all; `mask` bool [height, width] marks them. `exact`: False where an operation isn't known.
    """

    layer: str
    kind: str
    place: tuple[int, ...]
    rows: tuple[int, int]
    columns: tuple[int, int]
    pixels: int
    share: float
    mask: Mask
    exact: bool

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in the picture's pixels."""
        return self.rows[1] - self.rows[0] + 1, self.columns[1] - self.columns[0] + 1


@dataclass(frozen=True, eq=False, repr=False)
class Growth:
    """The `layers` in the graph's order, on the picture `pixels` uint8 [height, width, 1 or 3]."""

    where: str
    pixels: NDArray[np.uint8]
    layers: tuple[Grown, ...]

    def _repr_html_(self) -> str:
        from pellucid.inside.deep_words import growth_html  # it draws

        return growth_html(self)

    def __repr__(self) -> str:
        from pellucid.inside.deep_words import growth_text

        return growth_text(self)


def growth(model: ModelFile | ForeignModel, pixels: NDArray[np.uint8]) -> Growth:
    """How the field of the middle value grows, over the layers that slide a window or see everything.

    The middle is row h // 2, column w // 2 of a layer's maps. Fields are cut at the picture's border.
    """
    inside = Inside(model.opened(pixels))
    graph, places = inside.opened.graph, inside.places
    start = find_entrance(inside.opened).start
    moved, found = {start}, []
    for node in graph.nodes:
        if not moved & set(node.inputs):
            continue
        moved |= {name for name in node.outputs if name}
        tensor = node.outputs[0]
        if not isinstance(node.operation, _WIDENING) or not tensor or len(places.shape(tensor)) not in (2, 4):
            continue
        shape = places.shape(tensor)
        middle = tuple(n // 2 for n in shape[2:])
        marks = np.zeros(shape, bool)
        marks[(slice(None), slice(None), *middle)] = True
        reach = field_of(inside, places.at(tensor, (0, 0, *middle)), marks)
        mask = picture_mask(inside, reach, graph.inputs[0])
        if mask is None or not mask.any():
            continue
        rows, columns = box(mask)
        count = int(mask.sum())
        found.append(
            Grown(places.names[tensor], node.operation.kind, middle, rows, columns, count, count / mask.size,
                  mask, reach.exact)
        )  # fmt: skip
    return Growth(model.where, pixels, tuple(found))
