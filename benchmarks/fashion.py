"""Fashion-MNIST with nothing but defaults: seconds of the whole process, and the test accuracy, seed by seed.

The four IDX files come from --data, as Debian's package dataset-fashion-mnist has them (Xiao, Rasul and Vollgraf 2017).

    python benchmarks/fashion.py                5 seeds; results/fashion.md
    python benchmarks/fashion.py --pairs 1 --network bench-lenet --epochs 1     to try the script
"""

from __future__ import annotations

import sys
from pathlib import Path

from cold import pellucid, summed
from turns import heading, in_words, options, surroundings, write

LEAST = 0.93


def markdown(result: dict) -> str:
    """The table for people."""
    own = result["runs"]
    rows = (
        f"| {r['seed']} | {r['accuracy']:.2%} | {r['seconds']:.1f} | {r['settings']['epochs']} | {r['others']:.0%} |"
        for r in own
    )
    lines = [
        *heading("Fashion-MNIST with the defaults", result)[:2],
        f"{result['machine']}, {result['cores']} cores, Python {result['python']}, {result['date']}. Every seed a "
        "fresh process with an empty cache; the test part (10,000 pictures) is read once, by the finished run.",
        "",
        "| seed | test accuracy | seconds | epochs | others |",
        "| ---: | ---: | ---: | ---: | ---: |",
        *rows,
        "",
        f"Mean {result['mean_accuracy']:.2%}; 93% reached by {result['reached']} of {result['n']}; "
        f"{in_words(result['seconds'], '.1f')} s. Settings: "
        + ", ".join(f"{key} {value}" for key, value in own[-1]["settings"].items()),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = options(__doc__, "fashion")
    parser.add_argument("--data", type=Path, default=Path("/usr/share/datasets/fashion-mnist"))
    parser.add_argument("--seed", type=int, default=0, help="the first; the others count on")
    parser.add_argument("--network", help="instead of the default, to try the script")
    parser.add_argument("--epochs", help="instead of the default, to try the script")
    given = parser.parse_args()
    if not (given.data / "t10k-images-idx3-ubyte.gz").is_file():
        raise SystemExit(
            f"Fashion-MNIST's IDX files are not in {given.data} (Debian: dataset-fashion-mnist; --data)"
        )
    extra = [
        part
        for name in ("network", "epochs")
        if (value := getattr(given, name))
        for part in (f"--{name}", value)
    ]
    runs: list[dict] = []
    result: dict = {}
    for seed in range(given.seed, given.seed + given.pairs):
        runs.append(pellucid(seed, str(given.data), *extra) | {"seed": seed})
        print(
            f"  seed {seed}: {runs[-1]['seconds']} s, {runs[-1]['accuracy']:.2%}", file=sys.stderr, flush=True
        )
        result = surroundings(given) | summed(runs, LEAST) | {"runs": runs}
        write(given, result, markdown(result))
    print(markdown(result))


if __name__ == "__main__":
    main()
