"""Proof 15: 200,000 pictures of 64x64 train with at most 2 GB of anonymous memory.

Makes 200,000 different JPEGs out of real photographs (scikit-image's and scikit-learn's own: patches turned to 64x64,
ten classes by photograph), trains the default network on them for one epoch through the command line, and reads the
process's RssAnon from /proc 50 times a second. The pictures are 2.5 GB of pixels, so they can't lie in memory. The same
pictures as one uncompressed .npz follow. Linux only.

    python proof/large_set.py            writes proof/results/large_set.json and .md; about ten minutes, 5 GB of disk
    python proof/large_set.py --short    3,000 pictures, nothing is held to a limit
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from _record import COMMAND, conclude, options, table
from PIL import Image

SIDE, CLASSES = 64, 10
COUNT, SHORT = 200_000, 3_000
MOST = 2_000_000_000


def main(argv: Sequence[str]) -> int:
    given = options(argv, __doc__)
    count = SHORT if given.short else COUNT
    if not Path("/proc/self/status").exists():
        print("skipped: there is no /proc here to read a process's anonymous memory from")
        return 0
    rows, wrong = [], []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        pixels, labels = patches(count, place / "pixels.npy")
        write_files(pixels, labels, place / "photos")
        np.savez(place / "photos.npz", x=pixels, y=labels)
        for data in ("photos", "photos.npz"):
            row = watch(place, data, short=given.short)
            rows.append(row)
            if row["code"]:
                wrong.append(f"{data}: exit {row['code']}: {row['said']}")
            elif row["pictures"] < count * 0.99:
                wrong.append(f"{data}: only {row['pictures']:,} of {count:,} pictures were used")
            elif not given.short and row["peak"] > MOST:
                wrong.append(f"{data}: {row['peak'] / 1e9:.2f} GB of anonymous memory, at most 2 wanted")
    text = (
        f"{count:,} pictures of {SIDE}x{SIDE}x3 ({count * SIDE * SIDE * 3 / 1e9:.2f} GB of pixels), {CLASSES} classes, "
        "default network, 1 epoch, seed 0; the picture cache is empty at the start.\n\n"
    ) + table(
        ["data", "pictures:", "peak RssAnon, GB:", "with files mapped (VmHWM), GB:", "seconds:", "test accuracy:"],
        [
            (row["data"], f"{row['pictures']:,}", f"{row['peak'] / 1e9:.2f}", f"{row['resident'] / 1e9:.2f}",
             f"{row['seconds']:.0f}", f"{row['accuracy']:.2%}" if row["accuracy"] is not None else "-")
            for row in rows
        ],
    )  # fmt: skip
    figures = {"n": count, "seed": 0, "most_bytes": MOST, "runs": rows}
    return conclude("large_set", "200,000 pictures in little memory", given, figures, text, wrong)


def patches(count: int, file: Path) -> tuple[np.ndarray, np.ndarray]:
    """uint8 [count, 64, 64, 3] in a mapped file, and labels: patches of ten photographs, of 64 to 160 pixels."""
    from skimage import data
    from sklearn.datasets import load_sample_image

    grey = [data.camera(), data.coins(), data.moon(), data.text()]
    photographs = [data.astronaut(), data.chelsea(), data.coffee(), data.rocket()]
    photographs += [load_sample_image("china.jpg"), load_sample_image("flower.jpg")]
    photographs += [np.repeat(picture[:, :, None], 3, axis=2) for picture in grey]
    draw = np.random.default_rng(0)
    pixels = np.lib.format.open_memmap(file, mode="w+", dtype=np.uint8, shape=(count, SIDE, SIDE, 3))
    labels = np.arange(count) % CLASSES
    pictures = [Image.fromarray(np.ascontiguousarray(picture)) for picture in photographs]
    for i, label in enumerate(labels):
        width, height = pictures[label].size
        side = float(draw.uniform(SIDE, min(160, width, height)))
        left, top = draw.uniform(0, width - side), draw.uniform(0, height - side)
        box = (left, top, left + side, top + side)
        patch = pictures[label].resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=box)
        pixels[i] = np.asarray(patch)
    return pixels, labels


def write_files(pixels: np.ndarray, labels: np.ndarray, folder: Path) -> None:
    """A folder for each class, 64x64 JPEGs in them."""
    for label in range(CLASSES):
        (folder / f"subject {label}").mkdir(parents=True)
    for i, label in enumerate(labels):
        Image.fromarray(pixels[i]).save(folder / f"subject {label}" / f"{i}.jpg", quality=90)


def watch(place: Path, data: str, short: bool) -> dict:
    """One `pellucid train`, its memory read while it goes."""
    out = place / f"run-{data}"
    network = ["--network", "conv 4 5x5 stride 4, relu, flatten, dense 10"] if short else []
    start = time.monotonic()
    process = subprocess.Popen(
        [COMMAND, "train", data, "--epochs", "1", "--out", out, "--json", *network],
        cwd=place, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"PELLUCID_CACHE": str(place / "cache")},
    )  # fmt: skip
    peak = resident = 0
    while process.poll() is None:
        anonymous, high = memory(process.pid)
        peak, resident = max(peak, anonymous), max(resident, high)
        time.sleep(0.02)
    stdout, stderr = process.communicate()
    answer = json.loads(stdout) if stdout.strip() else {}
    split = (out / "split.csv").read_text().splitlines()[1:] if (out / "split.csv").exists() else []
    return {
        "data": data,
        "code": process.returncode,
        "said": stderr.strip()[-300:],
        "pictures": sum(not line.split(",")[-2].startswith(("dropped", "unreadable")) for line in split),
        "peak": peak,
        "resident": resident,
        "seconds": time.monotonic() - start,
        "accuracy": (answer.get("test") or {}).get("accuracy"),
    }


def memory(process: int) -> tuple[int, int]:
    """RssAnon and VmHWM of a process in bytes; zeros when it is gone."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0, 0
    found = dict(line.split(":", 1) for line in lines if line.startswith(("RssAnon", "VmHWM")))
    anonymous, high = (int(found.get(name, "0 kB").split()[0]) * 1024 for name in ("RssAnon", "VmHWM"))
    return anonymous, high


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
