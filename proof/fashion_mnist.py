"""Proof 9: `pellucid train` on Fashion-MNIST's IDX files, with nothing but defaults, three seeds.

Holds if each seed's test accuracy is at least 92.5% (n = 10,000). The test part is read once, by each finished run;
defaults were chosen on validation parts alone. Also says how well the probabilities fit before and after the
temperature. The files come from --data: a folder with the four IDX files, as Debian's package dataset-fashion-mnist has
them (Xiao, Rasul and Vollgraf 2017, MIT licence).

    python proof/fashion_mnist.py                   writes proof/results/fashion_mnist.json and .md
    python proof/fashion_mnist.py --data FOLDER     the IDX files lie elsewhere
    python proof/fashion_mnist.py --short           one epoch of a small network
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from _record import COMMAND, RESULTS, Options, conclude, parser, run, table

SEEDS = range(3)
LEAST = 0.925
USUAL = Path("/usr/share/datasets/fashion-mnist")
SMALL = ["--epochs", "1", "--network", "bench-lenet"]


def one(seed: int, data: Path, extra: Sequence[str], folder: Path) -> dict:
    """One run, then `evaluate` on its test part."""
    out = folder / f"seed{seed}"
    ran = run([COMMAND, "train", data, "--seed", str(seed), "--out", out, "--json", *extra])
    if ran.code:
        raise SystemExit(f"seed {seed}: exit status {ran.code}\n{ran.err}")
    trained = json.loads(ran.out)
    again = run([COMMAND, "evaluate", out / "model.onnx", "--json"])
    if again.code:
        raise SystemExit(f"seed {seed}: evaluate ended with {again.code}\n{again.err}")
    measured = json.loads(again.out)
    return {
        "seed": seed,
        "accuracy": trained["test"]["accuracy"],
        "interval": trained["test"]["interval"],
        "count": trained["test"]["count"],
        "again": measured["accuracy"],
        "validation_accuracy": trained["validation_accuracy"],
        "epochs": trained["epochs"],
        "seconds": round(ran.seconds, 1),
        "calibration_error": measured["calibration_error"],
        "log_loss": measured["log_loss"],
        "uncalibrated": measured["uncalibrated"],
    }


def main(argv: Sequence[str]) -> int:
    known = parser(__doc__)
    known.add_argument("--data", type=Path, default=USUAL, help="the folder of the IDX files")
    asked = known.parse_args(argv)
    given = Options(asked.short, asked.out or (None if asked.short else RESULTS))
    if not (asked.data / "t10k-images-idx3-ubyte.gz").is_file():
        print(
            f"skipped: Fashion-MNIST's IDX files are not in {asked.data} (Debian: dataset-fashion-mnist; --data)"
        )
        return 0
    with tempfile.TemporaryDirectory() as name:
        seeds = SEEDS[:1] if given.short else SEEDS
        rows = [one(seed, asked.data, SMALL if given.short else [], Path(name)) for seed in seeds]
    wrong = [f"seed {row['seed']}: n is {row['count']:,}" for row in rows if row["count"] != 10_000]
    wrong += [f"seed {row['seed']}: evaluate differs" for row in rows if row["again"] != row["accuracy"]]
    least = 0.7 if given.short else LEAST
    wrong += [
        f"seed {row['seed']}: {row['accuracy']:.2%}, at least {least:.1%} wanted"
        for row in rows
        if row["accuracy"] < least
    ]
    accuracies = [row["accuracy"] for row in rows]
    body = table(
        ["seed:", "test accuracy:", "95% interval:", "n:", "validation:", "epochs:", "seconds:", "temperature:",
         "calibration error before, after:", "log loss before, after:"],
        [
            (
                row["seed"], f"{row['accuracy']:.2%}", f"{row['interval'][0]:.2%} – {row['interval'][1]:.2%}",
                f"{row['count']:,}", f"{row['validation_accuracy']:.2%}", row["epochs"], row["seconds"],
                f"{row['uncalibrated']['temperature']:.2f}",
                f"{row['uncalibrated']['calibration_error']:.2%}, {row['calibration_error']:.2%}",
                f"{row['uncalibrated']['log_loss']:.4f}, {row['log_loss']:.4f}",
            )
            for row in rows
        ],
    )  # fmt: skip
    spread = statistics.stdev(accuracies) if len(rows) > 1 else 0.0
    body += f"\n\nMean **{statistics.fmean(accuracies):.2%}**, standard deviation {spread:.2%}."
    figures = {"n": len(rows), "runs": rows, "mean_accuracy": statistics.fmean(accuracies), "least": least}
    return conclude("fashion_mnist", "`pellucid train` on Fashion-MNIST", given, figures, body, wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
