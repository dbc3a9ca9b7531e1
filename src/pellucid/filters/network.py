"""Filters as a network: each a frozen convolution named after its kernel, its border a layer before it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import NetworkError
from pellucid.filters.filter import Filter
from pellucid.filters.text import Piece, parse
from pellucid.network import INPUT, Network
from pellucid.network.layers import Pad, Shape, size_text
from pellucid.network.text import layer_text


@dataclass(frozen=True, eq=False)
class Expanded:
    """A filter text as a network: its canonical `text`, and the `weights` of its filters by name, float32."""

    text: str
    weights: Mapping[str, NDArray[np.float32]]


def network_of(text: str, input_shape: Shape) -> Network:
    """The network of a filter text for an input (channels, height, width).

        network_of("sobel-x + sobel-y, relu, maxpool 2", (1, 28, 28))

    It has its weights where all of them are the filters' (or no other layer has any), and none else: `expand` has the
    filters' then. NetworkError where the text makes no sense or doesn't fit.
    """
    expanded = expand(text, input_shape)
    network = Network.from_text(expanded.text, input_shape)
    if (
        expanded.weights
        and not (network.parameter_shapes | network.state_shapes).keys() - expanded.weights.keys()
    ):
        return network.with_weights(expanded.weights)
    return network


def expand(text: str, input_shape: Shape) -> Expanded:
    """The network's text that a filter text stands for, with the filters' weights.

    Each channel is filtered by itself (a convolution in groups) unless the filter says `volume`. The channels that
    come out are, for each channel that goes in, the answers of all filters side by side: red's sobel-x, red's sobel-y,
    green's sobel-x ...; for a volume, one for each filter.
    """
    written: list[str] = []
    weights: dict[str, NDArray[np.float32]] = {}
    counts: Counter[str] = Counter()
    pieces = parse(text)
    for place, piece in enumerate(pieces, start=1):
        if not piece.filters:
            written.append(piece.text)
            continue
        shape = _shape_before(written, piece, input_shape)
        try:
            lines, name, array = _layers(piece, shape, counts)
            written += lines
            weights[f"{name}.weight"] = array
            Network.from_text(", ".join(written), input_shape)
        except NetworkError as error:
            error.where = f"piece {place} of {len(pieces)}: {piece.text[:80]!r}"
            raise
    return Expanded(Network.from_text(", ".join(written), input_shape).text, weights)


def _shape_before(written: list[str], piece: Piece, input_shape: Shape) -> Shape:
    """The shape that flows into a piece."""
    if not written or piece.source == INPUT:
        return input_shape
    network = Network.from_text(", ".join(written), input_shape)
    source = piece.source or network.output
    if source not in network.shapes:
        raise NetworkError(
            f"takes in {source}, but no layer before it has that name",
            where=repr(piece.text[:80]),
            remedy=f"one of: {', '.join(list(network.shapes)[-12:])}",
        )
    return network.shapes[source]


def _layers(piece: Piece, shape: Shape, counts: Counter[str]) -> tuple[list[str], str, NDArray[np.float32]]:
    """The layers of one piece as text, the convolution's name and its weights."""
    if len(shape) != 3:
        raise NetworkError(
            "a filter slides over pictures, with height and width",
            received=f"what comes before it gives {size_text(shape)}",
            remedy="filters before flatten and dense, on an input height x width x channels",
        )
    filters = side_by_side(piece.filters)
    first, channels = filters[0], shape[0]
    name = piece.name or _named(filters, counts)
    if first.volume:
        array = np.stack([each.planes_for(channels) for each in filters])
        conv = first.conv(len(filters))
    else:
        array = np.tile(np.stack([each.sliding for each in filters]), (channels, 1, 1, 1))
        conv = first.conv(len(filters) * channels, groups=channels)
    first.output_size(*shape[1:])  # says what doesn't fit
    pads, source = first.pads(shape), f" from {piece.source}" if piece.source else ""
    lines = []
    if first.border != "zero" and any(map(any, pads)):
        lines.append(layer_text(Pad(pads, first.border)) + source)
        conv, source = replace(conv, padding=((0, 0), (0, 0))), ""
    return [*lines, f"{name}: {layer_text(conv)}{source}"], name, array


def side_by_side(filters: tuple[Filter, ...]) -> tuple[Filter, ...]:
    """The filters of a bank in one size: smaller ones with zeros around, so that their middles stay one place."""
    height, width = (max(each.size[axis] for each in filters) for axis in (0, 1))
    planes = max(len(each.weights) for each in filters)
    volume = any(each.volume for each in filters)
    made = []
    for each in filters:
        more = (height - each.size[0], width - each.size[1])
        if any(n % 2 for n in more):
            raise NetworkError(
                f"filters side by side share their middle: {each.size[0]} x {each.size[1]} has none within "
                f"{height} x {width}",
                received=f"{each.name} of {each.size[0]} x {each.size[1]}",
                remedy="kernels whose sides are all odd, or all even",
            )
        weights = np.pad(each.weights, ((0, 0), *((n // 2, n // 2) for n in more)))
        if len(weights) == 1 and planes > 1:
            weights = np.repeat(weights, planes, axis=0)
        made.append(replace(each, weights=weights, volume=volume))
    return tuple(made)


def _named(filters: tuple[Filter, ...], counts: Counter[str]) -> str:
    """`sharpen1`, `sobel_x1`, and `bank1` for several."""
    stem = re.sub(r"\W", "_", filters[0].name) if len(filters) == 1 else "bank"
    stem += "_" * stem[-1].isdigit()
    counts[stem] += 1
    return f"{stem}{counts[stem]}"
