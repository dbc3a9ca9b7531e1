"""A sheet as Markdown: the questions, and after them the answers with their working."""

from __future__ import annotations

from pellucid.exercises.choices import choices, is_choice
from pellucid.exercises.formats.heading import again, facts, titled
from pellucid.exercises.question import Question, Sheet


def write(sheet: Sheet, answers: bool = True) -> str:
    """The sheet, with or without answers and working. Drawings have no place in Markdown; their words have."""
    parts = [f"# {_line(sheet.title)}", facts(sheet)]
    for number, question in enumerate(sheet.questions, 1):
        parts += _question(number, question)
    if answers:
        parts.append("## Answers")
        for number, question in enumerate(sheet.questions, 1):
            parts += _answer(number, question)
    parts += ["---", f"Made by `{again(sheet)}`"]
    return "\n\n".join(parts) + "\n"


def _question(number: int, question: Question) -> list[str]:
    parts = [f"## {number}. {titled(question)}", question.question]
    if is_choice(question):
        parts.append("\n".join(f"- {choice.letter}) {_line(choice.written)}" for choice in choices(question)))
    if question.conventions:
        parts.append("> " + " ".join(question.conventions))
    return [*parts, f"`{question.id}`"]


def _answer(number: int, question: Question) -> list[str]:
    letter = ""
    if is_choice(question):
        letter = next(f"{choice.letter}) " for choice in choices(question) if choice.slip is None)
    block = "|" in question.answer_text or "\n" in question.answer_text
    head = f"**{number}.** {letter}" + ("" if block else f"**{question.answer_text}**")
    parts = [head.strip(), *([question.answer_text] if block else []), *question.working]
    if question.slips:
        parts.append("Slips to know:")
        parts.append("\n".join(f"- {slip.name}: {_line(slip.why)}" for slip in question.slips))
    return parts


def _line(text: str) -> str:
    return " ".join(text.split())
