"""Proof 5: training engine, `Model.predict` and bare onnxruntime give the same answers on pictures of any size.

1,000 pictures from 1 x 1 to 2,000 pixels a side, extreme proportions among them, grey and colour, PNG and JPEG, a
third with an EXIF orientation. Six models: stretch, pad and crop, each for grey and for colour. The engine gets the
pixels that training's own cache holds; `Model.predict` the file's path; onnxruntime, opened plainly on model.onnx,
the raw pixels as Pillow alone decodes and turns them. Every picture must get the same class from all three, and no
probability may differ by more than 1e-4.

    python proof/agreement.py            writes proof/results/agreement.json and .md
    python proof/agreement.py --short    48 pictures of at most 300 pixels a side, two models
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
import onnxruntime
from _record import Options, conclude, options, table
from PIL import Image, ImageOps

import pellucid
from pellucid.engines.contract import Recipe
from pellucid.engines.torch import open_trainer
from pellucid.images import open_source
from pellucid.training.data import load_data
from pellucid.training.settings import make_settings

SEED = 0
TOLERANCE = 1e-4
ORIENTATION = 0x0112  # of EXIF
# Narrow enough to be quick, deep enough to have every operation of a usual network.
NETWORK = (
    "conv 8 3x3 pad 1 nobias, batchnorm, relu, maxpool 2, conv 16 3x3 pad 1, maxpool 2, relu, flatten, "
    "dense 32, relu, dense 3"
)


def scene(rng: np.random.Generator, height: int, width: int, channels: int, kind: int) -> np.ndarray:
    """A picture with some order in it: `kind` 0 is spots, 1 stripes, 2 noise. uint8 [height, width, channels]."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    waves = rng.uniform(1, 8, (2, channels)).astype(np.float32)
    turn = rng.uniform(0, 6.28, channels).astype(np.float32)
    down, across = y[..., None] / height * waves[0], x[..., None] / width * waves[1]
    match kind:
        case 0:
            values = np.sin(6.28 * down + turn) * np.cos(6.28 * across)
        case 1:
            values = np.sign(np.sin(6.28 * (down + across) + turn))
        case _:
            values = rng.standard_normal((height, width, channels), np.float32) / 2
    return np.clip(128 + 110 * values, 0, 255).astype(np.uint8)


