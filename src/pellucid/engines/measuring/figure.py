"""A measured figure: its values, one a round, and what belongs to it."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Group = Literal["machine", "layers", "rest", "whole", "training"]


@dataclass(frozen=True)
class Row:
    """One figure. `values` is one of each round, in `unit`; `seconds` went into measuring them, all rounds together.

    `about` is what else belongs to it, as plain values: threads, settings, shares.
    """

    part: Group
    name: str
    unit: str
    values: Sequence[float]
    seconds: float
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def median(self) -> float:
        """The middle of the values."""
        return statistics.median(self.values)

    @property
    def quartiles(self) -> tuple[float, float]:
        """A quarter of the values lies below the first, a quarter above the second."""
        if len(self.values) == 1:
            return self.values[0], self.values[0]
        lower, _, upper = statistics.quantiles(self.values, n=4, method="inclusive")
        return lower, upper

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, to four significant figures."""
        lower, upper = self.quartiles
        return {
            "part": self.part, "name": self.name, "unit": self.unit, "median": rounded(self.median),
            "lower": rounded(lower), "upper": rounded(upper), "n": len(self.values),
            "seconds": round(self.seconds, 2), **self.about,
        }  # fmt: skip


def rounded(value: float) -> float:
    """To four significant figures: more would be noise."""
    return float(f"{value:.4g}")
