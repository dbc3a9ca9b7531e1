"""Proof 12: the figures are right, the interval covers, and the temperature makes probabilities honest.

- Every metric against scikit-learn on random labels and probabilities (classes that nobody has or nobody calls
  included); the calibration error against a plain loop over pictures.
- Wilson's interval: how often it holds the true share, nominally 95%, over 100,000 draws for each share and n; and
  exactly, from scipy's binomial distribution.
- Log loss and calibration error on the test parts of MNIST and Fashion-MNIST, with the fitted temperature and
  without it: the file's probabilities to the power of the temperature, made to sum to 1, are those without.

Holds if every metric is within 1e-9, the simulated coverage is 94.5% to 95.5% on average and within 0.5 points of the
exact one everywhere, and no temperature makes the log loss worse by more than 2%.

    python proof/metrics.py            writes proof/results/metrics.json and .md
    python proof/metrics.py --short    fewer cases and draws; MNIST alone, one epoch of a small network
    python proof/metrics.py --fashion FOLDER    where Fashion-MNIST's IDX files are
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from _record import COMMAND, RESULTS, Options, conclude, parser, run, table
from scipy.stats import binom
from sklearn import metrics as referee

from pellucid.evaluation import calibration_error, evaluate_probabilities, log_loss
from pellucid.evaluation.metrics import wilson_interval
from pellucid.model import ModelFile, Prediction
from pellucid.training import own_test_part

SEED = 0
FASHION = (Path("/usr/share/datasets/fashion-mnist"), Path("/usr/share/dataset-fashion-mnist"))
SHARES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)
COUNTS = (10, 30, 100, 300, 1000, 3000, 10_000)
TOLERANCE = 1e-9


def case(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Labels and probabilities of any number of pictures and classes, more or less sure, some rows one-sided."""
    classes, count = int(rng.integers(2, 30)), int(rng.integers(1, 600))
    labels = rng.choice(classes, count, p=rng.dirichlet(np.full(classes, 0.5)))
    logits = rng.normal(0, rng.uniform(0.1, 8), (count, classes))
    logits[np.arange(count), labels] += rng.uniform(-1, 6)
    if rng.random() < 0.5:
        logits[:, rng.integers(classes)] -= 50  # a class that nobody is called
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return labels, shifted / shifted.sum(axis=1, keepdims=True)


def plain_calibration_error(labels: np.ndarray, probabilities: np.ndarray, bins: int = 15) -> float:
    """Picture by picture, bin by bin."""
    inside: list[list[tuple[float, bool]]] = [[] for _ in range(bins)]
    edges = [number / bins for number in range(bins + 1)]
    for label, row in zip(labels, probabilities, strict=True):
        top = min(float(row.max()), 1.0)
        place = next(b for b in range(bins) if edges[b] < top <= edges[b + 1] or b == bins - 1)
        inside[place].append((top, int(row.argmax()) == label))
    total = 0.0
    for members in inside:
        if members:
            right = sum(is_right for _, is_right in members) / len(members)
            sure = sum(top for top, _ in members) / len(members)
            total += len(members) / len(labels) * abs(right - sure)
    return total


