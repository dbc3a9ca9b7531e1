"""`pellucid predict`: every way in, every form out, and bad files among good ones."""

import csv
import io
import os
import re

import numpy as np
import pytest
from PIL import Image

import pellucid as package
from support.cli import pellucid, pellucid_process


@pytest.fixture(scope="module")
def model(trained):
    return package.load(trained.model)


@pytest.fixture
def three(trained, tmp_path):
    """Two pictures and one that is none, in this order."""
    paths = []
    for name, source in (("a.png", "1"), ("c.png", "7")):
        paths.append(tmp_path / name)
        paths[-1].write_bytes(sorted((trained.data / source).iterdir())[0].read_bytes())
    bad = tmp_path / "b.png"
    bad.write_bytes(b"")
    return [paths[0], bad, paths[1]]


def test_one_line_a_picture(trained, model, three):
    ran = pellucid("predict", trained.model, three[0])
    assert ran.code == 0
    assert ran.err == ""
    (line,) = ran.out.splitlines()
    answer = model.predict(three[0])
    assert line.startswith(str(three[0]))
    share = f"{100 * answer.probability:.1f}%"
    then = "   ".join(f"{name} {100 * p:.1f}%" for name, p in answer.top(3)[1:])
    assert re.split(r" {2,}", line)[1:] == [
        answer.label,
        share,
        f"then {then.split('   ')[0]}",
        then.split("   ")[1],
    ]


def test_columns_line_up_whatever_the_names(trained, tmp_path):
    picture = sorted((trained.data / "1").iterdir())[0].read_bytes()
    for name in ("1.png", "a" * 60 + ".png", "b.png"):
        (tmp_path / name).write_bytes(picture)
    ran = pellucid("predict", trained.model, tmp_path)
    lines = ran.out.splitlines()
    assert len(lines) == 3
    assert len({line.index("then") for line in lines}) == 1


def test_json_lines(trained, model, three):
    ran = pellucid("predict", trained.model, *three, "--json")
    assert ran.code == 0, "one bad file is no failure"
    first, bad, last = ran.lines
    for line, path in ((first, three[0]), (last, three[2])):
        answer = model.predict(path)
        assert line["path"] == str(path)
        assert line["label"] == answer.label
        assert line["probability"] == pytest.approx(answer.probability, abs=1e-7)
        assert [row["label"] for row in line["top"]] == [name for name, _ in answer.top(3)]
        assert line["top"][0] == {"label": line["label"], "probability": line["probability"]}
    assert bad == {"path": str(three[1]), "error": "The file is empty"}


def test_csv(trained, model, three):
    ran = pellucid("predict", trained.model, *three, "--csv")
    assert ran.code == 0
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    assert list(rows[0]) == ["path", "label", "probability", "error"]
    assert [row["path"] for row in rows] == [str(path) for path in three]
    assert rows[0]["label"] == model.predict(three[0]).label
    assert float(rows[0]["probability"]) == pytest.approx(model.predict(three[0]).probability, abs=1e-6)
    assert (rows[1]["label"], rows[1]["error"]) == ("", "The file is empty")


def test_csv_and_json_at_once_is_a_wrong_call(trained, three):
    ran = pellucid("predict", trained.model, three[0], "--csv", "--json")
    assert (ran.code, ran.out) == (2, "")


def test_a_bad_file_is_one_line_on_stderr_and_the_rest_go_on(trained, three):
    ran = pellucid("predict", trained.model, *three)
    assert ran.code == 0
    assert [line.split()[0] for line in ran.out.splitlines()] == [str(three[0]), str(three[2])]
    assert ran.err.splitlines() == [f"{three[1]}: The file is empty", "1 of 3 could not be read"]


@pytest.mark.parametrize("form", [(), ("--json",), ("--csv",)])
def test_only_bad_files_are_a_failure(trained, three, form):
    ran = pellucid("predict", trained.model, three[1], "nowhere.png", *form)
    assert ran.code == 1
    error = ran.error["what"] if form == ("--json",) else ran.err
    assert "No picture could be read" in error
    assert len(ran.out.splitlines()) == {(): 0, ("--json",): 2, ("--csv",): 3}[form]


