"""Proof 11: a messy folder of pictures gives the documented result each time, through the command line.

    python proof/messy_folder.py [--short]

A folder is made for each case, `pellucid train` is run on it, and what it says is held against what is written here.
The short form makes 300 classes instead of 3,000.
"""

from __future__ import annotations

import csv
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from _record import Ran, conclude, options, run, table
from PIL import Image
from skimage import data

PELLUCID = (sys.executable, "-m", "pellucid")
SMALL = (
    "--network",
    "flatten, dense {classes}",
    "--size",
    "8",
    "--epochs",
    "1",
    "--threads",
    "1",
    "--out",
    "run",
)
# Root may read everything: give that right up, and become the command.
WITHOUT_RIGHTS = """
import ctypes, os, sys
for right in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
    if ctypes.CDLL(None, use_errno=True).prctl(24, right, 0, 0, 0):
        sys.exit("can't give up a right: " + os.strerror(ctypes.get_errno()))
os.execv(sys.argv[1], sys.argv[1:])
"""


@dataclass(frozen=True)
class Case:
    """What is in the folder, what is documented of it, and words for that (in `says`) or against it (`never`)."""

    name: str
    documented: str
    make: Callable[[Path], None]
    says: Sequence[str] = ()
    never: Sequence[str] = ()
    classes: int = 2
    code: int = 0
    options: Sequence[str] = ()
    parts: dict[str, str] = field(default_factory=dict)
    with_permissions: bool = False


