"""Proof 5 of the native engine: its gradients are the true ones, and threads change no bit.

On networks of every kind of layer (each behind another layer, and as the first), and on 200 random ones of one to six
layers with branches, over pictures and signals, for every set of instructions that this processor has:
- the gradient of a batch of 1 to 40 pictures against PyTorch in float64 (batch normalisation by pieces of up to 16
  pictures, as the engine has it): within 1e-5 of the largest value. Where that is missed, the true gradient must move
  at least half as far when every layer's values are moved by float32's rounding (3e-7 of themselves, 16 draws: a kink,
  or batch normalisation of values that hardly differ); how many those are is told;
- logits in inference against onnxruntime: within 1e-5 of the largest;
- the state after 3 steps by 1, 2 and 3 threads: the same bits.
How far weights are apart between sets of instructions is measured, there and for LeNet after an epoch of MNIST.

    python proof/native_gradients.py            writes proof/results/native_gradients.json and .md
                                                (native_gradients_avx512: kept from a processor with AVX-512)
    python proof/native_gradients.py --short    some kinds, 12 random networks, LeNet on 1,024 pictures
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime
import torch
from _native_networks import of_every_kind, random_network, with_weights
from _record import conclude, options, table
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch.nn import functional as F

from pellucid.engines.contract import Batches, Recipe
from pellucid.engines.initial import initial_weights
from pellucid.engines.native import NativeTrainer, open_trainer
from pellucid.engines.native.instructions import VARIABLE
from pellucid.engines.torch import NetworkModule
from pellucid.engines.torch.layers import BatchNormalisation
from pellucid.images.builtin import mnist
from pellucid.model.onnx_layers import add_layer
from pellucid.model.preprocessing import Nodes
from pellucid.native import native
from pellucid.network import INPUT, Network, zoo

SEED = 0
RANDOM = 200
WITHIN = 1e-5
ROUNDING, ROUNDINGS, ALLOWED = (
    3e-7,
    16,
    2,
)  # how values are moved, how often, and what a movement is multiplied by
THREADS = (1, 2, 3)
STEPS, RATE = 3, 0.05
Arrays = dict[str, NDArray[Any]]


@dataclass
class Case:
    """A network with weights, and a batch: pixels [n, *spatial, channels], labels [n], and how pixels become values."""

    network: Network
    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    scale: NDArray[np.float32]
    shift: NDArray[np.float32]
    name: str

    def open(self, threads: int = 2) -> NativeTrainer:
        recipe = Recipe(batch_size=len(self.pixels), optimiser="sgd", momentum=0.9, threads=threads)
        return open_trainer(self.network, self.pixels, self.labels, self.scale, self.shift, recipe)

    def inputs(self) -> NDArray[np.float64]:
        """What goes in, [n, channels, *spatial]."""
        return np.moveaxis(self.pixels * self.scale.astype(np.float64) + self.shift, -1, 1)


def case_of(network: Network, random: np.random.Generator, name: str) -> Case:
    channels, *spatial = network.input_shape
    count = int(random.choice([1, 2, 7, 16, 17, 20, 33, 40]))
    return Case(
        with_weights(network, random),
        random.integers(0, 256, (count, *spatial, channels), dtype=np.uint8),
        random.integers(0, network.output_shape[0], count),
        np.full(channels, 1 / 64, np.float32), np.linspace(-2, -1.5, channels, dtype=np.float32),
        f"{name}: {network.text} on {' x '.join(str(n) for n in network.input_shape)}, {count} pictures",
    )  # fmt: skip


def cases(short: bool) -> Iterator[Case]:
    kinds = of_every_kind()
    for network in kinds[::8] if short else kinds:
        yield case_of(network, np.random.default_rng([SEED, 1]), "kind")
    for number in range(12 if short else RANDOM):
        random = np.random.default_rng([SEED, 2, number])
        yield case_of(random_network(random), random, f"random {number}")


def gradients_of(case: Case, piece: int, rounded: int | None = None) -> Arrays:
    """Of the mean loss, in float64, by name. With the number of a draw every value is moved by its rounding."""
    inputs, module = case.inputs(), NetworkModule(case.network).double().train()
    if rounded is not None:
        noise = torch.Generator().manual_seed(rounded)

        def move(values: torch.Tensor) -> torch.Tensor:
            return values * (1 + ROUNDING * (2 * torch.rand(values.shape, generator=noise).double() - 1))

        inputs = move(torch.from_numpy(inputs)).numpy()
        for layer in module.modules():
            if not list(layer.children()):
                layer.register_forward_hook(lambda _, given, values: move(values))  # type: ignore[arg-type]
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.copy_(move(parameter))
    x, y, n = torch.from_numpy(inputs.copy()), torch.from_numpy(case.labels), len(case.labels)
    norms = [m for m in module.modules() if isinstance(m, BatchNormalisation)]
    running = [(m.running_mean.clone(), m.running_var.clone()) for m in norms]
    parts = -(-n // piece)
    for i in range(parts):
        part = slice(n * i // parts, n * (i + 1) // parts)
        for norm, (mean, variance) in zip(norms, running, strict=True):
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(variance)
        (F.cross_entropy(module.logits(x[part]), y[part], reduction="sum") / n).backward()
    return {name: p.grad.numpy() for name, p in module.named_parameters() if p.grad is not None}


def logits_of(case: Case) -> NDArray[np.float32]:
    """By onnxruntime."""
    network, nodes = case.network, Nodes()
    for node in network.nodes:
        add_layer(nodes, node.layer, node.name, list(node.inputs), node.name, network.inputs_of(node))
    weights = [numpy_helper.from_array(array, name) for name, array in network.weights.items()]
    first, last = (
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", *shape])]
        for name, shape in ((INPUT, network.input_shape), (network.output, network.output_shape))
    )
    graph = helper.make_graph(nodes.nodes, "one", first, last, nodes.constants + weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {INPUT: case.inputs().astype(np.float32)})[0])


def apart(one: Arrays, other: Arrays) -> float:
    """The largest difference of any value."""
    return max(float(np.abs(one[name] - other[name]).max(initial=0)) for name in other)


def largest(arrays: Arrays) -> float:
    """The largest value's size."""
    return max(float(np.abs(array).max(initial=0)) for array in arrays.values())


