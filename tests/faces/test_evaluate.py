"""`pellucid evaluate`, held against counting by hand over what `predict` says."""

import csv
import re
import shutil

import numpy as np
import pytest
from PIL import Image
from scipy.stats import binomtest
from sklearn.metrics import precision_recall_fscore_support

from support.cli import pellucid


def own_part(trained):
    """The rows of split.csv marked test, and what `predict` says of each as a file."""
    rows = [row for row in csv.DictReader((trained.folder / "split.csv").open()) if row["part"] == "test"]
    paths = [trained.data / row["path"] for row in rows]
    return rows, pellucid("predict", trained.model, *paths, "--json").lines


def test_its_own_test_part_is_what_split_csv_says(trained):
    """The pictures marked test, each predicted as a file, counted here."""
    rows, told = own_part(trained)
    answers = [line["label"] for line in told]
    truth = [row["label"] for row in rows]
    right = sum(a == b for a, b in zip(answers, truth, strict=True))

    document = pellucid("evaluate", trained.model, "--json").json
    assert document["count"] == len(rows) == 30
    assert document["accuracy"] == right / len(rows) == trained.ran.json["test"]["accuracy"]
    wilson = binomtest(right, len(rows)).proportion_ci(0.95, "wilson")
    assert document["interval"] == pytest.approx([wilson.low, wilson.high], abs=1e-9)
    matrix = np.zeros((10, 10), int)
    for true, answer in zip(truth, answers, strict=True):
        matrix[int(true), int(answer)] += 1
    assert document["confusion"] == matrix.tolist()
    precision, recall, f1, support = precision_recall_fscore_support(
        truth, answers, labels=list("0123456789"), zero_division=np.nan
    )
    for i, row in enumerate(document["per_class"]):
        assert row["class"] == str(i)
        assert row["support"] == support[i]
        for name, expected in (("precision", precision[i]), ("recall", recall[i]), ("f1", f1[i])):
            if row[name] is None:
                assert name != "recall", "every class has test pictures"
            else:
                assert row[name] == pytest.approx(expected)


def test_json_has_what_was_promised(trained):
    document = pellucid("evaluate", trained.model, "--json").json
    assert {"accuracy", "interval", "count", "per_class", "confusion", "calibration_error"} <= set(document)
    assert 0 <= document["calibration_error"] <= 1


def test_the_table(trained):
    ran = pellucid("evaluate", trained.model)
    assert ran.code == 0
    assert ran.err == ""
    lines = ran.out.splitlines()
    assert lines[0] == "digits · 30 pictures · its own test part"
    assert lines[1].startswith("accuracy  ")
    assert "n = 30)" in lines[1]
    assert lines[2].startswith("top 5     ")
    assert lines[3].startswith("sure      ")
    rows, answers = own_part(trained)
    parts = []
    for threshold in (0.5, 0.9, 0.99):
        sure = [
            answer["label"] == row["label"]
            for answer, row in zip(answers, rows, strict=True)
            if answer["probability"] >= threshold
        ]
        if sure:
            parts.append(f"from {threshold:g} on {len(sure) / 30:.1%}, {sum(sure) / len(sure):.2%} right")
    assert lines[4] == "answers   " + ("   ".join(parts) or "none is as sure as 0.5")
    lines = lines[next(i for i, line in enumerate(lines) if line.startswith("class ")) :]
    assert lines[0].split() == ["class", "precision", "recall", "F1", "pictures"]
    assert [line.split()[0] for line in lines[1:11]] == list("0123456789")
    assert lines[12] == "confusion: the true class in rows, the answer in columns"
    assert len(lines) == 24
    assert "\x1b" not in ran.out


def test_other_pictures(trained):
    document = pellucid("evaluate", trained.model, trained.data, "--json").json
    assert document["count"] == 200
    assert sum(map(sum, document["confusion"])) == 200


def test_some_of_the_classes_are_enough(trained, tmp_path):
    for name in "36":
        shutil.copytree(trained.data / name, tmp_path / "some" / name)
    document = pellucid("evaluate", trained.model, tmp_path / "some", "--json").json
    supports = {row["class"]: row["support"] for row in document["per_class"]}
    assert [name for name, count in supports.items() if count] == ["3", "6"]


def test_classes_that_the_model_does_not_know(trained, tmp_path):
    for name in ("3", "cat"):
        shutil.copytree(trained.data / "3", tmp_path / "some" / name)
    ran = pellucid("evaluate", trained.model, tmp_path / "some", "--json")
    assert (ran.code, ran.out) == (1, "")
    assert ran.error["received"] == "cat"
    assert "0, 1, 2" in ran.error["remedy"]


def test_a_bad_picture_is_listed_and_left_out(trained, tmp_path):
    for name in "36":
        shutil.copytree(trained.data / name, tmp_path / "some" / name)
    (tmp_path / "some" / "3" / "empty.png").write_bytes(b"")
    (tmp_path / "some" / "3" / "a [red]b.png").write_bytes(b"")
    ran = pellucid("evaluate", trained.model, tmp_path / "some", "--json")
    assert ran.code == 0
    assert ran.json["left_out"] == 2
    assert "left out  3/empty.png: The file is empty" in ran.err.splitlines()
    assert "left out  3/a [red]b.png: The file is empty" in ran.err.splitlines()


