"""A whole network as a table to fill in, or one row of it.

`data`: `network` as text, `input` (height, width, channels), `task`: "shapes" (a row for each layer that changes a
shape or learns: height, width, channels; a flat layer of n values is 1, 1, n), "table" (the same with the parameters as
a last column), "unknown" (the size f of the kernel f x f that makes `wanted` rows of those of `input`, with `stride`
and `padding`; no `network`).
"""

from __future__ import annotations

from pellucid.exercises.draw import Draw
from pellucid.exercises.question import Question, ask
from pellucid.exercises.slips import slip
from pellucid.exercises.wording import SIZES, WHOLE_WINDOWS, options
from pellucid.network import Network
from pellucid.network.layers import Conv, Shape, Sliding
from pellucid.network.table import Row, rows

TITLE = "A network's table"
TASKS = {1: ("shapes", "unknown"), 2: ("table", "shapes"), 3: ("table",)}
FLAT = "A flat layer of n values is written as 1 x 1 x n."


def make(draw: Draw, level: int) -> Question | None:
    task = draw.task(TASKS[level])
    if task == "unknown":
        return _unknown(draw, level)
    c, h, w = draw.pick("channels", (1, 3)), draw.whole("height", 24, 64), draw.whole("width", 24, 64)
    text = _text(draw, level)
    network = Network.from_text(text, (c, h, w))
    table = [row for row in rows(network) if row.kind != "relu"]
    counted = task == "table"
    names = [row.name for row in table]
    columns = ("height", "width", "channels", *(("parameters",) if counted else ()))
    answer = tuple(_cells(row, counted) for row in table)
    empty = ["| layer | " + " | ".join(columns) + " |", "|" + " --- |" * (len(columns) + 1)]
    empty += [f"| {name} |" + " |" * len(columns) for name in names]
    without = {
        name: _sizes(network, name)
        for name in ("+1 forgotten", "rounded up", "stride forgotten", "padding forgotten")
    }
    slips = [
        slip(name, tuple(cells))
        for name, sizes in without.items()
        if (cells := _wrong(table, sizes, counted))
    ]
    kept = tuple(
        (*cells[:2], c if len(row.output_shape) > 1 else cells[2], *cells[3:])
        for row, cells in zip(table, answer, strict=True)
    )
    slips.append(slip("channels kept", kept))
    if counted:
        slips.insert(
            0,
            slip(
                "biases forgotten",
                tuple(
                    (*cells[:3], row.parameters - (row.output_shape[-1] if row.parameters else 0))
                    for row, cells in zip(table, answer, strict=True)
                ),
            ),
        )
    return ask(
        "network",
        level,
        "matrix",
        f"A network takes in pictures of {h} x {w} x {c}:\n\n```\n{network.text}\n```\n\nFill in the table.\n\n"
        + "\n".join(empty),
        answer,
        working=[f"{row.name}: {_formula(row)}" for row in table],
        conventions=[
            SIZES,
            WHOLE_WINDOWS,
            FLAT,
            "Stride 1 and no padding unless they are given; maxpool's stride is its window.",
            "ReLU changes no shape and is left out.",
            *(
                ["A kernel of f with dilation d reaches over d(f - 1) + 1 places."]
                if "dilation" in text
                else []
            ),
            *(["Convolutions and dense layers have biases."] if counted else []),
        ],
        slips=slips,
        data={"task": task, "network": network.text, "input": (h, w, c)},
        rows=names,
        columns=columns,
    )


