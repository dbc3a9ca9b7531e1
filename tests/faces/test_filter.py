"""`pellucid filter` through the command line: what comes out is SciPy's, every option, one pixel opened as the course
writes it, a kernel learned, and whatever is wrong said in a sentence with nothing lost."""

import json

import numpy as np
import pytest
import tifffile
from PIL import Image
from scipy import ndimage
from skimage import data

from pellucid.filters import KERNELS
from support.cli import pellucid
from support.worked import course

SOBEL = KERNELS["sobel-x"].array


@pytest.fixture
def folder(tmp_path):
    Image.fromarray(data.camera()[100:220, 80:240]).save(tmp_path / "grey.png")
    Image.fromarray(data.coffee()[60:150, 100:230]).save(tmp_path / "colour.png")
    Image.fromarray(np.full((1, 1), 7, np.uint8)).save(tmp_path / "one.png")
    return tmp_path


def pixels(path):
    array = np.asarray(Image.open(path))
    return (array[:, :, None] if array.ndim == 2 else array).astype(np.float64)


def correlated(picture, kernel, mode="constant"):
    planes = [ndimage.correlate(picture[:, :, i], kernel, mode=mode) for i in range(picture.shape[2])]
    return np.stack(planes, 2)


def run(folder, *words):
    ran = pellucid("filter", *words, cwd=folder)
    assert ran.code == 0, ran.err
    return ran


def refused(folder, *words):
    """The error of a command that fails, as JSON; nothing on stdout."""
    ran = pellucid("filter", *words, "--json", cwd=folder)
    assert (ran.code, ran.out) == (1, "")
    assert ran.error["what"]
    return ran.error


def opened(folder, *words):
    return run(folder, *words, "--json").json["pixels"]


@pytest.mark.parametrize("name", ["grey.png", "colour.png"])
@pytest.mark.parametrize(
    ("options", "mode"),
    [((), "constant"), (("--border", "reflect"), "mirror"), (("--border", "replicate"), "nearest")],
)
def test_values_and_pictures_are_scipys(folder, name, options, mode):
    wanted = correlated(pixels(folder / name), SOBEL, mode)
    ran = run(folder, name, "sobel-x", *options, "--out", "x.npy", "--json").json
    assert ran["kernel"] == SOBEL.tolist()
    assert ran["output_shape"] == list(wanted.shape)
    assert (ran["least"], ran["greatest"]) == (wanted.min(), wanted.max())
    assert np.array_equal(np.load(folder / "x.npy"), wanted.astype(np.float32))
    run(folder, name, "sobel-x", *options, "--out", "x.tiff")
    assert np.array_equal(tifffile.imread(folder / "x.tiff").reshape(wanted.shape), wanted.astype(np.float32))
    run(folder, name, "sobel-x", *options, "--out", "x.png")
    assert np.array_equal(pixels(folder / "x.png"), np.clip(np.rint(wanted), 0, 255))


@pytest.mark.parametrize(
    "kernel", ["0 -1 0; -1 5 -1; 0 -1 0", "[0 -1 0; -1 5 -1; 0 -1 0]", "sharpen", "0,-1,0;-1,5,-1;0,-1,0"]
)
def test_numbers_may_be_typed_with_or_without_brackets(folder, kernel):
    run(folder, "grey.png", kernel, "--out", "x.npy")
    assert np.array_equal(
        np.load(folder / "x.npy"), correlated(pixels(folder / "grey.png"), KERNELS["sharpen"].array)
    )


def test_kernels_that_begin_with_a_minus_stand_behind_two_dashes(folder):
    ran = pellucid("filter", "--json", "--", "grey.png", "-1 0 1; -2 0 2; -1 0 1", cwd=folder)
    assert ran.json["kernel"] == SOBEL.tolist()


