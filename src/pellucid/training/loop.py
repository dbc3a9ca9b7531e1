"""The training loop: epochs over the cached pictures, told as records. Knows no framework."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import draws
from pellucid.engines.contract import Batches, Trainer
from pellucid.errors import Diverged
from pellucid.evaluation import log_loss, softmax
from pellucid.training.augmentation import augment
from pellucid.training.checkpoint import Checkpoint
from pellucid.training.events import EpochRecord, Note, Progress
from pellucid.training.schedule import rates
from pellucid.training.settings import AugmentationSettings, Settings

_ORDER = 0x0DE  # the stream of the sample order
_BREATH = 0.25  # seconds between two records; it changes nothing that is computed
_BEST = "best/"
EASY = 0.95  # validation accuracy after one epoch, from which the planned epochs are enough


@dataclass
class Place:
    """Where a run stands, beside the trainer's own state."""

    epoch: int = 0  # finished
    step: int = 0  # taken in the epoch under way
    loss: float = 0.0
    correct: int = 0
    count: int = 0
    seconds: float = 0.0
    best_epoch: int = 0
    best_accuracy: float = -1.0
    best_loss: float = float("inf")
    least_loss: float = float("inf")  # of validation, for patience
    least_loss_epoch: int = 0
    history: list[EpochRecord] = field(default_factory=list)


