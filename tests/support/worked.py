"""The course's worked examples (tests/data/worked_examples.json) as small networks, opened value by value.

Each network goes through our own layer writer and onnxruntime; every output value is opened, written as one line of
arithmetic and held against the course's number.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pellucid.filters import KERNELS
from pellucid.inside.number import Inside
from pellucid.inside.plain import in_line
from pellucid.model.running import open_network
from pellucid.network import Network
from pellucid.network.table import against_local, rows

DATA = Path(__file__).parents[1] / "data" / "worked_examples.json"


@cache
def course() -> dict[str, Any]:
    """The examples as they were written down."""
    return json.loads(DATA.read_text())


@dataclass
class Line:
    """One opened value: its place, the equation, and whether it closes and is the course's number."""

    place: str
    equation: str
    holds: bool


@dataclass
class Example:
    """One example: what was computed, the opened values, and whatever is wrong. `shape`: the runtime's own."""

    name: str
    network: str
    lines: list[Line] = field(default_factory=list)
    shape: tuple[int, ...] = ()
    facts: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def equations(self) -> dict[str, str]:
        """The equations by place."""
        return {line.place: line.equation for line in self.lines}


def run(text: str, image: ArrayLike, weights: Mapping[str, ArrayLike] | None = None) -> Inside:
    """A network from its text, its float32 input [channels, height, width] or [values], through ONNX, opened."""
    array = np.asarray(image, np.float32)
    return Inside(open_network(Network.from_text(text, array.shape), array, weights or {}))


def opened(
    name: str, text: str, image: ArrayLike, weights: Mapping[str, ArrayLike] | None, expected: ArrayLike,
    layer: str = "", decimals: int | None = None, padding: bool = False,
) -> Example:  # fmt: skip
    """Every value of the last (or the named) layer, opened; each must close and be `expected`, to so many decimals
    (None: as float32 has it)."""
    inside = run(text, image, weights)
    tensor = inside.places.tensor(layer) if layer else inside.opened.graph.outputs[0]
    wanted = np.asarray(expected, np.float64)
    found = Example(name, text, shape=inside.places.short(tensor))
    if found.shape != wanted.shape:
        found.wrong.append(f"{name}: {found.shape} instead of {wanted.shape}")
        return found
    for index in np.ndindex(wanted.shape):
        number = inside.open(inside.places.at(tensor, (0, *index)))
        total = number.sum
        assert total is not None
        same = bool(
            np.float32(total) == np.float32(wanted[index]) if decimals is None
            else round(total, decimals) == round(float(wanted[index]), decimals)
        )  # fmt: skip
        line = Line(str(number.place), in_line(inside, number, padding), same and number.closes is True)
        found.lines.append(line)
        if not line.holds:
            found.wrong.append(f"{name}: {line.place}: {line.equation}, the course has {wanted[index]:g}")
    return found


def examples() -> Iterator[Example]:
    """All of them, in the course's order."""
    data = course()
    yield from _convolutions(data)
    yield from _kernels(data)
    yield from _sizes(data)
    yield from _volumes(data)
    yield from _others(data)
    yield from _exercise(data["exercise"])
    yield from _networks(data)


def _convolutions(data: dict[str, Any]) -> Iterator[Example]:
    each = data["convolution_and_cross_correlation"]
    kernel = np.array(each["kernel"])
    for name, used, wanted in (
        ("cross-correlation, as networks compute", kernel, each["cross_correlation_valid"]),
        ("convolution: the flipped kernel", kernel[::-1, ::-1], each["convolution_valid"]),
    ):
        yield opened(name, "conv 1 3x3 nobias", [each["image"]], {"conv1.weight": used}, [[[wanted]]])
    for name in ("vertical_edges", "horizontal_edges"):
        each = data[name]
        weights = {"conv1.weight": each["kernel"]}
        yield opened(
            name.replace("_", " "), "conv 1 3x3 nobias", [each["image"]], weights, [each["output_valid"]]
        )
    each = data["sharpen"]
    image, weights = [each["image"]], {"conv1.weight": each["kernel"]}
    whole = np.array([each["output_same_zero_padded"]])
    same = opened("sharpen, zero padding", "conv 1 3x3 pad same nobias", image, weights, whole, padding=True)
    for place, wanted in each["arithmetic"].items():
        equation = same.equations[f"conv1[0,{place.strip('[]')}]"]
        if equation != wanted if isinstance(wanted, str) else not equation.endswith(f"= {wanted}"):
            same.wrong.append(f"sharpen {place}: {equation}, the course prints {wanted}")
    yield same
    yield opened("sharpen, no padding", "conv 1 3x3 nobias", image, weights, whole[:, 1:-1, 1:-1])
    each = data["sharpened_picture_corner"]
    inside = run("conv 1 3x3 pad same nobias", [each["input"]], {"conv1.weight": each["kernel"]})
    corner = Example(
        "sharpened picture's corner", "conv 1 3x3 pad same nobias", shape=inside.places.short("conv1")
    )
    for place, wanted in each["agree"].items():
        number = inside.at(f"conv1[0,{place.strip('[]')}]")
        holds = number.closes is True and round(float(number.sum or 0), 4) == wanted
        corner.lines.append(Line(str(number.place), in_line(inside, number, padding=True), holds))
        if not holds:
            corner.wrong.append(f"{number.place}: {number.sum}, the course has {wanted}")
    yield corner