def test_stride_dilation_padding_and_flipping(folder):
    picture = pixels(folder / "grey.png")
    whole = correlated(picture, SOBEL[::-1, ::-1])
    run(folder, "grey.png", "sobel-x", "--flip", "--stride", "2x3", "--pad", "1", "--out", "x.npy")
    assert np.array_equal(np.load(folder / "x.npy"), whole[::2, ::3])
    run(folder, "grey.png", "sobel-x", "--pad", "valid", "--out", "x.npy")
    assert np.array_equal(np.load(folder / "x.npy"), correlated(picture, SOBEL)[1:-1, 1:-1])
    wide = np.zeros((5, 5))
    wide[::2, ::2] = SOBEL
    run(folder, "grey.png", "sobel-x", "--dilation", "2", "--out", "x.npy")
    assert np.array_equal(np.load(folder / "x.npy"), correlated(picture, wide))


def test_channels_each_grey_and_volume(folder):
    picture = pixels(folder / "colour.png")
    run(folder, "colour.png", "laplacian", "--channels", "volume", "--out", "x.npy")
    laplacian = KERNELS["laplacian"].array
    assert np.array_equal(np.load(folder / "x.npy")[:, :, 0], correlated(picture, laplacian).sum(2))
    run(folder, "colour.png", "laplacian", "--channels", "grey", "--out", "x.npy")
    grey = np.asarray(Image.open(folder / "colour.png").convert("L")).astype(float)[:, :, None]
    assert np.array_equal(np.load(folder / "x.npy"), correlated(grey, laplacian))


def test_magnitude_and_direction(folder):
    picture = pixels(folder / "grey.png")
    dx, dy = correlated(picture, KERNELS["scharr-x"].array), correlated(picture, KERNELS["scharr-y"].array)
    run(folder, "grey.png", "scharr", "--magnitude", "--out", "x.npy")
    assert np.allclose(np.load(folder / "x.npy"), np.hypot(dx, dy), rtol=1e-6)
    run(folder, "grey.png", "scharr", "--direction", "--out", "x.npy")
    assert np.allclose(np.load(folder / "x.npy"), np.degrees(np.arctan2(dy, dx)), atol=1e-4)


def test_both_ways_to_slide_and_their_difference(folder):
    ran = run(folder, "grey.png", "sobel-x", "--flip-both", "--out", "x.npy")
    straight = correlated(pixels(folder / "grey.png"), SOBEL)
    made = np.load(folder / "x.npy")
    assert np.array_equal(made[:, :, :1], straight)
    assert np.array_equal(made[:, :, 1:2], -straight)  # Sobel's turns into its inverse
    assert np.array_equal(made[:, :, 2:], 2 * straight)
    assert "difference: from" in ran.out
    ran = run(folder, "grey.png", "laplacian", "--flip-both", "--out", "x.png")
    assert "difference: from 0 to 0" in ran.out  # a symmetrical one
    assert Image.open(folder / "x.png").size[0] > 3 * 150


def test_shows(folder):
    for how in ("stretch", "equalise"):
        run(folder, "grey.png", "sobel-x", "--show", how, "--out", f"{how}.png")
        made = pixels(folder / f"{how}.png")
        assert made.max() == 255
        assert np.unique(made).size > 50
    assert np.abs(np.histogram(made, 4, (0, 256))[0] / made.size - 0.25).max() < 0.12  # equalised


def test_a_chain_is_a_network(folder):
    sharp = np.maximum(correlated(pixels(folder / "colour.png"), KERNELS["sharpen"].array), 0)
    pooled = sharp[:90, :130].reshape(45, 2, 65, 2, 3).max((1, 3))
    ran = run(folder, "colour.png", "sharpen, relu, maxpool 2", "--out", "x.npy", "--json").json
    assert ran["output_shape"] == [45, 65, 3]
    assert np.array_equal(np.load(folder / "x.npy"), pooled)
    run(folder, "colour.png", "sharpen, relu, maxpool 2", "--out", "x.png")
    assert np.array_equal(pixels(folder / "x.png"), np.minimum(pooled, 255))


