"""The compiled engine's gradients and logits against PyTorch in float64, for every layer and for random networks."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from pellucid.engines.contract import Batches, Recipe
from pellucid.engines.native import open_trainer, unable
from pellucid.engines.native.steps import step_plan
from pellucid.engines.torch import NetworkModule
from pellucid.engines.torch.layers import BatchNormalisation
from pellucid.errors import NetworkError
from pellucid.native import native
from pellucid.network import Network
from support.networks import with_random_weights

pytestmark = pytest.mark.skipif(native is None, reason="the compiled part is not built here")

LAYERS = [
    "conv 4 3x3",
    "conv 7 5x5 pad 2",
    "conv 9 1x1 nobias",
    "conv 4 3x3 stride 2",
    "conv 5 3x3 stride 2x3 pad 1",
    "conv 4 5x5 stride 3 pad 2 dilation 2",
    "conv 3 2x3 pad 0:1x2:0 dilation 1x2",
    "conv 4 1x1 stride 2",
    "conv 4 2x2 stride 3",
    "conv 6 3x3 pad same groups 2",
    "conv 4 3x3 pad 1 groups 4",
    "conv 3 7x2 pad 3:3x0:1",
    "conv 5 3x3 pad 4",
    "maxpool 2",
    "maxpool 3 stride 2 pad 1",
    "maxpool 3 stride 1",
    "avgpool 2",
    "avgpool 3 stride 2 pad 1",
    "avgpool 3 stride 2 pad 1 countpad",
    "globalavgpool",
    "globalmaxpool",
    "adaptiveavgpool 3x2",
    "adaptivemaxpool 4x3",
    "relu",
    "leakyrelu slope 0.2",
    "leakyrelu slope -0.3",
    "sigmoid",
    "tanh",
    "gelu",
    "silu",
    "hardswish",
    "relu6",
    "batchnorm",
    "batchnorm epsilon 0.1",
    "pad 1 reflect",
    "pad 0:2x1:0 replicate",
    "pad 1x2",
    "a: conv 4 3x3 pad 1, tanh, add a",
    "a: conv 4 3x3 pad 1, b: maxpool 3 stride 1 pad 1, concat a, conv 3 1x1",
    "dropout 0",
    "flatten, dense 7, tanh",
    "flatten, batchnorm",
    "flatten, dropout 0, relu, dense 6 nobias",
]
BEFORE, AFTER = "first: conv 4 3x3 pad 1", "conv 3 2x2, flatten, dense 4, softmax"
SHAPE = (4, 9, 11)


def pictures(count, shape, classes=4, seed=0):
    rng = np.random.default_rng(seed)
    channels, *spatial = shape
    return rng.integers(0, 256, (count, *spatial, channels), dtype=np.uint8), rng.integers(0, classes, count)


def cut(rows, piece=16):
    """Pictures that are normalised together: as even as can be."""
    parts = -(-len(rows) // piece)
    return [rows[len(rows) * i // parts : len(rows) * (i + 1) // parts] for i in range(parts)]


def referee(network, pixels, labels, rows, scale, shift, piece=16):
    """Gradients of the mean loss by name, running statistics after a step, and the summed loss, in float64."""
    x = torch.from_numpy(np.moveaxis(pixels * scale.astype(np.float64) + shift, -1, 1).copy())
    y = torch.from_numpy(labels)
    module = NetworkModule(network).double().train()
    norms = [m for m in module.modules() if isinstance(m, BatchNormalisation)]
    start = [t.clone() for norm in norms for t in (norm.running_mean, norm.running_var)]
    after, total = [torch.zeros_like(t) for t in start], 0.0
    for part in cut(rows, piece):
        part = torch.from_numpy(part)
        for tensor, value in zip(
            (t for n in norms for t in (n.running_mean, n.running_var)), start, strict=True
        ):
            tensor.copy_(value)
        loss = F.cross_entropy(module.logits(x[part]), y[part], reduction="sum")
        (loss / len(rows)).backward()
        total += loss.item()
        found = [t.clone() for norm in norms for t in (norm.running_mean, norm.running_var)]
        for sum_, new in zip(after, found, strict=True):
            sum_ += new * (len(part) / len(rows))
    names = list(network.state_shapes)
    moved = {name: (0.9 * a + 0.1 * b).numpy() for name, a, b in zip(names, start, after, strict=True)}
    return {n: p.grad.numpy() for n, p in module.named_parameters() if p.grad is not None}, moved, total


def check_gradients(line, shape, count=21, seed=0, instructions=None, within=1e-5):
    network = with_random_weights(Network.from_text(line, shape), seed)
    pixels, labels = pictures(count, shape, network.output_shape[0], seed)
    channels = shape[0]
    scale, shift = np.full(channels, 1 / 64, np.float32), np.linspace(-2, -1.5, channels, dtype=np.float32)
    recipe = Recipe(batch_size=count, optimiser="sgd", momentum=0.0, threads=2)
    trainer = open_trainer(network, pixels, labels, scale, shift, recipe)
    rows = np.arange(count)
    gradients, statistics, total = referee(
        network, pixels, labels, rows, scale, shift, 16 * trainer.plan.piece
    )
    report = trainer.steps(Batches(rows[None], np.ones(1, np.float32)), 0)
    assert report.loss == pytest.approx(total, rel=1e-5, abs=1e-5)
    after = trainer.weights()
    largest = max(np.abs(g).max() for g in gradients.values())
    # A weight that moves by less than its last place says nothing: the tolerance counts its rounding, too.
    for name, expected in gradients.items():
        start = network.weights[name].astype(np.float64)
        rounding = 1e-7 * np.abs(start).max()
        assert np.abs(start - after[name] - expected).max() < within * largest + rounding, name
    for name, expected in statistics.items():
        np.testing.assert_allclose(after[name], expected, rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("line", LAYERS)
def test_every_layer(line):
    after = "dense 4, softmax" if "flatten" in line else AFTER
    if line in ("globalavgpool", "globalmaxpool"):
        after = "flatten, dense 4, softmax"
    check_gradients(f"{BEFORE}, {line}, {after}", SHAPE)
    check_gradients(f"{line}, {after}", SHAPE)  # as the first: nobody wants its input's gradient


@pytest.mark.parametrize("line", LAYERS)
def test_logits(line):
    after = "dense 4, softmax" if "flatten" in line else AFTER
    if line in ("globalavgpool", "globalmaxpool"):
        after = "flatten, dense 4, softmax"
    network = with_random_weights(Network.from_text(f"{BEFORE}, {line}, {after}", SHAPE))
    pixels, labels = pictures(37, SHAPE)
    scale, shift = np.full(4, 1 / 64, np.float32), np.full(4, -2, np.float32)
    trainer = open_trainer(network, pixels, labels, scale, shift, Recipe(threads=2))
    rows = np.array([36, 0, 5, 5, *range(30)])
    with torch.no_grad():
        x = torch.from_numpy(np.moveaxis(pixels[rows] / 64 - 2, -1, 1).copy())
        expected = NetworkModule(network).double().eval().logits(x).numpy()
    got = trainer.logits(rows)
    assert np.abs(got - expected).max() < 1e-5 * max(np.abs(expected).max(), 1)
    assert trainer.logits(np.array([], np.int64)).shape == (0, 4)


@pytest.mark.parametrize(
    ("line", "shape"),
    [
        ("conv 5 3 pad 1, batchnorm, relu, maxpool 2, conv 4 5 stride 2, flatten, dense 3, softmax", (2, 20)),
        ("dense 9, relu, batchnorm, dense 3, softmax", (12,)),
        ("conv 6 3x3 pad 1 nobias, batchnorm, maxpool 2, relu, globalavgpool, flatten, dense 3, softmax", (3, 8, 8)),
        ("conv 4 3x3, relu, conv 3 1x1, globalavgpool, flatten, softmax", (1, 6, 6)),
        ("conv 3 6x6, flatten, softmax", (1, 6, 6)),
        ("conv 5 3x3 pad 1, maxpool 2, relu, conv 3 3x3 pad 1, maxpool 2, flatten, dense 3, softmax", (2, 9, 11)),
        ("conv 6 3x3 pad 1, batchnorm, maxpool 2, relu, conv 3 3x3 groups 3, flatten, dense 3, softmax", (1, 7, 8)),
        ("conv 6 3 pad 1, batchnorm, maxpool 2, conv 9 5 groups 3, flatten, dense 3, softmax", (2, 30)),
        ("conv 8 5x5 pad 2, maxpool 2, tanh, conv 16 5x5, maxpool 2, leakyrelu, flatten, dense 3", (1, 28, 28)),
        ("conv 40 3x3, relu, flatten, dense 50, relu, dense 3, softmax", (1, 5, 5)),
        ("conv 3 3x3 pad 1 frozen, relu, conv 4 3x3, batchnorm, flatten, dense 9 frozen, relu, dense 3", (1, 8, 8)),
        ("relu, flatten, dense 3", (1, 1, 1)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("count", [1, 2, 16, 33])
def test_networks(line, shape, count):
    if count == 1 and shape == (12,):
        pytest.skip("a single value a channel has no statistics: see test_trainer")
    check_gradients(line, shape, count)


@pytest.mark.parametrize(
    ("line", "shape", "count"),
    [
        ("conv 8 5x4 pad 1x2 dilation 1x3, conv 9 1x1 nobias, batchnorm epsilon 0.01, conv 3 5x4 pad same,"
         " conv 27 3x4 pad same groups 3, flatten, batchnorm, dense 4", (2, 7, 10), 3),
        ("conv 9 1 pad 1 dilation 2, conv 5 2 pad 2 nobias, batchnorm epsilon 0.01, batchnorm, pad 1 reflect, flatten,"
         " batchnorm, dense 4", (3, 19), 33),
        ("conv 5 3x3, maxpool 2, relu, conv 7 3x3 stride 2 pad 1, a: batchnorm, tanh, add a, globalavgpool,"
         " flatten, batchnorm, dense 4", (1, 12, 11), 21),
    ],
)  # fmt: skip
@pytest.mark.parametrize("seed", range(4))
def test_single_values_normalised(line, shape, count, seed):
    """What a channel's few values differ by is all that counts: sums are of float64."""
    check_gradients(line, shape, count, seed)