def _kernels(data: dict[str, Any]) -> Iterator[Example]:
    """The course's other kernels over its picture; the outputs by sums written out here."""
    image = np.array(data["sharpen"]["image"], np.float64)
    ours = {"edge": "edge-8", "sobel_x": "sobel-x", "high_pass_ninths": "high-pass", "vertical": "prewitt-x",
            "horizontal": "prewitt-y", "sharpen": "sharpen"}  # fmt: skip
    for name, rows_of in data["kernels"].items():
        if name == "note":
            continue
        kernel = np.array(rows_of) / (9 if name == "high_pass_ninths" else 1)
        wanted = [[[float((image[y : y + 3, x : x + 3] * kernel).sum()) for x in range(3)] for y in range(3)]]
        found = opened(f"kernel {name.replace('_', ' ')}", "conv 1 3x3 nobias", [image], {"conv1.weight": kernel},
                       wanted, decimals=4 if name == "high_pass_ninths" else None)  # fmt: skip
        if not np.array_equal(KERNELS[ours[name]].array, kernel):
            found.wrong.append(f"{name}: filters has another {ours[name]}")
        yield found


def _sizes(data: dict[str, Any]) -> Iterator[Example]:
    for each in data["output_size"]["cases"]:
        n, f, p, s, out = (each[key] for key in ("n", "f", "p", "s", "out"))
        text = f"conv 1 {f}x{f} stride {s} pad {p} nobias"
        image = np.arange(n * n).reshape(1, n, n) % 7
        inside = run(text, image, {"conv1.weight": np.arange(f * f) % 5 - 2})
        found = Example(f"output size of n={n} f={f} p={p} s={s}", text, shape=inside.places.short("conv1"))
        found.facts.append(f"floor(({n} + 2*{p} - {f})/{s} + 1) = {out}")
        if found.shape != (1, out, out):
            found.wrong.append(f"{found.name}: {found.shape}, the course has {out}")
        padded = np.pad(image[0], p)
        for y, x in ((0, 0), (out - 1, out - 1)):
            number = inside.at(f"conv1[0,{y},{x}]")
            under = padded[y * s : y * s + f, x * s : x * s + f].ravel()
            wanted = int((under * (np.arange(f * f) % 5 - 2)).sum())
            holds = number.closes is True and number.sum == wanted
            found.lines.append(Line(str(number.place), in_line(inside, number, padding=True), holds))
            if not holds:
                found.wrong.append(f"{number.place}: {number.sum} instead of {wanted}")
        yield found


def _volumes(data: dict[str, Any]) -> Iterator[Example]:
    each = data["volume"]
    height, width, channels = each["input"]
    image = np.arange(channels * height * width).reshape(channels, height, width) % 11
    for key, count in (("four_filters_output", 4), ("hundred_twenty_eight_filters_output", 128)):
        weights = np.arange(count * channels * 9).reshape(count, channels, 3, 3) % 5 - 2
        inside = run(f"conv {count} 3x3 nobias", image, {"conv1.weight": weights})
        number = inside.at("conv1[3,2,1]")
        wanted = int((image[:, 2:5, 1:4] * weights[3]).sum())
        found = Example(f"a 6x6x3 volume and {count} filters", f"conv {count} 3x3 nobias",
                        [Line("conv1[3,2,1]", in_line(inside, number), number.sum == wanted)],
                        inside.places.short("conv1"))  # fmt: skip
        assert number.opening is not None
        out = each[key]
        if found.shape != (out[2], *out[:2]) or number.opening.count != each["weights_per_filter"]:
            found.wrong.append(f"{found.name}: {found.shape}, {number.opening.count} terms")
        if not found.lines[0].holds:
            found.wrong.append(f"conv1[3,2,1]: {number.sum} instead of {wanted}")
        found.facts.append(
            f"{number.opening.count} weights in each filter, {int(np.prod(found.shape)):,} values"
        )
        yield found
    each = data["multichannel"]
    weights = {"conv1.weight": each["weights"], "conv1.bias": each["bias"]}
    yield opened("two filters over three channels, stride 2, with bias", "conv 2 3x3 stride 2 pad 1", each["input"],
                 weights, each["output"], padding=True)  # fmt: skip


