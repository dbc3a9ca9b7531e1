"""Proof 14: three runs, their report.html in a real browser, and the screenshots of docs/report.md.

MNIST (10 classes); faces or not (2 classes, scikit-image's lfw_subset); the digit pairs 00 to 99 (100 classes, each
picture two MNIST digits side by side, every digit used once). Of each page, in chromium: it runs no request, says
nothing on the console, doesn't scroll sideways at 360 pixels, every picture has a text, the headings are in order, each
anchor leads somewhere, text has a contrast of at least 4.5 in light and in dark, and printing opens what is folded.

    python proof/report_pages.py            writes docs/report/*.png, proof/results/report_pages.json and .md
    python proof/report_pages.py --short    the faces alone, one epoch, no screenshots

Without chromium or playwright it says so, and only writes and measures the pages.
"""

from __future__ import annotations

import io
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from _record import COMMAND, TOP, Options, conclude, options, run, table
from PIL import Image

from pellucid.images.builtin import mnist

PICTURES = TOP / "docs" / "report"
MOST_BYTES = {"mnist": 2_000_000, "faces": 2_000_000, "pairs": 10_000_000}
LARGEST_SCREENSHOT = 300_000
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}

# What is wrong with a page, found in the page itself.
LOOK = """() => {
  const wrong = [];
  const rgb = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = rgb(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const low = new Set();
  for (const e of document.querySelectorAll("body *")) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || e.closest("script") || !e.getClientRects().length) continue;
    const style = getComputedStyle(e);
    if (parseFloat(style.fontSize) === 0) continue;
    const a = luminance(rgb(e instanceof SVGElement ? style.fill : style.color)), b = luminance(ground(e));
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) low.add(`contrast ${contrast.toFixed(2)} of ${e.tagName}.${e.getAttribute("class")}`);
  }
  wrong.push(...low);
  for (const img of document.images) {
    if (!img.alt.trim()) wrong.push("a picture without a text");
    if (img.complete && !img.naturalWidth) wrong.push(`a picture that does not show: ${img.alt}`);
  }
  for (const svg of document.querySelectorAll("svg"))
    if (svg.getAttribute("role") !== "img" || !svg.getAttribute("aria-label")) wrong.push("a drawing without a text");
  let level = 0;
  for (const h of document.querySelectorAll("h1,h2,h3,h4")) {
    const now = Number(h.tagName[1]);
    if (now > level + 1) wrong.push(`heading ${h.textContent} jumps from ${level} to ${now}`);
    level = now;
  }
  if (document.querySelectorAll("h1").length !== 1) wrong.push("not one h1");
  for (const name of ["header", "nav", "main", "footer"])
    if (document.querySelectorAll(name).length !== 1) wrong.push(`not one ${name}`);
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  if (new Set(ids).size !== ids.length) wrong.push("an id twice");
  for (const a of document.querySelectorAll("a"))
    if (!document.getElementById((a.getAttribute("href") || "").slice(1))) wrong.push(`no target: ${a.outerHTML}`);
  for (const t of document.querySelectorAll("table"))
    if (!t.caption || !t.querySelector("th[scope]")) wrong.push("a table without caption or headings");
  return wrong;
}"""


def write_folder(folder: Path, pictures: Sequence[tuple[str, np.ndarray]]) -> Path:
    """Grey pictures as PNG in class folders."""
    for i, (name, pixels) in enumerate(pictures):
        path = folder / name / f"{i:05}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    return folder


def faces(folder: Path) -> Path:
    """200 pictures of 25x25: the first 100 are faces, the others are not."""
    from skimage.data import lfw_subset

    pixels = (lfw_subset() * 255).round().astype(np.uint8)
    return write_folder(folder, [("face" if i < 100 else "no face", each) for i, each in enumerate(pixels)])


def pairs(folder: Path, each: int = 60) -> Path:
    """100 classes of 28x56: two MNIST digits side by side, every digit used once."""
    source = mnist()
    by_digit = [list(np.flatnonzero(source.labels == digit)) for digit in range(10)]
    pictures = []
    for _ in range(each):
        for number in range(100):
            halves = [source.read(int(by_digit[digit].pop()))[..., 0] for digit in divmod(number, 10)]
            pictures.append((f"{number:02}", np.hstack(halves)))
    return write_folder(folder, pictures)


def train(name: str, out: Path, data: str | Path, *extra: str) -> dict[str, Any]:
    """One run; what it says, and the size of its report."""
    ran = run([COMMAND, "train", data, "--out", out, "--json", *extra])
    if ran.code:
        raise SystemExit(f"{name}: exit status {ran.code}\n{ran.err}")
    test = json.loads(ran.out)["test"]
    page = out / "report.html"
    return {"name": name, "classes": 0, "accuracy": test["accuracy"], "count": test["count"],
            "bytes": page.stat().st_size, "page": page}  # fmt: skip


