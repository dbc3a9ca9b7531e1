"""A sheet as one page for screen and paper: it holds everything, runs nothing, and loads nothing.

With answers, each stands folded below its question on the screen, and open on paper; without, there is room to write.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from pellucid import __version__
from pellucid.evaluation.page.markup import Child, Markup, element, joined
from pellucid.exercises.choices import PLOT, asked_for, choices, is_choice
from pellucid.exercises.formats import prose
from pellucid.exercises.formats.heading import again, titled
from pellucid.exercises.question import Question, Sheet


def write(sheet: Sheet, answers: bool = True) -> str:
    """The page as HTML text, with or without answers. The same sheet gives the same page."""
    style = Path(__file__).with_name("sheet.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    title = prose.clean(sheet.title)
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="generator", content=f"pellucid {__version__}"),
        element("title", title),
        element("style", Markup(style)),
    )
    count = len(sheet.questions)
    about = f"{count} question{'s' * (count != 1)} · level {sheet.level} · seed {sheet.seed}"
    lines = [
        element("p", word, element("span", class_="rule"), class_="blank")
        for word in ("Name", "Date", "Points")
    ]
    body = element(
        "body",
        element(
            "header",
            element("h1", title),
            element("p", about + (" · with answers" if answers else ""), class_="quiet"),
            None if answers else element("div", lines, class_="who"),
        ),
        element(
            "main",
            [_question(number, question, answers) for number, question in enumerate(sheet.questions, 1)],
        ),
        element(
            "footer",
            element("p", "The same sheet again: ", element("code", prose.clean(again(sheet)))),
            element(
                "p",
                f"Written by pellucid {__version__}, questions of version {sheet.version}. This page is complete: it "
                "loads nothing and sends nothing.",
            ),
        ),
        class_="answers" if answers else "plain",
    )
    return "<!DOCTYPE html>\n" + joined([element("html", head, body, lang="en"), Markup("\n")])


def _question(number: int, question: Question, answers: bool) -> Markup:
    topic = prose.clean(titled(question))
    return element(
        "article",
        element("h2", element("span", f"{number}", class_="number"), element("span", topic, class_="topic")),
        element("div", _scrolled(question.question, filled=not answers), class_="text"),
        element("figure", prose.picture(question.figure, f"figure of question {number}"))
        if question.figure
        else None,
        _choices(question),
        _conventions(question),
        _answer(number, question) if answers else _room(question),
        id=prose.clean(question.id),
    )


def _choices(question: Question) -> Markup | None:
    if not is_choice(question):
        return None
    items = [
        element("li", element("span", f"{choice.letter})", class_="letter"), prose.inline(choice.written))
        for choice in choices(question)
    ]
    return element("ul", items, class_="choices")


def _conventions(question: Question) -> Markup | None:
    if not question.conventions:
        return None
    return element("p", prose.inline(" ".join(question.conventions)), class_="conventions")


def _room(question: Question) -> Markup:
    """Where the answer is written by hand: a line, the table to fill in, or room to draw."""
    if question.kind == "matrix" and question.columns:
        corner = element("td") if question.rows else None
        head = [element("th", prose.inline(name), scope="col") for name in question.columns]
        lines = len(question.answer) if isinstance(question.answer, tuple) else 1
        body = [
            element(
                "tr",
                element("th", prose.inline(question.rows[place]), scope="row") if question.rows else None,
                [element("td") for _ in question.columns],
            )
            for place in range(lines)
        ]
        return _boxed(
            element(
                "table", element("thead", element("tr", corner, head)), element("tbody", body), class_="fill"
            )
        )
    if question.kind == PLOT:
        return element("div", prose.picture(_paper(), "squared paper"), class_="drawing")
    if question.kind == "matrix":
        return element("div", element("span", "Answer", class_="quiet"), class_="room")
    return element(
        "p", element("span", "Answer", class_="quiet"), element("span", class_="rule"), class_="blank",
        title=asked_for(question),
    )  # fmt: skip


def _answer(number: int, question: Question) -> Markup:
    letter = None
    if is_choice(question):
        letter = next(f"{choice.letter}) " for choice in choices(question) if choice.slip is None)
    block = "|" in question.answer_text or "\n" in question.answer_text
    right: Child = (
        _scrolled(question.answer_text)
        if block
        else element("p", letter, element("strong", prose.inline(question.answer_text)))
    )
    slips = [
        element(
            "li",
            element("b", prose.inline(slip.name)),
            ": ",
            prose.inline(slip.why),
            _value(question, slip.value),
        )
        for slip in question.slips
    ]
    return element(
        "details",
        element("summary", "Answer and working"),
        element("div", right, class_="right"),
        element(
            "figure",
            prose.picture(question.answer_figure, f"answer to question {number}: {question.answer_text}"),
        )
        if question.answer_figure
        else None,
        element("div", _scrolled("\n\n".join(question.working)), class_="working")
        if question.working
        else None,
        element("div", element("h3", "Slips to know"), element("ul", slips), class_="slips")
        if slips
        else None,
    )


def _value(question: Question, value: object) -> Child:
    """What a slip leads to, where that is short."""
    if isinstance(value, str) or (isinstance(value, tuple) and question.kind != "shape"):
        return None
    return [" (", prose.inline(question.written(value)), ")"]  # type: ignore[arg-type]


def _scrolled(text: str, filled: bool = False) -> list[Markup]:
    """Markdown as HTML, each table in a box of its own that scrolls where the screen is narrow. Matrices stand side by
    side with what names them, where there is room."""
    made: list[Markup] = []
    name: prose.Block | None = None
    for block in prose.blocks(text):
        if filled and prose.unfilled(block):
            continue
        is_matrix = isinstance(block, prose.Fenced) and bool(prose.matrix(block.text))
        if name is not None and not is_matrix:
            made.append(prose.block(name))
        if isinstance(block, prose.Paragraph) and block.text.endswith(":"):
            name = block
            continue
        inner = prose.block(block)
        if is_matrix:
            # One without a name, beside one with: an empty line keeps them level.
            beside = bool(made) and made[-1].startswith('<div class="given">')
            above = prose.block(name) if name else element("p", "\u00a0") if beside else None
            inner = element("div", above, _boxed(inner), class_="given")
        elif isinstance(block, prose.Table | prose.Fenced):
            inner = _boxed(inner)
        made.append(inner)
        name = None
    return [*made, prose.block(name)] if name is not None else made


def _paper() -> str:
    """Squared paper to draw on, as SVG."""
    lines = [f"M{x} 0V320" for x in range(0, 561, 20)] + [f"M0 {y}H560" for y in range(0, 321, 20)]
    grid = element("path", d="".join(lines), fill="none", stroke="#888", stroke_width=0.5)
    return element(
        "svg", grid, xmlns="http://www.w3.org/2000/svg", width=560, height=320, viewBox="-1 -1 562 322"
    )


def _boxed(inner: Markup) -> Markup:
    return element("div", inner, class_="scroll")
