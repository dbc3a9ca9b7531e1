"""Random numbers as pure functions: the published splitmix64 values, uniformity, independence of neighbours."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pellucid import draws

MASK = (1 << 64) - 1


def plain_mix(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def plain_bits(*keys):
    state = 0
    for key in keys:
        inner = plain_mix(((key & MASK) + 0x9E3779B97F4A7C15) & MASK)
        state = plain_mix((state + 0x9E3779B97F4A7C15 + inner) & MASK)
    return state


def test_the_finaliser_is_splitmix64s():
    # The first two outputs of splitmix64 seeded with 1234567 (Vigna's reference code).
    seed, golden = 1234567, 0x9E3779B97F4A7C15
    assert [plain_mix((seed + i * golden) & MASK) for i in (1, 2)] == [
        6457827717110365317,
        3203168211198807973,
    ]


@given(st.lists(st.integers(0, MASK), min_size=1, max_size=4))
def test_bits_are_the_plain_arithmetic(keys):
    assert int(draws.bits(*keys)) == plain_bits(*keys)


@given(st.integers(0, 2**40), st.integers(0, 1000))
def test_arrays_give_what_single_numbers_give(seed, epoch):
    rows = np.arange(50)
    assert draws.bits(seed, epoch, rows).tolist() == [plain_bits(seed, epoch, row) for row in range(50)]


def test_uniform_numbers_are_uniform_and_neighbours_unrelated():
    numbers = draws.uniform(0, 0, np.arange(1_000_000))
    assert numbers.min() >= 0 and numbers.max() < 1
    counts = np.histogram(numbers, bins=100, range=(0, 1))[0]
    chi_square = ((counts - 10_000) ** 2 / 10_000).sum()
    assert chi_square < 160  # 99 degrees of freedom: one chance in 10,000
    assert abs(np.corrcoef(numbers[1:], numbers[:-1])[0, 1]) < 0.005
    assert abs(np.corrcoef(numbers, draws.uniform(0, 1, np.arange(1_000_000)))[0, 1]) < 0.005


@given(st.integers(0, 300), st.integers(0, 2**63 - 1))
def test_a_permutation_holds_every_number_once(n, seed):
    assert sorted(draws.permutation(n, seed)) == list(range(n))
