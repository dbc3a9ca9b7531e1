"""Every layer's values against a plain NumPy reference that follows the definition, place by place."""

from math import erf

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pellucid.engines.torch import NetworkModule
from pellucid.engines.torch.layers import BUILD
from pellucid.errors import EngineError, NetworkError
from pellucid.network import Network
from pellucid.network.layers import LAYERS
from support.networks import EVERY_LAYER, with_random_weights


def windows(x, layer, size, fill):
    """[n, c, h', w', *size]: what each output place of a sliding layer looks at."""
    (top, bottom), (left, right) = layer.pads(x.shape[1:])
    padded = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=fill)
    dilation = getattr(layer, "dilation", (1, 1))
    extent = [d * (f - 1) + 1 for f, d in zip(size, dilation, strict=True)]
    rows = range(0, padded.shape[2] - extent[0] + 1, layer.stride[0])
    columns = range(0, padded.shape[3] - extent[1] + 1, layer.stride[1])
    return np.stack(
        [
            np.stack(
                [
                    padded[:, :, y : y + extent[0] : dilation[0], z : z + extent[1] : dilation[1]]
                    for z in columns
                ],
                axis=2,
            )
            for y in rows
        ],
        axis=2,
    )


def convolution(layer, weights, x):
    seen = windows(x, layer, layer.kernel, 0.0)
    group = x.shape[1] // layer.groups
    each = layer.channels // layer.groups
    parts = [
        np.einsum(
            "nchwij,ocij->nohw",
            seen[:, g * group : (g + 1) * group],
            weights["weight"][g * each : (g + 1) * each],
        )
        for g in range(layer.groups)
    ]
    return np.concatenate(parts, axis=1) + weights.get("bias", np.zeros(layer.channels))[:, None, None]


def mean_pool(layer, weights, x):
    inside = windows(np.ones_like(x), layer, layer.window, 0.0)
    total = windows(x, layer, layer.window, 0.0).sum((-2, -1))
    return total / (inside.size / inside[..., 0, 0].size if layer.count_include_pad else inside.sum((-2, -1)))


def adaptive(reduce):
    def pool(layer, weights, x):
        down, across = layer.spans(x.shape[1:])
        return np.stack(
            [np.stack([reduce(x[:, :, a:b, c:d], (2, 3)) for c, d in across], axis=2) for a, b in down],
            axis=2,
        )

    return pool


def batch_norm(layer, weights, x):
    axes = (None, slice(None)) + (None,) * (x.ndim - 2)
    w = {name: array[axes] for name, array in weights.items()}
    return (x - w["running_mean"]) / np.sqrt(w["running_var"] + layer.epsilon) * w["weight"] + w["bias"]


def local_response(layer, weights, x):
    result = np.empty_like(x)
    for c in range(x.shape[1]):
        first, last = c - layer.size // 2, c + (layer.size - 1) // 2
        squares = (x[:, max(first, 0) : last + 1] ** 2).sum(1)
        result[:, c] = x[:, c] / (layer.k + layer.alpha / layer.size * squares) ** layer.beta
    return result


def softmax(layer, weights, x):
    shifted = np.exp(x - x.max(1, keepdims=True))
    return shifted / shifted.sum(1, keepdims=True)


def dense(layer, weights, x):
    return x @ weights["weight"].T + weights.get("bias", 0.0)


def curve(function):
    return lambda layer, weights, x: function(x)


# A layer of LAYERS without a line here fails `test_every_layer_is_compared`.
PLAIN = {
    "conv": convolution,
    "maxpool": lambda layer, weights, x: windows(x, layer, layer.window, -np.inf).max((-2, -1)),
    "avgpool": mean_pool,
    "globalavgpool": curve(lambda x: x.mean((2, 3), keepdims=True)),
    "globalmaxpool": curve(lambda x: x.max((2, 3), keepdims=True)),
    "adaptiveavgpool": adaptive(np.mean),
    "adaptivemaxpool": adaptive(np.max),
    "relu": curve(lambda x: np.maximum(x, 0)),
    "leakyrelu": lambda layer, weights, x: np.where(x < 0, layer.slope * x, x),
    "sigmoid": curve(lambda x: 1 / (1 + np.exp(-x))),
    "tanh": curve(np.tanh),
    "gelu": curve(np.vectorize(lambda x: x / 2 * (1 + erf(x / 2**0.5)))),
    "silu": curve(lambda x: x / (1 + np.exp(-x))),
    "hardswish": curve(lambda x: x * np.clip(x + 3, 0, 6) / 6),
    "relu6": curve(lambda x: np.clip(x, 0, 6)),
    "batchnorm": batch_norm,
    "lrn": local_response,
    "dropout": curve(lambda x: x),
    "flatten": curve(lambda x: x.reshape(len(x), -1)),
    "dense": dense,
    "softmax": softmax,
    "add": lambda layer, weights, *inputs: sum(inputs),
    "concat": lambda layer, weights, *inputs: np.concatenate(inputs, 1),
}


