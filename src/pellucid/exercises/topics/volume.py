"""Volumes: filters over several channels.

`data`: `task` and what it needs; volumes and filters channel first:
"shape" (height x width x channels of the output), `input` as (height, width, channels), `filters`, `kernel`, `padding`,
`stride`;
"weights" (weights of one filter, without its bias), `input`, `kernel`, `groups`;
"values" (how many values the output has), as "shape";
"value" (at `row`, `column` of the map of filter `filter`, all from 1), `input` [c][h][w], `kernels`
[k][c / groups][f][f], `biases` [k], `stride`, `padding` (zeros), `groups`.
"""

from __future__ import annotations

import numpy as np

from pellucid.exercises.draw import Draw
from pellucid.exercises.question import Question, ask
from pellucid.exercises.slips import slip
from pellucid.exercises.topics.padding import EACH_SIDE
from pellucid.exercises.wording import (
    FROM_ONE,
    SIZES,
    SLIDES,
    WHOLE_WINDOWS,
    ZEROS,
    grids,
    options,
    size_line,
)
from pellucid.exercises.worked import Values, Worked, at, slid
from pellucid.network import Network
from pellucid.network.table import rows

TITLE = "Volumes and channels"
TASKS = {
    1: ("shape", "weights", "values"),
    2: ("value", "value", "shape"),
    3: ("value", "value", "shape", "weights"),
}
OF_GROUPS = (
    "With g groups the channels are shared out in order: each filter sees only the channels of its own group."
)


def make(draw: Draw, level: int) -> Question | None:
    task = draw.task(TASKS[level])
    if task == "value":
        return _value(draw, level)
    if task == "weights":
        return _weights(draw, level)
    return _shape(draw, level, task)


