"""Stride: the output's size, what is left over, the value a window comes to.

`data`: `task` and what it needs:
"size" (height x width of the output, or x channels where `channels` is there), `n` as (height, width), `kernel`,
`stride`, `padding` (each as (rows, columns)), `filters` (0: not asked for);
"left" (rows at the bottom that no window reaches), `n` (one number), `kernel`, `stride`, `padding` 0;
"two" (height x width after two layers), `n`, `layers`: (kernel, stride, padding) for each;
"value" (cross-correlation's value at `row`, `column`, from 1), `input`, `kernel`, `stride`;
"start" (the picture's first row under the window of output row `row`, both from 1), `n`, `kernel`, `stride`.
"""

from __future__ import annotations

import numpy as np

from pellucid.exercises.draw import Draw
from pellucid.exercises.question import Question, ask
from pellucid.exercises.slips import slip
from pellucid.exercises.wording import (
    EACH_SIDE,
    FROM_ONE,
    SIZES,
    SLIDES,
    WHOLE_WINDOWS,
    grid,
    options,
    size_line,
)
from pellucid.exercises.worked import Worked, at, rows_of, slid
from pellucid.network import Network

TITLE = "Stride"
TASKS = {1: ("size", "size", "start"), 2: ("size", "left", "value"), 3: ("size", "two", "value")}
Pair = tuple[int, int]


def make(draw: Draw, level: int) -> Question | None:
    task = draw.task(TASKS[level])
    match task:
        case "size":
            return _size(draw, level)
        case "left":
            return _left(draw, level)
        case "start":
            return _start(draw, level)
        case "two":
            return _two(draw, level)
        case _:
            return _value(draw, level)


