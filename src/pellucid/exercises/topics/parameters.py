"""Counting what is learned: convolution, dense, locally connected, whole networks, one against the other.

`data`: `network`, as text (sizes are all there: channels, kernels, `nobias`, groups); `input` as (height, width,
channels) or (values,); `task`: "layer" (parameters of its one layer that has any), "total" (of the whole network),
"dense" (of a dense layer from the same input to the same output as the convolution), "local" (of a locally connected
layer: the same windows, nothing shared, a bias at every place), "ratio" (how many more than the convolution a dense
layer has: a difference). Biases count unless `nobias` is said.
"""

from __future__ import annotations

from math import prod

from pellucid.exercises.draw import Draw
from pellucid.exercises.question import Question, ask
from pellucid.exercises.slips import slip
from pellucid.exercises.wording import SIZES, WHOLE_WINDOWS
from pellucid.network import Network
from pellucid.network.table import against_dense, against_local, rows

TITLE = "Parameters"
TASKS = {
    1: ("conv", "dense"),
    2: ("nobias", "against", "local", "short"),
    3: ("total", "groups", "more", "total"),
}
BIASES = "Every filter and every neuron has one bias."


def make(draw: Draw, level: int) -> Question | None:
    match draw.task(TASKS[level]):
        case "conv":
            return _conv(draw, level)
        case "nobias":
            return _conv(draw, level, bias=False)
        case "groups":
            return _conv(draw, level, grouped=True)
        case "dense":
            return _dense(draw, level)
        case "short" | "total":
            return _total(draw, level)
        case "local":
            return _local(draw, level)
        case other:
            return _against(draw, level, other == "more")