@contextmanager
def browser() -> Iterator[Any]:
    """Chromium, or None where it isn't here; then why is printed."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        found = None
        print("not looked at in a browser: playwright isn't installed", file=sys.stderr)
    else:
        if not found:
            print("not looked at in a browser: there is no chromium on this machine", file=sys.stderr)
    if not found:
        yield None
        return
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@contextmanager
def opened(
    chromium: Any, page_file: Path, wrong: list[str], scheme: str = "light", **size: Any
) -> Iterator[Any]:
    """The page in a tab of its own; what it says and asks for ends up in `wrong`."""
    context = chromium.new_context(color_scheme=scheme, **size)
    page = context.new_page()
    page.on("console", lambda message: wrong.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    page.on("request", lambda request: wrong.append(f"request: {request.url}")
            if not request.url.startswith(("file:", "data:")) else None)  # fmt: skip
    page.goto(page_file.as_uri())
    yield page
    context.close()


def look(chromium: Any, page_file: Path) -> list[str]:
    """What is wrong with a page on a desktop and a phone, in light and in dark, by keyboard and in print."""
    wrong: list[str] = []
    for scheme in ("light", "dark"):
        for size in (DESKTOP, PHONE):
            with opened(chromium, page_file, wrong, scheme, viewport=size) as page:
                page.evaluate("() => document.querySelectorAll('details').forEach((box) => box.open = true)")
                wrong += [f"{scheme}, {size['width']}: {one}" for one in page.evaluate(LOOK)]
                width = page.evaluate("document.documentElement.scrollWidth")
                if width > size["width"]:
                    wrong.append(f"{size['width']}: the page is {width} wide")
    with opened(chromium, page_file, wrong, viewport=DESKTOP) as page:
        link = page.locator(".matrix a[href^='#c-'], .heat a[href^='#c-']").last
        if link.count():
            target = link.get_attribute("href")[1:]
            box = page.locator(f"[id='{target}']")
            before = box.get_attribute("open")
            link.focus()
            page.keyboard.press("Enter")
            if box.get_attribute("open") is None or not box.is_visible():
                wrong.append(f"Enter on a cell does not open {target} (open before: {before})")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        if closed := page.locator("details:not([open])").count():
            wrong.append(f"{closed} folded parts stay closed in print")
    return wrong


def screenshot(page: Any, path: Path, **how: Any) -> None:
    """A PNG of at most 300 kB: with fewer colours where it has to be."""
    picture = Image.open(io.BytesIO(page.screenshot(**how))).convert("RGB")
    for colours in (256, 128, 64, 32):
        picture.quantize(colours, dither=Image.Dither.NONE).save(path, optimize=True)
        if path.stat().st_size <= LARGEST_SCREENSHOT:
            return


def screenshots(chromium: Any, runs: dict[str, Path]) -> None:
    """Those of docs/report.md."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    nothing: list[str] = []
    for name, key in (("mnist", "mnist"), ("two-classes", "faces"), ("hundred-classes", "pairs")):
        with opened(chromium, runs[key], nothing, viewport=DESKTOP) as page:
            screenshot(page, PICTURES / f"{name}.png", full_page=True)
    with opened(chromium, runs["mnist"], nothing, "dark", viewport=DESKTOP) as page:
        screenshot(page, PICTURES / "dark.png", full_page=True)
    with opened(chromium, runs["mnist"], nothing, viewport=PHONE) as page:
        screenshot(page, PICTURES / "phone.png", full_page=True)
    with (
        opened(chromium, runs["mnist"], nothing, viewport=DESKTOP) as page,
        tempfile.TemporaryDirectory() as folder,
    ):
        paper = Path(folder) / "paper.pdf"
        page.pdf(path=paper, format="A4", prefer_css_page_size=True)
        if shutil.which("pdftoppm"):
            run(["pdftoppm", "-r", "60", "-png", paper, Path(folder) / "page"])
            sheets = [Image.open(path) for path in sorted(Path(folder).glob("page-*.png"))[:8]]
            width, height = sheets[0].size
            sheet = Image.new("RGB", (4 * width + 30, -(-len(sheets) // 4) * (height + 10) - 10), "#888")
            for i, each in enumerate(sheets):
                sheet.paste(each, (i % 4 * (width + 10), i // 4 * (height + 10)))
            sheet.quantize(128).save(PICTURES / "paper.png", optimize=True)
        else:
            print("no paper.png: pdftoppm isn't here", file=sys.stderr)


def main(argv: Sequence[str]) -> int:
    given: Options = options(argv, __doc__)
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as name, browser() as chromium:
        folder = Path(name)
        if given.short:
            rows = [train("faces", folder / "faces", faces(folder / "data"), "--epochs", "1")]
        else:
            rows = [
                train("mnist", folder / "mnist", "mnist", "--network", "bench-lenet", "--epochs", "3"),
                train("faces", folder / "faces", faces(folder / "faces-data"), "--epochs", "20"),
                train("pairs", folder / "pairs", pairs(folder / "pairs-data"), "--network", "bench-lenet",
                      "--epochs", "15"),
            ]  # fmt: skip
        for row in rows:
            if row["bytes"] > MOST_BYTES[row["name"]]:
                wrong.append(f"{row['name']}: {row['bytes']:,} bytes")
            if chromium:
                wrong += [f"{row['name']}: {one}" for one in look(chromium, row["page"])]
        if chromium and not given.short:
            screenshots(chromium, {row["name"]: row["page"] for row in rows})
    body = table(
        ["pictures", "test accuracy:", "n:", "size of report.html:", "in chromium"],
        [
            (row["name"], f"{row['accuracy']:.2%}", f"{row['count']:,}", f"{row['bytes']:,} bytes",
             "looked at" if chromium else "not looked at")
            for row in rows
        ],
    )  # fmt: skip
    pages = [{key: row[key] for key in ("name", "accuracy", "count", "bytes")} for row in rows]
    figures = {"n": len(rows), "seed": 0, "looked_at": bool(chromium), "pages": pages}
    return conclude("report_pages", "The report in a browser", given, figures, body, wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
