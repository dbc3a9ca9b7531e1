"""Proof 20: which pixels reach a value, and which values a pixel reaches, against poking every pixel.

Random graphs with branches, residual additions, concatenations, poolings, strides, dilations, groups and transposed
convolutions (see _random_graphs.py). Each exists twice: as a network has it, which is opened and asked for receptive
fields, and plain, with positive weights, activations as identity and maxima as averages, which onnxruntime runs once
for every pixel with that pixel alone not 0. Exactly those values that are then not 0 must be named, in both directions.

    python proof/fields.py            300 graphs; writes proof/results/fields.json and .md
    python proof/fields.py --short    12 graphs
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence

import numpy as np
import onnxruntime
from _random_graphs import INPUT, STEPS, Graph, quiet, random_graph
from _record import conclude, options, table
from numpy.typing import NDArray

from pellucid.inside.field import reached_by, receptive_field
from pellucid.inside.number import Inside
from pellucid.model.onnx_file import OnnxFile
from pellucid.model.opened import open_run

GRAPHS, SHORT = 300, 12
PLACES = 60  # values and pixels asked for in each graph


def poked(graph: Graph) -> dict[str, NDArray[np.bool_]]:
    """For each tensor [values of the input, *the tensor's shape]: whether that value of the input alone reaches it."""
    shape = graph.shapes[INPUT]
    count = int(np.prod(shape))
    model = graph.model(graph.plain, "N").SerializeToString()
    session = onnxruntime.InferenceSession(model, quiet(), ["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    values = session.run(names, {INPUT: np.eye(count, dtype=np.float32).reshape(count, *shape)})
    found = {name: np.asarray(value) != 0 for name, value in zip(names, values, strict=True)}
    return found | {INPUT: np.eye(count, dtype=bool).reshape(count, *shape)}


def check(graph: Graph, random: np.random.Generator) -> tuple[int, int, list[str]]:
    """How many receptive fields and how many pixels' reaches were held against poking, and what is wrong."""
    file = OnnxFile(graph.model(graph.shown, 1).SerializeToString())
    shape = graph.shapes[INPUT]
    picture = np.random.default_rng(0).uniform(-1, 1, (1, *shape)).astype(np.float32)
    inside = Inside(open_run(file, {INPUT: picture}, threads=1))
    truth, wrong = poked(graph), []
    tensors = [name for name in graph.shapes if name != INPUT]
    if inside.opened.unknown:
        wrong.append(f"not opened: {dict(inside.opened.unknown)}")
    for k in range(PLACES):
        tensor = tensors[-1] if k < PLACES // 2 else tensors[k % len(tensors)]
        own = truth[tensor].shape[1:]
        index = tuple(int(n) for n in np.unravel_index(random.integers(np.prod(own)), own))
        found = receptive_field(inside, inside.places.at(tensor, (0, *index)))
        mask = found.masks.get(INPUT, np.zeros((1, *shape), bool))[0]
        wanted = truth[tensor][:, *index].reshape(shape)
        if not found.exact or (mask != wanted).any():
            wrong.append(f"{tensor}{list(index)}: {mask.sum()} values of the input, by poking {wanted.sum()}")
    pixels = random.permutation(int(np.prod(shape)))[:PLACES]
    for pixel in pixels:
        index = tuple(int(n) for n in np.unravel_index(pixel, shape))
        found = reached_by(inside, inside.places.at(INPUT, (0, *index)))
        for tensor in tensors:
            wanted = truth[tensor][pixel]
            mask = found.masks.get(tensor, np.zeros((1, *wanted.shape), bool))[0]
            if not found.exact or (mask != wanted).any():
                wrong.append(
                    f"{INPUT}{list(index)}: {mask.sum()} values of {tensor}, by poking {wanted.sum()}"
                )
    return PLACES, len(pixels), wrong


def main(argv: Sequence[str]) -> int:
    """Run the proof; the exit status is 0 only if every mask is exact."""
    given = options(argv, __doc__)
    count = SHORT if given.short else GRAPHS
    kinds: Counter[str] = Counter()
    fields = reaches = nodes = branched = 0
    wrong = []
    for seed in range(count):
        graph = random_graph(seed)
        kinds.update(graph.kinds)
        nodes += len(graph.shown)
        used = Counter(name for node in graph.shown for name in node.input)
        branched += any(n > 1 for name, n in used.items() if name in graph.shapes)
        one, other, found = check(graph, np.random.default_rng([21, seed]))
        fields, reaches = fields + one, reaches + other
        wrong += [f"graph {seed} ({', '.join(graph.kinds)}): {line}" for line in found[:2]]
    if not given.short:
        wrong += [f"no graph has a {kind}" for kind in STEPS if not kinds[kind]]
    body = (
        f"**{count} graphs** of {nodes:,} nodes, {branched} of them with branches: **{fields:,} receptive fields** and "
        f"what **{reaches:,} values** of the input reach in every tensor, mask by mask. {len(wrong)} differ.\n\n"
    )
    body += table(["step", "times:"], [(kind, f"{n:,}") for kind, n in kinds.most_common()])
    figures = {
        "n": count, "seed": "0 to n - 1", "nodes": nodes, "branched": branched, "receptive_fields": fields,
        "reaches": reaches, "steps": dict(kinds.most_common()),
    }  # fmt: skip
    return conclude("fields", "Receptive fields against poking every pixel", given, figures, body, wrong[:40])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