def test_the_plan_tells_of_sums_in_float64():
    def kernels(line):
        steps = step_plan(Network.from_text(line, (1, 20, 20))).steps
        return {step.what.split(",")[0]: step.kernel for step in steps}

    small = kernels("conv 4 3x3, batchnorm, relu, flatten, batchnorm, dense 4")
    assert small["convolution"].startswith("float64 sums") and small["normalisation"].startswith(
        "float64 sums"
    )
    for line in ("conv 4 3x3, batchnorm, relu, flatten, dense 4", "conv 60 3x3, flatten, batchnorm, dense 4"):
        assert not any("float64" in kernel for kernel in kernels(line).values()), line


FORMS = {
    "F(2x2, 5x5)": [
        ("conv 8 5x5 pad 2, maxpool 2, relu, conv 16 5x5, maxpool 2, relu, flatten, dense 3, softmax", (1, 28, 28)),
        ("first: conv 9 3x3, conv 13 5x5 pad 4, tanh, conv 7 5x5 pad 0:3x1:2, flatten, dense 3", (2, 11, 9)),
        ("conv 24 3x3 pad 1, conv 40 5x5 pad 2 groups 2, relu, conv 24 5x5 frozen, flatten, dense 3", (3, 9, 13)),
    ],
    "F(4x4, 3x3)": [
        ("conv 16 3x3 pad 1, batchnorm, relu, conv 17 3x3, maxpool 2, relu, flatten, dense 3", (1, 15, 18)),
        ("conv 8 3x3 pad 1, a: relu, conv 8 3x3 pad 1, add a, conv 40 3x3 pad 2, globalavgpool, flatten, dense 3",
         (4, 16, 12)),
        ("conv 12 3x3 pad 1 nobias, batchnorm, conv 33 3x3 pad 1 frozen, maxpool 2, flatten, dense 3", (3, 8, 40)),
        # Few inputs: those of two or four pictures lie side by side in a register.
        ("conv 4 3x3, relu, conv 40 3x3 pad 1, relu, flatten, dense 3", (3, 12, 11)),
        ("conv 2 3x3, relu, conv 61 3x3 pad 1, tanh, maxpool 3, flatten, dense 3", (1, 14, 18)),
    ],
    "F(2x2, 3x3)": [
        ("conv 24 3x3 pad 1, relu, conv 24 3x3 pad 1, maxpool 2, relu, flatten, dense 3", (3, 6, 6)),
        ("conv 32 3x3, tanh, conv 20 3x3, avgpool 2, flatten, dense 3", (2, 6, 6)),
    ],
    "F(4x4, 3x3, stride 2)": [
        ("conv 16 3x3, relu, conv 20 3x3 stride 2 pad 1, batchnorm, globalavgpool, flatten, dense 3", (3, 19, 18)),
        ("a: conv 24 3x3 stride 2, conv 33 3x3 stride 2 pad 2:0x1:2 frozen, maxpool 2, flatten, dense 3", (12, 31, 37)),
    ],
    "F(2x2, 3x3, stride 2)": [
        ("conv 16 3x3 pad 1, relu, conv 40 3x3 stride 2 pad 1, maxpool 2, relu, flatten, dense 3", (3, 12, 11)),
    ],
    "outputs x 24 values": [
        ("conv 16 3x3 pad 1, relu, conv 20 1x1, tanh, conv 9 1x1 stride 2, flatten, dense 3", (3, 9, 8)),
        ("conv 24 3x3 pad 1, b: relu, conv 16 1x1 groups 2, conv 24 1x1 pad 1:0x2:0 stride 2, flatten, dense 3",
         (3, 6, 7)),
    ],
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("count", [3, 21])
def test_convolutions_with_fewer_products(form, count):
    for line, shape in FORMS[form]:
        network = Network.from_text(line, shape)
        plan = step_plan(network)
        # Another set's registers hold another number of values; the widest ones slide where these take tiles.
        if plan.instructions == "avx2" or (form.startswith("F") and plan.instructions != "avx512"):
            assert any(form in step.kernel for step in plan.steps), line
        check_gradients(line, shape, count)


@given(st.data())
@settings(max_examples=40)
def test_tiles_of_any_shape(data):
    """Sizes that tiles don't fill, paddings of any width, strips that don't take a whole row, groups, pooling."""
    draw = data.draw
    (taps, stride), groups = (
        draw(st.sampled_from([(1, 1), (1, 2), (3, 1), (3, 2), (5, 1)])),
        draw(st.sampled_from([1, 1, 2])),
    )
    inputs, outputs = draw(st.integers(1, 20)) * groups, draw(st.integers(5, 40)) * groups
    pads = [draw(st.integers(0, max(taps - 1, 1))) for _ in range(4)]
    height, width = draw(st.integers(taps + 3, 14)), draw(st.integers(taps + 3, 40))
    behind = draw(st.sampled_from(["", ", maxpool 2", ", maxpool 2, relu", ", relu"]))
    pad = f"pad {pads[0]}:{pads[1]}x{pads[2]}:{pads[3]}"
    conv = f"conv {outputs} {taps}x{taps} {pad} stride {stride} groups {groups}{behind}"
    line = f"conv {inputs} 2x2 pad same, {conv}, globalavgpool, flatten, dense 3"
    network = Network.from_text(line, (3, height, width))
    kernels = [step.kernel for step in step_plan(network).steps]
    assume(any("Winograd" in kernel or "values" in kernel for kernel in kernels))
    check_gradients(line, (3, height, width), draw(st.sampled_from([2, 17])), draw(st.integers(0, 99)))


def networks():
    """Lines of a few layers that fit each other more often than not."""
    size, stride = st.integers(1, 4), st.sampled_from(["", " stride 2", " stride 1x2"])
    conv = st.builds(
        lambda n, h, w, s, p, d, g: f"conv {n * g} {h}x{w}{s}{p}{d}{' groups 2' if g == 2 else ''}",
        st.integers(1, 9), size, size, stride, st.sampled_from(["", " pad 1", " pad same", " pad 2x0"]),
        st.sampled_from(["", "", " dilation 2"]), st.sampled_from([1, 1, 2]),
    )  # fmt: skip
    pool = st.builds(
        lambda kind, f, s: f"{kind} {f}{s}",
        st.sampled_from(["maxpool", "avgpool"]),
        st.integers(1, 3),
        stride,
    )
    other = st.sampled_from(
        ["relu", "tanh", "gelu", "silu", "batchnorm", "leakyrelu slope 0.3", "relu6", "sigmoid", "pad 1 reflect",
         "a{0}: relu, b{0}: conv 4 3x3 pad 1, c{0}: conv 4 1x1 from a{0}, add b{0}",
         "a{0}: tanh, b{0}: conv 3 3x3 pad 1, concat a{0}"]
    )  # fmt: skip
    layers = st.lists(conv | pool | other, min_size=1, max_size=5)
    return layers.map(lambda found: [text.format(number) for number, text in enumerate(found)])


@given(layers=networks(), shape=st.tuples(st.integers(1, 3), st.integers(3, 12), st.integers(3, 12)),
       count=st.sampled_from([3, 16, 20]), seed=st.integers(0, 99))  # fmt: skip
@example(layers=["conv 2 3x3 stride 2 pad 1"], shape=(1, 3, 3), count=3, seed=0)
@settings(max_examples=25, deadline=None)
def test_random_networks(layers, shape, count, seed):
    try:
        network = Network.from_text(f"{', '.join(layers)}, flatten, dense 3, softmax", shape)
    except NetworkError:
        assume(False)
    assert not unable(network)
    # Behind batch normalisation of few values gradients are large differences of large numbers.
    check_gradients(network.text, shape, count, seed, within=1e-4 if "batchnorm" in network.text else 1e-5)
