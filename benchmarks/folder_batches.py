"""From a folder of JPEGs to batches: pellucid and a torch DataLoader, in turns, every run a fresh process.

    python benchmarks/folder_batches.py                     5,000 JPEGs of 640x427 made from real photographs
    python benchmarks/folder_batches.py --pairs 9 --sizes 64x64 224x224

Writes benchmarks/results/folder_batches.json and .md. See README.md for the rules.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from PIL import Image
from turns import RESULTS, in_words, processor, run, spread

WIDTH, HEIGHT, CLASSES = 640, 427, 5


def make_folder(folder: Path, count: int) -> None:
    """`count` different JPEGs (quality 90, 4:2:0): cuts of photographs at random places and scales, seed 0."""
    from skimage import data
    from sklearn.datasets import load_sample_image

    photographs = [data.astronaut(), data.chelsea(), data.coffee(), data.rocket()]
    photographs += [load_sample_image("china.jpg"), load_sample_image("flower.jpg")]
    pictures = [Image.fromarray(np.ascontiguousarray(pixels)) for pixels in photographs]
    draw = np.random.default_rng(0)
    for label in range(CLASSES):
        (folder / f"class {label}").mkdir(parents=True)
    for number in range(count):
        picture = pictures[number % len(pictures)]
        width = min(picture.width, picture.height * WIDTH / HEIGHT) * draw.uniform(0.5, 1)
        height = width * HEIGHT / WIDTH
        left, top = draw.uniform(0, picture.width - width), draw.uniform(0, picture.height - height)
        cut = picture.resize(
            (WIDTH, HEIGHT), Image.Resampling.BICUBIC, (left, top, left + width, top + height)
        )
        cut.save(folder / f"class {number % CLASSES}" / f"{number}.jpg", quality=90)


def compare(folder: Path, size: str, pairs: int, others: float) -> dict:
    """`pairs` runs of each, in turns; a pair counts if other programs took at most `others` of the processors."""
    runs: list[dict] = []
    tried = 0
    while len(runs) < pairs and tried < 3 * pairs:
        order = ("pellucid", "peer") if tried % 2 == 0 else ("peer", "pellucid")
        tried += 1
        found: dict = {}
        for who in order:
            module = "pellucid_folder" if who == "pellucid" else "torch_folder"
            found[who] = run(sys.executable, module, str(folder), size)
        for epoch in ("first", "second"):
            seconds = f"{epoch}_seconds"
            found[epoch] = found["peer"][seconds] / found["pellucid"][seconds]
        calm = max(found["pellucid"]["others"], found["peer"]["others"]) <= others
        if calm:
            runs.append(found)
        print(
            f"  {size}, pair {tried}: first epoch {found['pellucid']['first_seconds']:.2f} s against "
            f"{found['peer']['first_seconds']:.2f} s = {found['first']:.2f} x, second {found['second']:.0f} x"
            f"{'' if calm else ': does not count'}",
            file=sys.stderr, flush=True,
        )  # fmt: skip
    if len(runs) < pairs:
        raise SystemExit(
            f"other programs took more than {others:.0%} in {tried - len(runs)} of {tried} pairs"
        )
    draft = run(sys.executable, "torch_folder", str(folder), size, "draft")
    return {
        "size": size,
        "pairs_tried": tried,
        "first": spread([r["first"] for r in runs]),
        "second": spread([r["second"] for r in runs]),
        "pellucid_first_seconds": spread([r["pellucid"]["first_seconds"] for r in runs]),
        "peer_first_seconds": spread([r["peer"]["first_seconds"] for r in runs]),
        "draft_first_seconds": draft["first_seconds"],
        "settings": {who: runs[-1][who]["settings"] for who in ("pellucid", "peer")},
        "runs": runs,
    }


def markdown(result: dict) -> str:
    """The table for people."""
    lines = [
        "# From a folder of JPEGs to batches",
        "",
        f"{result['machine']}, {result['cores']} cores, Python {result['python']}, {result['date']}. "
        f"{result['pictures']:,} JPEGs of {WIDTH}x{HEIGHT}, in the page cache; {result['pairs']} pairs in turns, every "
        "run a fresh process; medians, quartiles in brackets. The peer: a torch DataLoader with 2 workers and Pillow. "
        "`draft`: the same with libjpeg shrinking while it decodes, which gives other pixels, one run.",
        "",
        "| size | first epoch, x the DataLoader | second epoch | pellucid, s | DataLoader, s | draft, s |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in result["sizes"]:
        lines.append(
            f"| {row['size']} | **{row['first']['median']:.2f}** ({row['first']['lower']:.2f} - "
            f"{row['first']['upper']:.2f}) | {in_words(row['second'], '.0f')} "
            f"| {in_words(row['pellucid_first_seconds'], '.2f')} | {in_words(row['peer_first_seconds'], '.2f')} "
            f"| {row['draft_first_seconds']:.2f} |"
        )
    lines += ["", "Settings:", ""]
    for who, settings in result["sizes"][-1]["settings"].items():
        lines.append(
            f"- {who}: " + ", ".join(f"{key} {value}" for key, value in settings.items() if key != "size")
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--pictures", type=int, default=5000)
    parser.add_argument("--sizes", nargs="+", default=["64x64", "224x224"])
    parser.add_argument(
        "--others", type=float, default=0.05, help="largest share of other programs in a pair that counts"
    )
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        make_folder(Path(folder) / "few", 50)
        for module in ("pellucid_folder", "torch_folder"):  # not counted: it compiles the sources
            run(sys.executable, module, str(Path(folder) / "few"), options.sizes[0])
        make_folder(Path(folder) / "photos", options.pictures)
        sizes = [
            compare(Path(folder) / "photos", size, options.pairs, options.others) for size in options.sizes
        ]
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "pictures": options.pictures,
        "pairs": options.pairs,
        "others_at_most": options.others,
        "sizes": sizes,
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "folder_batches.json").write_text(json.dumps(result, indent=1) + "\n")
    table = markdown(result)
    (options.out / "folder_batches.md").write_text(table)
    print(table)


if __name__ == "__main__":
    main()
