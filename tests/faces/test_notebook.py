"""Notebooks as a user has them: executed by a real kernel, and turned into HTML and Markdown by nbconvert."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbconvert import HTMLExporter, MarkdownExporter
from nbconvert.preprocessors import ExecutePreprocessor

import pellucid
from pellucid.evaluation import evaluate_probabilities
from pellucid.faces.notebook import MOST_ROWS, live_cell
from support.digits import NETWORK

TOP = Path(__file__).resolve().parent.parent.parent
WICKED = '<script>alert("x")</script> & *a*'
TRAIN = f"""
import numpy as np, pellucid
from sklearn.datasets import load_digits
images, labels = load_digits(return_X_y=True)
images = (images[:200].reshape(-1, 8, 8) * 15).astype(np.uint8)
names = np.where(labels[:200] < 5, {WICKED!r}, "other")
model = pellucid.train((images, names), {NETWORK.replace("dense 10", "dense 2")!r}, epochs=30, patience=30, out="run")
"""
CELLS = [TRAIN, "model", "model.evaluate((images, names))", "model.summary()", "model.network"]


class Tables(HTMLParser):
    """The cells of every table, and every tag's attributes."""

    def __init__(self, html):
        super().__init__()
        self.tables, self.tags, self.inside = [], [], False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")
            self.inside = True

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.tables[-1][-1][-1] += data


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    folder = str(tmp_path_factory.mktemp("notebook"))
    ExecutePreprocessor(timeout=300, kernel_name="python3").preprocess(
        notebook, {"metadata": {"path": folder}}
    )
    return notebook


def test_training_leaves_one_output(executed):
    """Not a line for each of 30 epochs: a result, what it was trained on, a curve, and a table of some."""
    (output,) = executed.cells[0].outputs
    assert output.output_type == "display_data"
    plain, html = output.data["text/plain"], output.data["text/html"]
    assert re.match(r"test \d+\.\d\d% \(95% interval .* n = 30\) · run/model.onnx after", plain)
    assert "arrays · 200 pictures, 8x8 grey · 2 classes · train 140  validation 30  test 30" in plain
    (table,) = Tables(html).tables
    assert len(table) <= MOST_ROWS + 1
    assert table[0][0] == "epoch"
    assert (table[1][0], table[-1][0]) == ("1/30", "30/30")
    assert len(re.search(r"validation ([▁-█]+) from", plain)[1]) == 30


def test_every_output_has_its_text_and_its_html(executed):
    for cell in executed.cells[1:]:
        (output,) = cell.outputs
        plain, html = output.data["text/plain"], output.data["text/html"]
        for word in re.findall(r"\b\d+\.\d\d%|\b\d[\d,]{2,}\b", plain):
            assert word in html, "the figures of both are the same"
        tags = Tables(html).tags
        assert "script" not in {tag for tag, _ in tags} and "<script" not in html
        styles = " ".join(attributes.get("style", "") for _, attributes in tags)
        assert "color" not in styles and "background" not in styles, "the theme's own colours"
        assert "\n" not in html, "an empty line would end the HTML in Markdown"
        assert not re.search(r"[{}]", re.sub(r"<[^>]*>", "", html)), "nothing is left to be filled in"


def test_names_are_text(executed):
    data = executed.cells[2].outputs[0].data
    by_class, matrix = Tables(data["text/html"]).tables
    assert by_class[1][0] == matrix[1][0] == WICKED
    assert matrix[0] == ["", WICKED, "other"]
    assert WICKED in data["text/plain"]
    assert sum(int(re.match(r"\d+", cell)[0]) for row in matrix[1:] for cell in row[1:] if cell != ".") == 200


@pytest.mark.parametrize("exporter", [HTMLExporter, MarkdownExporter])
def test_nbconvert_keeps_the_tables(executed, exporter):
    body, _ = exporter(exclude_input=True).from_notebook_node(executed)
    ours = body[body.index("<p style=") :]  # after the page's own head
    assert "<script>alert" not in ours
    assert "&lt;script&gt;alert" in ours
    tables = [table for table in Tables(ours).tables if table]
    assert len(tables) == 6
    again = nbformat.reads(nbformat.writes(executed), as_version=4)
    assert again.cells[2].outputs == executed.cells[2].outputs


def test_the_bar_beside_a_count():
    labels = np.repeat([0, 1], [80, 20])
    answers = np.zeros((100, 2))
    answers[np.arange(100), np.concatenate([np.zeros(75, int), np.ones(5, int), np.ones(20, int)])] = 1
    found = evaluate_probabilities(labels, answers, ["a", "b"])
    lines = str(found).splitlines()
    assert lines[-2].split() == ["a", "75", "█", "5", "▁"]
    assert lines[-1].split() == ["b", ".", "20", "█"]
    assert repr(found).startswith("<Evaluation: accuracy 95.00% (95% interval ")
    many = evaluate_probabilities(np.arange(40), np.eye(40), [f"c{i}" for i in range(40)])
    assert "10 more classes, with a higher F1, are in .per_class; the confusion matrix of 40" in str(many)


def test_a_summary_is_still_a_list():
    network = pellucid.Network.from_text(NETWORK, (1, 8, 8))
    summary = network.summary()
    assert isinstance(summary, list)
    assert [row.name for row in summary] == ["conv1", "relu1", "pool1", "flatten1", "dense1"]
    assert repr(summary).splitlines()[0].startswith("layer ")
    (table,) = Tables(summary._repr_html_()).tables
    assert table[-1][:1] == ["total"]
    assert table[-1][3] == f"{network.parameter_count:,}"


def test_outside_a_notebook_there_is_no_display():
    assert live_cell() is None


@pytest.mark.slow
def test_the_example_notebook():
    notebook = nbformat.read(TOP / "examples" / "notebook.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "kept without outputs"
    ExecutePreprocessor(timeout=300, kernel_name="python3").preprocess(
        notebook, {"metadata": {"path": str(TOP)}}
    )
    texts = [
        str(output.get("data", output).get("text/plain", output))
        for cell in notebook.cells
        for output in cell.get("outputs", [])
    ]
    assert len(texts) == 6
    assert "('7'" in texts[3]
    assert min(map(float, re.findall(r"0\.\d+", texts[5]))) > 0.85


@pytest.mark.slow
def test_the_example_of_a_grid_search(tmp_path):
    done = subprocess.run(
        [sys.executable, TOP / "examples" / "grid_search.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 5
    assert float(lines[-1].split("%")[0]) > 90
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []
