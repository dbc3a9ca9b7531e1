"""One run from pictures to model.onnx, told as it goes. Whatever stops it, the run folder can be resumed."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import __version__
from pellucid.engines import muon
from pellucid.engines.choice import choose_engine
from pellucid.engines.contract import Engine, Recipe, Trainer
from pellucid.errors import DataError, Diverged, EngineError, Interrupted, PellucidError
from pellucid.evaluation import Measured, fit_temperature, measure, softmax
from pellucid.evaluation.page import write_report
from pellucid.evaluation.predictions import PREDICTIONS_FILE, Predictions, predictions_of, write_predictions
from pellucid.images import open_source, read_split, write_split
from pellucid.images.sources import counted
from pellucid.model import Card, DataCard, Figures, ModelFile, SplitCard, write_model
from pellucid.model.onnx_file import read_file
from pellucid.network import Network
from pellucid.storage import shown, typed
from pellucid.training import events, folder
from pellucid.training.agreement import check_agreement
from pellucid.training.checkpoint import clear_checkpoint, has_checkpoint, load_checkpoint, save_checkpoint
from pellucid.training.class_weights import class_counts, class_weights, note, resolve
from pellucid.training.data import Data, find_facts, load_data
from pellucid.training.defaults import resolve_size, resolve_training
from pellucid.training.loop import Loop, Place
from pellucid.training.network import chosen_network
from pellucid.training.report import OWN_TEST, RunRecord, data_record, epoch_of, make_report
from pellucid.training.settings import ARRAYS, BUILT_IN, Settings, with_full_paths
from pellucid.training.snapshots import most_snapshots, save_snapshot
from pellucid.training.tensorboard import write_events

CHECKPOINT_SECONDS = 20  # within long epochs
EPOCH_SECONDS = 1  # between short ones, which flushing to the disk would make twice as long


def train(
    settings: Settings,
    out: Path,
    data: Any = None,
    stop: Callable[[], bool] = lambda: False,
    on_read: Callable[[int, int], None] | None = None,
) -> Iterator[events.Event]:
    """Train in the folder `out`, from its checkpoint if it has one, and yield what happens.

    `data` stands for settings.data where it isn't a path (arrays, a Source). `stop` is asked between steps; where it
    says so, the run saves and raises Interrupted. `on_read(done, total)` follows the pictures into the cache.
    The last record is Finished; model.onnx is written and was measured by then. Diverged comes after model.onnx of the
    best epoch was written all the same, where there was one.
    """
    start = time.monotonic()
    if data is None or isinstance(data, str | Path):
        settings = with_full_paths(settings)
    try:
        folder.write_settings(out, settings)
        source = open_source(data if data is not None else settings.data, settings.max_pixels)
        facts = find_facts(source)
        settings = resolve_size(settings, facts)
        # Before the pictures are read, which can take long: all that can be wrong without them.
        network = chosen_network(settings, source.classes)
        device = "cuda" if settings.device == "cuda" else "cpu"
        choice = choose_engine(settings.engine, network, device, settings.precision)
        settings = settings.model_copy(update={"engine": choice.name})
        loaded = load_data(settings, source, _reading(out, stop, on_read))
        source = loaded.source  # its labels may have been corrected
    except PellucidError as error:
        if not isinstance(error, Interrupted):
            folder.discard_unstarted(out)
        raise
    facts = replace(facts, train=len(loaded.split.train))
    settings = resolve_training(settings, facts, network.mult_adds, muon.mult_adds(network))
    labels = np.asarray(source.labels, np.int64)
    counts = class_counts(labels[loaded.split.train], len(source.classes))
    settings = resolve(settings, counts)
    weights = class_weights(settings.class_weights, counts)
    folder.write_settings(out, settings)
    _write_split(out, loaded)
    yield _data_ready(loaded)
    if weights:
        yield events.Note(note(weights, counts))
    if choice.note:
        yield events.Note(choice.note)

    trainer = _trainer(choice.open, network, loaded, settings, weights)
    rows = loaded.split
    # A set too small for a validation part chooses by its training pictures, and says so.
    validation = rows.validation if len(rows.validation) else rows.train
    assert settings.height and settings.width
    loop = Loop(trainer, settings, (settings.height, settings.width), labels, rows.train, validation)
    checkpoint = load_checkpoint(out)
    if checkpoint is not None:
        loop.restore(checkpoint)
    yield events.NetworkReady(
        settings.network, network.text, network.parameter_count, network.mult_adds,
        f"{settings.engine} engine, {settings.threads} threads, {settings.precision}", out, loop.place.epoch,
    )  # fmt: skip
    before = loop.place.seconds
    if settings.snapshots and not most_snapshots(network):
        yield events.Note("the network is too large for snapshots of its weights by epoch: none are kept")
    diverged: Diverged | None = None
    try:
        yield from _epochs(loop, network, out, stop)
    except Diverged as error:
        if not loop.place.history:
            raise
        _write_curves(loop, out)
        diverged = error

    best = network.with_weights(loop.best_weights)
    path = out / folder.MODEL_FILE
    checker = _trainer(choice.open, best, loaded, settings, weights)
    answers = loop.best_logits if len(rows.validation) else None
    if answers is None:
        answers = checker.logits(rows.validation, averaged=False)
    logits = answers.astype(np.float64)
    card = _card(settings, loaded, best, loop, fit_temperature(logits, labels[rows.validation]))
    answered = _predictions("validation", loaded, rows.validation, softmax(logits / card.temperature))
    write_model(path, best, card)
    model = ModelFile(read_file(path), str(path))
    try:
        agreement = check_agreement(checker, model, source, validation, str(path))
    except EngineError as error:
        path.unlink(missing_ok=True)
        if diverged:  # weights on their way out of bounds: the first error says more
            raise diverged from error
        raise
    measured = None
    if len(rows.test):
        measured = measure(model, source, rows.test, validation=answered.answers("validation"))
    tested = measured.evaluation if measured else None
    if tested:
        figures = card.figures.model_copy(
            update={
                "test_accuracy": tested.accuracy,
                "test_interval": tested.interval,
                "test_count": tested.count,
            }
        )
        write_model(path, best, card.model_copy(update={"figures": figures}))
    report = _write_results(out, settings, loaded, loop, model, answered, measured)
    clear_checkpoint(out)
    if diverged:
        raise _with_model(diverged, path, loop.place)
    seconds = time.monotonic() - start + before
    yield events.Finished(
        path, tested, loop.place.best_epoch, seconds, agreement, tuple(loop.place.history), report
    )


def _with_model(error: Diverged, path: Path, place: Place) -> Diverged:
    """The same error, saying what the run has left."""
    kept = f"the model of epoch {place.best_epoch}, the best until then, is in {shown(path)}"
    return Diverged(error.what, where=error.where, received=error.received, remedy=f"{error.remedy}; {kept}")


def _write_results(
    out: Path, settings: Settings, data: Data, loop: Loop, model: ModelFile, answered: Predictions,
    measured: Measured | None,
) -> Path | None:  # fmt: skip
    """Write predictions.csv and report.html, which needs a test part."""
    tables = [answered]
    if measured:
        tables.append(_predictions("test", data, measured.rows, measured.probabilities))
    write_predictions(out / PREDICTIONS_FILE, tables)
    if not measured:
        return None
    ready, source, card = _data_ready(data), data.source, model.card
    where = card.data.source if card.data else source.where
    record = RunRecord(
        settings=settings.model_dump(),
        epochs=tuple(epoch_of(epoch.as_dict()) for epoch in loop.place.history),
        data=data_record(where, source.labels, data.split.parts, len(source.classes), 0, ready.notes),
        excluded=ready.left_out,
    )
    path = out / folder.REPORT_FILE
    write_report(path, make_report(model, source, measured, OWN_TEST, record, record.excluded))
    return path


def _predictions(part: str, data: Data, rows: NDArray[np.int64], probabilities: NDArray[Any]) -> Predictions:
    source = data.source
    paths = [source.path(int(row)) for row in rows]
    return predictions_of(
        part, paths, source.classes, np.asarray(source.labels, np.int64)[rows], probabilities
    )


def _reading(
    out: Path, stop: Callable[[], bool], on_read: Callable[[int, int], None] | None
) -> Callable[[int, int], None]:
    """What follows the pictures into the cache, and stops there when asked."""

    def reading(done: int, total: int) -> None:
        if on_read:
            on_read(done, total)
        if stop():
            raise Interrupted(
                "Stopped while reading the pictures",
                where=shown(out),
                remedy=f"go on with: pellucid train --resume {typed(out)}",
            )

    return reading


def _epochs(loop: Loop, network: Network, out: Path, stop: Callable[[], bool]) -> Iterator[events.Event]:
    """The loop's records, saved as they come.

    The checkpoint goes last: what is killed or fails before it is done again from the one before, with the same bits.
    """
    saved, made_by = time.monotonic(), versions(loop.settings.engine)
    for record in loop.run():
        finished = isinstance(record, events.EpochRecord)
        stopping = stop()
        if isinstance(record, events.EpochRecord) and loop.settings.snapshots:
            save_snapshot(out, record.epoch, network, loop.trainer.weights(), made_by)
        pause = min(EPOCH_SECONDS, CHECKPOINT_SECONDS) if finished else CHECKPOINT_SECONDS
        if stopping or time.monotonic() - saved > pause:
            _write_curves(loop, out)
            save_checkpoint(out, loop.steps_taken(), loop.checkpoint())
            saved = time.monotonic()
        yield record
        if stopping:
            raise Interrupted(
                f"Stopped in epoch {min(loop.place.epoch + 1, loop.epochs)} of {loop.epochs}; everything is saved",
                where=shown(out),
                remedy=f"go on with: pellucid train --resume {typed(out)}",
            )
    _write_curves(loop, out)
    # What comes now can fail, too: going on then begins here.
    save_checkpoint(out, loop.steps_taken(), loop.checkpoint())
    if loop.place.epoch < loop.epochs:
        patience = loop.settings.patience
        yield events.Note(f"stopped early: no better validation accuracy or loss for {patience} epochs")


def _write_curves(loop: Loop, out: Path) -> None:
    """The finished epochs' figures, as history.jsonl and for TensorBoard."""
    folder.write_history(out, loop.place.history)
    if loop.settings.tensorboard:
        write_events(out, loop.place.history)


