"""Activations that are made of straight lines: ReLU, leaky ReLU, ReLU6; applied to a map, or plotted.

`data`: `task`: "map" (ReLU of `input` [h][w]), "leaky" (leaky ReLU with `slope`), "relu6", "conv-relu" (cross-
correlation of `input` under `kernel` with `bias`, then ReLU, the whole map); "plot" (y = `outer` f(`scale` x +
`shift`) + `offset`, f "relu", "leakyrelu" with `slope`, or "relu6", for x from `low` to `high`).
Plots are answered by their corners, in words: the points between which they run straight.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pellucid.exercises import plot
from pellucid.exercises.draw import Draw
from pellucid.exercises.question import Question, Slip, ask
from pellucid.exercises.slips import slip
from pellucid.exercises.wording import NO_PADDING, SLIDES, grid
from pellucid.exercises.worked import Values, Worked, computed, exact, rows_of, slid
from pellucid.network.operations import Operation, number
from pellucid.network.operations.activation import Clip, LeakyRelu, Relu

TITLE = "ReLU and its kin"
TASKS = {1: ("map", "map", "plot"), 2: ("leaky", "relu6", "plot"), 3: ("conv-relu", "plot", "leaky")}
SAID = {"relu": "max(0, {})", "leakyrelu": "leaky({})", "relu6": "min(max(0, {}), 6)"}


def make(draw: Draw, level: int) -> Question | None:
    task = draw.task(TASKS[level])
    if task == "plot":
        return _plot(draw, level)
    return _conv(draw, level) if task == "conv-relu" else _map(draw, level, task)


def _map(draw: Draw, level: int, task: str) -> Question | None:
    h, w = draw.whole("height", 2, 3), draw.whole("width", 3, 4)
    picture = draw.array("values", (h, w), -9, 9)
    if task == "leaky" and level == 3:
        h, w = 3, 4
        picture = draw.array("values", (h, w), -20, 20)
    if (picture < 0).sum() < 2 or (picture > (6 if task == "relu6" else 0)).sum() < 2:
        return None
    slope = draw.pick("slope", (0.1, 0.2, 0.01)) if task == "leaky" else 0.0
    text = {"map": "relu", "leaky": f"leakyrelu slope {slope}", "relu6": "relu6"}[task]
    name = {"map": "a ReLU", "leaky": f"a leaky ReLU with slope {slope}", "relu6": "a ReLU6"}[task]
    operation: Operation = {"map": Relu(), "leaky": LeakyRelu(slope), "relu6": Clip(0, 6)}[task]
    decimals = 0 if task != "leaky" else 2 if slope == 0.01 else 1
    worked = Worked(text, [picture])
    # float32 has no 0.1: what the operation's own arithmetic gives is rounded to the decimals that there are.
    answer = rows_of(np.round(computed(operation, picture.astype(float)), decimals))
    stored = worked.inside.places.value(worked.network.output)[0, 0]
    assert np.allclose(stored, answer, atol=1e-6)
    relu = computed(Relu(), picture.astype(float))
    formula = {"map": "max(0, x)", "leaky": f"x where x >= 0, else {slope}*x", "relu6": "min(max(0, x), 6)"}[
        task
    ]
    return ask(
        "relu",
        level,
        "matrix",
        f"A feature map of {h} x {w}:\n\n{grid(picture)}\n\nIt goes through {name}. What comes out?",
        answer,
        working=[
            f"Each value by itself: `{formula}`",
            *(f"row {y + 1}: {_row(operation, row)}" for y, row in enumerate(picture)),
        ],
        conventions=[f"f(x) = {formula}"],
        slips=[
            slip("slope forgotten", rows_of(relu)) if task == "leaky" else None,
            slip("slope everywhere", rows_of(np.round(picture * slope, decimals)))
            if task == "leaky"
            else None,
            slip("limit forgotten", rows_of(relu)) if task == "relu6" else None,
            slip("absolute values", rows_of(abs(picture))),
            slip("sides of zero swapped", rows_of(np.minimum(picture, 0))),
            slip("ReLU forgotten", rows_of(picture)),
        ],
        data={"task": task, "input": picture.tolist(), "slope": slope},
        decimals=decimals,
        tolerance=1e-9,
    )


def _row(operation: Operation, row: Values) -> str:
    """The arithmetic of each value of a row."""
    texts = []
    for x in row.tolist():
        opening = operation.open([np.array([float(x)])], (0,))
        left, right = opening.formula.replace("×", "*"), number(opening.value)
        texts.append(f"`{left} = {right}`" if left != right else f"`{right}`")
    return ", ".join(texts)


def _conv(draw: Draw, level: int) -> Question | None:
    f = draw.pick("kernel's size", (2, 3))
    h, w = f + 1, f + 2
    picture, kernel = draw.array("picture", (h, w), 0, 6), draw.array("kernel", (f, f), -2, 2)
    bias = draw.whole("bias", 1, 5) * (1 if draw.whole("sign", 0, 1) else -1)
    plain = slid([picture], [[kernel]], bias)[0]
    if (plain < 0).sum() < 2 or (plain > 0).sum() < 2 or np.array_equal(kernel, kernel[::-1, ::-1]):
        return None
    worked = Worked(f"conv 1 {f}x{f}, relu", [picture], {"conv1.weight": kernel, "conv1.bias": [bias]})
    unbiased = slid([picture], [[kernel]])[0]
    flipped = slid([picture], [[kernel[::-1, ::-1]]], bias)[0]
    return ask(
        "relu",
        level,
        "matrix",
        f"A picture of {h} x {w}:\n\n{grid(picture)}\n\nA kernel of {f} x {f}, bias "
        f"{bias}:\n\n{grid(kernel)}\n\nThe kernel slides "
        "over the picture, then the ReLU is applied. What comes out?",
        worked.plane("relu1"),
        working=[
            *worked.lines("conv1"),
            f"The ReLU makes negative values 0:\n\n{grid(np.maximum(plain, 0))}",
        ],
        conventions=[SLIDES, NO_PADDING, "The bias is added before the ReLU."],
        slips=[
            slip("ReLU forgotten", rows_of(plain)),
            slip("bias after the ReLU", rows_of(np.maximum(unbiased, 0) + bias)),
            slip("bias forgotten", rows_of(np.maximum(unbiased, 0))),
            slip("kernel flipped", rows_of(np.maximum(flipped, 0))),
            slip("absolute values", rows_of(abs(plain))),
        ],
        data={"task": "conv-relu", "input": picture.tolist(), "kernel": kernel.tolist(), "bias": bias},
    )


def _plot(draw: Draw, level: int) -> Question | None:
    low, high = -draw.whole("low", 3, 8), draw.whole("high", 3, 8)
    kind = draw.pick(
        "function", ("relu", "relu", "leakyrelu", "relu6") if level > 1 else ("relu", "relu", "leakyrelu")
    )
    slope = draw.pick("slope", (0.5, 0.25, 0.1)) if kind == "leakyrelu" else 0.0
    scale, shift, outer, offset = 1, 0, 1, 0
    if level > 1:
        shift = draw.pick("shift", (-3, -2, -1, 1, 2, 3))
        scale = draw.pick("scale", (1, -1, 2))
    if level > 2:
        outer, offset = draw.pick("outer", (-1, 2, 1)), draw.pick("offset", (-2, -1, 1, 2))
    if kind == "relu6":
        low, high = -8, 9
    operation = {"relu": Relu(), "leakyrelu": LeakyRelu(slope), "relu6": Clip(0, 6)}[kind]

    def f(
        x: float,
        a: float = scale,
        b: float = shift,
        k: float = outer,
        c: float = offset,
        of: Operation = operation,
    ) -> float:
        return k * of.open([np.array([a * x + b], np.float64)], (0,)).value + c

    bends = [-shift / scale, *([(6 - shift) / scale] if kind == "relu6" else [])]
    xs = sorted({float(low), *(x for x in bends if low < x < high), float(high)})
    if len(xs) < 2 + len(bends) or not all(plot.LOWEST <= f(x) <= plot.HIGHEST for x in xs):
        return None
    inner = _linear(scale, shift)
    said = SAID[kind].format(inner)
    whole = (
        {1: "", 2: "2*", -1: "-"}[outer]
        + said
        + (f" {'+' if offset > 0 else '-'} {abs(offset)}" if offset else "")
    )
    words = f", where leaky(z) is z for z >= 0, and {number(slope)}*z below" if kind == "leakyrelu" else ""
    answer, drawn = _drawn(f, xs, f"y = {whole}")

    def wrong(name: str, g: Callable[[float], float], at: list[float]) -> Slip | None:
        ends = sorted({float(low), *(x for x in at if low < x < high), float(high)})
        text, figure = _drawn(g, ends, "a wrong plot")
        return slip(name, text, figure)

    slips = [
        wrong("ReLU forgotten", lambda x: outer * (scale * x + shift) + offset, []),
        wrong("absolute values", lambda x: outer * abs(scale * x + shift) + offset, bends[:1]),
        wrong("sides of zero swapped", lambda x: outer * min(scale * x + shift, 0) + offset, bends[:1]),
    ]
    if kind == "leakyrelu":
        slips.insert(0, wrong("slope forgotten", lambda x: f(x, of=Relu()), bends[:1]))
    if kind == "relu6":
        slips.insert(0, wrong("limit forgotten", lambda x: f(x, of=Relu()), bends[:1]))
    if shift:
        slips.insert(
            0,
            wrong(
                "shifted the other way",
                lambda x: f(x, b=-shift),
                [-b for b in bends[:1]] + ([(6 + shift) / scale] if kind == "relu6" else []),
            ),
        )
    return ask(
        "relu",
        level,
        "plot",
        f"Plot y = {whole} for x from {low} to {high}{words}. Name the points at both ends, and where it bends.",
        answer,
        working=[
            f"It bends where {inner} is "
            + ("0 and where it is 6" if kind == "relu6" else "0")
            + f": at x = {' and x = '.join(number(b) for b in bends)}.",
            *(f"x = {number(x)}: y = {number(f(x))}" for x in xs),
            "Between these points it is straight.",
        ],
        conventions=["max(0, x) is the ReLU."]
        if kind == "relu"
        else ["min(max(0, x), 6) is ReLU6."]
        if kind == "relu6"
        else [],
        slips=slips,
        answer_figure=drawn,
        data={
            "task": "plot",
            "function": kind,
            "slope": slope,
            "scale": scale,
            "shift": shift,
            "outer": outer,
            "offset": offset,
            "low": low,
            "high": high,
        },
    )


def _drawn(f: Callable[[float], float], xs: list[float], title: str) -> tuple[str, str]:
    points = [(x, f(x)) for x in xs]
    text = "straight from " + " to ".join(f"({number(exact(x))}, {number(exact(y))})" for x, y in points)
    return text, plot.curve(points, title, f"A line {text}.")


def _linear(scale: int, shift: int) -> str:
    x = {1: "x", -1: "-x"}.get(scale, f"{scale}*x")
    return x + (f" {'+' if shift > 0 else '-'} {abs(shift)}" if shift else "")
