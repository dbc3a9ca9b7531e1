"""One exercise as a notebook's cell or a lesson shows it: the question, its answer and working folded below."""

from __future__ import annotations

from pellucid.evaluation.page.markup import Markup, element, joined
from pellucid.exercises.choices import choices, is_choice
from pellucid.exercises.formats import prose
from pellucid.exercises.question import Question, Slip

_BOX = "border-left:3px solid currentColor;padding:0.1em 1em"
_QUIET = "opacity:0.75;font-size:0.9em"


def question_html(question: Question) -> Markup:
    """The question with its figure and choices, and, folded, the answer, the working, and the slips to know."""
    lettered = choices(question) if is_choice(question) else ()
    listed = [element("li", prose.inline(choice.written)) for choice in lettered]
    figure = None
    if question.figure:
        figure = prose.picture(question.figure, "the figure of the exercise")
    drawn = None
    if question.answer_figure:
        drawn = prose.picture(question.answer_figure, f"the answer: {question.answer_text}")
    slips = [
        element(
            "li",
            element("strong", prose.inline(slip.name)),
            ": ",
            prose.inline(slip.why),
            _leads_to(question, slip),
        )
        for slip in question.slips
    ]
    one_line = "\n" not in question.answer_text
    answer = element(
        "details",
        element("summary", "Answer and working", style="cursor:pointer"),
        _blocks(
            f"**Answer:** {question.answer_text}" if one_line else f"**Answer:**\n\n{question.answer_text}"
        ),
        drawn,
        _blocks("\n\n".join(question.working)) if question.working else None,
        [element("p", "Slips to know:"), element("ul", slips)] if slips else None,
    )
    said = (
        element("p", prose.inline(" ".join(question.conventions)), style=_QUIET)
        if question.conventions
        else None
    )
    text = _blocks(question.question)
    # On one line, as an empty one would end the HTML in Markdown.
    one = joined(
        [
            element(
                "div",
                text,
                figure,
                element("ol", listed, type="a") if listed else None,
                said,
                answer,
                style=_BOX,
            )
        ]
    )
    return Markup(one.replace("\n", "&#10;"))


def _blocks(text: str) -> Markup:
    """Markdown with lines around its tables, which no style sheet draws in a notebook."""
    return prose.html(text, bordered=True)


def _leads_to(question: Question, slip: Slip) -> Markup | None:
    """The wrong answer, where it is a single number or a shape."""
    short = isinstance(slip.value, int | float) or question.kind == "shape"
    return joined([" (", prose.inline(question.written(slip.value)), ")"]) if short else None


def question_text(question: Question) -> str:
    """Its twin as text: the question alone."""
    return "\n\n".join([question.question, " ".join(question.conventions)]).strip()