def test_a_bank_has_every_map_and_a_sheet(folder):
    text = "sobel-x + sobel-y + laplacian, relu"
    ran = run(folder, "grey.png", text, "--out", "x.npy", "--json").json
    assert [each["name"] for each in ran["kernels"]] == ["sobel-x", "sobel-y", "laplacian"]
    maps = np.load(folder / "x.npy")
    for place, name in enumerate(("sobel-x", "sobel-y", "laplacian")):
        wanted = np.maximum(correlated(pixels(folder / "grey.png"), KERNELS[name].array), 0)
        assert np.array_equal(maps[:, :, place : place + 1], wanted)
    run(folder, "grey.png", text, "--out", "x.png", "--sheet", "s.png")
    assert "sobel-x" in Image.open(folder / "x.png").text["Title"]
    assert Image.open(folder / "s.png").size[0] > 600
    assert "sheet" in refused(folder, "grey.png", text, "--out", "x.jpg")["what"]
    four = "sobel-x + sobel-y + laplacian + sharpen"
    assert "x.npy" in refused(folder, "grey.png", four, "--out", "x.tiff")["remedy"]


def test_one_pixel_is_opened_as_the_course_writes_it(folder):
    each = course()["sharpen"]
    Image.fromarray(np.array(each["image"], np.uint8)).save(folder / "course.png")
    wanted = each["output_same_zero_padded"]
    for y, x in np.ndindex(np.array(wanted).shape):
        (pixel,) = opened(folder, "course.png", "sharpen", "--explain", f"{y},{x}")
        assert pixel["value"] == pixel["sum"] == wanted[y][x]
        assert sum(term["product"] for term in pixel["terms"]) == wanted[y][x]
    for place, arithmetic in each["arithmetic"].items():
        (pixel,) = opened(folder, "course.png", "sharpen", "--explain", place.strip("[]"))
        if isinstance(arithmetic, str):
            assert pixel["equation"].replace(" ", "") == arithmetic.replace(" ", "")
        else:
            assert pixel["equation"].endswith(f" = {arithmetic}")
    ran = run(folder, "course.png", "sharpen", "--explain", "0,0")
    assert f"= {wanted[0][0]}\n" in ran.out
    assert "in ( ): outside the picture, where zero padding lies" in ran.out


@pytest.mark.parametrize("border", ["zero", "reflect", "replicate"])
@pytest.mark.parametrize("place", ["0,0", "0,159", "119,0", "119,159", "60,80"])
def test_border_pixels_say_what_lies_outside(folder, border, place):
    picture = pixels(folder / "grey.png")[:, :, 0]
    modes = {"zero": "constant", "reflect": "reflect", "replicate": "edge"}
    wide = np.pad(picture, 2, mode=modes[border])
    kernel = np.arange(25).reshape(5, 5) - 9.5
    text = ";".join(" ".join(map(str, row)) for row in kernel)
    (pixel,) = opened(folder, "grey.png", f"[{text}]", "--border", border, "--explain", place)
    y, x = map(int, place.split(","))
    for term, value, weight in zip(
        pixel["terms"], wide[y : y + 5, x : x + 5].ravel(), kernel.ravel(), strict=True
    ):
        assert (term["input"], term["weight"]) == (value, weight)
        inside = 0 <= term["row"] < 120 and 0 <= term["column"] < 160
        assert term["outside"] is not inside
        if term["from"]:
            assert picture[tuple(term["from"])] == value
        else:
            assert not inside
            assert border == "zero"
    assert pixel["value"] == pytest.approx((wide[y : y + 5, x : x + 5] * kernel).sum(), rel=1e-6)


def test_stride_dilation_and_flip_are_opened_too(folder):
    words = ("colour.png", "sobel-x", "--stride", "3", "--dilation", "2", "--flip", "--border", "replicate")
    run(folder, *words, "--out", "x.npy")
    made = np.load(folder / "x.npy")
    for place in ((2, 0, 0), (1, 10, 11), (0, made.shape[0] - 1, made.shape[1] - 1)):
        (pixel,) = opened(folder, *words, "--explain", ",".join(map(str, place)))
        assert pixel["sum"] == pixel["value"] == made[place[1], place[2], place[0]]
    assert len(opened(folder, *words, "--explain", "3,4")) == 3
    text = run(folder, "colour.png", "sobel-x", "--channels", "volume", "--explain", "3,4").out
    made = correlated(pixels(folder / "colour.png"), SOBEL).sum(2)
    assert f"= {made[3, 4]:.0f}\n" in text


