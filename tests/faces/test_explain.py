"""`pellucid explain` as its users call it: equations that add up, places and classes that aren't there, drawings."""

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydantic.json_schema import models_json_schema

from pellucid.inside.schema import ExplanationDocument, LearningDocument, OpenedDocument
from pellucid.model import ModelFile, write_model
from pellucid.network import Network
from support.cli import pellucid
from support.networks import card_for

DOCS = Path(__file__).resolve().parents[2] / "docs"
# Weights that a person can check: two filters of 3x3, the first the course's sharpening.
SHARPEN = [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory):
    """A network with whole numbers for weights, on a 4x4 picture whose pixels come in as they are."""
    folder = tmp_path_factory.mktemp("by_hand")
    network = Network.from_text("conv 2 3x3, relu, maxpool 2, flatten, dense 2, softmax", (1, 4, 4))
    weights = {
        "conv1.weight": np.array([[SHARPEN], [np.eye(3)]], np.float32),
        "conv1.bias": np.array([7, -200], np.float32),
        "dense1.weight": np.array([[1, 2], [0, -1]], np.float32) / 256,
        "dense1.bias": np.array([0, 0.5], np.float32),
    }
    card = card_for(network)
    whole = card.preprocessing.model_copy(update={"scale": (1.0,), "shift": (0.0,)})
    write_model(
        folder / "model.onnx", network.with_weights(weights), card.model_copy(update={"preprocessing": whole})
    )
    pixels = [[105, 102, 100, 97], [103, 99, 103, 101], [101, 98, 104, 102], [99, 101, 106, 104]]
    Image.fromarray(np.array(pixels, np.uint8)).save(folder / "picture.png")
    return folder


def explain(folder, *options, cwd=None):
    return pellucid("explain", folder / "model.onnx", folder / "picture.png", *options, cwd=cwd)


def test_a_convolution_is_written_as_a_person_would(by_hand):
    ran = explain(by_hand, "--at", "conv1[0,0,0]")
    assert ran.code == 0, ran.err
    assert ran.out.splitlines()[:-1] == [
        "conv1[0,0,0]   convolution, 1 channel x 3x3, stride 1, no padding   field: pixels rows 0–2, columns 0–2",
        "  channel 0  input[0, 0–2, 0–2]   conv1.weight[0,0]",
        "             105 102 100           0 -1  0",
        "             103  99 103          -1  5 -1",
        "             101  98 104           0 -1  0       +89",
        "  sum of 9 products                              +89",
        "  bias conv1.bias[0]                              +7",
        "  total                                          +96",
        "  stored by the runtime                          +96     difference 0",
        "then: relu1[0,0,0] = max(0, 96) = 96",
        "indices count from 0: conv1[channel, row, column]",
    ]
    assert ran.out.splitlines()[-1].startswith("open a term: pellucid explain ")


def test_pooling_marks_the_winner_and_softmax_shows_every_exponent(by_hand):
    pool = explain(by_hand, "--at", "pool1[0,0,0]").out
    assert "[118]" in pool and "the largest is relu1[0,0,1]" in pool
    softmax = explain(by_hand, "--at", "softmax1[1]").out
    assert "exp(logit - maximum)" in softmax and "share of the sum" in softmax
    assert "calibrate[0]" in softmax and "calibrate[1]" in softmax


def levels(document):
    yield document
    for term in (document["terms"] or []) + (document["operands"] or []):
        if term["opened"]:
            yield from levels(term["opened"])


@pytest.mark.parametrize("top", [1, 3, 1000])
def test_every_level_adds_up_whatever_is_shown(trained, top):
    picture = next((trained.data / "7").glob("*.png"), None) or next(trained.data.rglob("*.png"))
    ran = pellucid(
        "explain", trained.model, picture, "--at", "softmax1[7]", "--depth", "6", "--top", str(top), "--json"
    )
    assert ran.code == 0, ran.err
    checked = 0
    for level in levels(ran.json):
        assert level["closes"] is not False
        if level["terms"] is None or level["sum"] is None:
            continue
        rest = level["remainder"]["sum"] if level["remainder"] else 0
        products = [Fraction(term["product"]) for term in level["terms"]]
        total = (sum(products) + Fraction(rest) + Fraction(level["bias"])) / Fraction(level["divisor"])
        scale = sum(map(abs, products)) + abs(Fraction(level["bias"])) + abs(Fraction(rest)) + 1
        assert abs(float(total) - level["sum"]) <= 1e-12 * float(scale)
        checked += 1
    assert checked > 1


def test_the_answer_is_explained_in_text_and_json(trained, tmp_path):
    picture = next(trained.data.rglob("*.png"))
    ran = pellucid("explain", trained.model, picture, "--json", cwd=tmp_path)
    assert ran.code == 0, ran.err
    document = ExplanationDocument.model_validate(ran.json)
    model = ModelFile.read(trained.model)
    assert document.label == model.predict(picture).label
    assert document.heatmap is not None and document.heatmap.deletion is not None
    with Image.open(tmp_path / f"{picture.stem}-heatmap.png") as drawn:
        assert drawn.info["Title"].startswith(document.label) and min(drawn.size) > 100
    assert document.versus is not None
    first, second = document.versus.scores
    assert isinstance(first, float) and isinstance(second, float)
    assert abs((first - second) - float(document.versus.sum)) < 1e-4
    text = pellucid("explain", trained.model, picture, cwd=tmp_path).out
    assert (text.startswith(document.label) and "not clearly faithful" in text) or "faithful" in text
    assert "heat[" in text and "deeper  pellucid explain" in text


