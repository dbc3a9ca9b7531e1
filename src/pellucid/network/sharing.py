"""A convolution beside the dense and the locally connected layer, drawn: who is joined to whom, and by which weight."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.network.connections import NONE, Connections, Example, example
from pellucid.network.graph import Network
from pellucid.network.layers import Conv, size_text
from pellucid.network.svg import Svg, drawing, element, number, text, text_width, wrapped

MARGIN, WIDEST = 18.0, 1100.0
STEP, HIGH, RADIUS = 25.0, 104.0, 8.5  # between neurons of a layer, between the layers, and a neuron's own
KEYS = 8  # weights on one line of the lines' key

# Light tints, told apart by every kind of colour vision as far as eight can be; letters say the rest.
TINTS = ("#9ecae9", "#ffbf79", "#8bd3a8", "#f2cf5b", "#d6a5c9", "#ff9d98", "#83d3c9", "#c9b8a8")
STROKES = ("#0072b2", "#d55e00", "#009e73", "#b08900", "#a3497f", "#c43c35", "#2b8f96", "#77665a")
DASHES = ("none", "7 3", "2 3", "9 3 2 3")

_K = ".pellucid-sharing"
RULES = (
    f"{_K} .cell{{stroke:var(--ground)}}{_K} .none{{fill:var(--card);stroke:var(--rule);stroke-width:.5}}"
    f"{_K} .outside{{fill:url(#pellucid-outside);stroke:var(--rule);stroke-width:.5}}"
    f"{_K} .mark{{fill:#16181d}}{_K} .link{{fill:none;stroke-width:1.5}}"
    f"{_K} .neuron{{fill:var(--card);stroke:var(--line)}}{_K} .rows{{stroke:var(--ink);stroke-width:1.2}}"
    f"{_K} .hatch{{stroke:var(--line);stroke-width:.7}}"
)


@dataclass(frozen=True)
class _Layer:
    """One of the three: what is said of it, its weights among the example's values, and how a weight is called."""

    title: str
    weights: Callable[[Connections], NDArray[np.int64]]
    count: Callable[[Connections], str]
    shared: bool = False


def sharing(network: Network, layer: str = "") -> str:
    """The named convolution, or the first, as one SVG element on one line.

    Above each other: dense, locally connected, convolution; on the left the matrix of outputs x inputs, on the right
    the neurons of a cut along the last axis. Equal letters, in equal colours, are one weight. NetworkError as
    `connections.example`.
    """
    shown = example(network, layer)
    matrix = shown.whole or shown.cut
    cell = 17.0 if matrix.inside.size <= 36 else 13.0
    wide = cell * matrix.inside.size + 64
    keys = min(KEYS, int(shown.cut.weights.max()) + 1)
    lines_wide = max(STEP * (shown.cut.inside.size - 1) + 2 * RADIUS, 58 + 44 * keys)
    beside = wide + 34 + lines_wide + 2 * MARGIN <= WIDEST
    facts = _facts(shown)
    width = max((wide + 34 + lines_wide if beside else max(wide, lines_wide)) + 2 * MARGIN, 620.0)
    said = [text_width(each.title, 13, strong=True) for each in LAYERS]
    width = max(
        width, 2 * MARGIN + max(said + [text_width(_line(each, matrix, shown.cut)) for each in LAYERS])
    )
    title = f"{shown.name}: {shown.dense.text}, beside a dense and a locally connected layer"
    title_lines = wrapped(title, width - 2 * MARGIN, 15, strong=True)
    body: list[Svg] = [_hatch()]
    y = 12.0
    for line in title_lines:
        body.append(text(MARGIN, y + 16, line, 15, "strong"))
        y += 20
    for line in wrapped(" ".join(facts), width - 2 * MARGIN):
        body.append(text(MARGIN, y + 14, line, 11, "quiet"))
        y += 15
    y += 14
    for each in LAYERS:
        body.append(text(MARGIN, y + 14, each.title, 13, "strong"))
        body.append(text(MARGIN, y + 31, _line(each, matrix, shown.cut), 11, "quiet"))
        y += 42
        drawn, high = _matrix(each, matrix, MARGIN, y, cell)
        x, below = (MARGIN + wide + 34, y) if beside else (MARGIN, y + high + 12)
        neurons, lines_high = _neurons(each, shown.cut, x, below)
        kind = each.title.split(":")[0]
        body.append(
            element("g", element("title", each.title), drawn, neurons, class_="layer", data_layer=kind)
        )
        y = (y + max(high, lines_high) if beside else below + lines_high) + 22
    about = " ".join([*facts, *(f"{each.title}. {_line(each, matrix, shown.cut)}." for each in LAYERS)])
    return drawing("pellucid-sharing", width, y, title, about, body, RULES)


