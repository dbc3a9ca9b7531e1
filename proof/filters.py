"""Proof 24: filters give SciPy's numbers, over pictures and as networks, for random kernels, paddings and strides.

Random pictures (uint8, or float32 from 0 to 1) of 1 to 48 pixels a side and 1 or 3 channels; random kernels of 1 to 9
a side, some to 31; stride and dilation 1 to 3 on each axis by itself; padding valid, same or other numbers, with zeros,
mirrored or repeated; flipped or not; each channel by itself or a volume. Every case goes three ways: `filters.apply`
(compiled), the same in NumPy alone, and the filter's text as a Network through the layer writers and onnxruntime. The
referee is scipy.ndimage.correlate or convolve in float64 for `same`, at the places that the stride leaves, and
scipy.signal.correlate2d on a picture padded by np.pad for the rest; dilation is a kernel with zeros between.

Each must be within 1e-5 of the referee, as a share of the sum of its absolute terms; where the picture is scaled to 1
and the kernel's absolute numbers, over all channels of a volume, sum to at most 16 (as those of edge-8 do), within 1e-5
absolutely, too.

    python proof/filters.py            6,000 cases; writes proof/results/filters.json and .md
    python proof/filters.py --short    300 cases
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnxruntime
from _record import conclude, options, table
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from scipy import ndimage, signal

from pellucid.errors import NetworkError
from pellucid.filters import KERNELS, Filter, apply, network_of
from pellucid.filters.applying import plain
from pellucid.model.onnx_layers import add_layer
from pellucid.model.preprocessing import Nodes
from pellucid.native import native
from pellucid.network import INPUT, Network

CASES, SHORT, SEED = 6_000, 300, 24
BOUND = 1e-5
LARGEST_SUM = 16
MODES = {"zero": ("constant", "constant"), "reflect": ("mirror", "reflect"), "replicate": ("nearest", "edge")}


@dataclass(frozen=True)
class Case:
    """A picture [h, w, c] and what a filter text says of it, in the referee's terms."""

    text: str
    pixels: NDArray
    kernel: NDArray[np.float64]  # [1 or c, height, width]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: str | tuple[tuple[int, int], tuple[int, int]]
    border: str
    flip: bool
    volume: bool


def draw_case(random: np.random.Generator) -> Case:
    """Any case; it may be one that doesn't fit."""
    channels = int(random.choice([1, 3]))
    height, width = (int(n) for n in random.integers(1, 49, 2))
    largest = 31 if random.random() < 0.03 else 9
    high, wide = (int(n) for n in random.integers(1, largest + 1, 2))
    volume = bool(random.integers(2))
    padding = str(random.choice(["same", "same", "valid", "other"]))
    pads = tuple((int(a), int(b)) for a, b in random.integers(0, 5, (2, 2)))
    if padding == "same":
        high, wide = high | 1, wide | 1
    whole = bool(random.integers(2))
    shape = (height, width, channels)
    pixels = random.integers(0, 256, shape, np.uint8) if whole else random.random(shape, np.float32)
    if random.random() < 0.1 and padding != "other":
        name = str(random.choice(list(KERNELS)))
        words, kernel = [name], KERNELS[name].array[None]
    else:
        planes = channels if volume and random.random() < 0.5 else 1
        kernel = random.normal(size=(planes, high, wide))
        kernel *= random.uniform(0.1, LARGEST_SUM) / (
            np.abs(kernel).sum() * (channels if volume and planes == 1 else 1)
        )
        numbers = " | ".join(
            "; ".join(" ".join(map(repr, row)) for row in plane) for plane in kernel.tolist()
        )
        words = [f"[{numbers}]"]
    volume = volume or len(kernel) > 1
    stride, dilation = (tuple(int(n) for n in random.integers(1, 4, 2)) for _ in range(2))
    border, flip = str(random.choice(list(MODES))), bool(random.integers(2))
    words += [f"stride {stride[0]}x{stride[1]}", f"dilation {dilation[0]}x{dilation[1]}", f"border {border}"]
    words += ["flip"] * flip + ["volume"] * volume
    words += [f"pad {'x'.join(f'{a}:{b}' for a, b in pads)}" if padding == "other" else f"pad {padding}"]
    given = {"same": "same", "valid": ((0, 0), (0, 0))}.get(padding, pads)
    return Case(" ".join(words), pixels, kernel, stride, dilation, given, border, flip, volume)  # type: ignore[arg-type]


