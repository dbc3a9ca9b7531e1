"""Proof 7: shapes, parameters and mult-adds of every network of the zoo, held against PyTorch's own counting.

First each network beside the same one written plainly in torch.nn below, layer by layer: kind, output shape,
parameters, and mult-adds (half the FLOPs of torch's FlopCounterMode). Then the laws of the layers' sizes on
random cases, those that don't fit included. All on torch's meta device: nothing is allocated or computed.

    python proof/shapes_and_counts.py            writes proof/results/shapes_and_counts.json and .md
    python proof/shapes_and_counts.py --short    one size for each network, fewer cases, writes nothing
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import platform
import random
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import pellucid
from pellucid.errors import NetworkError
from pellucid.network import Network, zoo
from pellucid.network.layers import AdaptiveAvgPool, AvgPool, Conv, MaxPool, Shape
from pellucid.network.table import rows, totals

RESULTS = Path(__file__).parent / "results"
SEED = 0


# The networks once more, by hand in PyTorch: `c` input channels, `k` classes, `n` flattened values.


def classifier(n: int, k: int) -> list[nn.Module]:
    return [
        nn.Flatten(),
        nn.Linear(n, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, k), nn.Softmax(1),
    ]  # fmt: skip


def digits(c: int, k: int, n: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(c, 8, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        *classifier(n, k),
    )  # fmt: skip


def simple(c: int, k: int, n: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(c, 8, 3), nn.ReLU(),
        nn.Conv2d(8, 16, 5, stride=2), nn.ReLU(),
        nn.Conv2d(16, 32, 7, stride=2), nn.ReLU(),
        nn.Flatten(), nn.Linear(n, k), nn.Softmax(1),
    )  # fmt: skip


def handwritten(c: int, k: int, n: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(c, 32, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(n, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, k), nn.Softmax(1),
    )  # fmt: skip


def lenet5(c: int, k: int, n: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(c, 6, 5), nn.Tanh(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(n, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, k), nn.Softmax(1),
    )  # fmt: skip


def bench_lenet(c: int, k: int, n: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(c, 8, 5, padding=2), nn.MaxPool2d(2), nn.ReLU(),
        nn.Conv2d(8, 16, 5), nn.MaxPool2d(2), nn.ReLU(),
        *classifier(n, k),
    )  # fmt: skip


def mlp(c: int, k: int, n: int) -> nn.Module:
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(n, 300),
        nn.ReLU(),
        nn.Linear(300, 100),
        nn.ReLU(),
        nn.Linear(100, k),
        nn.Softmax(1),
    )


def alexnet(c: int, k: int, n: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(c, 64, 11, stride=4, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(),
        nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.AdaptiveAvgPool2d(6), nn.Flatten(),
        nn.Dropout(), nn.Linear(256 * 6 * 6, 4096), nn.ReLU(),
        nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(),
        nn.Linear(4096, k), nn.Softmax(1),
    )  # fmt: skip


def vgg(plan: str) -> Callable[[int, int, int], nn.Module]:
    """The paper's table 1, a letter for a layer: a to d for 64 to 512 channels, M for pooling."""

    def build(c: int, k: int, n: int) -> nn.Module:
        layers: list[nn.Module] = []
        for letter in plan:
            if letter == "M":
                layers.append(nn.MaxPool2d(2))
                continue
            width = {"a": 64, "b": 128, "c": 256, "d": 512}[letter]
            layers += [nn.Conv2d(c, width, 3, padding=1), nn.ReLU()]
            c = width
        head = [
            nn.Linear(512 * 7 * 7, 4096),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(4096, 4096),
            nn.ReLU(),
            nn.Dropout(),
        ]
        return nn.Sequential(
            *layers, nn.AdaptiveAvgPool2d(7), nn.Flatten(), *head, nn.Linear(4096, k), nn.Softmax(1)
        )

    return build


class Plus(nn.Module):
    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return a + b