def _trainer(
    engine: Engine, network: Network, data: Data, settings: Settings, weights: tuple[float, ...] | None
) -> Trainer:
    assert settings.batch_size and settings.optimiser and settings.threads
    recipe = Recipe(
        batch_size=settings.batch_size,
        optimiser=settings.optimiser,
        momentum=settings.momentum,
        beta2=settings.beta2,
        weight_decay=settings.weight_decay,
        label_smoothing=settings.label_smoothing,
        class_weights=weights,
        averaging=settings.averaging,
        clip=settings.clip,
        precision=settings.precision,
        device="cuda" if settings.device == "cuda" else "cpu",
        threads=settings.threads,
        seed=settings.seed,
    )
    return engine(
        network,
        data.cache.pixels,
        np.asarray(data.source.labels, np.int64),
        np.array(data.preprocessing.scale, np.float32),
        np.array(data.preprocessing.shift, np.float32),
        recipe,
    )


def _data_ready(data: Data) -> events.DataReady:
    found, source, size = data.split, data.source, data.preprocessing
    notes = [data.note] if data.note else []
    notes += found.warnings
    for part, count in found.dropped.items():
        if count:
            stands = "stands" if count == 1 else "stand"
            notes.append(
                f"{counted(count, 'picture')} of {part} {stands} in another part too: left out of {part}"
            )
    if not len(found.validation):
        notes.append("no validation part: the best epoch is chosen on the training pictures themselves")
    return events.DataReady(
        name=source.name,
        count=len(found.train) + len(found.validation) + len(found.test),
        height=size.height,
        width=size.width,
        channels=size.channels,
        classes=source.classes,
        train=len(found.train),
        validation=len(found.validation),
        test=len(found.test),
        left_out=(*source.left_out, *data.cache.unreadable),
        notes=tuple(notes),
    )


