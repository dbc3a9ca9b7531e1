"""`pellucid exercise`: sheets of questions, written out, and answers marked."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pellucid.errors import DataError, PellucidError, SettingsError
from pellucid.exercises import Sheet, generate
from pellucid.exercises.formats import gift, html, json, markdown, moodle
from pellucid.exercises.marking import LARGEST, Answers, Marks, mark, read_answers
from pellucid.faces.cli import output
from pellucid.storage import shown, storage_error, typed, write_atomically

COUNT = 8  # questions of a sheet, unless given
FORMATS: dict[str, Callable[[Sheet, bool], str]] = {
    "markdown": markdown.write,
    "html": html.write,
    "json": json.write,
    "moodle": lambda sheet, answers: moodle.write(sheet),
    "gift": lambda sheet, answers: gift.write(sheet),
}
BANKS = ("moodle", "gift")  # what marks by itself always holds the answers
_ENDINGS = {".md": "markdown", ".html": "html", ".htm": "html", ".json": "json", ".xml": "moodle", ".gift": "gift",
            ".txt": "gift"}  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """What the command line asked for; None is what it left open. See the options' help."""

    network: str | None
    image: str | None
    input: str | None
    topics: Sequence[str]
    count: int | None
    level: int | None
    seed: int | None
    format: str | None
    out: str | None
    answers: bool
    form: str | None
    check: str | None
    as_json: bool


def exercise_command(wanted: Wanted) -> None:
    """Make a sheet and write it out, or mark the answers to one."""
    wanted = replace(
        wanted, topics=[name.strip() for part in wanted.topics for name in part.split(",") if name.strip()]
    )
    kind = _format(wanted)
    if wanted.check is not None:
        answers = read_answers(_text(wanted.check), shown(wanted.check))
        sheet = _sheet(_completed(wanted, answers.sheet))
        _print_marks(_marked(sheet, answers, wanted.check), wanted.as_json)
        return
    sheet = _sheet(wanted)
    if wanted.form is not None:
        _write(wanted.form, json.write(sheet, False))
    if wanted.out is not None:
        _write(wanted.out, FORMATS[kind](sheet, wanted.answers))
    if wanted.as_json:
        document = sheet.as_dict() if wanted.answers else json.form(sheet)
        written = {"path": wanted.out} if wanted.out is not None else {}
        output.print_json(document | written)
    elif wanted.out is None:
        _print(FORMATS[kind](sheet, wanted.answers), kind)
    if wanted.form is not None and not wanted.as_json:
        print(
            f"check     pellucid exercise --check {typed(wanted.form)}, once it is filled in", file=sys.stderr
        )


def _sheet(wanted: Wanted) -> Sheet:
    count = COUNT if wanted.count is None else wanted.count
    level = 1 if wanted.level is None else wanted.level
    seed = 0 if wanted.seed is None else wanted.seed
    try:
        if wanted.network is None:
            return generate(wanted.topics, count, level, seed)
        from pellucid.faces.cli.exercise_network import network_sheet

        return network_sheet(wanted.network, wanted.image, wanted.input, wanted.topics, count, level, seed)
    except SettingsError as error:
        if error.where in ("topic", "count", "level", "seed"):
            error.where = f"--{error.where}"
        raise


def _format(wanted: Wanted) -> str:
    """The format asked for, or told by the file's ending. SettingsError for options that don't go together."""
    if wanted.format is not None and wanted.format not in FORMATS:
        raise SettingsError("there is no such format", where="--format", received=shown(wanted.format),
                            remedy=f"one of {', '.join(FORMATS)}")  # fmt: skip
    for option, given in (("--out", wanted.out), ("--answers-form", wanted.form), ("--check", wanted.check)):
        if given is not None and not given.strip():
            raise SettingsError("a file needs a name", where=option, received=repr(given),
                                remedy=f"{option} sheet.json")  # fmt: skip
    ending = Path(wanted.out).suffix.lower() if wanted.out is not None else ""
    kind = wanted.format or _ENDINGS.get(ending, "markdown")
    if wanted.check is not None:
        for option, given in (
            ("--out", wanted.out),
            ("--format", wanted.format),
            ("--answers-form", wanted.form),
        ):
            if given is not None:
                raise SettingsError(f"{option} has no meaning with --check", where=option, received=shown(given),
                                    remedy="the marks go to stdout; --json gives them as JSON")  # fmt: skip
    if kind in BANKS and not wanted.answers:
        raise SettingsError("a question bank is marked by its answers: it can't leave them out", where="--no-answers",
                            received=f"--format {kind}", remedy="--format html --no-answers is for paper")  # fmt: skip
    if wanted.image is not None and wanted.network is None:
        raise SettingsError("a picture needs a model", where="IMAGE", received=shown(wanted.image),
                            remedy="pellucid exercise MODEL IMAGE")  # fmt: skip
    if wanted.input is not None and wanted.network is None:
        raise SettingsError("--input is about a network's text", where="--input", received=shown(wanted.input),
                            remedy="pellucid exercise 'conv 8 5x5, relu' --input 28x28x1")  # fmt: skip
    return kind