@pytest.mark.parametrize(
    ("options", "what", "remedy"),
    [
        (["--at", "konv1[0,0,0]"], "the network has nothing of this name", "conv1? There are resize, "),
        (
            ["--at", "conv1[0,0,2]"],
            "column 2 is outside conv1: indices are from 0",
            "row 0 to 1, column 0 to 1",
        ),
        (
            ["--at", "conv1[0,0]"],
            "conv1 has 3 axes without the batch, the index has 2 numbers",
            "conv1[1,1,1]",
        ),
        (["--at", "conv1"], "which value of conv1?", "conv1[1,1,1]"),
        (["--at", "conv1[a,0,0]"], "an index is whole numbers, from 0", "conv1[1,1,1]"),
        (["--gradient", "conv1.weight[0,0,0,0]"], "a weight learns from a picture and its label", "--label"),
        (["--gradient", "conv1[0,0,0]", "--label", "0"], "only weights learn", "conv1.weight"),
        (["--class", "nobody"], "the model has no such class", "class 0, class 1"),
        (["--method", "magic"], "there is no such way to a heatmap", "gradcam"),
        (["--maps", "dense1"], "this layer has no maps to draw", "conv1"),
        (["--filters", "dense1"], "this layer has no filters to draw", "conv1"),
        (["--at", "conv1[0,0,0]", "--maps", "conv1"], "one question at a time", "one command for each"),
        (["--scale", "1"], "this file says itself how pictures come in", "leave --scale"),
    ],
)
def test_what_is_not_there_gets_a_sentence(by_hand, options, what, remedy):
    ran = explain(by_hand, *options, "--json")
    assert ran.code == 1 and ran.out == ""
    assert ran.error["what"].startswith(what)
    assert remedy in ran.error["remedy"]


def test_one_learning_step(by_hand):
    ran = explain(
        by_hand, "--gradient", "conv1.weight[0,0,1,1]", "--label", "class 1", "--rate", "0.001", "--json"
    )
    assert ran.code == 0, ran.err
    step = LearningDocument.model_validate(ran.json)
    assert step.before == 5
    assert abs(float(step.gradient) - sum(float(term.product) for term in step.terms)) < 1e-12
    assert abs(float(step.after) - (5 - 0.001 * float(step.gradient))) < 1e-12
    assert float(step.loss_after) < float(step.loss)


def test_maps_filters_and_fields_are_drawn(by_hand, tmp_path):
    maps = explain(by_hand, "--maps", "conv1", cwd=tmp_path)
    filters = explain(by_hand, "--filters", "conv1", "--json", cwd=tmp_path)
    field = explain(by_hand, "--at", "conv1[0,1,1]", "--field", "field.png", cwd=tmp_path)
    assert (maps.code, filters.code, field.code) == (0, 0, 0)
    assert filters.json["filters"][0]["nearest"] == "sharpen"
    assert filters.json["filters"][0]["similarity"] == pytest.approx(1)
    for name in ("picture-conv1.png", "conv1-filters.png", "field.png"):
        with Image.open(tmp_path / name) as drawn:
            assert "Title" in drawn.info
    assert "\x1b" not in maps.out


def test_a_full_disk_is_told(by_hand):
    ran = explain(by_hand, "--maps", "conv1", "--out", "/dev/full/no.png")
    assert ran.code == 1 and "Traceback" not in ran.err


def test_opening_a_value_loads_no_torch(by_hand):
    code = (
        "import sys; from pellucid.faces.cli import main\n"
        f"sys.argv = ['pellucid', 'explain', {str(by_hand / 'model.onnx')!r}, {str(by_hand / 'picture.png')!r}, "
        "'--at', 'conv1[0,0,0]']\n"
        "try: main()\nfinally: print('torch' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.split()[-1] == "False"


def test_the_published_schema_is_that_of_the_documents():
    documents = (ExplanationDocument, OpenedDocument, LearningDocument)
    _, schema = models_json_schema(
        [(document, "serialization") for document in documents], title="pellucid explain --json"
    )
    schema["anyOf"] = [{"$ref": f"#/$defs/{document.__name__}"} for document in documents]
    assert json.loads((DOCS / "explain.schema.json").read_text()) == schema


def test_an_explanation_shows_itself_in_a_notebook(by_hand):
    import pellucid as package

    explanation = package.load(by_hand / "model.onnx").explain(by_hand / "picture.png")
    html = explanation._repr_html_()
    assert "\n\n" not in html and "<script" not in html
    assert "data:image/png;base64," in html and repr(explanation).startswith("class ")
    number = explanation.at("conv1[0,0,0]")
    assert "+89" in repr(number) and "+89" in number._repr_html_()
    assert explanation.expand("softmax1[0]", depth=3).total == explanation.at("softmax1[0]").sum