def _conv(draw: Draw, level: int, bias: bool = True, grouped: bool = False) -> Question | None:
    h, w, f = draw.whole("height", 12, 256), draw.whole("width", 12, 256), draw.pick("kernel", (1, 3, 5, 7))
    g = draw.pick("groups", (2, 4)) if grouped else 1
    c = (
        g * draw.pick("channels a group", (2, 4, 8))
        if grouped
        else draw.pick("channels", (1, 3, 4, 6, 8, 16, 24, 32))
    )
    k = (
        g * draw.pick("filters a group", (2, 3, 4, 8))
        if grouped
        else draw.pick("filters", (4, 6, 8, 12, 16, 24, 32, 64))
    )
    if c == 1 and f == 1:
        return None
    text = f"conv {k} {f}x{f} pad same groups {g}" + ("" if bias else " nobias")
    network = Network.from_text(text, (c, h, w))
    count = rows(network)[0].parameters
    inner = f"{f}*{f}*{c // g}"
    line = f"`({inner} + 1)*{k} = {count}`" if bias else f"`{inner}*{k} = {count}`"
    words = f" in {g} groups" if g > 1 else ""
    seen = [f"Each filter sees `{c}/{g} = {c // g}` channels."] if g > 1 else []
    weights = f * f * (c // g) * k
    return ask(
        "parameters",
        level,
        "number",
        f"A convolution of {k} filters of {f} x {f}{words}, {'with' if bias else 'without'} bias, is "
        f"used on a volume of "
        f"{h} x {w} x {c}. How many parameters are learned?",
        count,
        working=[*seen, line],
        conventions=[SIZES, *([BIASES] if bias else [])],
        slips=[
            slip("groups forgotten", (f * f * c + 1) * k) if g > 1 else None,
            slip("biases forgotten", weights) if bias else slip("biases counted", weights + k),
            slip("channels forgotten", (f * f + (1 if bias else 0)) * k),
            slip("one bias for all", weights + 1) if bias else None,
            slip("filters forgotten", weights // k + (1 if bias else 0)),
            slip("kernel's side only", (f * c // g + (1 if bias else 0)) * k),
            slip("weights not shared", prod(network.output_shape[1:]) * count),
        ],
        data={"task": "layer", "network": network.text, "input": (h, w, c)},
    )


def _dense(draw: Draw, level: int) -> Question | None:
    flat = draw.whole("flat", 0, 1) == 0
    m = draw.pick("outputs", (2, 5, 10, 20, 32, 50, 64, 100))
    if flat:
        n = draw.whole("inputs", 8, 600)
        network, given, shape = Network.from_text(f"dense {m}", (n,)), f"{n} values", (n,)
        line = []
        wrong = slip("values added", n + m)
    else:
        h, w, c = (
            draw.whole("height", 3, 16),
            draw.whole("width", 3, 16),
            draw.pick("channels", (3, 4, 8, 16)),
        )
        network, given, shape = (
            Network.from_text(f"flatten, dense {m}", (c, h, w)),
            f"a flattened volume of {h} x {w} x {c}",
            (h, w, c),
        )
        n = h * w * c
        line = [f"`{h}*{w}*{c} = {n}` values go in"]
        wrong = slip("not flattened", (c + 1) * m)
    count = network.parameter_count
    return ask(
        "parameters",
        level,
        "number",
        f"A dense layer with {m} outputs, with bias, takes in {given}. How many parameters are learned?",
        count,
        working=[*line, f"`({n} + 1)*{m} = {count}`"],
        conventions=[BIASES],
        slips=[
            slip("biases forgotten", n * m),
            slip("one bias for all", n * m + 1),
            wrong,
            slip("bias for every input", n * (m + 1)),
            slip("biases counted twice", n * m + 2 * m),
        ],
        data={"task": "layer", "network": network.text, "input": shape},
    )


def _against(draw: Draw, level: int, more: bool) -> Question | None:
    h, w, c = draw.whole("height", 6, 32), draw.whole("width", 6, 32), draw.pick("channels", (1, 3))
    k, f = draw.pick("filters", (2, 4, 6, 8)), draw.pick("kernel", (3, 5))
    network = Network.from_text(f"conv {k} {f}x{f}", (c, h, w))
    beside = against_dense(network)[0]
    oh, ow, _ = beside.output_shape
    n, m = h * w * c, oh * ow * k
    count = beside.other_parameters - beside.parameters if more else beside.other_parameters
    asked = (
        "How many parameters more would a dense layer have that goes from the same input to as many values?"
        if more
        else "How many parameters would a dense layer have that goes from the same input to as many values?"
    )
    dense = f"`({n} + 1)*{m} = {beside.other_parameters}`"
    working = [f"`{h}*{w}*{c} = {n}` values go in, `{oh}*{ow}*{k} = {m}` come out.", f"dense: {dense}"]
    if more:
        working += [
            f"convolution: `({f}*{f}*{c} + 1)*{k} = {beside.parameters}`",
            f"`{beside.other_parameters} - {beside.parameters} = {count}`",
        ]
    off = beside.parameters if more else 0
    return ask(
        "parameters",
        level,
        "number",
        f"A convolution of {k} filters of {f} x {f} (stride 1, no padding, with bias) is used on a "
        f"volume of {h} x {w} x {c}. "
        f"{asked} It has biases, too.",
        count,
        working=working,
        conventions=[SIZES, BIASES],
        slips=[
            slip("biases forgotten", n * m - off),
            slip("padding forgotten for same", (n + 1) * h * w * k - off),
            slip("channels forgotten", (h * w + 1) * m - off) if c > 1 else None,
            slip("filters forgotten", (n + 1) * oh * ow - off),
            slip("weights shared", beside.parameters),
            slip("convolution not subtracted", beside.other_parameters) if more else None,
        ],
        data={"task": "ratio" if more else "dense", "network": network.text, "input": (h, w, c)},
    )


def _local(draw: Draw, level: int) -> Question | None:
    h, w, c = draw.whole("height", 8, 32), draw.whole("width", 8, 32), draw.pick("channels", (1, 1, 3))
    k, f = draw.pick("filters", (1, 2, 4)), draw.pick("kernel", (3, 5))
    network = Network.from_text(f"conv {k} {f}x{f}", (c, h, w))
    beside = against_local(network)[0]
    oh, ow, _ = beside.output_shape
    places = oh * ow * k
    return ask(
        "parameters",
        level,
        "number",
        f"A locally connected layer works like a convolution of {k} filter{'s' * (k > 1)} of {f} x {f} "
        f"(stride 1, no padding) on "
        f"{h} x {w} x {c}, but shares nothing: every output value has weights and a bias of its own. How "
        f"many parameters does "
        "it have?",
        beside.other_parameters,
        working=[
            f"`({h} - {f} + 1)*({w} - {f} + 1)*{k} = {oh}*{ow}*{k} = {places}` output values",
            f"`({f}*{f}*{c} + 1)*{places} = {beside.other_parameters}`",
        ],
        conventions=[SIZES],
        slips=[
            slip("weights shared", beside.parameters),
            slip("biases forgotten", f * f * c * places),
            slip("biases shared", f * f * c * places + k),
            slip("padding forgotten for same", (f * f * c + 1) * h * w * k),
            slip("channels forgotten", (f * f + 1) * places),
        ],
        data={"task": "local", "network": network.text, "input": (h, w, c)},
    )


def _total(draw: Draw, level: int) -> Question | None:
    h, w = draw.whole("height", 12, 36), draw.whole("width", 12, 36)
    c, k, f, m = (
        draw.pick("channels", (1, 3)),
        draw.pick("filters", (4, 6, 8)),
        draw.pick("kernel", (3, 5)),
        10,
    )
    text = f"conv {k} {f}x{f}, relu, maxpool 2, flatten, dense {m}"
    if level == 3:
        hidden = draw.pick("hidden", (16, 20, 32))
        text = (
            f"conv {k} {f}x{f}, relu, maxpool 2, conv {2 * k} 3x3, relu, maxpool 2, flatten, dense "
            f"{hidden}, relu, dense {m}"
        )
    network = Network.from_text(text, (c, h, w))
    table = rows(network)
    total = network.parameter_count
    counted = [row for row in table if row.parameters]
    working = []
    flat = 0
    for row in table:
        size = " x ".join(str(n) for n in row.output_shape)
        line = f"{row.name}: {size}"
        if row.parameters:
            (source,) = row.inputs
            inputs = network.shapes[source]
            inner = (
                f"{f if row.name == 'conv1' else 3}*{f if row.name == 'conv1' else 3}*{inputs[0]}"
                if row.kind == "conv"
                else str(prod(inputs))
            )
            line += f", `({inner} + 1)*{row.output_shape[-1]} = {row.parameters}` parameters"
        working.append(line)
        if row.kind == "flatten":
            flat = row.values
    first_dense = next(row for row in counted if row.kind == "dense")
    pooled = network.shapes["pool2" if level == 3 else "pool1"]
    unpooled = network.shapes["conv2" if level == 3 else "conv1"]
    outputs = first_dense.output_shape[-1]
    biases = sum(row.output_shape[-1] for row in counted)
    first = counted[0]
    working.append(f"`{' + '.join(str(row.parameters) for row in counted)} = {total}`")
    return ask(
        "parameters",
        level,
        "number",
        f"A network takes in pictures of {h} x {w} x {c}:\n\n```\n{network.text}\n```\n\nConvolutions "
        f"have stride 1, no padding "
        "and biases; maxpool 2 is a window of 2 x 2 with stride 2. How many parameters does the whole network learn?",
        total,
        working=working,
        conventions=[BIASES, WHOLE_WINDOWS, "ReLU, pooling and flatten learn nothing."],
        slips=[
            slip("biases forgotten", total - biases),
            slip("not flattened", total - flat * outputs + pooled[0] * outputs),
            slip("pooling forgotten", total + (prod(unpooled) - flat) * outputs),
            slip("input forgotten in the count", total - first.parameters),
            slip("channels forgotten", total - (c - 1) * f * f * k) if c > 1 else None,
            slip("pooling counted", total + 4 * (len([row for row in table if row.kind == "maxpool"]))),
        ],
        data={"task": "total", "network": network.text, "input": (h, w, c)},
    )
