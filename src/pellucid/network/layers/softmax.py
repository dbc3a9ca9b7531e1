"""Softmax: logits to probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pellucid.network.layers.base import Layer


@dataclass(frozen=True)
class Softmax(Layer):
    """exp(x_i) / sum over the channels j of exp(x_j)."""

    word: ClassVar[str] = "softmax"
    prefix: ClassVar[str] = "softmax"
