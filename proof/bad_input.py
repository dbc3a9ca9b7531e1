"""Proof 8: whatever is wrong with what pellucid is given, it says so in a sentence and with the right exit status.

Cases by hand (folders, pictures, targets, disks, networks, model files, settings), each with the status and the words
that it must give, once as text and once with --json; then nonsense for every option of every verb and for every
setting of a settings file, found from the program itself, so that new ones are tried too; then a model file with every
97th byte changed. Never a traceback, never talk of a defect. The messages are in the record, for a person to judge.

    python proof/bad_input.py            writes proof/results/bad_input.json and .md
    python proof/bad_input.py --short    all in this process, less of the nonsense; no full disks
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import typer
from _bad_cases import Case, by_hand, limited, on_full_disks, prepare
from _bad_explorer import on_explorer
from _record import COMMAND, Options, Ran, conclude, options, run, table

from pellucid.errors import ModelError
from pellucid.faces.cli.app import app
from pellucid.model import ModelFile
from pellucid.training.settings import AugmentationSettings, Settings

FLIP_EVERY = 97
LONGEST = 400  # letters of a text in the record
PLACE, EMPTY_PLACE = "nonsense/in/here", "nonsense/in/there"  # deep enough for ../..
PARTS = {"error", "what", "where", "received", "remedy"}
# What people and scripts put into an option by mistake.
NONSENSE = ["", " ", "-1", "0", "-0", "0.5", "1e3", "1e999", "-inf", "nan", "0x10", "99999999999999999999", "many",
            "[1]", "None", "../..", "é", "٣"]  # fmt: skip
IN_FILES = [-1, 0, 0.5, 1e300, float("nan"), float("inf"), 10**20, "many", "", [], {}, True]
# What of it means something after all. Everything else must be refused.
VALID: dict[tuple[str, str], set[str]] = {
    ("train", "--seed"): {"0", "-0"},
    ("train", "--learning-rate"): {"0.5"},
    ("train", "--out"): set(NONSENSE) - {"", " "},
    ("predict", "--top"): {"99999999999999999999"},
    ("predict", "--threshold"): {"0", "-0", "0.5"},
    ("filter", "--pad"): {"0"},
    ("exercise", "--topic"): {"", " "},  # no topic is every topic
    ("exercise", "--seed"): {"0", "-0"},
}
VALID_IN_FILES: dict[str, list] = {
    "epochs": [], "seed": [0], "split_seed": [0], "batch_size": [], "learning_rate": [0.5], "warmup": [0, 0.5],
    "momentum": [0, 0.5], "beta2": [0.5], "weight_decay": [0, 0.5], "label_smoothing": [0, 0.5],
    "averaging": [0, 0.5], "clip": [0, 0.5], "augmentation": [{}],
    "shift": [0, 0.5], "rotate": [0, 0.5], "zoom": [0, 0.5], "flip": [0, True], "brightness": [0, 0.5],
    "contrast": [0, 0.5], "erase": [0, 0.5], "strict": [0, True],
}  # fmt: skip


@dataclass
class Tried:
    """One case with what came of it; `wrong` is empty where that is as it should be."""

    group: str
    case: str
    command: str
    code: int
    message: str
    wrong: list[str] = field(default_factory=list)


def in_this_process(arguments: Sequence[str], cwd: Path, stdin: bytes = b"") -> Ran:
    """The command line without a process of its own."""
    from pellucid.faces.cli import main

    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace") for _ in range(2))
    before = sys.argv, sys.stdin
    sys.argv, sys.stdin = ["pellucid", *arguments], io.TextIOWrapper(io.BytesIO(stdin))
    code = 0
    try:
        with contextlib.chdir(cwd), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException as error:
        err.write(f"Traceback: {error!r} left main()")
    finally:
        sys.argv, sys.stdin = before
    texts = []
    for stream in (out, err):
        stream.flush()
        texts.append(stream.buffer.getvalue().decode())  # type: ignore[attr-defined]
    return Ran(code, texts[0], texts[1], 0.0)


def message(ran: Ran) -> str:
    """What the user reads of an error: its JSON's parts, its lines, or the words in the box of a wrong call."""
    lines = ran.err.strip().splitlines()
    if lines and lines[-1].startswith('{"error"'):
        parts = json.loads(lines[-1])
        return "\n".join(f"{name}: {text}" for name, text in parts.items() if name != "error")
    boxed = " ".join(line.strip("│ ") for line in lines if line.startswith("│"))
    if boxed:
        return boxed
    start = next((i for i, line in enumerate(lines) if line.startswith("error ")), max(len(lines) - 4, 0))
    return "\n".join(lines[start:])


