"""A sheet as a question bank for Moodle, in its XML format (docs.moodle.org, "Moodle XML format").

Each question comes as it is asked, to be typed in: a number as `numerical`, a shape as `shortanswer` with its
spellings, a matrix as `cloze` with a field for each cell ("Embedded Answers (Cloze) question type"), a plot as
`essay`. What has slips comes once more as `multichoice`, in a category of its own. A wrong answer that a known slip
leads to says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import unescape

from pellucid.evaluation.page.markup import Child, Markup, element, joined
from pellucid.exercises.choices import PLOT, asked_for, choices
from pellucid.exercises.formats import prose
from pellucid.exercises.question import Answer, Question, Sheet, Slip

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'  # Moodle wants it on the very first line


def write(sheet: Sheet) -> str:
    """The bank as XML text. It always holds the answers: Moodle marks by them."""
    typed = [_typed(number, question) for number, question in enumerate(sheet.questions, 1)]
    chosen = [
        _multichoice(number, question)
        for number, question in enumerate(sheet.questions, 1)
        if question.slips and question.kind != PLOT
    ]
    parts = [_category(sheet, "to type in"), *typed]
    if chosen:
        parts += [_category(sheet, "multiple choice"), *chosen]
    return DECLARATION + element("quiz", "\n", [[part, "\n"] for part in parts]) + "\n"


def spellings(shape: tuple[int, ...]) -> tuple[str, ...]:
    """How students write a shape: 24 x 24 x 8, 24x24x8, 24 × 24 × 8, 24×24×8, commas, blanks, brackets."""
    sizes = [str(size) for size in shape]
    if len(sizes) == 1:
        return (sizes[0], f"({sizes[0]})", f"({sizes[0]},)")
    between = (" x ", "x", " × ", "×", ", ", ",", " ")
    plain = [mark.join(sizes) for mark in between]
    return (*plain, f"({', '.join(sizes)})", f"({','.join(sizes)})", f"[{', '.join(sizes)}]")


def body(question: Question, filled: bool = False) -> Markup:
    """The question's text as HTML: the figure in it, and the conventions below. `filled`: without a table to
    fill in."""
    figure = prose.picture(question.figure, "figure of the question") if question.figure else None
    conventions = (
        element("p", element("em", prose.inline(" ".join(question.conventions))))
        if question.conventions
        else None
    )
    return joined([prose.html(question.question, bordered=True, filled=filled), figure, conventions])


def solution(question: Question) -> Markup:
    """The right answer, its figure, and the working, as HTML."""
    figure = prose.picture(question.answer_figure, question.answer_text) if question.answer_figure else None
    return joined(
        [
            prose.html(question.answer_text, bordered=True),
            figure,
            prose.html("\n\n".join(question.working), bordered=True),
        ]
    )


def because(slip: Slip) -> Markup:
    """The feedback to a wrong answer that a slip leads to."""
    return joined([element("b", prose.inline(slip.name)), ": ", prose.inline(slip.why)])


def number(value: int | float, decimals: int) -> str:
    """A number as Moodle reads it: a decimal point, no thousands separators, and a 0 without a minus."""
    text = f"{value:.{decimals}f}" if decimals else f"{value:.12g}" if abs(value) < 1e12 else str(value)
    return text[1:] if text.startswith("-") and float(text) == 0 else text


def margin(tolerance: float) -> str:
    """How far off a number may be, as a decimal."""
    return f"{tolerance:.12f}".rstrip("0").rstrip(".")


def _typed(place: int, question: Question) -> Markup:
    match question.kind:
        case "number":
            return _asked("numerical", place, question, _hint(question), _numbers(question))
        case "shape":
            rest = [*_shapes(question), element("usecase", 0)]
            return _asked("shortanswer", place, question, _hint(question), rest)
        case "matrix":
            return _asked("cloze", place, question, _fields(question), None)
        case "text-choice":
            return _multichoice(place, question)
        case _:
            return _asked("essay", place, question, None, _scored("", 0, None))


def _hint(question: Question) -> Markup:
    return element("p", f"Asked is {asked_for(question)}.")


def _asked(kind: str, place: int, question: Question, after: Markup | None, rest: Child) -> Markup:
    """A question of Moodle's; `after` stands below its text."""
    text = body(question, filled=kind == "cloze")
    if kind == "cloze":
        text = Markup(text.replace("{", "&#123;"))  # what looks like a field and is none
    return element(
        "question",
        element("name", _text(f"{place:02d} {question.topic} {question.id}")),
        element("questiontext", _text(joined([text, after])), format="html"),
        element("generalfeedback", _text(solution(question)), format="html"),
        rest,
        type=kind,
    )


