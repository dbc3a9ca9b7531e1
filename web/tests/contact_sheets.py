"""Every view of the explorer for three networks, light and dark, at a desk and on a phone, as contact sheets.

    python web/tests/contact_sheets.py OUT --chromium CHROMIUM --digits URL --resnet URL --vgg URL [--only WORDS]

Each URL is what `pellucid open` printed. A sheet is one network in one theme at one size: views-digits-light-desk.png.
`--apart FOLDER` also keeps each picture whole, to be looked at.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import Browser, Page, Request, sync_playwright
from screenshots import BENCH, DESK, PHONE, READY, do, options

PLACES = {"desk": DESK, "phone": PHONE}
SHRUNK, ACROSS = {"desk": 0.44, "phone": 0.64}, {"desk": 2, "phone": 5}
INK = {"light": ("#fcfcfb", "#202326"), "dark": ("#121416", "#e8eaec")}
OPENED = {
    "digits": "conv2[3,4,5]",
    "resnet": "add1[5,20,20]",
    "vgg": "conv2[7,0,30]",
}
LOOKED = "gone section.why progress"
FOLDED = ".column .head"
SEVEN = ("paint 0.3 0.25 0.72 0.25", "paint 0.72 0.25 0.45 0.8", "900", "quiet")
STROKE = ("paint 0.3 0.85 0.85 0.85", "1500", "quiet")


@dataclass(frozen=True)
class View:
    """One view: where it stands, and what is done before it is looked at (the steps of screenshots.py; "quiet":
    until all that was asked for is there; those that begin with "phone" there alone)."""

    name: str
    hash: str
    steps: tuple[str, ...] = ()
    stage: bool = True  # the picture's answer is waited for


VIEWS = (
    View("network", "#explore", ("900", "quiet")),
    View("a number opened", "#explore/{opened}", (f"wait {BENCH}", "1200", "quiet")),
    View("a layer", "#explore", (f"click {FOLDED}", "wait .layer", "1200", "quiet")),
    View(
        "why", "#why", ("wait section.why .steps li", "wait canvas.heat", "4000", LOOKED, "phone top .lower")
    ),
    View("what if: painted", "#what-if/{opened}", ("wait .what-if", "quiet", *STROKE)),
    View("draw", "#explore", ("click .ways .act", "900", *SEVEN)),
    View("mistakes", "#mistakes", ("1500",), stage=False),
    View("replay", "#replay", ("1800", "quiet", "phone top .lower")),
    View("table", "#table", ("wait .table", "500"), stage=False),
    View("build", "#build", ("900",), stage=False),
)


def main() -> None:
    """Makes the sheets that are asked for."""
    reader = options(__doc__, "parts")
    reader.add_argument("--apart", type=Path, help="a folder for each picture by itself")
    asked = reader.parse_args()
    for folder in (asked.out, asked.apart):
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=asked.chromium, args=["--no-sandbox"])
        for network in OPENED:
            for theme in INK:
                for place in PLACES:
                    name = f"views-{network}-{theme}-{place}"
                    address = getattr(asked, network)
                    if not address or not any(word in name for word in asked.only.split(",")):
                        continue
                    shots = list(taken(browser, address, network, theme, place))
                    for view, image in shots:
                        if asked.apart:
                            image.save(
                                asked.apart / f"{name}-{view.name.split(':')[0].replace(' ', '-')}.png"
                            )
                    path = asked.out / f"{name}.png"
                    sheet(shots, theme, place).quantize(256, kmeans=2, dither=Image.Dither.NONE).save(
                        path, optimize=True
                    )
                    print(f"{name}  {path.stat().st_size / 1000:.0f} KB", flush=True)
        browser.close()


def taken(
    browser: Browser, address: str, network: str, theme: str, place: str
) -> Iterator[tuple[View, Image.Image]]:
    """Each view in turn, in one window; what a page complains of is printed."""
    width, height = PLACES[place]
    phone = place == "phone"
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if theme == "dark" else "light",
        has_touch=phone, is_mobile=phone, reduced_motion="reduce",
    )  # fmt: skip
    context.set_default_timeout(180_000)
    context.add_init_script("try { localStorage.setItem('pellucid.hints', 'seen') } catch {}")
    page = context.new_page()
    page.on("pageerror", lambda error: print(f"{network} {theme} {place}: {error}", flush=True))
    waiting: set[Request] = set()
    page.on("request", lambda request: waiting.add(request))
    page.on("requestfinished", lambda request: waiting.discard(request))
    page.on("requestfailed", lambda request: waiting.discard(request))
    page.goto(address)
    page.locator(".pellucid").wait_for()
    parts = urlsplit(address)
    for view in VIEWS:
        page.goto("about:blank")
        page.goto(f"{parts.scheme}://{parts.netloc}/{view.hash.replace('{opened}', OPENED[network])}")
        page.locator(READY if view.stage else ".pellucid").wait_for()
        for step in view.steps:
            if step == "quiet":
                settled(page, waiting)
            elif phone or not step.startswith("phone "):
                do(page, step.removeprefix("phone "))
        yield view, seen(page)
    context.close()


def settled(page: Page, waiting: set[Request]) -> None:
    """Waits until nothing was asked of the server for a second."""
    quiet = 0
    while quiet < 10:
        page.wait_for_timeout(100)
        quiet = 0 if waiting else quiet + 1


def seen(page: Page) -> Image.Image:
    page.wait_for_timeout(500)
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def sheet(shots: list[tuple[View, Image.Image]], theme: str, place: str) -> Image.Image:
    """The views beside each other, each under its name."""
    ground, ink = INK[theme]
    wide, high = (round(side * SHRUNK[place]) for side in PLACES[place])
    across, gap, head = ACROSS[place], 16, 30
    down = math.ceil(len(shots) / across)
    made = Image.new("RGB", (across * (wide + gap) + gap, down * (high + gap + head) + gap), ground)
    draw = ImageDraw.Draw(made)
    font = ImageFont.load_default(17)
    for n, (view, image) in enumerate(shots):
        x, y = gap + (n % across) * (wide + gap), gap + (n // across) * (high + gap + head)
        draw.text((x, y), view.name, fill=ink, font=font)
        made.paste(image.resize((wide, high), Image.Resampling.LANCZOS), (x, y + head - 4))
        draw.rectangle((x - 1, y + head - 5, x + wide, y + head - 4 + high), outline="#8a9096")
    return made


if __name__ == "__main__":
    main()
