"""Each layer's shapes and counts against PyTorch on its meta device, onnxruntime, or a plain count."""

import json
from fractions import Fraction
from math import ceil, prod
from pathlib import Path

import numpy as np
import onnx
import onnx.helper
import onnxruntime
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from pellucid.errors import NetworkError
from pellucid.network import Network, layers
from pellucid.network.layers import (
    LAYERS,
    AdaptiveAvgPool,
    AdaptiveMaxPool,
    Add,
    AvgPool,
    BatchNorm,
    Concat,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalAvgPool,
    GlobalMaxPool,
    LocalResponseNorm,
    MaxPool,
    Softmax,
    on_screen,
    size_text,
)

EXAMPLES = json.loads((Path(__file__).parents[1] / "data" / "worked_examples.json").read_text())

sides = st.integers(1, 40)
pads = st.tuples(st.integers(0, 4), st.integers(0, 4))
ranks = st.sampled_from([1, 2, 3])


@st.composite
def sliding(draw, padding=pads):
    """(rank, spatial sizes, window, stride, dilation, padding), each but the first with a value for each axis."""
    rank = draw(ranks)
    by_axis = (sides, st.integers(1, 7), st.integers(1, 4), st.integers(1, 3), padding)
    return rank, *(draw(st.tuples(*[values] * rank)) for values in by_axis)


def places(n, f, s, before, after):
    """How many windows lie wholly on an axis of n places and its padding, counted one by one."""
    return sum(1 for start in range(0, n + before + after, s) if start + f <= n + before + after)


def pretend(*shape):
    return torch.empty(1, *shape, device="meta")


def torchs(name, rank):
    """torch.nn.Conv1d and so on."""
    return getattr(torch.nn, f"{name}{rank}d")


@given(sliding())
def test_windows_are_counted_by_the_formula(sizes):
    _, spatial, kernel, stride, dilation, padding = sizes
    conv = Conv(3, kernel, stride, padding, dilation)
    expected = tuple(
        places(n, d * (f - 1) + 1, s, *pad)
        for n, f, s, d, pad in zip(spatial, kernel, stride, dilation, padding, strict=True)
    )
    if min(expected) == 0:
        with pytest.raises(NetworkError, match="larger than its"):
            conv.output_shape((2, *spatial))
    else:
        assert conv.output_shape((2, *spatial)) == (3, *expected)


@given(sliding(st.integers(0, 4)), st.sampled_from([1, 2, 3, 6]), st.booleans())
def test_convolution_against_torch(sizes, groups, bias):
    rank, spatial, kernel, stride, dilation, pad = sizes
    ours = Conv(12, kernel, stride, tuple((p, p) for p in pad), dilation, groups, bias)
    theirs = torchs("Conv", rank)(6, 12, kernel, stride, pad, dilation, groups, bias, device="meta")
    shape = (6, *spatial)
    try:
        expected = tuple(theirs(pretend(*shape)).shape[1:])
    except RuntimeError:
        with pytest.raises(NetworkError):
            ours.output_shape(shape)
        return
    assert ours.output_shape(shape) == expected
    assert ours.weight_shapes(shape) == {name: tuple(p.shape) for name, p in theirs.named_parameters()}
    with FlopCounterMode(display=False) as counter:
        theirs(pretend(*shape))
    assert ours.mult_adds(shape) * 2 == counter.get_total_flops()


@given(sliding(st.integers(0, 3)))
def test_pooling_against_torch(sizes):
    rank, spatial, window, stride, _, pad = sizes
    assume(all(2 * p <= f for p, f in zip(pad, window, strict=True)))  # torch takes no more
    padding = tuple((p, p) for p in pad)
    for ours, theirs in (
        (MaxPool(window, stride, padding), torchs("MaxPool", rank)(window, stride, pad)),
        (AvgPool(window, stride, padding), torchs("AvgPool", rank)(window, stride, pad)),
    ):
        try:
            expected = tuple(theirs(pretend(5, *spatial)).shape[1:])
        except RuntimeError:
            with pytest.raises(NetworkError):
                ours.output_shape((5, *spatial))
        else:
            assert ours.output_shape((5, *spatial)) == expected