class Block(nn.Module):
    """A residual block: two 3x3 convolutions, or 1x1, 3x3 and 1x1 with four times the channels at its end."""

    def __init__(self, c: int, width: int, stride: int, bottleneck: bool) -> None:
        super().__init__()
        out = 4 * width if bottleneck else width
        if bottleneck:
            self.main = nn.Sequential(
                nn.Conv2d(c, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
                nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
                nn.Conv2d(width, out, 1, bias=False), nn.BatchNorm2d(out),
            )  # fmt: skip
        else:
            self.main = nn.Sequential(
                nn.Conv2d(c, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
                nn.Conv2d(width, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out),
            )  # fmt: skip
        self.shortcut = None
        if stride != 1 or c != out:
            self.shortcut = nn.Sequential(nn.Conv2d(c, out, 1, stride, bias=False), nn.BatchNorm2d(out))
        self.plus, self.relu = Plus(), nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        main = self.main(x)
        return self.relu(self.plus(main, x if self.shortcut is None else self.shortcut(x)))


def resnet(counts: tuple[int, int, int, int], bottleneck: bool) -> Callable[[int, int, int], nn.Module]:
    def build(c: int, k: int, n: int) -> nn.Module:
        layers: list[nn.Module] = [
            nn.Conv2d(c, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)
        ]  # fmt: skip
        c = 64
        for width, count, stride in zip((64, 128, 256, 512), counts, (1, 2, 2, 2), strict=True):
            for index in range(count):
                layers.append(Block(c, width, stride if index == 0 else 1, bottleneck))
                c = 4 * width if bottleneck else width
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(c, k), nn.Softmax(1))

    return build


# Each network at its own size and at another: height, width, channels, classes, flattened values.
Case = tuple[int, int, int, int, int]
PEERS: dict[str, tuple[Callable[[int, int, int], nn.Module], Case, Case]] = {
    "digits": (digits, (32, 32, 3, 10, 400), (40, 33, 1, 4, 7 * 5 * 16)),
    "simple": (simple, (64, 64, 3, 2, 4608), (80, 71, 1, 3, 16 * 14 * 32)),
    "handwritten": (handwritten, (28, 28, 1, 10, 1024), (36, 30, 3, 26, 6 * 4 * 64)),
    "lenet5": (lenet5, (32, 32, 1, 10, 400), (28, 28, 3, 2, 256)),
    "bench-lenet": (bench_lenet, (28, 28, 1, 10, 400), (32, 45, 3, 5, 6 * 9 * 16)),
    "mlp": (mlp, (28, 28, 1, 10, 784), (9, 11, 3, 2, 297)),
    "alexnet": (alexnet, (224, 224, 3, 1000, 0), (100, 130, 1, 10, 0)),
    "vgg11": (vgg("aMbMccMddMddM"), (224, 224, 3, 1000, 0), (64, 100, 1, 10, 0)),
    "vgg16": (vgg("aaMbbMcccMdddMdddM"), (224, 224, 3, 1000, 0), (64, 100, 1, 10, 0)),
    "vgg19": (vgg("aaMbbMccccMddddMddddM"), (224, 224, 3, 1000, 0), (64, 100, 1, 10, 0)),
    "resnet18": (resnet((2, 2, 2, 2), False), (224, 224, 3, 1000, 0), (65, 97, 1, 10, 0)),
    "resnet34": (resnet((3, 4, 6, 3), False), (224, 224, 3, 1000, 0), (65, 97, 1, 10, 0)),
    "resnet50": (resnet((3, 4, 6, 3), True), (224, 224, 3, 1000, 0), (65, 97, 1, 10, 0)),
}
KINDS = {
    "Conv2d": "conv", "MaxPool2d": "maxpool", "AvgPool2d": "avgpool", "AdaptiveAvgPool2d": "adaptiveavgpool",
    "ReLU": "relu", "Tanh": "tanh", "BatchNorm2d": "batchnorm", "Dropout": "dropout", "Flatten": "flatten",
    "Linear": "dense", "Softmax": "softmax", "Plus": "add",
}  # fmt: skip


@dataclass(frozen=True)
class Counted:
    """One layer as either side counts it; the shape channel first."""

    kind: str
    shape: Shape
    parameters: int
    mult_adds: int


@dataclass(frozen=True)
class Compared:
    """One network at one size. `differing` has every disagreement in words."""

    network: str
    against: str
    input: str
    layers: int
    parameters: int
    mult_adds: int
    differing: list[str]


@dataclass(frozen=True)
class Law:
    """One law of the layers' sizes on random cases."""

    law: str
    cases: int
    misfits: int
    differing: list[str]


def watch(module: nn.Module, layers: Mapping[nn.Module, str], shape: Shape) -> list[Counted]:
    """What torch counts in these layers, in the order in which they run."""
    found: list[Counted] = []
    with FlopCounterMode(display=False) as counter:

        def count(layer: nn.Module, _: object, output: torch.Tensor) -> None:
            flops = counter.get_total_flops() - 2 * sum(layer.mult_adds for layer in found)
            assert flops % 2 == 0
            parameters = sum(parameter.numel() for parameter in layer.parameters())
            found.append(Counted(layers[layer], tuple(output.shape[1:]), parameters, flops // 2))

        for layer in layers:
            layer.register_forward_hook(count)
        module(torch.empty(1, *shape, device="meta"))
    return found


def kind_of(layer: nn.Module) -> str:
    everywhere = isinstance(layer, nn.AdaptiveAvgPool2d) and layer.output_size == 1
    return "globalavgpool" if everywhere else KINDS[type(layer).__name__]


def ours(network: Network) -> list[Counted]:
    return [
        Counted(row.kind, network.shapes[row.name], row.parameters, row.mult_adds) for row in rows(network)
    ]


def differences(network: Network, theirs: list[Counted], parameters: int) -> list[str]:
    mine = ours(network)
    found = [f"{len(mine)} layers, torch has {len(theirs)}"] if len(mine) != len(theirs) else []
    found += [
        f"{node.name}: {a}, torch: {b}"
        for node, a, b in zip(network.nodes, mine, theirs, strict=False)
        if a != b
    ]
    total = totals(rows(network)).parameters
    return found + [f"{total} parameters in all, torch counts {parameters}"] * (total != parameters)


def compare(name: str, case: Case, make: Callable[[Network], nn.Module] | None = None) -> Compared:
    """A network of the zoo against the one written above, or against what the torch engine makes of it."""
    height, width, channels, classes, flat = case
    network = zoo.build(name, height, width, channels, classes)
    with torch.device("meta"):
        module = PEERS[name][0](channels, classes, flat) if make is None else make(network)
    if make is None:
        layers = {layer: kind_of(layer) for layer in module.modules() if not list(layer.children())}
    else:
        layers = {module.get_submodule(node.name): node.layer.word for node in network.nodes}
    theirs = watch(module.eval().to("meta"), layers, network.input_shape)
    counted = sum(parameter.numel() for parameter in module.parameters())
    sums = totals(rows(network))
    return Compared(
        network=name,
        against="torch.nn" if make is None else "torch engine",
        input=f"{height}x{width}x{channels}, {classes:,} classes",
        layers=len(theirs),
        parameters=sums.parameters,
        mult_adds=sums.mult_adds,
        differing=differences(network, theirs, counted),
    )


def law(title: str, cases: int, draw: Callable[[random.Random], tuple[str, Callable, Callable]]) -> Law:
    """`draw` gives a case in words, our answer and torch's; both answer or both refuse."""
    chance = random.Random(f"{SEED} {title}")
    differing, misfits = [], 0
    for _ in range(cases):
        words, mine, theirs = draw(chance)
        try:
            expected = theirs()
        except RuntimeError:
            expected = "does not fit"
            misfits += 1
        try:
            found = mine()
        except NetworkError:
            found = "does not fit"
        if found != expected:
            differing.append(f"{words}: {found}, torch: {expected}")
    return Law(title, cases, misfits, differing)


def shape_of(module: nn.Module, shape: Shape) -> Shape:
    return tuple(module(torch.empty(1, *shape, device="meta")).shape[1:])


def pair(chance: random.Random, low: int, high: int) -> tuple[int, int]:
    return chance.randint(low, high), chance.randint(low, high)


def convolution(chance: random.Random) -> tuple[str, Callable, Callable]:
    """Output shape, parameters and mult-adds for any kernel, stride, padding, dilation and groups."""
    groups = chance.choice((1, 2, 3))
    channels, filters = groups * chance.randint(1, 4), groups * chance.randint(1, 4)
    f, s, p, d = pair(chance, 1, 7), pair(chance, 1, 4), pair(chance, 0, 4), pair(chance, 1, 3)
    bias, shape = chance.random() < 0.5, (channels, *pair(chance, 1, 40))
    layer = Conv(filters, f, s, tuple((n, n) for n in p), d, groups, bias)
    module = nn.Conv2d(channels, filters, f, s, p, d, groups, bias, device="meta")

    def mine() -> tuple:
        out = layer.output_shape(shape)
        count = sum(prod(weight) for weight in layer.weight_shapes(shape).values())
        return out, count, 2 * layer.mult_adds(shape)

    def theirs() -> tuple:
        with FlopCounterMode(display=False) as counter:
            out = shape_of(module, shape)
        return out, sum(parameter.numel() for parameter in module.parameters()), counter.get_total_flops()

    return f"{layer} on {shape}", mine, theirs


def same(chance: random.Random) -> tuple[str, Callable, Callable]:
    f, d = pair(chance, 1, 7), pair(chance, 1, 3)
    shape = (2, *pair(chance, 1, 40))
    layer = Conv(3, f, (1, 1), "same", d)
    module = nn.Conv2d(2, 3, f, padding="same", dilation=d, device="meta")
    return f"{layer} on {shape}", lambda: layer.output_shape(shape), lambda: shape_of(module, shape)


def pooling(chance: random.Random) -> tuple[str, Callable, Callable]:
    f, s = pair(chance, 1, 7), pair(chance, 1, 4)
    p = chance.randint(0, f[0] // 2), chance.randint(0, f[1] // 2)  # torch takes no more
    shape = (2, *pair(chance, 1, 40))
    ours, torchs = chance.choice(((MaxPool, nn.MaxPool2d), (AvgPool, nn.AvgPool2d)))
    layer = ours(f, s, tuple((n, n) for n in p))
    return f"{layer} on {shape}", lambda: layer.output_shape(shape), lambda: shape_of(torchs(f, s, p), shape)


def adaptive(chance: random.Random) -> tuple[str, Callable, Callable]:
    """The windows themselves: torch's means of a row of squares must be the means of our spans."""
    n, m = pair(chance, 1, 40)
    row = [float(i * i) for i in range(n)]

    def mine() -> list[float]:
        spans = AdaptiveAvgPool((m,)).spans((1, n))[0]
        return [round(sum(row[start:end]) / (end - start), 6) for start, end in spans]

    def theirs() -> list[float]:
        means = nn.functional.adaptive_avg_pool1d(torch.tensor([row], dtype=torch.float64), m)[0]
        return [round(mean, 6) for mean in means.tolist()]

    return f"{n} to {m}", mine, theirs


def engine() -> Callable[[Network], nn.Module] | None:
    """The torch engine's module, where that engine is there."""
    if importlib.util.find_spec("pellucid.engines.torch") is None:
        return None
    return getattr(importlib.import_module("pellucid.engines.torch"), "NetworkModule", None)


def report(networks: Sequence[Compared], laws: Sequence[Law], versions: dict[str, str]) -> str:
    lines = [
        "# Shapes, parameters and mult-adds against PyTorch's own counting",
        "",
        ", ".join(f"{name} {version}" for name, version in versions.items()) + f"; seed {SEED}",
        "",
        "| network | against | input | layers | parameters | mult-adds | differing |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {row.network} | {row.against} | {row.input} | {row.layers} | {row.parameters:,} "
        f"| {row.mult_adds:,} | {len(row.differing)} |"
        for row in networks
    ]
    lines += ["", "| law | random cases | of them not fitting | differing |", "| --- | ---: | ---: | ---: |"]
    lines += [f"| {row.law} | {row.cases:,} | {row.misfits:,} | {len(row.differing)} |" for row in laws]
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--short", action="store_true", help="one size, fewer cases, nothing written")
    short = parser.parse_args(argv).short

    warnings.filterwarnings("ignore", message="Using padding='same'")  # it may copy its input: not on meta
    sizes = [(name, case) for name, (_, *cases) in PEERS.items() for case in (cases[:1] if short else cases)]
    # Without a peer above (`auto` has other layers for each size), only the engine's module can count along.
    alone = [
        (name, (entry.height, entry.width, entry.channels, entry.classes, 0))
        for name, entry in zoo.ZOO.items()
        if name not in PEERS
    ]
    networks = [compare(name, case) for name, case in sizes]
    make = engine()
    if make is not None:
        networks += [compare(name, case, make) for name, case in sizes + alone]
    many = 200 if short else 10_000
    laws = [
        law("convolution: shape, parameters, mult-adds", many, convolution),
        law("convolution with pad same, stride 1: shape", many, same),
        law("max and average pooling: shape", many, pooling),
        law("adaptive pooling: which places each window has", many, adaptive),
    ]
    versions = {
        "pellucid": pellucid.__version__,
        "torch": torch.__version__,
        "Python": platform.python_version(),
    }
    text = report(networks, laws, versions)
    print(text)
    if make is None:
        print("not checked: the torch engine's module, it isn't there")
    wrong = [f"{name}: nothing in torch to hold it against" for name, _ in alone if make is None]
    wrong += [
        f"{row.network}, {row.input}, {row.against}: {item}" for row in networks for item in row.differing
    ]
    wrong += [f"{row.law}: {item}" for row in laws for item in row.differing]
    if not short:
        RESULTS.mkdir(exist_ok=True)
        figures = {
            "seed": SEED,
            "versions": versions,
            "networks": [asdict(row) for row in networks],
            "laws": [asdict(row) for row in laws],
            "holds": not wrong,
        }
        (RESULTS / "shapes_and_counts.json").write_text(
            json.dumps(figures, indent=1) + "\n", encoding="utf-8"
        )
        (RESULTS / "shapes_and_counts.md").write_text(text, encoding="utf-8")
    print("\n".join(wrong[:40]) if wrong else "all agree")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
