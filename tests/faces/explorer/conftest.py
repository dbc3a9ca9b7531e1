"""The machine's chromium, the built explorer and a network of digits; what isn't here skips its tests and says why."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pellucid.images.builtin import mnist
from pellucid.inside.explorer_files import FOLDER
from pellucid.model import ModelFile
from support.cli import pellucid

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
BUILT = ("app.html", "app.js", "page.html", "widget.js")


@pytest.fixture(scope="session")
def built() -> Path:
    """The folder of the built front end."""
    lacking = [name for name in BUILT if not (FOLDER / name).is_file()]
    if lacking:
        pytest.skip(f"the explorer isn't built ({', '.join(lacking)}): make explorer, which needs node 20")
    return FOLDER


@pytest.fixture(scope="session")
def chromium(built):
    """A browser, driven."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright isn't here: pip install playwright")
    if CHROMIUM is None:
        pytest.skip("chromium isn't here: apt-get install chromium")
    with api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def window(chromium) -> Iterator:
    """A page in a window of its own, in which nothing may go wrong unseen: `window.said` has what the console said."""
    context = chromium.new_context(viewport={"width": 1400, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(60_000)  # a busy machine is no defect
    page = context.new_page()
    page.said = []
    page.on("console", lambda message: page.said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: page.said.append(f"error: {error}"))
    page.on("dialog", lambda dialog: (page.said.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    yield page
    context.close()
    assert not page.said, page.said


@pytest.fixture(scope="session")
def digits(tmp_path_factory) -> ModelFile:
    """A small network that knows handwritten digits, in its run's folder; of a part of the built-in ones, for speed."""
    folder = tmp_path_factory.mktemp("digits")
    source = mnist()
    rows = np.r_[:9000, len(source) - 1000 : len(source)]
    labels = np.array(source.classes)[np.asarray(source.labels)[rows]]
    np.savez(folder / "digits.npz", images=source.pixels[rows, :, :, 0], labels=labels)
    network = "conv 6 5x5, relu, maxpool 2, conv 12 5x5, relu, maxpool 2, flatten, dense 10"
    options = ("--epochs", "5", "--no-augment", "--threads", "2", "--out", folder / "run", "--json")
    ran = pellucid("train", folder / "digits.npz", "--network", network, *options)
    assert ran.code == 0, ran.err
    return ModelFile.read(folder / "run" / "model.onnx")