@pytest.fixture
def copy(trained, tmp_path):
    """A run whose pictures may be harmed: data, settings and all."""
    data = tmp_path / "digits"
    shutil.copytree(trained.data, data)
    ran = pellucid(
        "train",
        "--settings",
        trained.folder / "settings.json",
        data,
        "--epochs",
        "1",
        "--out",
        tmp_path / "run",
    )
    assert ran.code == 0, ran.err
    return data, tmp_path / "run"


def test_a_picture_that_changed_is_left_out_and_said(copy):
    data, run = copy
    row = next(row for row in csv.DictReader((run / "split.csv").open()) if row["part"] == "test")
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(data / row["path"])
    ran = pellucid("evaluate", run / "model.onnx", "--json")
    assert ran.json["count"] == 29
    assert "changed" in ran.err
    assert row["path"] in ran.err


def test_a_model_away_from_its_run_says_what_it_lacks(copy, tmp_path):
    _, run = copy
    shutil.copy(run / "model.onnx", tmp_path / "alone.onnx")
    ran = pellucid("evaluate", tmp_path / "alone.onnx", "--json")
    assert (ran.code, ran.out) == (1, "")
    assert "split.csv" in ran.error["what"]
    assert "pellucid evaluate MODEL DATA" in ran.error["remedy"]


def test_pictures_that_are_gone(copy):
    data, run = copy
    shutil.rmtree(data)
    ran = pellucid("evaluate", run / "model.onnx", "--json")
    assert (ran.code, ran.out) == (1, "")
    assert str(data) in ran.error["where"]
    assert "evaluate MODEL DATA" in ran.error["remedy"], "a model can be measured on other pictures"


def test_pictures_that_were_added_to(copy):
    data, run = copy
    shutil.copy(next((data / "1").iterdir()), data / "1" / "another.png")
    ran = pellucid("evaluate", run / "model.onnx", "--json")
    assert (ran.code, ran.out) == (1, "")
    assert "no longer those" in ran.error["what"]


def test_from_any_folder(trained, tmp_path):
    """The card has the pictures' full path."""
    ran = pellucid("train", "digits", "--network", "mlp", "--epochs", "1", "--out", tmp_path / "run",
                   cwd=trained.data.parent)  # fmt: skip
    assert ran.code == 0
    assert pellucid("evaluate", tmp_path / "run" / "model.onnx", "--json", cwd=tmp_path).json["count"] == 30


def test_json_has_the_curves_and_the_mistakes(trained):
    """The mistakes are those that predictions.csv has; a threshold gives what `predict --threshold` gives."""
    document = pellucid("evaluate", trained.model, "--json").json
    rows = [r for r in csv.DictReader((trained.folder / "predictions.csv").open()) if r["part"] == "test"]
    wrong = {row["path"]: row for row in rows if row["label"] != row["prediction"]}
    assert {mistake["path"] for mistake in document["mistakes"]} == set(wrong)
    for mistake in document["mistakes"]:
        row = wrong[mistake["path"]]
        assert (mistake["label"], mistake["prediction"]) == (row["label"], row["prediction"])
        assert mistake["probability"] == pytest.approx(float(row["probability"]), rel=1e-8)
    assert sum(row["count"] for row in document["reliability"]) == 30
    assert document["top5"] >= document["accuracy"]
    assert document["choices"], "validation answers lie beside the model"
    paths = [trained.data / row["path"] for row in rows]
    for row in document["abstention"]:
        lines = pellucid(
            "predict", trained.model, *paths, "--json", "--threshold", str(row["threshold"])
        ).lines
        assert sum(line["label"] is not None for line in lines) == row["answered"]


def test_the_report_is_the_run_s_own(trained, tmp_path):
    """Written at the end of the run and by evaluate: the same page but for the time and the file's name."""
    ran = pellucid("evaluate", trained.model, "--report", tmp_path / "r.html")
    assert ran.code == 0
    assert ran.out.splitlines()[-1] == f"report  {tmp_path / 'r.html'}"
    pages = [path.read_text() for path in (trained.folder / "report.html", tmp_path / "r.html")]
    first, second = (re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "", page) for page in pages)
    assert first == second
    assert f"{trained.ran.json['test']['accuracy']:.2%} right" in first


def test_a_report_on_other_pictures_of_a_model_alone(trained, tmp_path):
    shutil.copy(trained.model, tmp_path / "alone.onnx")
    ran = pellucid(
        "evaluate", tmp_path / "alone.onnx", trained.data, "--report", tmp_path / "r.html", "--json"
    )
    assert ran.json["report"] == str(tmp_path / "r.html")
    assert ran.json["choices"] == []
    page = (tmp_path / "r.html").read_text()
    assert "How it learned" not in page
    assert "No threshold is recommended" in page


def test_a_report_that_cannot_be_written(trained, tmp_path):
    ran = pellucid("evaluate", trained.model, "--report", tmp_path / "no" / "r.html", "--json")
    assert (ran.code, ran.out) == (1, "")
    assert ran.error["error"] == "StorageError"
    assert ran.error["where"] == str(tmp_path / "no" / "r.html")
