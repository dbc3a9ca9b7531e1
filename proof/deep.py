"""Proof 27: what layers respond to: every patch's value, its exact field, and that no stronger place was missed.

For each patch of each channel: the picture is run again through a bare onnxruntime session with the layer as an output
more, and the value at the patch's place held against the patch's; everything outside its field in the picture is
replaced by noise, and the value must keep its bits (in our session) and its number (in the bare one); everything inside
is replaced, and it must change. And the strongest 9 must be those of a search over all pictures and all places. At full
size: EfficientNet-Lite0 at three depths over the photographs of scikit-image and scikit-learn and their tiles.

    python proof/deep.py            writes proof/results/deep.json and .md
    python proof/deep.py --short    a small network and pictures of noise
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime
from _record import conclude, options, table
from _tiles import tiles
from numpy.typing import NDArray

from pellucid.inside.at_hand import at_hand
from pellucid.inside.number import Inside
from pellucid.inside.patches import Patch, Patches, strongest_patches
from pellucid.model import Card, ModelFile, Preprocessing
from pellucid.model.responses import Responses
from pellucid.model.write import model_bytes
from pellucid.network import Network

SEED = 27
CLOSE = 1e-4  # of the layer's largest value: a bare session fuses normalisation into convolutions
TEXT = (
    "conv 6 3x3 stride 2 pad same, batchnorm, relu6, conv 6 3x3 pad same dilation 2, maxpool 2, "
    "conv 20 3x3 pad same groups 2, batchnorm, flatten, dense 5, softmax"
)
Pixels = NDArray[np.uint8]
Run = Callable[[Pixels], NDArray[np.float32]]


@dataclass
class Count:
    """What was held against what, of one layer."""

    patches: int = 0
    worst: float = 0.0
    filled: int = 0


def small_model() -> ModelFile:
    """Random weights; strides, dilation, groups, padding, and a crop before them."""
    network = Network.from_text(TEXT, (3, 24, 30))
    rng = np.random.default_rng(SEED)
    shapes = network.parameter_shapes | network.state_shapes
    weights = {
        name: (np.abs if name.endswith("running_var") else np.asarray)(rng.normal(0, 0.4, shape)).astype(
            np.float32
        )
        for name, shape in shapes.items()
    }
    card = Card(
        classes=tuple("abcde"),
        network=network.text,
        preprocessing=Preprocessing(
            height=24, width=30, channels=3, fit="crop", scale=(1 / 64,) * 3, shift=(-2,) * 3
        ),
    )
    return ModelFile(model_bytes(network.with_weights(weights), card))


def bare(model: ModelFile, tensor: str) -> Run:
    """onnxruntime alone, with one output more."""
    proto = onnx.load_model_from_string(bytes(model.data))
    proto.graph.output.append(onnx.ValueInfoProto(name=tensor))
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    return lambda pixels: np.asarray(session.run([tensor], {"image": pixels[None]})[0])


def check_patch(patch: Patch, picture: Pixels, run: Run, ours: Run, size: float, count: Count) -> list[str]:
    """What is wrong with a patch's value and field."""
    place, wrong = (0, patch.channel, *patch.place), []
    name = f"channel {patch.channel}, {patch.picture}, {patch.place}"
    again = float(run(picture)[place])
    count.patches += 1
    count.worst = max(count.worst, abs(again - patch.value) / size)
    if abs(again - patch.value) > CLOSE * size:
        wrong.append(f"{name}: {patch.value} in the patch, {again} by onnxruntime alone")
    rng = np.random.default_rng([SEED, 1 + patch.channel, 1 + patch.number])
    noise = rng.integers(0, 256, picture.shape).astype(np.uint8)
    (top, bottom), (left, right) = patch.window.own_rows, patch.window.own_columns
    field = slice(top, bottom + 1), slice(left, right + 1)
    outside, within = noise.copy(), picture.copy()
    outside[field], within[field] = picture[field], noise[field]
    if (outside != picture).any():
        count.filled += 1
    if float(ours(outside)[place]) != patch.value:
        wrong.append(f"{name}: noise outside of its field changes it")
    if abs(float(run(outside)[place]) - again) > CLOSE * size:
        wrong.append(f"{name}: noise outside of its field changes it in a bare session")
    if float(ours(within)[place]) == patch.value:
        wrong.append(f"{name}: noise inside of its field doesn't change it")
    return wrong


def check_search(found: Patches, maps: dict[int, list[tuple[float, int]]]) -> list[str]:
    """The strongest of each channel against all (largest value, picture) by channel; of equals the first."""
    wrong = []
    for channel, row in zip(found.channels, found.rows, strict=True):
        best = sorted(maps[channel], key=lambda each: (-each[0], each[1]))[: len(row)]
        if [(patch.value, patch.number) for patch in row] != best:
            wrong.append(f"channel {channel}: {[(p.value, p.number) for p in row]}, by search {best}")
    return wrong


def main(argv: Sequence[str]) -> int:
    """Run the proof; the exit status is 0 only if every patch holds."""
    given = options(argv, __doc__)
    if given.short:
        model, layers, most = small_model(), ("norm1", "pool1", "norm2", "dense1"), 16
        rng = np.random.default_rng(SEED)
        named = [(f"noise {n}", rng.integers(0, 256, (40, 44, 3)).astype(np.uint8)) for n in range(15)]
    else:
        import pellucid

        model, layers, most = pellucid.zoo.pretrained("efficientnet-lite0"), ("norm1", "norm17", "norm49"), 16
        named = [(name, np.ascontiguousarray(pixels)) for name, pixels in tiles()]
    pictures = [pixels for _, pixels in named]
    rows, wrong, figures = [], [], {}
    for layer in layers:
        found = strongest_patches(model, at_hand(model, pictures), layer, most=most)
        tensor = Inside(model.opened(pictures[0])).places.tensor(layer)
        run, responses = bare(model, tensor), Responses(model, [tensor])

        def ours(
            pixels: Pixels, responses: Responses = responses, tensor: str = tensor
        ) -> NDArray[np.float32]:
            return responses.of(pixels)[tensor]

        maps: dict[int, list[tuple[float, int]]] = {channel: [] for channel in found.channels}
        size = 0.0
        for n, pixels in enumerate(pictures):
            values = ours(pixels)
            size = max(size, float(np.abs(values).max()))
            for channel in found.channels:
                maps[channel].append((float(values[0, channel].max()), n))
        wrong += [f"{layer}, {line}" for line in check_search(found, maps)]
        count = Count()
        for patch in (patch for row in found.rows for patch in row):
            wrong += [
                f"{layer}, {line}"
                for line in check_patch(patch, pictures[patch.number], run, ours, size, count)
            ]
        height, width = found.field
        rows.append(
            (
                layer,
                f"{height} x {width}",
                len(found.channels),
                count.patches,
                count.filled,
                f"{count.worst:.1e}",
            )
        )
        figures[layer] = {
            "field": [height, width], "channels": list(found.channels), "patches": count.patches,
            "with_an_outside": count.filled, "worst": count.worst,
        }  # fmt: skip
    body = table(
        ("layer", "field:", "channels:", "patches:", "with an outside:", "farthest from a bare session:"),
        rows,
    )
    body = f"{len(pictures)} pictures, seed {SEED}. The last column is a share of the layer's largest value.\n\n{body}"
    facts = {"n": sum(row[3] for row in rows), "seed": SEED, "pictures": len(pictures), "layers": figures}
    return conclude("deep", "What layers respond to", given, facts, body, wrong[:40])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