def picture(path: Path, number: int = 0, kind: str = "PNG") -> Path:
    """A patch of a photograph, another one for each number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    top, left = 3 * number % 400, 11 * number % 397
    Image.fromarray(data.astronaut()[top : top + 16, left : left + 16]).save(path, kind)
    return path


def two_classes(folder: Path) -> None:
    """Seven pictures of each of `a` and `b`."""
    for number in range(14):
        picture(folder / "ab"[number % 2] / f"{number}.png", number)


def hidden(folder: Path) -> None:
    two_classes(folder)
    for name in (".hidden/1.png", ".ipynb_checkpoints/1.png", "__MACOSX/a/1.png", "a/.1.png",
                 "a/.ipynb_checkpoints/1.png"):  # fmt: skip
        picture(folder / name, 50)
    for name in ("a/Thumbs.db", "a/desktop.ini", "b/.DS_Store", "Thumbs.db"):
        (folder / name).write_bytes(b"x")


def wrong_endings(folder: Path) -> None:
    two_classes(folder)
    picture(folder / "a" / "really png.jpg", 60, "PNG")
    picture(folder / "a" / "really webp.png", 61, "WEBP")
    picture(folder / "b" / "a jpeg.txt", 62, "JPEG")


def no_pictures(folder: Path) -> None:
    two_classes(folder)
    (folder / "a" / "a.jpg").write_text("a text")
    picture(folder / "b" / "a.jpg" / "inside.png", 63)


def links(folder: Path) -> None:
    two_classes(folder)
    (folder / "a" / "self.png").symlink_to("self.png")
    (folder / "a" / "up").symlink_to("..")
    (folder / "b" / "again").symlink_to(".")
    (folder / "b" / "gone.png").symlink_to("nowhere.png")


def unreadable(folder: Path) -> None:
    two_classes(folder)
    picture(folder / "a" / "secret.png", 64).chmod(0)


def odd_names(folder: Path) -> None:
    two_classes(folder)
    for number, name in enumerate(
        (b"latin \xe9.png", b"two\nlines.png", b"comma, \"quote\" and 'apostrophe'.png")
    ):
        with open(os.fsencode(folder / "a") + b"/" + name, "wb") as file:  # noqa: PTH123
            file.write(picture(folder / "b" / "0.png", 70 + number).read_bytes())
    (folder / "b" / "0.png").unlink()


def odd_classes(folder: Path) -> None:
    for number, name in enumerate((b"caf\xe9", b"two\nlines", b'a, "b"', b"<b>[red]")):
        for copy in range(4):
            made = picture(folder / "x.png", 4 * number + copy)
            os.makedirs(os.fsencode(folder) + b"/" + name, exist_ok=True)  # noqa: PTH103
            os.rename(made, os.fsencode(folder) + b"/" + name + b"/%d.png" % copy)  # noqa: PTH104


def many_classes(count: int) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        for number in range(3 * count):
            (folder / str(number % count)).mkdir(parents=True, exist_ok=True)
            pixels = np.random.default_rng(number).integers(0, 256, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / str(number % count) / f"{number}.png")

    return make


def duplicates(folder: Path) -> None:
    for number in range(12):
        for part in ("train", "val", "test"):
            place = {"train": 0, "val": 100, "test": 200}[part] + number
            picture(folder / part / "ab"[number % 2] / f"{number}.png", place)
    shutil.copy(folder / "test" / "a" / "0.png", folder / "train" / "a" / "same as test.png")
    picture(folder / "val" / "b" / "same as test.png", 201)


def cases(many: int) -> list[Case]:
    return [
        Case("hidden files, .ipynb_checkpoints, __MACOSX, Thumbs.db, desktop.ini", "left out without a word", hidden,
             ["14 pictures", "2 classes"], ["left out", "checkpoint", "thumbs", "macosx"]),
        Case("an empty class", "listed and left out", lambda folder: (two_classes(folder), (folder / "c").mkdir())[0],
             ["left out c: a class folder without pictures", "2 classes"]),
        Case("one picture in a class", "it is for train; the class is named as lacking elsewhere",
             lambda folder: (two_classes(folder), picture(folder / "c" / "1.png", 40))[0],
             ["3 classes", "too few different ones: c"], classes=3, parts={"c/1.png": "train"}),
        Case("numbers as class names", "in the order of numbers",
             lambda folder: [picture(folder / name / f"{i}.png", 5 * i + int(name)) for name in ("10", "9", "2", "1")
                             for i in range(3)] and None, ["classes 1 2 9 10"], classes=4),
        Case("wrong endings", "a picture is known by its content; a name that is no picture's is listed and left out",
             wrong_endings, ["16 pictures", "left out b/a jpeg.txt: not a picture by its name"],
             ["really"], parts={"a/really png.jpg": "", "a/really webp.png": ""}),
        Case("a text called a.jpg, a directory called a.jpg", "the text is listed and left out, the directory entered",
             no_pictures, ["15 pictures", "left out a/a.jpg: not a jpeg, png, webp"],
             parts={"a/a.jpg": "unreadable", "b/a.jpg/inside.png": ""}),
        Case("links in a loop, or to nowhere", "listed and left out; no picture counts twice", links,
             ["14 pictures", "a/self.png: a link that leads nowhere", "a/up: a link to a folder that is read already",
              "b/again: a link to a folder that is read already", "b/gone.png: a link that leads nowhere"]),
        Case("a file without permission", "listed and left out", unreadable,
             ["14 pictures", "left out a/secret.png: no permission to read this file"], with_permissions=True),
        Case("file names that are no UTF-8, have a line end, commas and quotes", "read, and written as they are",
             odd_names, ["17 pictures"], ["left out"],
             parts={"a/latin \udce9.png": "", "a/two\nlines.png": "", "a/comma, \"quote\" and 'apostrophe'.png": ""}),
        Case("class names like that", "read, and shown on one line with such letters escaped", odd_classes,
             ["4 classes", 'a, "b"', "caf\\xe9", "two\\nlines", "<b>[red]"], ["left out"], classes=4),
        Case(f"{many:,} classes", "trained on as any", many_classes(many), [f"{many:,} classes"], classes=many),
        Case("a picture in two splits", "stays in the later one and is left out of the other, and told", duplicates,
             ["1 picture of train stands in another part", "1 picture of validation stands in another part"],
             parts={"train/a/same as test.png": "dropped", "val/b/same as test.png": "dropped",
                    "test/a/0.png": "test", "test/b/1.png": "test"}),
        Case("--strict, and an empty class", "refused before training", code=1, options=["--strict"],
             make=lambda folder: (two_classes(folder), (folder / "c").mkdir())[0],
             says=["1 file would be left out", "c: a class folder without pictures", "leave out --strict"]),
    ]  # fmt: skip


def try_case(case: Case, folder: Path) -> tuple[Ran, list[str]]:
    """Train on the folder, and what is wrong with the answer."""
    pictures = folder / "pictures"
    pictures.mkdir(parents=True)
    case.make(pictures)
    arguments = [option.replace("{classes}", str(case.classes)) for option in SMALL]
    command = [*PELLUCID, "train", "pictures", *arguments, *case.options]
    if case.with_permissions and os.getuid() == 0:
        command = [sys.executable, "-c", WITHOUT_RIGHTS, *command]
    ran = run(command, cwd=folder, timeout=900, PELLUCID_CACHE=str(folder / "cache"), HOME=str(folder))
    said = (ran.err + ran.out).lower()
    wrong = [f"exit status {ran.code}: {ran.err[-300:]}"] if ran.code != case.code else []
    wrong += [f"it doesn't say {word!r}" for word in case.says if word.lower() not in said]
    wrong += [f"it says {word!r}" for word in case.never if word.lower() in said]
    wrong += ["a traceback"] if "traceback" in said else []
    if case.parts and not ran.code:
        with (folder / "run" / "split.csv").open(
            encoding="utf-8", errors="surrogateescape", newline=""
        ) as file:
            parts = {row["path"]: row["part"] for row in csv.DictReader(file)}
        for path, part in case.parts.items():
            found = parts.get(path, "nowhere")
            if found != part if part else found not in ("train", "validation", "test"):
                wrong.append(f"{path!r} is in {found}")
    return ran, wrong


def main(argv: Sequence[str]) -> int:
    given = options(argv, __doc__)
    wrong: list[str] = []
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for number, case in enumerate(cases(300 if given.short else 3000)):
            ran, found = try_case(case, Path(name) / str(number))
            wrong += [f"{case.name}: {line}" for line in found]
            rows.append((case.name, case.documented, ran.code, "no" if found else "yes"))
    body = table(["in the folder", "documented", "status:", "so it is"], rows)
    return conclude(
        "messy_folder", "Messy folders", given, {"n": len(rows), "seed": 0, "cases": rows}, body, wrong
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
