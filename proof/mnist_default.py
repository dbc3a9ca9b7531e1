"""Proof 2: `pellucid train`, no arguments, on MNIST: accurate and quick, each seed in a fresh process.

Seeds 0 to 4, one after the other. Holds if the mean test accuracy is at least 99.3% and every run took less than
60 seconds from the process's start, on two cores.

    python proof/mnist_default.py            writes proof/results/mnist_default.json and .md
    python proof/mnist_default.py --short    one epoch of a small network
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from _record import COMMAND, Options, busy, busy_here, conclude, options, run, table

SEEDS = range(5)
MEAN_ACCURACY, MOST_SECONDS = 0.993, 60.0


def one(seed: int, extra: Sequence[str], folder: Path) -> dict:
    """One run: what its JSON says, the seconds from the process's start, and how busy others kept the cores."""
    others, own = busy(), busy_here()
    out = folder / f"seed{seed}"
    ran = run([COMMAND, "train", "--seed", str(seed), "--out", out, "--json", *extra])
    if ran.code:
        raise SystemExit(f"seed {seed}: exit status {ran.code}\n{ran.err}")
    document = json.loads(ran.out)
    other = max((busy() - others) - (busy_here() - own), 0) / ran.seconds / (os.cpu_count() or 1)
    return {
        "seed": seed,
        "seconds": round(ran.seconds, 2),
        "accuracy": document["test"]["accuracy"],
        "interval": document["test"]["interval"],
        "count": document["test"]["count"],
        "calibration_error": document["test"]["calibration_error"],
        "epochs": document["epochs"],
        "others": round(other, 3),
        "files": sorted(path.name for path in out.iterdir()),
    }


def contract(rows: Sequence[dict]) -> list[str]:
    """What is wrong with a run, whatever its accuracy."""
    wrong = []
    for row in rows:
        low, high = row["interval"]
        if not 0 <= low <= row["accuracy"] <= high <= 1:
            wrong.append(f"seed {row['seed']}: the interval {low} to {high} does not hold {row['accuracy']}")
        if row["count"] != 10_000:
            wrong.append(f"seed {row['seed']}: measured on {row['count']:,} pictures, not on 10,000")
        if not {"model.onnx", "history.jsonl", "settings.json", "split.csv"} <= set(row["files"]):
            wrong.append(f"seed {row['seed']}: the run folder has only {', '.join(row['files'])}")
    return wrong


def main(argv: Sequence[str]) -> int:
    given: Options = options(argv, __doc__)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given.short:
            rows = [one(0, ["--epochs", "1", "--network", "bench-lenet"], folder)]
        else:
            rows = [one(seed, [], folder) for seed in SEEDS]
    wrong = contract(rows)
    accuracies, seconds = [row["accuracy"] for row in rows], [row["seconds"] for row in rows]
    mean, spread = statistics.fmean(accuracies), statistics.stdev(accuracies) if len(rows) > 1 else 0.0
    if given.short:
        if mean <= 0.95:
            wrong.append(f"{mean:.2%} after one epoch, 95% expected")
    else:
        if mean < MEAN_ACCURACY:
            wrong.append(f"mean accuracy {mean:.3%}, at least {MEAN_ACCURACY:.1%} wanted")
        if max(seconds) >= MOST_SECONDS:
            wrong.append(f"{max(seconds):.1f} s, less than {MOST_SECONDS:.0f} s wanted")
    body = table(
        ["seed:", "test accuracy:", "95% interval:", "n:", "calibration error:", "epochs:", "seconds:", "others:"],
        [
            (
                row["seed"], f"{row['accuracy']:.2%}",
                f"{row['interval'][0]:.2%} – {row['interval'][1]:.2%}", f"{row['count']:,}",
                f"{row['calibration_error']:.2%}", row["epochs"], f"{row['seconds']:.1f}", f"{row['others']:.0%}",
            )
            for row in rows
        ],
    )  # fmt: skip
    body += (
        f"\n\nMean accuracy **{mean:.3%}**, standard deviation {spread:.3%} over {len(rows)} seeds; "
        f"{statistics.fmean(seconds):.1f} s on average, {max(seconds):.1f} s at most, from the process's start. "
        "`others`: the share of the processors that other programs took meanwhile."
    )
    figures = {
        "command": "pellucid train" + (" --epochs 1 --network bench-lenet" if given.short else ""),
        "runs": rows, "n": len(rows), "mean_accuracy": mean, "deviation": spread, "most_seconds": max(seconds),
    }  # fmt: skip
    return conclude("mnist_default", "`pellucid train` on MNIST", given, figures, body, wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