def _multichoice(place: int, question: Question) -> Markup:
    answers = [
        _scored(
            prose.html(choice.written, bordered=True)
            if _is_block(choice.written)
            else prose.inline(choice.written),
            0 if choice.slip else 100,
            because(choice.slip) if choice.slip else "Right.",
        )
        for choice in choices(question)
    ]
    rest = [
        *answers,
        element("shuffleanswers", 1),
        element("single", "true"),
        element("answernumbering", "abc"),
    ]
    return _asked("multichoice", place, question, None, rest)


def _numbers(question: Question) -> list[Markup]:
    tolerance = margin(question.tolerance)
    values: list[tuple[Answer, int, Child]] = [(question.answer, 100, "Right.")]
    values += [(slip.value, 0, because(slip)) for slip in question.slips]
    return [
        _scored(number(value, question.decimals), fraction, feedback, tolerance)
        for value, fraction, feedback in values
        if isinstance(value, int | float)
    ]


def _shapes(question: Question) -> list[Markup]:
    return [
        _scored(spelling, fraction, feedback)
        for value, fraction, feedback in [
            (question.answer, 100, Markup("Right.")),
            *((slip.value, 0, because(slip)) for slip in question.slips),
        ]
        for spelling in spellings(_sizes(value))
    ]


def _sizes(value: Answer) -> tuple[int, ...]:
    return tuple(size for size in value if isinstance(size, int)) if isinstance(value, tuple) else ()


def _fields(question: Question) -> Markup:
    """The matrix as a table of fields, one for each cell; a slip's value in a cell names the slip."""
    rows = _rows(question.answer)
    columns = question.columns or tuple(str(n + 1) for n in range(len(rows[0])))
    names = question.rows or tuple(str(n + 1) for n in range(len(rows)))
    head = element("tr", element("td"), [element("th", prose.inline(name), scope="col") for name in columns])
    lines = [
        element(
            "tr",
            element("th", prose.inline(names[y]), scope="row"),
            [element("td", _field(question, y, x)) for x in range(len(row))],
        )
        for y, row in enumerate(rows)
    ]
    return element("table", element("thead", head), element("tbody", lines), border=1, cellpadding=4)


def _field(question: Question, y: int, x: int) -> str:
    right = _rows(question.answer)[y][x]
    alternatives = [f"={_within(right, question)}#Right."]
    seen = {number(right, question.decimals)}
    for slip in question.slips:
        rows = _rows(slip.value)
        if y < len(rows) and x < len(rows[y]):
            written = number(rows[y][x], question.decimals)
            near = abs(rows[y][x] - right) <= 2 * question.tolerance
            if written not in seen and not near:
                seen.add(written)
                alternatives.append(f"%0%{_within(rows[y][x], question)}#{_embedded(slip)}")
    return "{1:NUMERICAL:" + "~".join(alternatives) + "}"


def _within(value: int | float, question: Question) -> str:
    return f"{number(value, question.decimals)}:{margin(question.tolerance)}"


def _embedded(slip: Slip) -> str:
    """A slip's feedback inside a field, where some letters have to be escaped."""
    plain = unescape(re.sub(r"<[^>]*>", "", because(slip)))
    return re.sub(r"([\\}~#/\"])", r"\\\1", " ".join(plain.split()))


def _rows(value: Answer) -> tuple[tuple[int | float, ...], ...]:
    return tuple(row for row in value if isinstance(row, tuple)) if isinstance(value, tuple) else ()


def _scored(text: Child, fraction: int, feedback: Child, tolerance: str | None = None) -> Markup:
    return element(
        "answer",
        _text(text),
        element("tolerance", tolerance) if tolerance is not None else None,
        element("feedback", _text(feedback)) if feedback is not None else None,
        fraction=fraction,
    )


def _category(sheet: Sheet, part: str) -> Markup:
    """What follows goes into this category of the course. A slash in a name is written twice."""
    title = re.sub("[<>]", "", " ".join(prose.clean(sheet.title).split())).replace("/", "//")
    path = (
        f"$course$/pellucid/{title}, level {sheet.level}, seed {sheet.seed}, version {sheet.version}/{part}"
    )
    return element("question", element("category", _text(path)), type="category")


def _text(content: Child) -> Markup:
    """HTML or plain text inside <text>: escaped once more, as XML wants it."""
    return element("text", str(joined(content)) if isinstance(content, Markup) else _flat(content))


def _flat(content: Child) -> str:
    if isinstance(content, str):
        return prose.clean(content)
    return "".join(_flat(part) for part in content) if isinstance(content, Iterable) else str(content)


def _is_block(text: str) -> bool:
    return "|" in text or "\n" in text