class Loop:
    """A run of epochs. `place` and `best_weights` are always those of the last record yielded.

    `best_logits` [len(validation), classes] are of the best weights; None where the best epoch was before a restore.

    `labels` int64 [n] are of all pictures; `train` and `validation` are rows. Settings are resolved.
    """

    def __init__(
        self,
        trainer: Trainer,
        settings: Settings,
        size: tuple[int, int],
        labels: NDArray[np.int64],
        train: NDArray[np.int64],
        validation: NDArray[np.int64],
    ):
        assert settings.epochs and settings.batch_size and settings.learning_rate
        self.trainer, self.settings, self.size = trainer, settings, size
        self.labels, self.train, self.validation = labels, train, validation
        self.planned, self.peak = settings.epochs, settings.learning_rate
        self.batch = settings.batch_size
        # Full batches only: the rest of an epoch's order waits for another epoch, a different rest each time.
        self.steps_per_epoch = max(len(train) // self.batch, 1)
        self.place = Place()
        self.best_weights: dict[str, NDArray[np.float32]] = {}
        self.best_logits: NDArray[np.float32] | None = None

    @property
    def epochs(self) -> int:
        """How many the run has: `hard_epochs` once the first one has shown that the task is hard."""
        history, longer = self.place.history, self.settings.hard_epochs
        if longer and history and history[0].validation_accuracy < EASY:
            return max(longer, self.planned)
        return self.planned

    def run(self) -> Iterator[Progress | EpochRecord | Note]:
        """Go on from `place` to the last epoch, or until patience ends. Stopping between two records is safe."""
        while self.place.epoch < self.epochs and not self._patience_ended():
            yield from self._epoch()
            if self.place.epoch == 1 and self.epochs > self.planned:
                wrong = 1 - self.place.history[0].validation_accuracy
                yield Note(
                    f"{wrong:.0%} of validation is still named wrongly after the first epoch: a hard task, "
                    f"{self.epochs} epochs instead of {self.planned} (--epochs {self.planned} keeps it short)"
                )

    def checkpoint(self) -> Checkpoint:
        """All that going on needs. Diverged where a weight is no number."""
        best = {f"{_BEST}{name}": array for name, array in self.best_weights.items()}
        if not _finite(self.trainer.weights(averaged=False)):
            raise self._diverged(
                "a weight"
            )  # the next loss may show it, but this is what the run would go on from
        return Checkpoint(dict(self.trainer.state()) | best, asdict(self.place))

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go back to where the checkpoint was made."""
        best = {name: array for name, array in checkpoint.arrays.items() if name.startswith(_BEST)}
        self.best_weights = {
            name.removeprefix(_BEST): array.astype(np.float32) for name, array in best.items()
        }
        self.best_logits = None
        self.trainer.restore({name: array for name, array in checkpoint.arrays.items() if name not in best})
        progress = dict(checkpoint.progress)
        history = [EpochRecord(**record) for record in progress.pop("history")]
        self.place = Place(**progress, history=history)

    def steps_taken(self) -> int:
        """Optimiser steps since the run's start."""
        return self.place.epoch * self.steps_per_epoch + self.place.step

    def _epoch(self) -> Iterator[Progress | EpochRecord]:
        place, epoch = self.place, self.place.epoch
        order = self.train[draws.permutation(len(self.train), self.settings.seed, _ORDER, epoch)]
        used = order[: self.steps_per_epoch * self.batch]
        rows = np.full((self.steps_per_epoch, self.batch), -1, np.int64)  # -1: fewer pictures than one batch
        rows.flat[: len(used)] = used
        count, seen, spent = 1, 0, 0.0
        while place.step < self.steps_per_epoch:
            start = time.monotonic()
            chunk = rows[place.step : place.step + count]
            report = self.trainer.steps(self._batches(chunk, epoch), self.steps_taken())
            if not np.isfinite(report.loss):
                raise self._diverged("the loss")
            place.loss += report.loss
            place.correct += report.correct
            place.count += report.count
            place.step += len(chunk)
            took = time.monotonic() - start
            place.seconds += took
            seen, spent = seen + report.count, spent + took
            count = int(np.clip(count * _BREATH / max(took, 1e-6), 1, 4 * count))
            yield self._progress(seen / spent)
        start = time.monotonic()
        record = self._finish_epoch(seen / max(spent, 1e-9), start)
        yield record

    def _batches(self, rows: NDArray[np.int64], epoch: int) -> Batches:
        settings = self.settings
        variation = augment(
            settings.augmentation or AugmentationSettings(), settings.seed, epoch, rows, *self.size
        )
        return Batches(rows, self._rates(self.steps_taken(), len(rows)), variation)

    def _rates(self, first: int, count: int) -> NDArray[np.float32]:
        """The learning rates of these steps. A run that was made longer keeps its rise, and falls more slowly."""
        warmup = self.settings.warmup
        if self.epochs > self.planned:
            warmup *= self.planned / self.epochs
        return rates(first, count, self.epochs * self.steps_per_epoch, self.peak, warmup)

    def _finish_epoch(self, rate: float, start: float) -> EpochRecord:
        """Measure on validation, keep the weights if they are the best so far, and begin the next epoch."""
        place = self.place
        answers = self.trainer.logits(self.validation)
        logits = answers.astype(np.float64)
        labels = self.labels[self.validation]
        if not np.isfinite(logits).all():
            raise self._diverged("the loss of validation")
        loss = log_loss(labels, softmax(logits))
        accuracy = float(np.mean(logits.argmax(axis=1) == labels))
        if loss is None or not np.isfinite(loss):
            raise self._diverged("the loss of validation")
        weights = self.trainer.weights()
        if not _finite(weights):  # what isn't a number can hide behind a ReLU, which makes it 0
            raise self._diverged("a weight")
        better = (accuracy, -loss) > (place.best_accuracy, -place.best_loss)
        if better:
            place.best_epoch, place.best_accuracy, place.best_loss = place.epoch + 1, accuracy, loss
            self.best_weights, self.best_logits = weights, answers
        if loss < place.least_loss:
            place.least_loss, place.least_loss_epoch = loss, place.epoch + 1
        place.seconds += time.monotonic() - start
        record = EpochRecord(
            epoch=place.epoch + 1,
            epochs=self.epochs,
            loss=place.loss / place.count,
            accuracy=place.correct / place.count,
            validation_loss=loss,
            validation_accuracy=accuracy,
            validation_count=len(labels),
            learning_rate=float(self._rates(self.steps_taken() - 1, 1)[0]),
            rate=rate,
            seconds=place.seconds,
            best=better,
        )
        place.history.append(record)
        place.epoch, place.step = place.epoch + 1, 0
        place.loss, place.correct, place.count = 0.0, 0, 0
        return record

    def _progress(self, rate: float) -> Progress:
        place = self.place
        per_epoch = self.steps_per_epoch * self.batch
        ahead = per_epoch * (self.epochs - place.epoch) - place.step * self.batch
        return Progress(
            epoch=place.epoch + 1,
            epochs=self.epochs,
            done=place.count,
            total=min(per_epoch, len(self.train)),
            loss=place.loss / place.count,
            accuracy=place.correct / place.count,
            rate=rate,
            seconds_left=ahead / rate,
        )

    def _patience_ended(self) -> bool:
        patience, place = self.settings.patience, self.place
        last_better = max(place.best_epoch, place.least_loss_epoch)
        return patience is not None and place.epoch - last_better >= patience

    def _diverged(self, what: str) -> Diverged:
        place = self.place
        return Diverged(
            f"training diverged in epoch {place.epoch + 1}: {what} is no longer a number",
            where=f"epoch {place.epoch + 1} of {self.epochs}, after {place.step} of its {self.steps_per_epoch} steps",
            received=f"learning rate {self.peak:g}",
            remedy=f"a smaller learning rate, as in --learning-rate {self.peak / 10:g}",
        )


def _finite(arrays: Mapping[str, NDArray[Any]]) -> bool:
    return all(np.isfinite(array).all() for array in arrays.values())
