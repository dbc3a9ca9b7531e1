"""Proof 29: the explorer in chromium, driven: a 7 is drawn, and every equation from its probability to a pixel is read.

In its three places: the app (`pellucid open`), the published page from file:// with the network off, and a cell in
JupyterLab. Each number that stands on the screen is held against what `explain` says in Python, within 1e-5 of its own
size or of 1. And what the browser measures: first paint, the answer after a piece of a stroke, handlers and the longest
task while dragging, sizes, and what axe-core finds in each view.

    python proof/explorer.py                      trains digits (one epoch), by the default network too for its times;
                                                  writes proof/results/explorer.json and .md
    python proof/explorer.py --model model.onnx   of a model of digits that is there already
    python proof/explorer.py --short              a small network; the times are told but don't count

Without chromium, playwright, jupyterlab or axe-core it says what it didn't look at.
"""

from __future__ import annotations

import gzip
import importlib.util
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from _axe import AXE, LOOKS, findings
from _browser import FIRST_PAINT, QUIET, drag, spread, strokes
from _record import COMMAND, RESULTS, TOP, Options, conclude, parser, run, table
from report_pages import browser

from pellucid.faces.server.session import Session
from pellucid.images.builtin import mnist
from pellucid.inside.explorer_files import FOLDER
from pellucid.inside.number import Inside
from pellucid.model import ModelFile
from pellucid.shipping.page import write_page

sys.path.insert(0, str(TOP / "tests"))
from support.browsing import CLOSE, apart, compared, draw_seven, open_page, walk
from support.explorer import serving
from support.jupyter import notebook_of, run_all

SMALL = "conv 6 5x5, relu, maxpool 2, conv 12 5x5, relu, maxpool 2, flatten, dense 10"
PAINT, HANDLER, TASK, EDIT, DRAWN = 1000, 8, 50, 50, 100  # ms, at most
PAGE, SCRIPT = 3_000_000, 300_000  # bytes, at most


def trained(folder: Path, short: bool, network: str = "bench-lenet") -> ModelFile:
    """A network that knows handwritten digits."""
    data, epochs = "mnist", "1"
    if short:
        source = mnist()
        rows = np.r_[:9000, len(source) - 1000 : len(source)]
        labels = np.array(source.classes)[np.asarray(source.labels)[rows]]
        np.savez(folder / "digits.npz", images=source.pixels[rows, :, :, 0], labels=labels)
        data, network, epochs = str(folder / "digits.npz"), SMALL, "4"
    ran = run([COMMAND, "train", data, "--network", network, "--epochs", epochs, "--no-augment", "--threads", "2",
               "--out", folder / "run", "--json"])  # fmt: skip
    if ran.code:
        raise SystemExit(f"training: exit status {ran.code}\n{ran.err}")
    return ModelFile.read(folder / "run" / "model.onnx")