def _others(data: dict[str, Any]) -> Iterator[Example]:
    each = data["relu_then_pool"]
    text, image = "relu, maxpool 2 stride 1", [each["feature_map"]]
    yield opened("ReLU", text, image, None, [each["rectified"]], layer="relu1")
    yield opened(
        "ReLU, then the largest of 2x2, stride 1", text, image, None, [each["max_pool_2x2_stride_1"]]
    )
    for each in data["max_pool"]:
        text = f"maxpool {each['f']} stride {each['s']}"
        yield opened(f"max pooling {each['f']}x{each['f']}, stride {each['s']}", text, [each["input"]], None,
                     [each["output"]])  # fmt: skip
    each = data["flatten"]
    yield opened("flatten", "flatten", each["input"], None, each["output"])
    each = data["softmax"]
    weights = {"dense1.weight": np.eye(4), "dense1.bias": np.zeros(4)}
    yield opened("softmax", "dense 4, softmax", each["logits"], weights, each["probabilities"], decimals=4)


def _exercise(data: dict[str, Any]) -> Iterator[Example]:
    each = data["a"]
    weights = {"conv1.weight": each["filters"], "conv1.bias": [each["bias"]]}
    found = opened("exercise a: three channels, one filter, bias 7", "conv 1 3x3", each["input"], weights,
                   [each["output"]])  # fmt: skip
    for place, wanted in each["asked"].items():  # "row 4, column 4", from 1
        row, column = (int(word) - 1 for word in place.replace(",", "").split()[1::2])
        equation = found.equations[f"conv1[0,{row},{column}]"]
        if not equation.endswith(f" = {wanted}"):
            found.wrong.append(f"{place}: {equation}, the course has {wanted}")
    yield found
    # c: the whole of it, opened from its dense layer back; its parameters are those asked for.
    text = "conv 1 3x3, relu, maxpool 2 stride 1, flatten, dense 32"
    dense = np.arange(32 * 9).reshape(32, 9) % 7 - 3
    inside = run(text, each["input"], weights | {"dense1.weight": dense, "dense1.bias": np.arange(32)})
    pooled = np.maximum(np.array(each["output"]), 0)
    pooled = np.array([[pooled[y : y + 2, x : x + 2].max() for x in range(3)] for y in range(3)])
    answers = dense @ pooled.ravel() + np.arange(32)
    whole = Example("exercise c: conv, ReLU, pool, dense 9 -> 32", text, shape=inside.places.short("dense1"))
    for k, wanted in enumerate(answers):
        number = inside.at(f"dense1[{k}]")
        whole.lines.append(Line(str(number.place), in_line(inside, number), number.sum == wanted))
        if number.sum != wanted:
            whole.wrong.append(f"{number.place}: {number.sum} instead of {wanted}")
    network = Network.from_text(text, (3, 6, 6))
    counts = {row.name: row.parameters for row in rows(network)}
    wanted_counts = {"conv1": data["c"]["conv"], "relu1": 0, "pool1": 0, "dense1": data["c"]["dense_9_to_32"]}
    if any(counts[name] != count for name, count in wanted_counts.items()) or (
        network.parameter_count != data["c"]["total"]
    ):
        whole.wrong.append(f"parameters {counts}")
    whole.facts.append(f"{counts['conv1']} + {counts['dense1']} = {network.parameter_count} parameters")
    yield whole
    each = data["d"]
    height, width, channels = each["input"]
    text = f"conv {each['channels']} {each['f']}x{each['f']} pad same"
    network = Network.from_text(text, (channels, height, width))
    found = Example("exercise d: same padding", text, shape=network.output_shape)
    found.facts += [
        f"p = ({each['f']} - 1)/2 = {each['same_padding']}",
        f"{network.parameter_count:,} parameters",
    ]
    explicit = Network.from_text(text.replace("same", str(each["same_padding"])), (channels, height, width))
    if (
        explicit.output_shape != (each["channels"], height, width)
        or network.output_shape != explicit.output_shape
    ):
        found.wrong.append(f"{network.output_shape}, {explicit.output_shape}")
    if network.parameter_count != each["parameters"]:
        found.wrong.append(f"{network.parameter_count} parameters, the course has {each['parameters']}")
    yield found


