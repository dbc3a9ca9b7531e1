"""The measuring loops: what they refuse, and that their figures are of this machine."""

import pytest

from pellucid.engines.measuring import machine
from pellucid.native import native

if native is None:
    pytest.skip("the compiled part was not built here", allow_module_level=True)


@pytest.mark.parametrize("name", native.train_instructions())
def test_every_set_that_trains_is_measured(name):
    assert machine.multiply_add(name, 1, 0) > 0
    assert machine.bandwidth(name, 2, machine.CACHE, 0) > 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("mmx", 1, 0.0), "this processor has no mmx"),
        (("sse4", 0, 0.0), "1 to 1,024 threads"),
        (("sse4", 1, -1.0), "up to 60 seconds"),
        (("sse4", 1, float("nan")), "up to 60 seconds"),
    ],
)
def test_nonsense_is_refused(arguments, says):
    with pytest.raises(ValueError, match=says):
        native.multiply_add_rate(*arguments)
    with pytest.raises(ValueError, match=says):
        native.triad_rate(*arguments[:2], 1 << 16, arguments[2])


def test_no_more_memory_is_touched_than_is_sensible():
    with pytest.raises(ValueError, match="up to 1 GiB"):
        native.triad_rate(native.train_instructions()[0], 1, 1 << 40, 0.0)


def test_the_matrix_product_says_its_rate_and_its_threads():
    rate, threads = machine.matrix_product(0.01, side=64)
    assert rate > 0
    assert 1 <= threads <= 1024
    assert machine.blas()
