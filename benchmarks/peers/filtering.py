"""One filter over one picture of 12 megapixels in colour, by one library: seconds and memory.

python -m peers.filtering TASK WAY
"""

from __future__ import annotations

import contextlib
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

HEIGHT, WIDTH = 3000, 4000
CALLS, ENOUGH = 3, 8.0  # calls a process, and seconds after which no more are made
OWN = np.round(np.random.default_rng(5).normal(size=(5, 5)), 3)
GAUSSIAN = np.exp(-((np.arange(5) - 2.0) ** 2) / 2) / np.exp(-((np.arange(5) - 2.0) ** 2) / 2).sum()
# What is computed: the kernel as it slides, and pellucid's text for it.
TASKS: dict[str, tuple[np.ndarray, str]] = {
    "sobel 3x3": (np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]), "sobel-x"),
    "laplacian 3x3": (np.array([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]]), "laplacian"),
    "gaussian 5x5": (np.outer(GAUSSIAN, GAUSSIAN), "gaussian 5 sigma 1"),
    "any 5x5": (OWN, "[" + "; ".join(" ".join(map(str, row)) for row in OWN) + "]"),
}
Way = Callable[[np.ndarray, np.ndarray, str], np.ndarray]


def pellucid(pixels: np.ndarray, kernel: np.ndarray, text: str) -> np.ndarray:
    from pellucid import filters

    return filters.apply(pixels, text)


def ndimage_correlate(pixels: np.ndarray, kernel: np.ndarray, text: str) -> np.ndarray:
    from scipy import ndimage

    weights = kernel.astype(np.float32)[:, :, None]
    return ndimage.correlate(pixels, weights, output=np.float32, mode="constant")


def ndimage_own(pixels: np.ndarray, kernel: np.ndarray, text: str) -> np.ndarray:
    """SciPy's own function for this filter, which knows that it is two of one dimension."""
    from scipy import ndimage

    if text in ("sobel-x", "laplacian"):
        answer = np.empty(pixels.shape, np.float32)
        for channel in range(3):
            plane, made = pixels[:, :, channel], answer[:, :, channel]
            if text == "sobel-x":
                ndimage.sobel(plane, axis=1, output=made, mode="constant")
            else:
                ndimage.laplace(plane, output=made, mode="constant")
        return answer
    row = GAUSSIAN.astype(np.float32)
    across = ndimage.correlate1d(pixels, row, axis=1, output=np.float32, mode="constant")
    return ndimage.correlate1d(across, row, axis=0, output=across, mode="constant")


def _by_signal(convolve: Callable[..., np.ndarray]) -> Way:
    def way(pixels: np.ndarray, kernel: np.ndarray, text: str) -> np.ndarray:
        turned = np.ascontiguousarray(kernel[::-1, ::-1], np.float32)
        answer = np.empty(pixels.shape, np.float32)
        for channel in range(3):
            answer[:, :, channel] = convolve(pixels[:, :, channel].astype(np.float32), turned, mode="same")
        return answer

    return way


def convolve2d(pixels: np.ndarray, kernel: np.ndarray, text: str) -> np.ndarray:
    from scipy import signal

    return _by_signal(signal.convolve2d)(pixels, kernel, text)


def oaconvolve(pixels: np.ndarray, kernel: np.ndarray, text: str) -> np.ndarray:
    from scipy import signal

    return _by_signal(signal.oaconvolve)(pixels, kernel, text)


def fftconvolve(pixels: np.ndarray, kernel: np.ndarray, text: str) -> np.ndarray:
    from scipy import signal

    return _by_signal(signal.fftconvolve)(pixels, kernel, text)


def skimage_own(pixels: np.ndarray, kernel: np.ndarray, text: str) -> np.ndarray:
    """scikit-image's function for this filter, on float32 and in pellucid's units."""
    from skimage import filters

    real = pixels.astype(np.float32)
    if text == "gaussian 5 sigma 1":
        return filters.gaussian(real, 1, truncate=2, mode="constant", channel_axis=2, preserve_range=True)
    answer = np.empty(pixels.shape, np.float32)
    for channel in range(3):
        if text == "sobel-x":
            answer[:, :, channel] = filters.sobel_v(real[:, :, channel]) * 4
        else:
            answer[:, :, channel] = -filters.laplace(real[:, :, channel])
    return answer


WAYS: dict[str, Way] = {
    "pellucid": pellucid,
    "scipy.ndimage.correlate": ndimage_correlate,
    "scipy.ndimage, its own": ndimage_own,
    "scipy.signal.convolve2d": convolve2d,
    "scipy.signal.oaconvolve": oaconvolve,
    "scipy.signal.fftconvolve": fftconvolve,
    "scikit-image": skimage_own,
}


def ways_for(task: str) -> list[str]:
    """The ways that know this task, pellucid left out.

    For any kernel scikit-image has LPIFilter2D alone, which gives absolute values: another answer (and took 156 s).
    """
    special = ("scipy.ndimage, its own", "scikit-image")
    return [way for way in WAYS if way != "pellucid" and not (way in special and task == "any 5x5")]


def memory(word: str) -> int:
    """A line of /proc/self/status in bytes; 0 where there is none."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(word))
    except (OSError, StopIteration):
        return 0


def main(task: str, name: str) -> None:
    kernel, text = TASKS[task]
    way = WAYS[name]
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    way(pixels[:64, :64], kernel, text)  # imports
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before, seconds = memory("VmRSS"), []
    answer = None
    while len(seconds) < CALLS and sum(seconds) < ENOUGH:
        answer = None
        begin = time.perf_counter()
        answer = way(pixels, kernel, text)
        seconds.append(time.perf_counter() - begin)
    assert answer is not None and answer.shape == pixels.shape
    grown = memory("VmHWM") - before
    part = answer[1000:1200, 1000:1200].astype(np.float64)
    checks = [float(part.mean()), float(np.abs(part).mean()), float(part[7, 11, 1]), float(part[100, 3, 2])]
    print(
        json.dumps(
            {
                "seconds": round(statistics.median(seconds), 4),
                "calls": len(seconds),
                "grown": grown,
                "checks": checks,
            }
        ),
        flush=True,
    )


if __name__ == "__main__":
    main(*sys.argv[1:3])