def _facts(shown: Example) -> list[str]:
    layer, cut = shown.layer, shown.cut
    said = f"{shown.name} itself, {size_text(_first(shown.dense.input_shape))} to "
    said += (
        f"{size_text(_first(shown.dense.output_shape))}: {shown.dense.other_parameters:,} parameters as a dense layer, "
        f"{shown.local.other_parameters:,} locally connected, {shown.dense.parameters:,} as a convolution."
    )
    pads = layer.padding
    if not isinstance(pads, str):
        pads = _once(tuple(str(a) if a == b else f"{a}:{b}" for a, b in pads))
    kept = (
        f"Drawn small, with its kernel {_x(layer.kernel)}, stride {_once(layer.stride)}, padding {pads} and dilation "
        f"{_once(layer.dilation)}, but one channel in and out:"
    )
    if shown.whole is not None:
        kept += f" {_to(shown.whole)} values as a matrix,"
        kept += " and of these axes the last alone," if len(layer.kernel) > 1 else ""
    elif len(layer.kernel) > 1:
        kept += " two axes are too many to be drawn; the last alone,"
    kept += f" {_to(cut)} values as neurons" + ("." if shown.whole is not None else " and as a matrix.")
    hatched = "Hatched: padding, a 0 outside the picture." if not cut.inside.all() else ""
    return [said, kept, *([hatched] if hatched else [])]


