"""Flattening: the order of values, and how many there are.

`data`: `task`: "vector" (the flattened `input` [c][h][w], as one row), "count" (how many values a volume of `input`
(height, width, channels) gives), "place" (the place, from 1, of channel `channel`, row `row`, column `column`, all from
1, in a volume of `input` (height, width, channels)), "back" (channel, row and column of place `place`, all from 1),
"network" (values after `layers` as text, from `input`). Channel after channel, each row by row.
"""

from __future__ import annotations

import numpy as np

from pellucid.exercises.draw import Draw
from pellucid.exercises.question import Question, ask
from pellucid.exercises.slips import slip
from pellucid.exercises.wording import ROW_BY_ROW, SIZES, WHOLE_WINDOWS, grids, size_line
from pellucid.exercises.worked import Worked
from pellucid.network import Network
from pellucid.network.table import rows

TITLE = "Flatten"
TASKS = {1: ("vector", "count"), 2: ("place", "vector", "place"), 3: ("back", "network")}


def make(draw: Draw, level: int) -> Question | None:
    task = draw.task(TASKS[level])
    match task:
        case "vector":
            return _vector(draw, level)
        case "count" | "network":
            return _count(draw, level, task)
        case _:
            return _place(draw, level, task)


def _vector(draw: Draw, level: int) -> Question | None:
    c, h, w = (
        (2, 2, draw.whole("width", 2, 3))
        if level == 1
        else (draw.whole("channels", 2, 3), 2, draw.whole("width", 2, 3))
    )
    volume = draw.array("volume", (c, h, w), 0, 9 if level == 1 else 20)
    if len(np.unique(volume)) < c * h * w - 1:
        return None
    worked = Worked("flatten", volume)
    answer = worked.vector("flatten1")
    last, columns = np.moveaxis(volume, 0, -1).ravel(), np.swapaxes(volume, 1, 2).ravel()
    backwards = volume[::-1].ravel()
    return ask(
        "flatten",
        level,
        "matrix",
        f"A volume of {h} x {w} x {c}.\n\n{grids(volume, 'Channel')}\n\nIt is flattened. Write down the vector.",
        (answer,),
        working=[
            f"channel {k + 1}, row by row: {' '.join(str(n) for n in plane.ravel())}"
            for k, plane in enumerate(volume)
        ],
        conventions=[ROW_BY_ROW],
        slips=[
            slip("channel last", (tuple(last.tolist()),)),
            slip("column by column", (tuple(columns.tolist()),)),
            slip("last channel first", (tuple(backwards.tolist()),)),
            slip("summed into one plane", (tuple(volume.sum(axis=0).ravel().tolist()),)),
        ],
        data={"task": "vector", "input": volume.tolist()},
    )


def _count(draw: Draw, level: int, task: str) -> Question | None:
    if level == 1:
        h, w, c = draw.whole("height", 2, 16), draw.whole("width", 2, 16), draw.whole("channels", 2, 64)
        network = Network.from_text("flatten", (c, h, w))
        before, given, layers = (h, w, c), f"A volume of {h} x {w} x {c}", ""
        working, pooled = [], None
    else:
        h, w = draw.whole("height", 12, 40), draw.whole("width", 12, 40)
        k, f = draw.pick("filters", (4, 6, 8, 16)), draw.pick("kernel", (3, 5))
        layers = f"conv {k} {f}x{f}, relu, maxpool 2, flatten"
        c = draw.pick("channels", (1, 3))
        network = Network.from_text(layers, (c, h, w))
        k, oh, ow = network.shapes["pool1"]
        before = (oh, ow, k)
        given = (
            f"A picture of {h} x {w} x {c} goes through {k} filters of {f} x {f} (stride 1, no padding), "
            f"a ReLU, and max "
            f"pooling of 2 x 2 with stride 2. The result"
        )
        working = [
            size_line(h, f, 0, 1, 1, "convolution, height"),
            size_line(w, f, 0, 1, 1, "convolution, width"),
        ]
        _, ch, cw = network.shapes["conv1"]
        pooled = k * ch * cw  # not pooled, that is
        working += [size_line(ch, 2, 0, 2, 1, "pooling, height"), size_line(cw, 2, 0, 2, 1, "pooling, width")]
    a, b, d = before
    count = rows(network)[-1].values
    return ask(
        "flatten",
        level,
        "number",
        f"{given} is flattened. How many values does the vector have?",
        count,
        working=[*working, f"`{a}*{b}*{d} = {count}`"],
        conventions=[SIZES, *([WHOLE_WINDOWS] if level > 1 else [])],
        slips=[
            slip("added, not multiplied", a + b + d),
            slip("height and width only", a * b),
            slip("channels only", d),
            slip("pooling forgotten", pooled) if level > 1 else None,
            slip("channels multiplied", count * c) if level > 1 else None,
        ],
        data={"task": task, "input": (h, w, c), "layers": layers},
    )