def check(tried: Tried, ran: Ran, codes: set[int], as_json: bool) -> Tried:
    """What holds for every case: status, no traceback, no defect, whole JSON, all parts of an error."""
    if ran.code not in codes:
        tried.wrong.append(f"exit status {ran.code} instead of {' or '.join(map(str, sorted(codes)))}")
    if "Traceback" in ran.err:
        tried.wrong.append("a traceback")
    if "defect of pellucid" in ran.err:
        tried.wrong.append("it calls itself defective")
    if ran.code == 1 and not as_json and not re.search(r"^error {5}\S", ran.err, re.MULTILINE):
        tried.wrong.append("no line that begins with `error`")
    if ran.code == 2 and not (ran.err.strip() or ran.out.strip()):
        tried.wrong.append("a wrong call without a word")
    if as_json:
        for line in ran.out.splitlines() if ran.code != 2 else ():  # 2 may show the help
            try:
                json.loads(line, parse_constant=lambda word: math.nan)
            except ValueError:
                tried.wrong.append(f"stdout is not JSON: {line[:60]!r}")
                break
        if ran.code == 1:
            last = (ran.err.strip().splitlines() or [""])[-1]
            try:
                parts = json.loads(last)
            except ValueError:
                tried.wrong.append(f"the error is not JSON: {last[:80]!r}")
            else:
                if not {"error", "what"} <= set(parts) <= PARTS:
                    tried.wrong.append(f"the error's parts are {sorted(parts)}")
                if not parts.get("remedy"):
                    tried.wrong.append("no remedy")
                if not parts.get("where") and not parts.get("received"):
                    tried.wrong.append("neither where nor received")
    elif ran.code == 1 and ran.out and "predict" not in tried.command:
        tried.wrong.append("something on stdout although it failed")
    return tried


def try_case(case: Case, folder: Path, as_json: bool, in_process: bool) -> Tried:
    """One case by hand."""
    arguments = [str(argument) for argument in case.arguments] + (["--json"] if as_json else [])
    if case.fresh:
        for made in case.fresh:
            shutil.rmtree(folder / made, ignore_errors=True)
    if in_process and not case.variables:
        ran = in_this_process(arguments, folder, case.stdin)
    else:
        said = case.stdin.decode("ascii", "backslashreplace")
        ran = run([COMMAND, *arguments], cwd=folder, timeout=300, stdin=said, **case.variables)
    tried = Tried(case.group, case.name, " ".join(["pellucid", *arguments]), ran.code, message(ran))
    check(tried, ran, {case.code}, as_json)
    said = ran.err + ran.out
    tried.wrong += [f"it doesn't say {word!r}" for word in case.says if word.lower() not in said.lower()]
    tried.wrong += case.after(folder) if case.after else []
    return tried


def option_values(folder: Path, short: bool) -> Iterator[tuple[str, list[str], str, str]]:
    """(verb, the rest of a call that would do, option, nonsense) for every option that takes a value."""
    command = typer.main.get_command(app)
    rest = {
        "train": ["digits", "--network", "flatten, dense 10", "--epochs", "1", "--threads", "1"],
        "evaluate": ["model.onnx"],
        "predict": ["model.onnx", "digits/0"],
        "summary": ["lenet5"],
        "filter": [str(next((folder / "digits" / "1").glob("*.png")).relative_to(folder)), "sharpen"],
        "exercise": ["lenet5", "--count", "1"],
        "bench": ["--no-peers", "--rounds", "1"],
        "open": ["no-such-model.onnx", "--no-browser"],  # one that is there would be served until Ctrl-C
        "export": ["no-such-model.onnx", "page"],
        "explain": [
            "model.onnx",
            str(next((folder / "digits" / "0").glob("*.png")).relative_to(folder)),
            "--at",
            "dense1[3]",
        ],
    }
    for verb, sub in command.commands.items():  # type: ignore[attr-defined]
        for parameter in sub.params:
            if parameter.param_type_name != "option" or parameter.is_flag or parameter.name == "help":
                continue
            for value in NONSENSE[:: 3 if short else 1]:
                yield verb, rest[verb], parameter.opts[0], value
        for value in NONSENSE[:: 3 if short else 1]:  # and in the place of its first argument
            yield verb, rest[verb], "", value