@given(sides, st.integers(1, 7), st.integers(1, 4), st.integers(1, 3))
def test_same_is_one_output_for_each_stride(n, f, s, d):
    conv = Conv(1, (f, f), (s, s), "same", (d, d))
    (before, after), _ = conv.pads((1, n, n))
    assert conv.output_shape((1, n, n))[1:] == (ceil(n / s), ceil(n / s))
    assert after - before in (0, 1)
    if s == 1:
        assert before + after == d * (f - 1)
    if s == 1 and f % 2:
        assert before == after == d * (f - 1) // 2  # the course's (f - 1)/2


@pytest.mark.parametrize("kind", ["Conv", "MaxPool", "AveragePool"])
@pytest.mark.parametrize("n", [1, 2, 5, 8, 9])
@pytest.mark.parametrize(("f", "s"), [(1, 1), (2, 1), (2, 2), (3, 1), (3, 2), (4, 3), (5, 2), (5, 5)])
def test_same_puts_its_padding_where_onnxruntime_does(kind, n, f, s):
    """SAME_UPPER must give the numbers that the same node gives with our pads written out.

    Only strides up to the window: beyond, the padding of ONNX's formula is negative, which onnxruntime
    refuses in pooling and takes as a crop in convolutions; ours is 0 there, as TensorFlow's.
    """
    shape = (1, n, n)
    layer = (Conv(1, f, s, "same") if kind == "Conv" else MaxPool(f, s, "same")).for_rank(2)
    (top, bottom), (left, right) = layer.pads(shape)
    picture = np.random.default_rng(n).normal(size=(1, *shape)).astype(np.float32)
    weights = np.random.default_rng(f).normal(size=(1, 1, f, f)).astype(np.float32)

    def run(**attributes):
        names = ["x", "w"] if kind == "Conv" else ["x"]
        node = onnx.helper.make_node(kind, names, ["y"], kernel_shape=[f, f], strides=[s, s], **attributes)
        arrays = {"x": picture, "w": weights}
        graph = onnx.helper.make_graph(
            [node],
            "one node",
            [onnx.helper.make_tensor_value_info(name, 1, arrays[name].shape) for name in names],
            [onnx.helper.make_tensor_value_info("y", 1, None)],
        )
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
        session = onnxruntime.InferenceSession(model.SerializeToString())
        return session.run(None, {name: arrays[name] for name in names})[0]

    expected = run(auto_pad="SAME_UPPER")
    assert layer.output_shape(shape) == expected.shape[1:]
    np.testing.assert_array_equal(run(pads=[top, left, bottom, right]), expected)


@given(sides, st.integers(1, 30))
def test_adaptive_windows_are_torchs(n, m):
    pool = AdaptiveAvgPool((m,))
    spans = pool.spans((1, n))[0]
    row = torch.arange(n, dtype=torch.float64) ** 2
    expected = torch.nn.functional.adaptive_avg_pool1d(row[None], m)[0]
    means = torch.stack([row[start:end].mean() for start, end in spans])
    torch.testing.assert_close(means, expected)
    assert pool.output_shape((7, n)) == (7, m)
    (window,) = pool.windows((7, n))
    assert window.size == max(end - start for start, end in spans)
    assert window.stride == Fraction(n, m)


@pytest.mark.parametrize("size", [(6,), (40,), (6, 6), (1, 3), (40, 2), (2, 3, 4), (1, 9, 1)])
def test_adaptive_and_global_pooling_against_torch(size):
    shape = (5, 13, 9, 7)[: 1 + len(size)]
    expected = tuple(torchs("AdaptiveAvgPool", len(size))(size)(pretend(*shape)).shape[1:])
    assert AdaptiveAvgPool(size).output_shape(shape) == expected
    assert AdaptiveMaxPool(size).output_shape(shape) == expected
    one = tuple(torchs("AdaptiveAvgPool", len(size))(1)(pretend(*shape)).shape[1:])
    assert GlobalAvgPool().output_shape(shape) == GlobalMaxPool().output_shape(shape) == one


