"""Every layer's values against plain NumPy that follows the definition, place by place (support/numpy_forward.py)."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pellucid.engines.torch import NetworkModule
from pellucid.engines.torch.layers import BUILD
from pellucid.errors import NetworkError
from pellucid.network import Network
from pellucid.network.layers import LAYERS
from support.networks import EVERY_LAYER, with_random_weights
from support.numpy_forward import PLAIN, forward

SPATIAL = {1: (19,), 2: (9, 11), 3: (5, 6, 7)}


def check(line, shape, seed=0):
    network = with_random_weights(Network.from_text(line, shape), seed)
    x = np.random.default_rng(seed).normal(0, 2, (3, *shape)).astype(np.float32)
    expected = forward(network, x)[network.output]
    module = NetworkModule(network).eval()
    assert expected.shape == (3, *network.output_shape)
    channel_first = torch.from_numpy(x)
    channel_last = channel_first.movedim(1, -1).contiguous().movedim(-1, 1)  # as training gives it
    for values in (channel_first, channel_last):
        with torch.no_grad():
            got = module(values).numpy()
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


@settings(max_examples=120)
@given(st.data())
def test_convolution_over_all_its_hyperparameters(data):
    rank = data.draw(st.sampled_from([1, 2, 3]))
    number = lambda top: data.draw(st.integers(1, top))  # noqa: E731
    sizes = lambda top: "x".join(str(number(top)) for _ in range(rank))  # noqa: E731
    groups = data.draw(st.sampled_from([1, 1, 2, 3]))
    pads = "x".join(f"{data.draw(st.integers(0, 3))}:{data.draw(st.integers(0, 3))}" for _ in range(rank))
    line = (
        f"conv {groups * number(3)} {sizes(5 if rank < 3 else 3)} stride {sizes(3)} "
        f"pad {data.draw(st.sampled_from(['same', pads]))} dilation {sizes(2)} groups {groups}"
    )
    shape = (groups * number(2), *(number(12 if rank < 3 else 6) for _ in range(rank)))
    try:
        Network.from_text(line, shape)
    except NetworkError:
        assume(False)
    check(line, shape)


@settings(max_examples=120)
@given(st.data())
def test_pooling_over_all_its_hyperparameters(data):
    rank = data.draw(st.sampled_from([1, 2, 3]))
    number = lambda top: data.draw(st.integers(1, top))  # noqa: E731
    window = [number(4) for _ in range(rank)]
    pads = "x".join(f"{data.draw(st.integers(0, f - 1))}:{data.draw(st.integers(0, f - 1))}" for f in window)
    pads = data.draw(st.sampled_from(["same", pads]))
    kind = data.draw(st.sampled_from(["maxpool", "avgpool", "avgpool countpad"]))
    word, _, option = kind.partition(" ")
    stride = "x".join(str(number(4)) for _ in range(rank))
    line = f"{word} {'x'.join(map(str, window))} stride {stride} pad {pads} {option}".strip()
    shape = (2, *(number(11 if rank < 3 else 7) for _ in range(rank)))
    try:
        Network.from_text(line, shape)
    except NetworkError:
        assume(False)
    check(line, shape)


@pytest.mark.parametrize("rank", SPATIAL)
def test_a_window_that_would_end_beyond_the_input_is_left_out(rank):
    """floor, never ceil: what is left at the end of an axis is seen by no window."""
    shape = (1, *SPATIAL[rank])
    for word in ("maxpool", "avgpool"):
        network = Network.from_text(f"{word} 4 stride 3", shape)
        x = torch.zeros(1, *shape, requires_grad=True)
        NetworkModule(network)(x + torch.arange(x.numel()).reshape(x.shape)).sum().backward()
        assert x.grad is not None
        ends = [(n - 4) // 3 * 3 + 4 for n in shape[1:]]
        assert network.output_shape[1:] == tuple((n - 4) // 3 + 1 for n in shape[1:])
        seen = x.grad.numpy()[0, 0] != 0
        for axis, end in enumerate(ends):
            assert not np.take(seen, range(end, shape[1 + axis]), axis).any()
        assert seen[tuple(end - 1 for end in ends)]
