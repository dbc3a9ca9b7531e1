"""Activation functions. Formulas: onnx/docs/Operators.md, with the numbers put in.

`scale` of an answer: the absolute terms that a runtime adds in its own number type. Where that is 1 + e^x, the 1 rounds
however small the result is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pellucid.network.operations.base import number
from pellucid.network.operations.pointwise import Answer, Pointwise

_NEGATIVE, _POSITIVE = "the input is negative", "the input is positive"


def _side(x: float) -> str:
    return _NEGATIVE if x < 0 else _POSITIVE if x > 0 else "the input is 0" if x == 0 else ""


def _sigmoid(x: float) -> float:
    """1 / (1 + e^-x), without an overflow on the way."""
    return float(1 / (1 + np.exp(-x)) if x >= 0 else np.exp(x) / (1 + np.exp(x)))


def _softplus(x: float) -> float:
    return float(np.maximum(x, 0) + np.log1p(np.exp(-abs(x))))


@dataclass(frozen=True)
class Relu(Pointwise):
    """max(0, x)."""

    kind: ClassVar[str] = "ReLU"

    def at(self, x: np.float64) -> Answer:
        return Answer(float(np.maximum(x, 0)), f"max(0, {number(x)})", note=_side(x))


@dataclass(frozen=True)
class LeakyRelu(Pointwise):
    """x, or alpha x where x is negative."""

    alpha: float = 0.01

    kind: ClassVar[str] = "leaky ReLU"

    def at(self, x: np.float64) -> Answer:
        if x < 0:
            return Answer(self.alpha * x, f"{number(self.alpha)} × {number(x)}", note=_NEGATIVE)
        return Answer(x, number(x), note=_side(x))


@dataclass(frozen=True)
class ThresholdedRelu(Pointwise):
    """x where it is above alpha, else 0."""

    alpha: float = 1.0

    kind: ClassVar[str] = "thresholded ReLU"

    def at(self, x: np.float64) -> Answer:
        above = bool(x > self.alpha)
        sign, words = (">", "above") if above else ("≤", "not above")
        text = f"{number(x) if above else 0}, as {number(x)} {sign} {number(self.alpha)}"
        return Answer(float(x) if above else 0.0, text, note=f"the input is {words} {number(self.alpha)}")


@dataclass(frozen=True)
class Clip(Pointwise):
    """min(max(x, low), high); a limit that is None isn't there. ReLU6 is the one from 0 to 6."""

    low: float | None = None
    high: float | None = None

    kind: ClassVar[str] = "limits"

    def at(self, x: np.float64) -> Answer:
        result, text, note = x, number(x), "within the limits"
        if self.low is not None:
            text = f"max({text}, {number(self.low)})"
            if x < self.low:
                result, note = np.float64(self.low), "the input is below the lower limit"
        if self.high is not None:
            text = f"min({text}, {number(self.high)})"
            if result > self.high:
                result, note = np.float64(self.high), "the input is above the upper limit"
        return Answer(float(result), text, note=note)


@dataclass(frozen=True)
class Elu(Pointwise):
    """gamma x, or gamma alpha (e^(x / divisor) - 1) where x is negative: ELU; SELU with gamma; CELU, whose divisor
    is its alpha."""

    alpha: float = 1.0
    gamma: float = 1.0
    divisor: float = 1.0

    kind: ClassVar[str] = "ELU"

    def at(self, x: np.float64) -> Answer:
        factor = "" if self.gamma == 1 else f"{number(self.gamma)} × "
        if not x < 0:
            return Answer(self.gamma * x, factor + number(x), note=_side(x))
        exponent = number(x) if self.divisor == 1 else f"{number(x)} / {number(self.divisor)}"
        factor += "" if self.alpha == 1 else f"{number(self.alpha)} × "
        multiplied = self.gamma * self.alpha
        text = f"{factor}(exp({exponent}) - 1)" if factor else f"exp({exponent}) - 1"
        return Answer(
            float(multiplied * np.expm1(x / self.divisor)),
            text,
            abs(multiplied) * (math.exp(x / self.divisor) + 1),
            _NEGATIVE,
        )


