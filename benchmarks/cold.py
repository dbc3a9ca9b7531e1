"""From nothing to a tested model of MNIST on disk: the whole process, Python, imports, data and all, in seconds.

pellucid is `pellucid train` as anybody types it, with an empty cache, its report and its model file written.

- `99.0`: one epoch of the record's recipe and network (one_epoch.json), against the same recipe in tuned PyTorch (f32,
  and bf16: seconds to an accuracy may compare precisions) and against Keras' own example as it stands.
- `99.5`: `pellucid train` with nothing but defaults. No peer has a known recipe for it: times and accuracies alone.
- `seeds`, when it is asked for: the recipe alone, for its mean accuracy over many seeds.

Every pair has a seed of its own. What missed the accuracy is counted and shown, not left out.

    python benchmarks/cold.py                                  5 pairs a peer; results/cold.md
    python benchmarks/cold.py --pairs 1 --others 1 --only torch
    python benchmarks/cold.py --pairs 30 --only seeds --seed 100 --name cold_seeds
    python benchmarks/cold.py --python keras=PATH --python keras-jax=PATH

See README.md for the rules.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from turns import HERE, heading, in_words, missing, options, pairs_of, run, spread, surroundings, timed, write

TARGETS = {"99.0": 0.990, "99.5": 0.995}
# Runs without a peer: the accuracy that is wanted, what is run, and how that is called.
ALONE = {
    "seeds": ("99.0", ("--settings", str(HERE / "one_epoch.json")), "The recipe alone"),
    "defaults": ("99.5", ("--engine", "native"), "`pellucid train`, nothing but defaults"),
}


@dataclass(frozen=True)
class Peer:
    """Who is compared: its module with what follows the seed, and what it needs installed."""

    module: str
    arguments: tuple[str, ...] = ()
    needs: tuple[str, ...] = ("torch",)


PEERS = {
    "torch": Peer("cold_torch"),
    "torch-bf16": Peer("cold_torch", ("bf16",)),
    "keras": Peer("cold_keras", ("tensorflow",), ("keras", "tensorflow")),
    "keras-jax": Peer("cold_keras", ("jax",), ("keras", "jax")),
}


def pellucid(seed: int, *extra: str) -> dict:
    """`pellucid train`: its seconds and its test accuracy."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        text, about = timed(
            [
                sys.executable,
                "-m",
                "pellucid",
                "train",
                "--seed",
                str(seed),
                "--out",
                str(out),
                "--json",
                *extra,
            ],
            PELLUCID_CACHE=str(Path(folder) / "cache"),
        )
        document = json.loads(text)
        settings = json.loads((out / "settings.json").read_text())
    told = ("engine", "network", "batch_size", "optimiser", "learning_rate", "label_smoothing", "threads")
    return about | {
        "name": "pellucid train", "accuracy": document["test"]["accuracy"], "inside_seconds": document["seconds"],
        "settings": {key: settings[key] for key in told} | {"epochs": document["epochs"]},  # those that were run
    }  # fmt: skip


def summed(runs: list[dict], least: float) -> dict:
    """What some runs of one program come to."""
    accuracies = [r["accuracy"] for r in runs]
    return {
        "seconds": spread([r["seconds"] for r in runs]), "accuracy": spread(accuracies),
        "mean_accuracy": sum(accuracies) / len(runs), "reached": sum(a >= least for a in accuracies), "n": len(runs),
    }  # fmt: skip


def compare(peer: Peer, python: str, given) -> dict | None:
    """The runs of both and what they come to; None where other programs took too much."""
    done = pairs_of(
        lambda number: pellucid(given.seed + number, "--settings", str(HERE / "one_epoch.json")),
        lambda number: run(python, peer.module, str(given.seed + number), *peer.arguments, *given.short),
        "seconds", given.pairs, given.others,
    )  # fmt: skip
    if done is None:
        return None
    runs, tried = done
    return {
        "name": runs[0]["peer"]["name"], "precision": runs[0]["peer"]["precision"], "pairs_tried": tried,
        "times_as_long": spread([1 / r["ratio"] for r in runs]),
        "pellucid": summed([r["pellucid"] for r in runs], TARGETS["99.0"]),
        "peer": summed([r["peer"] for r in runs], TARGETS["99.0"]),
        "settings": {who: runs[-1][who]["settings"] for who in ("pellucid", "peer")},
        "runs": runs,
    }  # fmt: skip


