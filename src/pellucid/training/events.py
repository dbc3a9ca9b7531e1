"""What a run tells while it goes: plain records, yielded by `training.run`, shown by whoever asked."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pellucid.evaluation import Evaluation


@dataclass(frozen=True)
class Preparing:
    """Pictures being read into the cache."""

    done: int
    total: int


@dataclass(frozen=True)
class DataReady:
    """The pictures that will be used, and what was left out and why."""

    name: str
    count: int
    height: int
    width: int
    channels: int
    classes: tuple[str, ...]
    train: int
    validation: int
    test: int
    left_out: tuple[tuple[str, str], ...] = ()  # (path, reason)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class NetworkReady:
    """What will be trained, and what trains it."""

    name: str
    text: str
    parameters: int
    mult_adds: int
    engine: str
    out: Path
    resumed: int = 0  # epochs done before


@dataclass(frozen=True)
class Progress:
    """Within an epoch: sums so far over the pictures seen."""

    epoch: int
    epochs: int
    done: int  # pictures of this epoch
    total: int
    loss: float
    accuracy: float
    rate: float  # pictures a second
    seconds_left: float  # of the whole run


@dataclass(frozen=True)
class EpochRecord:
    """One finished epoch, counted from 1; a line of history.jsonl. Training figures are as seen while training."""

    epoch: int
    epochs: int
    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float
    validation_count: int
    learning_rate: float
    rate: float  # pictures a second
    seconds: float  # since the run's start, breaks left out
    best: bool

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Note:
    """A sentence for the user."""

    text: str


@dataclass(frozen=True)
class Finished:
    """The run is done: the model file is written and was measured on the test part, through the file itself."""

    model: Path
    test: Evaluation | None
    best_epoch: int
    seconds: float
    agreement: float  # largest difference of a probability between engine, model and bare onnxruntime
    history: tuple[EpochRecord, ...] = field(default=(), repr=False)
    report: Path | None = None  # none without a test part


Event = Preparing | DataReady | NetworkReady | Progress | EpochRecord | Note | Finished
