"""Sheets of questions from topics, level and seed: the same ones on every machine."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from pellucid.errors import NetworkError, SettingsError
from pellucid.exercises.draw import Draw
from pellucid.exercises.question import VERSION, Question, Sheet
from pellucid.exercises.topics import TOPICS
from pellucid.storage import shown

LEVELS = (1, 2, 3)
MOST = 1_000  # questions of a sheet
LEAST_SLIPS = 3  # every question of every topic has as many, or is drawn again
TRIES = 1_800


def generate(topics: Sequence[str], count: int, level: int = 1, seed: int = 0) -> Sheet:
    """A sheet of `count` questions, the topics in turn (all of TOPICS where none is named).

    The question at a place depends on version, seed, topic, level, place, and on the questions before it in so far as
    none comes twice. Raises SettingsError for a topic, level or count there isn't, and where a topic runs out of
    different questions.
    """
    names = tuple(dict.fromkeys(topics)) or tuple(TOPICS)
    for name in names:
        _check_topic(name)
    check(count, level, seed)
    questions: list[Question] = []
    known: set[str] = set()
    for place in range(count):
        name = names[place % len(names)]
        question = _draw(name, level, seed, place, known)
        if question is None:
            raise SettingsError(
                f"the topic {name} has no more different questions at level {level}",
                received=f"{count:,} questions, {len(questions):,} were found",
                remedy="fewer questions, another level, or more topics",
            )
        known |= {question.id, question.question}
        questions.append(question)
    title = TOPICS[names[0]].title if len(names) == 1 else "Exercises"
    return Sheet(title, seed, level, names, tuple(questions))


def _draw(name: str, level: int, seed: int, place: int, known: set[str]) -> Question | None:
    topic = list(TOPICS).index(name)
    for attempt in range(TRIES):
        try:
            question = TOPICS[name].make(Draw((VERSION, seed, topic, level, place, attempt)), level)
        except NetworkError:  # the layers drawn don't fit the picture drawn: others are
            continue
        if (
            question is not None
            and not known & {question.id, question.question}
            and len(question.slips) >= LEAST_SLIPS
        ):
            return question
    return None


def check(count: int, level: int, seed: int) -> None:
    """SettingsError where one of these can't be."""
    if not 1 <= count <= MOST:
        raise SettingsError(
            f"a sheet has 1 to {MOST:,} questions", where="count", received=f"{count:,}", remedy="such as 8"
        )
    if level not in LEVELS:
        raise SettingsError("there is no such level", where="level", received=str(level), remedy="1, 2 or 3")
    if not 0 <= seed < 2**63:
        raise SettingsError(
            "a seed is a whole number from 0", where="seed", received=str(seed), remedy="such as 1"
        )


def _check_topic(name: str) -> None:
    if name not in TOPICS:
        near = get_close_matches(name.lower(), list(TOPICS), n=1, cutoff=0.5)
        nearest = f"{near[0]}? " if near else ""
        raise SettingsError(
            "there is no such topic",
            where="topic",
            received=shown(name),
            remedy=f"{nearest}There are {', '.join(TOPICS)}",
        )
