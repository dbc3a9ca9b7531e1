"""Dropout: in training some values are set to 0, drawn at random; in the finished model nothing happens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pellucid.errors import NetworkError
from pellucid.network.layers.base import Argument, Form, Layer


@dataclass(frozen=True)
class Dropout(Layer):
    """Values kept in training are divided by 1 - rate (Srivastava et al. 2014, the inverted form)."""

    rate: float = 0.5

    word: ClassVar[str] = "dropout"
    prefix: ClassVar[str] = "dropout"
    arguments: ClassVar[tuple[Argument, ...]] = (Argument("rate", Form.NUMBER),)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.rate < 1:
            raise NetworkError("dropout: rate must be from 0 to below 1", received=repr(self.rate))