def markdown(result: dict) -> str:
    """The tables for people."""
    lines = heading("MNIST from a cold start: seconds to a tested model on disk", result)
    if not result["peers"]:
        machine = f"{result['machine']}, {result['cores']} cores, Python {result['python']}, {result['date']}"
        lines = [*lines[:2], f"{machine}. Every seed a fresh process with an empty cache."]
    else:
        lines += [
            "## 99.0%",
            "",
            "| peer | pellucid, s | accuracy | reached | peer, s | accuracy | reached | peer takes |",
            "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        ]
    for row in result["peers"]:
        cells = [f"{row['name']}, {row['precision']}"]
        for who in ("pellucid", "peer"):
            cells += [
                in_words(row[who]["seconds"], ".2f"), f"{row[who]['mean_accuracy']:.2%}",
                f"{row[who]['reached']} of {row[who]['n']}",
            ]  # fmt: skip
        times = row["times_as_long"]
        cells.append(f"**{times['median']:.2f} x** ({times['lower']:.2f} - {times['upper']:.2f})")
        lines.append(f"| {' | '.join(cells)} |")
    for name, own in result["alone"].items():
        target, _, what = ALONE[name]
        accuracy = own["accuracy"]
        lines += [
            "", f"## {target}%, {name}", "",
            f"{what}: {in_words(own['seconds'], '.1f')} s, mean accuracy {own['mean_accuracy']:.3%} (quartiles "
            f"{accuracy['lower']:.2%} - {accuracy['upper']:.2%}), {target}% reached by {own['reached']} of "
            f"{own['n']} seeds, {result['seed']} and on; n = 10,000 each.",
        ]  # fmt: skip
    if result["left_out"]:
        told = "; ".join(f"{name} ({why})" for name, why in result["left_out"].items())
        lines += ["", f"Left out: {told}."]
    lines += ["", "Settings (of the last run of each):", ""]
    for row in result["peers"]:
        lines.append(
            f"- {row['name']}: "
            + ", ".join(f"{key} {value}" for key, value in row["settings"]["peer"].items())
        )
    ours = [row["settings"]["pellucid"] for row in result["peers"][:1]]
    ours += [own["runs"][-1]["settings"] for own in result["alone"].values()]
    lines += ["- pellucid: " + ", ".join(f"{key} {value}" for key, value in own.items()) for own in ours]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = options(__doc__, "cold")
    parser.add_argument("--only", nargs="+", choices=[*PEERS, *ALONE], default=[*PEERS, "defaults"])
    parser.add_argument("--seed", type=int, default=0, help="of the first pair; the others count on")
    parser.add_argument("--keras-epochs", help="fewer than the example's 15, to try the script")
    given = parser.parse_args()
    pythons = dict(item.split("=", 1) for item in given.python)
    result = surroundings(given) | {"seed": given.seed, "peers": [], "alone": {}}
    result["left_out"] = {name: "not run this time" for name in PEERS if name not in given.only}
    for name in (name for name in given.only if name in PEERS):
        peer, python = PEERS[name], pythons.get(name, sys.executable)
        given.short = [given.keras_epochs] if given.keras_epochs and "keras" in name else []
        lacking = missing(python, peer.needs)
        if lacking:
            result["left_out"][name] = f"not installed: {', '.join(lacking)}"
            print(f"{name} is left out, not installed: {', '.join(lacking)}", file=sys.stderr)
        elif found := compare(peer, python, given):
            result["peers"].append(found)
        else:
            result["left_out"][name] = f"other programs took more than {given.others:.0%} in too many pairs"
        write(given, result, markdown(result))
    for name in (name for name in given.only if name in ALONE):
        target, extra, _ = ALONE[name]
        runs = []
        for number in range(given.pairs):
            runs.append(pellucid(given.seed + number, *extra))
            print(f"  {name}, seed {given.seed + number}: {runs[-1]['seconds']} s, {runs[-1]['accuracy']:.2%}",
                  file=sys.stderr, flush=True)  # fmt: skip
        result["alone"][name] = summed(runs, TARGETS[target]) | {"runs": runs}
        write(given, result, markdown(result))
    print(markdown(result))


if __name__ == "__main__":
    main()
