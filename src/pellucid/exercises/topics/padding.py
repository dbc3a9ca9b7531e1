"""Padding: what keeps the size, what is lost without, sizes and values with it.

`data`: `task` and what it needs, `n` as (height, width):
"same" (the padding p on each side that keeps the size under stride 1), `n`, `kernel`, `dilation`;
"lost" (how many rows `layers` convolutions without padding take away), `n`, `kernel`, `layers`;
"size" (the output's height and width as (height, width)), `n`, `kernel`, `padding`, `stride` and `dilation`;
"least" (the smallest p >= 0 whose output is `wanted` rows high), `n` (one number), `kernel`, `stride`, `wanted`;
"same-upper" (rows of zeros above and below such that the output is ceil(n / stride) high, an odd one below), `n` (one
number), `kernel`, `stride`;
"value" (cross-correlation's value at `row`, `column`, from 1, zeros outside), `input`, `kernel`, `padding`, `bias`.
"""

from __future__ import annotations

import numpy as np

from pellucid.exercises.draw import Draw
from pellucid.exercises.question import Question, ask
from pellucid.exercises.slips import slip
from pellucid.exercises.wording import (
    EACH_SIDE,
    FROM_ONE,
    SLIDES,
    WHOLE_WINDOWS,
    ZEROS,
    grid,
    options,
    size_line,
)
from pellucid.exercises.worked import Worked, at, rows_of, slid
from pellucid.network import Network
from pellucid.network.layers import Conv

TITLE = "Padding"
TASKS = {
    1: ("same", "lost", "size"),
    2: ("size", "lost", "value", "value", "least"),
    3: ("same", "same-upper", "size", "value"),
}


def make(draw: Draw, level: int) -> Question | None:
    task = draw.task(TASKS[level])
    match task:
        case "same":
            return _same(draw, level)
        case "lost":
            return _lost(draw, level)
        case "size":
            return _size(draw, level)
        case "least":
            return _least(draw, level)
        case "same-upper":
            return _same_upper(draw, level)
        case _:
            return _value(draw, level)


