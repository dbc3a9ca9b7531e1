"""Proof 17: the terms of a value come to the value that the runtime stored, for every node of every network.

200 values by chance of each node's result (all where there are fewer) of every network of the zoo at full size with
random weights, of the pretrained EfficientNet-Lite0, and of other tools' files: networks exported by both of PyTorch's
exporters, and the files in tests/data/foreign (Keras, tf2onnx, opset 9, MXNet- and Caffe2-like). The closing equation
has to hold for each: |sum - stored| <= 1e-6 x (sum of the absolute terms) for float32, equal for whole numbers.

That the equation can fail is shown, too: one weight turned round, two channels swapped, a kernel flipped, a window
moved by one, in the opened graph alone and not in the values recorded. Each time the equation must be seen not to
close.

    python proof/closing.py            writes proof/results/closing.json and .md
    python proof/closing.py --short    12 values a node of two networks of the zoo and the small files
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import _torch_networks
import numpy as np
from _mutations import MUTATIONS, Seen, try_all
from _openings import Tally, open_zoo, photograph, some
from _record import TOP, conclude, options, table
from onnx import TensorProto, helper

import pellucid
from pellucid.inside.number import Inside, closes_within
from pellucid.model.foreign import ForeignModel, Wishes
from pellucid.model.onnx_file import OnnxFile
from pellucid.model.opened import Opened, open_run
from pellucid.network import zoo

SEED = 0
FOREIGN = TOP / "tests" / "data" / "foreign"
SHORT_ZOO = ("digits", "lenet5")
# One of ours that is deep, one with groups, one with branches of other tools, and the smallest.
MUTATED = (
    "digits",
    "resnet18",
    "EfficientNet-Lite0, pretrained",
    "keras-residual.onnx",
    "torch script, moved",
)


def networks(short: bool, folder: Path) -> Iterator[tuple[str, str, Opened]]:
    """Where each network is from, its name, and the network opened on the photograph."""
    for name in SHORT_ZOO if short else zoo.names():
        yield "the zoo, random weights", name, open_zoo(name, folder)
    if not short:
        model = pellucid.zoo.pretrained("efficientnet-lite0")
        yield "the zoo, pretrained", "EfficientNet-Lite0, pretrained", model.opened(photograph())
    for path in sorted(FOREIGN.glob("*.onnx")):
        yield "tests/data/foreign", path.name, _foreign(path)
    for name in ("moved",) if short else _torch_networks.NETWORKS:
        for dynamo in (False, True):
            path = folder / "exported.onnx"
            _torch_networks.export(name, path, dynamo)
            exporter = "dynamo" if dynamo else "script"
            yield f"torch's {exporter} exporter", f"torch {exporter}, {name}", _foreign(path)


def _foreign(path: Path) -> Opened:
    return ForeignModel(OnnxFile.open(path), Wishes()).opened(photograph())


def averages(rng: np.random.Generator) -> list[tuple[int, float]]:
    """The worst of 64 global averages of so many positive values.

    onnxruntime adds them up in one float32 number, so that its own error grows with how many there are. Shown, not
    counted: no network above averages planes so large.
    """
    found = []
    for side in (7, 14, 28, 56, 112):
        taken = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 64, side, side])
        made = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 64, 1, 1])
        node = helper.make_node("GlobalAveragePool", ["x"], ["y"])
        model = helper.make_model(
            helper.make_graph([node], "average", [taken], [made]),
            opset_imports=[helper.make_opsetid("", 13)], ir_version=8,
        )  # fmt: skip
        x = rng.random((1, 64, side, side), np.float32)
        inside = Inside(open_run(OnnxFile(model.SerializeToString()), {"x": x}))
        found.append((side, max(closes_within(number) for number in some(inside, "y", 64, rng))))
    return found


def main(argv: Sequence[str]) -> int:
    """Run the proof; the exit status is 0 only if every value closes and every mutation is seen."""
    given = options(argv, __doc__)
    count = 12 if given.short else 200
    tally, rng = Tally(), np.random.default_rng(SEED)
    rows, mutations = [], []
    with tempfile.TemporaryDirectory() as folder:
        for source, name, opened in networks(given.short, Path(folder)):
            nodes, values, start = tally.nodes, tally.values, time.monotonic()
            worst = tally.check(name, opened, count, rng)
            rows.append(
                {
                    "network": name, "from": source, "nodes": tally.nodes - nodes,
                    "values": tally.values - values, "worst": _plain(worst), "lazy": opened.lazy,
                }
            )  # fmt: skip
            if name in MUTATED:
                mutations += try_all(name, opened, 5 if given.short else 20, rng)
            if not given.short:
                print(f"{name}: {worst:.3f} in {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    wrong = tally.wrong[:40]
    wrong += [f"{seen.text}: not seen at any of {seen.tried} values" for seen in mutations if not seen.seen]
    wrong += [
        f"{kind} was tried nowhere" for kind in MUTATIONS if all(kind != seen.kind for seen in mutations)
    ]
    figures = {
        "n": tally.values, "seed": SEED, "nodes": tally.nodes, "values_a_node": count, "networks": rows,
        "operations": {
            kind: {"values": tally.counts[kind], "worst": _plain(worst), "where": where}
            for kind, (worst, where) in sorted(tally.worst.items())
        },
        "unknown": tally.unknown,
        "mutations": [vars(seen) for seen in mutations],
    }  # fmt: skip
    body = _text(tally, rows, mutations)
    large = averages(rng)
    figures["global_averages"] = [{"side": side, "worst": worst} for side, worst in large]
    body += "\n\nBeside these, what onnxruntime's global average of positive values comes to: " + ", ".join(
        f"{side} x {side} {worst:.2f}" for side, worst in large
    )
    body += ". Above 1 the tool says that the equation doesn't close."
    return conclude("closing", "Every value closes to what the runtime stored", given, figures, body, wrong)


def _plain(number: float) -> float | str:
    return number if np.isfinite(number) else "infinite"


def _text(tally: Tally, rows: list[dict[str, object]], mutations: list[Seen]) -> str:
    top, where = max(tally.worst.values(), key=lambda each: each[0])
    body = (
        f"**{tally.values:,} values** of {tally.nodes:,} nodes in {len(rows)} networks, seed {SEED}. Worst: "
        f"**{top:.3f}** of what is allowed (1: it just closes), {where}.\n\n"
    )
    titles = ["network", "from", "nodes:", "values:", "worst:"]
    body += table(titles, [[_shown(row[title.rstrip(":")]) for title in titles] for row in rows])
    body += "\n\n" + table(
        ["operation", "values:", "worst:", "where"],
        [
            (kind, f"{tally.counts[kind]:,}", f"{worst:.3f}", said)
            for kind, (worst, said) in sorted(tally.worst.items())
        ],
    )
    unknown = ", ".join(f"{name} ({reason})" for name, reason in tally.unknown.items())
    body += f"\n\nNot opened: {unknown or 'none'}.\n\nCorrupted, and seen not to close:\n\n"
    kinds = []
    for kind in MUTATIONS:
        of_kind = [seen for seen in mutations if seen.kind == kind]
        tried, seen = sum(each.tried for each in of_kind), sum(each.seen for each in of_kind)
        kinds.append((kind, len(of_kind), sum(each.seen > 0 for each in of_kind), f"{seen:,} of {tried:,}"))
    return body + table(["corruption", "nodes:", "seen:", "of single values:"], kinds)


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
