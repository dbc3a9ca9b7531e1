"""Networks of 200 classes and 128x128 colour as PyTorch and Keras export them, whole: opened by `pellucid open` and
written by `pellucid export page`, with a value of every layer opened and each equation held against Python's."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image

from pellucid.faces.server.session import Session
from pellucid.inside.number import Inside
from pellucid.model import Wishes, open_any
from support.browsing import check, open_page, read_step, walk
from support.cli import pellucid
from support.torch_exported import CLASSES, SIDE, export_torch

TOP = Path(__file__).parents[3]
KERAS = TOP / "tests" / "data" / "explorer" / "keras-colours.onnx"
PLACES = ("app", "page")


class Foreign:
    """A file, its labels and a picture; what Python says of them."""

    def __init__(self, file: Path, folder: Path):
        self.file = file
        self.labels = folder / "labels.txt"
        self.names = [f"class {i} <i>&amp;" if i % 9 == 0 else f"class {i}" for i in range(CLASSES)]
        self.labels.write_text("\n".join(self.names) + "\n")
        self.picture = folder / "picture.png"
        waves = np.indices((SIDE, SIDE)).sum(0)[:, :, None] * np.array([1, 2, 3]) / 30
        noise = np.random.default_rng(0).uniform(-20, 20, (SIDE, SIDE, 3))
        self.pixels = np.clip(128 + 90 * np.sin(waves) + noise, 0, 255).astype(np.uint8)
        Image.fromarray(self.pixels).save(self.picture)
        self.model = open_any(file, Wishes(labels=self.labels), None)
        document = Session(self.model).described.document
        self.layers = document.layers
        self.tensors = {node.name: node.outputs[0] for node in document.nodes}
        self.page = folder / "page.html"


@pytest.fixture(scope="module", params=["torch", "keras"])
def foreign(request, built, tmp_path_factory) -> Foreign:
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "keras":
        return Foreign(KERAS, folder)
    if any(importlib.util.find_spec(name) is None for name in ("torch", "onnxscript")):
        pytest.skip("PyTorch or onnxscript isn't here")
    return Foreign(export_torch(folder / "torch.onnx"), folder)


@contextmanager
def opened(window, foreign: Foreign, place: str) -> Iterator:
    """The explorer of it on its picture, as a person gets there."""
    if place == "page":
        if not foreign.page.is_file():
            ran = pellucid(
                "export", foreign.file, "page", "--labels", foreign.labels, "--out", foreign.page, "--json"
            )
            assert ran.code == 0, ran.err
        window.context.set_offline(True)
        explorer = open_page(window, foreign.page.as_uri())
        explorer.get_by_label("open a picture file").set_input_files(foreign.picture)
        explorer.locator(".side .line:has-text('128')").wait_for()
        window.wait_for_timeout(300)
        yield explorer
        return
    command = [sys.executable, "-m", "pellucid", "open", foreign.file, foreign.picture, "--labels", foreign.labels,
               "--no-browser", "--json"]  # fmt: skip
    environment = os.environ | {"PYTHONPATH": str(TOP / "src"), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=environment) as process:  # fmt: skip
        try:
            yield open_page(window, json.loads(process.stdout.readline())["address"])
            window.goto("about:blank")
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)


def best(foreign: Foreign) -> tuple[int, float]:
    shares = foreign.model.probabilities(foreign.pixels[None])[0]
    return int(np.argmax(shares)), float(np.max(shares))


@pytest.mark.parametrize("place", PLACES)
def test_every_kind_of_layer_opens_and_closes_as_python_says(window, foreign, place):
    inside = Inside(foreign.model.opened(foreign.pixels))
    with opened(window, foreign, place) as explorer:
        answer, share = best(foreign)
        explorer.locator(".answer .said b").get_by_text(foreign.names[answer], exact=True).wait_for()
        assert explorer.locator(".answer .said span").inner_text() == f"{share:.1%}"
        explorer.get_by_role("button", name="all 200 classes").click()
        names = explorer.locator(".answer .bar .name").all_inner_texts()
        assert len(names) == CLASSES and set(names) == set(foreign.names)
        seen = set()
        for layer in foreign.layers:
            shape = inside.places.value(foreign.tensors[layer.name]).shape[1:]
            index = tuple(min(size - 1, size // 2 + 1) for size in shape)
            text = f"{layer.name}[{','.join(map(str, index))}]"
            address = f"#explore/{quote(layer.name, safe='')}{text[len(layer.name) :]}"
            window.evaluate("hash => { location.hash = hash }", address)
            explorer.locator(f".bench[aria-busy=false] [data-place]:text-is({json.dumps(text)})").wait_for()
            step = read_step(window, explorer, inside)
            assert step.place == text
            check(inside, step)
            seen.add(layer.family)
        assert {"convolution", "pooling", "activation", "join", "dense"} <= seen, seen


@pytest.mark.parametrize("place", PLACES)
def test_from_the_probability_to_a_pixel(window, foreign, place):
    inside = Inside(foreign.model.opened(foreign.pixels))
    with opened(window, foreign, place) as explorer:
        way = []
        for step in walk(window, explorer, inside, 0):
            check(inside, step)
            way.append(step.place)
            assert len(way) < 40, way
        assert inside.at(way[-1]).node is None and len(way) > 10


@pytest.mark.parametrize("place", PLACES)
def test_why_this_class_and_not_another(window, foreign, place):
    answer, _ = best(foreign)
    with opened(window, foreign, place) as explorer:
        explorer.get_by_role("button", name="Why", exact=True).first.click()
        why = explorer.locator("section.why")
        why.locator("svg").first.wait_for()
        assert explorer.locator(".side .heat").count() == 1
        text = why.inner_text()
        assert f"Why {foreign.names[answer]} and not" in text and "The strongest evidence" in text
        why.get_by_role("button", name="Occlusion").click()
        why.locator("progress").wait_for(state="detached")
        assert explorer.locator(".side .heat").count() == 1 and explorer.locator(".failure").count() == 0


@pytest.mark.parametrize("place", PLACES)
def test_what_if_a_map_were_off_or_a_weight_another(window, foreign, place):
    """Held against Python run with the same change."""
    conv = next(layer.name for layer in foreign.layers if layer.family == "convolution")
    session = Session(foreign.model)
    with opened(window, foreign, place) as explorer:
        explorer.get_by_role("button", name="What if", exact=True).click()
        window.evaluate("hash => { location.hash = hash }", f"#what-if/{quote(conv, safe='')}[2,20,20]")
        explorer.locator(
            f".bench[aria-busy=false] [data-place]:text-is({json.dumps(conv + '[2,20,20]')})"
        ).wait_for()
        explorer.get_by_role("button", name="switch map off").click()
        explorer.get_by_role("button", name=f"{conv} map 2, switched off, changed").wait_for()
        agrees(explorer, foreign, session.run(foreign.pixels, {"off": [{"name": conv, "channel": 2}]}))
        explorer.get_by_role("button", name="reset all").click()
        explorer.get_by_role("button", name=f"{conv} map 2", exact=True).wait_for()
        explorer.locator(".kernel .grid").first.click()  # its middle
        explorer.locator(".weight input[type=number]").fill("3")
        explorer.locator(".weight input[type=number]").press("Enter")
        changed = explorer.locator(".what-if li").first.inner_text()
        assert "= 3" in changed, changed
        assert "closes" in explorer.locator(".bench .ledger").inner_text()


def agrees(explorer, foreign, run):
    """The answer on the screen is that of a run in Python."""
    shares = np.array(run["probabilities"])
    explorer.locator(".answer .said[aria-busy=false]").wait_for()
    assert explorer.locator(".answer .said b").inner_text() == foreign.names[int(np.argmax(shares))]
    assert explorer.locator(".answer .said span").inner_text() == f"{shares.max():.1%}"


@pytest.mark.parametrize("place", PLACES)
def test_the_table_and_the_kernels(window, foreign, place):
    with opened(window, foreign, place) as explorer:
        explorer.get_by_role("button", name="Table", exact=True).first.click()
        rows = explorer.locator(".table tbody th").all_inner_texts()
        assert rows == [layer.name for layer in foreign.layers]
        total = explorer.locator(".table tfoot td").nth(3).inner_text()
        assert int("".join(filter(str.isdigit, total))) == sum(layer.parameters for layer in foreign.layers)
        for layer in foreign.layers:
            if layer.family != "convolution":
                continue
            explorer.get_by_role("button", name="Table", exact=True).first.click()
            explorer.locator(".table tbody").get_by_role("button", name=layer.name, exact=True).click()
            maps = layer.maps[0]
            explorer.locator(".layer .kernels li").nth(min(maps, 24) - 1).wait_for()
            assert explorer.locator(".layer .maps li").count() == maps
