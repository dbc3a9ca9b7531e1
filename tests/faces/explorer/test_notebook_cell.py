"""The explorer in a notebook's cell: run in JupyterLab as a person runs it, in a browser without a screen."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

import pellucid
from pellucid.errors import SettingsError
from support.browsing import draw_seven, walk_down
from support.jupyter import notebook_of, run_all

pytestmark = pytest.mark.skipif(importlib.util.find_spec("anywidget") is None, reason="anywidget isn't here")


@pytest.fixture
def lab(tmp_path, digits):
    """JupyterLab with one notebook: its address."""
    if importlib.util.find_spec("jupyterlab") is None:
        pytest.skip("jupyterlab isn't here: pip install jupyterlab")
    with notebook_of(tmp_path, digits.where) as address:
        yield address


def test_a_cell_from_a_drawn_seven_to_a_pixel(window, built, lab, digits):
    explorer = run_all(window, lab)
    pixels = draw_seven(window, explorer)
    explorer.locator(".answer .said b:text-is('7')").wait_for()
    way = walk_down(window, explorer, digits, pixels, 7)
    assert way[0] == "softmax1" and way[-1] == "input"
    window.close()
    window.said.clear()  # JupyterLab's own


def test_what_a_cell_is_sent(built, digits):
    model = pellucid.load(digits.where)
    cell = model.open(np.zeros((28, 28), np.uint8), pictures=4)
    shown = cell.package["pictures"]
    assert shown[0]["id"] == "given" and len(shown) == 5
    assert len(cell.weights) == cell.package["graph"]["weight_bytes"]
    state = json.dumps(cell.package)
    assert str(Path(digits.where).parent) not in state and "correct" in cell.package["lacks"]


def test_a_network_too_large_for_a_cell_says_so(built, digits, monkeypatch):
    from pellucid.faces import widget

    monkeypatch.setattr(widget, "LARGEST", 1000)
    with pytest.raises(SettingsError, match="too large for a notebook") as caught:
        pellucid.load(digits.where).open()
    assert "pellucid open" in caught.value.remedy
