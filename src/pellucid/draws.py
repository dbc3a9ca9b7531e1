"""Random numbers as pure functions of what they are for: (seed, epoch, index), never of when or where they are drawn.

The mixing function is splitmix64's finaliser (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number
generators"), applied key by key, so that native code can compute the same numbers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)

Keys = int | NDArray[np.integer]


def bits(*keys: Keys) -> NDArray[np.uint64]:
    """64 random bits for each combination of keys, which are whole numbers or arrays of them, broadcast together."""
    state: NDArray[np.uint64] = np.zeros((), np.uint64)
    with np.errstate(over="ignore"):
        for key in keys:
            whole = np.asarray(key & 0xFFFFFFFFFFFFFFFF if isinstance(key, int) else key)
            state = _mix(state + _GOLDEN + _mix(whole.astype(np.uint64) + _GOLDEN))
    return state


def uniform(*keys: Keys) -> NDArray[np.float64]:
    """A number from 0 to below 1 for each combination of keys, of 53 random bits."""
    return (bits(*keys) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def permutation(n: int, *keys: int) -> NDArray[np.int64]:
    """The numbers 0 to n - 1 in random order."""
    return np.argsort(bits(*keys, np.arange(n)), kind="stable")


def _mix(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    state = (state ^ (state >> np.uint64(30))) * _FIRST
    state = (state ^ (state >> np.uint64(27))) * _SECOND
    return state ^ (state >> np.uint64(31))
