"""Parts that are there only at times: the input's tiles of a channel-last network, the switch that a narrow window has
between kernel and products, and what says that a picture can be dropped."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pellucid.faces.server.session import Session
from pellucid.inside.number import Inside
from pellucid.model import open_any
from support.browsing import CLOSE, app, draw_seven, open_page
from support.explorer import serving

KERAS = Path(__file__).parents[2] / "data" / "explorer" / "keras-colours.onnx"
DRAG = """(target, [kind, file, onto]) => {
  const data = new DataTransfer()
  const bytes = Uint8Array.from(atob(file ?? ''), letter => letter.charCodeAt(0))
  if (file) data.items.add(new File([bytes], 'dropped.png', { type: 'image/png' }))
  target.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: data,
    relatedTarget: onto ? document.querySelector(onto) : null }))
}"""


@pytest.fixture(scope="module")
def address(digits):
    with serving(Session(digits)) as client:
        yield client.door.address


@pytest.mark.parametrize("channel", [0, 2])
def test_an_input_tile_of_a_channel_last_network_opens_its_own_channel(window, built, channel):
    pixels = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    model = open_any(KERAS)
    with app(window, Session(model, ("noise.png", pixels))) as explorer:
        tiles = explorer.get_by_role("button", name="input channel")
        tiles.nth(channel).click()
        pressed = explorer.locator(".network .input button[aria-pressed=true]")
        pressed.wait_for()
        assert pressed.evaluate_all("tiles => tiles.map(t => t.getAttribute('aria-label'))") == [
            f"input channel {channel}"
        ]
        bench = explorer.locator(".bench[aria-busy=false]")
        place = bench.locator(f"[data-place]:text-matches(',{channel}.$')").inner_text()
        number = Inside(model.opened(pixels)).at(place)
        shown = float(bench.locator("[data-stored]").get_attribute("data-stored"))
        assert abs(shown - number.stored) <= CLOSE
        row, column, _ = number.place.index[-3:]
        largest = np.abs(Inside(model.opened(pixels)).opened.values[number.place.tensor][0, :, :, channel])
        assert largest[row, column] == largest.max()
        assert f"channel {channel}" in bench.locator(".own").inner_text()


def test_a_narrow_window_shows_the_kernel_or_the_products(window, address):
    window.set_viewport_size({"width": 1000, "height": 900})
    explorer = open_page(window, address + "#explore/conv2[1,2,3]")
    explorer.locator(".bench[aria-busy=false] [data-place]:text-is('conv2[1,2,3]')").wait_for()
    kernels, products = explorer.locator(".row div.kernel"), explorer.locator(".row div.products")
    assert kernels.count() == products.count() == 6

    def seen() -> tuple[bool, bool]:
        return kernels.first.is_visible(), products.first.is_visible()

    assert seen() == (True, False)
    explorer.get_by_role("button", name="products", exact=True).click()
    assert seen() == (False, True)
    assert explorer.get_by_role("button", name="products", exact=True).get_attribute("aria-pressed") == "true"
    products.first.locator(".grid").hover()
    assert (
        "×" in explorer.locator(".readout").inner_text() and "=" in explorer.locator(".readout").inner_text()
    )
    explorer.get_by_role("button", name="kernel", exact=True).click()
    assert seen() == (True, False)
    window.set_viewport_size({"width": 1400, "height": 900})
    explorer.get_by_role("button", name="products", exact=True).wait_for(state="hidden")
    assert seen() == (True, True)
    window.goto("about:blank")


def test_an_empty_sheet_says_what_can_be_done_with_it(window, address):
    explorer = open_page(window, address)
    hint = explorer.locator(".side .blank")
    assert hint.count() == 0
    pixels = draw_seven(window, explorer)
    assert hint.count() == 0 and pixels.any()
    explorer.get_by_role("button", name="clear", exact=True).click()
    hint.wait_for()
    assert "Drop a picture here" in hint.inner_text() and "or draw on this sheet" in hint.inner_text()
    window.goto("about:blank")


def test_a_dragged_picture_is_asked_for_until_it_is_dropped_or_leaves(window, address):
    explorer = open_page(window, address)
    hint = explorer.locator(".drop")
    explorer.evaluate(DRAG, ["dragover", None, None])
    hint.wait_for()
    assert hint.inner_text() == "Drop the picture"
    explorer.evaluate(DRAG, ["dragleave", None, ".answer"])  # over another part of the same window
    assert hint.count() == 1
    explorer.evaluate(DRAG, ["dragleave", None, None])
    hint.wait_for(state="detached")

    pixels = np.random.default_rng(1).integers(0, 256, (28, 28), dtype=np.uint8)
    Image.fromarray(pixels).save(written := io.BytesIO(), "PNG")
    explorer.evaluate(DRAG, ["dragover", None, None])
    explorer.evaluate(DRAG, ["drop", base64.b64encode(written.getvalue()).decode(), None])
    hint.wait_for(state="detached")
    explorer.locator(".side .line:has-text('dropped.png')").wait_for()
    drawn = "e => [...e.getContext('2d').getImageData(0, 0, 28, 28).data].filter((_, i) => i % 4 == 0)"
    window.wait_for_function("() => document.querySelector('.side .picture canvas').width === 28")
    assert explorer.locator(".side .picture canvas").first.evaluate(drawn) == pixels.ravel().tolist()
    window.goto("about:blank")