def _shape(draw: Draw, level: int, task: str) -> Question | None:
    h, w = draw.whole("height", 6, 64), draw.whole("width", 6, 64)
    c, k = draw.pick("channels", (3, 3, 4, 8, 16)), draw.pick("filters", (2, 4, 5, 6, 8, 10, 12, 16, 32))
    f = draw.pick("kernel", (3, 5))
    p, s = (0, 1) if level == 1 else (draw.whole("padding", 0, f // 2), draw.whole("stride", 1, 3))
    if level > 1 and (p == 0 or s == 1):
        return None
    if h == w or c == k:
        return None
    text = f"conv {k} {f}x{f} pad {p} stride {s}"
    if level == 3:
        text += f", maxpool 2, conv {2 * k} 3x3"
        if min(h, w) < 24:
            return None
    network = Network.from_text(text, (c, h, w))
    k_out, oh, ow = network.output_shape
    given = (
        f"A volume of {h} x {w} x {c} goes through a convolution of {k} filters of {f} x {f} x {c}, "
        f"with {options(p, s)}"
    )
    working = [size_line(h, f, p, s, 1, "height"), size_line(w, f, p, s, 1, "width")]
    working.append(f"One channel for each filter: {k}")
    if level == 3:
        given += (
            f"; then through max pooling of 2 x 2 with stride 2; then through a convolution of {2 * k} filters of "
            f"3 x 3 x {k}, with {options(0, 1)}"
        )
        for name, f2, s2 in (("pool1", 2, 2), ("conv2", 3, 1)):
            before = network.shapes["conv1" if name == "pool1" else "pool1"]
            what = "pooling" if name == "pool1" else "second convolution"
            working += [
                size_line(n, f2, 0, s2, 1, f"{what}, {axis}")
                for n, axis in zip(before[1:], ("height", "width"), strict=True)
            ]
        working.append(f"One channel for each filter of the last layer: {2 * k}")
    data = {"task": task, "input": (h, w, c), "filters": k, "kernel": f, "padding": p, "stride": s}
    if level == 3:
        data["then"] = {"maxpool": 2, "filters": 2 * k, "kernel": 3}
    conventions = [SIZES, WHOLE_WINDOWS, *([EACH_SIDE] if p else [])]
    if task == "values":
        values = rows(network)[-1].values
        return ask(
            "volume",
            level,
            "number",
            given + ". How many values does the output have?",
            values,
            working=[*working, f"`{oh}*{ow}*{k_out} = {values}`"],
            conventions=conventions,
            slips=[
                slip("channels multiplied", values * c),
                slip("channels kept", oh * ow * c),
                slip("filters forgotten", oh * ow),
                slip("padding forgotten for same", h * w * k),
                slip("+1 forgotten", (oh - 1) * (ow - 1) * k),
            ],
            data=data,
        )
    return ask(
        "volume",
        level,
        "shape",
        given + ". How large is the output, as height x width x channels?",
        (oh, ow, k_out),
        working=working,
        conventions=conventions,
        slips=[
            slip("channels kept", (oh, ow, c)),
            slip("channels multiplied", (oh, ow, k_out * c)),
            slip("filters forgotten", (oh, ow, 1)),
            slip("+1 forgotten", (oh - 1, ow - 1, k_out)),
            slip("stride forgotten", (h + 2 * p - f + 1, w + 2 * p - f + 1, k)) if level == 2 else None,
            slip("one layer only", (*network.shapes["conv1"][1:], k)) if level == 3 else None,
        ],
        data=data,
    )


def _weights(draw: Draw, level: int) -> Question | None:
    h, w = draw.whole("height", 12, 128), draw.whole("width", 12, 128)
    f, k = draw.pick("kernel", (2, 3, 4, 5, 7)), draw.pick("filters", (4, 8, 12, 16))
    groups = 1 if level == 1 else draw.pick("groups", (2, 4))
    c = (
        draw.pick("channels", (3, 4, 6, 8, 10, 16, 32))
        if level == 1
        else groups * draw.whole("channels a group", 2, 8)
    )
    network = Network.from_text(f"conv {k} {f}x{f} groups {groups}", (c, h, w))
    weight = network.parameter_shapes["conv1.weight"]
    count = int(np.prod(weight[1:]))
    grouped = f" in {groups} groups" if groups > 1 else ""
    formula = f"{f}*{f}*{c}/{groups}" if groups > 1 else f"{f}*{f}*{c}"
    return ask(
        "volume",
        level,
        "number",
        f"A convolution of {k} filters of {f} x {f}{grouped} is used on a volume of {h} x {w} x {c}. How "
        f"many weights does "
        "one filter have, without its bias?",
        count,
        working=[f"`{formula} = {count}`"],
        conventions=[SIZES, *([OF_GROUPS] if groups > 1 else [])],
        slips=[
            slip("groups forgotten", f * f * c) if groups > 1 else None,
            slip("channels forgotten", f * f),
            slip("all filters", count * k),
            slip("kernel's side only", f * c // groups),
            slip("bias counted", count + 1),
        ],
        data={"task": "weights", "input": (h, w, c), "kernel": f, "filters": k, "groups": groups},
    )


def _value(draw: Draw, level: int) -> Question | None:
    groups = 1
    if level == 2:
        c, k, f, s, p = draw.whole("channels", 2, 3), 1, draw.pick("kernel", (2, 2, 3)), 1, 0
    else:
        k, f = 2, 3
        groups = draw.pick("groups", (1, 1, 2))
        c = 2 * draw.whole("half the channels", 1, 2) if groups == 2 else draw.whole("channels", 2, 3)
        s, p = draw.pick("slide", ((2, 1), (1, 0), (1, 1), (2, 0)))
    n = draw.whole("n", f + 1, 4) if f < 4 and s == 1 else 5
    volume = draw.array("volume", (c, n, n), 0, 5 if level == 2 else 3)
    kernels = draw.array("kernels", (k, c // groups, f, f), -2 if f == 2 else -1, 2 if f == 2 else 1)
    biases = [_bias(draw, f"bias {i}") for i in range(k)]
    plain = slid(volume, kernels, biases, s, p, 1, groups)
    _, height, width = plain.shape
    which, y, x = (
        draw.whole("filter", 0, k - 1),
        draw.whole("row", 0, height - 1),
        draw.whole("column", 0, width - 1),
    )
    taken = slid(volume != 0, kernels != 0, 0, s, p, 1, groups)[which, y, x]
    first = which * (c // groups) if groups > 1 else 0
    used = volume[first : first + c // groups]
    mine = kernels[which]
    parts = np.array(
        [at(slid([plane], [[kernel]], 0, s, p)[0], y, x) for plane, kernel in zip(used, mine, strict=True)]
    )
    if taken < 3 * len(used) or (parts == 0).any() or np.array_equal(mine, mine[:, ::-1, ::-1]):
        return None
    bias = biases[which]
    text = f"conv {k} {f}x{f} stride {s} pad {p} groups {groups}"
    worked = Worked(text, volume, {"conv1.weight": kernels, "conv1.bias": biases})
    filters = "\n\n".join(
        (f"Filter {i}, bias {b}.\n\n" if k > 1 else f"One filter of {f} x {f} x {c}, bias {b}.\n\n")
        + grids(each, f"Filter {i}, plane" if k > 1 else "Plane")
        for i, (each, b) in enumerate(zip(kernels, biases, strict=True), 1)
    )
    grouped = (
        f" There are {groups} groups: filter 1 sees the first half of the channels, filter 2 the second."
        if groups > 1
        else ""
    )
    wanted = f" of the map of filter {which + 1}" if k > 1 else " of the output"
    other = 1 - which if k > 1 else None
    return ask(
        "volume",
        level,
        "number",
        f"A volume of {n} x {n} x {c}.\n\n{grids(volume, 'Channel')}\n\n{filters}\n\nThe convolution has "
        f"{options(p, s)}.{grouped} "
        f"Which value stands in row {y + 1}, column {x + 1}{wanted}?",
        worked.value("conv1", which, y, x),
        working=[
            *(
                f"channel {first + i + 1}: {_products(used[i], mine[i], s, p, y, x)}"
                for i in range(len(used))
            ),
            f"sum over the channels and bias: "
            f"`{'+'.join(_signed(n, i) for i, n in enumerate(parts))}+{_signed(bias, 1)} = "
            f"{worked.value('conv1', which, y, x)}`",
            f"All in one line: `{worked.line('conv1', which, y, x)}`",
        ],
        conventions=[SLIDES, FROM_ONE, *([ZEROS] if p else []), *([OF_GROUPS] if groups > 1 else [])],
        slips=[
            slip("first channel only", parts[0] + bias) if len(parts) > 1 else None,
            slip("bias for every channel", parts.sum() + bias * len(parts)) if len(parts) > 1 else None,
            slip("bias forgotten", parts.sum()),
            slip("kernel flipped", at(slid(used, [mine[:, ::-1, ::-1]], bias, s, p)[0], y, x)),
            slip(
                "same kernel for all",
                at(slid(used, [np.broadcast_to(mine[:1], mine.shape)], bias, s, p)[0], y, x),
            ),
            slip("other filter", None if other is None else at(plain[other], y, x)),
            slip("row and column swapped", at(plain[which], x, y)),
            slip("counted from 0", at(plain[which], y + 1, x + 1)),
        ],
        data={
            "task": "value",
            "input": volume.tolist(),
            "kernels": kernels.tolist(),
            "biases": biases,
            "stride": s,
            "padding": p,
            "groups": groups,
            "filter": which + 1,
            "row": y + 1,
            "column": x + 1,
        },
    )


def _bias(draw: Draw, name: str) -> int:
    return draw.whole(name, 1, 5) * (1 if draw.whole(f"{name}'s sign", 0, 1) else -1)


def _products(plane: Values, kernel: Values, s: int, p: int, y: int, x: int) -> str:
    """One channel's own arithmetic, without the bias."""
    f = len(kernel)
    one = Worked(f"conv 1 {f}x{f} stride {s} pad {p} nobias", [plane], {"conv1.weight": kernel})
    return f"`{one.line('conv1', 0, y, x)}`"


def _signed(n: float, place: int) -> str:
    return f"({int(n)})" if n < 0 and place else str(int(n))
