"""The summary of a network: a row for each layer, totals that add up from the rows, and comparisons.

Everything follows from shapes alone: no weight is ever allocated, so a network of any size has its table at
once. Shapes here are channel last, as on screen and in JSON: (length, channels), (height, width, channels),
(depth, height, width, channels), or (values,) once flattened.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from math import prod
from typing import Any

from pellucid.network import receptive
from pellucid.network.fitting import INPUT, Node
from pellucid.network.graph import Network
from pellucid.network.layers import AXES, Conv, Shape, Size, on_screen
from pellucid.network.text import node_text

BYTES = 4  # float32

EXAMPLE = {1: "signal", 2: "picture", 3: "volume"}  # what a network with so many spatial axes takes in

# Title and whether its cells are set to the right; `axes` are the spatial ones: l, h x w, or d x h x w.
COLUMNS = (
    ("layer", False),
    ("output {axes} x c", True),
    ("values", True),
    ("parameters", True),
    ("mult-adds", True),
    ("field {axes}", True),
    ("written", False),
)
AGAINST_COLUMNS = (
    ("layer", False),
    ("input {axes} x c", True),
    ("output {axes} x c", True),
    ("parameters", True),
    ("as {other}", True),
    ("times as many", True),
)


@dataclass(frozen=True)
class Formulas:
    """How each figure of a row comes about, with its numbers put in."""

    shape: str
    parameters: str
    mult_adds: str
    receptive_field: str


@dataclass(frozen=True)
class Row:
    """One layer. `values`, `mult_adds` and `value_bytes` are for one example; bytes are those of float32.

    `kind` is the layer's word and `text` all its words with its inputs; `receptive_field` is in places of the input
    on each of its axes, as (height, width); `parameters` are the numbers learned, or frozen, without any running
    statistics.
    """

    name: str
    kind: str
    text: str
    inputs: tuple[str, ...]
    output_shape: Shape
    values: int
    parameters: int
    mult_adds: int
    receptive_field: Size
    parameter_bytes: int
    value_bytes: int
    formulas: Formulas

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return _listed(asdict(self))


class Summary(list[Row]):
    """A row for each layer, shown as the table with its totals."""

    def __repr__(self) -> str:
        return plain(self, totals(self))

    def _repr_html_(self) -> str:
        from pellucid.network.notebook import summary_html  # it knows the table

        return summary_html(self)


@dataclass(frozen=True)
class Totals:
    """The sums of the rows. `value_bytes` holds every layer's output for one example, without the input."""

    parameters: int
    mult_adds: int
    values: int
    parameter_bytes: int
    value_bytes: int
    largest_value_bytes: int
    largest_layer: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Against:
    """A convolution beside another layer from the same input to the same output.

    `other` is "dense" (each output sees each input) or "local" (each output has weights of its own).
    `ratio` is other_parameters / parameters.
    """

    name: str
    kind: str
    text: str
    input_shape: Shape
    output_shape: Shape
    parameters: int
    mult_adds: int
    other: str
    other_parameters: int
    other_mult_adds: int
    ratio: float
    formula: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return _listed(asdict(self))


def rows(network: Network) -> Summary:
    """A row for each layer, in the network's order."""
    fields = receptive.fields(network)
    table = Summary()
    previous = INPUT
    for node in network.nodes:
        layer, inputs = node.layer, network.inputs_of(node)
        shape = network.shapes[node.name]
        parameters = sum(prod(weight) for weight in layer.weight_shapes(*inputs).values())
        table.append(
            Row(
                name=node.name,
                kind=layer.word,
                text=node_text(node, previous),
                inputs=node.inputs,
                output_shape=on_screen(shape),
                values=prod(shape),
                parameters=parameters,
                mult_adds=layer.mult_adds(*inputs),
                receptive_field=fields[node.name].size,
                parameter_bytes=BYTES * parameters,
                value_bytes=BYTES * prod(shape),
                formulas=Formulas(
                    layer.shape_formula(*inputs),
                    layer.parameter_formula(*inputs),
                    layer.mult_add_formula(*inputs),
                    fields[node.name].formula,
                ),
            )
        )
        previous = node.name
    return table


def totals(table: Sequence[Row]) -> Totals:
    """The sums of these rows, and the layer whose output takes most room."""
    largest = max(table, key=lambda row: row.value_bytes, default=None)
    return Totals(
        parameters=sum(row.parameters for row in table),
        mult_adds=sum(row.mult_adds for row in table),
        values=sum(row.values for row in table),
        parameter_bytes=sum(row.parameter_bytes for row in table),
        value_bytes=sum(row.value_bytes for row in table),
        largest_value_bytes=largest.value_bytes if largest else 0,
        largest_layer=largest.name if largest else "",
    )


def against_dense(network: Network) -> list[Against]:
    """Every convolution beside the dense layer that could do the same: n_in x n_out weights, n_out biases."""

    def dense(layer: Conv, shape: Shape, output: Shape) -> tuple[int, int, str]:
        n_in, n_out = prod(shape), prod(output)
        weights, biases = n_in * n_out, n_out if layer.bias else 0
        return weights, biases, f"{n_in:,} x {n_out:,}"

    return _against(network, "dense", dense)


