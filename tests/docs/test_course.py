"""The course: every chapter runs in a clean kernel, its notebook is the one kept, its page is whole and offline."""

import json
import re
import shutil
from pathlib import Path

import nbformat
import pytest

from course_builder.checks import Page, problems
from course_builder.notebooks import install_cell, notebook_text, run
from course_builder.pages import page_of
from course_builder.site import build_site
from course_builder.source import Live, Text, chapters, expressions, parse

TOP = Path(__file__).resolve().parent.parent.parent
DOCS = TOP / "docs"
CHAPTERS = chapters(DOCS / "course")
NAMES = [chapter.name for chapter in CHAPTERS]
EXAMPLES = json.loads((TOP / "tests" / "data" / "worked_examples.json").read_text())


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Every chapter, run once, each in a kernel and an empty folder of its own."""
    return {chapter.name: run(chapter, tmp_path_factory.mktemp(chapter.name)) for chapter in CHAPTERS}


@pytest.fixture(scope="module")
def site(runs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    build_site(list(runs.values()), DOCS, folder / "site", folder / "work")
    return folder / "site"


def test_there_are_ten_chapters_in_order():
    assert [name[:2] for name in NAMES] == [f"{n:02}" for n in range(1, 11)]
    assert [chapter.title.split(" · ")[0] for chapter in CHAPTERS] == [str(n) for n in range(1, 11)]


@pytest.mark.parametrize("chapter", CHAPTERS, ids=NAMES)
def test_a_chapter_has_what_every_chapter_has(chapter):
    texts = [part.markdown for part in chapter.parts if isinstance(part, Text)]
    cells = [part for part in chapter.parts if isinstance(part, Live)]
    assert 450 <= chapter.words <= 900, "short, and enough"
    assert any('!!! hand "By hand"' in text for text in texts)
    assert any("figures.exercise(" in cell.code for cell in cells)
    assert sum(bool(cell.caption) for cell in cells) >= 2, "figures"
    boxes = re.findall(r'!!! hand "By hand"\n((?:\n| {4}.*\n?)+)', "\n".join(texts))
    assert all(expressions(box) for box in boxes), "the numbers of a box by hand are computed"


@pytest.mark.parametrize("name", NAMES)
def test_a_chapter_runs_and_its_notebook_is_the_one_kept(runs, name):
    kept = DOCS / "course" / "notebooks" / f"{name}.ipynb"
    assert kept.read_text() == notebook_text(runs[name].notebook), "python docs/build.py writes it"


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_keeps_the_conventions(name):
    notebook = nbformat.read(DOCS / "course" / "notebooks" / f"{name}.ipynb", as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    assert notebook.metadata.colab.name == f"{name}.ipynb"
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells)
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    chapter = next(chapter for chapter in CHAPTERS if chapter.name == name)
    assert first.source == install_cell(chapter)
    assert ("pellucid[torch]" in first.source) == chapter.trains
    texts = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert "{{" not in texts and "!!!" not in texts and "???" not in texts
    assert not re.search(r"\]\((?!https?:)", texts), "no links that lead nowhere outside the project"
    assert not re.search(
        r"\bopen\(|\.\./|/tmp|from course_builder", "\n".join(cell.source for cell in notebook.cells)
    )


def test_no_notebook_is_left_over():
    assert sorted(path.stem for path in (DOCS / "course" / "notebooks").iterdir()) == NAMES


def test_the_site_is_whole_and_offline(site):
    assert problems(site) == []
    assert {path.stem for path in (site / "course").glob("*.html")} == set(NAMES)
    for name in NAMES:
        page = Page((site / "course" / f"{name}.html").read_text())
        assert page.figures >= 3
        assert (site / "course" / "notebooks" / f"{name}.ipynb").exists()


def said(runs, name: str) -> str:
    """All that a chapter's page says."""
    return page_of(next(value for key, value in runs.items() if key.startswith(name)))


