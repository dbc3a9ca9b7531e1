"""Pooling: maps of the largest or the mean value, sizes, padding, whole planes.

`data`: `task`: "max" or "average" (the whole map), "relu-max" (ReLU first, then max pooling), "padded-max" (padding
that never wins), with `input` [h][w], `window`, `stride`, `padding`; "size" (height x width x channels), with `input`
as (height, width, channels), `window`, `stride`; "global" (the mean of every channel, as one row), with `input`
[c][h][w]; "channels" (max pooling of a volume, the map of channel `channel`, from 1), `input` [c][h][w].
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from pellucid.exercises.draw import Draw
from pellucid.exercises.question import Answer, Question, Slip, ask
from pellucid.exercises.slips import slip
from pellucid.exercises.wording import SIZES, WHOLE_WINDOWS, grid, grids, size_line
from pellucid.exercises.worked import Values, Worked, computed, rows_of
from pellucid.network import Network
from pellucid.network.operations.pooling import AveragePooling, MaxPooling

TITLE = "Pooling"
TASKS = {
    1: ("max", "average", "max"),
    2: ("max", "relu-max", "size", "average"),
    3: ("padded-max", "global", "channels", "size"),
}
NEVER_WINS = "Padding never wins: a window's maximum is that of the cells inside the picture."


def make(draw: Draw, level: int) -> Question | None:
    task = draw.task(TASKS[level])
    match task:
        case "size":
            return _size(draw, level)
        case "global":
            return _global(draw, level)
        case _:
            return _map(draw, level, task)


def _map(draw: Draw, level: int, task: str) -> Question | None:
    window, stride, padding = 2, 2, 0
    shape = draw.pick("shape", ((4, 4), (4, 6), (6, 4)))
    if level == 2:
        window, stride = draw.pick("window", ((2, 1), (3, 1), (3, 2)))
        n = {(2, 1): (3, 4), (3, 1): (4, 5), (3, 2): (5, 7)}[window, stride]
        shape = draw.pick("shape", ((n[0], n[1]), (n[0], n[0]), (n[1], n[0])))
    if task == "relu-max":
        window, stride, shape = 2, 1, (3, 4)
    if task == "padded-max":
        window, stride, padding, shape = 3, 2, 1, draw.pick("shape", ((4, 4), (5, 5), (4, 5)))
    channels = draw.whole("channels", 2, 3) if task == "channels" else 1
    if task == "channels":
        window, stride = draw.pick("window", ((2, 2), (3, 1)))
        shape = (4, 4)
    low = {"relu-max": -20, "padded-max": -30}.get(task, 0)
    volume = draw.array(
        "values", (channels, *shape), low, {"average": 20, "padded-max": 5, "relu-max": 9}.get(task, 30)
    ).astype(float)
    if task == "average":  # means that are whole numbers
        window, stride, shape = 2, (2 if level == 1 else 1), ((4, 4) if level == 1 else (3, 4))
        volume = 4.0 * draw.array("values", (1, *shape), 0, 9)
    which = draw.whole("channel", 0, channels - 1)
    picture = volume[which]
    pad = ((padding, padding),) * 2
    size, step = (window, window), (stride, stride)
    pools = {
        "max": MaxPooling(size, step, pad, (1, 1)),
        "mean": AveragePooling(size, step, pad, (1, 1)),
        "closer": MaxPooling(size, (1, 1), pad, (1, 1)),
    }
    maps = {name: computed(each, picture[None, None])[0, 0] for name, each in pools.items()}
    if not _varied(picture, window, stride, padding):
        return None
    kind = "avgpool" if task == "average" else "maxpool"
    text = ("relu, " if task == "relu-max" else "") + f"{kind} {window} stride {stride} pad {padding}"
    worked = Worked(text, volume)
    answer = worked.plane("pool1", which)
    slips: list[Slip | None] = []
    lowest = -computed(pools["max"], -picture[None, None])[0, 0]
    sums = np.round(maps["mean"] * window**2)
    if task == "average":
        slips += [slip("maximum for average", rows_of(maps["max"])), slip("sum", rows_of(sums))]
        slips.append(slip("minimum", rows_of(lowest)))
        closer = computed(AveragePooling(size, (1, 1), pad, (1, 1)), picture[None, None])[0, 0]
        slips.append(slip("stride forgotten", rows_of(closer)) if stride > 1 else None)
    else:
        if task == "padded-max":
            if maps["max"].max() <= 0 or not (maps["max"] < 0).any():
                return None
            zeros = computed(MaxPooling(size, step, ((0, 0),) * 2, (1, 1)), np.pad(picture, 1)[None, None])[
                0, 0
            ]
            inside = computed(MaxPooling(size, step, ((0, 0),) * 2, (1, 1)), picture[None, None])[0, 0]
            slips += [slip("zeros win", rows_of(zeros)), slip("padding forgotten", rows_of(inside))]
        if task == "relu-max":
            if not (maps["max"] < 0).any():
                return None
            slips += [
                slip("ReLU forgotten", rows_of(maps["max"])),
                slip("absolute values", rows_of(computed(pools["max"], abs(picture)[None, None])[0, 0])),
            ]
        if task == "channels":
            every = computed(pools["max"], volume[None])[0]
            slips += [
                slip("summed over the channels", rows_of(every.sum(axis=0))),
                slip("largest of all channels", rows_of(every.max(axis=0))),
            ]
        rectified = np.maximum(picture, 0) if task == "relu-max" else picture
        means = np.round(computed(pools["mean"], rectified[None, None])[0, 0], 2)
        slips.append(slip("average for maximum", rows_of(means)))
        slips.append(slip("minimum", rows_of(np.maximum(lowest, 0) if task == "relu-max" else lowest)))
        if stride > 1:
            slips.append(slip("stride forgotten", rows_of(maps["closer"])))
        elif task != "relu-max":
            apart = computed(MaxPooling(size, size, pad, (1, 1)), picture[None, None])[0, 0]
            slips.append(slip("stride is the window", rows_of(apart)))
    name = "Average" if task == "average" else "Max"
    told = f"{name.lower()} pooling of {window} x {window} with stride {stride} and " + (
        f"padding {padding}" if padding else "no padding"
    )
    if task == "channels":
        given = f"A volume of {shape[0]} x {shape[1]} x {channels}.\n\n{grids(volume, 'Channel')}\n\n"
        asked = f"It goes through {told}. What is channel {which + 1} of the output?"
    else:
        given = f"A feature map of {shape[0]} x {shape[1]}:\n\n{grid(picture)}\n\n"
        first = "a ReLU, then through " if task == "relu-max" else ""
        asked = f"It goes through {first}{told}. What comes out?"
    return ask(
        "pooling",
        level,
        "matrix",
        given + asked,
        answer,
        working=worked.lines("pool1", which),
        conventions=[WHOLE_WINDOWS, *([NEVER_WINS] if padding else [])],
        slips=slips,
        data={
            "task": task,
            "input": volume.tolist() if task == "channels" else picture.tolist(),
            "window": window,
            "stride": stride,
            "padding": padding,
            "channel": which + 1,
        },
    )


def _varied(picture: Values, window: int, stride: int, padding: int) -> bool:
    """No window's values are all alike, and the windows' largest aren't either."""
    padded = np.pad(picture, padding, constant_values=np.nan)
    windows = sliding_window_view(padded, (window, window))[::stride, ::stride]
    low, high = np.nanmin(windows, axis=(2, 3)), np.nanmax(windows, axis=(2, 3))
    return bool((low < high).all()) and len(np.unique(high)) > 1