def _first(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (shape[-1], *shape[:-1])


def _x(sizes: tuple[int, ...]) -> str:
    return "x".join(str(n) for n in sizes)


def _once(sizes: tuple[object, ...]) -> str:
    return str(sizes[0]) if len(set(sizes)) == 1 else "x".join(str(n) for n in sizes)


def _to(each: Connections) -> str:
    return f"{_x(each.network.input_shape[1:])} to {_x(each.network.output_shape[1:])}"


def _dense_count(each: Connections) -> str:
    outputs, inputs = each.weights.shape[0], int(each.inside.sum())
    return f"{inputs} inputs x {outputs} outputs = {each.dense.other_mult_adds:,} weights{_biases(each, outputs)}"


def _local_count(each: Connections) -> str:
    outputs = each.weights.shape[0]
    taps = each.local.other_mult_adds // outputs
    return (
        f"{outputs} outputs x {taps} weights = {each.local.other_mult_adds:,} weights{_biases(each, outputs)}"
    )


def _shared_count(each: Connections) -> str:
    taps, outputs = int(each.weights.max()) + 1, each.weights.shape[0]
    return f"{taps:,} weights, each used {outputs} times{_biases(each, 1)}"


def _biases(each: Connections, count: int) -> str:
    biased = each.dense.parameters > int(each.weights.max()) + 1
    return f" and {count} bias{'es' * (count > 1)}" if biased else ""


def _line(layer: _Layer, matrix: Connections, cut: Connections) -> str:
    if matrix is cut:
        return layer.count(cut)
    return f"matrix: {layer.count(matrix)} · lines: {layer.count(cut)}"


LAYERS = (
    _Layer("dense: every output sees every input", lambda each: each.full, _dense_count),
    _Layer(
        "locally connected: every output sees a window, each with weights of its own",
        lambda each: each.own, _local_count,
    ),
    _Layer(
        "convolution: the same windows, and the same weights in each (equal letters are one weight)",
        lambda each: each.weights, _shared_count, shared=True,
    ),
)  # fmt: skip


def called(weight: int, count: int, shared: bool) -> str:
    """A shared weight's letter (its number where there are more than letters), another's number, from 1."""
    return chr(ord("a") + weight) if shared and count <= 26 else str(weight + 1)


def _colour(weight: int, shared: bool) -> str:
    return TINTS[weight % len(TINTS)] if shared else f"hsl({weight * 137.508 % 360:.0f},62%,80%)"


def _dash(weight: int) -> str:
    """With the strokes' colours, 32 weights are told apart."""
    return DASHES[(weight // 2 + weight // len(STROKES)) % len(DASHES)]


def _matrix(layer: _Layer, each: Connections, x: float, y: float, cell: float) -> tuple[list[Svg], float]:
    """The matrix with its heads, the upper left corner at (x, y); and how high it is."""
    weights = layer.weights(each)
    rows, columns = weights.shape
    count = int(weights.max()) + 1
    left, top = x + 60, y + 18
    size = min(10.0, (cell - 2) / (0.66 * len(called(count - 1, count, layer.shared))))
    drawn = [text(left, y + 11, "inputs, row by row" if len(each.padded) > 1 else "inputs", 10, "quiet"),
             text(x, top + 11, "outputs", 10, "quiet")]  # fmt: skip
    for row in range(rows):
        for column in range(columns):
            weight = int(weights[row, column])
            at = {"x": left + column * cell, "y": top + row * cell, "width": cell, "height": cell}
            if weight == NONE:
                drawn.append(element("rect", class_="none" if each.inside[column] else "outside", **at))
                continue
            middle = left + (column + 0.5) * cell, top + (row + 0.5) * cell + 0.36 * size
            name = called(weight, count, layer.shared)
            drawn.append(element("rect", class_="cell", fill=_colour(weight, layer.shared), **at))
            if not each.inside[column]:  # a weight that meets padding here
                drawn.append(element("rect", class_="outside", **at))
            drawn.append(text(*middle, name, size, "mark", "middle"))
    if len(each.padded) > 1:  # where a row of the picture ends
        low, right = top + rows * cell, left + columns * cell
        for column in range(each.padded[-1], columns, each.padded[-1]):
            at_x = number(left + column * cell)
            drawn.append(element("path", class_="rows", d=f"M{at_x} {number(top - 4)}V{number(low + 4)}"))
        for row in range(each.network.output_shape[-1], rows, each.network.output_shape[-1]):
            at_y = number(top + row * cell)
            drawn.append(element("path", class_="rows", d=f"M{number(left - 4)} {at_y}H{number(right + 4)}"))
    return drawn, 18 + rows * cell + 6


def _neurons(layer: _Layer, each: Connections, x: float, y: float) -> tuple[list[Svg], float]:
    """Inputs above, outputs below, a line for each connection; and how high it is."""
    weights = layer.weights(each)
    outputs, inputs = weights.shape
    left = x + RADIUS
    above, below = y + 18 + RADIUS, y + 18 + RADIUS + HIGH
    conv = each.network.nodes[0].layer
    assert isinstance(conv, Conv)
    # An output stands beneath the middle of its window.
    places = [left + STEP * (row * conv.stride[-1] + (conv.extent[-1] - 1) / 2) for row in range(outputs)]
    drawn = [text(x, y + 11, "inputs", 10, "quiet")]
    for row in range(outputs):
        for column in range(inputs):
            weight = int(weights[row, column])
            if weight == NONE:
                continue
            line = f"M{number(left + STEP * column)} {number(above)}L{number(places[row])} {number(below)}"
            stroke = (
                STROKES[weight % len(STROKES)]
                if layer.shared
                else f"hsl({weight * 137.508 % 360:.0f},60%,50%)"
            )
            dash = _dash(weight) if layer.shared else "none"
            drawn.append(
                element(
                    "path",
                    class_="link",
                    d=line,
                    stroke=stroke,
                    stroke_dasharray=dash,
                    data_ends=f"{column}>{row}",
                )
            )
    for column in range(inputs):
        at = left + STEP * column
        inner = each.inside[column]
        drawn.append(element("circle", class_="neuron", cx=at, cy=above, r=RADIUS))
        if not inner:
            drawn.append(element("circle", class_="outside", cx=at, cy=above, r=RADIUS))
        name = str(int(each.inside[: column + 1].sum())) if inner else "0"
        drawn.append(text(at, above + 3.2, name, 9, "", "middle"))
    for row, at in enumerate(places):
        drawn.append(element("circle", class_="neuron", cx=at, cy=below, r=RADIUS))
        drawn.append(text(at, below + 3.2, str(row + 1), 9, "", "middle"))
    y = below + RADIUS + 14
    drawn.append(text(x, y, "outputs", 10, "quiet"))
    if layer.shared:
        count = int(weights.max()) + 1
        for weight in range(count):
            at = x + 58 + 44 * (weight % KEYS)
            line_y = y + 16 * (weight // KEYS)
            drawn.append(text(at, line_y, called(weight, count, True), 10))
            line = f"M{number(at + 14)} {number(line_y - 3)}h22"
            drawn.append(
                element("path", class_="link", d=line, stroke=STROKES[weight % len(STROKES)],
                        stroke_dasharray=_dash(weight))
            )  # fmt: skip
        y += 16 * ((count - 1) // KEYS)
    return drawn, y + 4 - (above - 18 - RADIUS)


def _hatch() -> Svg:
    line = element("path", class_="hatch", d="M-1 1l2 -2M0 4l4 -4M3 5l2 -2")
    return element(
        "defs",
        element("pattern", line, id="pellucid-outside", width=4, height=4, patternUnits="userSpaceOnUse"),
    )
