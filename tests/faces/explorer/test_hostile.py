"""What a stranger may hand over: names that look like markup, files that are no pictures, a model without labels, a
server that has gone. Each is a sentence on the screen, and nothing of it is executed."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pellucid.faces.server.session import Session
from pellucid.model import ModelFile, Wishes, open_any
from pellucid.shipping.page import write_page
from support.browsing import app, open_page, ready
from support.cli import pellucid
from support.digits import NETWORK, digits_folder
from support.explorer import serving
from support.foreign import colour_file

WICKED = "<img src=x onerror=document.title='hit'>"
SCRIPT = "<script>document.title='hit'<&sol;script>"
MODES = ("Explore", "Why", "What if", "Mistakes", "Replay", "Table", "Build")


@pytest.fixture(scope="module")
def wicked(tmp_path_factory) -> ModelFile:
    """A run whose classes and pictures are called like markup."""
    folder = tmp_path_factory.mktemp("wicked")
    data = digits_folder(folder / "<b>data<!--", 120)
    (data / "7").rename(data / WICKED)
    (data / "3").rename(data / SCRIPT)
    for path in list((data / WICKED).iterdir()):
        path.rename(path.with_name(f"</script><svg onload=alert(1)>{path.name}".replace("/", "_")))
    ran = pellucid("train", data, "--network", NETWORK, "--epochs", "3", "--out", folder / "run", "--json")
    assert ran.code == 0, ran.err
    return ModelFile.read(folder / "run" / "model.onnx")


def _through_all_modes(window, explorer):
    for mode in MODES:
        explorer.get_by_role("button", name=mode, exact=True).first.click()
        window.wait_for_timeout(150)
    explorer.get_by_role("button", name="Mistakes", exact=True).first.click()
    for cell in explorer.get_by_role("button", name="answered").all()[:4]:
        cell.click()
        window.wait_for_timeout(100)
    assert "hit" not in window.title()
    assert window.locator("img[src=x], svg[onload], .pellucid script").count() == 0


def test_names_like_markup_stay_text_in_the_app(window, wicked):
    with app(window, Session(wicked, (WICKED, np.zeros((8, 8, 1), np.uint8)))) as explorer:
        assert (
            WICKED in explorer.locator(".answer").inner_text()
            and SCRIPT in explorer.locator(".answer").inner_text()
        )
        _through_all_modes(window, explorer)


def test_names_like_markup_stay_text_in_a_page(window, wicked, built, tmp_path):
    made = write_page(wicked, tmp_path / "page.html")
    explorer = open_page(window, f"file://{made.path}")
    assert (
        WICKED in explorer.locator(".answer").inner_text()
        and SCRIPT in explorer.locator(".answer").inner_text()
    )
    _through_all_modes(window, explorer)


def _files(folder: Path) -> dict[str, tuple[Path, str]]:
    """Files that are no pictures, each with words of the sentence that it gets."""
    whole = folder / "whole.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)).save(whole)
    jpeg = folder / "whole.jpg"
    Image.open(whole).save(jpeg)
    (folder / "cut.png").write_bytes(whole.read_bytes()[:-200])
    (folder / "cut.jpg").write_bytes(jpeg.read_bytes()[:-200])
    (folder / "letter.png").write_text("Dear Sir or Madam")
    (folder / "empty.png").write_bytes(b"")
    (folder / "page.png").write_text("<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>")
    with (folder / "huge.png").open("wb") as file:
        file.truncate(100 << 20)
    return {
        "huge": (folder / "huge.png", "64 MB"), "cut png": (folder / "cut.png", "cut short"),
        "cut jpeg": (folder / "cut.jpg", "cut short"), "letter": (folder / "letter.png", "Not a"),
        "empty": (folder / "empty.png", "empty"), "svg": (folder / "page.png", "Not a"),
    }  # fmt: skip


def _offer(window, explorer, folder):
    failure = explorer.locator(".failure")
    for name, (path, words) in _files(folder).items():
        explorer.get_by_label("open a picture file").set_input_files(path)
        failure.wait_for()
        said = failure.inner_text()
        assert words in said and path.name in said, f"{name}: {said}"
        failure.get_by_role("button", name="dismiss").click()
        failure.wait_for(state="detached")
    explorer.get_by_label("open a picture file").set_input_files(folder / "whole.png")
    explorer.locator(".side .line:has-text('64')").wait_for()
    assert failure.count() == 0


def test_files_that_are_no_pictures_in_the_app(window, digits, tmp_path):
    with app(window, Session(digits)) as explorer:
        _offer(window, explorer, tmp_path)
        # The browser itself notes each refusal of the server; nothing else was said.
        assert all("400 (Bad Request)" in line for line in window.said), window.said
        window.said.clear()


def test_files_that_are_no_pictures_in_a_page(window, digits, built, tmp_path):
    made = write_page(digits, tmp_path / "page.html")
    _offer(window, open_page(window, f"file://{made.path}"), tmp_path)


def test_a_model_without_labels_says_so(window, built, tmp_path):
    model = open_any(colour_file(tmp_path / "colours.onnx", (1, 3, 16, 16)), Wishes(), None)
    red = np.zeros((16, 16, 3), np.uint8)
    red[:, :, 0] = 255
    with app(window, Session(model, ("red.png", red))) as explorer:
        assert explorer.locator(".answer .said b").inner_text() == "2"
        assert "doesn’t say what its classes are called" in explorer.locator(".answer").inner_text()
        explorer.get_by_role("button", name="Mistakes", exact=True).first.click()
        assert "Another tool's file" in explorer.inner_text()
        explorer.get_by_role("button", name="Replay", exact=True).first.click()
        assert "nothing to replay" in explorer.inner_text()


def test_a_page_of_a_model_without_labels_says_so(window, built, tmp_path):
    model = open_any(colour_file(tmp_path / "colours.onnx", (1, 3, 16, 16)), Wishes(), None)
    made = write_page(model, tmp_path / "page.html")
    window.goto(Path(made.path).as_uri())
    window.get_by_label("open a picture file").set_input_files(_red(tmp_path))
    explorer = ready(window, window.locator(".pellucid"))
    assert explorer.locator(".answer .said b").inner_text() == "2"
    assert "doesn’t say what its classes are called" in explorer.locator(".answer").inner_text()


def _red(folder: Path) -> Path:
    Image.new("RGB", (16, 16), (255, 0, 0)).save(folder / "red.png")
    return folder / "red.png"


@pytest.mark.parametrize(
    ("local", "ask"),
    [(False, "Occlusion"), (True, "open a picture"), (True, "next")],
    ids=["why", "a dropped picture", "the next one"],
)
def test_whatever_is_asked_of_a_server_that_has_gone(window, digits, monkeypatch, local, ask, tmp_path):
    """Also where the browser computes: files are read by the server."""
    monkeypatch.setattr(Session, "is_local", local)
    with serving(Session(digits)) as client:
        explorer = open_page(window, client.door.address)
    if ask == "next":
        window.keyboard.press("n")
    elif ask == "Occlusion":
        explorer.get_by_role("button", name="Why", exact=True).first.click()
    else:
        explorer.get_by_label("open a picture file").set_input_files(_red(tmp_path))
    window.get_by_text("pellucid open has ended").first.wait_for()
    assert all("ERR_CONNECTION_REFUSED" in line for line in window.said), window.said
    window.said.clear()


def test_a_server_that_has_gone_says_so(window, digits, monkeypatch):
    monkeypatch.setattr(Session, "is_local", False)
    with serving(Session(digits)) as client:
        explorer = open_page(window, client.door.address)
    explorer.get_by_role("button", name="Draw", exact=True).click()
    failure = explorer.locator(".failure")
    failure.wait_for()
    assert "pellucid open has ended" in failure.inner_text() and "terminal" in failure.inner_text()
    assert all("ERR_CONNECTION_REFUSED" in line for line in window.said), window.said
    window.said.clear()


def test_a_stale_address_says_so(window, digits):
    with serving(Session(digits)) as client:
        window.goto(f"http://127.0.0.1:{client.door.port}/")
        assert "key" in window.inner_text("body") and "terminal" in window.inner_text("body")
        window.said.clear()  # the browser's own note of the 403