def test_the_course_s_worked_examples_come_out(runs):
    """The numbers of the original course, held against what the chapters computed."""
    each = EXAMPLES["sharpen"]["arithmetic"]
    assert each["[1,1]"] in said(runs, "02")
    both = EXAMPLES["convolution_and_cross_correlation"]
    assert re.search(
        rf"Two right answers, {both['cross_correlation_valid']} and {both['convolution_valid']}\b",
        said(runs, "03"),
    )
    padded = EXAMPLES["sharpen"]["output_same_zero_padded"]
    assert "; ".join(" ".join(map(str, row)) for row in padded) in said(runs, "04")
    cases = [case for case in EXAMPLES["output_size"]["cases"] if case["n"] in (5, 28, 62)]
    assert len(cases) == 5
    for case in cases:
        assert f"floor(({case['n']} + 2*{case['p']} - {case['f']})/{case['s']}) + 1 = {case['out']}" in said(
            runs, "04"
        )
    for channel in EXAMPLES["multichannel"]["output"]:
        shown = "; ".join(" ".join(str(n).replace("-", "−") for n in row) for row in channel)
        assert shown in said(runs, "05")
    local = next(each for each in EXAMPLES["parameter_counts"] if "no sharing" in each["what"])
    assert f"{local['count']:,}" in said(runs, "05")
    pooled = EXAMPLES["relu_then_pool"]["max_pool_2x2_stride_1"]
    assert "; ".join(" ".join(map(str, row)) for row in pooled) in said(runs, "07")
    for share in EXAMPLES["softmax"]["probabilities"]:
        assert f"{share:.2%}" in said(runs, "08")


def test_the_course_s_slips_are_found(runs):
    each = next(each for each in EXAMPLES["parameter_counts"] if "note" in each)
    page = said(runs, "08")
    assert f"{each['count']:,}" in page
    printed, factor, right = re.search(r"prints? ([\d,]+).* ([\d,]+) for ([\d,]+)", each["note"]).groups()
    assert printed in page and f"multiplied by {factor}" in page and right in page
    corner = EXAMPLES["sharpened_picture_corner"]
    for value in corner["agree"].values():
        assert re.search(rf"= {value:.3f}\d*.*printed: {value}", said(runs, "02"))


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("Pixels", "begins with"),
        ('# 1 · A\n\n!!! wrong "x"\n    text\n', "no box 'wrong'"),
        ("# 1 · A\n\nCaption: of nothing\n", "isn't understood"),
        ("# 1 · A\n\n```python live fol\nx\n```\n", "isn't understood"),
    ],
)
def test_a_wrong_source_is_refused(source, complaint):
    with pytest.raises(ValueError, match=complaint):
        parse("01-a", source)


@pytest.mark.parametrize(
    ("cell", "complaint"),
    [
        ("from pellucid import figures\nfigures.grid([[1]])", "has no caption"),
        ("import sys\nprint('no', file=sys.stderr)", "writes to stderr"),
    ],
)
def test_a_cell_that_isn_t_fit_for_a_page_is_refused(tmp_path, cell, complaint):
    done = run(parse("01-a", f"# 1 · A\n\n```python live\n{cell}\n```\n"), tmp_path)
    with pytest.raises(ValueError, match=complaint):
        page_of(done)


def test_values_are_computed_where_they_stand(tmp_path):
    cell = "```python live\nx = {}\n```\n\n"
    source = f"# 1 · A\n\n{cell.format(2)}x is {{{{x}}}}.\n\n{cell.format('1 / 3')}Now {{{{x:.2f}}}}.\n"
    done = run(parse("01-a", source), tmp_path)
    assert "x is 2." in page_of(done) and "Now 0.33." in page_of(done)
    assert [cell.source for cell in done.notebook.cells if cell.cell_type == "markdown"][1:] == [
        "x is 2.",
        "Now 0.33.",
    ]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("</article>", '<img src="https://example.org/a.png" alt="a"></article>'), "from elsewhere"),
        (("</head>", '<link rel="stylesheet" href="//fonts.example.org/x.css"></head>'), "from elsewhere"),
        (("</article>", '<img src="../course.css"></article>'), "without words"),
        (("</article>", '<svg role="img" width="3"></svg></article>'), "without words"),
        (("</article>", '<a href="no-such-page.html">x</a></article>'), "leads nowhere"),
        (("</article>", '<a href="#no-such-place">x</a></article>'), "leads nowhere"),
        (("</article>", "<h5>x</h5></article>"), "stands under"),
        (("</article>", "<h1>x</h1></article>"), "one first heading"),
    ],
)
def test_the_checks_of_the_site_can_fail(site, tmp_path, change, complaint):
    copy = tmp_path / "site"
    shutil.copytree(site, copy)
    page = copy / "course" / f"{NAMES[0]}.html"
    html = page.read_text()
    assert change[0] in html
    page.write_text(html.replace(*change, 1))
    assert any(complaint in each for each in problems(copy))


def test_the_check_of_scripts_can_fail(site, tmp_path):
    copy = tmp_path / "site"
    shutil.copytree(site, copy)
    (copy / "a.js").write_text('fetch("https://unpkg.com/a")')
    assert problems(copy) == ["a.js names https://unpkg.com/a"]
