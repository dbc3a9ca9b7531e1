"""What filters do: kernels told from their numbers or their results, edges, gradients.

`data`: `task`: "what" (which description fits `kernel`, `choices` are the kernels' names in `pellucid.filters.KERNELS`
by the description they stand for), "which" (which kernel of `kernels`, by letter, makes `output` of `input`: valid
cross-correlation), "flat" (the response of `kernel` / `divisor` where every pixel is `value`), "edge" (the strongest
response, by its amount, of `kernel` to a picture `left` on the left and `right` on the right, or above and below where
`upright` is false), "magnitude" (sqrt(gx^2 + gy^2) of `kernels` "x" and "y" at the one place of `input` 3x3, two
decimals), "after" (the value of `kernel2` on the map of `kernel` on `input` 5x5, both without padding).
"""

from __future__ import annotations

import math

import numpy as np

from pellucid.exercises import plot
from pellucid.exercises.draw import Draw
from pellucid.exercises.question import Question, Slip, ask
from pellucid.exercises.slips import slip
from pellucid.exercises.wording import NO_PADDING, SLIDES, grid
from pellucid.exercises.worked import Values, Worked, slid
from pellucid.filters import KERNELS
from pellucid.network.operations import number

TITLE = "Filters"
TASKS = {1: ("what", "flat", "edge"), 2: ("which", "magnitude"), 3: ("which", "after", "magnitude")}
# One name for each thing that a filter does; kernels that do the same aren't offered beside each other.
DOES = {
    "identity": "leaves the picture as it is",
    "box-blur": "blurs: each pixel becomes the plain mean of its neighbourhood",
    "gaussian-3": "blurs: a mean in which the middle counts most",
    "sharpen": "sharpens: it strengthens what differs from its neighbours and keeps flat areas as they are",
    "edge-8": "answers to edges in every direction and gives 0 on flat areas",
    "sobel-x": "answers to upright edges, positive where it is brighter to the right",
    "sobel-y": "answers to lying edges, positive where it is brighter below",
    "emboss": "embosses: it adds a slope from the upper left to the lower right to the picture",
    "vertical-line": "answers to thin upright lines that are brighter than their surroundings",
    "horizontal-line": "answers to thin lying lines that are brighter than their surroundings",
}
SAME = {
    "sobel-x": ("sobel-x", "prewitt-x", "scharr-x"),
    "sobel-y": ("sobel-y", "prewitt-y", "scharr-y"),
    "edge-8": ("edge-8", "edge-4"),
}
PLAIN = (
    "sobel-x",
    "sobel-y",
    "prewitt-x",
    "prewitt-y",
    "sharpen",
    "laplacian",
    "edge-8",
    "edge-4",
    "vertical-line",
    "horizontal-line",
    "diagonal-down",
    "diagonal-up",
    "emboss",
    "falling-line",
    "rising-line",
)


def make(draw: Draw, level: int) -> Question | None:
    match draw.task(TASKS[level]):
        case "what":
            return _what(draw, level)
        case "which":
            return _which(draw, level)
        case "flat":
            return _flat(draw, level)
        case "edge":
            return _edge(draw, level)
        case "magnitude":
            return _magnitude(draw, level)
        case _:
            return _after(draw, level)


def _what(draw: Draw, level: int) -> Question:
    does = draw.pick("what it does", tuple(DOES))
    name = draw.pick("kernel", SAME.get(does, (does,)))
    kernel = KERNELS[name]
    others = [other for other in draw.order("others", tuple(DOES)) if other != does][:3]
    divided = f", divided by {kernel.divisor:g}" if kernel.divisor != 1 else ""
    array = np.array(kernel.rows)
    total = number(float(array.sum() / kernel.divisor))
    return ask(
        "filters",
        level,
        "text-choice",
        f"What does this kernel{divided} do to a picture?\n\n{grid(array)}",
        DOES[does],
        working=[
            f"Its weights add up to {total}: a flat area "
            + (
                "becomes 0."
                if total == "0"
                else "stays as it is."
                if total == "1"
                else f"is multiplied by {total}."
            ),
            f"It is the kernel called {kernel.title}: it {DOES[does]}.",
        ],
        conventions=[SLIDES],
        slips=[_choice(DOES[other], f"that is what {KERNELS[other].title} does") for other in others],
        data={
            "task": "what",
            "kernel": array.tolist(),
            "divisor": kernel.divisor,
            "choices": sorted([does, *others]),
        },
    )


