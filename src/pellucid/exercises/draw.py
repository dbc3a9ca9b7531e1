"""What a question is drawn from: pure functions of (version, seed, topic, level, place, try) and a word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from pellucid import draws

T = TypeVar("T")


@dataclass(frozen=True)
class Draw:
    """Draws by name: the same name gives the same draw, whatever else is drawn, and in any order."""

    keys: tuple[int, ...]

    def task(self, options: Sequence[T]) -> T:
        """What is asked: the same for 60 tries, so that tasks that seldom come out well aren't asked less often."""
        return Draw((*self.keys[:-1], self.keys[-1] // 60)).pick("task", options)

    def whole(self, name: str, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self._bits(name, 1)[0] % np.uint64(high - low + 1))

    def array(self, name: str, shape: Sequence[int], low: int, high: int) -> NDArray[np.int64]:
        """Whole numbers from `low` to `high`, in this shape."""
        span = np.uint64(high - low + 1)
        return low + (self._bits(name, int(np.prod(shape))) % span).astype(np.int64).reshape(shape)

    def signed(self, name: str, shape: Sequence[int], most: int) -> NDArray[np.int64]:
        """Whole numbers from -most to most without 0, in this shape."""
        signs = 2 * self.array(f"{name}'s sign", shape, 0, 1) - 1
        return signs * self.array(name, shape, 1, most)

    def pick(self, name: str, options: Sequence[T]) -> T:
        """One of these."""
        return options[self.whole(name, 0, len(options) - 1)]

    def order(self, name: str, options: Sequence[T]) -> list[T]:
        """All of these, in another order."""
        return [options[int(place)] for place in np.argsort(self._bits(name, len(options)), kind="stable")]

    def _bits(self, name: str, count: int) -> NDArray[np.uint64]:
        return draws.bits(*self.keys, crc32(name.encode()), np.arange(count))
