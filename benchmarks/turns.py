"""Two programs in turns, every run a fresh process, with what else the machine was doing meanwhile."""

from __future__ import annotations

import argparse
import atexit
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
# Sources are compiled once, by the first run, as pip compiles what it installs, also where the shell forbids it.
BYTECODE = tempfile.mkdtemp(prefix="pellucid-benchmarks-")
atexit.register(shutil.rmtree, BYTECODE, ignore_errors=True)


def run(python: str, module: str, *arguments: str) -> dict:
    """One peer in a fresh process: what it printed, with `seconds` and `others` as `timed` has them."""
    out, about = timed([python, "-m", f"peers.{module}", *arguments])
    return json.loads(out.strip().splitlines()[-1]) | about


def timed(command: Sequence[str], **variables: str) -> tuple[str, dict]:
    """One fresh process: its stdout, the seconds that it lived, and `others`, the share of the machine that other
    processes took meanwhile."""
    environment = os.environ | {
        "PYTHONPATH": f"{HERE}{os.pathsep}{HERE.parent / 'src'}", "PYTHONPYCACHEPREFIX": BYTECODE,
        "PYTHONDONTWRITEBYTECODE": "",
    }  # fmt: skip
    before, own = _busy(), _children()
    begin = time.monotonic()
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=HERE, env=environment | variables, check=False
    )
    seconds = time.monotonic() - begin
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-3000:]}")
    busy = (_busy() - before) - (_children() - own)
    others = round(max(busy, 0.0) / seconds / (os.cpu_count() or 1), 3)
    return done.stdout, {"seconds": round(seconds, 3), "others": others}


def sgemm(python: str) -> float:
    """This machine's GFLOP/s now: the best of some products of 2048 x 2048 matrices in float32."""
    code = (
        "import torch, time\na = torch.randn(2048, 2048)\nbest = 9.0\n"
        "for _ in range(8):\n    t = time.perf_counter(); a @ a; best = min(best, time.perf_counter() - t)\n"
        "print(2 * 2048**3 / best / 1e9)"
    )
    return round(float(subprocess.check_output([python, "-c", code], text=True)), 1)


def pairs_of(
    own: Callable[[int], dict],
    peer: Callable[[int], dict],
    figure: str,
    pairs: int,
    others: float,
    python: str = sys.executable,
) -> tuple[list[dict], int] | None:
    """`pairs` runs of both, in turns, whoever was second before going first: (runs, how many pairs were tried).

    Each run is given its number and gives a dict with `figure` and `others`. A pair counts only if other programs took
    at most `others` of the processors in both of its runs: decided by their load alone, never by the ratio. None where
    three times as many pairs were not enough.
    """
    runs: list[dict] = []
    for number in range(3 * pairs):
        order = (
            (("pellucid", own), ("peer", peer)) if number % 2 == 0 else (("peer", peer), ("pellucid", own))
        )
        found: dict = {"sgemm": sgemm(python)}
        for who, go in order:
            found[who] = go(number)
        found["ratio"] = found["pellucid"][figure] / found["peer"][figure]
        calm = max(found["pellucid"]["others"], found["peer"]["others"]) <= others
        runs += [found] if calm else []
        print(
            f"  {found['peer']['name']}, pair {number + 1}: {found['pellucid'][figure]:,.4g} against "
            f"{found['peer'][figure]:,.4g} = {found['ratio']:.2f} x  (sgemm {found['sgemm']:.0f}, others took "
            f"{found['pellucid']['others']:.0%} and {found['peer']['others']:.0%})"
            f"{'' if calm else ': does not count'}",
            file=sys.stderr, flush=True,
        )  # fmt: skip
        if len(runs) == pairs:
            return runs, number + 1
    return None


def options(about: str | None, name: str) -> argparse.ArgumentParser:
    """The options that the benchmarks share. `name`: of the two files written."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument(
        "--python", action="append", default=[], metavar="PEER=PATH", help="another interpreter for a peer"
    )
    parser.add_argument(
        "--others", type=float, default=0.05,
        help="largest share that other programs may take in a pair that counts",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--name", default=name, help="of the two files written")
    return parser


def surroundings(given: argparse.Namespace) -> dict:
    """What stands above every result."""
    return {
        "date": datetime.now(UTC).date().isoformat(), "machine": processor(),
        "cores": len(os.sched_getaffinity(0)), "python": platform.python_version(), "pairs": given.pairs,
        "others_at_most": given.others,
    }  # fmt: skip


def heading(title: str, result: dict) -> list[str]:
    """The first lines of a result's page."""
    return [
        f"# {title}", "",
        f"{result['machine']}, {result['cores']} cores, Python {result['python']}, {result['date']}. "
        f"{result['pairs']} pairs for each peer, in turns, every run a fresh process; medians, quartiles in brackets. "
        "Ratio: of the two runs of a pair. `sgemm`: this machine's GFLOP/s at the time. "
        "`others`: largest share of the processors that other programs took during a run; pairs with more than "
        f"{result['others_at_most']:.0%} were not counted.", "",
    ]  # fmt: skip


def write(given: argparse.Namespace, result: dict, page: str) -> None:
    """The result as JSON and as the page."""
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / f"{given.name}.json").write_text(json.dumps(result, indent=1) + "\n")
    (given.out / f"{given.name}.md").write_text(page)


def missing(python: str, needs: tuple[str, ...]) -> list[str]:
    """The packages that this Python lacks."""
    code = f"import importlib.util as u; print(*[n for n in {needs!r} if u.find_spec(n) is None])"
    return subprocess.check_output([python, "-c", code], text=True).split()


def spread(values: list[float]) -> dict[str, float]:
    """Median and quartiles."""
    if len(values) == 1:
        return {"median": values[0], "lower": values[0], "upper": values[0]}
    lower, median, upper = statistics.quantiles(values, n=4, method="inclusive")
    return {"median": median, "lower": lower, "upper": upper}


def in_words(values: dict[str, float], form: str) -> str:
    """A spread as a table shows it: the median, the quartiles in brackets."""
    return f"{values['median']:{form}} ({values['lower']:{form}} - {values['upper']:{form}})"


def processor() -> str:
    """The processor's name as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _busy() -> float:
    """Processor seconds that all processes have used since the machine started."""
    try:
        user, nice, system = Path("/proc/stat").read_text().splitlines()[0].split()[1:4]
    except OSError:
        return 0.0
    return (int(user) + int(nice) + int(system)) / os.sysconf("SC_CLK_TCK")


def _children() -> float:
    times = os.times()
    return times.children_user + times.children_system
