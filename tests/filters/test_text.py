"""The filters' text: what it says, and what it answers to a text that makes no sense."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.errors import NetworkError
from pellucid.filters import KERNELS, box, gabor, gaussian, has_filters, parse
from pellucid.filters.text import ALIASES, NAMES

SHARPEN = [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]


def one(text):
    (piece,) = parse(text)
    (found,) = piece.filters
    return found


@pytest.mark.parametrize("name", KERNELS)
def test_every_kernel_goes_by_its_name(name):
    found = one(name)
    assert np.array_equal(found.weights, [KERNELS[name].array])
    assert (found.padding, found.border, found.stride, found.flip, found.volume) == (
        "same",
        "zero",
        (1, 1),
        False,
        False,
    )


@pytest.mark.parametrize(("word", "name"), ALIASES.items())
def test_other_words_for_them(word, name):
    assert np.array_equal(one(word).weights, one(name).weights)
    assert np.array_equal(one(word.replace("-", "_").upper()).weights, one(name).weights)


def test_issue_5_s_kernels_are_all_there():
    wanted = "identity, box-blur, gaussian, sharpen, edge-8, edge-4, high-pass, sobel-x, sobel-y, prewitt-x, "
    wanted += "prewitt-y, scharr-x, scharr-y, laplacian, emboss, vertical-line, horizontal-line, gabor"
    assert set(wanted.split(", ")) <= set(NAMES)
    assert np.allclose(one("high-pass").weights * 9, one("edge-8").weights)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("gaussian", gaussian(3)),
        ("gaussian 5", KERNELS["gaussian-5"].array),
        ("gaussian 7x7 sigma 1.2", gaussian(7, 1.2)),
        ("box-blur 5", box(5)),
        ("blur", KERNELS["box-blur"].array),
        ("gabor 9 wavelength 4 angle 30", gabor(9, 4, 30)),
        ("gabor 9 angle 30 wavelength 4 phase -90 sigma 3", gabor(9, 4, 30, -90, 3)),
        ("gabor 5 wavelength 2.5", gabor(5, 2.5, 0)),
        ("sobel-x/8", KERNELS["sobel-x"].array / 8),
        ("[0 -1 0; -1 5 -1; 0 -1 0]", SHARPEN),
        ("[0, -1, 0; -1, 5, -1; 0, -1, 0]", SHARPEN),
        ("[[0, -1, 0], [-1, 5, -1], [0, -1, 0]]", SHARPEN),
        ("[0 -1 0\n-1 5 -1\n0 -1 0]", SHARPEN),
        ("[1 2 1; 2 4 2; 1 2 1]/16", KERNELS["gaussian-3"].array),
        ("[1/9 1/9 1/9;1/9 1/9 1/9;1/9 1/9 1/9] / 2", np.full((3, 3), 1 / 18)),
        ("[+1 -2.5e1 .5]", [[1, -25, 0.5]]),
    ],
)  # fmt: skip
def test_numbers(text, wanted):
    assert np.allclose(one(text).weights, [wanted], rtol=1e-15, atol=0)


def test_gaussians_are_what_they_say():
    assert gaussian(5, 1.2).sum() == pytest.approx(1)
    row = np.exp(-((np.arange(5) - 2.0) ** 2) / (2 * 1.2**2))
    assert np.allclose(gaussian(5, 1.2), np.outer(row, row) / row.sum() ** 2)
    spread = gaussian(9).sum(0) @ (np.arange(9) - 4.0) ** 2  # the binomial's variance is (size - 1) / 4
    assert spread == pytest.approx(2)


@pytest.mark.parametrize(
    "text", ["[1 2; 3 4 | 5 6; 7 8] pad valid", "[[[1,2],[3,4]],[[5,6],[7,8]]] pad valid"]
)
def test_planes_make_a_volume(text):
    found = one(text)
    assert found.volume
    assert found.weights.tolist() == [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]


def test_options():
    found = one("sobel-x stride 2x1 pad 0:2x1 dilation 3 border replicate flip volume")
    assert (found.stride, found.padding, found.dilation) == ((2, 1), ((0, 2), (1, 1)), (3, 3))
    assert (found.border, found.flip, found.volume) == ("replicate", True, True)
    assert np.array_equal(found.sliding[0], -KERNELS["sobel-x"].array)
    assert one("[1 2; 3 4] pad valid").padding == ((0, 0), (0, 0))


def test_pieces_names_and_sources():
    pieces = parse("edges: sobel-x+sobel-y border reflect from input, relu, [1 0 -1], add edges")
    assert [len(piece.filters) for piece in pieces[:2]] == [2, 0]
    assert (pieces[0].name, pieces[0].source, pieces[1].text) == ("edges", "input", "relu")


@given(st.lists(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3), min_size=1, max_size=5))
def test_typed_numbers_come_back_exactly(rows):
    text = "[" + "; ".join(" ".join(repr(n) for n in row) for row in rows) + "] pad valid"
    assert one(text).weights.tolist() == [rows]


@given(st.text(alphabet="sobel-xy[]0123 ;|,/+.:pad", max_size=40))
def test_whatever_is_typed_is_read_or_refused_in_words(text):
    try:
        parse(text)
    except NetworkError as error:
        assert error.what and error.remedy
    assert has_filters(text) in (True, False)


@pytest.mark.parametrize(
    ("text", "what", "remedy"),
    [
        ("sobl-x", "there is no filter or layer called 'sobl-x'; did you mean sobel-x?", "the filters are identity, "),
        ("rely, sharpen", "there is no filter or layer called 'rely'; did you mean relu?", "the filters are "),
        ("[1 2; 3 4]", "a kernel of 2 x 2 has no middle, so the picture can't stay the same size around it",
         "pad 0:1x0:1 (the odd rows and columns after), pad valid, or a kernel of odd sides"),
        ("gaussian 4 dilation 2", "a kernel of 4 x 4 has no middle, so the picture can't stay the same size around it",
         "pad 3x3 (the odd rows and columns after), pad valid, or a kernel of odd sides"),
        ("[1 a; 2 3]", "a kernel holds 'a', which is not a number", "finite numbers like 2, -0.5 or 1/9"),
        ("[1 inf]", "a kernel holds 'inf', which is not a number", "finite numbers like 2, -0.5 or 1/9"),
        ("[1 1_0]", "a kernel holds '1_0', which is not a number", "finite numbers like 2, -0.5 or 1/9"),
        ("[1/0]", "a kernel: 1/0 divides by 0", "a number like 1/9"),
        ("[1 2; 3]", "all rows of a kernel are of one length: row 2 has 1 number, the first has 2",
         "as many numbers in each row, as in [0 -1 0; -1 5 -1; 0 -1 0]"),
        ("[1;2|3]", "all planes of a kernel are of one size: plane 2 has 1 row, the first has 2",
         "as many rows in each plane: [1 0; 0 1 | 0 1; 1 0]"),
        ("[]", "there are no numbers between the brackets", "[0 -1 0; -1 5 -1; 0 -1 0]"),
        ("[1 2 3]/0", "a kernel can't be divided by 0", "[0 -1 0; -1 5 -1; 0 -1 0]/9"),
        ("[1 2 3]/x", "the divisor after / must be a number", "finite numbers like 2, -0.5 or 1/9"),
        ("[1e31]", "kernel holds a number that can't be: they are finite, 1e+30 at most", "another number"),
        ("gaussian 400", "gaussian needs its size first, a whole number of pixels from 1 to 101",
         "gaussian 5 sigma 1.2"),
        ("gabor", "gabor needs its size first, a whole number of pixels from 1 to 101",
         "gabor 9 wavelength 4 angle 30 phase 0 sigma 2"),
        ("gabor 9 angle 3", "gabor needs its wavelength, in pixels", "gabor 9 wavelength 4 angle 30"),
        ("gaussian 5 sigma 0", "gaussian: sigma must be more than 0", "gaussian 5 sigma 1.2"),
        ("gaussian 5 sigma x", "gaussian: sigma must be a number", "finite numbers like 2, -0.5 or 1/9"),
        ("sharpen strid 2", "a filter has no 'strid'; did you mean stride?",
         "stride 2, pad same|valid|1, dilation 2, border zero|reflect|replicate, flip, volume"),
        ("sharpen stride 0", "stride must be a size like 5, 5x5 or 5x5x5, from 1 to 1,000,000", "stride 2"),
        ("sharpen stride 2x2x2", "stride is one or two whole numbers from 1 to 1,000",
         "stride 2, or stride 2x1 (down, across)"),
        ("sharpen pad 5000", "a padding has at most 1,000 places a side", "a smaller padding"),
        ("sharpen border", "nothing stands after border", "border reflect"),
        ("sharpen border sky", "a border is zero, reflect or replicate", "border reflect"),
        ("sharpen flip flip", "flip is given twice", "flip once"),
        ("sobel-x flip + sobel-y",
         "'flip' stands before a +: options hold for all filters side by side, and come after the last",
         "sobel-x + sobel-y stride 2"),
        ("sobel-x +", "a filter's name is missing", "the filters are "),
        ("sharpen,,relu", "there is nothing between two commas", "leave out one comma"),
        ("[1 2", "a bracket is not closed", "numbers stand between [ and ], as in [0 -1 0; -1 5 -1; 0 -1 0]"),
        ("1 2]", "a bracket is closed that was never opened",
         "numbers stand between [ and ], as in [0 -1 0; -1 5 -1; 0 -1 0]"),
        ("", "a filter text needs at least one filter or layer", "sharpen, relu, …"),
        ("x" * 200_001, "a filter's text has at most 200,000 characters", "a shorter text"),
        ("sharpen, " * 100 + "sharpen", "a text has at most 100 filters", "fewer filters"),
        ("identity +" * 256 + "identity", "at most 256 filters stand side by side",
         "fewer, or some of them in another layer"),
        ("[" + "1 " * 103 + "]", "kernel is too large: kernels have sides of at most 101, and 1,024 planes",
         "a smaller kernel, or several small ones in a row"),
    ],
)  # fmt: skip
def test_what_it_says_to_a_text_that_makes_no_sense(text, what, remedy):
    with pytest.raises(NetworkError) as caught:
        parse(text)
    assert caught.value.what == what
    assert caught.value.remedy == remedy or (remedy.endswith(" ") and caught.value.remedy.startswith(remedy))


def test_a_wrong_name_gets_the_list():
    with pytest.raises(NetworkError) as caught:
        parse("relu, sharp-en")
    assert caught.value.where == "piece 2 of 2: 'sharp-en'"
    assert all(name in caught.value.remedy for name in (*NAMES, "maxpool", "concat"))


@pytest.mark.parametrize(
    ("text", "is_so"),
    [
        ("conv 8 3x3, relu", False),
        ("conv 8 3x3, rely", False),
        ("relu, sobel-x", True),
        ("a: [1 2]", True),
        ("sobl-x, relu", True),
        ("edges: blur", True),
        ("digits", False),
    ],
)
def test_which_texts_are_about_filters(text, is_so):
    assert has_filters(text) == is_so