def size(rng: np.random.Generator, number: int, largest: int) -> tuple[int, int]:
    """Height and width: the corners first, then sides spread evenly over the magnitudes, some ends of the scale."""
    corners = [(1, 1), (1, largest), (largest, 1), (largest, largest), (2, largest // 2), (3, 5), (1, 2)]
    if number < len(corners):
        return corners[number]
    height, width = (round(float(np.exp(rng.uniform(0, np.log(largest))))) for _ in range(2))
    return max(height, 1), max(width, 1)


def write_pictures(folder: Path, count: int, largest: int) -> None:
    """Pictures of three classes in folder/CLASS/."""
    for number in range(count):
        rng = np.random.default_rng([SEED, number])
        height, width = size(rng, number, largest)
        kind, channels = number % 3, 1 if rng.random() < 0.4 else 3
        pixels = scene(rng, height, width, channels, kind)
        picture = Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
        path = folder / ("spots", "stripes", "noise")[kind] / f"{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        exif = Image.Exif()
        if rng.random() < 1 / 3:
            exif[ORIENTATION] = int(rng.integers(1, 9))
        if rng.random() < 0.5:
            picture.save(path.with_suffix(".png"), exif=exif)
        else:
            picture.save(path.with_suffix(".jpg"), exif=exif, quality=int(rng.integers(40, 96)))


def decoded(path: str) -> np.ndarray:
    """Raw pixels as Pillow alone gives them, uint8 [height, width, 1 or 3]."""
    with Image.open(path) as picture:
        pixels = np.asarray(ImageOps.exif_transpose(picture))
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


def train(folder: Path, data: Path, fit: str, channels: int, epochs: int) -> pellucid.Model:
    return pellucid.train(
        data, NETWORK, out=folder / f"{fit}-{channels}", fit=fit, channels=channels, height=24, width=20,
        epochs=epochs, threads=1, watch=lambda event: None,
    )  # fmt: skip


def by_engine(model: pellucid.Model, data: Path) -> tuple[np.ndarray, list[str]]:
    """Probabilities from the training engine on the cache's pixels, and the pictures' paths in the same order."""
    card = model.card
    settings = make_settings(
        {
            "data": str(data), "fit": card.preprocessing.fit, "channels": card.preprocessing.channels,
            "height": card.preprocessing.height, "width": card.preprocessing.width,
        }
    )  # fmt: skip
    source = open_source(str(data))
    loaded = load_data(settings, source, None)
    trainer = open_trainer(
        model.network,
        loaded.cache.pixels,
        np.asarray(source.labels, np.int64),
        np.array(card.preprocessing.scale, np.float32),
        np.array(card.preprocessing.shift, np.float32),
        Recipe(threads=1),
    )
    logits = trainer.logits(np.arange(len(source)), averaged=False).astype(np.float64)
    scaled = logits / card.temperature
    shares = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True), [source.file(i) for i in range(len(source))]


def compare(model: pellucid.Model, data: Path) -> dict:
    """The three answers of one model on all pictures, held against each other."""
    engine, paths = by_engine(model, data)
    session = onnxruntime.InferenceSession(model.where, providers=["CPUExecutionProvider"])
    plain = np.concatenate(
        [session.run(["probabilities"], {"image": decoded(path)[None]})[0] for path in paths]
    )
    predicted = np.stack([answer.probabilities for answer in model.predict(paths)])
    pairs = {"engine / predict": (engine, predicted), "engine / onnxruntime": (engine, plain),
             "predict / onnxruntime": (predicted, plain)}  # fmt: skip
    worst = {}
    for pair, (one, other) in pairs.items():
        difference = np.abs(one - other).max(axis=1)
        place = int(difference.argmax())
        worst[pair] = {
            "difference": float(difference[place]),
            "picture": str(Path(paths[place]).relative_to(data)),
            "other_classes": int((one.argmax(axis=1) != other.argmax(axis=1)).sum()),
        }
    answers = np.bincount(predicted.argmax(axis=1), minlength=3).tolist()
    return {"pictures": len(paths), "answers": answers, "worst": worst}


def main(argv: Sequence[str]) -> int:
    given: Options = options(argv, __doc__)
    count, largest = (48, 300) if given.short else (1000, 2000)
    models = [("pad", 1), ("crop", 3)] if given.short else list(product(("stretch", "pad", "crop"), (1, 3)))
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_pictures(folder / "pictures", count, largest)
        for fit, channels in models:
            model = train(folder, folder / "pictures", fit, channels, 3 if given.short else 5)
            accuracy = model.card.figures.validation_accuracy
            rows.append({"fit": fit, "channels": channels, "validation_accuracy": accuracy}
                        | compare(model, folder / "pictures"))  # fmt: skip
    wrong = []
    for row in rows:
        for pair, worst in row["worst"].items():
            said = f"{row['fit']}, {row['channels']} channels, {pair}"
            if worst["other_classes"]:
                wrong.append(f"{said}: another class on {worst['other_classes']} pictures")
            if worst["difference"] > TOLERANCE:
                wrong.append(f"{said}: {worst['difference']:.2g} apart on {worst['picture']}")
        if row["pictures"] != count:
            wrong.append(f"{row['fit']}: {row['pictures']} pictures instead of {count}")
        if sum(answers > 0 for answers in row["answers"]) < 2:
            wrong.append(f"{row['fit']}: the model answers the same to everything, so agreeing means nothing")
    pairs = list(rows[0]["worst"])
    body = table(
        ["fit", "network", "pictures:", "answers by class:", *(f"{pair}, worst:" for pair in pairs), "other class:"],
        [
            (
                row["fit"], "grey" if row["channels"] == 1 else "colour", f"{row['pictures']:,}",
                " / ".join(f"{n:,}" for n in row["answers"]),
                *(f"{row['worst'][pair]['difference']:.1e}" for pair in pairs),
                sum(worst["other_classes"] for worst in row["worst"].values()),
            )
            for row in rows
        ],
    )  # fmt: skip
    worst = max(worst["difference"] for row in rows for worst in row["worst"].values())
    body += (
        f"\n\nWorst difference of a probability: **{worst:.1e}** (at most {TOLERANCE:g}). "
        f"{count:,} pictures, 1 x 1 to {largest:,} x {largest:,} pixels, seed {SEED}."
    )
    figures = {"seed": SEED, "n": count, "worst": worst, "models": rows}
    return conclude(
        "agreement", "Training engine, `Model.predict` and bare onnxruntime", given, figures, body, wrong
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
