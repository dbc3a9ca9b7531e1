"""What the machine can do at most: products with sums, a matrix product, memory.

Of each round the best of many short looks counts: other programs can only make a figure smaller, and few of them
disturb a look that is shorter than the turns in which the system lets programs run.
"""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from pellucid.native import native

SHORT = 0.002  # seconds of a look, with nothing to fetch first
LOOKS = 4  # at least, and where all memory is fetched anew
MEMORY = 96 * 2**20  # bytes that each thread goes through: more than the caches of small machines hold
CACHE = 192 * 2**10  # and what the second cache of a core holds
SIDE = 1536  # of the matrices


def processor() -> str:
    """The processor's name as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def multiply_add(instructions: str, threads: int, seconds: float) -> float:
    """GFLOP/s of float32 products with sums that stay in registers: nothing on this machine computes faster."""
    assert native
    run = native.multiply_add_rate
    return _best(lambda each: run(instructions, threads, each), seconds, SHORT) / 1e9


def bandwidth(instructions: str, threads: int, size: int, seconds: float) -> float:
    """GB/s of a triad (a = b + factor * c), each thread in `size` bytes of its own; one byte counts as one."""
    assert native
    run = native.triad_rate
    short = SHORT if size <= CACHE else seconds / LOOKS
    return _best(lambda each: run(instructions, threads, size, each), seconds, short) / 1e9


def matrix_product(seconds: float, side: int = SIDE) -> tuple[float, int]:
    """GFLOP/s of NumPy's float32 matrix product, and how many threads computed it."""
    a = np.random.default_rng(0).random((side, side), np.float32)
    c = a @ a
    best, begin, before = math.inf, time.perf_counter(), _thread_times()
    while (now := time.perf_counter()) - begin < seconds or math.isinf(best):
        np.matmul(a, a, out=c)
        best = min(best, time.perf_counter() - now)
    busy = sum(spent > before.get(thread, 0) for thread, spent in _thread_times().items())
    return 2 * side**3 / best / 1e9, max(1, busy)


def _thread_times() -> dict[str, int]:
    """The processor time of each of this process's threads, in the system's ticks; empty but on Linux."""
    found = {}
    for path in Path("/proc/self/task").glob("*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # a thread that has just ended
            continue
        found[path.parent.name] = int(fields[11]) + int(fields[12])
    return found


def blas() -> str:
    """The library behind NumPy's matrix product, and its version."""
    try:
        found = np.show_config(mode="dicts")["Build Dependencies"]["blas"]  # type: ignore[index]
        return f"{found['name']} {found.get('version', '')}".strip()
    except (KeyError, TypeError):
        return "not told by NumPy"


def _best(look: Callable[[float], float], seconds: float, short: float) -> float:
    """The best of looks that take `short` seconds each, `seconds` all together."""
    looks = max(LOOKS, round(seconds / short)) if short else LOOKS
    return max(look(seconds / looks) for _ in range(looks))
