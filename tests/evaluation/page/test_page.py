"""report.html as a strict XML parser reads it: well-formed, complete in itself, its figures those of the Evaluation,
and names nothing but text."""

import base64
import hashlib
import io
import itertools
import os
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from pellucid.evaluation import evaluate_probabilities, metrics
from pellucid.evaluation.page import DataRecord, Epoch, Report, choose, read_pictures, report_page
from pellucid.evaluation.page.pictures import MOST, MOST_IN_CELL, MOST_RIGHT_IN_CELL
from pellucid.evaluation.page.words import headline, odds, percent
from pellucid.images import open_source
from pellucid.storage import shown

HOSTILE = [
    "<script>alert(1)</script>", '"><img src="http://evil.example/x.png">', "it's & \"so\"", "two\nlines]]>",
    os.fsdecode(b"caf\xe9"), "\u202eleft", "<!--", "\x1b[31m",
]  # fmt: skip


def report_of(classes, count=120, size=(9, 9), right=0.7, epochs=3, seed=0):
    """A report on noise, answered rightly by this share."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, len(classes), count)
    logits = rng.normal(size=(count, len(classes)))
    logits[np.arange(count), labels] += np.where(rng.random(count) < right, 9, -3)
    powers = np.exp(logits)
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    source = open_source((rng.integers(0, 256, (count, *size, 1), dtype=np.uint8), np.arange(count) % 2))
    predicted, confidence = metrics.predictions(probabilities), metrics.confidences(probabilities)
    places = choose(labels, predicted, confidence)
    return Report(
        name=classes[0],
        measured_on="they are noise",
        evaluation=evaluate_probabilities(labels, probabilities, [shown(name) for name in classes], 1.5),
        labels=labels,
        predicted=predicted,
        confidence=confidence,
        pictures=read_pictures(source, np.arange(count), places),
        model="runs/x/model.onnx",
        created="2026-01-01",
        excluded=((classes[-1] + ".png", classes[0]),),
        best_epoch=min(2, epochs) or None,
        epochs=tuple(Epoch(i + 1, 1 / (i + 1), 0.5, 1.2 / (i + 1), 0.6) for i in range(epochs)),
        data=DataRecord(classes[1], np.full((len(classes), 3), 7), 2, (classes[0],)),
        facts=(("Settings", tuple((name, name) for name in classes)),),
    )


def parsed(page):
    assert page.startswith("<!DOCTYPE html>\n")
    return ET.fromstring(page)


def text_of(tree):
    return " ".join("".join(tree.itertext()).split())


@pytest.fixture(scope="module")
def hostile():
    report = report_of(HOSTILE)
    return report, report_page(report)


def test_names_are_text_never_markup(hostile):
    page = hostile[1]
    tree = parsed(page)
    assert len(tree.findall(".//script")) == 1
    assert "<script>alert" not in page
    assert "<!--" not in page
    shown_text = text_of(tree)
    for name in HOSTILE:
        assert " ".join(shown(name).split()) in shown_text
    for element in tree.iter():
        assert not [name for name in element.attrib if name.startswith("on") or name == "style"]


def test_the_page_loads_nothing(hostile):
    tree = parsed(hostile[1])
    for element in tree.iter():
        assert element.tag not in ("link", "iframe", "object", "embed", "base", "form")
        for name in ("src", "href"):
            if value := element.get(name):
                assert value.startswith(("#", "data:image/")), value
    style = tree.find(".//style").text
    assert "url(" not in style
    assert "@import" not in style


def test_the_policy_lets_in_this_style_and_this_script_alone(hostile):
    tree = parsed(hostile[1])
    (policy,) = [
        m.get("content") for m in tree.iter("meta") if m.get("http-equiv") == "Content-Security-Policy"
    ]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    for name in ("style", "script"):
        (element,) = tree.findall(f".//{name}")
        digest = base64.b64encode(hashlib.sha256(element.text.encode()).digest()).decode()
        assert rules[f"{name}-src"] == f"'sha256-{digest}'"


def test_a_screen_reader_finds_its_way(hostile):
    tree = parsed(hostile[1])
    assert tree.get("lang") == "en"
    assert all(image.get("alt", "").strip() for image in tree.iter("img"))
    assert all(svg.get("role") == "img" and svg.get("aria-label") for svg in tree.iter("svg"))
    for table in tree.iter("table"):
        assert text_of(table.find("caption"))
        assert all(th.get("scope") in ("row", "col") for th in table.iter("th"))
    levels = [int(element.tag[1]) for element in tree.iter() if re.fullmatch("h[1-6]", element.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    ids = [element.get("id") for element in tree.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    assert {a.get("href")[1:] for a in tree.iter("a")} <= set(ids)


def test_the_figures_are_those_of_the_evaluation(hostile):
    report, page = hostile
    evaluation, tree = report.evaluation, parsed(page)
    assert text_of(tree.find(".//h1")) == headline(evaluation)
    low, high = evaluation.interval
    assert f"between {100 * low:.2f}% and {100 * high:.2f}% (95% interval, n = 120)" in text_of(tree)
    matrix = next(t for t in tree.iter("table") if t.get("class") == "matrix")
    cells = [[int(text_of(td).replace(",", "")) for td in row.findall("td")] for row in matrix.find("tbody")]
    assert cells == evaluation.confusion.tolist()
    rows = next(t for t in tree.iter("table") if t.get("class") == "classes").find("tbody")
    found = {text_of(row.find("th")): [text_of(td) for td in row.findall("td")] for row in rows}
    for name, figures in zip(evaluation.classes, evaluation.per_class, strict=True):
        f1, recall, _, precision, support, _ = found[" ".join(name.split())]
        assert (f1, recall, precision) == (
            percent(figures.f1),
            percent(figures.recall),
            percent(figures.precision),
        )
        assert support == str(figures.support)
    trouble = [float(text_of(row.findall("td")[0])[:-1]) for row in rows]
    assert trouble == sorted(trouble)
    by_caption = {text_of(t.find("caption")): t for t in tree.iter("table")}
    bins = [[text_of(td) for td in row.findall("td")]
            for row in next(t for c, t in by_caption.items() if c.startswith("Reliability")).find("tbody")]  # fmt: skip
    assert [row[0] for row in bins] == [f"{b.count:,}" for b in evaluation.reliability if b.count]
    assert [row[2] for row in bins] == [percent(b.accuracy) for b in evaluation.reliability if b.count]


def test_the_pictures_are_the_pictures(hostile):
    """The first of the worst mistakes, decoded from the page, has the pixels of the source."""
    report, page = hostile
    image = next(img for img in parsed(page).iter("img") if "large" in img.get("class"))
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(image.get("src").split(",")[1]))))
    place = report.evaluation.mistakes[0].picture
    expected = np.asarray(Image.open(io.BytesIO(report.pictures[place].image.data)))
    np.testing.assert_array_equal(pixels, expected)
    assert f"called {report.evaluation.classes[report.predicted[place]]}" in image.get("alt")


def test_pictures_are_chosen_within_bounds():
    rng = np.random.default_rng(1)
    labels, predicted = rng.integers(0, 4, 5000), rng.integers(0, 4, 5000)
    confidence = rng.random(5000)
    chosen = choose(labels, predicted, confidence)
    assert len(chosen) == len(set(chosen)) <= MOST
    wrong = [place for place in chosen if labels[place] != predicted[place]]
    assert chosen[: len(wrong)] == wrong, "mistakes come first"
    assert confidence[wrong[0]] == confidence[labels != predicted].max()
    for i in range(4):
        for j in range(4):
            here = [place for place in chosen if (labels[place], predicted[place]) == (i, j)]
            assert len(here) == (MOST_RIGHT_IN_CELL if i == j else MOST_IN_CELL)


@pytest.mark.parametrize(
    ("classes", "count", "right", "epochs"),
    [(2, 2, 1.0, 0), (2, 40, 1.0, 1), (3, 40, 0.0, 2), (12, 5, 0.5, 100), (45, 300, 0.8, 5)],
)
def test_every_kind_of_result_has_a_page(classes, count, right, epochs):
    """Two pictures, none right, all right, classes without pictures, more classes than fit a table."""
    report = report_of([f"class {i}" for i in range(classes)], count, right=right, epochs=epochs)
    text = text_of(parsed(report_page(report)))
    assert headline(report.evaluation) in text
    assert "nan" not in text.lower().split()


def test_a_thousand_classes_stay_below_ten_megabytes():
    report = report_of([f"class {i}" for i in range(1000)], 6000, size=(96, 96), right=0.6)
    page = report_page(report)
    assert len(page.encode()) < 10_000_000
    parsed(page)


def test_odds_never_promise_more_than_was_measured():
    def right(share, count):
        labels = np.zeros(count, np.int64)
        answers = np.tile([0.9, 0.1], (count, 1))
        answers[: count - round(share * count)] = [0.1, 0.9]
        return odds(evaluate_probabilities(labels, answers, "ab"))

    assert (right(0.99, 10_000).right, right(0.99, 10_000).of) == (99, 100)
    assert (right(0.9953, 10_000).right, right(0.9953, 10_000).of) == (995, 1_000)
    assert (right(0.995, 200).right, right(0.995, 200).of) == (99, 100)
    assert right(0.001, 1000).right == 1


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (None, "–"),
        (1.0, "100.0%"),
        (0.99999, "over 99.9%"),
        (0.0, "0.0%"),
        (1e-6, "under 0.1%"),
        (0.9949, "99.5%"),
    ],
)
def test_only_all_is_all(share, text):
    assert percent(share) == text
