"""`pellucid open` and `pellucid export` as a person types them."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from pellucid.inside import explorer_files
from support.cli import pellucid
from support.foreign import colour_file

TOP = Path(__file__).parents[3]


def _open(*arguments):
    environment = os.environ | {"PYTHONPATH": str(TOP / "src"), "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "pellucid", "open", *map(str, arguments)], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is another thing on Windows")
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_open_prints_an_address_that_answers_and_ends_in_one_line(built, trained, stop):
    picture = sorted((trained.data / "7").iterdir())[0]
    process = _open(trained.model, picture, "--no-browser", "--json")
    try:
        told = json.loads(process.stdout.readline())
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        with opener.open(told["address"], timeout=60) as page:  # the key becomes a cookie on the way
            assert (
                page.url == f"http://127.0.0.1:{told['port']}/" and b"<title>pellucid</title>" in page.read()
            )
        with opener.open(f"http://127.0.0.1:{told['port']}/api/start", timeout=60) as start:
            assert json.load(start)["first"] == "given"
    finally:
        process.send_signal(stop)
        out, err = process.communicate(timeout=60)
    assert "Traceback" not in err
    if stop is signal.SIGINT:
        assert process.returncode == 0 and out == "" and err == "the explorer is closed\n"


def test_open_listens_on_the_port_that_was_asked_for_or_says_that_it_is_taken(built, trained):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        ran = pellucid("open", trained.model, "--port", str(port), "--no-browser", "--json")
    assert ran.code == 1 and ran.error["what"] == "this port is taken by another program"
    assert ran.error["received"] == str(port) and "--port" in ran.error["remedy"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nothing.onnx",), "no such model"),
        (("MODEL", "nothing.png"), "such file"),
        (("MODEL", "--labels", "nothing.txt"), "leave --scale"),
        (("MODEL", "--port", "70000"), ""),
    ],
)
def test_what_cant_be_opened_is_said_before_anything_is_served(built, trained, arguments, said):
    process = _open(
        *(trained.model if each == "MODEL" else each for each in arguments), "--no-browser", "--json"
    )
    try:
        out, err = process.communicate(timeout=120)
    finally:
        process.kill()  # if it serves after all
    assert process.returncode in (1, 2) and out == "" and "Traceback" not in err
    assert said in err


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "no such file"), (b"", "the file is empty"), (b"no picture at all", "not a jpeg, png, webp")],
)
def test_a_picture_that_is_none_is_refused_with_what_would_help(trained, tmp_path, content, said):
    picture = tmp_path / "wrong.png"
    if content is not None:
        picture.write_bytes(content)
    ran = pellucid("open", trained.model, picture, "--no-browser", "--json")
    assert ran.code == 1 and ran.out == "" and said in ran.error["what"].lower()
    assert "wrong.png" in ran.error["where"] and "can be dropped" in ran.error["remedy"]


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "the model file is empty"), (b"no model", "no ONNX model"), (None, "damaged")]
)
def test_a_model_that_is_none_is_neither_opened_nor_exported(trained, tmp_path, content, said):
    model = tmp_path / "wrong.onnx"
    model.write_bytes(content if content is not None else Path(trained.model).read_bytes()[:-200])
    for command in (("open", model, "--no-browser"), ("export", model, "page")):
        ran = pellucid(*command, "--json")
        assert ran.code == 1 and ran.out == "" and said in ran.error["what"] and ran.error["remedy"]
    assert list(tmp_path.iterdir()) == [model]


def test_labels_are_read_before_anything_is_served(built, tmp_path):
    """In a process of its own: where they weren't, it would serve until somebody stopped it."""
    model = colour_file(tmp_path / "colours.onnx")
    (tmp_path / "two.txt").write_text("red\ngreen\n")
    for labels, said in (("nothing.txt", "labels can't be read"), ("two.txt", "2 lines, 3 classes")):
        process = _open(model, "--labels", tmp_path / labels, "--no-browser", "--json")
        try:
            out, err = process.communicate(timeout=120)
        finally:
            process.kill()
        assert process.returncode == 1 and out == "" and said in err and "Traceback" not in err


def test_a_page_goes_nowhere_that_cant_be_written(built, trained, tmp_path):
    (tmp_path / "file").write_text("no folder")
    for place in (tmp_path / "file" / "page.html", tmp_path):
        ran = pellucid("export", trained.model, "page", "--pictures", "0", "--out", place, "--json")
        assert ran.code == 1 and ran.out == "" and str(place) in ran.error["where"], ran.err
    assert (tmp_path / "file").read_text() == "no folder"


def test_without_the_front_end_both_say_how_to_build_it(trained, monkeypatch, tmp_path):
    monkeypatch.setattr(explorer_files, "FOLDER", tmp_path)
    for command in (("open", trained.model, "--no-browser"), ("export", trained.model, "page")):
        ran = pellucid(*command, "--json")
        assert ran.code == 1 and "without node" in ran.error["what"]
        assert "npm ci && npm run build" in ran.error["remedy"] and ran.out == ""


def test_export_writes_beside_the_model_and_says_what_it_came_to(built, trained, tmp_path):
    ran = pellucid("export", trained.model, "page", "--pictures", "6", "--json")
    page = trained.folder / "explorer.html"
    assert ran.code == 0 and ran.json == {
        "path": str(page), "agreement": ran.json["agreement"], "bytes": page.stat().st_size, "pictures": 6,
    }  # fmt: skip
    assert ran.json["agreement"] <= 1e-6
    words = pellucid("export", trained.model, "page", "--out", tmp_path / "p.html")
    assert "works offline" in words.out and "24 pictures" in words.out


@pytest.mark.parametrize(("form", "said"), [("int8", "can't be made yet"), ("pdf", "no such form")])
def test_other_forms_say_which_there_are(trained, form, said):
    ran = pellucid("export", trained.model, form, "--json")
    assert ran.code == 1 and said in ran.error["what"] and "page" in ran.error["remedy"]
