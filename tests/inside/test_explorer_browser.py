"""What the browser computes, as Python knows it, is what the front end's own table has."""

import re
from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from pellucid.errors import ModelError
from pellucid.inside.explorer_browser import OPERATIONS, TYPES, not_in_browser
from pellucid.inside.explorer_document import described
from pellucid.inside.explorer_package import packed
from pellucid.model import ForeignModel
from pellucid.model.foreign import Wishes
from pellucid.model.onnx_file import OnnxFile
from support.foreign import colour_file, foreign_file

FOLDER = Path(__file__).parents[2] / "web" / "src" / "arithmetic"


def test_the_tables_are_the_same():
    table = (FOLDER / "operations" / "index.ts").read_text(encoding="utf-8")
    found = set(re.findall(r"^  '([a-z]+\.[A-Za-z]+)':", table, re.MULTILINE))
    curves = (FOLDER / "operations" / "activation.ts").read_text(encoding="utf-8")
    listed = re.search(r"const CURVES.*?= \{(.*?)\n\}", curves, re.DOTALL)
    assert listed
    found |= {f"activation.{name}" for name in re.findall(r"(\w+): \w+", listed[1])}
    assert found == OPERATIONS
    types = re.search(
        r"KEPT_TYPES = new Set\(\[(.*?)\]\)", (FOLDER / "network.ts").read_text(encoding="utf-8")
    )
    assert types and set(re.findall(r"'(\w+)'", types[1])) == TYPES


def opened(path):
    return described(ForeignModel(OnnxFile.open(path), Wishes(), threads=1)).document


def test_a_network_of_known_operations_is_computed_there(tmp_path):
    assert not_in_browser(opened(colour_file(tmp_path / "x.onnx"))) == []


def test_a_package_of_what_is_not_is_refused(tmp_path):
    nodes = [
        helper.make_node("Det", ["x"], ["d"], name="determinants"),
        helper.make_node("Flatten", ["d"], ["y"], name="f"),
    ]
    path = foreign_file(tmp_path / "x.onnx", nodes, {}, (1, 3, 6, 6))
    with pytest.raises(ModelError, match="a browser can't compute") as told:
        packed(ForeignModel(OnnxFile.open(path), Wishes(), threads=1), 0, {})
    assert told.value.received == "determinants (Det)"


def test_what_is_not_is_named(tmp_path):
    nodes = [
        helper.make_node("Conv", ["x", "k"], ["c"], name="c"),
        helper.make_node("Det", ["c"], ["e"], name="determinants"),
        helper.make_node("Flatten", ["e"], ["y"], name="f"),
    ]
    path = foreign_file(tmp_path / "x.onnx", nodes, {"k": np.ones((4, 3, 3, 3), np.float32)}, (1, 3, 6, 6))
    assert not_in_browser(opened(path)) == ["determinants (Det)"]
    narrow = [
        helper.make_node("Cast", ["x"], ["h"], name="narrow", to=10),
        helper.make_node("GlobalAveragePool", ["h"], ["g"], name="g"),
        helper.make_node("Cast", ["g"], ["w"], name="wide", to=1),
        helper.make_node("Flatten", ["w"], ["y"], name="f"),
    ]
    path = foreign_file(tmp_path / "y.onnx", narrow, {}, (1, 3, 6, 6))
    assert not_in_browser(opened(path)) == ["narrow (float16)", "g (float16)"]