def against_local(network: Network) -> list[Against]:
    """Every convolution beside the locally connected layer: the same windows, no weight shared."""

    def local(layer: Conv, shape: Shape, output: Shape) -> tuple[int, int, str]:
        window = (*layer.kernel, shape[0] // layer.groups)
        weights, biases = prod(output) * prod(window), prod(output) if layer.bias else 0
        return weights, biases, f"{prod(output):,} x {' x '.join(str(n) for n in window)}"

    return _against(network, "local", local)


def columns(table: Sequence[Row], sums: Totals | None = None) -> list[list[str]]:
    """The cells under COLUMNS, a list for each row; with `sums` a last one for the totals."""
    outputs = shape_cells([row.output_shape for row in table])
    cells = [
        [
            row.name,
            output,
            f"{row.values:,}",
            f"{row.parameters:,}",
            f"{row.mult_adds:,}",
            " x ".join(f"{n:,}" for n in row.receptive_field),
            row.text,
        ]
        for row, output in zip(table, outputs, strict=True)
    ]
    if sums is not None:
        cells.append(["total", "", f"{sums.values:,}", f"{sums.parameters:,}", f"{sums.mult_adds:,}", "", ""])
    return cells


def against_columns(table: Sequence[Against]) -> list[list[str]]:
    """The cells under AGAINST_COLUMNS."""
    inputs = shape_cells([row.input_shape for row in table])
    outputs = shape_cells([row.output_shape for row in table])
    return [
        [
            row.name,
            input_shape,
            output_shape,
            f"{row.parameters:,}",
            f"{row.other_parameters:,}",
            f"{row.ratio:,.1f}",
        ]
        for row, input_shape, output_shape in zip(table, inputs, outputs, strict=True)
    ]


def shape_cells(shapes: Sequence[Shape]) -> list[str]:
    """Shapes for a column that is set to the right: each axis under itself."""
    spatial = [shape for shape in shapes if len(shape) > 1]
    widths = [max(len(f"{n:,}") for n in axis) for axis in zip(*spatial, strict=True)]
    return [
        " x ".join(f"{n:>{width},}" for n, width in zip(shape, widths, strict=True))
        if len(shape) > 1
        else "".join(f"{n:,}" for n in shape)
        for shape in shapes
    ]


def memory(sums: Totals, example: str = EXAMPLE[2], stored: str = "float32") -> str:
    """What weights and values take, in one line; `example` says what goes in, `stored` as which numbers."""
    return (
        f"{stored}: parameters {bytes_text(sums.parameter_bytes)}, all values of one {example} "
        f"{bytes_text(sums.value_bytes)}, the largest layer's {bytes_text(sums.largest_value_bytes)}"
        + f" ({sums.largest_layer})"
        * bool(sums.largest_layer)
    )


def axes_text(rank: int) -> str:
    """The spatial axes by their letters: l, h x w, or d x h x w."""
    return " x ".join(axis[0] for axis in AXES[rank])


def bytes_text(count: int) -> str:
    """Bytes in the unit that people read, 1 kB = 1,000 bytes."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:,.1f} {unit}"
    return f"{count} bytes"


def plain(
    table: Sequence[Row], sums: Totals | None = None, stored: str = "float32", text: str = COLUMNS[-1][0]
) -> str:
    """The summary as plain text; `stored` says as which numbers its bytes are counted, `text` what its last column
    is called."""
    rank = len(table[0].receptive_field) if table else 2
    titles = [*(title.format(axes=axes_text(rank)) for title, _ in COLUMNS[:-1]), text]
    lines = aligned(titles, columns(table, sums), [right for _, right in COLUMNS])
    return "\n".join([*lines, *([memory(sums, EXAMPLE[rank], stored)] if sums is not None else [])])


def plain_against(table: Sequence[Against]) -> str:
    """The comparison as plain text; empty where the network has no convolution."""
    if not table:
        return ""
    axes = axes_text(len(table[0].output_shape) - 1)
    titles = [title.format(other=table[0].other, axes=axes) for title, _ in AGAINST_COLUMNS]
    return "\n".join(aligned(titles, against_columns(table), [right for _, right in AGAINST_COLUMNS]))


def aligned(titles: list[str], cells: list[list[str]], right: list[bool]) -> list[str]:
    """Lines of columns as wide as their widest cell, set to the right where `right` says so."""
    lines = [titles, *cells]
    widths = [max(len(line[column]) for line in lines) for column in range(len(titles))]
    return [
        "   ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in lines
    ]


def _against(
    network: Network, other: str, count: Callable[[Conv, Shape, Shape], tuple[int, int, str]]
) -> list[Against]:
    return [
        _compared(network, node, node.layer, other, count)
        for node in network.nodes
        if isinstance(node.layer, Conv)
    ]


def _compared(
    network: Network,
    node: Node,
    layer: Conv,
    other: str,
    count: Callable[[Conv, Shape, Shape], tuple[int, int, str]],
) -> Against:
    shape, output = network.shapes[node.inputs[0]], network.shapes[node.name]
    weights, biases, text = count(layer, shape, output)
    parameters = sum(prod(weight) for weight in layer.weight_shapes(shape).values())
    return Against(
        name=node.name,
        kind=layer.word,
        text=node_text(node, node.inputs[0]),
        input_shape=on_screen(shape),
        output_shape=on_screen(output),
        parameters=parameters,
        mult_adds=layer.mult_adds(shape),
        other=other,
        other_parameters=weights + biases,
        other_mult_adds=weights,
        ratio=(weights + biases) / parameters,
        formula=f"{text} weights + {biases:,} biases = {weights + biases:,}",
    )


def _listed(value: Any) -> Any:
    """Tuples as lists, as they come back from JSON."""
    if isinstance(value, dict):
        return {key: _listed(item) for key, item in value.items()}
    return [_listed(item) for item in value] if isinstance(value, tuple | list) else value
