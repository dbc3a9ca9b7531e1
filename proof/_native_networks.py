"""Networks for the native engine to be tried on: every kind of its layers by itself, and random ones of several."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pellucid.engines.native import unable
from pellucid.errors import NetworkError
from pellucid.network import Network
from pellucid.network.layers import Shape

CLASSES = 4
MOST_PARAMETERS, MOST_MULT_ADDS = 60_000, 2_000_000
BEFORE, AFTER = "first: conv 4 3x3 pad 1", "conv 3 2x2, flatten, dense 4"
SHAPE = (4, 9, 11)
KINDS = (
    "conv 9 1x1", "conv 7 3x3 nobias", "conv 7 5x5 pad 2", "conv 5 3x3 stride 2x3 pad 1", "conv 4 1x1 stride 2",
    "conv 4 5x5 stride 3 pad 2 dilation 2", "conv 3 2x3 pad 0:1x2:0 dilation 1x2", "conv 3 7x2 pad 3:3x0:1",
    "conv 6 3x3 pad same groups 2", "conv 4 3x3 pad 1 groups 4", "conv 8 3x3 stride 2 pad 1 groups 4",
    "conv 20 3x3 pad 1", "conv 20 3x3 pad 1 groups 2", "conv 12 1x1, conv 17 5x5 pad 2", "conv 12 1x1, conv 14 3x3",
    "conv 5 3x3 pad 4", "maxpool 2", "maxpool 3 stride 2 pad 1", "maxpool 3 stride 1",
    "maxpool 3x2 stride 1x2", "avgpool 2", "avgpool 3 stride 2 pad 1", "avgpool 3 stride 2 pad 1 countpad",
    "globalavgpool", "globalmaxpool", "adaptiveavgpool 3x2", "adaptivemaxpool 4x3", "relu",
    "leakyrelu slope 0.2", "leakyrelu slope -0.3", "relu6", "sigmoid", "tanh", "gelu", "silu", "hardswish",
    "batchnorm", "batchnorm epsilon 0.1", "pad 1x2", "pad 1 reflect", "pad 0:2x1:0 replicate",
    "a: conv 4 3x3 pad 1, tanh, add a", "a: conv 4 3x3 pad 1, b: maxpool 3 stride 1 pad 1, concat a, conv 3 1x1",
    "dropout 0", "flatten, dense 7, tanh", "flatten, batchnorm", "flatten, dropout 0, relu, dense 6 nobias",
)  # fmt: skip

Random = np.random.Generator
# What a layer's line is made from: the random numbers, the axes, and a number that no other layer of the network has.
Line = Callable[[Random, int, int], str]


def of_every_kind() -> list[Network]:
    """Each kind behind another layer and as the first one, where nobody wants the gradient of its input."""
    made = []
    for line in KINDS:
        after = "dense 4" if "flatten" in line else "flatten, dense 4" if line.startswith("global") else AFTER
        made += [
            Network.from_text(text, SHAPE) for text in (f"{BEFORE}, {line}, {after}", f"{line}, {after}")
        ]
    return made


def random_network(random: Random) -> Network:
    """One to six layers by chance over a picture or a signal, then a dense layer of 4 classes."""
    while True:
        axes = int(random.choice([1, 2, 2]))
        low, high = (3, 13) if axes == 2 else (4, 40)
        shape: Shape = (int(random.integers(1, 4)), *(int(n) for n in random.integers(low, high, axes)))
        lines = [str(random.choice(LINES)(random, axes, i)) for i in range(int(random.integers(1, 7)))]  # type: ignore[arg-type]
        try:
            network = Network.from_text(", ".join([*lines, str(random.choice(ENDS)), "dense 4"]), shape)
        except NetworkError:  # it doesn't fit: another one
            continue
        if network.parameter_count <= MOST_PARAMETERS and network.mult_adds <= MOST_MULT_ADDS:
            assert not unable(network), unable(network)
            return network


def with_weights(network: Network, random: Random) -> Network:
    """Weights as large as trained ones, running variances positive."""
    weights = {}
    for name, shape in (network.parameter_shapes | network.state_shapes).items():
        fan_in = int(np.prod(shape[1:])) if len(shape) > 1 else 4
        positive = name.endswith("running_var")
        values = random.uniform(0.5, 1.5, shape) if positive else random.normal(0, fan_in**-0.5, shape)
        weights[name] = values.astype(np.float32)
    return network.with_weights(weights)


def _by_axis(random: Random, axes: int, low: int, high: int) -> str:
    return "x".join(str(random.integers(low, high + 1)) for _ in range(axes))


def _conv(random: Random, axes: int, number: int) -> str:
    groups = int(random.choice([1, 1, 1, 2, 3]))
    kernel = _by_axis(random, axes, 1, 5)
    text = f"conv {groups * int(random.integers(1, 10))} {kernel}"
    if random.random() < 0.4:
        text += f" stride {_by_axis(random, axes, 1, 3)}"
    text += str(random.choice(["", " pad same", f" pad {_by_axis(random, axes, 0, 2)}"]))
    if random.random() < 0.3:
        text += f" dilation {_by_axis(random, axes, 1, 3)}"
    return text + (f" groups {groups}" if groups > 1 else "") + str(random.choice(["", "", " nobias"]))


def _pool(random: Random, axes: int, number: int) -> str:
    kind = str(random.choice(["maxpool", "avgpool"]))
    text = f"{kind} {_by_axis(random, axes, 1, 3)}"
    if random.random() < 0.5:
        text += f" stride {_by_axis(random, axes, 1, 3)}"
    if random.random() < 0.3:
        text += " pad 1" + (" countpad" if kind == "avgpool" and random.random() < 0.5 else "")
    return text


def _adaptive(random: Random, axes: int, number: int) -> str:
    return f"{random.choice(['adaptivemaxpool', 'adaptiveavgpool'])} {_by_axis(random, axes, 1, 5)}"


def _curve(random: Random, axes: int, number: int) -> str:
    curves = ["relu", "relu", "leakyrelu slope 0.3", "leakyrelu slope -0.2", "relu6", "sigmoid", "tanh", "gelu",
              "silu", "hardswish"]  # fmt: skip
    return str(random.choice(curves))


def _norm(random: Random, axes: int, number: int) -> str:
    return str(random.choice(["batchnorm", "batchnorm epsilon 0.01"]))


def _pad(random: Random, axes: int, number: int) -> str:
    return f"pad {_by_axis(random, axes, 0, 2)}" + str(random.choice(["", " reflect", " replicate"]))


def _branch(random: Random, axes: int, number: int) -> str:
    a, b, one = f"a{number}", f"b{number}", "x".join("1" * axes)
    three = "x".join("3" * axes)
    join = [
        f"{a}: {_curve(random, axes, number)}, {b}: conv 4 {three} pad 1, c{number}: conv 4 {one} from {a}, add {b}",
        f"{a}: tanh, {b}: conv 3 {three} pad 1, concat {a}",
        f"{a}: conv 5 {one}, {b}: conv 5 {three} pad 1, batchnorm, add {a}",
    ]
    return str(random.choice(join))


def _nothing(random: Random, axes: int, number: int) -> str:
    return "dropout 0"


LINES: list[Line] = [
    _conv,
    _conv,
    _conv,
    _pool,
    _pool,
    _adaptive,
    _curve,
    _curve,
    _norm,
    _pad,
    _branch,
    _nothing,
]
ENDS = ["flatten", "flatten", "globalavgpool, flatten", "globalmaxpool, flatten", "flatten, dense 11, relu",
        "flatten, dense 20 nobias, tanh, dropout 0", "flatten, batchnorm"]  # fmt: skip