def test_a_chains_value_is_opened_and_names_where_to_go(folder):
    words = ("grey.png", "sharpen, relu, maxpool 2")
    run(folder, *words, "--out", "x.npy")
    ran = run(folder, *words, "--explain", "5,6", "--json").json
    assert ran["output_shape"] == [60, 80, 1]
    assert ran["values"][0]["value"] == np.load(folder / "x.npy")[5, 6, 0]
    text = run(folder, *words, "--explain", "5,6").out
    following = text[text.index("open a term: ") :].split("--explain ")[1].strip().strip("'")
    assert following.startswith("relu1[0,1")
    text = run(folder, *words, "--explain", following).out
    assert "sharpen1[0,1" in text
    following = text[text.index("open a term: ") :].split("--explain ")[1].strip().strip("'")
    text = run(folder, *words, "--explain", following).out
    assert "does NOT close" not in text


def test_learned_from_what_it_wrote(folder):
    own = "[1 0 -2 0 0.5; 0 0.5 0 0 0; 0.3 0 0.25 0 -1; 0 1 0 0 0; 0 0 0 -0.5 0.1]"
    for kernel, size in (("sobel-x", "3"), ("sharpen", "3"), (own, "5")):
        true = np.array(run(folder, "colour.png", kernel, "--out", "t.tiff", "--json").json["kernel"])
        for target in ("t.tiff", "t.npy"):
            run(folder, "colour.png", kernel, "--out", target)
            found = run(folder, "colour.png", "--learn", target, "--size", size, "--json").json
            assert np.abs(np.array(found["kernel"]) - true).max() < 1e-3
            assert found["border"] == "zero"
        run(folder, "colour.png", kernel, "--out", "t.png")
        found = run(folder, "colour.png", "--learn", "t.png", "--size", size, "--json").json
        assert np.abs(np.array(found["kernel"]) - true).max() <= found["tolerance"]
        assert found["masked"] > 0
        losses = [step["loss"] for step in found["steps"]]
        assert losses == sorted(losses, reverse=True)


def test_learning_shows_the_kernel_forming_beside_the_real_one(folder):
    run(folder, "grey.png", "sobel-x", "--out", "t.npy")
    ran = run(folder, "grey.png", "--learn", "t.npy", "--sheet", "s.png", "--out", "k.npy")
    head = next(line for line in ran.out.splitlines() if "start" in line)
    assert head.split() == [
        "start",
        "step",
        "1",
        "step",
        "2",
        "step",
        "4",
        "step",
        head.split()[-2],
        "sobel-x",
    ]
    assert "-1.00  0.00  1.00    -1  0  1" in ran.out
    assert "each weight is within" in ran.out
    assert np.abs(np.load(folder / "k.npy")[:, :, 0] - SOBEL).max() < 1e-6
    assert Image.open(folder / "s.png").size[0] > 500
    ran = run(folder, "grey.png", "scharr-x", "--learn", "t.npy")
    assert "largest difference from scharr-x: 8.0e+00" in ran.out
    run(folder, "grey.png", "[3 0 -3; 6 0 -6; 3 0 -3]/4", "--out", "t.npy")
    assert "-0.75 x sobel-x" in run(folder, "grey.png", "--learn", "t.npy").out


def test_list_names_every_kernel_with_its_numbers(folder):
    found = run(folder, "--list", "--json").json
    assert {name: np.array(each["kernel"]).tolist() for name, each in found.items()} == {
        name: kernel.array.tolist() for name, kernel in KERNELS.items()
    }
    text = run(folder, "--list").out
    assert all(f"{name}: " in text for name in KERNELS)


def test_the_sheet_shows_the_picture_pixel_by_pixel(folder):
    run(folder, "colour.png", "sharpen", "--sheet", "s.png")
    sheet = pixels(folder / "s.png")
    picture = pixels(folder / "colour.png")
    assert sheet.shape[2] == 3
    enlarged = picture.repeat(3, 0).repeat(3, 1)  # the original stands on it, crisp
    found = any(
        np.array_equal(sheet[y : y + enlarged.shape[0], x : x + enlarged.shape[1]], enlarged)
        for y in range(30, 100) for x in range(10, 40)
    )  # fmt: skip
    assert found


