"""Sheets of maps and filters: every value where it belongs, many and large ones bounded and said, files readable."""

import io

import numpy as np
import pytest
from PIL import Image

from pellucid.inside.colours import DARK, LIGHT, Scale, coloured, scale_of
from pellucid.inside.pictures import (
    LARGEST_TILE,
    MOST_PIXELS,
    MOST_TILES,
    WIDTH,
    enlarged,
    kernel_sheet,
    map_sheet,
    png,
)


def holds(sheet: np.ndarray, tile: np.ndarray) -> bool:
    """Whether the tile stands somewhere on the sheet, pixel for pixel."""
    height, width = tile.shape[:2]
    for row, column in np.argwhere((sheet == tile[0, 0]).all(-1)):
        if np.array_equal(sheet[row : row + height, column : column + width], tile):
            return True
    return False


def maps(count, height, width, seed=0):
    return np.random.default_rng(seed).normal(size=(count, height, width)).astype(np.float32)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_every_map_is_drawn_crisp_on_one_scale(theme):
    values = maps(5, 4, 6)
    sheet = map_sheet(values, "conv1", theme=theme)
    assert sheet.drawn == (0, 1, 2, 3, 4) and sheet.left_out == ()
    assert sheet.picture.dtype == np.uint8 and sheet.picture.shape[2] == 3
    for one in values:
        assert holds(sheet.picture, enlarged(coloured(one, scale_of(values), theme), 25))
    assert (sheet.picture[0] == theme.ground).all()


def test_on_its_own_scale_each_map_reaches_the_ends():
    values = maps(3, 5, 5) * np.array([1, 10, 100])[:, None, None]
    sheet = map_sheet(values, "conv1", per_map=True)
    for one in values:
        assert holds(sheet.picture, enlarged(coloured(one, scale_of(one)), 30))


def test_of_too_many_the_strongest_are_drawn_and_the_rest_named():
    values = np.abs(maps(512, 7, 7)) * (1 + np.arange(512)[::-1] % 7)[:, None, None]
    sheet = map_sheet(values, "conv5")
    strength = values.mean((1, 2))
    assert len(sheet.drawn) == MOST_TILES
    assert list(sheet.drawn) == sorted(range(512), key=lambda place: -strength[place])[:MOST_TILES]
    assert sorted((*sheet.drawn, *sheet.left_out)) == list(range(512))
    assert sheet.picture.shape[1] <= WIDTH


def test_large_maps_stay_within_the_bound():
    sheet = map_sheet(maps(64, 224, 224), "conv1")
    assert len(sheet.drawn) == MOST_PIXELS // 224**2
    assert sheet.picture.shape[1] <= WIDTH
    assert sheet.picture.shape[0] * sheet.picture.shape[1] < 2 * MOST_PIXELS


def test_of_a_map_too_large_the_strongest_value_of_each_block_is_drawn():
    values = np.zeros((1, 1500, 1000))
    values[0, 300, 301], values[0, 1499, 999], values[0, 1498, 999] = -5, 2, 1
    sheet = map_sheet(values, "conv1")
    assert -(-1500 // LARGEST_TILE) == 3
    small = np.zeros((500, 334))
    small[100, 100], small[499, 333] = -5, 2
    assert holds(sheet.picture, coloured(small, Scale(5, True)))


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 40), (2, 40, 1), (1, 1, 3000), (200, 1, 1)])
def test_any_shape_makes_a_sheet(shape):
    sheet = map_sheet(maps(*shape), "dense1 <b>\x1b[31m " + "long " * 60)
    assert sheet.picture.size < 3 * 2 * MOST_PIXELS


def test_maps_without_a_number_are_drawn_grey():
    values = maps(2, 4, 4)
    values[1, 0, 0] = np.nan
    values[0] = np.inf
    sheet = map_sheet(values, "broken")
    assert holds(sheet.picture, enlarged(np.full((4, 4, 3), LIGHT.not_finite, np.uint8), 37))


def test_filters_of_one_channel_are_signed_those_of_three_are_colours():
    kernels = maps(4, 3, 3)[:, None]
    end = float(np.abs(kernels).max())
    sheet = kernel_sheet(kernels, "conv1.weight", ["Sobel x 0.93"] * 4)
    for one in kernels[:, 0]:
        assert holds(sheet.picture, enlarged(coloured(one, Scale(end, True)), 50))
    colour = maps(6, 3, 3).reshape(2, 3, 3, 3)
    sheet = kernel_sheet(colour, "conv1.weight", per_kernel=True)
    for one in colour:
        expected = np.rint(127.5 + 127.5 * one.transpose(1, 2, 0).astype(float) / np.abs(one).max()).astype(
            np.uint8
        )
        assert holds(sheet.picture, enlarged(expected, 50))


def test_all_positive_filters_still_show_their_sign():
    sheet = kernel_sheet(np.full((1, 1, 3, 3), 0.5), "blur")
    assert holds(sheet.picture, np.full((150, 150, 3), LIGHT.positive[-1], np.uint8))


def test_the_file_tells_what_it_shows():
    picture = map_sheet(maps(2, 3, 3), "conv1").picture
    data = png(
        picture, {"Title": "conv1 of seven.png", "Model": "größe 数\x1b[31m", "Software": "pellucid 0.1"}
    )
    with Image.open(io.BytesIO(data)) as opened:
        assert np.array_equal(np.asarray(opened), picture)
        assert opened.text == {  # type: ignore[attr-defined]
            "Title": "conv1 of seven.png", "Model": "größe 数\\x1b[31m", "Software": "pellucid 0.1"
        }  # fmt: skip
    assert data == png(
        picture, {"Title": "conv1 of seven.png", "Model": "größe 数\x1b[31m", "Software": "pellucid 0.1"}
    )


def test_the_same_maps_make_the_same_sheet():
    assert np.array_equal(map_sheet(maps(3, 5, 5), "a").picture, map_sheet(maps(3, 5, 5), "a").picture)