def _same(draw: Draw, level: int) -> Question:
    height, width = draw.whole("height", 20, 320), draw.whole("width", 20, 320)
    f = draw.pick("kernel", (3, 5, 7, 9, 11, 13) if level == 1 else (3, 5, 7))
    dilation = draw.whole("dilation", 2, 4) if level > 1 else 1
    network = Network.from_text(f"conv 1 {f}x{f} pad same dilation {dilation}", (1, height, width))
    layer = network.nodes[0].layer
    assert isinstance(layer, Conv)
    (p, _), _ = layer.pads(network.input_shape)
    dilated = f", dilation {dilation}," if dilation > 1 else ""
    formula = f"d(f - 1)/2 = {dilation}*({f} - 1)/2" if dilation > 1 else f"(f - 1)/2 = ({f} - 1)/2"
    return ask(
        "padding",
        level,
        "number",
        f"A kernel of {f} x {f}{dilated} slides over a picture of {height} x {width} with stride 1. How "
        f"much padding p is "
        "necessary on each side so that the output is as large as the picture?",
        p,
        working=[f"`p = {formula} = {p}`", "Check: " + size_line(height, f, p, 1, dilation, "height")],
        conventions=[EACH_SIDE],
        slips=[
            slip("dilation forgotten", (f - 1) // 2) if dilation > 1 else None,
            slip("both sides together", 2 * p),
            slip("too large by one", p + 1),
            slip("kernel size taken", f),
            slip("no padding", 0),
        ],
        data={"task": "same", "n": (height, width), "kernel": f, "dilation": dilation},
    )


def _lost(draw: Draw, level: int) -> Question:
    height, width = draw.whole("height", 60, 320), draw.whole("width", 60, 320)
    f = draw.pick("kernel", (2, 3, 4, 5, 6, 7, 9))
    layers = 1 if level == 1 else draw.whole("layers", 2, 4)
    network = Network.from_text(", ".join([f"conv 1 {f}x{f}"] * layers), (1, height, width))
    left = network.output_shape[1]
    lost = height - left
    many = (
        f"{layers} convolutions of {f} x {f} follow one another"
        if layers > 1
        else f"A convolution of {f} x {f} is used"
    )
    each = f" = {layers}*({f} - 1)" if layers > 1 else f" = {f} - 1"
    formula = "layers*(f - 1)" if layers > 1 else "f - 1"
    return ask(
        "padding",
        level,
        "number",
        f"{many} on a picture of {height} x {width}, with stride 1 and no padding. How many rows does "
        f"the picture lose in "
        "all, those at the top and those at the bottom together?",
        lost,
        working=[f"`{formula}{each} = {lost}`", f"Of {height} rows {left} are left."],
        conventions=["Only windows that lie whole inside the picture are laid."],
        slips=[
            slip("one side only", lost // 2),
            slip("kernel size taken", f * layers),
            slip("one layer only", f - 1),
            slip("both sides together", 2 * lost),
            slip("no loss", 0),
        ],
        data={"task": "lost", "n": (height, width), "kernel": f, "layers": layers},
    )


def _size(draw: Draw, level: int) -> Question | None:
    height, width = draw.whole("height", 5, 64), draw.whole("width", 5, 64)
    f = draw.pick("kernel", (2, 3, 4, 5) if level == 1 else (3, 4, 5, 7))
    p = draw.whole("padding", 1, 2 if level == 1 else 3)
    s = 1 if level == 1 else draw.whole("stride", 2, 4)
    d = draw.whole("dilation", 2, 3) if level == 3 else 1
    reach = d * (f - 1) + 1
    if min(height, width) + p < reach + s or height == width or p > reach // 2:
        return None
    network = Network.from_text(f"conv 1 {f}x{f} pad {p} stride {s} dilation {d}", (1, height, width))
    _, *out = network.output_shape

    def both(n: int, q: int, up: bool = False, step: int = s, over: int = reach, last: int = 1) -> int:
        return (-(-(n + q - over) // step) if up else (n + q - over) // step) + last

    wrong = {
        "+1 forgotten": [both(n, 2 * p, last=0) for n in (height, width)],
        "padding on one side": [both(n, p) for n in (height, width)],
        "rounded up": [both(n, 2 * p, up=True) for n in (height, width)],
        "padding forgotten": [both(n, 0) for n in (height, width)],
        "dilation forgotten": [both(n, 2 * p, over=f) for n in (height, width)],
        "stride forgotten": [both(n, 2 * p, step=1) for n in (height, width)],
        "kernel not subtracted": [(n + 2 * p) // s for n in (height, width)],
    }
    return ask(
        "padding",
        level,
        "shape",
        f"A kernel of {f} x {f} slides over a picture of {height} x {width} (height x width), with {options(p, s, d)}. "
        "How large is the output, as height x width?",
        tuple(out),
        working=[size_line(height, f, p, s, d, "height"), size_line(width, f, p, s, d, "width")],
        conventions=[EACH_SIDE, WHOLE_WINDOWS],
        slips=[slip(name, tuple(sizes)) for name, sizes in wrong.items() if min(sizes) > 0],
        data={"task": "size", "n": (height, width), "kernel": f, "padding": p, "stride": s, "dilation": d},
    )


def _least(draw: Draw, level: int) -> Question | None:
    n, f, s = draw.whole("n", 8, 100), draw.pick("kernel", (3, 5, 7, 9)), draw.whole("stride", 1, 3)
    target = draw.whole("p", 1, 4)
    wanted = Network.from_text(f"conv 1 {f}x{f} pad {target} stride {s}", (1, n, n)).output_shape[1]
    sizes = [
        Network.from_text(f"conv 1 {f}x{f} pad {p} stride {s}", (1, n, n)).output_shape[1]
        for p in range(target + 1)
    ]
    least = sizes.index(wanted)
    if least == 0 or least > f // 2:  # more would lay windows on zeros alone
        return None
    needed = (wanted - 1) * s + f
    return ask(
        "padding",
        level,
        "number",
        f"A kernel of {f} x {f} slides over a picture of {n} x {n} with stride {s}. The output shall be "
        f"{wanted} x {wanted}. "
        "Which is the smallest padding p that gives this?",
        least,
        working=[
            f"{wanted} windows need `({wanted} - 1)*{s} + {f} = {needed}` rows; with padding there are `{n} + 2p`.",
            f"`p = ceil(({needed} - {n})/2) = {least}`",
            "Check: " + size_line(n, f, least, s),
        ],
        conventions=[EACH_SIDE, WHOLE_WINDOWS],
        slips=[
            slip("both sides together", needed - n),
            slip("too large by one", least + 1),
            slip("kernel size taken", f),
            slip("too small by one", least - 1) if (needed - n) % 2 else None,
        ],
        data={"task": "least", "n": n, "kernel": f, "stride": s, "wanted": wanted},
    )


def _same_upper(draw: Draw, level: int) -> Question | None:
    n, f, s = draw.whole("n", 8, 200), draw.whole("kernel", 2, 8), draw.whole("stride", 1, 3)
    network = Network.from_text(f"conv 1 {f}x{f} pad same stride {s}", (1, n, n))
    layer = network.nodes[0].layer
    assert isinstance(layer, Conv)
    (above, below), _ = layer.pads(network.input_shape)
    out = network.output_shape[1]
    if above == below or below > f:
        return None
    total = (out - 1) * s + f - n
    return ask(
        "padding",
        level,
        "matrix",
        f"A kernel of {f} x {f} slides over a picture of {n} x {n} with stride {s} and `same` padding: the output has "
        f"ceil({n}/{s}) rows, the padding is the smallest that gives them, and where it doesn't halve, "
        f"the odd row goes to "
        "the bottom. How many rows of zeros stand above the picture, how many below?",
        ((above, below),),
        working=[
            f"`ceil({n}/{s}) = {out}` windows need `({out} - 1)*{s} + {f} = {total + n}` rows: {total} more than {n}.",
            f"`{total} = {above} + {below}`",
        ],
        conventions=["`same` as ONNX's SAME_UPPER: ceil(n/s) outputs, the odd row of zeros goes last."],
        slips=[
            slip("sides swapped", ((below, above),)),
            slip("too large by one", ((below, below),)),
            slip("both sides together", ((total, total),)),
            slip("stride forgotten", (((f - 1) // 2, f // 2),)),
            slip("no padding", ((0, 0),)),
        ],
        data={"task": "same-upper", "n": n, "kernel": f, "stride": s},
        rows=("rows of zeros",),
        columns=("above", "below"),
    )


def _value(draw: Draw, level: int) -> Question | None:
    h, w = draw.whole("height", 3, 4), draw.whole("width", 3, 5)
    f = 3 if level == 2 else 5
    p = 1 if level == 2 else 2
    picture = draw.array("picture", (h, w), 0, 9)
    kernel = draw.array("kernel", (f, f), -1 if level == 2 else 0, 2 if level == 2 else 1)
    bias = draw.whole("bias", 1, 5) if level == 3 else 0
    edges = [(y, x) for y in range(h) for x in range(w) if y in (0, h - 1) or x in (0, w - 1)]
    y, x = draw.pick("place", edges)
    taken = slid([picture != 0], [[kernel != 0]], 0, padding=p)[0]
    if np.array_equal(kernel, kernel[::-1, ::-1]) or taken[y, x] < 3:
        return None
    weights = {"conv1.weight": kernel} | ({"conv1.bias": [bias]} if bias else {})
    worked = Worked(f"conv 1 {f}x{f} pad {p}" + ("" if bias else " nobias"), [picture], weights)
    plain = slid([picture], [[kernel]], bias, padding=p)[0]
    repeated = slid([np.pad(picture, p, mode="edge")], [[kernel]], bias)[0]
    inside = slid([picture], [[kernel]], bias)[0] if min(h, w) >= f else np.empty((0, 0))
    flipped = slid([picture], [[kernel[::-1, ::-1]]], bias, padding=p)[0]
    one_side = slid([picture], [[kernel]], bias, padding=(0, 2 * p))[0]
    return ask(
        "padding",
        level,
        "number",
        f"A picture of {h} x {w}:\n\n{grid(picture)}\n\nA kernel of {f} x {f}:\n\n{grid(kernel)}\n\nThe "
        f"kernel slides over the "
        f"picture with {options(p, 1, 1, bias or None)}. Which value stands in row {y + 1}, column "
        f"{x + 1} of the output?",
        worked.value("conv1", 0, y, x),
        working=["Cells of the window outside the picture hold 0.", f"`{worked.line('conv1', 0, y, x)}`"],
        conventions=[SLIDES, ZEROS, FROM_ONE],
        slips=[
            slip("padding forgotten", at(inside, y, x)),
            slip("padding repeats the border", at(repeated, y, x)),
            slip("kernel flipped", at(flipped, y, x)),
            slip("padding after only", at(one_side, y, x)),
            slip("bias forgotten", plain[y, x] - bias),
            slip("row and column swapped", at(plain, x, y)),
            slip("counted from 0", at(plain, y + 1, x + 1)),
        ],
        data={
            "task": "value",
            "input": rows_of(picture),
            "kernel": rows_of(kernel),
            "padding": p,
            "bias": bias,
            "row": y + 1,
            "column": x + 1,
        },
    )