def plain_forward(network, x):
    """Every layer's output by name, in float64."""
    values = {"input": x.astype(np.float64)}
    for node in network.nodes:
        prefix = f"{node.name}."
        weights = {
            name.removeprefix(prefix): array.astype(np.float64)
            for name, array in network.weights.items()
            if name.startswith(prefix)
        }
        values[node.name] = PLAIN[node.layer.word](
            node.layer, weights, *(values[name] for name in node.inputs)
        )
    return values


def check(line, shape, seed=0):
    network = with_random_weights(Network.from_text(line, shape), seed)
    x = np.random.default_rng(seed).normal(0, 2, (3, *shape)).astype(np.float32)
    expected = plain_forward(network, x)[network.output]
    module = NetworkModule(network).eval()
    assert expected.shape == (3, *network.output_shape)
    for memory in (torch.contiguous_format, torch.channels_last):
        with torch.no_grad():
            got = module(torch.from_numpy(x).contiguous(memory_format=memory)).numpy()
        np.testing.assert_allclose(got, expected, rtol=2e-4, atol=2e-5 * max(1, np.abs(expected).max()))


def test_every_layer_is_compared():
    assert set(PLAIN) == set(LAYERS)
    assert set(BUILD) == set(LAYERS.values())


@pytest.mark.parametrize("word", sorted(LAYERS))
def test_the_layer_in_the_network_of_all_layers(word):
    """Up to each kind's last use, so that a failure names the layer."""
    whole = Network.from_text(EVERY_LAYER, (3, 19, 22))
    last = max(i for i, node in enumerate(whole.nodes) if node.layer.word == word)
    check(Network((3, 19, 22), whole.nodes[: last + 1]).text, (3, 19, 22))


@settings(max_examples=60)
@given(st.data())
def test_convolution_over_all_its_hyperparameters(data):
    number = lambda top: data.draw(st.integers(1, top))  # noqa: E731
    groups = data.draw(st.sampled_from([1, 1, 2, 3]))
    pads = "x".join(f"{data.draw(st.integers(0, 3))}:{data.draw(st.integers(0, 3))}" for _ in range(2))
    line = (
        f"conv {groups * number(5)} {number(5)}x{number(5)} stride {number(3)}x{number(3)} "
        f"pad {data.draw(st.sampled_from(['same', pads]))} dilation {number(2)}x{number(2)} groups {groups}"
    )
    shape = (groups * number(2), number(12), number(12))
    try:
        Network.from_text(line, shape)
    except NetworkError:
        assume(False)
    check(line, shape)


@settings(max_examples=60)
@given(st.data())
def test_pooling_over_all_its_hyperparameters(data):
    number = lambda top: data.draw(st.integers(1, top))  # noqa: E731
    window = (number(4), number(4))
    pads = "x".join(f"{data.draw(st.integers(0, f - 1))}:{data.draw(st.integers(0, f - 1))}" for f in window)
    pads = data.draw(st.sampled_from(["same", pads]))
    kind = data.draw(st.sampled_from(["maxpool", "avgpool", "avgpool countpad"]))
    word, _, option = kind.partition(" ")
    line = f"{word} {window[0]}x{window[1]} stride {number(4)}x{number(4)} pad {pads} {option}".strip()
    shape = (2, number(11), number(11))
    try:
        Network.from_text(line, shape)
    except NetworkError:
        assume(False)
    check(line, shape)


def test_other_than_pictures_is_an_error_of_ours():
    with pytest.raises(EngineError, match="height and width") as caught:
        NetworkModule(Network.from_text("conv 2 3", (1, 9)))
    assert caught.value.where == "conv1"
    assert caught.value.received == "1 spatial axis"
