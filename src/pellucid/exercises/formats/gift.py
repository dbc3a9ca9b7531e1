r"""A sheet as a question bank in GIFT (docs.moodle.org, "GIFT format"): one line of text for each part of a question.

A number is a numerical question, a shape a short answer with its spellings, a plot an essay; a choice, and a matrix
that has slips, is a multiple choice; a matrix without slips is matched row by row. ~ = # { } : and \ are escaped
wherever they stand in a text, and the end of a line is \n, so that no question holds an empty line.
"""

from __future__ import annotations

from pellucid.evaluation.page.markup import Markup, element, joined
from pellucid.exercises.choices import asked_for, choices
from pellucid.exercises.formats import prose
from pellucid.exercises.formats.heading import again, facts
from pellucid.exercises.formats.moodle import because, body, margin, number, solution, spellings
from pellucid.exercises.question import Question, Sheet

_ESCAPES = str.maketrans({letter: f"\\{letter}" for letter in "~=#{}:\\"} | {"\n": "\\n", "\r": None})


def write(sheet: Sheet) -> str:
    """The bank as text. It always holds the answers: Moodle marks by them."""
    title = " ".join(prose.clean(sheet.title).split())
    head = [f"// {title}: {facts(sheet)}", f"// Made by: {' '.join(again(sheet).split())}"]
    path = f"$CATEGORY: $course$/pellucid/{title.replace('/', '//')}, level {sheet.level}, seed {sheet.seed}"
    parts = ["\n".join(head), path]
    parts += [_question(place, question) for place, question in enumerate(sheet.questions, 1)]
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """A text in which no letter means anything to GIFT."""
    return prose.clean(text).translate(_ESCAPES)


def _question(place: int, question: Question) -> str:
    name = escaped(f"{place:02d} {question.topic} {question.id}")
    typed = question.kind in ("number", "shape")
    hint = element("p", f"Asked is {asked_for(question)}.") if typed else None
    text = escaped(joined([body(question), hint]))
    opening, answers = _answers(question)
    feedback = f"####{escaped(solution(question))}"
    lines = [f"::{name}::[html]{text}{{{opening}", *(f"\t{answer}" for answer in answers), f"\t{feedback}}}"]
    return "\n".join(lines)


def _answers(question: Question) -> tuple[str, list[str]]:
    """What stands right after the brace, and a line for each answer."""
    match question.kind:
        case "number":
            return "#", _numbers(question)
        case "shape":
            return "", _shapes(question)
        case "matrix" if not question.slips:
            return "", _rows(question)
        case "matrix" | "text-choice":
            return "", _choices(question)
        case _:
            return "", []


def _numbers(question: Question) -> list[str]:
    near = margin(question.tolerance)
    offered = [(question.answer, 100, Markup("Right."))]
    offered += [(slip.value, 0, because(slip)) for slip in question.slips]
    return [
        f"=%{share}%{number(value, question.decimals)}:{near}#{escaped(feedback)}"
        for value, share, feedback in offered
        if isinstance(value, int | float)
    ]


def _shapes(question: Question) -> list[str]:
    offered = [(question.answer, 100, Markup("Right."))]
    offered += [(slip.value, 0, because(slip)) for slip in question.slips]
    return [
        f"=%{share}%{escaped(spelling)}#{escaped(feedback)}"
        for value, share, feedback in offered
        if isinstance(value, tuple)
        for spelling in spellings(tuple(size for size in value if isinstance(size, int)))
        if not spelling.startswith("[")  # there GIFT reads the name of a format
    ]


def _choices(question: Question) -> list[str]:
    lines = []
    for choice in choices(question):
        text = prose.html(choice.written, bordered=True)
        feedback = because(choice.slip) if choice.slip else Markup("Right.")
        lines.append(f"{'~' if choice.slip else '='}{escaped(text)}#{escaped(feedback)}")
    return lines


def _rows(question: Question) -> list[str]:
    """A matrix to match: each row's place with its numbers."""
    rows = question.answer if isinstance(question.answer, tuple) else ()
    lines = []
    for place, row in enumerate(rows):
        name = question.rows[place] if question.rows else f"row {place + 1}"
        values = (
            "  ".join(number(value, question.decimals) for value in row)
            if isinstance(row, tuple)
            else str(row)
        )
        lines.append(f"={escaped(name)} -> {escaped(values)}")
    return lines
