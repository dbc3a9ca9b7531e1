"""Learning a filter: the kernel comes back from real photographs, within the tolerance that is stated; what no filter
made is refused with what is left. SciPy makes the targets."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage import data, exposure, transform

from pellucid.errors import DataError
from pellucid.filters import KERNELS, learn
from pellucid.filters.descent import descend
from pellucid.filters.statistics import Pairs, gather, rounding_means

MODES = {"zero": "constant", "reflect": "mirror", "replicate": "nearest"}
OWN = np.random.default_rng(5).normal(size=(5, 5)) / 3
PICTURES = {
    "camera": data.camera()[100:356, 80:380, None],
    "astronaut": data.astronaut()[40:240, 150:400],
    "coffee": data.coffee()[60:260, 100:380],
}
KERNELS_TO_LEARN = {"sobel-x": KERNELS["sobel-x"].array, "sharpen": KERNELS["sharpen"].array, "own": OWN}


def target_of(picture, kernel, mode="constant"):
    """Every channel through the kernel, float32, by SciPy."""
    planes = [
        ndimage.correlate(picture[:, :, i].astype(np.float64), kernel, mode=mode)
        for i in range(picture.shape[2])
    ]
    return np.stack(planes, 2).astype(np.float32)


def eight_bit(values):
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize("kernel", KERNELS_TO_LEARN)
def test_a_float_target_gives_the_kernel_back(picture, kernel):
    pixels, true = PICTURES[picture], KERNELS_TO_LEARN[kernel]
    learned = learn(pixels, target_of(pixels, true), len(true))
    assert learned.kernel.shape == (1, *true.shape)
    assert np.abs(learned.kernel[0] - true).max() < 1e-6
    assert np.abs(learned.kernel[0] - true).max() < learned.tolerance
    assert learned.residual < 1e-10
    assert (learned.masked, learned.channels, learned.border) == (0, "each", "zero")


@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize("kernel", KERNELS_TO_LEARN)
def test_an_8_bit_target_gives_it_back_within_the_stated_tolerance(picture, kernel):
    pixels, true = PICTURES[picture], KERNELS_TO_LEARN[kernel]
    target = eight_bit(target_of(pixels, true))
    learned = learn(pixels, target, len(true))
    assert (np.abs(learned.kernel[0] - true) <= learned.tolerances).all()
    assert learned.tolerance == learned.tolerances.max() < 0.05
    margin = len(true) // 2
    inner = target[margin:-margin, margin:-margin]
    assert learned.masked == np.isin(inner, (0, 255)).sum() > 0
    assert learned.pixels + learned.masked == inner.size


@given(st.integers(0, 10**6))
@settings(max_examples=12, deadline=None)
def test_the_stated_tolerance_holds_for_any_kernel(seed):
    rng = np.random.default_rng(seed)
    true = rng.normal(size=(3, 3)) * rng.uniform(0.05, 1)
    true += (1 - true.sum()) / 9  # so that not everything is cut off
    pixels = PICTURES["coffee"][:120, :160]
    learned = learn(pixels, eight_bit(target_of(pixels, true)), 3)
    assert (np.abs(learned.kernel[0] - true) <= learned.tolerances).all()


def test_the_descent_ends_at_the_least_squares_solution_and_its_loss_falls():
    pixels = PICTURES["camera"]
    target = target_of(pixels, OWN)
    target += np.random.default_rng(0).normal(size=target.shape).astype(np.float32)
    height, width = pixels.shape[:2]
    sums = gather(Pairs(pixels, target, (5, 5), 2, 2, False))
    steps, distance = descend(sums, (1, 5, 5))
    windows = np.lib.stride_tricks.sliding_window_view(pixels[:, :, 0].astype(np.float64), (5, 5)).reshape(
        -1, 25
    )
    wanted = target[2 : height - 2, 2 : width - 2].ravel().astype(np.float64)
    best = np.linalg.lstsq(windows, wanted, rcond=None)[0]
    assert np.abs(steps[-1].kernel.ravel() - best).max() < 1e-7
    assert distance < 1e-7
    for step in steps:  # the losses are what the kernels really lose
        loss = ((windows @ step.kernel.ravel() - wanted) ** 2).mean()
        assert step.loss == pytest.approx(loss, rel=1e-9, abs=1e-9)
    losses = [step.loss for step in steps]
    assert losses == sorted(losses, reverse=True)
    assert losses[0] == pytest.approx((wanted**2).mean())
    assert [step.step for step in steps[:5]] == [0, 1, 2, 3, 4]


def test_blocks_of_rows_change_nothing(monkeypatch):
    pixels, true = PICTURES["astronaut"], KERNELS["emboss"].array
    pairs = Pairs(pixels, target_of(pixels, true), (3, 3), 1, 1, False)
    whole = gather(pairs)
    monkeypatch.setattr("pellucid.filters.statistics.BLOCK", 10_000)
    parts = gather(pairs)
    assert np.array_equal(whole.gram, parts.gram)  # sums of whole numbers
    assert np.allclose(whole.moment, parts.moment, rtol=1e-12)
    assert (whole.count, whole.masked) == (parts.count, parts.masked)


@pytest.mark.parametrize("border", MODES)
def test_the_border_is_told_from_the_targets_border(border):
    pixels = PICTURES["camera"]
    target = target_of(pixels, KERNELS["gaussian-5"].array, MODES[border])
    assert learn(pixels, target, 5).border == border
    assert learn(pixels, eight_bit(target), 5).border == border


def test_a_target_without_padding_and_even_sizes():
    pixels = PICTURES["camera"]
    true = np.array([[0.5, -1.0], [2.0, 0.25]])
    windows = np.lib.stride_tricks.sliding_window_view(pixels[:, :, 0].astype(np.float64), (2, 2))
    target = np.einsum("yxij,ij->yx", windows, true)[:, :, None].astype(np.float32)
    learned = learn(pixels, target, 2)
    assert np.abs(learned.kernel[0] - true).max() < 1e-6
    assert learned.border == "valid"
    with pytest.raises(DataError, match="even side"):
        learn(pixels, pixels, 2)


def test_a_kernel_over_the_volume():
    pixels = PICTURES["coffee"]
    true = np.random.default_rng(3).normal(size=(3, 3, 3))
    planes = [
        ndimage.correlate(pixels[:, :, i].astype(np.float64), true[i], mode="constant") for i in range(3)
    ]
    learned = learn(pixels, sum(planes)[:, :, None].astype(np.float32), 3)
    assert learned.channels == "volume"
    assert np.abs(learned.kernel - true).max() < 1e-4


def other_targets():
    """What no single 3x3 filter makes of the picture, and words of the remedy."""
    pixels = PICTURES["camera"]
    sobel = target_of(pixels, KERNELS["sobel-x"].array)
    stretched = eight_bit((sobel - sobel.min()) / (sobel.max() - sobel.min()) * 255)
    half = transform.resize(transform.resize(pixels / 255, (128, 150)), pixels.shape[:2])
    return {
        "equalised": (eight_bit(255 * exposure.equalize_hist(pixels)), "equalised"),
        "rescaled": (eight_bit(255 * half), "rescaled"),
        "another picture": (data.astronaut()[:256, :300, :1], "another picture"),
        "moved": (np.roll(pixels, 5, 1), "moved"),
        "median": (ndimage.median_filter(pixels, (3, 3, 1)), "weighted sum"),
        "gamma": ((255 * (pixels / 255) ** 0.9).astype(np.float32), "weighted sum"),
        "absolute": (np.abs(sobel), "weighted sum"),
        "rectified": (np.maximum(sobel, 0), "ReLU"),
        "stretched": (stretched, "a filter and a constant"),
        "larger kernel": (target_of(pixels, OWN), "a larger --size"),
    }


@pytest.mark.parametrize("name", other_targets())
def test_what_one_filter_cannot_make_is_refused_with_the_residual(name):
    target, hint = other_targets()[name]
    with pytest.raises(DataError, match="One 3 x 3 filter can't make this target") as caught:
        learn(PICTURES["camera"], target, 3, where="target.png")
    assert "the target's variance" in caught.value.received
    assert "rounding explains" in caught.value.received
    assert hint in caught.value.remedy
    assert caught.value.where == "target.png"


def test_the_residual_in_the_refusal_is_what_least_squares_leaves():
    pixels = PICTURES["camera"]
    target = eight_bit(np.sqrt(pixels / 255.0) * 250 + 2)  # never cut off
    windows = np.lib.stride_tricks.sliding_window_view(pixels[:, :, 0].astype(np.float64), (3, 3)).reshape(
        -1, 9
    )
    wanted = target[1:-1, 1:-1].ravel().astype(np.float64)
    best = np.linalg.lstsq(windows, wanted, rcond=None)[0]
    share = ((np.clip(windows @ best, 0, 255) - wanted) ** 2).mean() / wanted.var()
    with pytest.raises(DataError) as caught:
        learn(pixels, target, 3)
    assert f"leaves {100 * share:.1f}% of" in caught.value.received


def test_sizes_that_differ_are_both_said():
    pixels = PICTURES["camera"]
    with pytest.raises(DataError) as caught:
        learn(pixels, pixels[::2, ::2], 3)
    assert caught.value.received == "picture 256 x 300, target 128 x 150 (height x width)"
    assert "254 x 298" in caught.value.remedy


FLAT = {
    "one grey": (np.full((30, 40, 1), 90, np.uint8), 1),
    "a slope": (np.add.outer(np.arange(40), 2 * np.arange(40)).astype(np.uint8)[:, :, None], 2),
    "stripes": (
        np.tile(np.random.default_rng(0).integers(0, 256, 50, dtype=np.uint8), (40, 1))[:, :, None],
        3,
    ),
}


@pytest.mark.parametrize("name", FLAT)
def test_a_picture_that_cannot_tell_says_so(name):
    pixels, told = FLAT[name]
    with pytest.raises(DataError, match="too flat to tell") as caught:
        learn(pixels, pixels.astype(np.float32) / 2, 3)
    assert f"it tells {told} of the 9 numbers" in caught.value.received


def test_flat_beside_the_rounding_and_nearly_all_cut_off():
    faint = (100 + (np.random.default_rng(0).random((24, 24, 1)) < 0.1)).astype(np.uint8)
    with pytest.raises(DataError, match="too flat to tell the filter, beside"):
        learn(faint, faint, 3)
    edges = np.where(PICTURES["camera"] > 120, 255, 0).astype(np.uint8)
    with pytest.raises(DataError, match="Nearly all of the target is black"):
        learn(PICTURES["camera"], edges, 3)


def test_impossible_inputs():
    one = np.full((1, 1, 1), 7, np.uint8)
    with pytest.raises(DataError, match="larger than the picture"):
        learn(one, one, 3)
    with pytest.raises(DataError, match="too few pixels"):
        learn(one, one, 1)
    pixels = PICTURES["camera"]
    for size in (0, 33):
        with pytest.raises(DataError, match="1 to 31"):
            learn(pixels, pixels, size)
    with pytest.raises(DataError, match="no numbers"):
        learn(pixels, np.full(pixels.shape, np.nan, np.float32), 3)
    with pytest.raises(DataError, match="channels"):
        learn(pixels, np.repeat(pixels, 3, 2), 3)


def test_the_means_of_rounding_follow_from_the_histograms_slope():
    rng = np.random.default_rng(1)
    for scale in (2.0, 5.0):
        values = rng.exponential(scale, 2_000_000)
        levels = np.rint(values).astype(int)
        counts = np.bincount(levels[levels < 255], minlength=256)[:256]
        added = (levels - values)[levels == 3].mean()
        assert rounding_means(counts)[3] == pytest.approx(added, abs=0.004)
        assert added > 0.01
