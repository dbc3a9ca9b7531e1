"""What all peers share: MNIST as arrays, and the clock. No framework is imported here."""

from __future__ import annotations

import gzip
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

STARTED = time.time() - time.monotonic()  # the wall clock at the monotonic clock's zero
MNIST = Path(__file__).parents[2] / "src" / "pellucid" / "images" / "builtin" / "mnist"
MEAN, DEVIATION = 0.1307, 0.3081
SECONDS = float(os.environ.get("BENCH_SECONDS", "6"))  # of measuring, after as many for warming up at most


def mnist(part: str = "train"):
    """Pictures uint8 [n, 28, 28] and labels int64 [n] of a part: `train`, 60,000, or `t10k`, 10,000 for testing."""
    import numpy as np

    def read(name: str, offset: int):
        return np.frombuffer(gzip.decompress((MNIST / name).read_bytes()), np.uint8, offset=offset)

    pictures = read(f"{part}-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)
    return pictures.copy(), read(f"{part}-labels-idx1-ubyte.gz", 8).astype(np.int64)


def noise(side: int):
    """Pictures of noise uint8 [2048, side, side, 3], and labels int64 [2048] of 10 classes: for speed alone."""
    import numpy as np

    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (2048, side, side, 3), np.uint8), rng.integers(0, 10, 2048)


def rate_of(step: Callable[[int], int], warm: int = 20, seconds: float = SECONDS) -> float:
    """Pictures per second of `step(number) -> pictures`, after `warm` steps."""
    for number in range(warm):
        step(number)
    pictures, number, start = 0, warm, time.perf_counter()
    while (spent := time.perf_counter() - start) < seconds:
        pictures += step(number)
        number += 1
    return pictures / spent


def best_batch(
    make: Callable[[int], Callable[[int], int]], sizes: tuple[int, ...]
) -> tuple[int, dict[int, float]]:
    """The batch size with the highest rate in a short trial each, as somebody who tunes would choose it."""
    rates = {size: round(rate_of(make(size), warm=8, seconds=SECONDS / 6)) for size in sizes}
    return max(rates, key=lambda size: rates[size]), rates


def process_start() -> float:
    """When this process began, on time.time()'s clock (Linux; else when this module was imported)."""
    try:
        ticks = float(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        uptime = float(Path("/proc/uptime").read_text().split()[0])
        return time.time() - uptime + ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return STARTED


def report(name: str, settings: dict, ready: float, rate: float, loss: float, precision: str = "f32") -> None:
    """One line of JSON on stdout. `ready` is time.time() when the first step was done: the cold start."""
    result = {
        "name": name,
        "precision": precision,
        "settings": settings,
        "cold_seconds": round(ready - process_start(), 3),
        "pictures_per_second": round(rate, 1),
        "loss": round(loss, 4),
    }
    print(json.dumps(result), flush=True)


def report_epochs(name: str, settings: dict, seconds: list[float], pictures: int, mean: float) -> None:
    """One line of JSON on stdout: the seconds of each epoch from files to batches. `mean` shows that values came."""
    result = {
        "name": name,
        "settings": settings,
        "first_seconds": round(seconds[0], 4),
        "second_seconds": round(seconds[1], 4),
        "pictures": pictures,
        "mean": round(mean, 4),
    }
    print(json.dumps(result), flush=True)


def report_model(name: str, settings: dict, accuracy: float, precision: str) -> None:
    """One line of JSON on stdout: a model that was trained from a cold start, and its test accuracy."""
    result = {"name": name, "precision": precision, "settings": settings, "accuracy": round(accuracy, 4)}
    print(json.dumps(result), flush=True)