@dataclass(frozen=True)
class Sigmoid(Pointwise):
    """1 / (1 + e^-x)."""

    kind: ClassVar[str] = "sigmoid"

    def at(self, x: np.float64) -> Answer:
        # A runtime adds 0.5 and an odd function between -0.5 and 0.5, in which it rounds.
        result = _sigmoid(x)
        return Answer(result, f"1 / (1 + exp({number(-x)}))", 0.5 + abs(result - 0.5))


@dataclass(frozen=True)
class HardSigmoid(Pointwise):
    """max(0, min(1, alpha x + beta))."""

    alpha: float = 0.2
    beta: float = 0.5

    kind: ClassVar[str] = "hard sigmoid"

    def at(self, x: np.float64) -> Answer:
        line = self.alpha * x + self.beta
        text = f"max(0, min(1, {number(self.alpha)} × {number(x)} + {number(self.beta)}))"
        side = "within 0 and 1" if 0 < line < 1 else "held at 0" if line <= 0 else "held at 1"
        return Answer(float(np.clip(line, 0, 1)), text, abs(self.alpha * x) + abs(self.beta), side)


@dataclass(frozen=True)
class HardSwish(Pointwise):
    """x max(0, min(1, x / 6 + 0.5))."""

    kind: ClassVar[str] = "hard swish"

    def at(self, x: np.float64) -> Answer:
        line = float(x) / 6 + 0.5
        side = "the gate is partly open" if 0 < line < 1 else f"the gate is {'shut' if line <= 0 else 'open'}"
        text = f"{number(x)} × max(0, min(1, {number(x)} / 6 + 0.5))"
        return Answer(float(x * np.clip(line, 0, 1)), text, abs(x) * (abs(x) / 6 + 0.5), side)


@dataclass(frozen=True)
class Tanh(Pointwise):
    """(e^x - e^-x) / (e^x + e^-x)."""

    kind: ClassVar[str] = "tanh"

    def at(self, x: np.float64) -> Answer:
        return Answer(float(np.tanh(x)), f"tanh({number(x)})")


@dataclass(frozen=True)
class Gelu(Pointwise):
    """x / 2 (1 + erf(x / sqrt(2))); `tanh`: its approximation x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))."""

    tanh: bool = False

    kind: ClassVar[str] = "GELU"

    def at(self, x: np.float64) -> Answer:
        if self.tanh:
            inner = math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))
            text = f"{number(x)} / 2 × (1 + tanh(0.797885 × ({number(x)} + 0.044715 × {number(x**3)})))"
        else:
            inner = math.erf(x / math.sqrt(2))
            text = f"{number(x)} / 2 × (1 + erf({number(x)} / sqrt(2)))"
        return Answer(float(x / 2 * (1 + inner)), text, float(abs(x) / 2 * (1 + abs(inner))))


@dataclass(frozen=True)
class Softplus(Pointwise):
    """log(1 + e^x)."""

    kind: ClassVar[str] = "softplus"

    def at(self, x: np.float64) -> Answer:
        # A runtime forms 1 + e^-|x|, whose rounding the logarithm passes on.
        result = _softplus(x)
        return Answer(result, f"log(1 + exp({number(x)}))", 1 + result)


@dataclass(frozen=True)
class Softsign(Pointwise):
    """x / (1 + |x|)."""

    kind: ClassVar[str] = "softsign"

    def at(self, x: np.float64) -> Answer:
        return Answer(float(x / (1 + abs(x))), f"{number(x)} / (1 + |{number(x)}|)")


@dataclass(frozen=True)
class Mish(Pointwise):
    """x tanh(log(1 + e^x))."""

    kind: ClassVar[str] = "Mish"

    def at(self, x: np.float64) -> Answer:
        # As softplus, whose rounding tanh passes on at most once.
        return Answer(x * math.tanh(_softplus(x)), f"{number(x)} × tanh(log(1 + exp({number(x)})))", abs(x))


@dataclass(frozen=True)
class Swish(Pointwise):
    """x / (1 + e^(-alpha x)); SiLU with alpha 1."""

    alpha: float = 1.0

    kind: ClassVar[str] = "swish"

    def at(self, x: np.float64) -> Answer:
        # As x times the sigmoid of alpha x.
        gate = _sigmoid(self.alpha * x)
        return Answer(
            float(x * gate),
            f"{number(x)} / (1 + exp({number(-self.alpha * x)}))",
            float(abs(x) * (0.5 + abs(gate - 0.5))),
        )
