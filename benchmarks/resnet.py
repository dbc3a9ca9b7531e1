"""How fast a residual network with normalisation trains: pellucid and tuned PyTorch, float32, in turns.

ResNet-8: a convolution and three blocks of two, 3x3, each followed by batch normalisation; pictures are noise, as speed
alone is measured. At 32x32x3 with 16, 32 and 64 channels, and at 64x64x3 with 32, 64 and 128.

    python benchmarks/resnet.py                    both sizes, 5 pairs each; results/resnet.md
    python benchmarks/resnet.py --pairs 1 --only small
    python benchmarks/resnet.py --engine torch     pellucid's torch engine

See README.md for the rules.
"""

from __future__ import annotations

import sys

from turns import heading, in_words, options, pairs_of, run, spread, surroundings, write

SIZES = {"small": (32, 16), "large": (64, 32)}  # side, channels of the first stage


def compare(side: int, width: int, engine: str, pairs: int, others: float) -> dict | None:
    """The runs of both and what they come to; None where other programs took too much."""
    size = (str(side), str(width))
    done = pairs_of(
        lambda _: run(sys.executable, "pellucid_resnet", *size, engine),
        lambda _: run(sys.executable, "tuned_resnet", *size),
        "pictures_per_second", pairs, others,
    )  # fmt: skip
    if done is None:
        return None
    runs, tried = done
    return {
        "network": f"{side}x{side}x3, {width}-{2 * width}-{4 * width}",
        "peer": runs[0]["peer"]["name"],
        "pairs_tried": tried,
        "ratio": spread([r["ratio"] for r in runs]),
        "pellucid_pictures_per_second": spread([r["pellucid"]["pictures_per_second"] for r in runs]),
        "peer_pictures_per_second": spread([r["peer"]["pictures_per_second"] for r in runs]),
        "sgemm_gflops": spread([r["sgemm"] for r in runs]),
        "settings": {who: runs[-1][who]["settings"] for who in ("pellucid", "peer")},
        "runs": runs,
    }


def markdown(result: dict) -> str:
    """The table for people."""
    lines = [
        *heading("A residual network with normalisation: pictures a second in training", result),
        "| network | peer | pellucid | peer | ratio | sgemm | others |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in result["networks"]:
        taken = max(run[who]["others"] for run in row["runs"] for who in ("pellucid", "peer"))
        lines.append(
            f"| {row['network']} | {row['peer']}, f32 | {in_words(row['pellucid_pictures_per_second'], ',.0f')} "
            f"| {in_words(row['peer_pictures_per_second'], ',.0f')} | **{row['ratio']['median']:.2f}** "
            f"({row['ratio']['lower']:.2f} - {row['ratio']['upper']:.2f}) "
            f"| {row['sgemm_gflops']['median']:.0f} | {taken:.0%} |"
        )
    lines += [
        "",
        *(f"Left out: {why}." for why in result["left_out"]),
        "Settings (of the last run of each):",
        "",
    ]
    for row in result["networks"]:
        for who in ("pellucid", "peer"):
            told = ", ".join(f"{key} {value}" for key, value in row["settings"][who].items())
            lines.append(f"- {row['network']}, {who}: {told}")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = options(__doc__, "resnet")
    parser.add_argument("--engine", choices=("native", "torch"), default="native", help="on pellucid's side")
    parser.add_argument("--only", nargs="+", choices=SIZES, default=list(SIZES))
    given = parser.parse_args()
    result = surroundings(given) | {"networks": [], "left_out": []}
    for name in given.only:
        found = compare(*SIZES[name], given.engine, given.pairs, given.others)
        if found:
            result["networks"].append(found)
        else:
            result["left_out"].append(
                f"{name}: other programs took more than {given.others:.0%} in too many pairs"
            )
        write(given, result, markdown(result))
    print(markdown(result))


if __name__ == "__main__":
    main()
