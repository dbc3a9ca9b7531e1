"""Files of other tools on the command line: predict, evaluate and summary, what was assumed, and what can't be."""

import numpy as np
import pytest
from onnx import helper
from PIL import Image

from support.cli import pellucid
from support.foreign import COLOURS, colour_file, foreign_file

RGB = {"red": (250, 10, 5), "green": (10, 240, 20), "blue": (0, 30, 255)}


@pytest.fixture(scope="module")
def colours(tmp_path_factory):
    """Folders of plain pictures, three of each colour, and a file that tells them apart."""
    folder = tmp_path_factory.mktemp("colours")
    for name, colour in RGB.items():
        (folder / "data" / name).mkdir(parents=True)
        for i in range(3):
            Image.new("RGB", (9 + i, 7), colour).save(folder / "data" / name / f"{i}.png")
    colour_file(folder / "colours.onnx")
    (folder / "labels.txt").write_text("\n".join(COLOURS) + "\n")
    return folder


def test_predict_says_what_it_assumes(colours):
    ran = pellucid("predict", colours / "colours.onnx", colours / "data" / "red")
    assert ran.code == 0
    assert [line.split()[1] for line in ran.out.splitlines()] == ["2", "2", "2"]
    assert ran.err.splitlines() == [
        "assumed: pixels are scaled by 1/255 (--scale)",
        "assumed: nothing is subtracted, nothing divided (--mean, --std)",
        "assumed: red comes first (--bgr)",
        "assumed: the picture is stretched to the size (--fit pad, --fit crop)",
        "assumed: its answers are taken as scores: softmax makes probabilities of them",
        "assumed: its classes have no names: they are numbers from 0 (--labels FILE)",
    ]


def test_what_is_said_is_not_assumed_and_counts(colours):
    """The probability by hand: (pixel x scale - mean) / std, weighted, softmax."""
    ran = pellucid(
        "predict", colours / "colours.onnx", colours / "data" / "red" / "0.png", "--scale", "0.01", "--mean",
        "1,0,0", "--std", "2,1,1", "--bgr", "--fit", "stretch", "--labels", colours / "labels.txt", "--json",
    )  # fmt: skip
    assert ran.err.splitlines() == [
        "assumed: its answers are taken as scores: softmax makes probabilities of them"
    ]
    taken = (np.array(RGB["red"])[::-1] * 0.01 - np.array([1, 0, 0])) / np.array([2, 1, 1])
    scores = np.array(list(COLOURS.values())) @ taken
    shares = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
    expected = dict(zip(COLOURS, shares, strict=True))
    assert {each["label"] for each in ran.lines[0]["top"]} == set(COLOURS)
    for each in ran.lines[0]["top"]:
        assert each["probability"] == pytest.approx(expected[each["label"]], abs=1e-5)


def test_labels_that_are_too_few(colours, tmp_path):
    (tmp_path / "two.txt").write_text("a\nb\n")
    ran = pellucid("predict", colours / "colours.onnx", colours / "data", "--labels", tmp_path / "two.txt")
    assert ran.code == 1
    assert "labels are not as many as the model's classes" in ran.err
    assert "2 lines, 3 classes" in ran.err


def test_evaluate_takes_the_pictures_classes_in_their_order(colours):
    ran = pellucid("evaluate", colours / "colours.onnx", colours / "data", "--json")
    assert ran.code == 0, ran.err
    assert "assumed: its classes are the pictures' in their order: 0 is blue, 1 is green, 2 is red" in ran.err
    assert ran.json["accuracy"] == 1
    assert ran.json["count"] == 9


def test_evaluate_by_labels(colours, tmp_path):
    (tmp_path / "wrong.txt").write_text("red\ngreen\nblue\n")
    ran = pellucid(
        "evaluate", colours / "colours.onnx", colours / "data", "--labels", tmp_path / "wrong.txt", "--json"
    )
    assert ran.json["accuracy"] == pytest.approx(1 / 3)
    assert "in their order" not in ran.err
    (tmp_path / "other.txt").write_text("rot\ngrün\nblau\n")
    ran = pellucid("evaluate", colours / "colours.onnx", colours / "data", "--labels", tmp_path / "other.txt")
    assert ran.code == 1
    assert "classes that the model doesn't know" in ran.err


