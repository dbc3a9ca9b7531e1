"""Random numbers as pure functions of what they are for: (seed, epoch, index), never of when or where they are drawn.

The mixing function is splitmix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators";
constants of Vigna's splitmix64.c), applied key by key, so that native code can compute the same numbers.
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
            state = splitmix64(state + splitmix64(whole.astype(np.uint64)))
    return state


def uniform(*keys: Keys) -> NDArray[np.float64]:
    """A number from 0 to below 1 for each combination of keys, of 53 random bits."""
    return (bits(*keys) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def permutation(n: int, *keys: int) -> NDArray[np.int64]:
    """The numbers 0 to n - 1 in random order."""
    return np.argsort(bits(*keys, np.arange(n)), kind="stable")


def splitmix64(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Mix 64 bits so that neighbours come out unlike: one step of splitmix64 from each value."""
    with np.errstate(over="ignore"):
        mixed = values + _GOLDEN
        mixed = (mixed ^ (mixed >> np.uint64(30))) * _FIRST
        mixed = (mixed ^ (mixed >> np.uint64(27))) * _SECOND
        return mixed ^ (mixed >> np.uint64(31))