def test_a_folder_all_levels_down_in_order(trained):
    ran = pellucid("predict", trained.model, trained.data, "--json")
    paths = [line["path"] for line in ran.lines]
    assert len(paths) == 200
    assert paths == sorted(map(str, trained.data.rglob("*.png")))


def test_an_empty_folder_says_so(trained, tmp_path):
    ran = pellucid("predict", trained.model, tmp_path, "--json")
    assert (ran.code, ran.out) == (1, "")
    assert ran.error["what"] == "There are no pictures here"


def test_names_on_stdin(trained, three):
    names = "".join(f"{path}\n" for path in three).encode() + b"\n"
    ran = pellucid("predict", trained.model, "-", "--json", stdin=names)
    assert [line["path"] for line in ran.lines] == [str(path) for path in three]
    windows = pellucid("predict", trained.model, "-", "--json", stdin=names.replace(b"\n", b"\r\n"))
    assert windows.out == ran.out
    nothing = pellucid("predict", trained.model, "-", stdin=b"")
    assert (nothing.code, nothing.out) == (1, "")


def test_a_dash_on_stdin_is_a_name(trained):
    """Or it would read itself for ever."""
    ran = pellucid("predict", trained.model, "-", "--json", stdin=b"-\n")
    assert ran.code == 1
    assert [line["path"] for line in ran.lines] in ([], ["-"])


def test_names_that_are_no_text(trained, tmp_path):
    picture = sorted((trained.data / "1").iterdir())[0].read_bytes()
    (tmp_path / os.fsdecode(b"caf\xe9.png")).write_bytes(picture)
    for form in ((), ("--json",), ("--csv",)):
        ran = pellucid("predict", trained.model, tmp_path, *form)
        assert ran.code == 0
        assert "caf" in ran.out
    by_name = pellucid(
        "predict", trained.model, "-", "--json", stdin=os.fsencode(tmp_path) + b"/caf\xe9.png\n"
    )
    assert by_name.code == 0
    assert by_name.lines[0]["label"]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_terminal_that_knows_fewer_letters(trained, tmp_path, encoding):
    picture = sorted((trained.data / "1").iterdir())[0].read_bytes()
    (tmp_path / "née 🐈.png").write_bytes(picture)
    for form in ((), ("--json",), ("--csv",)):
        ran = pellucid_process(
            "predict", trained.model, tmp_path / "née 🐈.png", *form, PYTHONIOENCODING=f"{encoding}:strict"
        )
        assert ran.code == 0, ran.err
        assert "n" in ran.out


def test_as_many_classes_as_asked_for(trained, three):
    for top, shown in (("1", 1), ("4", 4), ("10", 10), ("1000", 10)):
        (line,) = pellucid("predict", trained.model, three[0], "--json", "--top", top).lines
        assert len(line["top"]) == shown
        probabilities = [row["probability"] for row in line["top"]]
        assert probabilities == sorted(probabilities, reverse=True)
    assert sum(probabilities) == pytest.approx(1, abs=1e-5)
    assert "then" not in pellucid("predict", trained.model, three[0], "--top", "1").out


def test_below_the_threshold_there_is_no_label(trained, model, three):
    answer = model.predict(three[0])
    above, below = str(min(answer.probability + 1e-4, 1)), str(answer.probability - 1e-4)
    (line,) = pellucid("predict", trained.model, three[0], "--json", "--threshold", above).lines
    assert line["label"] is None
    assert line["top"][0]["label"] == answer.label
    assert pellucid("predict", trained.model, three[0], "--threshold", above).out.split()[1] == "-"
    rows = list(csv.DictReader(io.StringIO(
        pellucid("predict", trained.model, three[0], "--csv", "--threshold", above).out
    )))  # fmt: skip
    assert rows[0]["label"] == ""
    (line,) = pellucid("predict", trained.model, three[0], "--json", "--threshold", below).lines
    assert line["label"] == answer.label


def test_pictures_of_any_size_grey_or_colour(trained, tmp_path):
    rng = np.random.default_rng(0)
    for name, shape in (("dot.png", (1, 1)), ("line.jpg", (3, 700, 3)), ("large.png", (900, 500, 3))):
        Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(tmp_path / name)
    ran = pellucid("predict", trained.model, tmp_path, "--json")
    assert (ran.code, len(ran.lines)) == (0, 3)
    assert all("label" in line for line in ran.lines)