# The networks that the course counts the parameters of: text, input, which of its counts.
COUNTED = (
    ("conv 16 3x3", (3, 8, 8), 0),
    ("conv 1 5x5", (1, 28, 28), 1),
    ("flatten, dense 1000", (3, 512, 512), 3),
    ("conv 8 5x5", (3, 32, 32), 4),
    ("flatten, dense 6272", (3, 32, 32), 5),
)


def _networks(data: dict[str, Any]) -> Iterator[Example]:
    for text, shape, place in COUNTED:
        each = data["parameter_counts"][place]
        network = Network.from_text(text, shape)
        wanted = each.get("count", each.get("weights", 0) + each.get("biases", 0))
        found = Example(f"parameters: {each['what']}", text, shape=network.output_shape)
        found.facts.append(f"{network.parameter_count:,} parameters")
        if network.parameter_count != wanted:
            found.wrong.append(f"{text}: {network.parameter_count:,} parameters, the course has {wanted:,}")
        yield found
    each = next(row for row in data["parameter_counts"] if "locally connected" in row["what"])
    beside = against_local(Network.from_text("conv 1 5x5", (1, 28, 28)))[0]
    found = Example(
        f"parameters: {each['what']}", "conv 1 5x5, against a locally connected layer", shape=(1, 24, 24)
    )
    found.facts.append(f"{beside.formula}: {beside.other_parameters:,} parameters")
    if beside.other_parameters != each["count"]:
        found.wrong.append(f"{beside.other_parameters:,} parameters, the course has {each['count']:,}")
    yield found
    each = data["simple_convnet"]
    height, width, channels = each["input"]
    text = "conv 8 3x3, conv 16 5x5 stride 2, conv 32 7x7 stride 2"
    yield _activations("a simple network's activations", text, (channels, height, width), each["activations"])
    each = data["digits_network"]
    height, width, channels = each["input"]
    text = "conv 8 5x5, maxpool 2, conv 16 5x5, maxpool 2, flatten, dense 120, dense 84, dense 10"
    found = _activations(
        "the digits network", text, (channels, height, width), [row[1] for row in each["rows"]]
    )
    network = Network.from_text(text, (channels, height, width))
    counts = [row.parameters for row in rows(network) if row.name not in ("flatten1", "input")]
    if counts != [row[3] for row in each["rows"]] or network.parameter_count != each["total"]:
        found.wrong.append(f"parameters {counts}")
    found.facts.append(f"{network.parameter_count:,} parameters")
    yield found


def _activations(name: str, text: str, shape: tuple[int, ...], wanted: list[list[int]]) -> Example:
    """A network with whole-number weights run; the runtime's own shapes, and the first value of each layer opened."""
    network = Network.from_text(text, shape)
    rng = np.random.default_rng(0)
    weights = {key: rng.integers(-1, 2, size) for key, size in network.parameter_shapes.items()}
    inside = run(text, rng.integers(0, 2, shape), weights)
    found = Example(name, text, shape=network.output_shape)
    layers = [node.name for node in network.nodes if node.name != "flatten1"]
    for layer, size in zip(layers, wanted, strict=True):
        runtime = inside.places.short(layer)
        if runtime != (size[-1], *size[:-1]):
            found.wrong.append(f"{layer}: {runtime}, the course has {size}")
        number = inside.at(f"{layer}[{','.join('0' * len(runtime))}]")
        found.lines.append(Line(str(number.place), in_line(inside, number), number.closes is True))
        if not number.closes:
            found.wrong.append(f"{number.place}: off by {number.difference}")
    found.facts.append("; ".join(f"{layer} {'x'.join(str(n) for n in size)}" for layer, size in
                                 zip(layers, wanted, strict=True)))  # fmt: skip
    return found


def image_of(values: ArrayLike) -> NDArray[np.uint8]:
    """An example's numbers as a grey picture [height, width, 1]."""
    return np.asarray(values, np.uint8)[:, :, None]


def evaluated(equation: str) -> tuple[float, float]:
    """An equation's left side, computed by Python, and its right side."""
    left, _, right = equation.partition(" = ")
    text = left.replace("e^", "E**").replace(",", ", ")
    assert re.fullmatch(r"[-+*/(),. 0-9emaxE]+", text), text
    answer = eval(text, {"__builtins__": {}}, {"max": max, "E": math.e})
    return answer, float(right.split(" ")[0])