def _size(draw: Draw, level: int) -> Question | None:
    n = draw.whole("height", 7, 64), draw.whole("width", 7, 64)
    f, s, p = (draw.pick("kernel", (2, 3, 4, 5)),) * 2, (draw.whole("stride", 2, 4),) * 2, (0, 0)
    filters = 0
    if level > 1:
        p = (draw.whole("padding", 0, 2),) * 2
        filters = draw.whole("filters", 4, 64)
    if level == 3:
        f = draw.pick("kernel's height", (1, 3, 5, 7)), draw.pick("kernel's width", (2, 3, 4, 5, 9))
        s = draw.whole("stride downwards", 1, 3), draw.whole("stride to the right", 2, 4)
        p = draw.whole("padding above and below", 0, 1), draw.whole("padding left and right", 1, 2)
    if any(size + 2 * q < g + step for size, q, g, step in zip(n, p, f, s, strict=True)) or n[0] == n[1]:
        return None
    if any(q > g // 2 for q, g in zip(p, f, strict=True)):  # more would lay windows on zeros alone
        return None
    text = f"conv {filters or 1} {f[0]}x{f[1]} stride {s[0]}x{s[1]} pad {p[0]}x{p[1]}"
    _, *out = Network.from_text(text, (1, *n)).output_shape
    over = tuple(size + 2 * q - g for size, q, g in zip(n, p, f, strict=True))

    def of(*sizes: int) -> tuple[int, ...] | None:
        return (*sizes, *([filters] if filters else [])) if min(sizes) > 0 else None

    pairs = list(zip(over, s, strict=True))
    if level < 3:
        how = options(p[0], s[0])
        kernel = f"{f[0]} x {f[0]}"
    else:
        kernel = f"{f[0]} x {f[1]}"
        how = (
            f"stride {s[0]} downwards and {s[1]} to the right, and padding {p[0]} above and below, "
            f"{p[1]} left and right"
        )
    what = "height x width x channels" if filters else "height x width"
    many = f"{filters} kernels of {kernel} slide" if filters else f"A kernel of {kernel} slides"
    axes = [size_line(n[axis], f[axis], p[axis], s[axis], 1, ("height", "width")[axis]) for axis in (0, 1)]
    return ask(
        "stride",
        level,
        "shape",
        f"{many} over a grey picture of {n[0]} x {n[1]} (height x width), with {how}. How large is the "
        f"output, as {what}?",
        tuple(of(*out) or ()),
        working=[*axes, *([f"One channel for each kernel: {filters}"] if filters else [])],
        conventions=[
            WHOLE_WINDOWS,
            *([EACH_SIDE] if level == 2 and p[0] else []),
            *([SIZES] if filters else []),
        ],
        slips=[
            slip("+1 forgotten", of(*(spare // step for spare, step in pairs))),
            slip("rounded up", of(*(-(-spare // step) + 1 for spare, step in pairs))),
            slip("stride forgotten", of(*(spare + 1 for spare in over))),
            slip(
                "kernel not subtracted",
                of(*((size + 2 * q) // step for size, q, step in zip(n, p, s, strict=True))),
            ),
            slip(
                "padding on one side",
                of(*((spare - q) // step + 1 for (spare, step), q in zip(pairs, p, strict=True))),
            ),
            slip(
                "padding forgotten",
                of(*((spare - 2 * q) // step + 1 for (spare, step), q in zip(pairs, p, strict=True))),
            ),
            slip("row and column swapped", of(out[1], out[0])),
        ],
        data={"task": "size", "n": n, "kernel": f, "stride": s, "padding": p, "filters": filters},
    )


def _left(draw: Draw, level: int) -> Question | None:
    n, f, s = draw.whole("n", 10, 120), draw.whole("kernel", 2, 6), draw.whole("stride", 2, 5)
    out = Network.from_text(f"conv 1 {f}x{f} stride {s}", (1, n, n)).output_shape[1]
    reached = (out - 1) * s + f
    left = n - reached
    if not left:
        return None
    return ask(
        "stride",
        level,
        "number",
        f"A kernel of {f} x {f} slides over a picture of {n} x {n} with stride {s} and no padding. How "
        f"many rows at the "
        "bottom are under no window?",
        left,
        working=[
            size_line(n, f, 0, s) + " windows",
            f"They reach down to row `({out} - 1)*{s} + {f} = {reached}`: `{n} - {reached} = {left}`",
        ],
        conventions=[WHOLE_WINDOWS],
        slips=[
            slip("rest of the division", n % s),
            slip("none left over", 0),
            slip("+1 forgotten", left + s),
            slip("one side only", left // 2 if left > 1 else None),
            slip("kernel's reach lost", f - 1),
            slip("stride taken", s - 1),
        ],
        data={"task": "left", "n": n, "kernel": f, "stride": s, "padding": 0},
    )


def _start(draw: Draw, level: int) -> Question | None:
    n, f, s = draw.whole("n", 12, 64), draw.whole("kernel", 2, 5), draw.whole("stride", 2, 4)
    out = Network.from_text(f"conv 1 {f}x{f} stride {s}", (1, n, n)).output_shape[1]
    row = draw.whole("row", 2, out)
    first = (row - 1) * s + 1
    return ask(
        "stride",
        level,
        "number",
        f"A kernel of {f} x {f} slides over a picture of {n} x {n} with stride {s} and no padding. Which "
        f"is the first row of "
        f"the picture that output row {row} sees?",
        first,
        working=[
            f"`(row - 1)*s + 1 = ({row} - 1)*{s} + 1 = {first}`",
            f"The window is rows {first} to {first + f - 1}.",
        ],
        conventions=[FROM_ONE],
        slips=[
            slip("counted from 0", row * s + 1),
            slip("stride forgotten", row),
            slip("+1 forgotten", first - 1),
            slip("kernel's size as stride", (row - 1) * f + 1),
            slip("last row taken", first + f - 1),
            slip("rows times stride", row * s),
        ],
        data={"task": "start", "n": n, "kernel": f, "stride": s, "row": row},
    )


def _two(draw: Draw, level: int) -> Question | None:
    n = draw.whole("height", 24, 128), draw.whole("width", 24, 128)
    layers = [
        (
            draw.pick(f"kernel {k}", (2, 3, 5, 7)),
            draw.whole(f"stride {k}", 1, 3),
            draw.whole(f"padding {k}", 0, 2),
        )
        for k in (1, 2)
    ]
    if n[0] == n[1] or layers[0][1] + layers[1][1] < 3 or any(p > f // 2 for f, _, p in layers):
        return None
    text = ", ".join(f"conv 1 {f}x{f} stride {s} pad {p}" for f, s, p in layers)
    network = Network.from_text(text, (1, *n))
    first, second = network.shapes["conv1"][1:], network.shapes["conv2"][1:]

    def after(size: int, *changes: str) -> int:
        for f, s, p in layers:
            spare = size + (0 if "padding" in changes else p if "one side" in changes else 2 * p) - f
            step = 1 if "stride" in changes else s
            size = (-(-spare // step) if "up" in changes else spare // step) + (0 if "one" in changes else 1)
        return size

    wrong = {
        "+1 forgotten": "one",
        "rounded up": "up",
        "stride forgotten": "stride",
        "padding on one side": "one side",
        "padding forgotten": "padding",
    }
    one, two = (
        f"a kernel of {f} x {f} slides over {over}, with {options(p, s)}"
        for (f, s, p), over in zip(
            layers, (f"a picture of {n[0]} x {n[1]} (height x width)", "what comes out"), strict=True
        )
    )
    return ask(
        "stride",
        level,
        "shape",
        f"First {one}; then {two}. How large is the second output, as height x width?",
        tuple(second),
        working=[
            *(
                size_line(size, f, p, s, 1, f"layer {k}, {axis}")
                for k, (sizes, (f, s, p)) in enumerate(zip((n, first), layers, strict=True), 1)
                for axis, size in zip(("height", "width"), sizes, strict=True)
            ),
        ],
        conventions=[EACH_SIDE, WHOLE_WINDOWS],
        slips=[
            *(
                slip(name, (after(n[0], change), after(n[1], change)))
                for name, change in wrong.items()
                if min(after(n[0], change), after(n[1], change)) > 0
            ),
            slip("one layer only", tuple(first)),
        ],
        data={"task": "two", "n": n, "layers": [list(layer) for layer in layers]},
    )


def _value(draw: Draw, level: int) -> Question | None:
    s = draw.whole("stride", 2, 3)
    f = 2 if level == 2 else 3
    h, w = f + s * draw.whole("rows", 1, 2), f + s * draw.whole("columns", 1, 2)
    picture, kernel = draw.array("picture", (h, w), 0, 9), draw.array("kernel", (f, f), -2, 2)
    worked = None
    plain = slid([picture], [[kernel]], 0, s)[0]
    y, x = draw.whole("row", 0, plain.shape[0] - 1), draw.whole("column", 0, plain.shape[1] - 1)
    taken = slid([picture != 0], [[kernel != 0]], 0, s)[0]
    if (y, x) == (0, 0) or taken[y, x] < 3 or np.array_equal(kernel, kernel[::-1, ::-1]):
        return None
    worked = Worked(f"conv 1 {f}x{f} stride {s} nobias", [picture], {"conv1.weight": kernel})
    return ask(
        "stride",
        level,
        "number",
        f"A picture of {h} x {w}:\n\n{grid(picture)}\n\nA kernel of {f} x {f}:\n\n{grid(kernel)}\n\nThe "
        f"kernel slides over the "
        f"picture with {options(0, s)}. Which value stands in row {y + 1}, column {x + 1} of the output?",
        worked.value("conv1", 0, y, x),
        working=[
            f"The window begins at row `({y + 1} - 1)*{s} + 1 = {y * s + 1}` and column `({x + 1} - "
            f"1)*{s} + 1 = {x * s + 1}`.",
            f"`{worked.line('conv1', 0, y, x)}`",
        ],
        conventions=[SLIDES, FROM_ONE],
        slips=[
            slip("stride forgotten", at(slid([picture], [[kernel]])[0], y, x)),
            slip("kernel flipped", at(slid([picture], [[kernel[::-1, ::-1]]], 0, s)[0], y, x)),
            slip("row and column swapped", at(plain, x, y)),
            slip("counted from 0", at(plain, y + 1, x + 1)),
            slip("signs lost", at(slid([picture], [[abs(kernel)]], 0, s)[0], y, x)),
        ],
        data={
            "task": "value",
            "input": rows_of(picture),
            "kernel": rows_of(kernel),
            "stride": s,
            "row": y + 1,
            "column": x + 1,
        },
    )