def _which(draw: Draw, level: int) -> Question | None:
    n = (5, 5) if level == 2 else (5, 6)
    picture = draw.array("picture", n, 0, 9)
    if level == 2:  # two areas and an edge between, with a little on top
        split = draw.whole("split", 2, 3)
        picture = np.where(
            np.arange(n[1]) < split, draw.whole("one side", 0, 4), draw.whole("other side", 5, 9)
        )
        picture = np.broadcast_to(picture, n).copy() + draw.array("texture", n, 0, 1)
        if draw.whole("turned", 0, 1):
            picture = picture.T.copy()
    names = draw.order("kernels", PLAIN)[:4]
    arrays = [np.array(KERNELS[name].rows, int) for name in names]
    right = draw.whole("right", 0, 3)
    outputs = [slid([picture], [[each]])[0] for each in arrays]
    if (
        any(np.array_equal(outputs[right], out) for k, out in enumerate(outputs) if k != right)
        or not outputs[right].any()
    ):
        return None
    worked = Worked("conv 1 3x3 nobias", [picture], {"conv1.weight": arrays[right]})
    output = worked.plane("conv1")
    told = "\n\n".join(
        f"Kernel {letter}:\n\n{grid(each)}" for letter, each in zip("ABCD", arrays, strict=True)
    )
    first = [
        f"Kernel {letter} gives {number(float(out[0, 0]))} in row 1, column 1"
        + ("" if out[0, 0] == output[0][0] else f", not {output[0][0]}")
        + "."
        for letter, out in zip("ABCD", outputs, strict=True)
    ]
    same = [k for k, out in enumerate(outputs) if k != right and out[0, 0] == output[0][0]]
    for k in same:
        y, x = np.argwhere(outputs[k] != outputs[right])[0]
        first.append(
            f"Kernel {'ABCD'[k]} gives {number(float(outputs[k][y, x]))} in row {y + 1}, column {x + 1}, "
            f"not {number(float(outputs[right][y, x]))}."
        )
    return ask(
        "filters",
        level,
        "text-choice",
        f"A picture:\n\n{grid(picture)}\n\nOne of four kernels made this of "
        f"it:\n\n{grid(np.array(output))}\n\n{told}\n\nWhich one?",
        f"kernel {'ABCD'[right]}",
        working=[f"Kernel {'ABCD'[right]}, row 1, column 1: `{worked.line('conv1', 0, 0, 0)}`", *first],
        conventions=[SLIDES, NO_PADDING],
        slips=[
            _choice(
                f"kernel {letter}",
                f"kernel {letter} gives other numbers, {_first_other(outputs[k], outputs[right])}",
            )
            for k, letter in enumerate("ABCD")
            if k != right
        ],
        data={
            "task": "which",
            "input": picture.tolist(),
            "output": [list(row) for row in output],
            "kernels": {letter: each.tolist() for letter, each in zip("ABCD", arrays, strict=True)},
        },
        figure=plot.picture(
            picture.astype(float), "The picture", "The picture's numbers as squares of grey."
        ),
    )