@contextmanager
def tab(chromium: Any, wrong: list[str], **looks: Any) -> Iterator[Any]:
    """A tab of its own; what its page says on the console is wrong."""
    size = looks.pop("viewport", {"width": 1400, "height": 900})
    context = chromium.new_context(viewport=size, reduced_motion="reduce", **looks)
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.on("console", lambda message: wrong.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    yield page
    context.close()


def walked(place: str, page: Any, explorer: Any, model: ModelFile, wrong: list[str]) -> dict[str, Any]:
    """Draw a 7 and go from the answer's probability to a pixel; what was read, and how far it is from Python's."""
    pixels = draw_seven(page, explorer)
    answer = int(np.argmax(model.probabilities(pixels[None])[0]))
    explorer.locator(f".answer .said b:text-is('{model.classes[answer]}')").wait_for()
    if model.classes[answer] != "7":
        wrong.append(f"{place}: the drawn 7 is taken for {model.classes[answer]}")
    inside = Inside(model.opened(pixels))
    names, numbers, partials, terms, worst = [], 0, 0, 0, 0.0
    for step in walk(page, explorer, inside, answer):
        names.append(step.place.split("[")[0])
        meant = list(compared(inside, step))
        opened = list(inside.at(step.place).terms())
        sums: dict[str, float] = {}
        for term in opened:
            if step.partial and len(term.source.index) == 3:
                channel = str(term.source.index[0])
                sums[channel] = sums.get(channel, 0.0) + term.product
        for channel, shown in step.partial.items():
            rest = sum(v for key, v in sums.items() if key not in step.partial)
            meant.append((f"map {channel}", shown, rest if channel == "rest" else sums[channel]))
        numbers, terms, partials = numbers + len(meant), terms + len(opened), partials + len(step.partial)
        for what, shown, other in meant:
            worst = max(worst, apart(shown, other))
            if not apart(shown, other) <= CLOSE:
                wrong.append(f"{place}: {step.place}: {what} {shown} on the screen, {other} in Python")
    if names[-1] != "input":
        wrong.append(f"{place}: the way ends at {names[-1]}")
    return {"place": place, "levels": len(names), "way": names, "numbers": numbers, "partial_sums": partials,
            "terms": terms, "worst": worst}  # fmt: skip


def places(
    chromium: Any, model: ModelFile, page_file: Path, folder: Path, wrong: list[str]
) -> list[dict[str, Any]]:
    """The walk in each of the three places."""
    found = []
    with serving(Session(model)) as client, tab(chromium, wrong) as page:
        found.append(walked("pellucid open", page, open_page(page, client.door.address), model, wrong))
        page.goto("about:blank")
    with tab(chromium, wrong) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.context.set_offline(True)
        found.append(
            walked(
                "published page, offline, file://", page, open_page(page, page_file.as_uri()), model, wrong
            )
        )
        wrong += [
            f"the page asks for {url}" for url in asked if not url.startswith(("file:", "blob:", "data:"))
        ]
    if any(importlib.util.find_spec(name) is None for name in ("jupyterlab", "anywidget")):
        print("not looked at in a notebook: jupyterlab or anywidget isn't installed", file=sys.stderr)
        return found
    said: list[str] = []  # JupyterLab's own
    with notebook_of(folder, model.where) as address, tab(chromium, said) as page:
        found.append(walked("a cell in JupyterLab", page, run_all(page, address), model, wrong))
        page.close()
    return found


def measured(
    chromium: Any, model: ModelFile, page_file: Path | None, passes: int, wrong: list[str]
) -> dict[str, Any]:
    """Times, in passes; each pass is a tab of its own. Of a model without its page, of the app alone."""
    times: dict[str, Any] = {"paint": []}
    with serving(Session(model)) as client:
        conv = [node.name for node in Inside(model.opened(np.zeros((28, 28, 1), np.uint8))).opened.graph.nodes
                if type(node.operation).__name__ == "Convolution"][-1]  # fmt: skip
        for _ in range(passes):
            with tab(chromium, wrong) as page:
                page.add_init_script(QUIET)
                page.goto(client.door.address)
                page.locator(".answer .said b").wait_for()
                times["paint"].append(page.evaluate(FIRST_PAINT))
                page.evaluate(f"location.hash = '#explore/{conv}[1,2,3]'")
                page.locator(".bench[aria-busy=false] [data-place]").wait_for()
                page.wait_for_timeout(1000)
                times.setdefault("own map", []).append(drag(page, ".own .map"))
                times.setdefault("input map", []).append(drag(page, ".from .map"))
                page.get_by_role("button", name="What if", exact=True).first.click()
                page.wait_for_timeout(500)
                times.setdefault("painting", []).append(strokes(page))
                page.goto("about:blank")
    for _ in range(passes if page_file else 0):
        with tab(chromium, wrong) as page:
            page.add_init_script(QUIET)
            page.goto(page_file.as_uri())
            page.locator(".answer .said b").wait_for()
            page.get_by_role("button", name="Draw", exact=True).click()
            page.wait_for_timeout(500)
            times.setdefault("drawing in the page", []).append(strokes(page))
    return times


def sizes(page_file: Path) -> dict[str, int]:
    """Bytes: of the page, and of each place's script, gzipped."""
    page = (FOLDER / "page.html").read_text("utf-8")
    scripts = re.findall(r"<script(?![^>]*application/json)[^>]*>(.*?)</script>", page, re.S)
    return {
        "page": page_file.stat().st_size,
        "app": len(gzip.compress((FOLDER / "app.js").read_bytes())),
        "page_script": len(gzip.compress("".join(scripts).encode())),
        "widget": len(gzip.compress((FOLDER / "widget.js").read_bytes())),
    }


def judged(times: dict[str, Any]) -> list[tuple[str, int, str, str, float, float]]:
    """The figures as rows: what, n, as measured, the limit in words, the judged figure and its limit.

    Other programs take their turns on this machine, so of a task the processor's time is judged, the longest of all
    passes. An answer's delay is judged by the clock: the largest of the passes' medians.
    """
    paint = spread(times["paint"])
    rows = [("first paint, server up", len(times["paint"]), f"median {paint['median']:.0f} ms, largest "
             f"{paint['largest']:.0f} ms", f"{PAINT} ms", paint["median"], PAINT)]  # fmt: skip
    for what in ("own map", "input map"):
        passes = times[what]
        middle = float(np.median([one["handler"]["median"] for one in passes]))
        n = sum(one["n"] for one in passes)
        rows += [
            (
                f"handler, dragging over the {what}",
                n,
                f"median {middle:.2f} ms",
                f"{HANDLER} ms",
                middle,
                HANDLER,
            ),
            longest_task(f"dragging over the {what}", n, passes),
        ]
    for what, limit in (
        ("painting", EDIT),
        ("drawing in the page", DRAWN),
        ("painting, the default network", EDIT),
    ):
        passes = times.get(what, [])
        if not passes:
            continue
        medians, work = [one["answer"]["median"] for one in passes], [one["work"] for one in passes]
        slow = [one["answer"]["p95"] for one in passes]
        n = sum(one["n"] for one in passes)
        rows += [
            (f"answer after a piece of a stroke, {what}", n, f"{told(work)} ms by pass (processor), median "
             f"{told(medians)} ms, 95th percentile {told(slow)} ms (clock, to the painted frame)", f"{limit} ms",
             max(medians), limit),
            longest_task(what, n, passes),
        ]  # fmt: skip
    return rows


def longest_task(
    what: str, n: int, passes: Sequence[dict[str, Any]]
) -> tuple[str, int, str, str, float, float]:
    """The row of a task's length."""
    processor, clock = ([one["longest_task"][key] for one in passes] for key in ("processor", "clock"))
    return (f"longest task, {what}", n, f"{told(processor)} ms by pass (processor), {told(clock)} ms (clock)",
            f"{TASK} ms", max(processor), TASK)  # fmt: skip


def told(figures: Sequence[float]) -> str:
    return ", ".join(f"{one:.0f}" for one in figures)


def report(figures: dict[str, Any], rows: Sequence[Sequence[Any]]) -> str:
    """The record's tables."""
    walks = table(["place", "levels:", "numbers read:", "of them partial sums:", "terms behind them:",
                   "worst difference:"],
                  [(w["place"], w["levels"], w["numbers"], w["partial_sums"], w["terms"], f"{w['worst']:.1e}")
                   for w in figures["walks"]])  # fmt: skip
    size = figures["sizes"]
    weights = [("the published page", 1, f"{size['page']:,} bytes", f"{PAGE:,} bytes")]
    weights += [(f"script of the {name}, gzipped", 1, f"{size[key]:,} bytes", f"{SCRIPT:,} bytes")
                for name, key in (("app", "app"), ("page", "page_script"), ("notebook's cell", "widget"))]  # fmt: skip
    times = table(["what", "n:", "measured", "at most"], [row[:4] for row in rows] + weights)
    axe = "axe-core isn't here: npm ci in web/"
    if figures["axe"]:
        axe = table(["view", "serious or critical:", "moderate:", "minor:"],
                    [(view, by.get("serious", 0) + by.get("critical", 0), by.get("moderate", 0), by.get("minor", 0))
                     for view, by in figures["axe"].items()])  # fmt: skip
    way = " → ".join(figures["walks"][0]["way"])
    return (
        f"From the probability of a drawn 7 to a pixel: {way}.\n\n{walks}\n\nTimes, at a load of {figures['load']} on "
        f"this machine:\n\n{times}\n\naxe-core, light and dark, 1366 x 768 and 360 x 740:\n\n{axe}"
    )


def look(
    chromium: Any, model: ModelFile, default: ModelFile | None, folder: Path, short: bool, wrong: list[str]
) -> tuple[dict[str, Any], str]:
    """All of it; of the default network, painting alone."""
    page_file = Path(write_page(model, folder / "digits.html").path)
    walks = places(chromium, model, page_file, folder, wrong)
    load = round(os.getloadavg()[0], 1)
    times = measured(chromium, model, page_file, 1 if short else 5, wrong)
    if default:
        times["painting, the default network"] = measured(chromium, default, None, 5, wrong)["painting"]
    rows = judged(times)
    axe = (
        findings(partial(tab, chromium), model, wrong, LOOKS[:1] if short else LOOKS) if AXE.is_file() else {}
    )
    weight = sizes(page_file)
    if not short:  # where the tests run, others do too: nothing is said about speed
        wrong += [f"{row[0]}: {row[2]}, not {row[3]}" for row in rows if row[4] > row[5]]
    wrong += [
        f"{name}: {size:,} bytes"
        for name, size in weight.items()
        if size > (PAGE if name == "page" else SCRIPT)
    ]
    figures = {"n": sum(walk["numbers"] for walk in walks), "seed": 0, "parameters": model_parameters(model),
               "chromium": chromium.version, "walks": walks, "times": times, "load": load,
               "sizes": weight, "axe": axe}  # fmt: skip
    return figures, report(figures, rows)


def model_parameters(model: ModelFile) -> int:
    return sum(array.size for array in model.file.weights.values())


def main(argv: Sequence[str]) -> int:
    options = parser(__doc__)
    options.add_argument("--model", type=Path, help="a trained model of digits")
    asked = options.parse_args(argv)
    given = Options(asked.short, asked.out or (None if asked.short else RESULTS))
    wrong: list[str] = []
    lacking = [
        name for name in ("app.html", "app.js", "page.html", "widget.js") if not (FOLDER / name).is_file()
    ]
    with tempfile.TemporaryDirectory() as name, browser() as chromium:
        if lacking or chromium is None:
            print(
                "The explorer isn't looked at: " + ("no browser" if not lacking else f"not built ({lacking})")
            )
            return 0 if given.short else 1
        folder = Path(name)
        model = ModelFile.read(asked.model) if asked.model else trained(folder, given.short)
        default = None if given.short or asked.model else trained(folder / "default", False, "auto")
        figures, text = look(chromium, model, default, folder, given.short, wrong)
    return conclude("explorer", "The explorer in a browser", given, figures, text, wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