def referee(case: Case, pixels: NDArray[np.float64], kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    """SciPy's answer [h', w', c']."""
    (down, across), (dy, dx) = case.stride, case.dilation
    spread = np.zeros((len(kernel), (kernel.shape[1] - 1) * dy + 1, (kernel.shape[2] - 1) * dx + 1))
    spread[:, ::dy, ::dx] = kernel
    scipys, numpys = MODES[case.border]
    planes = []
    for channel in range(pixels.shape[2]):
        plane, weights = pixels[:, :, channel], spread[channel if len(spread) > 1 else 0]
        if case.padding == "same":
            whole = (ndimage.convolve if case.flip else ndimage.correlate)(plane, weights, mode=scipys)
            places = []
            for n, f, s in zip(plane.shape, weights.shape, case.stride, strict=True):
                total = max((-(-n // s) - 1) * s + f - n, 0)  # ONNX's SAME_UPPER
                places.append(np.arange(-(-n // s)) * s - total // 2 + f // 2)
            planes.append(whole[np.ix_(*places)])
        else:
            padded = np.pad(plane, case.padding, mode=numpys)
            turned = weights[::-1, ::-1] if case.flip else weights
            planes.append(signal.correlate2d(padded, turned, "valid")[::down, ::across])
    answer = np.stack(planes, axis=2)
    return answer.sum(axis=2, keepdims=True) if case.volume else answer


def terms_in_all(case: Case) -> float:
    """The sum of the absolute numbers that one value of the answer is made with."""
    served = case.pixels.shape[2] if case.volume and len(case.kernel) == 1 else 1
    return float(np.abs(case.kernel).sum()) * served


def through_onnxruntime(network: Network, pixels: NDArray) -> NDArray[np.float32]:
    """The network's answer [h', w', c'] by its ONNX layers."""
    nodes = Nodes()
    for node in network.nodes:
        add_layer(nodes, node.layer, node.name, list(node.inputs), node.name, network.inputs_of(node))
    weights = [numpy_helper.from_array(array, name) for name, array in network.weights.items()]
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in (INPUT, network.output)
    ]
    graph = helper.make_graph(nodes.nodes, "filter", values[:1], values[1:], nodes.constants + weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    quiet = onnxruntime.SessionOptions()
    quiet.log_severity_level, quiet.intra_op_num_threads = 3, 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), quiet, ["CPUExecutionProvider"])
    x = pixels.astype(np.float32).transpose(2, 0, 1)[None]
    return session.run(None, {INPUT: np.ascontiguousarray(x)})[0][0].transpose(1, 2, 0)


def main(argv: Sequence[str]) -> int:
    """Run the proof; the exit status is 0 only if every case is within the bound."""
    given = options(argv, __doc__)
    count = SHORT if given.short else CASES
    random = np.random.default_rng(SEED)
    kinds: Counter[str] = Counter()
    worst: dict[str, list[float]] = {}
    wrong: list[str] = []
    done = refused = values = scaled = 0
    while done < count:
        case = draw_case(random)
        height, width, channels = case.pixels.shape
        try:
            network = network_of(case.text, (channels, height, width))
        except NetworkError as error:
            refused += 1
            if not any(words in error.what for words in ("is larger than its", "can't be mirrored")):
                wrong.append(f"refused: {case.text[:60]}: {error.what}")
            continue
        done += 1
        kinds.update((f"border {case.border}", "flipped" if case.flip else "as written"))
        kinds.update(("a volume" if case.volume else "each channel", f"pixels {case.pixels.dtype}"))
        kinds.update(("same" if case.padding == "same" else "valid or other padding",))
        kinds.update(["strided"] * (case.stride != (1, 1)) + ["dilated"] * (case.dilation != (1, 1)))
        one = Filter(
            "k", case.kernel, case.stride, case.padding, case.border, case.dilation, case.flip, case.volume
        )
        planes = one.planes_for(channels) if case.volume else one.sliding
        answers = {
            "apply": apply(case.pixels, case.text),
            "NumPy alone": plain(case.pixels, one, planes, case.volume),
            "onnxruntime": through_onnxruntime(network, case.pixels),
        }
        exact = referee(case, case.pixels.astype(np.float64), case.kernel)
        terms = referee(case, case.pixels.astype(np.float64), np.abs(case.kernel))
        absolute = case.pixels.dtype == np.float32 and terms_in_all(case) <= LARGEST_SUM * 1.0001
        scaled += absolute
        values += exact.size
        for way, answer in answers.items():
            if answer.shape != exact.shape:
                wrong.append(
                    f"{way}: {case.text[-90:]} on {case.pixels.shape}: {answer.shape}, SciPy {exact.shape}"
                )
                continue
            away = np.abs(answer - exact)
            share = float((away / np.maximum(terms, 1e-30)).max())
            far = float(away.max()) if absolute else 0.0
            seen = worst.setdefault(way, [0.0, 0.0])
            worst[way] = [max(seen[0], share), max(seen[1], far)]
            if share > BOUND or far > BOUND:
                wrong.append(
                    f"{way}: {case.text[-90:]} on {case.pixels.shape}: {share:.1e}, {far:.1e} absolute"
                )
    compiled = native.filter_instructions()[-1] if native else "none: NumPy"
    body = (
        f"**{done:,} cases**, {values:,} values each way, seed {SEED}; compiled code: {compiled}. {refused:,} more "
        f"that don't fit (a kernel larger than the padded picture, a mirror too far) were refused in words.\n\n"
    )
    rows = [(way, f"{share:.1e}", f"{far:.1e}") for way, (share, far) in worst.items()]
    body += table(
        ["way", "worst, share of the terms:", f"worst, absolute, {scaled:,} cases scaled to 1:"], rows
    )
    body += "\n\n" + table(["of these", "cases:"], [(kind, f"{n:,}") for kind, n in sorted(kinds.items())])
    figures = {
        "n": done, "seed": SEED, "values": values, "refused": refused, "scaled_to_1": scaled, "bound": BOUND,
        "instructions": compiled, "worst": {way: {"share": a, "absolute": b} for way, (a, b) in worst.items()},
        "kinds": dict(sorted(kinds.items())),
    }  # fmt: skip
    return conclude("filters", "Filters against SciPy", given, figures, body, wrong[:40])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
