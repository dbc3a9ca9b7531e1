"""Pictures of the explorer for its documentation: each view, light and dark, at a desk and on a phone.

    python web/tests/screenshots.py OUT --chromium CHROMIUM --digits URL --resnet URL --vgg URL [--only WORDS]

Each URL is what `pellucid open` printed: for a model of digits in its run's folder, for ResNet-18 and VGG-16 with a
photograph. Pictures come out with a palette, as they are mostly flat.
"""

from __future__ import annotations

import argparse
import io
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

DESK, PHONE = (1366, 768), (360, 740)
READY = ".answer .said:not(.busy)"
BENCH = ".bench[aria-busy=false]"


@dataclass(frozen=True)
class Shot:
    """`steps` are done one after another: a key, "click SELECTOR", "wait SELECTOR", "gone SELECTOR", "top SELECTOR"
    (scrolled there), "hover SELECTOR", "path" (Enter until the trail ends), "paint X Y X Y" (a stroke, in parts of the
    picture), or a number of milliseconds."""

    name: str
    network: str
    hash: str
    steps: tuple[str, ...] = ()
    size: tuple[int, int] = DESK
    theme: str = "light"
    tall: int = 0  # another height


SHOTS = (
    Shot("digits-number", "digits", "#explore/{deep}", (f"wait {BENCH}",)),
    Shot("digits-pixel", "digits", "", ("key a", f"wait {BENCH}", "path")),
    Shot(
        "digits-why",
        "digits",
        "#why",
        ("wait section.why svg", "click text=Occlusion", "2500", "wait section.why svg"),
        tall=900,
    ),
    Shot("digits-what-if", "digits", "#what-if", ("paint 0.3 0.9 0.85 0.9", "1500")),
    Shot(
        "digits-mistakes",
        "digits",
        "#mistakes",
        (
            "wait .matrix",
            "click .matrix button[aria-label*='class 4 answered 9']",
            "900",
            "click .pictures li button",
            "900",
        ),
    ),
    Shot(
        "digits-replay",
        "digits",
        "#replay",
        ("wait .replay .big", "click .replay input[type=range]", "1500"),
        theme="dark",
    ),
    Shot("digits-table", "digits", "#table", ("wait .table",)),
    Shot("digits-build", "digits", "#build", ("wait .build .state", "900")),
    Shot("digits-layer", "digits", "#explore", ("click .column .head", "wait .layer .kernels li", "500")),
    Shot("phone", "digits", "#explore", ("600",), size=PHONE),
    Shot("phone-number", "digits", "#explore/{deep}", (f"wait {BENCH}", "600"), size=PHONE, theme="dark"),
    Shot("resnet", "resnet", "", (f"wait {BENCH}", "3000")),
    Shot("resnet-join", "resnet", "#explore/add1[5,20,20]", (f"wait {BENCH}", "5000"), theme="dark"),
    Shot("vgg-number", "vgg", "#explore/conv2[7,0,30]", (f"wait {BENCH}", "8000"), theme="dark"),
    Shot("vgg-phone", "vgg", "#explore/conv1[7,100,60]", (f"wait {BENCH}", "4000"), size=PHONE),
)


def main() -> None:
    """Takes the pictures that are asked for."""
    reader = options(__doc__, "beginnings")
    reader.add_argument(
        "--deep", default="conv2[3,4,5]", help="the value of the digits' network that is opened"
    )
    asked = reader.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    wanted = tuple(asked.only.split(","))
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=asked.chromium, args=["--no-sandbox"])
        for shot in SHOTS:
            address = getattr(asked, shot.network)
            if address and shot.name.startswith(wanted):
                size = take(browser, shot, address, asked.deep, asked.out / f"{shot.name}.png")
                print(f"{shot.name}  {size / 1000:.0f} KB", flush=True)
        browser.close()


def options(about: str | None, parts: str) -> argparse.ArgumentParser:
    """What contact_sheets.py is asked, too; `parts` of names choose."""
    reader = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("out", type=Path)
    reader.add_argument("--chromium", help="the browser's program, unless playwright has one of its own")
    reader.add_argument("--only", default="", help=f"{parts} of names, with commas between")
    for network in ("digits", "resnet", "vgg"):
        reader.add_argument(f"--{network}")
    return reader


def take(browser: Browser, shot: Shot, address: str, deep: str, path: Path) -> int:
    """One picture, in a window of its own; its size in bytes."""
    width, height = shot.size
    phone = width < 500
    context = browser.new_context(
        viewport={"width": width, "height": shot.tall or height},
        color_scheme="dark" if shot.theme == "dark" else "light",
        has_touch=phone, is_mobile=phone, reduced_motion="reduce",
    )  # fmt: skip
    context.set_default_timeout(60_000)
    context.add_init_script("try { localStorage.setItem('pellucid.hints', 'seen') } catch {}")
    page = context.new_page()
    page.on("pageerror", lambda error: print(f"{shot.name}: {error}"))
    page.goto(address)
    page.locator(".pellucid").wait_for()
    if shot.hash:
        parts = urlsplit(address)
        page.goto("about:blank")
        page.goto(f"{parts.scheme}://{parts.netloc}/{shot.hash.replace('{deep}', deep)}")
    if not shot.hash.startswith(("#mistakes", "#table", "#build")):
        page.locator(READY).wait_for()
    for step in shot.steps:
        do(page, step)
    page.wait_for_timeout(700)
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    context.close()
    image.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    return path.stat().st_size


def do(page: Page, step: str) -> None:
    """One step of a picture."""
    word, _, rest = step.partition(" ")
    if word == "wait":
        page.locator(rest).first.wait_for()
    elif word == "gone":
        page.locator(rest).wait_for(state="detached")
    elif word == "click":
        page.locator(rest).first.click()
    elif word == "top":
        page.locator(rest).first.evaluate("element => element.scrollIntoView({ block: 'start' })")
    elif word == "hover":
        page.locator(rest).first.hover()
    elif word == "key":
        page.keyboard.press(rest)
    elif word == "paint":
        page.locator(".side .picture").scroll_into_view_if_needed()
        box = page.locator(".side .picture").bounding_box()
        assert box is not None, "there is no picture to paint on"
        x, y, to_x, to_y = (float(part) for part in rest.split())
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        page.mouse.down()
        page.mouse.move(box["x"] + to_x * box["width"], box["y"] + to_y * box["height"], steps=12)
        page.mouse.up()
        page.mouse.move(5, 500)
    elif word == "path":
        for _ in range(60):
            before = page.url
            page.keyboard.press("Enter")
            page.wait_for_timeout(250)
            page.locator(BENCH).wait_for()
            if page.url == before:
                break
    else:
        page.wait_for_timeout(int(word))


if __name__ == "__main__":
    main()