def _completed(wanted: Wanted, named: Mapping[str, Any]) -> Wanted:
    """What the command line left open, as the answers file says it. DataError where that can't be."""
    given = {name: named[name] for name in ("count", "level", "seed") if named.get(name) is not None}
    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int):
            raise _unclear(wanted, name, value)
    topics = named.get("topics", [])
    if not isinstance(topics, list) or not all(isinstance(name, str) for name in topics):
        raise _unclear(wanted, "topics", topics)
    about = named.get("about") or {}
    if not isinstance(about, dict):
        raise _unclear(wanted, "about", about)
    network, size = about.get("network"), about.get("input")
    if about and wanted.network is None:
        if about.get("model") or not (isinstance(network, str) and isinstance(size, str)):
            words = "MODEL IMAGE" if about.get("image") else "MODEL"
            raise DataError(
                "These answers are about a model: name it", where=shown(wanted.check or ""),
                received=shown(str(about.get("model"))[:200]), remedy=f"pellucid exercise {words} --check FILE",
            )  # fmt: skip
        wanted = replace(wanted, network=network, input=wanted.input or size)
    return replace(
        wanted,
        topics=wanted.topics or topics,
        count=given.get("count") if wanted.count is None else wanted.count,
        level=given.get("level") if wanted.level is None else wanted.level,
        seed=given.get("seed") if wanted.seed is None else wanted.seed,
    )


def _unclear(wanted: Wanted, name: str, value: object) -> DataError:
    return DataError(
        f"The answers don't say which {name} their sheet has", where=shown(wanted.check or ""),
        received=repr(value)[:200], remedy="the form as --answers-form FILE writes it, with only its answers changed",
    )  # fmt: skip


def _marked(sheet: Sheet, answers: Answers, path: str) -> Marks:
    try:
        return mark(sheet, answers)
    except PellucidError as error:
        if error.where == "answers":
            error.where = shown(path)
        raise


def _text(path: str) -> str:
    """The answers file's text, UTF-8."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        said = storage_error(error, path)
        raise DataError(said.what.replace("write", "read"), where=said.where,
                        remedy="the form that --answers-form FILE wrote, filled in") from error  # fmt: skip
    except ValueError as error:  # a name with a NUL in it
        raise DataError("There is no such file", where=shown(path), remedy="a file's name") from error
    if len(data) > LARGEST:
        raise DataError("The answers file is too large", where=shown(path), received=f"over {LARGEST:,} bytes",
                        remedy="the form that --answers-form FILE wrote, filled in")  # fmt: skip
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError("The answers are not UTF-8 text", where=shown(path), received=f"byte {error.start}",
                        remedy="save the file as UTF-8") from error  # fmt: skip


def _write(path: str, text: str) -> None:
    write_atomically(path, text.encode("utf-8"))
    print(f"saved     {shown(path)}", file=sys.stderr)


def _print(text: str, kind: str) -> None:
    if kind == "markdown" and sys.stdout.isatty():
        from rich.markdown import Markdown

        output.stdout().print(Markdown(text))
    else:
        print(text, end="")


def _print_marks(marks: Marks, as_json: bool) -> None:
    for problem in marks.problems:
        print(f"note: {shown(problem)}", file=sys.stderr)
    if as_json:
        output.print_json(marks.as_dict())
        return
    width = max(len(mark.verdict) for mark in marks.marks)
    for one in marks.marks:
        line = f"{one.number:>3}  {one.verdict:<{width}}  {one.id}"
        if one.given:
            line += f"  {shown(one.given)}"
        print(line)
        if one.verdict != "right":
            print(" " * (width + 7) + one.said)
            if one.verdict not in ("by eye", "missing"):
                print(" " * (width + 7) + f"right is: {one.right}")
    print(f"\n{marks.total} right")