def digest(arrays: Arrays) -> str:
    """Of every bit of a state."""
    found = hashlib.sha256()
    for name in sorted(arrays):
        found.update(f"{name} {arrays[name].dtype} {arrays[name].shape}\n".encode() + arrays[name].tobytes())
    return found.hexdigest()


def measured(case: Case, sets: Sequence[str]) -> dict[str, Any]:
    """All figures of one network."""
    rows = np.arange(len(case.pixels))
    step = Batches(rows[None], np.full(1, RATE, np.float32))
    expected, logits = None, logits_of(case)
    layers = [node.layer.word for node in case.network.nodes]
    found: dict[str, Any] = {
        "name": case.name,
        "layers": layers,
        "movement": 0.0,
        "gradient": {},
        "forward": {},
        "threads": {},
    }
    after: dict[str, Arrays] = {}
    for name in sets:
        os.environ[VARIABLE] = name
        trainer = case.open()
        difference = float(np.abs(trainer.logits(rows) - logits).max())
        found["forward"][name] = difference / max(float(np.abs(logits).max()), 1)
        trainer.steps(step, 0)
        if expected is None:
            expected = gradients_of(case, 16 * trainer.plan.piece)
        # After one step the momentum is the gradient itself, which no weight's rounding is in.
        state, kind = trainer.state(), "optimiser/momentum_buffer/"
        gradients = {weight: state[kind + weight].astype(np.float64) for weight in expected}
        size = largest(expected)
        found["gradient"][name] = apart(gradients, expected) / size
        if found["gradient"][name] > WITHIN and not found["movement"]:
            found["movement"] = max(
                apart(gradients_of(case, 16 * trainer.plan.piece, draw), expected) / size
                for draw in range(ROUNDINGS)
            )
        states = []
        for threads in THREADS:
            trainer = case.open(threads)
            trainer.steps(Batches(np.tile(rows, (STEPS, 1)), np.full(STEPS, RATE, np.float32)), 0)
            states.append(trainer.state())
        after[name] = {n: w.astype(np.float64) for n, w in trainer.weights().items()}
        found["threads"][name] = len({digest(state) for state in states})
    travelled = max(apart(after[sets[-1]], dict(case.network.weights)), 1e-30)
    found["sets apart"] = {name: apart(after[name], after[sets[-1]]) / travelled for name in sets[:-1]}
    return found


