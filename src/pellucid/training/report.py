"""A run's report: what its folder and its measurement say, put together for the page."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import DataError
from pellucid.evaluation import Measured
from pellucid.evaluation.metrics import confidences, predictions
from pellucid.evaluation.page import DataRecord, Epoch, Report, choose, read_pictures
from pellucid.evaluation.page.pictures import WORST
from pellucid.images import Source, read_split
from pellucid.images.sources import PARTS
from pellucid.images.splitting import UNREADABLE
from pellucid.model import ModelFile
from pellucid.storage import shown, typed
from pellucid.training.folder import HISTORY_FILE, SPLIT_FILE
from pellucid.training.settings import SETTINGS_FILE, read_settings

OWN_TEST = "they are the test part, kept aside before training and used for nothing else"
Excluded = tuple[tuple[str, str], ...]


@dataclass(frozen=True, eq=False)
class RunRecord:
    """What a run knows beside its model: settings by name, epochs, pictures, and what of these couldn't be used."""

    settings: dict[str, Any]
    epochs: tuple[Epoch, ...]
    data: DataRecord
    excluded: Excluded


def make_report(
    model: ModelFile,
    source: Source,
    measured: Measured,
    measured_on: str,
    run: RunRecord | None,
    excluded: Excluded,
) -> Report:
    """The report of a measurement on pictures of `source`; it reads those that are shown."""
    evaluation = measured.evaluation
    shares = measured.probabilities.astype(np.float64)
    predicted, confidence = predictions(shares), confidences(shares)
    places = choose(measured.labels, predicted, confidence)
    wrong = evaluation.count - int(evaluation.confusion.trace())
    return Report(
        name=source.name,
        measured_on=measured_on,
        evaluation=evaluation,
        labels=measured.labels,
        predicted=predicted,
        confidence=confidence,
        pictures=read_pictures(source, measured.rows, places, min(wrong, WORST)),
        model=model.where,
        created=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        excluded=(*excluded, *measured.left_out),
        best_epoch=model.card.epoch,
        epochs=run.epochs if run else (),
        data=run.data if run else None,
        facts=_facts(model, run),
    )


def data_record(
    where: str, labels: NDArray[np.int64], parts: Sequence[str] | NDArray[np.str_], classes: int, dropped: int,
    notes: Iterable[str] = (),
) -> DataRecord:  # fmt: skip
    """How many pictures of each class are in each part; `labels` [n] and `parts` [n] are of all pictures."""
    counts = np.stack(
        [np.bincount(labels[np.asarray(parts) == part], minlength=classes) for part in PARTS], axis=1
    )
    return DataRecord(where, counts, dropped, tuple(notes))


def read_run(model: ModelFile) -> RunRecord | None:
    """What the run folder around the model says; None where it isn't there or isn't of these classes."""
    folder = Path(model.where).parent
    if not all((folder / name).is_file() for name in (SETTINGS_FILE, HISTORY_FILE, SPLIT_FILE)):
        return None
    table = read_split(folder / SPLIT_FILE)
    place = {name: i for i, name in enumerate(model.classes)}
    labels = np.array([place.get(shown(name), -1) for name in table.labels], np.int64)
    if (labels < 0).any():
        return None
    unreadable = np.flatnonzero(table.parts == UNREADABLE).tolist()
    card = model.card
    return RunRecord(
        settings=read_settings(folder / SETTINGS_FILE),
        epochs=_read_history(folder / HISTORY_FILE),
        data=data_record(
            card.data.source if card.data else "", labels, table.parts, len(place),
            card.split.dropped if card.split else 0,
        ),
        excluded=tuple((table.paths[row], "it could not be read when the model was trained") for row in unreadable),
    )  # fmt: skip


def _read_history(path: Path) -> tuple[Epoch, ...]:
    try:
        records = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        return tuple(epoch_of(record) for record in records)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            "The run's history can't be read", where=shown(path), received=f"{error!r:.80}",
            remedy="put the run's own history.jsonl back, or take this one away",
        ) from error  # fmt: skip


def epoch_of(record: dict[str, Any]) -> Epoch:
    """A line of history.jsonl as the page takes it."""
    return Epoch(
        number=int(record["epoch"]),
        loss=float(record["loss"]),
        accuracy=float(record["accuracy"]),
        validation_loss=float(record["validation_loss"]),
        validation_accuracy=float(record["validation_accuracy"]),
    )


def _facts(model: ModelFile, run: RunRecord | None) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    card, size = model.card, model.card.preprocessing
    about = {
        "file": model.where,
        "network": card.network,
        "parameters": f"{model.network.parameter_count:,}",
        "layers": ", ".join(f"{count} {kind}" for kind, count in _kinds(model)),
        "pictures brought to": f"{size.height} x {size.width} x {size.channels} (height, width, channels), {size.fit}",
        "temperature": f"{card.temperature:.4f}",
        "made": card.created,
    }
    if card.data:
        about |= {"trained on": card.data.source, "fingerprint of the pictures": card.data.fingerprint}
    if run:
        about["the same again"] = (
            f"pellucid train --settings {typed(Path(model.where).parent / SETTINGS_FILE)}"
        )
    tables = [("The model", about)]
    if run:
        tables.append(("Settings of the run", _flat(run.settings)))
    tables.append(("Versions of what computed", dict(card.versions)))
    return tuple((title, tuple(pairs.items())) for title, pairs in tables)


def _kinds(model: ModelFile) -> list[tuple[str, int]]:
    return Counter(type(node.layer).__name__ for node in model.network.nodes).most_common()


def _flat(settings: dict[str, Any], before: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in settings.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{before}{name}.")
        else:
            found[before + name] = "not set" if value is None else str(value)
    return found
