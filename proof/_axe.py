"""What axe-core finds in each view of the explorer: the modes, a painted stroke, and every kind of layer opened."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from _browser import QUIET
from _record import TOP

from pellucid.faces.server.session import Session
from pellucid.inside.explorer_document import described
from pellucid.model import ModelFile
from pellucid.network import Network

sys.path.insert(0, str(TOP / "tests"))
from support.explorer import serving
from support.networks import with_random_weights
from support.opening import model_of

AXE = TOP / "web" / "node_modules" / "axe-core" / "axe.min.js"
MODES = ("Explore", "Why", "What if", "Mistakes", "Replay", "Table", "Build")
LOOKS = (("light", 1366, 768), ("dark", 1366, 768), ("light", 360, 740), ("dark", 360, 740))
# Every view of the workbench, and layers that meet: untrained, as only what is shown matters.
KINDS = (
    "conv 8 3x3 pad 1, batchnorm, relu, maxpool 2, conv 8 3x3 pad 1, batchnorm, add pool1, leakyrelu, avgpool 2, "
    "dropout 0.2, conv 8 3x3 pad 2 dilation 2, concat pool2, globalavgpool, flatten, dense 12, tanh, dense 10, softmax"
)
FOUND = """async () => {
  const { violations } = await window.axe.run(document, { resultTypes: ['violations'] })
  return violations.map(({ id, impact, nodes }) => ({ id, impact, nodes: nodes.map((n) => n.target.join(' ')) }))
}"""
OPENED = ".bench[aria-busy=false] [data-place]"

Tab = Callable[..., AbstractContextManager[Any]]


def findings(
    tab: Tab, model: ModelFile, wrong: list[str], looks: Sequence[tuple[str, int, int]]
) -> dict[str, dict[str, int]]:
    """By view, how many of each impact, summed over the looks. `tab` opens one, of a size and colours."""
    found: dict[str, dict[str, int]] = {}
    for colours, width, height in looks:
        with tab(wrong, color_scheme=colours, viewport={"width": width, "height": height}) as page:
            page.add_init_script(QUIET)
            for view in _everywhere(page, model):
                own = found.setdefault(view, {})
                for each in page.evaluate(FOUND):
                    own[each["impact"]] = own.get(each["impact"], 0) + len(each["nodes"])
                    if each["impact"] in ("serious", "critical"):
                        wrong.append(f"axe, {view}, {colours}, {width}: {each['id']} at {each['nodes'][0]}")
    return found


def _everywhere(page: Any, model: ModelFile) -> Iterator[str]:
    """Goes from view to view; the name of each while it stands there."""
    with serving(Session(model)) as client:
        explorer = _ready(page, client.door.address)
        for mode in MODES:
            _mode(explorer, mode)
            page.wait_for_timeout(400)
            yield mode
            if mode == "What if":
                _paint(page, explorer)
                yield "What if, painted"
                explorer.get_by_role("button", name="reset all").click()
            if mode == "Mistakes" and explorer.locator(".matrix button").count():
                explorer.locator(".matrix button").first.click()
                explorer.locator(".pictures li button").first.click()
                page.wait_for_timeout(400)
                yield "Mistakes, a picture"
        _mode(explorer, "Explore")
        page.keyboard.press("?")
        page.get_by_role("dialog").wait_for()
        yield "keys"
        page.goto("about:blank")
    small = model_of(with_random_weights(Network.from_text(KINDS, (1, 28, 28))))
    layers = described(small).document.layers
    with serving(Session(small)) as client:
        explorer = _ready(page, client.door.address)
        _mode(explorer, "Explore")
        explorer.get_by_role("button", name="Draw", exact=True).click()
        _paint(page, explorer)
        yield "Draw"
        seen: set[str] = set()
        for layer in layers:
            kind = layer.operation.split()[0]
            if kind in seen:
                continue
            seen.add(kind)
            index = ",".join("0" for _ in layer.maps)
            for mode in ("explore", "what-if"):
                page.evaluate(f"location.hash = '#{mode}/{layer.name}[{index}]'")
                page.locator(f"{OPENED}:text-is('{layer.name}[{index}]')").wait_for()
                page.wait_for_timeout(200)
                yield f"a value opened: {kind}" + (", to be changed" if mode == "what-if" else "")
            page.evaluate("location.hash = '#explore'")
            page.locator(".bench").wait_for(state="detached")
            explorer.locator(".column .head", has=page.locator(f"b:text-is('{layer.name}')")).click()
            page.locator(".layer").wait_for()
            page.wait_for_timeout(200)
            yield f"a layer: {kind}"
            explorer.locator(".layer").get_by_role("button", name="close").first.click()
        page.goto("about:blank")


def _ready(page: Any, address: str) -> Any:
    page.goto(address)
    explorer = page.locator(".pellucid")
    explorer.wait_for()
    page.evaluate(AXE.read_text())  # as a debugger's code: the page's own policy lets no script in
    return explorer


def _mode(explorer: Any, mode: str) -> None:
    explorer.get_by_role("button", name=mode, exact=True).first.click()


def _paint(page: Any, explorer: Any) -> None:
    """A stroke across the picture, and the answer to it."""
    sheet = explorer.locator(".side .picture")
    sheet.scroll_into_view_if_needed()
    box = sheet.bounding_box()
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.3 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + 0.7 * box["height"], steps=8)
    page.mouse.up()
    explorer.locator(".answer .said[aria-busy=false]").wait_for()
    page.wait_for_timeout(400)