def test_evaluate_other_classes_than_the_pictures(colours, tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (5, 5)).save(tmp_path / name / "0.png")
    ran = pellucid("evaluate", colours / "colours.onnx", tmp_path)
    assert ran.code == 1
    assert "received  2 classes, cat, dog; the model has 3 without names" in ran.err
    assert "--labels FILE" in ran.err


def test_evaluate_needs_pictures_and_writes_no_report(colours, tmp_path):
    ran = pellucid("evaluate", colours / "colours.onnx")
    assert ran.code == 1
    assert "give labelled pictures: pellucid evaluate MODEL DATA" in ran.err
    ran = pellucid(
        "evaluate", colours / "colours.onnx", colours / "data", "--report", tmp_path / "report.html"
    )
    assert ran.code == 1
    assert not (tmp_path / "report.html").exists()
    assert "leave --report out" in ran.err


@pytest.mark.parametrize("verb", ["predict", "evaluate", "explain"])
def test_a_file_of_ours_has_its_own_way(trained, verb):
    ran = pellucid(verb, trained.model, trained.data, "--mean", "0.5")
    assert ran.code == 1
    assert "this file says itself how pictures come in" in ran.err.lower()


def test_training_does_not_start_from_it(colours, tmp_path):
    ran = pellucid("train", colours / "data", "--from", colours / "colours.onnx", "--out", tmp_path / "run")
    assert ran.code == 1
    assert not (tmp_path / "run" / "model.onnx").exists()


SUMMARY = """\
input 4 x 4 x 3, in the file float32 with channels first
layer    output h x w x c   values   parameters   mult-adds   field h x w   operation
mean            1 x 1 x 3        3            0           0         4 x 4   average pooling of the whole plane
flat                    3        3            0           0         4 x 4   flatten
colour                  3        3            9           9         4 x 4   dense
total                            9            9           9
as stored: parameters 36 bytes, all values of one picture 36 bytes, the largest layer's 12 bytes (mean)
"""


def test_summary(colours):
    assert pellucid("summary", colours / "colours.onnx").out == SUMMARY


def test_summary_as_json(colours):
    document = pellucid("summary", colours / "colours.onnx", "--json").json
    assert document["input_shape"] == [4, 4, 3]
    assert document["parameters"] == 9
    last = document["rows"][-1]
    assert {"name", "kind", "output_shape", "parameters", "mult_adds", "receptive_field"} <= set(last)
    assert (last["name"], last["kind"], last["output_shape"]) == ("colour", "dense", [3])


def test_summary_formulas(colours):
    shown = pellucid("summary", colours / "colours.onnx", "--formula").out
    assert "3 x 3 = 9" in shown
    assert "3 values x 3 = 9" in shown


def test_summary_of_a_file_that_leaves_its_size_open(tmp_path):
    path = colour_file(tmp_path / "open.onnx", ("N", 3, "height", "width"))
    assert pellucid("summary", path, "--json").json["input_shape"] == [224, 224, 3]
    assert "224x224 is taken (--size)" in pellucid("summary", path).err
    assert pellucid("summary", path, "--size", "12x20", "--json").json["input_shape"] == [12, 20, 3]
    fixed = pellucid("summary", colour_file(tmp_path / "fixed.onnx"), "--size", "12")
    assert fixed.code == 1
    assert "the file takes 4x4" in fixed.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--against", "dense"), "leave --against out"),
        (("--input", "4x4x3"), "leave --input out"),
        (("--classes", "3"), "leave --classes out"),
    ],
)
def test_summary_options_that_mean_nothing_there(colours, arguments, says):
    ran = pellucid("summary", colours / "colours.onnx", *arguments)
    assert (ran.code, ran.out) == (1, "")
    assert says in ran.err


def test_size_is_not_for_networks_by_name():
    ran = pellucid("summary", "lenet5", "--size", "28")
    assert ran.code == 1
    assert "--input 28x28x1" in ran.err


def test_names_that_would_give_the_terminal_orders(tmp_path):
    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["mean"], name="\x1b[31mred\x1b[0m"),
        helper.make_node("Flatten", ["mean"], ["y"], name="a\nb"),
    ]
    path = foreign_file(tmp_path / "names.onnx", nodes, {}, (1, 3, 4, 4))
    ran = pellucid("summary", path)
    assert ran.code == 0
    assert "\x1b" not in ran.out
    assert len(ran.out.splitlines()) == 6