def differences(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """How far each figure is from its referee's. A figure that is 0/0 is None here, and NaN there."""
    classes = probabilities.shape[1]
    every = np.arange(classes)
    found = evaluate_probabilities(labels, probabilities, [str(c) for c in every])
    called = probabilities.argmax(axis=1)
    precision, recall, f1, support = referee.precision_recall_fscore_support(
        labels, called, labels=every, zero_division=np.nan
    )

    def apart(own: Sequence[float | None], other: np.ndarray) -> float:
        ours = np.array([np.nan if value is None else value for value in own], float)
        if not np.array_equal(np.isnan(ours), np.isnan(other)):
            return float("inf")
        return float(np.nanmax(np.abs(ours - other), initial=0.0))

    def averaged(values: np.ndarray, weights: np.ndarray) -> float:
        known = ~np.isnan(values) & (weights > 0)
        return float(np.average(values[known], weights=weights[known])) if known.any() else float("nan")

    rows, ones = found.per_class, np.ones(classes)
    result = {
        "accuracy": abs(found.accuracy - referee.accuracy_score(labels, called)),
        "precision by class": apart([row.precision for row in rows], precision),
        "recall by class": apart([row.recall for row in rows], recall),
        "F1 by class": apart([row.f1 for row in rows], f1),
        "support": float(np.abs(np.array([row.support for row in rows]) - support).max()),
        "confusion": float(
            np.abs(found.confusion - referee.confusion_matrix(labels, called, labels=every)).max()
        ),
        "log loss": abs(found.log_loss - referee.log_loss(labels, probabilities, labels=every)),
        "calibration error": abs(found.calibration_error - plain_calibration_error(labels, probabilities)),
    }
    for name, own, weights in (("macro", found.macro, ones), ("weighted", found.weighted, support)):
        values = [averaged(column, weights) for column in (precision, recall, f1)]
        result[f"{name} averages"] = apart([own.precision, own.recall, own.f1], np.array(values))
    # Where every class has every figure, scikit-learn's own averages need no choice about 0/0.
    if not np.isnan(np.concatenate([precision, recall, f1])).any():
        for name, own in (("macro", found.macro), ("weighted", found.weighted)):
            other = referee.precision_recall_fscore_support(labels, called, average=name)[:3]
            result[f"{name}, scikit-learn's"] = apart([own.precision, own.recall, own.f1], np.array(other))
    return result


def coverage(draws: int, rng: np.random.Generator) -> list[dict]:
    """For each share and n: how often the interval holds the share, drawn and exactly."""
    rows = []
    for n in COUNTS:
        ends = np.array([wilson_interval(successes, n) for successes in range(n + 1)])
        for share in SHARES:
            holds = (ends[:, 0] <= share) & (share <= ends[:, 1])
            drawn = float(holds[rng.binomial(n, share, draws)].mean())
            exact = float(binom.pmf(np.flatnonzero(holds), n, share).sum())
            rows.append({"n": n, "share": share, "drawn": drawn, "exact": exact})
    return rows


def calibration(data: str, name: str, extra: Sequence[str], folder: Path) -> dict:
    """Train, and measure the test part with the fitted temperature and without."""
    out = folder / name
    ran = run([COMMAND, "train", data, "--out", out, "--json", *extra])
    if ran.code:
        raise SystemExit(f"{name}: exit status {ran.code}\n{ran.err}")
    model = ModelFile.read(out / "model.onnx")
    part = own_test_part(model)
    answers = list(model.predict_each(part.source.read(int(row)) for row in part.rows))
    fitted = np.stack([a.probabilities for a in answers if isinstance(a, Prediction)]).astype(np.float64)
    fitted /= fitted.sum(axis=1, keepdims=True)
    labels = np.asarray(part.source.labels, np.int64)[part.rows]
    plain = fitted**model.card.temperature
    plain /= plain.sum(axis=1, keepdims=True)
    return {
        "data": name, "n": len(labels), "temperature": model.card.temperature,
        "accuracy": float((fitted.argmax(axis=1) == labels).mean()),
        "log_loss": [log_loss(labels, p) for p in (plain, fitted)],
        "calibration_error": [calibration_error(labels, p) for p in (plain, fitted)],
    }  # fmt: skip


def main(argv: Sequence[str]) -> int:
    made = parser(__doc__)
    made.add_argument("--fashion", type=Path, help="the folder of Fashion-MNIST's IDX files")
    asked = made.parse_args(argv)
    given = Options(asked.short, asked.out or (None if asked.short else RESULTS))
    cases, draws = (100, 2_000) if given.short else (5_000, 100_000)
    rng = np.random.default_rng(SEED)
    wrong: list[str] = []

    worst: dict[str, float] = {}
    for number in range(cases):
        for name, difference in differences(*case(rng)).items():
            worst[name] = max(worst.get(name, 0.0), difference)
            if not difference <= TOLERANCE:
                wrong.append(f"case {number}: {name} is {difference:.3g} from its referee's")
    covered = coverage(draws, rng)
    drawn, exact = (np.array([row[key] for row in covered]) for key in ("drawn", "exact"))
    least = covered[int(exact.argmin())]
    if not 0.945 <= drawn.mean() <= 0.955:
        wrong.append(f"the intervals cover {drawn.mean():.2%} on average")
    allowed = max(0.005, 5 * (0.25 / draws) ** 0.5)
    if np.abs(drawn - exact).max() > allowed:
        wrong.append(f"drawn and exact coverage differ by {np.abs(drawn - exact).max():.2%}")

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small = ["--epochs", "1", "--network", "bench-lenet"] if given.short else []
        trained = [calibration("mnist", "MNIST", small, folder)]
        fashion = next((place for place in (asked.fashion, *FASHION) if place and place.is_dir()), None)
        skipped = ""
        if given.short:
            skipped = "Fashion-MNIST: not in the short form"
        elif fashion is None:
            skipped = (
                "NOT CHECKED: Fashion-MNIST isn't here (Debian: dataset-fashion-mnist, or --fashion FOLDER)"
            )
        else:
            trained.append(calibration(os.fspath(fashion), "Fashion-MNIST", small, folder))
    for row in trained:
        before, after = row["log_loss"]
        if after > 1.02 * before:
            wrong.append(f"{row['data']}: the temperature raises log loss from {before:.4f} to {after:.4f}")

    body = f"Metrics, {cases:,} random cases (2 to 29 classes, 1 to 599 pictures), largest difference:\n\n"
    body += table(
        ["figure", "difference:"], [(name, f"{value:.1e}") for name, value in sorted(worst.items())]
    )
    body += (
        f"\n\nWilson's 95% interval, {len(covered)} pairs of a share and n, {draws:,} draws each: it holds the true "
        f"share in **{drawn.mean():.2%}** on average (exactly {exact.mean():.2%}), in the worst pair in "
        f"{least['drawn']:.2%} (exactly {least['exact']:.2%}, share {least['share']}, n {least['n']:,}).\n\n"
    )
    by_pair = {(row["share"], row["n"]): f"{row['drawn']:.2%}" for row in covered}
    body += table(
        ["share:", *(f"n = {n:,}:" for n in COUNTS)],
        [(share, *(by_pair[share, n] for n in COUNTS)) for share in SHARES],
    )
    body += "\n\nThe temperature, on the test part:\n\n"
    body += table(
        ["data", "n:", "accuracy:", "temperature:", "log loss without:", "with:", "ECE without:", "with:"],
        [
            (
                row["data"], f"{row['n']:,}", f"{row['accuracy']:.2%}", f"{row['temperature']:.3f}",
                *(f"{value:.4f}" for value in row["log_loss"]), *(f"{value:.2%}" for value in row["calibration_error"]),
            )
            for row in trained
        ],
    )  # fmt: skip
    body += f"\n\n{skipped}" if skipped else ""
    figures = {
        "seed": SEED, "n": cases, "draws": draws, "differences": worst, "coverage": covered,
        "mean_coverage": float(drawn.mean()), "worst_coverage": least, "calibration": trained, "skipped": skipped,
    }  # fmt: skip
    return conclude("metrics", "The figures", given, figures, body, wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
