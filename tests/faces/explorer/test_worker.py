"""The arithmetic runs in a worker, also in a page from a double click; where that is forbidden, in the page itself."""

from pathlib import Path

import numpy as np

from pellucid.model import ModelFile
from pellucid.model.card import Card
from pellucid.model.preprocessing import Preprocessing
from pellucid.model.write import model_bytes
from pellucid.network import Network
from pellucid.shipping.page import write_page


def page_of(folder: Path) -> Path:
    network = Network.from_text("conv 2 3x3, relu, flatten, dense 2, softmax", (1, 8, 8))
    draws = np.random.default_rng(0)
    weights = {
        name: draws.normal(size=shape).astype(np.float32) for name, shape in network.parameter_shapes.items()
    }
    card = Card(
        classes=("one", "two"), network=network.text,
        preprocessing=Preprocessing(height=8, width=8, channels=1, scale=(0.01,), shift=(-1.0,)),
    )  # fmt: skip
    write_page(ModelFile(model_bytes(network.with_weights(weights), card)), folder / "page.html")
    return folder / "page.html"


def test_a_page_from_a_file_computes_in_a_worker(window, built, tmp_path):
    path = page_of(tmp_path)
    with window.expect_event("worker") as started:
        window.goto(path.as_uri())
    window.locator(".answer .bar").first.wait_for()
    assert window.workers == [started.value] and started.value.url.startswith("blob:")


def test_where_workers_are_forbidden_the_page_computes(window, built, tmp_path):
    path = page_of(tmp_path)
    text = path.read_text("utf-8")
    assert "worker-src blob:" in text
    path.write_text(text.replace("worker-src blob:", "worker-src 'none'"), "utf-8")
    window.goto(path.as_uri())
    window.locator(".answer .bar").first.wait_for()
    assert window.workers == []
    window.said[:] = [line for line in window.said if "worker-src" not in line]
