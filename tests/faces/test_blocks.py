"""Pictures as terminal text: read back pixel by pixel, and in plain characters without colour."""

import io
import re

import numpy as np
import pytest
from rich.console import Console

from pellucid.faces.cli.blocks import (
    HALF,
    SHADES,
    TRUE_COLOURS,
    block_lines,
    colours_of,
    grey_lines,
    is_light,
    plain_lines,
    scale_line,
)
from pellucid.inside.colours import Scale

_COLOUR = r"5;\d+|2;\d+;\d+;\d+"
CODE = re.compile(rf"\x1b\[38;({_COLOUR});(?:49|48;({_COLOUR}))m|({HALF})")


def read_back(lines: list[str]) -> list[list[str | None]]:
    """The colour code of every pixel, as a terminal would paint it; None where nothing is painted."""
    rows = []
    for line in lines:
        assert line.endswith("\x1b[0m")
        upper, lower, now = [], [], ("", "")
        for code, ground, block in CODE.findall(line):
            if block:
                upper.append(now[0])
                lower.append(now[1])
            else:
                now = code, ground or None
        rows += [upper, lower]
    return rows


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


@pytest.mark.parametrize("height", [1, 2, 5, 8])
def test_every_pixel_has_its_colour(height):
    pixels = picture(height, 7)
    rows = read_back(block_lines(pixels, 80, TRUE_COLOURS))
    for row, painted in zip(pixels.tolist(), rows, strict=False):
        assert painted == [f"2;{r};{g};{b}" for r, g, b in row]
    if height % 2:
        assert rows[-1] == [None] * 7


def test_equal_neighbours_need_one_code():
    lines = block_lines(np.full((4, 50, 3), 7, np.uint8), 80, TRUE_COLOURS)
    assert lines == 2 * ["\x1b[38;2;7;7;7;48;2;7;7;7m" + 50 * HALF + "\x1b[0m"]


def xterm(number: int) -> tuple[int, int, int]:
    """The colour of xterm's table, by its own rule (256colres.pl)."""
    if number >= 232:
        return (8 + 10 * (number - 232),) * 3
    cube = number - 16
    return tuple(40 * step + 55 if step else 0 for step in (cube // 36, cube // 6 % 6, cube % 6))


def test_of_256_colours_the_nearest_is_taken():
    pixels = picture(40, 40)
    pixels[0, :4] = [(0, 0, 0), (255, 255, 255), (95, 135, 175), (128, 128, 128)]
    rows = read_back(block_lines(pixels, 80, 256))
    table = np.array([xterm(number) for number in range(16, 256)])
    for row, painted in zip(pixels.astype(int), rows, strict=True):
        for pixel, code in zip(row, painted, strict=True):
            away = ((table - pixel) ** 2).sum(1)
            assert away[int(code.removeprefix("5;")) - 16] == away.min()
    assert rows[0][:4] == ["5;16", "5;231", "5;67", "5;244"]


@pytest.mark.parametrize(("width", "columns"), [(100, 80), (81, 80), (451, 40), (7, 1), (9, 9)])
def test_no_line_is_wider_than_the_terminal(width, columns):
    pixels = picture(30, width)
    assert all(line.count(HALF) <= columns for line in block_lines(pixels, columns, TRUE_COLOURS))
    assert all(len(line) <= columns for line in grey_lines(pixels, columns))
    if columns > 1:
        assert all(len(line) <= columns for line in plain_lines(pixels[:, :, 0], Scale(255, True), columns))


def test_shrinking_takes_the_mean():
    pixels = np.array([[10, 20, 90], [30, 40, 110]], np.uint8)[:, :, None].repeat(3, 2)
    assert block_lines(pixels, 2, TRUE_COLOURS) == [
        f"\x1b[38;2;25;25;25;49m{HALF}\x1b[38;2;100;100;100;49m{HALF}\x1b[0m"
    ]


def test_signed_values_are_figures():
    values = np.array([[-1.0, -0.5, 0], [0.02, 0.12, 1], [np.nan, 0, 0.3]])
    assert plain_lines(values, Scale(1.0, True), 80) == ["-9-4 .", " . 1 9", "?? . 3"]
    assert scale_line(Scale(0.834, True)) == "9 is 0.834, -9 is -0.834, a dot is 0"


def test_values_from_zero_on_are_shades():
    values = np.arange(10).reshape(2, 5)
    assert plain_lines(values, Scale(9.0, False), 80) == ["  ..::--==", "++**##%%@@"]
    assert scale_line(Scale(9.0, False)) == f'from 0 " " to 9 "@", shades {SHADES.strip()}'


def test_a_map_of_zeros_is_blank_or_dots():
    assert plain_lines(np.zeros((2, 3)), Scale(0.0, False), 80) == ["", ""]
    assert plain_lines(np.zeros((1, 2)), Scale(0.0, True), 80) == [" . ."]


def test_photographs_keep_their_proportions():
    pixels = np.full((40, 60, 3), 255, np.uint8)
    assert grey_lines(pixels, 200) == 40 * [120 * "@"]
    assert grey_lines(pixels, 60) == 20 * [60 * "@"]
    assert grey_lines(pixels[:3, :, :1], 30) == [30 * "@"]


@pytest.mark.parametrize(
    ("environment", "terminal", "colours"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, True, TRUE_COLOURS),
        ({"TERM": "xterm-256color"}, True, 256),
        ({"TERM": "xterm"}, True, 0),
        ({"TERM": "dumb"}, True, 0),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor", "NO_COLOR": "1"}, True, 0),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, False, 0),
    ],
)
def test_the_terminal_says_how_many_colours(environment, terminal, colours):
    stream = io.TextIOWrapper(io.BytesIO(), "utf-8")
    console = Console(file=stream, force_terminal=terminal, _environ=environment)
    assert colours_of(console) == colours


def test_a_terminal_without_half_blocks_gets_none():
    stream = io.TextIOWrapper(io.BytesIO(), "ascii")
    console = Console(file=stream, force_terminal=True, _environ={"TERM": "xterm", "COLORTERM": "truecolor"})
    assert colours_of(console) == 0


@pytest.mark.parametrize(
    ("said", "light"), [("0;15", True), ("15;0", False), ("0;default;7", True), ("", False)]
)
def test_a_light_ground_is_believed_where_it_is_said(monkeypatch, said, light):
    monkeypatch.setenv("COLORFGBG", said)
    assert is_light() is light
