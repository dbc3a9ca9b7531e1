"""Convolution by double columns against torch's own convolution."""

import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.engines.torch.narrow import conv_of_few_channels, folds
from pellucid.network.layers import Conv


@settings(max_examples=80)
@given(
    channels=st.tuples(st.integers(1, 4), st.integers(1, 9)),
    kernel=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    rows=st.integers(1, 5),
    pairs=st.integers(1, 5),
    bias=st.booleans(),
)
def test_values_and_gradients_are_the_convolutions(channels, kernel, rows, pairs, bias):
    generator = torch.Generator().manual_seed(0)
    into, out = channels
    draw = lambda *shape: torch.randn(*shape, generator=generator, dtype=torch.float64)  # noqa: E731
    x = draw(2, into, rows + kernel[0] - 1, 2 * pairs + kernel[1] - 1).contiguous(
        memory_format=torch.channels_last
    )
    weight, b = draw(out, into, *kernel).requires_grad_(), draw(out).requires_grad_() if bias else None
    expected, got = F.conv2d(x, weight, b), conv_of_few_channels(x, weight, b)
    torch.testing.assert_close(got, expected)
    mix = draw(*expected.shape)
    wanted = [weight, b] if b is not None else [weight]
    for one, other in zip(
        torch.autograd.grad(expected, wanted, mix), torch.autograd.grad(got, wanted, mix), strict=True
    ):
        torch.testing.assert_close(other, one)


def test_it_is_used_only_where_lanes_would_idle_and_columns_pair():
    def used(channels, size=(1, 28, 28), **options):
        return folds(Conv(channels, (5, 5), **options).for_rank(2), size)

    assert [n for n in range(1, 50) if used(n)] == [*range(1, 9), *range(17, 25), *range(33, 41), 49]
    assert used(8, padding=(2, 2))
    assert not used(8, (1, 28, 29))
    assert not used(8, (5, 28, 28))
    assert not used(8, stride=(2, 1))
    assert not used(8, dilation=(2, 2))
    assert not used(8, (2, 28, 28), groups=2)
