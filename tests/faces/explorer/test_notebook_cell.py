"""The explorer in a notebook's cell: run in JupyterLab as a person runs it, in a browser without a screen."""

import importlib.util
import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import numpy as np
import pytest

import pellucid
from pellucid.errors import SettingsError
from support.browsing import draw_seven, ready, walk_down

pytestmark = pytest.mark.skipif(importlib.util.find_spec("anywidget") is None, reason="anywidget isn't here")
SOURCE = Path(__file__).parents[3] / "src"


@pytest.fixture
def lab(tmp_path, digits):
    """JupyterLab with one notebook: its address."""
    if importlib.util.find_spec("jupyterlab") is None:
        pytest.skip("jupyterlab isn't here: pip install jupyterlab")
    code = f"import pellucid\nmodel = pellucid.load({digits.where!r})\nmodel.open(height=700)"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, tmp_path / "cell.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    key = secrets.token_hex(8)
    settings = {"JUPYTER_CONFIG_DIR": tmp_path / "config", "JUPYTER_DATA_DIR": tmp_path / "data",
                "JUPYTER_RUNTIME_DIR": tmp_path / "runtime", "PYTHONPATH": SOURCE}  # fmt: skip
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}",
               "--ip=127.0.0.1", f"--IdentityProvider.token={key}", "--ServerApp.port_retries=0",
               "--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]  # fmt: skip
    with (tmp_path / "lab.log").open("w") as log:
        process = subprocess.Popen(command, cwd=tmp_path, env=os.environ | {n: str(v) for n, v in settings.items()},
                                   stdout=log, stderr=log)  # fmt: skip
    try:
        begin = time.monotonic()
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api?token={key}", timeout=5).close()
                break
            except OSError:
                assert process.poll() is None and time.monotonic() - begin < 120, (
                    tmp_path / "lab.log"
                ).read_text()
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/lab/tree/cell.ipynb?token={key}"
    finally:
        process.terminate()
        process.wait(30)


def test_a_cell_from_a_drawn_seven_to_a_pixel(window, built, lab, digits):
    window.goto(lab)
    window.get_by_text("| Idle").wait_for()
    window.get_by_text("Run", exact=True).first.click()
    window.get_by_text("Run All Cells", exact=True).click()
    cell = window.locator(".jp-OutputArea .pellucid")
    cell.wait_for()
    explorer = ready(window, cell)
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
