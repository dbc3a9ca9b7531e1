"""Receptive fields: how many pixels a value sees, and which.

`data`: `network` as text, `input` (height, width, channels) and `task`: "size" (rows of the picture that one value of
the last layer depends on, padding and all), "range" (first and last row, from 1, that output row `row`, from 1, sees;
it lies inside the picture), "layers" (how many convolutions of `kernel` with stride 1 it takes until a value sees
`wanted` rows or more; no `network`).
"""

from __future__ import annotations

from math import prod

from pellucid.exercises.draw import Draw
from pellucid.exercises.question import Question, ask
from pellucid.exercises.slips import slip
from pellucid.exercises.wording import FROM_ONE, joined
from pellucid.network import Network
from pellucid.network.receptive import fields

TITLE = "Receptive fields"
TASKS = {1: ("size", "layers"), 2: ("size", "size", "range"), 3: ("size", "range")}
RULE = "field = field before + (f - 1)*jump; the jump is the product of the strides before the layer."
Layer = tuple[str, int, int, int]  # conv or maxpool, window, stride, dilation


def make(draw: Draw, level: int) -> Question | None:
    task = draw.task(TASKS[level])
    if task == "layers":
        return _layers(draw, level)
    side = draw.whole("side", 72, 160)
    layers = _stack(draw, level)
    text = ", ".join(
        f"conv 4 {f}x{f}" + (f" stride {s}" if s > 1 else "") + (f" dilation {d}" if d > 1 else "")
        if kind == "conv"
        else f"maxpool {f} stride {s}"
        for kind, f, s, d in layers
    )
    network = Network.from_text(text, (1, side, side))
    seen = fields(network)
    last = seen[network.output]
    jump, working = 1, ["A pixel sees itself: 1."]
    before = 1
    for node, (_, f, s, d) in zip(network.nodes, layers, strict=True):
        reach = f"{d}*({f} - 1)" if d > 1 else f"({f} - 1)"
        size = seen[node.name].size[0]
        working.append(
            f"{node.name}: `{before} + {reach}*{jump} = {size}`"
            + (f", jump `{jump}*{s} = {jump * s}`" if s > 1 else "")
        )
        before, jump = size, jump * s
    size = last.size[0]
    told = joined([_words(layer) for layer in layers])
    given = f"A picture of {side} x {side} goes through {told}, without padding."
    data = {"task": task, "network": network.text, "input": (side, side, 1)}
    reaches = [d * (f - 1) for _, f, _, d in layers]
    early, j = 1, 1
    for (_, _, s, _), reach in zip(layers, reaches, strict=True):
        j *= s
        early += reach * j
    if task == "size":
        windows = [f for _, f, _, _ in layers]
        return ask(
            "receptive-field",
            level,
            "number",
            f"{given} How many rows of the picture does one value of the last layer see?",
            size,
            working=working,
            conventions=[RULE],
            slips=[
                slip("strides forgotten", 1 + sum(reaches)),
                slip("kernels added", sum(windows)),
                slip("kernels multiplied", prod(windows)),
                slip("last layer only", windows[-1]),
                slip("jump too early", early),
                slip("dilation forgotten", _without_dilation(layers)),
                slip("the pixel itself forgotten", size - 1),
                slip("area for side", size * size),
            ],
            data=data,
        )
    height = network.output_shape[1]
    if height < 3:
        return None
    row = draw.whole("row", 2, height - 1)
    sight = last.axes[0]
    first = int(sight.start + (row - 1) * sight.jump) + 1
    end = int(sight.end + (row - 1) * sight.jump)
    return ask(
        "receptive-field",
        level,
        "matrix",
        f"{given} Which rows of the picture does a value in row {row} of the last layer see: from which to which?",
        ((first, end),),
        working=[
            *working,
            f"first row: `({row} - 1)*{jump} + 1 = {first}`",
            f"last row: `{first} + {size} - 1 = {end}`",
        ],
        conventions=[RULE, FROM_ONE],
        slips=[
            slip("counted from 0", ((first - 1, end - 1),)),
            slip("strides forgotten", ((row, row + sum(reaches)),)),
            slip("counted from 0 in the layer", ((first + jump, end + jump),)),
            slip("one row too many", ((first, end + 1),)),
            slip(
                "last layer only",
                (((row - 1) * layers[-1][2] + 1, (row - 1) * layers[-1][2] + layers[-1][1]),),
            ),
        ],
        data=data | {"row": row},
        rows=("row",),
        columns=("first", "last"),
    )


def _layers(draw: Draw, level: int) -> Question:
    f, wanted = draw.pick("kernel", (3, 5, 7)), draw.whole("wanted", 8, 400)
    most = wanted // (f - 1) + 1
    seen = fields(Network.from_text(", ".join([f"conv 1 {f}x{f} pad same"] * most), (1, 9, 9)))
    count = next(n for n in range(1, most + 1) if seen[f"conv{n}"].size[0] >= wanted)
    return ask(
        "receptive-field",
        level,
        "number",
        f"Convolutions of {f} x {f} with stride 1 follow one another. How many does it take until a "
        f"value sees {wanted} rows "
        "of the picture or more?",
        count,
        working=[
            f"n layers see `1 + n*({f} - 1)` rows.",
            f"`ceil(({wanted} - 1)/({f} - 1)) = {count}`",
            f"Check: {count} layers see `1 + {count}*{f - 1} = {1 + count * (f - 1)}`, {count - 1} see "
            f"{1 + (count - 1) * (f - 1)}.",
        ],
        conventions=[RULE],
        slips=[
            slip("kernels added", -(-wanted // f)),
            slip("rounded down", (wanted - 1) // (f - 1)),
            slip("both sides together", 2 * count),
            slip("the pixel itself forgotten", wanted // (f - 1) + 1),
            slip("one layer too few", count - 1),
            slip("grows by one", wanted - 1),
        ],
        data={"task": "layers", "kernel": f, "wanted": wanted, "input": (9, 9, 1)},
    )


def _stack(draw: Draw, level: int) -> list[Layer]:
    if level == 1:
        return [
            ("conv", draw.pick(f"kernel {k}", (2, 3, 5, 7)), 1, 1) for k in range(draw.whole("layers", 2, 3))
        ]
    layers: list[Layer] = [("conv", draw.pick("kernel 1", (3, 5)), draw.whole("stride 1", 1, 2), 1)]
    layers.append(("maxpool", draw.pick("window", (2, 3)), 2, 1))
    layers.append(
        ("conv", draw.pick("kernel 2", (3, 5)), 1, draw.whole("dilation", 1, 3) if level == 3 else 1)
    )
    if level == 3:
        layers.append(("conv", 3, draw.whole("stride 4", 1, 2), 1))
    return layers


def _words(layer: Layer) -> str:
    kind, f, s, d = layer
    name = "a convolution" if kind == "conv" else "max pooling"
    return f"{name} of {f} x {f} with stride {s}" + (f" and dilation {d}" if d > 1 else "")


def _without_dilation(layers: list[Layer]) -> int:
    size, jump = 1, 1
    for _, f, s, _ in layers:
        size, jump = size + (f - 1) * jump, jump * s
    return size