def try_options(folder: Path, short: bool) -> list[Tried]:
    """Nonsense for every option."""
    rows = []
    for number, (verb, rest, option, value) in enumerate(option_values(folder / PLACE, short)):
        arguments, place = [verb, *rest, f"{option}={value}", "--json"], folder / PLACE
        if not option:
            arguments = [verb, "--json", *rest[1:], "--", value]
        if verb == "train" and option != "--out":
            arguments[1:1] = ["--out", f"nonsense/{number}"]
        if option == "--resume":  # where no other call made a run of that name
            arguments, place = [verb, f"{option}={value}", "--json"], folder / EMPTY_PLACE
        ran = in_this_process(arguments, place)
        tried = Tried(f"{verb} {option or 'argument'}", repr(value), f"pellucid {' '.join(arguments)}", ran.code,
                      message(ran) if ran.code else "accepted")  # fmt: skip
        codes = {0} if value in VALID.get((verb, option), set()) else {1, 2}
        if option == "--field":  # a folder of that name may stand there already
            codes |= {0, 1}
        if value == "٣":  # a digit, and 3 to those who write so: either is right
            codes |= {0, 1, 2}
        rows.append(check(tried, ran, codes, as_json=True))
    return rows


def try_settings(folder: Path, short: bool) -> list[Tried]:
    """Nonsense for every field of a settings file."""
    rows = []
    fields = [(name, False) for name in Settings.model_fields]
    fields += [(name, True) for name in AugmentationSettings.model_fields]
    base = {"data": "digits", "network": "flatten, dense 10", "epochs": 1, "threads": 1}
    for name, inner in fields:
        for value in IN_FILES[:: 4 if short else 1]:
            values = base | ({"augmentation": {name: value}} if inner else {name: value})
            (folder / PLACE / "settings.json").write_text(json.dumps(values))
            out = f"nonsense/{name}-{len(rows)}"
            ran = in_this_process(
                ["train", "--settings", "settings.json", "--out", out, "--json"], folder / PLACE
            )
            tried = Tried("settings file", f"{name}: {value!r}", f"--settings FILE with {name}: {value!r}",
                          ran.code, message(ran) if ran.code else "accepted")  # fmt: skip
            # JSON has no NaN: what Python writes and reads as such must be refused, not compared.
            valid = any(
                value == other and type(value) is type(other) for other in VALID_IN_FILES.get(name, [])
            )
            rows.append(check(tried, ran, {0} if valid else {1}, as_json=True))
    return rows


def try_flips(folder: Path, short: bool) -> tuple[Tried, int]:
    """The model with one byte changed, every 97th and all of the last 200 and first 100; each must be refused."""
    data = (folder / "model.onnx").read_bytes()
    places = {
        *range(0, len(data), FLIP_EVERY * (8 if short else 1)),
        *range(len(data) - 200, len(data)),
        *range(100),
    }
    opened = []
    for place in sorted(places):
        for change in (0xFF, 0x01):
            flipped = bytearray(data)
            flipped[place] ^= change
            try:
                ModelFile(bytes(flipped), "flipped.onnx")
                opened.append(place)
            except ModelError:
                pass
    tried = Tried(
        "model file", f"{2 * len(places):,} flipped bytes, opened from memory", "ModelFile(bytes)", 1, ""
    )
    if opened:
        tried.wrong.append(f"opened although changed at {opened[:10]}")
    (folder / "flipped.onnx").write_bytes(bytes(flipped))
    return tried, 2 * len(places)