def bad_calls():
    """The words of a bad call, and a piece of what is said."""
    return {
        "even kernel with same": (("grey.png", "[1 2; 3 4]"), "no middle"),
        "larger than the picture": (("one.png", "sobel-x", "--pad", "valid"), "larger than its 1 x 1 input"),
        "no numbers": (("grey.png", "0 -1 x; 1 2 3"), "which is not a number"),
        "unknown kernel": (("grey.png", "sobol-x"), "did you mean sobel-x"),
        "target of another size": (("grey.png", "--learn", "colour.png"), "of another size"),
        "1 x 1 to learn from": (("one.png", "--learn", "one.png"), "larger than the picture"),
        "1 x 1 reflected": (("one.png", "sobel-x", "--border", "reflect"), "mirrored"),
        "unknown ending": (("grey.png", "sobel-x", "--out", "x.gif"), "by the name's end"),
        "no picture": (("no.png", "sobel-x"), "no such file"),
        "no kernel": (("grey.png",), "which kernel?"),
        "outside": (("grey.png", "sobel-x", "--explain", "120,0"), "no such pixel"),
        "no place": (("grey.png", "sobel-x", "--explain", "here"), "row and column"),
        "flatten": (("grey.png", "sobel-x, flatten"), "ends in numbers"),
        "not trained": (("grey.png", "conv 4 3x3"), "no weights yet"),
        "options of a chain": (("grey.png", "sharpen, relu", "--stride", "2"), "in the text"),
        "channels": (("grey.png", "sharpen", "--channels", "gray"), "each, grey or volume"),
        "show": (("grey.png", "sharpen", "--show", "all"), "clip, stretch or equalise"),
        "a magnitude of one": (("grey.png", "sobel-x", "--magnitude"), "a pair of kernels"),
        "size without learn": (("grey.png", "sobel-x", "--size", "3"), "a kernel to learn"),
        "size that is none": (("grey.png", "--learn", "grey.png", "--size", "three"), "one number"),
        "too many pixels": (("grey.png", "sobel-x", "--max-pixels", "100"), "more than 100 pixels"),
        "no folder": (("grey.png", "sobel-x", "--out", "none/x.png"), "no such file"),
    }


@pytest.mark.parametrize("name", bad_calls())
def test_bad_calls_are_a_sentence_and_lose_nothing(folder, name):
    words, said = bad_calls()[name]
    (folder / "keep.png").write_bytes(b"mine")
    before = sorted(folder.iterdir())
    options = () if "--out" in words or "--learn" in words or "--explain" in words else ("--out", "keep.png")
    error = refused(folder, *words, *options)
    assert said in error["what"], json.dumps(error)
    assert (folder / "keep.png").read_bytes() == b"mine"
    assert sorted(folder.iterdir()) == before


def test_one_pixel_and_a_wide_panorama(folder):
    ran = run(folder, "one.png", "sharpen", "--out", "x.png", "--sheet", "s.png", "--json").json
    assert (ran["output_shape"], ran["least"]) == ([1, 1, 1], 35)
    strip = np.resize(data.camera()[:40], (40, 20_000)).astype(np.uint8)
    Image.fromarray(strip).save(folder / "wide.png")
    ran = run(folder, "wide.png", "sobel-x", "--out", "w.npy", "--sheet", "s.png", "--json").json
    assert ran["output_shape"] == [40, 20_000, 1]
    assert np.array_equal(np.load(folder / "w.npy"), correlated(strip[:, :, None].astype(float), SOBEL))
    (pixel,) = opened(folder, "wide.png", "sobel-x", "--explain", "39,19999")
    assert pixel["value"] == np.load(folder / "w.npy")[39, 19_999, 0]
    found = run(folder, "wide.png", "--learn", "w.npy", "--json").json
    assert np.abs(np.array(found["kernel"]) - SOBEL).max() < 1e-3
    assert "sharpen" in run(folder, "wide.png", "sharpen, relu, maxpool 2", "--json").json["text"]


def test_refused_targets_say_what_is_left(folder):
    run(folder, "grey.png", "identity", "--show", "equalise", "--out", "e.png")
    error = refused(folder, "grey.png", "--learn", "e.png")
    assert error["what"] == "One 3 x 3 filter can't make this target from this picture"
    assert "of the target's variance" in error["received"]
    assert error["where"] == "e.png"