@given(st.integers(1, 500), st.integers(1, 500), st.booleans())
def test_dense_against_torch(n, units, bias):
    theirs = torch.nn.Linear(n, units, bias, device="meta")
    ours = Dense(units, bias)
    with FlopCounterMode(display=False) as counter:
        assert ours.output_shape((n,)) == tuple(theirs(pretend(n)).shape[1:])
    assert ours.weight_shapes((n,)) == {name: tuple(p.shape) for name, p in theirs.named_parameters()}
    assert ours.mult_adds((n,)) * 2 == counter.get_total_flops()


@pytest.mark.parametrize("shape", [(7, 3), (7, 3, 4), (7, 3, 4, 5)])
def test_batch_normalisation_against_torch(shape):
    theirs = torchs("BatchNorm", len(shape) - 1)(7, device="meta")
    ours = BatchNorm()
    assert ours.output_shape(shape) == tuple(theirs(pretend(*shape)).shape[1:])
    assert ours.weight_shapes(shape) == {name: tuple(p.shape) for name, p in theirs.named_parameters()}
    statistics = {name: tuple(b.shape) for name, b in theirs.named_buffers() if b.ndim}
    assert ours.state_shapes(shape) == statistics
    assert ours.epsilon == theirs.eps


@pytest.mark.parametrize(
    ("text", "shape", "theirs"),
    [
        (
            "conv 8 5 pad 2 nobias, batchnorm, relu, maxpool 2, conv 16 3 stride 2 dilation 2 groups 4, avgpool 3, "
            "globalavgpool, flatten, dense 10",
            (3, 128),
            lambda: torch.nn.Sequential(
                torch.nn.Conv1d(3, 8, 5, padding=2, bias=False), torch.nn.BatchNorm1d(8), torch.nn.ReLU(),
                torch.nn.MaxPool1d(2), torch.nn.Conv1d(8, 16, 3, 2, dilation=2, groups=4), torch.nn.AvgPool1d(3),
                torch.nn.AdaptiveAvgPool1d(1), torch.nn.Flatten(), torch.nn.Linear(16, 10),
            ),
        ),
        (
            "conv 8 3 pad 1x0x2 nobias, batchnorm, relu, maxpool 1x2x2, conv 16 2x3x3 stride 1x2x2 groups 2, "
            "avgpool 2, adaptiveavgpool 2x1x3, flatten, dense 10 nobias",
            (2, 10, 20, 24),
            lambda: torch.nn.Sequential(
                torch.nn.Conv3d(2, 8, 3, padding=(1, 0, 2), bias=False), torch.nn.BatchNorm3d(8), torch.nn.ReLU(),
                torch.nn.MaxPool3d((1, 2, 2)), torch.nn.Conv3d(8, 16, (2, 3, 3), (1, 2, 2), groups=2),
                torch.nn.AvgPool3d(2), torch.nn.AdaptiveAvgPool3d((2, 1, 3)), torch.nn.Flatten(),
                torch.nn.Linear(96, 10, bias=False),
            ),
        ),
    ],
    ids=["signals", "volumes"],
)  # fmt: skip
def test_whole_networks_of_other_ranks_against_torch(text, shape, theirs):
    network = Network.from_text(text, shape)
    with torch.device("meta"):
        module = theirs()
    assert network.parameter_count == sum(p.numel() for p in module.parameters())
    with FlopCounterMode(display=False) as counter:
        values = pretend(*shape)
        for node, layer in zip(network.nodes, module, strict=True):
            values = layer(values)
            assert network.shapes[node.name] == tuple(values.shape[1:])
    assert counter.get_total_flops() == 2 * network.mult_adds


def test_the_defaults_are_torchs():
    assert LocalResponseNorm(5).alpha == torch.nn.LocalResponseNorm(5).alpha
    assert LocalResponseNorm(5).beta == torch.nn.LocalResponseNorm(5).beta
    assert LocalResponseNorm(5).k == torch.nn.LocalResponseNorm(5).k
    assert layers.LeakyReLU().slope == torch.nn.LeakyReLU().negative_slope
    assert Dropout().rate == torch.nn.Dropout().p


