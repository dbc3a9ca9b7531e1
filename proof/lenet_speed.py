"""Proof 3: training bench-lenet on MNIST is faster than what people would use instead.

Runs benchmarks/lenet_mnist.py, whose rules stand in benchmarks/README.md, and holds its float32 ratios: at least 1.2 x
a plain, well-written PyTorch loop, at least 1.3 x Keras on TensorFlow. The other peers, bfloat16 among them, stand in
the table beside. Wants an idle machine, and the peers installed (benchmarks/requirements.txt; `make proof` does it).

    python proof/lenet_speed.py                                  writes proof/results/lenet_speed.json and .md
    python proof/lenet_speed.py --python keras=OTHER/bin/python  a peer from another environment
    python proof/lenet_speed.py --short                          one tiny round; nothing is held to a speed
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from _record import RESULTS, TOP, Options, conclude, parser, run, table

PEERS = TOP / ".venv-peers" / "bin" / "python"  # `make proof` makes it
LEAST = {"plain PyTorch": 1.2, "Keras 3 on TensorFlow": 1.3}


def main(argv: Sequence[str]) -> int:
    known = parser(__doc__)
    known.add_argument(
        "--python", action="append", default=[], metavar="PEER=PATH", help="a peer's interpreter"
    )
    asked = known.parse_args(argv)
    given = Options(asked.short, asked.out or (None if asked.short else RESULTS))
    extra = ["--pairs", "1", "--only", "plain", "keras", "--others", "1"] if given.short else []
    for python in asked.python:
        extra += ["--python", python]
    with tempfile.TemporaryDirectory() as folder:
        ran = run(
            [sys.executable, TOP / "benchmarks" / "lenet_mnist.py", "--out", folder, *extra],
            timeout=2 * 3600, **({"BENCH_SECONDS": "0.3", "OMP_NUM_THREADS": "1"} if given.short else {}),
        )  # fmt: skip
        if ran.code:
            raise SystemExit(f"the benchmark ended with {ran.code}\n{ran.err[-3000:]}")
        result = json.loads((Path(folder) / "lenet_mnist.json").read_text())
        page = (Path(folder) / "lenet_mnist.md").read_text()
    wrong, rows = [], []
    for peer in result["peers"]:
        least = LEAST.get(peer["name"]) if peer["precision"] == "f32" and not given.short else None
        taken = max(one[who]["others"] for one in peer["runs"] for who in ("pellucid", "peer"))
        rows.append(
            (f"{peer['name']}, {peer['precision']}", f"{peer['ratio']['median']:.2f}",
             f"{peer['ratio']['lower']:.2f} – {peer['ratio']['upper']:.2f}", least or "-", f"{taken:.0%}")
        )  # fmt: skip
        for who in ("pellucid", "peer"):
            if not peer["settings"][who]:
                wrong.append(f"{peer['name']}: the settings of {who} are not told")
        if least and peer["ratio"]["median"] < least:
            wrong.append(f"{peer['ratio']['median']:.2f} x {peer['name']}, at least {least} wanted")
    if "Settings" not in page:
        wrong.append("the benchmark's page has no settings")
    measured = {peer["name"] for peer in result["peers"]}
    for name in LEAST if not given.short else ["plain PyTorch"]:
        if name not in measured:
            wrong.append(f"{name} was not measured: {'; '.join(result['left_out'].values())}")
    body = table(["peer", "ratio, median:", "quartiles:", "at least:", "others took:"], rows)
    body += "\n\n" + page.partition("\n")[2].strip()
    figures = {"n": result["pairs"], "seed": 0, "least": LEAST, "benchmark": result}
    return conclude("lenet_speed", "bench-lenet on MNIST against its peers", given, figures, body, wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