def _place(draw: Draw, level: int, task: str) -> Question | None:
    h, w, c = draw.whole("height", 3, 9), draw.whole("width", 3, 9), draw.whole("channels", 2, 8)
    k, y, x = draw.whole("channel", 0, c - 1), draw.whole("row", 0, h - 1), draw.whole("column", 0, w - 1)
    if h == w or 0 in (k, y, x):
        return None
    # The opened layer says where each place of the vector comes from.
    worked = Worked("flatten", np.arange(c * h * w).reshape(c, h, w))
    place = worked.vector("flatten1").index(int(np.ravel_multi_index((k, y, x), (c, h, w))))
    given = f"A volume of {h} x {w} x {c} is flattened."
    line = f"`({k + 1} - 1)*{h}*{w} + ({y + 1} - 1)*{w} + {x + 1} = {place + 1}`"
    data = {"task": task, "input": (h, w, c)}
    conventions = [ROW_BY_ROW, SIZES, "Channels, rows, columns and the vector's places are counted from 1."]
    if task == "place":
        return ask(
            "flatten",
            level,
            "number",
            f"{given} At which place of the vector does the value of channel {k + 1}, row {y + 1}, "
            f"column {x + 1} stand?",
            place + 1,
            working=[f"Before it come {k} whole channels of {h}*{w} values, and {y} rows of {w}.", line],
            conventions=conventions,
            slips=[
                slip("counted from 0 in the vector", place),
                slip("channel last", (y * w + x) * c + k + 1),
                slip("column by column", k * h * w + x * h + y + 1),
                slip("counted from 0 in the volume", (k + 1) * h * w + (y + 1) * w + x + 2),
                slip("height for width", k * h * w + y * h + x + 1),
            ],
            data=data | {"channel": k + 1, "row": y + 1, "column": x + 1},
        )
    rest, along = divmod(place, c)
    return ask(
        "flatten",
        level,
        "matrix",
        f"{given} Which channel, row and column does place {place + 1} of the vector come from?",
        ((k + 1, y + 1, x + 1),),
        working=[
            f"`{place + 1} - 1 = {place}` values come before it: `{place} = {k}*{h * w} + "
            f"{place - k * h * w}`, so channel {k + 1};",
            f"`{place - k * h * w} = {y}*{w} + {x}`, so row {y + 1}, column {x + 1}.",
            f"Check: {line}",
        ],
        conventions=conventions,
        slips=[
            slip("counted from 0 in the volume", ((k, y, x),)),
            slip("row and column swapped", ((k + 1, x + 1, y + 1),)),
            slip("channel last", ((along + 1, rest // w + 1, rest % w + 1),)),
            slip("column by column", ((k + 1, (place - k * h * w) % h + 1, (place - k * h * w) // h + 1),)),
        ],
        data=data | {"place": place + 1},
        rows=("place",),
        columns=("channel", "row", "column"),
    )