@pytest.mark.parametrize("word", [word for word in LAYERS if word not in ("add", "concat")])
def test_only_learning_layers_have_weights_and_only_they_multiply(word):
    values = {"channels": 8, "kernel": (3, 3), "window": (2, 2), "size": 5, "units": 10}
    kind = LAYERS[word]
    fields = {field: value for field, value in values.items() if field in kind.__dataclass_fields__}
    if word == "pad":
        fields["padding"] = ((1, 2),)
    if word.startswith("adaptive"):
        fields["size"] = (2, 2)
    layer = kind(**fields).for_rank(2)
    shape = (48,) if word in ("dense",) else (4, 4, 3)
    weights = layer.weight_shapes(shape)
    assert bool(weights) == (word in ("conv", "dense", "batchnorm"))
    assert (layer.mult_adds(shape) > 0) == (word in ("conv", "dense"))
    if weights:
        count = sum(prod(weight) for weight in weights.values())
        assert layer.parameter_formula(shape).endswith(f"= {count:,}")
    else:
        assert layer.parameter_formula(shape) == "none"


def test_joins():
    assert Add().output_shape((3, 4, 5), (3, 4, 5), (3, 4, 5)) == (3, 4, 5)
    assert Concat().output_shape((3, 4, 5), (1, 4, 5)) == (4, 4, 5)
    assert Concat().output_shape((3,), (4,)) == (7,)
    assert Concat().shape_formula((3, 4, 5), (1, 4, 5)) == "3 + 1 = 4 channels"
    with pytest.raises(
        NetworkError, match="add needs inputs of one shape, these are 4 x 5 x 3 and 4 x 5 x 2"
    ):
        Add().output_shape((3, 4, 5), (2, 4, 5))
    with pytest.raises(
        NetworkError, match="concat needs inputs that differ in their channels alone, these are 4 x 5"
    ):
        Concat().output_shape((3, 4, 5), (3, 5, 4))


def test_flatten_and_softmax_keep_every_value():
    assert Flatten().output_shape((3, 4, 5)) == (60,)
    assert Softmax().output_shape((60,)) == (60,)
    assert on_screen((3, 4, 5)) == (4, 5, 3)
    assert on_screen((10,)) == (10,)
    assert size_text((1024, 5, 6)) == "5 x 6 x 1,024"


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (Conv(8, (3, 3)), "conv needs an input with spatial axes, this one is 100 values"),
        (MaxPool((2, 2)), "maxpool needs an input with spatial axes, this one is 100 values"),
        (GlobalAvgPool(), "globalavgpool needs an input with spatial axes, this one is 100 values"),
        (
            AdaptiveMaxPool((2, 2)),
            "adaptivemaxpool needs an input with spatial axes, this one is 100 values",
        ),
        (LocalResponseNorm(5), "lrn needs an input with spatial axes, this one is 100 values"),
    ],
)
def test_layers_for_pictures_refuse_flat_values(layer, message):
    with pytest.raises(NetworkError) as caught:
        layer.output_shape((100,))
    assert caught.value.what == message
    assert caught.value.remedy == f"put {layer.word} before flatten and dense"


@pytest.mark.parametrize("padding", [2, (2, 2), ((0, 2), (0, 0))])
def test_pooling_refuses_windows_of_padding_alone(padding):
    with pytest.raises(NetworkError) as caught:
        MaxPool(2, padding=padding).for_rank(2)
    assert caught.value.what == "padding 2 must be smaller than the window 2, or a window holds padding alone"
    assert caught.value.remedy == "pad 1 at most"


@pytest.mark.parametrize(
    ("make", "what", "received"),
    [
        (lambda: Conv(0, 3), "conv: channels must be a whole number from 1 to 1,000,000", "0"),
        (lambda: Conv(True, 3), "conv: channels must be a whole number from 1 to 1,000,000", "True"),
        (lambda: Conv(8, ()), "conv: kernel must be a size like 5, 5x5 or 5x5x5, from 1 to 1,000,000", "()"),
        (lambda: Conv(8, 2.0), "conv: kernel must be a size like 5, 5x5 or 5x5x5, from 1 to 1,000,000", "2.0"),
        (lambda: Conv(8, 3, padding="full"),
         "conv: pad must be a padding like 2, 2x3, 0:1x0:1, same or valid", "'full'"),
        (lambda: Conv(8, 3, bias=1), "conv: nobias must be a word that stands alone", "1"),
        (lambda: Dropout(1.0), "dropout: rate must be from 0 to below 1", "1.0"),
        (lambda: BatchNorm(-1.0), "batchnorm: epsilon must be above 0", "-1.0"),
        (lambda: layers.LeakyReLU(float("nan")), "leakyrelu: slope must be a finite number", "nan"),
    ],
)  # fmt: skip
def test_nonsense_hyperparameters_from_python(make, what, received):
    with pytest.raises(NetworkError) as caught:
        make()
    assert (caught.value.what, caught.value.received) == (what, received)