def _text(draw: Draw, level: int) -> str:
    k, f = draw.pick("filters", (4, 6, 8, 16)), draw.pick("kernel", (3, 5, 7))
    if level == 1:
        return f"conv {k} {f}x{f}, relu, maxpool {draw.whole('window', 2, 3)}, flatten"
    s, p = draw.whole("stride", 1, 2), draw.whole("padding", 1, f // 2)
    first = f"conv {k} {f}x{f}" + (f" stride {s}" if s > 1 else "") + f" pad {p}"
    m = draw.pick("outputs", (5, 10))
    if level == 2:
        return f"{first}, relu, maxpool 2, flatten, dense {m}"
    d = draw.whole("dilation", 1, 2)
    second = f"conv {2 * k} 3x3" + (f" dilation {d}" if d > 1 else " pad 1")
    return (
        f"{first}, relu, maxpool 2, {second}, relu, maxpool 2, flatten, dense "
        f"{draw.pick('hidden', (16, 32))}, relu, dense {m}"
    )


def _cells(row: Row, counted: bool) -> tuple[int, ...]:
    shape = row.output_shape if len(row.output_shape) == 3 else (1, 1, row.output_shape[0])
    return (*shape, row.parameters) if counted else tuple(shape)


def _formula(row: Row) -> str:
    shape = row.formulas.shape or "as its input"
    if row.kind == "flatten":
        shape = shape.replace(",", "")
    counted = (
        f"; parameters `{row.formulas.parameters.replace(' x ', '*').replace(',', '')}`"
        if row.parameters
        else ""
    )
    return f"`{' x '.join(str(n) for n in row.output_shape)}`, from `{shape}`{counted}"


def _sizes(network: Network, slipped: str) -> dict[str, Shape] | None:
    """Every layer's shape, channel first, under a slip of the sizes; None where one would vanish."""
    shape, found = network.input_shape, {}
    for node in network.nodes:
        layer = node.layer
        if isinstance(layer, Sliding):
            out = []
            pads = layer.pads(shape)
            for n, f, s, (before, after) in zip(shape[1:], layer.extent, layer.stride, pads, strict=True):
                spare = n + (0 if slipped == "padding forgotten" else before + after) - f
                step = 1 if slipped == "stride forgotten" else s
                out.append(
                    (-(-spare // step) if slipped == "rounded up" else spare // step)
                    + (slipped != "+1 forgotten")
                )
            if min(out) < 1:
                return None
            shape = (layer.channels if isinstance(layer, Conv) else shape[0], *out)
        else:
            shape = layer.output_shape(shape)
        found[node.name] = shape
    return found


def _wrong(table: list[Row], sizes: dict[str, Shape] | None, counted: bool) -> list[tuple[int, ...]] | None:
    if sizes is None:
        return None
    lines = []
    for row in table:
        shape = sizes[row.name]
        cells = (*shape[1:], shape[0]) if len(shape) == 3 else (1, 1, shape[0])
        if counted:
            (source,) = row.inputs
            before = sizes.get(source)
            flat = before is not None and len(before) == 1 and row.kind == "dense"
            cells = (*cells, (before[0] + 1) * shape[0] if flat and before else row.parameters)
        lines.append(cells)
    return lines


def _unknown(draw: Draw, level: int) -> Question | None:
    n, f = draw.whole("n", 12, 120), draw.whole("kernel", 2, 11)
    p = draw.whole("padding", 0, f // 2)
    out = Network.from_text(f"conv 1 {f}x{f} pad {p}", (1, n, n)).output_shape[1]
    if out == n:
        return None
    return ask(
        "network",
        level,
        "number",
        f"A convolution with {options(p, 1)} makes a picture of {out} x {out} of one of {n} x {n}. How "
        f"large is its kernel: which "
        "f of f x f?",
        f,
        working=["`out = n + 2p - f + 1`", f"`f = n + 2p + 1 - out = {n} + 2*{p} + 1 - {out} = {f}`"],
        conventions=["The kernel is as wide as it is high."],
        slips=[
            slip("+1 forgotten", f - 1),
            slip("padding forgotten", n + 1 - out) if p else None,
            slip("padding on one side", n + p + 1 - out) if p else None,
            slip("too large by one in f", f + 1),
            slip("one side only", (n - out) // 2) if n > out + 1 else None,
            slip("size for kernel", abs(n - out)),
        ],
        data={"task": "unknown", "input": (n, n, 1), "wanted": out, "stride": 1, "padding": p},
    )
