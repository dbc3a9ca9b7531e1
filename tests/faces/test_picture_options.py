"""--max-pixels and --strict on the command line, and the other kinds of data through train and evaluate."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from pellucid.errors import SettingsError
from pellucid.faces.cli.pixels import parse_pixels
from support.cli import pellucid

TINY = ("--network", "flatten, dense 2", "--epochs", "1", "--threads", "1", "--size", "8")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PELLUCID_CACHE", str(tmp_path / "cache"))
    for i in range(14):
        path = tmp_path / "pictures" / "ab"[i % 2] / f"{i}.{['png', 'webp', 'gif', 'tif'][i % 4]}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(data.astronaut()[20 * i : 20 * i + 16, :16]).save(path)
    Image.fromarray(data.astronaut()[:100, :100]).save(tmp_path / "pictures" / "a" / "large.png")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "pixels"),
    [
        ("40M", 40_000_000),
        ("40MP", 40_000_000),
        ("1,000", 1000),
        ("0.5m", 500_000),
        ("1g", 10**9),
        (" 7 ", 7),
    ],
)
def test_numbers_of_pixels(text: str, pixels: int) -> None:
    assert parse_pixels(text) == pixels


@pytest.mark.parametrize("text", ["", "lots", "0", "-1", "1e9", "2g", "40 megapixels", "nan"])
def test_no_numbers_of_pixels(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_pixels(text)
    assert caught.value.where == "--max-pixels"
    assert caught.value.remedy


def test_too_large_pictures_are_left_out_and_the_run_says_so(folder: Path) -> None:
    ran = pellucid("train", "pictures", *TINY, "--out", "run", "--max-pixels", "9999", cwd=folder)
    assert ran.code == 0, ran.err
    assert "left out a/large.png: The picture has more than 9,999 pixels" in ran.err
    assert json.loads((folder / "run" / "settings.json").read_text())["max_pixels"] == 9999
    model = "run/model.onnx"
    assert pellucid("evaluate", model, "--json", cwd=folder).json["left_out"] == 0
    ran = pellucid("evaluate", model, "pictures", "--json", "--max-pixels", "9999", cwd=folder)
    assert (ran.json["left_out"], ran.json["count"]) == (1, 14)
    ran = pellucid("predict", model, "pictures/a/large.png", "--json", "--max-pixels=9999", cwd=folder)
    assert ran.code == 1
    assert ran.json["error"] == "The picture has more than 9,999 pixels"
    ran = pellucid("train", "pictures", *TINY, "--max-pixels", "9999", "--strict", "--json", cwd=folder)
    assert ran.code == 1
    assert ran.error["what"] == "1 file would be left out, and --strict allows none"
    assert "a/large.png: The picture has more than 9,999 pixels" in ran.error["received"]
    ran = pellucid("evaluate", model, "pictures", "--max-pixels", "9999", "--strict", "--json", cwd=folder)
    assert (ran.code, ran.out) == (1, "")


def test_tables_and_npz_files_are_found_again(folder: Path) -> None:
    rows = [f"pictures/{'ab'[i % 2]}/{i}.{['png', 'webp', 'gif', 'tif'][i % 4]},{i % 2}" for i in range(14)]
    (folder / "list.csv").write_text("\n".join(["path,label", *rows, "none.png,1"]) + "\n")
    images = np.random.default_rng(0).integers(0, 256, (14, 8, 8), dtype=np.uint8)
    np.savez_compressed(folder / "set.npz", x=images, y=np.arange(14) % 2)
    for source, out in (("list.csv", "one"), ("set.npz", "two")):
        ran = pellucid("train", source, *TINY, "--out", out, "--json", cwd=folder)
        assert ran.code == 0, ran.err
        measured = pellucid("evaluate", f"{out}/model.onnx", "--json", cwd=folder).json
        assert measured["count"] == ran.json["test"]["count"]
        assert measured["accuracy"] == ran.json["test"]["accuracy"]
    assert (
        "line 16: none.png: there is no such file"
        in pellucid("evaluate", "one/model.onnx", "list.csv", cwd=folder).err
    )
