"""Names of classes and files come from whoever made the folder: they are shown as they are, never obeyed."""

import csv
import json
import os

import pytest

import pellucid as package
from pellucid.storage import shown
from support.cli import pellucid, pellucid_process
from support.digits import digit_arrays

# Markup of rich, an escape sequence, a line end, an emoji, text that runs to the left, spaces, a comma and
# quotes for CSV, a shortcode for rich's emoji, and bytes that are no UTF-8.
CLASSES = [
    "[red]red[bold]", "[not]", "esc\x1b[31m", "two\nlines", "🐈 cat", "مرحبا", " a b ", 'com,ma "q"', ":smile:",
    os.fsdecode(b"caf\xe9"),
]  # fmt: skip


@pytest.fixture(scope="module")
def named(tmp_path_factory):
    """A model of these classes, and how training it looked."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("named")
    for i, (pixels, label) in enumerate(zip(*digit_arrays(100), strict=True)):
        path = folder / "odd [b]data" / CLASSES[label] / f"{i} [red]p.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    (folder / "odd [b]data" / "[not]" / "broken [bold]x\n.png").write_bytes(b"")
    ran = pellucid(
        "train", folder / "odd [b]data", "--network", "mlp", "--epochs", "2", "--out", folder / "run"
    )
    assert ran.code == 0, ran.err
    return folder, ran


def assert_plain(text):
    """No escape sequence, and nothing that a terminal would obey."""
    assert "\x1b" not in text


def test_training_shows_them_as_they_are(named):
    _, ran = named
    assert_plain(ran.out + ran.err)
    classes = next(line for line in ran.err.splitlines() if line.startswith("classes "))
    for text in (
        "[red]red[bold]",
        "[not]",
        r"esc\x1b[31m",
        r"two\nlines",
        "🐈 cat",
        "مرحبا",
        ":smile:",
        r"caf\xe9",
    ):
        assert text in classes
    assert ran.err.startswith("odd [b]data · 100 pictures")
    assert r"left out [not]/broken [bold]x\n.png: The file is empty" in ran.err


def test_the_model_has_the_names_as_they_are_shown(named):
    """Letters that are no letters are written out, so that a name in the file is always text on one line."""
    folder, _ = named
    assert set(package.load(folder / "run" / "model.onnx").classes) == {shown(name) for name in CLASSES}


def test_evaluation_and_prediction_show_them_as_they_are(named):
    folder, _ = named
    model = folder / "run" / "model.onnx"
    table = pellucid("evaluate", model)
    assert table.code == 0, table.err
    assert_plain(table.out)
    assert "[red]red[bold]" in table.out
    for form in ((), ("--json",)):  # a CSV table has paths as they are: it is for programs
        ran = pellucid("predict", model, folder / "odd [b]data", *form)
        assert ran.code == 0, ran.err
        assert_plain(ran.out + ran.err)
    assert len(pellucid("predict", model, folder / "odd [b]data").out.splitlines()) == 100


def test_json_and_csv_give_them_back(named):
    folder, _ = named
    model = folder / "run" / "model.onnx"
    document = pellucid("evaluate", model, "--json").json
    assert set(document["classes"]) == {shown(name) for name in CLASSES}
    on_all = pellucid("evaluate", model, folder / "odd [b]data", "--json").json
    assert on_all["count"] == 100
    lines = pellucid("predict", model, folder / "odd [b]data", "--json").lines
    assert {line["label"] for line in lines if "label" in line} <= set(document["classes"])
    rows = list(
        csv.DictReader(pellucid("predict", model, folder / "odd [b]data", "--csv").out.splitlines(True))
    )
    assert len(rows) == 101
    for line, row in zip(lines, rows, strict=True):
        assert row["path"].encode() == line["path"].encode("utf-8", "backslashreplace")


def test_errors_show_them_as_they_are(tmp_path):
    for verb in ("train", "evaluate", "predict"):
        arguments = [verb, "[red]no[/]\x1b[31m\n"] + (["x"] if verb == "predict" else [])
        ran = pellucid(*arguments, cwd=tmp_path)
        assert ran.code == 1
        assert_plain(ran.err)
        assert "[red]no[/]" in ran.err
        ran = pellucid(*arguments, "--json", cwd=tmp_path)
        assert_plain(ran.err)
        assert ran.error["where"].startswith("[red]no[/]")


def test_a_run_folder_with_markup_in_its_name(named, tmp_path):
    folder, _ = named
    out = tmp_path / "a [red]run"
    ran = pellucid("train", folder / "odd [b]data", "--network", "mlp", "--epochs", "1", "--out", out)
    assert ran.code == 0
    assert "a [red]run" in ran.out


def test_a_real_pipe_in_a_locale_without_utf_8(named):
    folder, _ = named
    ran = pellucid_process(
        "predict", folder / "run" / "model.onnx", folder / "odd [b]data", "--json",
        PYTHONIOENCODING="ascii", LC_ALL="C",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert len([json.loads(line) for line in ran.out.splitlines()]) == 101
