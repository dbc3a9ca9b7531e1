"""A person's way through the explorer, done in a driven browser; the same in the app, a page and a notebook's cell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from pellucid.faces.server.session import Session
from pellucid.inside.number import Inside
from pellucid.model import ModelFile
from support.explorer import serving

CLOSE = 1e-5  # of a value's own size, or of 1
LINES = "rows => Object.fromEntries(rows.map(r => [r.dataset.line, +r.querySelector('[data-value]').dataset.value]))"
PIXELS = """canvas => {
  const { width, height } = canvas
  const rgba = canvas.getContext('2d').getImageData(0, 0, width, height).data
  return [height, width, [...rgba].filter((_, i) => i % 4 == 0)]
}"""

MOVED = "before => document.querySelector('.bench[aria-busy=false] [data-place]')?.textContent !== before"


def open_page(page: Any, address: str, root: str = ".pellucid") -> Any:
    """Open it and wait for an answer; the first visit's hints are put away."""
    page.goto(address)
    return ready(page, page.locator(root))


@contextmanager
def app(page: Any, session: Session) -> Iterator[Any]:
    """The app of a session, opened in a browser; the browser leaves before the server goes."""
    with serving(session) as client:
        yield open_page(page, client.door.address)
        page.goto("about:blank")


def ready(page: Any, explorer: Any) -> Any:
    """The explorer once it has answered."""
    explorer.locator(".answer .said b").wait_for()
    hints = page.get_by_role("button", name="no hints")
    hints.wait_for()
    hints.click()
    return explorer


def draw_seven(page: Any, explorer: Any) -> np.ndarray:
    """Draw a 7 with the mouse; what stands on the sheet then, uint8 [28, 28, 1]."""
    explorer.get_by_role("button", name="Draw", exact=True).click()
    sheet = explorer.locator(".side .picture")
    sheet.scroll_into_view_if_needed()
    box = sheet.bounding_box()

    def at(row: float, column: float) -> tuple[float, float]:
        return box["x"] + box["width"] * (column + 0.5) / 28, box["y"] + box["height"] * (row + 0.5) / 28

    page.mouse.move(*at(7, 8))
    page.mouse.down()
    page.mouse.move(*at(7, 20), steps=8)
    page.mouse.move(*at(21, 13), steps=12)
    page.mouse.up()
    height, width, values = sheet.locator("canvas").first.evaluate(PIXELS)
    return np.array(values, np.uint8).reshape(height, width, 1)


def walk_down(page: Any, explorer: Any, model: ModelFile, pixels: np.ndarray, answer: int) -> list[str]:
    """From a class' probability, by its strongest term each time, to the network's input. Every value, sum and
    difference that stands on the screen is held against Python's; the names on the way come back."""
    inside = Inside(model.opened(pixels))
    explorer.locator(".answer .bar").nth(answer).click()
    explorer.locator(f".bench [data-place]:text-is('softmax1[{answer}]')").wait_for()
    way: list[str] = []
    while True:
        bench = explorer.locator(".bench[aria-busy=false]")
        bench.wait_for()
        place = bench.locator("[data-place]").inner_text()
        settled(page, inside.at(place).stored)
        check(inside, place, float(bench.locator("[data-stored]").get_attribute("data-stored")),
              bench.locator(".ledger tr[data-line]").evaluate_all(LINES))  # fmt: skip
        way.append(place.split("[")[0])
        if way[-1] == "input":
            return way
        assert len(way) < 40, way
        explorer.locator(
            ".lower"
        ).focus()  # a notebook keeps its own keys where the explorer hasn't the focus
        page.keyboard.press("Enter")
        page.wait_for_function(
            "before => document.querySelector('.bench[aria-busy=false] [data-place]')?.textContent !== before",
            arg=place,
        )


def settled(page: Any, meant: float) -> None:
    """Wait for the value on the screen to be that of the finished drawing; if it never is, `check` says by how much."""
    script = (
        "meant => Math.abs(document.querySelector('.bench [data-stored]')?.dataset.stored - meant) < 1e-4"
    )
    with suppress(Exception):
        page.wait_for_function(script, arg=meant, timeout=20_000)


def check(inside: Inside, place: str, stored: float, lines: dict[str, float]) -> None:
    """One opened value, as it stands on the screen."""
    number = inside.at(place)
    near(place, stored, number.stored)
    near(place, lines["stored"], number.stored)
    near(place, lines["total"], number.sum)
    near(place, lines["difference"], lines["total"] - lines["stored"])
    if "bias" in lines:
        near(place, lines["bias"], number.opening.bias)
        near(place, lines["sum"], number.sum - number.opening.bias)


def near(place: str, shown: float, meant: float) -> None:
    assert abs(shown - meant) <= CLOSE * max(1.0, abs(meant)), (
        f"{place}: {shown} on the screen, {meant} in Python"
    )