def _size(draw: Draw, level: int) -> Question | None:
    h, w, c = (
        draw.whole("height", 8, 80),
        draw.whole("width", 8, 80),
        draw.pick("channels", (3, 8, 16, 24, 32, 64)),
    )
    window, stride = draw.pick("window", ((2, 2), (3, 2), (3, 3), (2, 1), (4, 4)))
    again = level == 3
    text = f"maxpool {window} stride {stride}" + (f", conv {2 * c} 3x3 pad 1, maxpool 2" if again else "")
    if h == w or (again and min(h, w) < 16):
        return None
    network = Network.from_text(text, (c, h, w))
    k, oh, ow = network.output_shape
    first = network.shapes["pool1"][1:]
    working = [size_line(h, window, 0, stride, 1, "height"), size_line(w, window, 0, stride, 1, "width")]
    rest = "."
    if again:
        rest = (
            f", then through a convolution of {2 * c} filters of 3 x 3 with stride 1 and padding 1, then "
            f"through max pooling "
            "of 2 x 2 with stride 2."
        )
        working += [f"The convolution keeps the size and gives {2 * c} channels."]
        working += [size_line(first[0], 2, 0, 2, 1, "height"), size_line(first[1], 2, 0, 2, 1, "width")]
    working.append("Pooling leaves the number of channels as it is.")
    both = [(h - window) / stride, (w - window) / stride]
    channels: list[tuple[str, Answer]] = [("one channel left", (oh, ow, 1))]
    if k >= window:
        channels.insert(0, ("pooled over the channels", (oh, ow, k // window)))
    if again:
        wrong = [
            ("one layer only", (*first, c)),
            ("channels kept", (oh, ow, c)),
            *channels,
            ("+1 forgotten", (oh - 1, ow - 1, k)),
        ]
    else:
        wrong = [
            ("+1 forgotten", (int(both[0]), int(both[1]), k)),
            ("rounded up", (int(-(-both[0] // 1)) + 1, int(-(-both[1] // 1)) + 1, k)),
            *channels,
            ("stride forgotten", (h - window + 1, w - window + 1, k)),
        ]
    return ask(
        "pooling",
        level,
        "shape",
        f"A volume of {h} x {w} x {c} goes through max pooling of {window} x {window} with stride {stride} and no "
        f"padding{rest} How large is what comes out, as height x width x channels?",
        (oh, ow, k),
        working=working,
        conventions=[SIZES, WHOLE_WINDOWS],
        slips=[slip(name, value) for name, value in wrong],
        data={
            "task": "size",
            "input": (h, w, c),
            "window": window,
            "stride": stride,
            "then": {"filters": 2 * c, "kernel": 3, "padding": 1, "maxpool": 2} if again else None,
        },
    )


def _global(draw: Draw, level: int) -> Question | None:
    c, h, w = draw.whole("channels", 2, 4), 2, draw.pick("width", (2, 4, 5))
    volume = draw.array("volume", (c, h, w), 0, 20)
    volume[:, -1, -1] += -volume.sum(axis=(1, 2)) % (h * w)  # means that are whole numbers
    totals = volume.sum(axis=(1, 2))
    if len(set(totals.tolist())) < c:
        return None
    worked = Worked("globalavgpool", volume)
    name = worked.network.output
    means = tuple(
        worked.value(name, k, *(0,) * (len(worked.inside.places.short(name)) - 1)) for k in range(c)
    )
    places = np.round(volume.mean(axis=0), 2)
    return ask(
        "pooling",
        level,
        "matrix",
        f"A volume of {h} x {w} x {c}.\n\n{grids(volume, 'Channel')}\n\nIt goes through global average "
        f"pooling. What comes "
        "out, channel by channel?",
        (means,),
        working=[
            f"channel {k + 1}: `({'+'.join(str(n) for n in plane.ravel())})/{h * w} = {means[k]}`"
            for k, plane in enumerate(volume)
        ],
        conventions=["Global average pooling gives one value for each channel: the mean of its whole plane."],
        slips=[
            slip("maximum for average", (tuple(int(n) for n in volume.max(axis=(1, 2))),)),
            slip("sum", (tuple(int(n) for n in totals),)),
            slip("averaged over the channels", rows_of(places)),
            slip("minimum", (tuple(int(n) for n in volume.min(axis=(1, 2))),)),
        ],
        data={"task": "global", "input": volume.tolist()},
        columns=[f"channel {k + 1}" for k in range(c)],
        rows=("mean",),
    )
