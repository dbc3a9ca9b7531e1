"""The Python interface: `pellucid.train`, `pellucid.load` and what a `Model` can do."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pellucid import training
from pellucid.errors import PellucidError
from pellucid.evaluation import Evaluation, measure
from pellucid.faces.notebook import live_cell
from pellucid.images import open_source
from pellucid.model import ModelFile
from pellucid.network.table import Summary
from pellucid.training import (
    Event,
    Finished,
    Settings,
    interruptible,
    make_settings,
    new_folder,
    own_test_part,
    validation_answers,
)
from pellucid.training.events import EpochRecord
from pellucid.training.settings import ARRAYS


class Model(ModelFile):
    """A trained model: predicts, is evaluated, shows its layers. `pellucid.load(path)` opens one."""

    def evaluate(self, data: Any = None) -> Evaluation:
        """Accuracy with its interval, figures by class, the confusion matrix, the calibration error.

        On `data` (whatever `train` takes), or on the test part that training kept aside, where the run folder still
        stands around the model file and the pictures are where they were. DataError says what is missing.
        """
        validation = validation_answers(self)
        if data is None:
            part = own_test_part(self)
            return measure(self, part.source, part.rows, part.digests, validation).evaluation
        source = open_source(data)
        return measure(self, source, np.arange(len(source)), validation=validation).evaluation

    def summary(self) -> Summary:
        """A row for each layer: shape, parameters, mult-adds, receptive field."""
        return self.network.summary()


def load(path: str | Path, threads: int | None = None) -> Model:
    """Open a model file that `train` wrote. ModelError where it is missing, damaged or not pellucid's."""
    return Model.open(path, threads)


def train(
    data: Any = "mnist",
    network: str = "auto",
    *,
    out: str | Path | None = None,
    watch: Callable[[Event], None] | None = None,
    **settings: Any,
) -> Model:
    """Train a classifier of pictures and give it back; its file is `Model.where`.

    Parameters: `data`, a folder of class folders, a table (.csv), an .npz file, IDX files, "mnist", or
    arrays (images, labels); `network`, a name of
    the zoo or a text like "conv 8 5x5, relu, maxpool 2, flatten, dense 10"; `out`, the run's folder (runs/NAME-N
    unless given); `watch`, called with every record of `pellucid.training.events` (unless given, an epoch's line
    goes to stderr, and in a notebook the cell shows one bar, then a table); `settings`, by their names in
    settings.json. Raises PellucidError's kinds.
    """
    text = str(data) if isinstance(data, str | Path) else ARRAYS
    made = make_settings({"data": text, "network": network, **settings})
    folder = new_folder(out, open_source(data, made.max_pixels).name)
    show = watch or live_cell() or print_epoch
    with interruptible() as stop:
        for event in training.train(made, folder, data=data, stop=stop):
            show(event)
            if isinstance(event, Finished):
                return load(event.model)
    raise PellucidError("Training ended without a model", where=str(folder))


def print_epoch(event: Event) -> None:
    """An epoch's line on stderr; other records say nothing."""
    if isinstance(event, EpochRecord):
        print(
            f"epoch {event.epoch}/{event.epochs}  loss {event.loss:.3f}  "
            f"validation {event.validation_accuracy:.2%}  {event.rate:,.0f} pictures/s",
            file=sys.stderr,
        )


__all__ = ["Model", "Settings", "load", "train"]
