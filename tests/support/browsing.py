"""A person's way through the explorer, done in a driven browser; the same in the app, a page and a notebook's cell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.faces.server.session import Session
from pellucid.inside.number import Inside
from pellucid.model import ModelFile
from support.explorer import serving

CLOSE = 1e-5  # of a value's own size, or of 1
LINES = "rows => Object.fromEntries(rows.map(r => [r.dataset.line, +r.querySelector('[data-value]').dataset.value]))"
PARTIAL = "cells => Object.fromEntries(cells.map(c => [c.dataset.partial, +c.dataset.value]))"
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


@dataclass(frozen=True)
class Step:
    """One opened value as it stands on the screen: its place, the value, the equation's lines by name, the partial sums
    by map."""

    place: str
    stored: float
    lines: dict[str, float]
    partial: dict[str, float]


def walk(page: Any, explorer: Any, inside: Inside, bar: int) -> Iterator[Step]:
    """From the probability of a bar (counted from 0), by its strongest term each time, to the network's input: what is
    read at each place."""
    explorer.locator(".answer .bar").nth(bar).click()
    while True:
        step = read_step(page, explorer, inside)
        yield step
        if step.place.split("[")[0] == "input" or inside.at(step.place).node is None:
            return
        # A notebook keeps its own keys where the explorer hasn't the focus.
        explorer.locator(".lower").focus()
        page.keyboard.press("Enter")
        page.wait_for_function(MOVED, arg=step.place)


def read_step(page: Any, explorer: Any, inside: Inside) -> Step:
    """What is open, once it has settled."""
    bench = explorer.locator(".bench[aria-busy=false]")
    bench.wait_for()
    place = bench.locator("[data-place]").inner_text()
    settled(page, inside.at(place).stored)
    return Step(
        place,
        float(bench.locator("[data-stored]").get_attribute("data-stored")),
        bench.locator(".ledger tr[data-line]").evaluate_all(LINES),
        bench.locator("[data-partial]").evaluate_all(PARTIAL),
    )


def walk_down(page: Any, explorer: Any, model: ModelFile, pixels: np.ndarray, bar: int) -> list[str]:
    """A walk of which every value, sum and difference is held against Python's; the names on the way come back."""
    inside = Inside(model.opened(pixels))
    way: list[str] = []
    for step in walk(page, explorer, inside, bar):
        check(inside, step)
        way.append(step.place.split("[")[0])
        assert len(way) < 40, way
    return way


def settled(page: Any, meant: float) -> None:
    """Wait for the value on the screen to be that of the finished drawing; if it never is, `check` says by how much."""
    script = (
        "meant => Math.abs(document.querySelector('.bench [data-stored]')?.dataset.stored - meant) < 1e-4"
    )
    with suppress(Exception):
        page.wait_for_function(script, arg=meant, timeout=20_000)


def compared(inside: Inside, step: Step) -> list[tuple[str, float, float]]:
    """Each number of an equation on the screen beside Python's: what it is, as shown, as meant."""
    number, lines = inside.at(step.place), step.lines
    pairs = [("value", step.stored, number.stored), ("stored", lines["stored"], number.stored)]
    if number.node is None:  # a number of the picture itself: nothing computes it
        return pairs
    pairs.append(("total", lines["total"], number.sum))
    pairs.append(("difference", lines["difference"], lines["total"] - lines["stored"]))
    if "bias" in lines:
        pairs.append(("bias", lines["bias"], number.opening.bias))
        pairs.append(("sum", lines["sum"], number.sum - number.opening.bias))
    return pairs


def apart(shown: float, meant: float) -> float:
    """How far, of the value's own size or of 1."""
    return abs(shown - meant) / max(1.0, abs(meant))


def check(inside: Inside, step: Step) -> None:
    """One opened value, as it stands on the screen, against Python."""
    for what, shown, meant in compared(inside, step):
        assert apart(shown, meant) <= CLOSE, f"{step.place}: {what} {shown} on the screen, {meant} in Python"