def lenet(sets: Sequence[str], short: bool) -> dict[str, Any]:
    """LeNet's weights after an epoch of MNIST by each set: how far apart, and how many answers differ."""
    source = mnist()
    count = 1024 if short else 12_000
    pixels = np.stack([source.read(i) for i in range(count)])
    labels = np.asarray(source.labels[:count], np.int64)
    network = zoo.build("bench-lenet", 28, 28, 1, 10)
    network = network.with_weights(initial_weights(network, SEED))
    scale, shift = np.full(1, 1 / 64, np.float32), np.full(1, -2, np.float32)
    rows = np.random.default_rng(SEED).permutation(count)[: count // 128 * 128].reshape(-1, 128)
    weights, answers = {}, {}
    for name in sets:
        os.environ[VARIABLE] = name
        trainer = open_trainer(network, pixels, labels, scale, shift, Recipe(batch_size=128, threads=2))
        trainer.steps(Batches(rows, np.full(len(rows), 2e-3, np.float32)), 0)
        weights[name] = trainer.weights()
        answers[name] = trainer.logits(np.arange(count)).argmax(1)
    best = sets[-1]
    return {
        "pictures": count, "steps": len(rows), "accuracy": float(np.mean(answers[best] == labels)),
        "travelled": apart(weights[best], dict(network.weights)),
        "apart": {name: apart(weights[name], weights[best]) for name in sets[:-1]},
        "other answers": {name: int((answers[name] != answers[best]).sum()) for name in sets[:-1]},
    }  # fmt: skip


def main(argv: Sequence[str]) -> int:
    given = options(argv, __doc__)
    if native is None:
        raise SystemExit("pellucid's compiled part is not built here: there is nothing to prove")
    sets, before = native.train_instructions(), os.environ.get(VARIABLE)
    torch.set_num_threads(1)
    try:
        found = [measured(case, sets) for case in cases(given.short)]
        trained = lenet(sets, given.short)
    finally:
        os.environ.pop(VARIABLE, None)
        if before is not None:
            os.environ[VARIABLE] = before
    kinds = sum(row["name"].startswith("kind") for row in found)
    wrong, moved = [], 0
    for row in found:
        for name in sets:
            if row["gradient"][name] > WITHIN:
                moved += name == sets[-1]
            if row["gradient"][name] > max(WITHIN, ALLOWED * row["movement"]):
                wrong.append(
                    f"{name}: the gradient is off by {row['gradient'][name]:.1e} of the largest (rounding moves it by "
                    f"{row['movement']:.1e}): {row['name']}"
                )
            if row["forward"][name] > WITHIN:
                wrong.append(f"{name}: a logit is off by {row['forward'][name]:.1e}: {row['name']}")
            if row["threads"][name] != 1:
                wrong.append(
                    f"{name}: {row['threads'][name]} results of {len(THREADS)} thread counts: {row['name']}"
                )
    best = sets[-1]
    rows = []
    for name in sets:
        gradient = [row["gradient"][name] for row in found]
        sure = max(g for g in gradient if g <= WITHIN)
        rows.append((
            name, f"{np.median(gradient):.1e}", f"{sure:.1e}", sum(g > WITHIN for g in gradient),
            f"{max(row['forward'][name] for row in found):.1e}", sum(row["threads"][name] == 1 for row in found),
            "" if name == best else f"{np.median([row['sets apart'][name] for row in found]):.1e}",
            "" if name == best else f"{max(row['sets apart'][name] for row in found):.1e}",
        ))  # fmt: skip
    body = table(
        ["instructions", "gradient, median:", f"worst within {WITHIN:g}:", "beyond it:", "logits, worst:",
         f"same bits by {'/'.join(str(n) for n in THREADS)} threads:", f"{STEPS} steps apart from {best}, median:",
         "worst:"],
        rows,
    )  # fmt: skip
    unsure = [row for row in found if row["movement"]]
    body += (
        f"\n\n{kinds} networks of each kind of layer and {len(found) - kinds} random ones, seed {SEED}. Gradients are "
        "shares of the network's largest, logits of the largest logit or 1, steps of the largest way that a weight "
        f"went. Beyond {WITHIN:g}: {len(unsure) or 'none'}"
    )
    moved = [row["movement"] for row in unsure]
    body += (
        f", whose true gradient moves by {min(moved):.1e} to {max(moved):.1e} when values are rounded otherwise."
        if moved
        else "."
    )
    body += (
        f"\n\nbench-lenet after {trained['steps']} steps of Adam over {trained['pictures']:,} pictures of MNIST "
        f"({trained['accuracy']:.1%} of them right, a weight went up to {trained['travelled']:.2g}): "
        + "; ".join(
            f"{name} and {best} are up to {trained['apart'][name]:.1e} apart, {trained['other answers'][name]} answers "
            "differ" for name in sets[:-1]
        )
        + ("." if sets[1:] else "this processor has one set of instructions alone.")
    )  # fmt: skip
    layers = Counter(word for row in found for word in row.pop("layers"))
    worst = sorted(found, key=lambda row: -max(row["gradient"].values()))[:20]
    figures = {"seed": SEED, "n": len(found), "instructions": sets, "layers": dict(layers.most_common()),
               "worst": worst, "bench-lenet": trained}  # fmt: skip
    return conclude("native_gradients", "The native engine's gradients", given, figures, body, wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
