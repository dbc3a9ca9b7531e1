"""Figures for lessons: what they say is what they were given, they are well-formed, and stand alone."""

import base64
import io
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image
from scipy.signal import correlate

from pellucid import figures
from pellucid.errors import NetworkError, SettingsError
from pellucid.inside.grids import written

SVG = "{http://www.w3.org/2000/svg}"
WICKED = '<script>alert("x")</script>&'


def parsed(figure):
    assert "\n" not in figure.html, "an empty line would end the HTML in Markdown"
    root = ElementTree.fromstring(figure.html)
    for image in root.iter(f"{SVG}svg"):
        assert image.get("role") == "img" and image.get("aria-label")
    return root


@given(arrays(np.int64, array_shapes(min_dims=2, max_dims=2, max_side=7), elements=st.integers(-300, 300)))
def test_a_grid_shows_every_number_in_order(values):
    texts = [text.text for text in parsed(figures.grid(values, shade="sign")).iter(f"{SVG}text")]
    assert [int(text.replace("−", "-")) for text in texts] == values.ravel().tolist()


@given(st.floats(-1e5, 1e5, allow_nan=False))
def test_a_number_is_written_to_three_figures(value):
    assert float(written(value).replace("−", "-")) == pytest.approx(value, rel=6e-3)


def test_a_grid_says_in_words_what_it_shows():
    figure = figures.grid([[0, 0, 0], [0, 7, 0], [0, 0, 0]], "a point", padding=1, mark=[(0, 1, 2, 2)])
    assert figure.alt == (
        "a point: 3 rows of 3 numbers, the outer 1 of padding: 0 0 0; 0 7 0; 0 0 0; marked: rows 0 to 1, columns 1 to 2"
    )
    boxes = list(parsed(figure).iter(f"{SVG}rect"))
    assert sum(box.get("stroke-dasharray") == "3 3" for box in boxes) == 8, "the ring of padding"


def test_many_numbers_are_not_read_out():
    assert figures.grid(np.arange(400).reshape(20, 20)).alt == "20 rows of 20 numbers, from 0 to 399"


@pytest.mark.parametrize("mode", ["grey", "colour"])
def test_a_picture_has_its_own_pixels(mode):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 4, 3 if mode == "colour" else 1), np.uint8)
    (image,) = parsed(figures.picture(pixels, said="noise")).iter(f"{SVG}image")
    data = base64.b64decode(image.get("href").removeprefix("data:image/png;base64,"))
    assert np.array_equal(
        np.asarray(Image.open(io.BytesIO(data))), pixels.squeeze(-1) if mode == "grey" else pixels
    )


def test_a_signed_map_is_blue_below_zero_and_orange_above():
    (image,) = parsed(figures.picture(np.array([[-2.0, 0.0, 2.0]]))).iter(f"{SVG}image")
    data = base64.b64decode(image.get("href").removeprefix("data:image/png;base64,"))
    below, zero, above = np.asarray(Image.open(io.BytesIO(data)))[0].astype(int)
    assert below[2] > below[0] and above[0] > above[2] and zero.tolist() == [255, 255, 255]


def test_bars_are_as_long_as_their_numbers():
    root = parsed(figures.bars({"a": 1, "b": -3, "c": 2}, percent=False))
    lengths = [float(box.get("width")) for box in root.iter(f"{SVG}rect")]
    assert lengths[0] / lengths[2] == pytest.approx(1 / 2, abs=0.01)
    assert lengths[1] / lengths[2] == pytest.approx(3 / 2, abs=0.01)
    assert figures.bars({"a": 0.00001}).alt == "a < 0.01%"


def test_curves_go_through_their_points():
    x = np.linspace(-1, 1, 5)
    root = parsed(figures.curves({"line": (x, 2 * x)}, x="x", y="y"))
    points = max((line.get("points").split() for line in root.iter(f"{SVG}polyline")), key=len)
    places = np.array([[float(n) for n in point.split(",")] for point in points])
    assert np.allclose(np.diff(places, axis=0), np.diff(places, axis=0)[0], atol=0.02), "a straight line"
    assert places[0, 1] > places[-1, 1], "up is up"


def test_names_are_text():
    for figure in (
        figures.grid([[1]], WICKED),
        figures.picture(np.zeros((1, 1), np.uint8), WICKED, said=WICKED),
        figures.bars({WICKED: 1.0}, WICKED),
        figures.curves({WICKED: ([0, 1], [0, 1]), "b": ([0, 1], [0, 1])}, WICKED),
        figures.beside(figures.grid([[1]], WICKED), WICKED),
        figures.stack(np.zeros((1, 1, 1)), WICKED, names=[WICKED]),
    ):
        parsed(figure)
        assert "<script" not in figure.html


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (lambda: figures.grid([1, 2]), "a grid shows numbers"),
        (lambda: figures.grid(np.zeros((100, 100))), "at most 1,600"),
        (lambda: figures.picture(np.zeros((2, 2, 2), np.uint8)), "1 or 3 channels"),
        (lambda: figures.stack(np.zeros((2, 2))), "channels, height, width"),
        (lambda: figures.bars({}), "bars are"),
        (lambda: figures.curves({"a": ([1, 2], [1])}), "one length"),
        (lambda: figures.exercise("knitting"), "knitting"),
    ],
)
def test_what_can_t_be_drawn_is_refused(made, says):
    with pytest.raises(SettingsError, match=says):
        made()


@given(st.integers(0, 10_000))
def test_a_network_worked_by_hand_is_scipy_s_correlation(seed):
    rng = np.random.default_rng(seed)
    picture, kernel = rng.integers(-9, 10, (6, 5)), rng.integers(-3, 4, (3, 3))
    worked = figures.work("conv 1 3x3", picture, {"conv1.weight": kernel})
    assert np.array_equal(worked.values()[0], correlate(picture, kernel, "valid"))
    left, right = worked.line("conv1[0,1,2]").split(" = ")
    assert re.fullmatch(r"[-+*()\d]+", left)
    assert eval(left) == float(right) == worked.values("conv1")[0, 1, 2]


def test_a_network_that_can_t_be_worked_says_why():
    with pytest.raises(NetworkError, match="no weights for conv1"):
        figures.work("conv 1 3x3", np.zeros((5, 5)))
    with pytest.raises(NetworkError, match="has another size"):
        figures.work("conv 1 3x3", np.zeros((5, 5)), {"conv1.weight": [1, 2]})
