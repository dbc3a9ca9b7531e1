"""The learning rate's cycle."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pellucid.training.schedule import rates


@given(st.integers(2, 5000), st.floats(1e-5, 10), st.floats(0, 1))
def test_it_rises_once_to_the_peak_and_falls_once(total, peak, warmup):
    cycle = rates(0, total, total, peak, warmup)
    top = int(cycle.argmax())
    assert (np.diff(cycle[: top + 1]) >= 0).all()
    assert (np.diff(cycle[top:]) <= 0).all()
    assert cycle.max() <= np.float32(peak) * (1 + 1e-6)
    assert cycle.min() > 0


@given(st.integers(1, 400), st.integers(0, 399), st.integers(1, 400))
def test_a_piece_is_that_piece_of_the_whole(total, first, count):
    whole = rates(0, total + count + first, total, 0.1, 0.2)
    assert np.array_equal(rates(first, count, total, 0.1, 0.2), whole[first : first + count])


def test_the_numbers_of_one_cycle():
    cycle = rates(0, 11, 11, 1.0, 0.0)
    assert cycle[0] == 1.0
    assert np.isclose(cycle[5], 0.002 + 0.998 / 2)
    assert np.isclose(cycle[10], 0.002)
