"""A small network is computed in the page, all others and long work in a worker, also in a page from a double click;
where that is forbidden, in the page itself."""

from pathlib import Path

import numpy as np
import pytest

from pellucid.model import ModelFile
from pellucid.model.card import Card
from pellucid.model.preprocessing import Preprocessing
from pellucid.model.write import model_bytes
from pellucid.network import Network
from pellucid.shipping.page import write_page

SMALL = "conv 2 3x3, relu, flatten, dense 2, softmax"
LARGE = "conv 512 3x3, relu, conv 96 3x3, relu, flatten, dense 2, softmax"  # 7.2 million mult-adds


def page_of(folder: Path, text: str) -> Path:
    network = Network.from_text(text, (1, 8, 8))
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


@pytest.mark.parametrize(("network", "at_once"), [(SMALL, False), (LARGE, True)])
def test_a_page_from_a_file_starts_a_worker_for_what_takes_long(window, built, tmp_path, network, at_once):
    started = []
    window.on("worker", lambda worker: started.append(worker))
    window.goto(page_of(tmp_path, network).as_uri())
    window.locator(".answer .bar").first.wait_for()
    assert len(started) == at_once
    window.get_by_role("button", name="Why", exact=True).first.click()
    window.locator("section.why .steps").first.wait_for()
    assert len(started) == 1 and window.workers == started and started[0].url.startswith("blob:")


def test_where_workers_are_forbidden_the_page_computes(window, built, tmp_path):
    path = page_of(tmp_path, LARGE)
    text = path.read_text("utf-8")
    assert "worker-src blob:" in text
    path.write_text(text.replace("worker-src blob:", "worker-src 'none'"), "utf-8")
    window.goto(path.as_uri())
    window.locator(".answer .bar").first.wait_for()
    assert window.workers == []
    window.said[:] = [line for line in window.said if "worker-src" not in line]
