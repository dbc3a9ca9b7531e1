"""What stands at the head of a sheet: its title, and all that makes the same questions again."""

from __future__ import annotations

import shlex

from pellucid import __version__
from pellucid.exercises.question import Question, Sheet
from pellucid.exercises.topics import TOPICS
from pellucid.storage import shown


def facts(sheet: Sheet) -> str:
    """8 questions, level 2, seed 5; questions of version 1, pellucid 0.1.0."""
    count = len(sheet.questions)
    return (
        f"{count} question{'s' * (count != 1)}, level {sheet.level}, seed {sheet.seed} "
        f"(questions of version {sheet.version}, pellucid {__version__})"
    )


def titled(question: Question) -> str:
    """What a question's topic is called."""
    known = TOPICS.get(question.topic)
    return known.title if known else question.topic


def again(sheet: Sheet) -> str:
    """The command that makes this sheet again."""
    words = ["pellucid", "exercise"]
    words += [
        shlex.quote(shown(str(sheet.about[key])))
        for key in ("network", "model", "image")
        if sheet.about.get(key)
    ]
    if sheet.about.get("input"):
        words += ["--input", str(sheet.about["input"])]
    if sheet.topics:
        words += ["--topic", ",".join(sheet.topics)]
    words += ["--count", str(len(sheet.questions)), "--level", str(sheet.level), "--seed", str(sheet.seed)]
    return " ".join(words)