def test_layers_are_values():
    assert Conv(8, 3) == Conv(8, (3,))
    assert len({Conv(8, 3), Conv(8, (3,)), Conv(8, 5)}) == 2
    assert Conv(8, 3).for_rank(2) == Conv(8, (3, 3), (1, 1), ((0, 0), (0, 0)), (1, 1))
    assert MaxPool(2).stride == (2,)


@pytest.mark.parametrize("case", EXAMPLES["output_size"]["cases"], ids=str)
def test_output_sizes_of_the_course(case):
    conv = Conv(1, case["f"], case["s"], case["p"]).for_rank(1)
    assert conv.output_shape((1, case["n"])) == (1, case["out"])
    assert conv.shape_formula((1, case["n"])) == (
        f"floor(({case['n']} + 2*{case['p']} - {case['f']})/{case['s']}) + 1 = {case['out']}"
    )


def test_the_volume_of_the_course():
    volume = EXAMPLES["volume"]
    height, width, channels = volume["input"]
    conv = Conv(4, (volume["filter"][0], volume["filter"][1]), (1, 1), 0, (1, 1)).for_rank(2)
    shape = (channels, height, width)
    assert prod(conv.weight_shapes(shape)["weight"][1:]) == volume["weights_per_filter"]
    assert on_screen(conv.output_shape(shape)) == tuple(volume["four_filters_output"])
    wide = Conv(128, (3, 3)).for_rank(2).output_shape(shape)
    assert on_screen(wide) == tuple(volume["hundred_twenty_eight_filters_output"])
    assert prod(wide) == volume["values"]


@settings(max_examples=50)
@given(st.lists(st.integers(1, 12), min_size=2, max_size=6), st.integers(1, 3))
def test_a_window_larger_than_its_input_says_so_with_the_numbers(shape, f):
    n = shape[0]
    conv = Conv(1, n + f).for_rank(1)
    with pytest.raises(NetworkError) as caught:
        conv.output_shape((1, n))
    assert caught.value.what == (
        f"kernel {n + f} is larger than its {n} input: floor(({n} + 2*0 - {n + f})/1) + 1 = {1 - f}"
    )


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_padding_by_itself_has_no_window_to_go_by(padding):
    if padding == "valid":  # nothing all around
        assert Network.from_text("pad valid", (1, 4, 4)).output_shape == (1, 4, 4)
        return
    with pytest.raises(NetworkError, match="no window to be the same as"):
        Network.from_text(f"pad {padding}", (1, 4, 4))


def test_a_mirror_reaches_no_further_than_the_picture():
    assert Network.from_text("pad 3x2 reflect", (1, 4, 3)).output_shape == (1, 10, 7)
    with pytest.raises(NetworkError) as caught:
        Network.from_text("pad 1 reflect", (3, 1, 1))
    assert caught.value.what == (
        "pad1 does not fit: height 1 can't be mirrored 1 place outwards: reflect reaches 0 at most"
    )
    assert caught.value.remedy == "replicate or zero instead of reflect, or a larger picture"
    assert Network.from_text("pad 1 replicate", (3, 1, 1)).output_shape == (3, 3, 3)


def test_frozen_weights_are_counted_and_named():
    network = Network.from_text("conv 4 3x3 frozen, relu, flatten, dense 3 nobias frozen, dense 2", (1, 5, 5))
    assert network.frozen == {"conv1.weight", "conv1.bias", "dense1.weight"}
    assert (
        network.parameter_count
        == Network.from_text(network.text.replace(" frozen", ""), (1, 5, 5)).parameter_count
    )
    conv, dense = network.nodes[0], network.nodes[3]
    assert conv.layer.parameter_formula((1, 5, 5)) == "(3 x 3 x 1 + 1) x 4 = 40, frozen"
    assert dense.layer.parameter_formula((36,)) == "36 x 3 = 108, frozen"
