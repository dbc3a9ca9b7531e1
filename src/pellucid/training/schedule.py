"""The learning rate of every step: one cycle, up and down once (Smith and Topin 2017, "Super-convergence")."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_START, _END = 0.1, 0.002  # of the peak


def rates(first: int, count: int, total: int, peak: float, warmup: float) -> NDArray[np.float32]:
    """Rates [count] of the steps from `first`, of `total` in the run.

    A straight rise to `peak` over the first `warmup` of the steps, then half a cosine down to nearly nothing.
    """
    step = np.arange(first, first + count, dtype=np.float64)
    turn = warmup * total
    rising = _START + (1 - _START) * step / max(turn, 1)
    down = (step - turn) / max(total - 1 - turn, 1)
    falling = _END + (1 - _END) * (1 + np.cos(np.pi * np.clip(down, 0, 1))) / 2
    return (peak * np.where(step < turn, rising, falling)).astype(np.float32)
