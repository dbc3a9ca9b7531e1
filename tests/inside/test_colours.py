"""The colours of numbers: hand-checked, even in lightness, and apart for every kind of colour blindness."""

import numpy as np
import pytest

from pellucid.inside.colours import DARK, LIGHT, Scale, colour_weights, coloured, scale_of

# Machado, Oliveira and Fernandes 2009, A physiologically-based model for simulation of color vision deficiency,
# table 1, severity 1.0, on linear RGB.
MACHADO = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}  # fmt: skip
THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])


def linear(colours: np.ndarray) -> np.ndarray:
    """sRGB bytes as linear light (IEC 61966-2-1)."""
    share = np.asarray(colours) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def lab(light: np.ndarray) -> np.ndarray:
    """CIELAB of linear sRGB, white D65 (CIE 15:2004)."""
    matrix = [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
    xyz = np.clip(light, 0, 1) @ np.transpose(matrix) / (0.95047, 1, 1.08883)
    root = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = np.moveaxis(root, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def contrast(one: tuple, other: tuple) -> float:
    """The ratio of WCAG 2.2."""
    lights = sorted(float(linear(np.array(colour)) @ (0.2126, 0.7152, 0.0722)) for colour in (one, other))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


@THEMES
@pytest.mark.parametrize("positive", [True, False])
def test_lightness_goes_one_way_in_even_steps(theme, positive):
    lightness = lab(linear(theme.arm(positive)))[:, 0]
    steps = np.diff(lightness) * (-1 if theme is LIGHT else 1)
    assert (steps > -0.3).all()  # bytes are rounded
    assert (np.diff(lightness[::8]) * (-1 if theme is LIGHT else 1) > 0.5).all()
    assert abs(lightness[-1] - lightness[0]) > 60
    straight = np.linspace(lightness[0], lightness[-1], 256)
    assert np.abs(lightness - straight).max() < 4


@THEMES
def test_both_arms_are_equally_light_at_equal_magnitude(theme):
    both = [lab(linear(theme.arm(positive)))[:, 0] for positive in (True, False)]
    assert np.abs(both[0] - both[1]).max() < 3


@THEMES
@pytest.mark.parametrize("kind", [None, *MACHADO])
def test_the_signs_stay_apart_for_every_kind_of_colour_blindness(theme, kind):
    matrix = np.eye(3) if kind is None else np.array(MACHADO[kind])
    arms = [lab(linear(theme.arm(positive)) @ matrix.T) for positive in (True, False)]
    apart = np.linalg.norm(arms[0] - arms[1], axis=1)
    assert (apart[128:] > 40).all()
    assert (apart[64:] > 20).all()
    assert (apart[26:] > 6).all()  # a tenth of the scale; 2.3 is just noticeable


def test_red_and_green_would_not_have_passed():
    matrix = np.array(MACHADO["deuteranopia"])
    red, green = (lab(linear(np.array(colour)) @ matrix.T) for colour in ((160, 90, 40), (110, 110, 30)))
    assert np.linalg.norm(red - green) < 20


@THEMES
def test_words_have_contrast_enough(theme):
    assert contrast(theme.ink, theme.ground) > 7
    assert contrast(theme.quiet, theme.ground) > 4.5


@THEMES
def test_zero_is_the_ground_and_the_ends_are_the_arms_ends(theme):
    picture = coloured(np.array([-2.0, 0, 2, -5, 5]), Scale(2.0, True), theme)
    assert picture.dtype == np.uint8
    assert picture.tolist() == [list(c) for c in (theme.negative[-1], theme.ground, theme.positive[-1],
                                                  theme.negative[-1], theme.positive[-1])]  # fmt: skip


def test_what_is_no_number_is_grey_and_counts_for_no_scale():
    values = np.array([[np.nan, np.inf], [-np.inf, -3.0]], np.float32)
    assert scale_of(values) == Scale(3.0, True)
    picture = coloured(values, scale_of(values))
    assert [picture[0, 0].tolist(), picture[0, 1].tolist(), picture[1, 0].tolist()] == 3 * [
        list(LIGHT.not_finite)
    ]
    assert picture[1, 1].tolist() == list(LIGHT.negative[-1])


@pytest.mark.parametrize(
    ("values", "scale", "ends"),
    [
        ([0.0, 2.5], Scale(2.5, False), ("0", "2.5")),
        ([-0.25, 2.5], Scale(2.5, True), ("-2.5", "2.5")),
        ([-4, 1], Scale(4, True), ("-4", "4")),
        ([0.0, -0.0], Scale(0, False), ("0", "0")),
        ([-0.0], Scale(0, False), ("0", "0")),
        ([np.nan], Scale(0, False), ("0", "0")),
        ([], Scale(0, False), ("0", "0")),
    ],
)
def test_the_scale_takes_all_in(values, scale, ends):
    assert scale_of(np.array(values)) == scale
    assert scale_of(np.array(values)).ends == ends


def test_a_map_of_zeros_is_the_ground():
    assert (coloured(np.zeros((2, 2)), scale_of(np.zeros((2, 2))), DARK) == DARK.ground).all()


def test_three_channels_become_colours_with_grey_for_zero():
    kernel = np.array([1.0, 0.0, -1.0]).reshape(3, 1, 1)
    assert colour_weights(kernel, 1.0).tolist() == [[[255, 128, 0]]]
    assert colour_weights(kernel, 0.0).tolist() == [[[128, 128, 128]]]
