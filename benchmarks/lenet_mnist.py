"""How fast bench-lenet trains on MNIST: pellucid and each peer, in turns, every run a fresh process.

    python benchmarks/lenet_mnist.py                      all peers that are installed, 5 pairs each
    python benchmarks/lenet_mnist.py --pairs 9 --only plain tuned
    python benchmarks/lenet_mnist.py --python keras=/path/to/other/python
    python benchmarks/lenet_mnist.py --engine native --name lenet_mnist_native     pellucid's own engine, f32 peers

Writes benchmarks/results/lenet_mnist.json and .md. See README.md for the rules.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from turns import RESULTS, in_words, missing, processor, run, spread


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
    "keras": Peer("keras_tensorflow", needs=("keras", "tensorflow")),
    "bf16": Peer("tuned_torch", ("bf16",), precision="bf16"),
}


def sgemm(python: str) -> float:
    """This machine's GFLOP/s now: the best of some products of 2048 x 2048 matrices in float32."""
    code = (
        "import torch, time\na = torch.randn(2048, 2048)\nbest = 9.0\n"
        "for _ in range(8):\n    t = time.perf_counter(); a @ a; best = min(best, time.perf_counter() - t)\n"
        "print(2 * 2048**3 / best / 1e9)"
    )
    return round(float(subprocess.check_output([python, "-c", code], text=True)), 1)


def compare(peer: Peer, python: str, own_python: str, engine: str, pairs: int, others: float) -> dict | None:
    """`pairs` runs of pellucid and of the peer, in turns, whoever was second before going first.

    A pair counts only if other programs took at most `others` of the processors in both of its runs: decided by their
    load alone, never by the ratio. None where three times as many pairs were not enough.
    """
    runs: list[dict] = []
    tried = 0
    while len(runs) < pairs and tried < 3 * pairs:
        pair = tried
        tried += 1
        order = ("pellucid", "peer") if pair % 2 == 0 else ("peer", "pellucid")
        found: dict = {"sgemm": sgemm(own_python)}
        for who in order:
            if who == "peer":
                found[who] = run(python, peer.module, *peer.arguments)
            else:
                found[who] = run(own_python, f"pellucid_{engine}", peer.precision)
        found["ratio"] = found["pellucid"]["pictures_per_second"] / found["peer"]["pictures_per_second"]
        calm = max(found["pellucid"]["others"], found["peer"]["others"]) <= others
        if calm:
            runs.append(found)
        print(
            f"  {found['peer']['name']} {peer.precision}, pair {pair + 1}: "
            f"{found['pellucid']['pictures_per_second']:,.0f} against {found['peer']['pictures_per_second']:,.0f} "
            f"pictures/s = {found['ratio']:.2f} x  (sgemm {found['sgemm']:.0f}, others took "
            f"{found['pellucid']['others']:.0%} and {found['peer']['others']:.0%})"
            f"{'' if calm else ': does not count'}",
            file=sys.stderr, flush=True,
        )  # fmt: skip
    if len(runs) < pairs:
        return None
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


def markdown(result: dict) -> str:
    """The table for people."""
    lines = [
        "# bench-lenet on MNIST: pictures a second in training",
        "",
        f"{result['machine']}, {result['cores']} cores, Python {result['python']}, {result['date']}. "
        f"{result['pairs']} pairs for each peer, in turns, every run a fresh process; medians, quartiles in brackets. "
        "Ratio: of the two runs of a pair. `sgemm`: this machine's GFLOP/s at the time. "
        "`others`: largest share of the processors that other programs took during a run; pairs with more than "
        f"{result['others_at_most']:.0%} were not counted.",
        "",
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
    if result["left_out"]:
        lines += [
            "",
            "Left out: " + "; ".join(f"{name} ({why})" for name, why in result["left_out"].items()) + ".",
        ]
    lines += ["", "Settings (of the last run of each):", ""]
    for peer in result["peers"]:
        settings = ", ".join(f"{key} {value}" for key, value in peer["settings"]["peer"].items())
        lines.append(f"- {peer['name']}, {peer['precision']}: {settings}")
    if result["peers"]:
        own = result["peers"][0]["settings"]["pellucid"]
        lines.append("- pellucid: " + ", ".join(f"{key} {value}" for key, value in own.items()))
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument(
        "--engine", choices=("torch", "native"), default="torch", help="what trains on pellucid's side"
    )
    parser.add_argument("--only", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument(
        "--python", action="append", default=[], metavar="PEER=PATH", help="another interpreter for a peer"
    )
    parser.add_argument(
        "--others",
        type=float,
        default=0.05,
        help="largest share that other programs may take in a pair that counts",
    )
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--name", default="lenet_mnist", help="of the two files written")
    options = parser.parse_args()
    pythons = dict(item.split("=", 1) for item in options.python)
    compared: list[dict] = []
    table = ""
    left_out = {name: "not run this time" for name in PEERS if name not in options.only}
    for name in options.only:
        peer, python = PEERS[name], pythons.get(name, sys.executable)
        if options.engine == "native" and peer.precision != "f32":
            left_out[name] = f"{peer.precision}: the native engine computes in f32"
            continue
        lacking = missing(python, peer.needs)
        if lacking:
            left_out[name] = f"not installed: {', '.join(lacking)}"
            print(f"{name} is left out, not installed: {', '.join(lacking)}", file=sys.stderr)
            continue
        found = compare(peer, python, sys.executable, options.engine, options.pairs, options.others)
        if found is None:
            left_out[name] = f"other programs took more than {options.others:.0%} in too many pairs"
        else:
            compared.append(found)
        table = write(options, compared, left_out)  # after each peer, so that stopping keeps what is done
    print(table)


def write(options: argparse.Namespace, compared: list[dict], left_out: dict[str, str]) -> str:
    """The results as JSON and as the table that is returned."""
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "pairs": options.pairs,
        "others_at_most": options.others,
        "peers": compared,
        "left_out": left_out,
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / f"{options.name}.json").write_text(json.dumps(result, indent=1) + "\n")
    table = markdown(result)
    (options.out / f"{options.name}.md").write_text(table)
    return table


if __name__ == "__main__":
    main()