def flips_by_command(folder: Path, every: int) -> list[Tried]:
    """Some of them through each verb."""
    data = (folder / "model.onnx").read_bytes()
    rows = []
    places = range(0, len(data), max(len(data) // every, 1))
    for i, place in enumerate(places):
        flipped = bytearray(data)
        flipped[place] ^= 0x10
        (folder / "flipped.onnx").write_bytes(bytes(flipped))
        calls = [["predict", "flipped.onnx", "digits/0"], ["evaluate", "flipped.onnx"], ["summary", "flipped.onnx"],
                 ["train", "digits", "--from", "flipped.onnx", "--epochs", "1", "--out", f"made{i}"]]  # fmt: skip
        for call in calls:
            ran = in_this_process([*call, "--json"], folder)
            tried = Tried("model file", f"byte {place:,} flipped, {call[0]}", f"pellucid {' '.join(call)} --json",
                          ran.code, message(ran))  # fmt: skip
            rows.append(check(tried, ran, {1}, as_json=True))
    return rows


def together(rows: Sequence[Tried]) -> list[tuple[tuple[str, int, str], str]]:
    """What was said, with the cases that it was said to: nonsense of one kind mostly gets one answer."""
    said: dict[tuple[str, int, str], list[str]] = {}
    for row in rows:
        lines = [line for line in row.message.splitlines() if not line.startswith("received: ")]
        alike = row.group.split(" ")[-1].startswith("-") or row.group == "settings file"
        key = (row.group, row.code, "\n".join(lines) if alike else row.message)
        said.setdefault(key, []).append(row.case)
    return [(key, ", ".join(dict.fromkeys(cases))) for key, cases in said.items()]


def main(argv: Sequence[str]) -> int:
    given: Options = options(argv, __doc__)
    rows: list[Tried] = []
    notes: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["PELLUCID_CACHE"] = str(folder / "cache")
        prepare(folder)
        trained = in_this_process(
            [
                "train",
                "digits",
                "--network",
                "flatten, dense 10",
                "--epochs",
                "2",
                "--threads",
                "1",
                "--out",
                "run",
            ],
            folder,
        )
        if trained.code:
            raise SystemExit(f"the model to harm could not be trained\n{trained.err}")
        shutil.copy(folder / "run" / "model.onnx", folder / "model.onnx")
        for place in (PLACE, EMPTY_PLACE):
            (folder / place).mkdir(parents=True)
        for item in ("digits", "model.onnx", "run"):
            (folder / PLACE / item).symlink_to(folder / item)
        cases = by_hand(folder)
        found, said = on_explorer(folder)
        cases += found
        notes += said
        if given.short:
            rows += [try_case(case, folder, as_json=True, in_process=True) for case in cases if not case.slow]
        else:
            for case in cases:
                rows += [try_case(case, folder, as_json, in_process=False) for as_json in (False, True)]
            for make in (on_full_disks, limited):
                found, said = make(folder)
                notes += said
                for case, ran in found:
                    tried = Tried(case.group, case.name, case.command, ran.code, message(ran))
                    check(tried, ran, {case.code}, as_json=False)
                    text = ran.err.lower()
                    tried.wrong += [
                        f"it doesn't say {word!r}" for word in case.says if word.lower() not in text
                    ]
                    rows.append(tried)
        rows += try_options(folder, given.short)
        rows += try_settings(folder, given.short)
        flips, count = try_flips(folder, given.short)
        rows.append(flips)
        rows += flips_by_command(folder, 2 if given.short else 25)
    wrong = [
        f"{row.group}: {row.case}: {', '.join(row.wrong)} (`{row.command:.200}`)" for row in rows if row.wrong
    ]
    refused = sum(row.code != 0 for row in rows)
    body = (
        f"{len(rows):,} calls, {refused:,} of them refused and the rest accepted as they should be, "
        f"and a model file with a byte changed in {count:,} ways.\n\n"
    )
    body += "".join(f"Not tried here: {note}.\n\n" for note in notes)

    def shown(text: str) -> str:
        """Without the temporary folder's name, and not longer than anybody reads."""
        text = text.replace(str(folder), "…")
        return text if len(text) <= LONGEST else f"{text[: LONGEST - 30]} … {text[-20:]}"

    body += table(
        ["what", "case", "status:", "what it said"],
        [
            (group, shown(cases), code, shown(said))
            for (group, code, said), cases in together(rows if given.out else [r for r in rows if r.wrong])
        ],
    )
    figures = {
        "n": len(rows), "seed": 0, "flips": count, "notes": notes,
        "calls": [{"group": row.group, "case": shown(row.case), "command": shown(row.command), "code": row.code,
                   "message": shown(row.message), "wrong": row.wrong} for row in rows],
    }  # fmt: skip
    return conclude("bad_input", "Bad input", given, figures, body, [shown(line) for line in wrong])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
