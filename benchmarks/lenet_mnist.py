"""How fast bench-lenet trains on MNIST: pellucid and each peer, in turns, every run a fresh process.

    python benchmarks/lenet_mnist.py                      all peers that are installed, 5 pairs each
    python benchmarks/lenet_mnist.py --pairs 9 --only plain tuned
    python benchmarks/lenet_mnist.py --python keras=/path/to/other/python
    python benchmarks/lenet_mnist.py --engine native --name lenet_mnist_native     pellucid's own engine, f32 peers

Writes benchmarks/results/lenet_mnist.json and .md. See README.md for the rules.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from turns import heading, in_words, missing, options, pairs_of, run, spread, surroundings, write


@dataclass(frozen=True)
class Peer:
    """Who is compared: its module with arguments, what it needs installed, and pellucid's own precision beside it."""

    module: str
    arguments: tuple[str, ...] = ()
    needs: tuple[str, ...] = ("torch",)
    precision: str = "f32"


PEERS = {
    "plain": Peer("plain_torch"),
    "tuned": Peer("tuned_torch"),
    "compiled": Peer("tuned_torch", ("compile",)),
    "keras": Peer("keras_fit", ("tensorflow",), needs=("keras", "tensorflow")),
    "keras-jax": Peer("keras_fit", ("jax",), needs=("keras", "jax")),
    "bf16": Peer("tuned_torch", ("bf16",), precision="bf16"),
}


def compare(peer: Peer, python: str, engine: str, pairs: int, others: float) -> dict | None:
    """The runs of both and what they come to; None where other programs took too much."""
    done = pairs_of(
        lambda _: run(sys.executable, f"pellucid_{engine}", peer.precision),
        lambda _: run(python, peer.module, *peer.arguments),
        "pictures_per_second", pairs, others,
    )  # fmt: skip
    if done is None:
        return None
    runs, tried = done
    figures = {
        f"{who}_{what}": spread([r[who][what] for r in runs])
        for who in ("pellucid", "peer")
        for what in ("pictures_per_second", "cold_seconds")
    }
    return {
        "name": runs[0]["peer"]["name"],
        "precision": peer.precision,
        "pairs_tried": tried,
        "ratio": spread([r["ratio"] for r in runs]),
        **figures,
        "sgemm_gflops": spread([r["sgemm"] for r in runs]),
        "settings": {"pellucid": runs[-1]["pellucid"]["settings"], "peer": runs[-1]["peer"]["settings"]},
        "runs": runs,
    }


def alone(peer: Peer, python: str, times: int) -> dict:
    """A peer of a precision that pellucid's engine doesn't have: its rate, and no ratio."""
    runs = [run(python, peer.module, *peer.arguments) for _ in range(times)]
    return {
        "name": runs[0]["name"], "precision": peer.precision, "settings": runs[-1]["settings"],
        "pictures_per_second": spread([r["pictures_per_second"] for r in runs]), "runs": runs,
    }  # fmt: skip


def markdown(result: dict) -> str:
    """The table for people."""
    lines = [
        *heading("bench-lenet on MNIST: pictures a second in training", result),
        "| peer | pellucid | peer | ratio | cold: pellucid | cold: peer | sgemm | others |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for peer in result["peers"]:
        others = max(run[who]["others"] for run in peer["runs"] for who in ("pellucid", "peer"))
        lines.append(
            f"| {peer['name']}, {peer['precision']} | {in_words(peer['pellucid_pictures_per_second'], ',.0f')} "
            f"| {in_words(peer['peer_pictures_per_second'], ',.0f')} | **{peer['ratio']['median']:.2f}** "
            f"({peer['ratio']['lower']:.2f} - {peer['ratio']['upper']:.2f}) "
            f"| {peer['pellucid_cold_seconds']['median']:.1f} s | {peer['peer_cold_seconds']['median']:.1f} s "
            f"| {peer['sgemm_gflops']['median']:.0f} | {others:.0%} |"
        )
    for peer in result["apart"]:
        lines += [
            "",
            f"Apart, as pellucid's engine has no {peer['precision']} (no ratio over two precisions): {peer['name']}, "
            f"{peer['precision']}: {in_words(peer['pictures_per_second'], ',.0f')} pictures a second.",
        ]
    if result["left_out"]:
        lines += [
            "",
            "Left out: " + "; ".join(f"{name} ({why})" for name, why in result["left_out"].items()) + ".",
        ]
    lines += ["", "Settings (of the last run of each):", ""]
    told = [(peer, peer["settings"]["peer"]) for peer in result["peers"]]
    for peer, own in [*told, *((peer, peer["settings"]) for peer in result["apart"])]:
        settings = ", ".join(f"{key} {value}" for key, value in own.items())
        lines.append(f"- {peer['name']}, {peer['precision']}: {settings}")
    if result["peers"]:
        own = result["peers"][0]["settings"]["pellucid"]
        lines.append("- pellucid: " + ", ".join(f"{key} {value}" for key, value in own.items()))
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = options(__doc__, "lenet_mnist")
    parser.add_argument(
        "--engine", choices=("torch", "native"), default="torch", help="what trains on pellucid's side"
    )
    parser.add_argument("--only", nargs="+", choices=PEERS, default=list(PEERS))
    given = parser.parse_args()
    pythons = dict(item.split("=", 1) for item in given.python)
    result = surroundings(given) | {"peers": [], "apart": []}
    result["left_out"] = {name: "not run this time" for name in PEERS if name not in given.only}
    for name in given.only:
        peer, python = PEERS[name], pythons.get(name, sys.executable)
        lacking = missing(python, peer.needs)
        if lacking:
            result["left_out"][name] = f"not installed: {', '.join(lacking)}"
            print(f"{name} is left out, not installed: {', '.join(lacking)}", file=sys.stderr)
            continue
        if given.engine == "native" and peer.precision != "f32":
            result["apart"].append(alone(peer, python, given.pairs))
        elif found := compare(peer, python, given.engine, given.pairs, given.others):
            result["peers"].append(found)
        else:
            result["left_out"][name] = f"other programs took more than {given.others:.0%} in too many pairs"
        write(given, result, markdown(result))  # after each peer, so that stopping keeps what is done
    print(markdown(result))


if __name__ == "__main__":
    main()