def _flat(draw: Draw, level: int) -> Question | None:
    name = draw.pick("kernel", (*PLAIN, "box-blur", "gaussian-3"))
    kernel, value = KERNELS[name], draw.whole("value", 3, 250)
    array = np.array(kernel.rows, int)
    divided = f", divided by {kernel.divisor:g}" if kernel.divisor != 1 else ""
    total = int(array.sum())
    worked = Worked("conv 1 3x3 nobias", np.full((1, 3, 3), value), {"conv1.weight": array})
    answer = int(worked.value("conv1", 0, 0, 0) / kernel.divisor)
    return ask(
        "filters",
        level,
        "number",
        f"A kernel{divided}:\n\n{grid(array)}\n\nWhat does it give in the middle of a flat area, where "
        f"every pixel is {value}?",
        answer,
        working=[
            f"All pixels are alike, so the weights add up: "
            f"`{'+'.join(f'({n})' if n < 0 else str(n) for n in array.ravel())} = {total}`",
            f"`{total}*{value}" + (f"/{kernel.divisor:g}" if kernel.divisor != 1 else "") + f" = {answer}`",
        ],
        conventions=[SLIDES],
        slips=[
            slip("signs lost", _whole(int(abs(array).sum()) * value, kernel.divisor)),
            slip("middle weight only", _whole(int(array[1, 1]) * value, kernel.divisor)),
            slip("nothing to filter", 0),
            slip("left as it is", value),
            slip("products not weighted", 9 * value),
            slip("divisor forgotten", total * value) if divided else None,
        ],
        data={"task": "flat", "kernel": array.tolist(), "divisor": kernel.divisor, "value": value},
    )


def _whole(value: int, divisor: float) -> int | None:
    """The quotient where it is whole: a slip that leads to a fraction is no answer to choose."""
    return int(value / divisor) if value % divisor == 0 else None


