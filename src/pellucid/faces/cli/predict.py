"""`pellucid predict`."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pellucid.errors import DataError, PellucidError
from pellucid.faces.cli import output
from pellucid.faces.cli.pixels import parse_pixels
from pellucid.faces.cli.wishes import open_model
from pellucid.images.formats import KINDS
from pellucid.images.reading import MAX_PIXELS, is_picture_name, read_picture
from pellucid.images.sources import counted
from pellucid.model import Prediction, Wishes
from pellucid.storage import shown


def predict_command(
    model_name: str,
    names: list[str],
    top: int,
    threshold: float,
    max_pixels: str | None,
    as_csv: bool,
    as_json: bool,
    wishes: Wishes,
) -> None:
    """One line a picture, as they come; a bad one is an error line and the rest go on."""
    pixels = MAX_PIXELS if max_pixels is None else parse_pixels(max_pixels)
    model = open_model(model_name, wishes)
    given = names
    write = _csv_line if as_csv else _json_line if as_json else _text_line
    width = 0
    if (
        write is _text_line and "-" not in names
    ):  # names on stdin are not waited for: their columns may not line up
        names = list(picture_paths(names))
        width = max((len(shown(name)) for name in names), default=0)
    if as_csv:
        csv.writer(sys.stdout, lineterminator="\n").writerow(["path", "label", "probability", "error"])
    good = bad = 0
    paths: list[str] = []
    for answer in model.predict_each(_pictures(picture_paths(names), paths, pixels)):
        path = paths[good + bad]
        good, bad = (good + 1, bad) if isinstance(answer, Prediction) else (good, bad + 1)
        write(path, answer, top, threshold, width)
    if bad and not as_json:
        print(f"{bad:,} of {good + bad:,} could not be read", file=sys.stderr)
    if not good:
        raise DataError(
            "No picture could be read" if bad else "There are no pictures here",
            where=", ".join(shown(name) or "''" for name in given[:3]), received=counted(bad, "path"),
            remedy=f"give {KINDS} files, or folders that hold some",
        )  # fmt: skip


def picture_paths(names: Iterable[str]) -> Iterator[str]:
    """Files as they are; a folder's pictures, sorted, all levels down; for `-` the names on stdin, one a line."""
    for name in names:
        if name == "-":
            for line in sys.stdin.buffer:
                if line.strip():
                    yield from picture_paths([os.fsdecode(line.rstrip(b"\r\n"))])
        elif _is_folder(name):
            for folder, folders, files in os.walk(name):
                folders[:] = sorted(sub for sub in folders if not sub.startswith("."))
                yield from (str(Path(folder, file)) for file in sorted(files) if is_picture_name(file))
        else:
            yield name


def _is_folder(name: str) -> bool:
    try:
        return Path(name).is_dir()
    except OSError:  # a name too long, say: reading it will tell
        return False


def _pictures(names: Iterable[str], seen: list[str], max_pixels: int) -> Iterator[Any]:
    """Each path's pixels, or the error of reading it; `seen` collects the paths in step."""
    for name in names:
        seen.append(name)
        try:
            yield read_picture(name, max_pixels=max_pixels)
        except PellucidError as error:
            yield error


def _json_line(path: str, answer: Prediction | PellucidError, top: int, threshold: float, width: int) -> None:
    if isinstance(answer, PellucidError):
        output.print_json({"path": path, "error": answer.what})
        return
    best = [{"label": label, "probability": probability} for label, probability in answer.top(top)]
    label = answer.label if answer.probability >= threshold else None
    output.print_json({"path": path, "label": label, "probability": answer.probability, "top": best})


def _csv_line(path: str, answer: Prediction | PellucidError, top: int, threshold: float, width: int) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    if isinstance(answer, PellucidError):
        row = [path, "", "", answer.what]
    else:
        row = [path, answer.label if answer.probability >= threshold else "", f"{answer.probability:.6f}", ""]
    writer.writerow([cell.encode("utf-8", "backslashreplace").decode() for cell in row])


def _text_line(path: str, answer: Prediction | PellucidError, top: int, threshold: float, width: int) -> None:
    name = shown(path)
    if isinstance(answer, PellucidError):
        print(f"{name}: {output.upper(answer.what)}", file=sys.stderr)
        return
    label = shown(answer.label) if answer.probability >= threshold else "-"
    others = "   ".join(f"{shown(other)} {output.percent(p, 1)}" for other, p in answer.top(top)[1:])
    share = output.percent(answer.probability, 1)
    print(f"{name:<{width or 32}}  {label:<12} {share:>6}" + (f"     then {others}" if others else ""))
