"""The explorer in a notebook's cell: run in JupyterLab as a person runs it, in a browser without a screen."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import pellucid
from pellucid.errors import EngineError, SettingsError
from pellucid.images.builtin import mnist
from support.browsing import PIXELS, draw_seven, walk_down
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


def test_an_explanation_opens_at_its_own_picture_and_question(window, built, tmp_path, digits):
    """A class that isn't the likeliest, held against one that isn't the next: both have to be the explorer's, too."""
    if importlib.util.find_spec("jupyterlab") is None:
        pytest.skip("jupyterlab isn't here: pip install jupyterlab")
    picture = tmp_path / "drawn <b>.png"
    pixels = np.asarray(mnist().read(60_007))
    Image.fromarray(pixels[:, :, 0]).save(picture)
    order = [digits.classes[i] for i in np.argsort(-digits.probabilities(pixels[None])[0])]
    code = (
        f"why = model.explain({str(picture)!r}, {order[2]!r}, against={order[4]!r}, check=False)\n"
        "why.open(height=700, pictures=3)"
    )
    with notebook_of(tmp_path, digits.where, code) as address:
        explorer = run_all(window, address)
        explorer.locator(f"section.why h2:text-is('Why {order[2]} and not {order[4]}')").wait_for()
        assert explorer.locator(".answer .said b").inner_text() == order[0]
        assert picture.name in explorer.locator(".side").inner_text()
        height, width, values = explorer.locator(".side .picture canvas").first.evaluate(PIXELS)
        assert (np.array(values).reshape(height, width, 1) == pixels).all()
        window.close()
        window.said.clear()  # JupyterLab's own


def test_an_explanation_opens_without_the_files_that_it_came_from(built, digits, tmp_path):
    model_file, picture = tmp_path / "model.onnx", tmp_path / "five.png"
    model_file.write_bytes(Path(digits.where).read_bytes())
    Image.fromarray(np.asarray(mnist().read(60_008))[:, :, 0]).save(picture)
    explanation = pellucid.load(model_file).explain(picture, "5", method="occlusion", check=False)
    model_file.unlink()
    picture.unlink()
    cell = explanation.open(pictures=0)
    assert [entry["id"] for entry in cell.package["pictures"]] == ["given"]
    assert cell.package["pictures"][0]["name"].endswith("five.png")
    against = explanation.answer.against
    assert cell.address == f"#why?class=5&against={against}&method=occlusion"


def test_without_anywidget_an_explanation_says_what_to_install(digits, monkeypatch):
    explanation = pellucid.load(digits.where).explain(np.zeros((28, 28), np.uint8), check=False)
    monkeypatch.setitem(sys.modules, "anywidget", None)
    monkeypatch.delitem(sys.modules, "pellucid.faces.widget", raising=False)
    with pytest.raises(EngineError, match="needs anywidget") as caught:
        explanation.open()
    assert "pellucid[notebook]" in caught.value.remedy and "pellucid open MODEL" in caught.value.remedy


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
