"""The app and the published page in a browser: draw a 7, read the answer, and go from the probability to the input with
every equation read from the screen and held against Python."""

from pathlib import Path

import numpy as np
import pytest

from pellucid.faces.server.session import Session
from pellucid.images.corrections import corrections_file, read_corrections
from pellucid.shipping.page import write_page
from support.browsing import app, draw_seven, open_page, walk_down
from support.explorer import serving

WAY = [
    "softmax1",
    "calibrate",
    "dense1",
    "flatten1",
    "pool2",
    "relu2",
    "conv2",
    "pool1",
    "relu1",
    "conv1",
    "input",
]


@pytest.fixture(scope="module")
def page_file(digits, built, tmp_path_factory):
    made = write_page(digits, tmp_path_factory.mktemp("page") / "digits & <b>.html")
    assert made.size < 3_000_000 and made.agreement <= 1e-6
    return made


def page_file_address(made):
    return Path(made.path).as_uri()


def test_the_app_from_a_drawn_seven_to_a_pixel(window, digits):
    with serving(Session(digits)) as client:
        explorer = open_page(window, client.door.address)
        assert window.url.startswith(f"http://127.0.0.1:{client.door.port}/") and "key" not in window.url
        pixels = draw_seven(window, explorer)
        explorer.locator(".answer .said b:text-is('7')").wait_for()
        assert np.argmax(digits.probabilities(pixels[None])[0]) == 7
        assert walk_down(window, explorer, digits, pixels, 7) == WAY
        window.go_back()
        explorer.locator(".bench [data-place]:text-matches('^conv1')").wait_for()
        window.goto("about:blank")


def test_the_page_offline_from_a_file(window, digits, page_file):
    requests = []
    window.on("request", lambda request: requests.append(request.url))
    window.context.set_offline(True)
    explorer = open_page(window, page_file_address(page_file))
    pixels = draw_seven(window, explorer)
    explorer.locator(".answer .said b:text-is('7')").wait_for()
    assert walk_down(window, explorer, digits, pixels, 7) == WAY
    assert all(url.startswith(("file:", "blob:", "data:")) for url in requests), requests


def test_the_page_shows_the_models_own_answers(window, digits, page_file):
    explorer = open_page(window, page_file_address(page_file))
    shown = explorer.locator(".answer .bar").evaluate_all(
        "bars => bars.map(bar => bar.getAttribute('aria-label'))"
    )
    assert len(shown) == 10 and sum("Open." in text for text in shown) == 10
    assert window.title() == "digits · pellucid"


def test_a_large_network_is_computed_by_the_server(window, digits, monkeypatch):
    monkeypatch.setattr(Session, "is_local", False)
    with serving(Session(digits)) as client:
        runs = []
        window.on("request", lambda request: runs.append(request.url) if "/api/run" in request.url else None)
        explorer = open_page(window, client.door.address)
        pixels = draw_seven(window, explorer)
        explorer.locator(".answer .said b:text-is('7')").wait_for()
        assert walk_down(window, explorer, digits, pixels, 7) == WAY
        assert runs
        window.goto("about:blank")


def test_a_label_is_corrected_where_the_data_lies(window, digits):
    file = corrections_file(digits.card.data.source)
    with app(window, Session(digits)) as explorer:
        explorer.get_by_role("button", name="Mistakes", exact=True).first.click()
        explorer.locator(".pictures li button").first.click()
        chosen = explorer.get_by_label("the chosen picture")
        before = chosen.get_by_label("the right label").input_value()
        other = "1" if before != "1" else "2"
        chosen.get_by_label("the right label").select_option(other)
        chosen.get_by_text("The next training reads it").wait_for()
        (row,) = read_corrections(file).values()
        assert (row.label, row.was) == (other, before)
        chosen.get_by_role("button", name="take it back").click()
        chosen.get_by_text("taken back").wait_for()
        assert read_corrections(file) == {}
    file.unlink()
