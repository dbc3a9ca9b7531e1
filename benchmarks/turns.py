"""Two programs in turns, every run a fresh process, with what else the machine was doing meanwhile."""

from __future__ import annotations

import atexit
import json
import os
import platform
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
# Sources are compiled once, by the first run, as pip compiles what it installs, also where the shell forbids it.
BYTECODE = tempfile.mkdtemp(prefix="pellucid-benchmarks-")
atexit.register(shutil.rmtree, BYTECODE, ignore_errors=True)


def run(python: str, module: str, *arguments: str) -> dict:
    """One fresh process; what it printed. `others` is the share of the machine that other processes took meanwhile."""
    environment = os.environ | {
        "PYTHONPATH": f"{HERE}{os.pathsep}{HERE.parent / 'src'}", "PYTHONPYCACHEPREFIX": BYTECODE,
        "PYTHONDONTWRITEBYTECODE": "",
    }  # fmt: skip
    before, own = _busy(), _children()
    begin = time.monotonic()
    done = subprocess.run(
        [python, "-m", f"peers.{module}", *arguments],
        capture_output=True, text=True, cwd=HERE, env=environment, check=False,
    )  # fmt: skip
    seconds = time.monotonic() - begin
    if done.returncode:
        raise SystemExit(f"{module} {' '.join(arguments)} failed:\n{done.stderr[-3000:]}")
    result = json.loads(done.stdout.strip().splitlines()[-1])
    busy = (_busy() - before) - (_children() - own)
    return result | {"others": round(max(busy, 0.0) / seconds / (os.cpu_count() or 1), 3)}


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
