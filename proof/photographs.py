"""Proof 4: a folder of real pictures trains, is evaluated and predicts, with nothing but defaults.

Two data sets, written as a mix of PNG and JPEG into train/ and test/ with class folders:
- grey: the face / no-face set of scikit-image (200 pictures of 25 x 25 from Labeled Faces in the Wild): is it a face?
- colour: patches of the photographs that come with scikit-image and scikit-learn: which subject is it from? Where a
  subject has several photographs, one of them is for testing alone; where it has one, columns of it are, and no patch
  for training shares a pixel with one for testing (nor do any two patches at all).

    python proof/photographs.py            writes proof/results/photographs.json and .md
    python proof/photographs.py --short    fewer patches and epochs
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from _record import COMMAND, Options, conclude, options, run, table
from PIL import Image

SEED = 0
CELL = 40  # a patch lies within its own cell of so many pixels
SMALLEST = 28
PER_SUBJECT = 240  # at most, so that the one huge photograph doesn't outweigh the others
# Subjects with their photographs; the last of several is for testing.
SUBJECTS = {
    "astronaut": ["skimage:astronaut.png"], "cat": ["skimage:chelsea.png"], "coffee": ["skimage:coffee.png"],
    "flower": ["sklearn:flower.jpg"], "galaxies": ["skimage:hubble_deep_field.jpg"], "palace": ["sklearn:china.jpg"],
    "motorcycle": ["skimage:motorcycle_left.png", "skimage:motorcycle_right.png"],
    "retina": ["skimage:retina.jpg"], "rocket": ["skimage:rocket.jpg"], "tissue": ["skimage:ihc.png"],
}  # fmt: skip


def photograph(name: str) -> np.ndarray | None:
    """A photograph that came with its package, uint8 [h, w, 3]; None where this version ships without it."""
    import skimage
    import sklearn

    package, file = name.split(":")
    folder = Path(skimage.__file__).parent / "data"
    if package == "sklearn":
        folder = Path(sklearn.__file__).parent / "datasets" / "images"
    path = folder / file
    return np.asarray(Image.open(path).convert("RGB")) if path.is_file() else None


def patches(pixels: np.ndarray, rng: np.random.Generator) -> Iterator[tuple[int, np.ndarray]]:
    """(column of its cell, patch) for one patch of random size and place within each cell."""
    height, width = pixels.shape[:2]
    for row in range(height // CELL):
        for column in range(width // CELL):
            sides = rng.integers(SMALLEST, CELL + 1, 2)
            top, left = (int(rng.integers(0, CELL - side + 1)) for side in sides)
            y, x = row * CELL + top, column * CELL + left
            yield column, pixels[y : y + sides[0], x : x + sides[1]]


def write(pixels: np.ndarray, folder: Path, number: int) -> None:
    """A picture as PNG or JPEG, by turns."""
    folder.mkdir(parents=True, exist_ok=True)
    if number % 2:
        Image.fromarray(pixels).save(folder / f"{number}.jpg", quality=92)
    else:
        Image.fromarray(pixels).save(folder / f"{number}.png")


def colour_set(folder: Path, most: int) -> dict[str, list[str]]:
    """Write the patches; for each subject, the photographs that it came from."""
    rng = np.random.default_rng(SEED)
    used = {}
    for subject, names in SUBJECTS.items():
        pictures = {name: pixels for name in names if (pixels := photograph(name)) is not None}
        several = len(pictures) > 1
        for name, pixels in pictures.items():
            last = several and name == names[-1]
            found = list(patches(pixels, rng))
            quarters = 4 if not several else 1 if last else 3
            for number in sorted(rng.permutation(len(found))[: most * quarters // 4]):
                column, patch = found[number]
                for_test = last if several else column % 4 == 3
                write(patch, folder / ("test" if for_test else "train") / subject, number)
        if pictures:
            used[subject] = list(pictures)
    return used


def grey_set(folder: Path) -> None:
    """The first 100 are faces, the rest not; the last 30 of each are for testing."""
    from skimage.data import lfw_subset

    for number, picture in enumerate(lfw_subset()):
        name = "face" if number < 100 else "no-face"
        part = "test" if number % 100 >= 70 else "train"
        write((picture * 255).round().astype(np.uint8), folder / part / name, number)


def pellucid(*arguments: str | Path, cwd: Path) -> tuple[float, str, str]:
    """(seconds, stdout, stderr) of a command that has to succeed."""
    ran = run([COMMAND, *arguments], cwd=cwd)
    if ran.code:
        raise SystemExit(f"pellucid {' '.join(map(str, arguments))}: exit status {ran.code}\n{ran.err}")
    return ran.seconds, ran.out, ran.err


def prove(
    name: str, data: Path, classes: list[str], least: float, extra: Sequence[str], short: bool, cwd: Path
) -> dict:
    """Train, evaluate and predict one set; what came out, and under `wrong` what should not have."""
    wrong = []
    pictures = {part: sorted((data / part).rglob("*.*")) for part in ("train", "test")}
    seconds, out, err = pellucid("train", data.name, "--json", *extra, cwd=cwd)
    trained = json.loads(out)
    model = cwd / trained["model"]
    shown = next(line for line in err.splitlines() if line.startswith("classes "))
    if shown != "classes " + " ".join(classes):
        wrong.append(f"{name}: the class order printed is {shown!r}")
    for file in ("model.onnx", "history.jsonl", "settings.json", "split.csv"):
        if not (model.parent / file).is_file():
            wrong.append(f"{name}: the run has no {file}")
    _, out, err = pellucid("evaluate", model, "--json", cwd=cwd)
    own = json.loads(out)
    on_folder = own  # short: one look is enough
    if not short:
        on_folder = json.loads(pellucid("evaluate", model, data / "test", "--json", cwd=cwd)[1])
    if own["classes"] != classes:
        wrong.append(f"{name}: the model's classes are {own['classes']}")
    for what, document in (("its test part", own), ("the test folder", on_folder)):
        if document["confusion"] != own["confusion"] or document["count"] != len(pictures["test"]):
            wrong.append(f"{name}: evaluating {what} counts {document['count']} of {len(pictures['test'])}")
    if trained["test"]["accuracy"] != own["accuracy"]:
        wrong.append(f"{name}: train says {trained['test']['accuracy']}, evaluate {own['accuracy']}")
    files = pictures["test"][:: max(len(pictures["test"]) // 5, 1)][:5]
    of_files = "" if short else pellucid("predict", model, *files, "--json", cwd=cwd)[1]
    _, of_folder, _ = pellucid("predict", model, data / "test", "--json", cwd=cwd)
    answers = {line["path"]: line for line in map(json.loads, of_folder.splitlines())}
    if set(answers) != {str(path) for path in pictures["test"]}:
        wrong.append(
            f"{name}: predicting the folder answers {len(answers)} of {len(pictures['test'])} pictures"
        )
    for line in map(json.loads, of_files.splitlines()):
        if line["label"] != answers[line["path"]]["label"]:
            wrong.append(f"{name}: {line['path']} alone is {line['label']}, in its folder something else")
    right = sum(line["label"] == Path(path).parent.name for path, line in answers.items())
    if right != round(own["accuracy"] * own["count"]):
        wrong.append(f"{name}: predict is right {right} times, evaluate says {own['accuracy']:.2%}")
    if own["accuracy"] < least:
        wrong.append(f"{name}: {own['accuracy']:.2%}, at least {least:.0%} expected")
    return {
        "set": name,
        "classes": classes,
        "train": len(pictures["train"]),
        "test": own["count"],
        "chance": max(row["support"] for row in own["per_class"]) / own["count"],
        "accuracy": own["accuracy"],
        "interval": own["interval"],
        "per_class": own["per_class"],
        "seconds": round(seconds, 1),
        "wrong": wrong,
    }


def main(argv: Sequence[str]) -> int:
    given: Options = options(argv, __doc__)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        grey_set(folder / "faces")
        used = colour_set(folder / "subjects", 16 if given.short else PER_SUBJECT)
        extra = ["--epochs", "10", "--threads", "1"] if given.short else []
        least = 0.3 if given.short else 0.8
        sets = [
            ("faces (grey)", "faces", ["face", "no-face"], 0.8),
            ("subjects (colour)", "subjects", sorted(used), least),
        ]
        rows = [
            prove(name, folder / data, classes, least, extra, given.short, folder)
            for name, data, classes, least in sets
        ]
    wrong = [line for row in rows for line in row.pop("wrong")]
    body = table(
        ["set", "classes:", "train:", "test:", "chance:", "test accuracy:", "95% interval:", "seconds:"],
        [
            (
                row["set"], len(row["classes"]), f"{row['train']:,}", f"{row['test']:,}", f"{row['chance']:.1%}",
                f"{row['accuracy']:.1%}", f"{row['interval'][0]:.1%} – {row['interval'][1]:.1%}",
                f"{row['seconds']:.0f}",
            )
            for row in rows
        ],
    )  # fmt: skip
    body += "\n\n`chance`: the share of the commonest class. Recall by class:\n\n"
    body += table(
        ["class", "photographs", "test pictures:", "recall:"],
        [
            (figures["class"], ", ".join(used.get(figures["class"], ["lfw_subset"])), figures["support"],
             "-" if figures["recall"] is None else f"{figures['recall']:.1%}")
            for row in rows for figures in row["per_class"]
        ],
    )  # fmt: skip
    record = {"seed": SEED, "n": sum(row["test"] for row in rows), "sets": rows, "photographs": used}
    return conclude("photographs", "Folders of real pictures", given, record, body, wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