def _edge(draw: Draw, level: int) -> Question | None:
    name = draw.pick("kernel", ("sobel-x", "sobel-y", "prewitt-x", "prewitt-y", "scharr-x", "scharr-y"))
    array = np.array(KERNELS[name].rows, int)
    a, b = draw.whole("first", 0, 120), draw.whole("second", 0, 120)
    upright = name.endswith("x")
    if abs(a - b) < 5 or min(a, b) == 0:
        return None
    line = np.array([a, a, a, b, b, b])
    picture = np.broadcast_to(line, (6, 6)) if upright else np.broadcast_to(line[:, None], (6, 6))
    worked = Worked("conv 1 3x3 nobias", [picture], {"conv1.weight": array})
    plane = np.array(worked.plane("conv1"))
    y, x = np.unravel_index(int(abs(plane).argmax()), plane.shape)
    answer = worked.value("conv1", 0, int(y), int(x))
    half = int(abs(array).sum() // 2)
    other = array.T
    return ask(
        "filters",
        level,
        "number",
        f"A picture is {a} {'on its left half and' if upright else 'in its upper half and'} {b} "
        f"{'on its right half' if upright else 'in its lower half'}. A kernel slides over "
        f"it:\n\n{grid(array)}\n\nWhich value does "
        "it give at the edge between the halves?",
        answer,
        working=[
            "At both places whose window reaches over the edge it is the same:",
            f"`{worked.line('conv1', 0, int(y), int(x))}`",
            "Elsewhere it is 0.",
        ],
        conventions=[SLIDES],
        slips=[
            slip("kernel flipped", -answer),
            slip("nothing at edges", int((other * picture[:3, 2:5]).sum()) if upright else 0),
            slip("one row only", (b - a) * int(abs(array).max())),
            slip("signs lost", half * (a + b)),
            slip("difference only", b - a),
        ],
        data={"task": "edge", "kernel": array.tolist(), "left": a, "right": b, "upright": upright},
    )


def _magnitude(draw: Draw, level: int) -> Question | None:
    family = draw.pick("family", ("sobel", "prewitt", "scharr") if level == 3 else ("sobel", "prewitt"))
    kernels = {axis: np.array(KERNELS[f"{family}-{axis}"].rows, int) for axis in "xy"}
    picture = draw.array("picture", (3, 3), 0, 9)
    ones = {
        axis: Worked("conv 1 3x3 nobias", [picture], {"conv1.weight": each}) for axis, each in kernels.items()
    }
    gx, gy = (int(ones[axis].value("conv1", 0, 0, 0)) for axis in "xy")
    if not gx or not gy or gx == gy:
        return None
    answer = round(math.hypot(gx, gy), 2)
    return ask(
        "filters",
        level,
        "number",
        f"Part of a picture:\n\n{grid(picture)}\n\nTwo kernels, for x and for "
        f"y:\n\n{grid(kernels['x'])}\n\n{grid(kernels['y'])}\n\n"
        "How large is the gradient's magnitude in the middle?",
        answer,
        working=[
            f"gx: `{ones['x'].line('conv1', 0, 0, 0)}`",
            f"gy: `{ones['y'].line('conv1', 0, 0, 0)}`",
            f"`sqrt(gx^2 + gy^2) = sqrt({gx * gx} + {gy * gy}) = {answer:.2f}`",
        ],
        conventions=[SLIDES, "The magnitude is sqrt(gx^2 + gy^2); two decimals are asked."],
        slips=[
            slip("amounts added", abs(gx) + abs(gy)),
            slip("square root forgotten", gx * gx + gy * gy),
            slip("gradients added", gx + gy),
            slip("one direction only", abs(gx)),
            slip("larger one taken", max(abs(gx), abs(gy))),
        ],
        data={
            "task": "magnitude",
            "input": picture.tolist(),
            "kernels": {axis: each.tolist() for axis, each in kernels.items()},
        },
        decimals=2,
    )


def _after(draw: Draw, level: int) -> Question | None:
    picture = draw.array("picture", (4, 4), 0, 5)
    first, second = draw.pick("first", PLAIN), draw.array("second", (2, 2), -2, 2)
    one = np.array(KERNELS[first].rows, int)
    between = slid([picture], [[one]])[0]
    if np.array_equal(second, second[::-1, ::-1]) or (between == 0).sum() > 1 or (second == 0).sum() > 1:
        return None
    worked = Worked(
        "conv 1 3x3 nobias, relu, conv 1 2x2 nobias", [picture], {"conv1.weight": one, "conv2.weight": second}
    )
    if (between > 0).sum() < 2:
        return None
    rectified = np.maximum(between, 0)
    return ask(
        "filters",
        level,
        "number",
        f"A picture:\n\n{grid(picture)}\n\nFirst this kernel slides over it:\n\n{grid(one)}\n\nThen "
        f"comes a ReLU, and then this "
        f"kernel:\n\n{grid(second)}\n\nWhich one value comes out?",
        worked.value("conv2", 0, 0, 0),
        working=[
            "first kernel:",
            *worked.lines("conv1"),
            f"after the ReLU:\n\n{grid(rectified)}",
            f"`{worked.line('conv2', 0, 0, 0)}`",
        ],
        conventions=[SLIDES, NO_PADDING],
        slips=[
            slip("ReLU forgotten", int((between * second).sum())),
            slip("ReLU too late", max(int((between * second).sum()), 0)),
            slip("kernel flipped", int((rectified * second[::-1, ::-1]).sum())),
            slip("kernel transposed", int((rectified * second.T).sum())),
            slip("products not weighted", int(rectified.sum())),
            slip("signs lost", int((rectified * abs(second)).sum())),
        ],
        data={"task": "after", "input": picture.tolist(), "kernel": one.tolist(), "kernel2": second.tolist()},
    )


def _choice(value: str, why: str) -> Slip:
    """Another of the choices, and why it isn't the one."""
    return Slip(value, value, why[0].upper() + why[1:] + ".")


def _first_other(one: Values, other: Values) -> str:
    y, x = np.argwhere(one != other)[0]
    return (
        f"such as {number(float(one[y, x]))} in row {y + 1}, column {x + 1}, where "
        f"{number(float(other[y, x]))} stands"
    )