def _write_split(out: Path, data: Data) -> None:
    """Write split.csv; where a run is resumed, the pictures and their parts must be those that it began with."""
    source, path = data.source, out / folder.SPLIT_FILE
    paths = tuple(source.path(i) for i in range(len(source)))
    names = tuple(source.classes[label] for label in source.labels)
    if has_checkpoint(out) and path.is_file():
        table = read_split(path)
        same = (
            table.paths == paths and np.array_equal(table.parts, data.split.parts) and table.labels == names
        )
        if not same or not np.array_equal(table.digests, data.cache.digests):
            raise DataError(
                "The pictures or their labels have changed since this run began", where=source.where,
                received=f"{len(paths):,} pictures, {len(table.paths):,} in {shown(path)}",
                remedy="put them back as they were, or begin a new run",
            )  # fmt: skip
        return
    write_split(path, paths, names, data.split.parts, data.cache.digests)


def _card(settings: Settings, data: Data, network: Network, loop: Loop, temperature: float) -> Card:
    source, found, place = data.source, data.split, loop.place
    where = settings.data if settings.data in (BUILT_IN, ARRAYS) else str(Path(settings.data).absolute())
    return Card(
        classes=tuple(shown(name) for name in source.classes),  # a name's bytes may be no text
        network=network.text,
        preprocessing=data.preprocessing,
        temperature=temperature,
        data=DataCard(name=source.name, source=where, fingerprint=data.cache.fingerprint, count=len(source)),
        split=SplitCard(
            train=len(found.train),
            validation=len(found.validation),
            test=len(found.test),
            seed=settings.split_seed,
            dropped=sum(found.dropped.values()),
        ),
        figures=Figures(validation_accuracy=place.best_accuracy, validation_count=len(found.validation)),
        epoch=place.best_epoch,
        seed=settings.seed,
        versions=versions(settings.engine),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def versions(engine: str) -> dict[str, str]:
    """What made the numbers: versions of all that computes."""
    from importlib.metadata import PackageNotFoundError, version

    found = {"pellucid": __version__, "python": platform.python_version(), "machine": platform.machine()}
    for name in ("numpy", "pillow", "onnx", "onnxruntime", engine):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    if engine == "native":
        from pellucid.engines.native.instructions import chosen

        found[engine] = f"{__version__} {chosen()}"
    return found
