"""Hostile model files: each ends in our error, soon, in little memory, with nothing executed and no crash."""

import numpy as np
import pytest
from onnx import helper

from pellucid.inside.number import Inside
from pellucid.model.foreign import ForeignModel, Wishes
from pellucid.model.onnx_file import OnnxFile
from support.hostile import Met, Sandbox, body, cuts, damaged, flips, judge, network, node, saved, whole
from support.hostile_cases import _function, _if, cases

CASES = list(cases())
FLIPS = CUTS = 150


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as made:
        yield made


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_hostile_file_gets_an_error(case, sandbox, tmp_path):
    met = sandbox.open(case.write(tmp_path))
    assert judge(case, met) == [], met


@pytest.mark.parametrize("files", [flips(FLIPS, 7), cuts(CUTS, 7)], ids=["turned bits", "cut short"])
def test_damaged_files_open_or_get_an_error(files, sandbox, tmp_path):
    harmless = CASES[0].__class__("damaged", saved(b""), harmless=True)
    for number, data in enumerate(files):
        met = sandbox.open(damaged(tmp_path, data))
        assert judge(harmless, met) == [], (number, met)


def test_no_secret_is_repeated(sandbox, tmp_path):
    """A file outside the folder is not read: its contents are in no message."""
    (tmp_path / "secret.bin").write_bytes(b"root-of-all" * 200)
    (tmp_path / "inner").mkdir()
    for case in CASES:
        if "secret" in case.name:
            met = sandbox.open(case.write(tmp_path / "inner"))
            assert "root-of-all" not in str(met)
            assert met.error["error"] == "ModelError"


def test_an_honest_file_opens(sandbox, tmp_path):
    met = sandbox.open(saved(whole())(tmp_path))
    assert (met.error, met.crash) == ({}, "")


def test_what_is_wrong_is_seen(sandbox, tmp_path):
    """The referee itself: an opened file, a slow one, a crash, a message without its parts."""
    case = CASES[0]
    good = {"error": "ModelError", "what": "no ONNX model", "where": "a", "received": "b", "remedy": "c"}
    assert judge(case, Met(good, 0.1, 1)) == []
    assert judge(case, Met({}, 0.1, 1)) == ["it opened"]
    assert judge(case, Met(good, 3.0, 1)) == ["3.0 s"]
    assert judge(case, Met(good, 0.1, 900)) == ["900 MB"]
    assert judge(case, Met({}, 0.1, 1, "ended with -11")) == ["ended with -11"]
    assert judge(case, Met({**good, "remedy": ""}, 0.1, 1)) == ["no remedy"]
    assert judge(case, Met({**good, "received": "\x1b[31m"}, 0.1, 1)) == ["it repeats control characters"]
    assert judge(case, Met({**good, "what": "no"}, 0.1, 1)) == ["it doesn't say 'no ONNX model'"]


def opened(made):
    model = ForeignModel(OnnxFile(made.SerializeToString(), "m.onnx"), Wishes(), 1)
    picture = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    return Inside(model.opened(picture)), picture


def test_functions_are_put_where_they_are_called():
    """A function within a function: its nodes are opened as any other."""
    inner = _function("F1", node("Relu", "a", "m"), node("Neg", "m", "b"))
    outer = _function("F0", node("F1", "a", "m", domain="mine"), node("Neg", "m", "b"))
    made = network(node("F0", "x", "y", domain="mine"), functions=[outer, inner], domains=["mine"])
    inside, picture = opened(made)
    kinds = [each.type for each in inside.opened.graph.nodes]
    assert kinds[-3:] == ["Relu", "Neg", "Neg"]
    assert inside.opened.unknown == {}
    number = inside.at("y[1,2,3]")
    assert number.closes
    assert number.sum == pytest.approx(picture[2, 3, 1] / 255, rel=1e-6)


def test_a_branch_is_run_and_its_value_shown():
    inside, picture = opened(_if(body(helper.make_node("Constant", [], ["z"], value_float=2.0), output="z")))
    assert inside.at("y[0,0,0]").stored == pytest.approx(picture[0, 0, 0] / 255 + 2, rel=1e-6)


def test_a_constant_without_limit_is_no_damage():
    """-infinity as a single limit, or worked out by the graph from numbers, is used by honest networks."""
    made = network(node("Constant", "", "low", value_float=float("-inf")), node("Max", "x low", "y"))
    inside, picture = opened(made)
    assert inside.at("y[0,0,0]").stored == pytest.approx(picture[0, 0, 0] / 255, rel=1e-6)


def test_names_of_ours_don_t_hide_the_file_s():
    """A file whose tensors are named as our own preprocessing's, prefix and all."""
    made = network(
        node("Relu", "x", "image"), node("Relu", "image", "picture/image"), node("Neg", "picture/image", "y")
    )
    inside, picture = opened(made)
    assert inside.at("y[2,3,4]").sum == pytest.approx(-float(picture[3, 4, 2]) / 255, rel=1e-6)
    assert inside.opened.values["image"].dtype == np.float32
    assert list(inside.opened.graph.inputs) == ["our-picture/image"]
