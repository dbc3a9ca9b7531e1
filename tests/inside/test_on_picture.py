"""Heatmaps and outlines on the picture: checked by hand, against Pillow and scikit-image."""

import numpy as np
import pytest
from PIL import Image
from skimage import data, measure

from pellucid.inside.colours import DARK, LIGHT
from pellucid.inside.on_picture import CASING, LARGEST, LINE, heat_panel, laid_over, outlined, rgb


def test_where_the_heat_is_zero_the_grey_picture_shows_whole():
    picture = data.chelsea()[:60, :80]
    grey = np.asarray(Image.fromarray(picture).convert("L")).astype(int)
    shown = laid_over(picture, np.zeros((60, 80)))
    assert np.abs(shown.astype(int) - (50 + 0.6 * grey)[:, :, None]).max() <= 1


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_at_the_ends_a_fifth_of_it_shows(theme):
    picture = np.full((2, 3, 1), 100, np.uint8)
    shown = laid_over(picture, np.array([[0, 4, -4], [0, 0, 0]]), theme)
    assert np.array_equal(shown[0, 1], np.rint(0.2 * 110 + 0.8 * np.array(theme.positive[-1])))
    assert np.array_equal(shown[0, 2], np.rint(0.2 * 110 + 0.8 * np.array(theme.negative[-1])))
    assert (shown[1] == 110).all()


def test_a_coarse_heatmap_lies_on_the_right_place():
    heat = np.zeros((4, 4))
    heat[0, 3] = 1
    shown = laid_over(np.full((40, 80, 3), 200, np.uint8), heat).astype(int)
    tinted = shown[:, :, 0] - shown[:, :, 2] > 20
    rows, columns = np.nonzero(tinted)
    assert rows.max() < 20 and columns.min() >= 40
    assert tinted[4, 70]


def test_a_heatmap_with_nan_is_drawn():
    assert laid_over(np.zeros((4, 4, 1), np.uint8), np.full((4, 4), np.nan)).max() == 50


def test_the_outline_runs_inside_the_field_and_nowhere_else():
    field = np.zeros((10, 10), bool)
    field[2:6, 3:9] = True
    times = 32
    drawn = outlined(np.full((10, 10), 90, np.uint8), field)
    assert drawn.shape == (320, 320, 3)
    changed = (drawn != 90).any(-1)
    large = field.repeat(times, 0).repeat(times, 1)
    assert not (changed & ~large).any()
    # 1 pixel of casing, 2 of line, 1 of casing, then the picture again.
    column = drawn[2 * times : 2 * times + 5, 4 * times].tolist()
    assert column == [list(CASING), list(LINE), list(LINE), list(CASING), [90, 90, 90]]
    assert changed.sum() == sum(2 * (4 * times - 2 * k) + 2 * (6 * times - 2 * k) - 4 for k in range(4))


def test_a_field_of_any_shape_has_one_closed_line_a_piece():
    field = np.zeros((30, 30), bool)
    field[2:20, 2:20] = True
    field[8:12, 8:12] = False  # a hole
    field[24:28, 22:29] = True  # a second piece
    line = (outlined(np.zeros((30, 30, 3), np.uint8), field) == LINE).all(-1)
    assert measure.label(line, connectivity=2).max() == 3


def test_a_field_of_the_whole_picture_is_framed_and_an_empty_one_is_not():
    picture = np.full((20, 20, 1), 7, np.uint8)
    assert (outlined(picture, np.ones((20, 20), bool))[0] == CASING).all()
    assert (outlined(picture, np.zeros((20, 20), bool)) == 7).all()


def test_one_pixel_of_a_large_picture_is_still_marked():
    picture = np.zeros((2000, 3000, 3), np.uint8)
    field = np.zeros((2000, 3000), bool)
    field[700, 1500] = True
    drawn = outlined(picture, field)
    assert max(drawn.shape) == LARGEST
    rows, columns = np.nonzero((drawn == CASING).all(-1))
    assert np.allclose([rows.mean(), columns.mean()], [700 * 640 / 3000, 320], atol=1.5)


@pytest.mark.parametrize("shape", [(28, 28, 1), (300, 451, 3), (1, 1, 1), (2, 900, 3), (1200, 900, 3)])
def test_the_panel_has_both_pictures_side_by_side(shape):
    picture = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    field = np.ones(shape[:2], bool)
    for theme in (LIGHT, DARK):
        panel = heat_panel(picture, np.eye(3) - 0.5, "why seven", field, theme)
        assert panel.dtype == np.uint8 and panel.shape[1] < 2 * LARGEST + 100
        assert (panel[0] == theme.ground).all()


def test_the_plain_picture_stands_on_the_panel_unchanged():
    picture = data.chelsea()
    panel = heat_panel(picture, np.eye(7), "cat")
    top, left = np.argwhere((panel != LIGHT.ground).any(-1)[45:])[0] + (45, 0)
    assert np.array_equal(panel[top : top + 300, left : left + 451], picture)


def test_a_heatmap_of_a_value_a_pixel_stays_crisp():
    picture, heat = np.full((4, 4, 1), 100, np.uint8), np.zeros((4, 4))
    heat[1, 2] = 1
    panel = heat_panel(picture, heat, "gradient")
    coloured = (np.ptp(panel.astype(int), axis=-1) > 40)[:-60]  # without the scale's bar
    rows, columns = np.nonzero(coloured)
    assert coloured.sum() == 80 * 80 == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)


def test_grey_pictures_become_three_channels():
    assert rgb(np.full((2, 2), 9, np.uint8)).tolist() == np.full((2, 2, 3), 9).tolist()
