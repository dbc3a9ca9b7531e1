"""Hostile files and slips through the command line, as text and as JSON: exit status 1, the error, no traceback."""

import json

import pytest
from PIL import Image

from support.cli import pellucid
from support.hostile import saved, whole
from support.hostile_cases import cases

TRIED = (
    "a file of zeros", "no file", "a pipe in the model's place", "a header of a 2 GB tensor, 64 bytes there",
    "weights in ../secret", "weights behind a link to a device", "a pipe as the file of weights",
    "dimensions whose product overflows 64 bits", "NaN among the weights", "ConstantOfShape of 2^40",
    "a loop without end", "an operation of a library", "functions that come to 2^40 nodes",
    "an operation's name of terminal escapes", "a circle", "a tensor that nothing makes", "no input",
    "a foreign graph with a card and seal of ours",
)  # fmt: skip
CASES = {case.name: case for case in cases()}


def refused(arguments, as_json):
    """The error of a call that has to be refused."""
    ran = pellucid("explain", *arguments, *(["--json"] if as_json else []))
    assert ran.code == 1, ran
    assert "Traceback" not in ran.err + ran.out
    assert "\x1b]0" not in ran.err and "\x07" not in ran.err
    assert ran.out == ""
    if as_json:
        assert {"error", "what"} < set(ran.error)
        return json.dumps(ran.error, ensure_ascii=False)
    assert "error" in ran.err
    return " ".join(ran.err.split())


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "picture.png"
    Image.new("RGB", (8, 8), (9, 99, 200)).save(path)
    return path


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
@pytest.mark.parametrize("name", TRIED)
def test_a_hostile_file(name, as_json, tmp_path, picture):
    case = CASES[name]
    said = refused([case.write(tmp_path), picture], as_json)
    for word in case.says:
        assert word.lower() in said.lower()


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
@pytest.mark.parametrize(
    ("at", "says"),
    [
        ("conf1[0,0,0]", "conv1"), ("conv1[99,0,0]", "channel 99 is outside"), ("conv1", "which value"),
        ("conv1[x]", "whole numbers"),
    ],
)  # fmt: skip
def test_a_wrong_name_or_index(at, says, as_json, tmp_path, picture):
    model = saved(whole())(tmp_path)
    assert says.lower() in refused([model, picture, "--at", at], as_json).lower()


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
@pytest.mark.parametrize("data", [b"", b"no picture", bytes(5000)], ids=["empty", "text", "zeros"])
def test_an_image_of_the_wrong_kind(data, as_json, tmp_path):
    (tmp_path / "picture.png").write_bytes(data)
    assert "picture.png" in refused([saved(whole())(tmp_path), tmp_path / "picture.png"], as_json)
