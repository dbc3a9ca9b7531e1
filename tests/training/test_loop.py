"""The loop, driven by a trainer in plain NumPy: records, best weights, resuming, patience, divergence."""

import itertools

import numpy as np
import pytest
from sklearn.datasets import load_digits

from pellucid.errors import Diverged
from pellucid.training.events import EpochRecord, Note, Progress
from pellucid.training.loop import Loop
from pellucid.training.settings import AugmentationSettings, Settings
from support.numpy_trainer import NumpyTrainer

DIGITS = load_digits()
PIXELS = (DIGITS.images * 15.9).astype(np.uint8)[..., None]
LABELS = DIGITS.target.astype(np.int64)
TRAIN, VALIDATION = np.arange(1400), np.arange(1400, len(LABELS))


def make_loop(epochs=4, batch=100, rate=0.5, train=TRAIN, **settings):
    made = Settings(
        epochs=epochs, batch_size=batch, learning_rate=rate, augmentation=AugmentationSettings(), **settings
    )
    return Loop(NumpyTrainer(PIXELS, LABELS, 10), made, (8, 8), LABELS, train, VALIDATION)


def epochs_of(loop):
    return [record for record in loop.run() if isinstance(record, EpochRecord)]


def test_it_learns_and_tells_each_epoch():
    loop = make_loop()
    records = epochs_of(loop)
    assert [record.epoch for record in records] == [1, 2, 3, 4]
    assert records[-1].validation_accuracy > 0.85  # scikit-learn's logistic regression: about 0.91
    assert records[-1].loss < records[0].loss
    assert records[-1].validation_count == len(VALIDATION)
    assert loop.place.history == records


def test_every_epoch_passes_each_picture_at_most_once_in_a_new_order():
    loop = make_loop(epochs=2)
    epochs_of(loop)
    rows = np.concatenate([indices.ravel() for _, indices in loop.trainer.seen]).reshape(2, 1400)
    for epoch in rows:
        assert np.array_equal(np.sort(epoch), TRAIN)
    assert not np.array_equal(rows[0], rows[1])
    steps = [first for first, _ in loop.trainer.seen]
    sizes = [len(indices) for _, indices in loop.trainer.seen]
    assert steps == list(np.cumsum([0, *sizes[:-1]]))


def test_fewer_pictures_than_a_batch_are_padded_with_empty_places():
    loop = make_loop(epochs=1, batch=64, train=np.arange(10))
    (record,) = epochs_of(loop)
    (_, rows) = loop.trainer.seen[0]
    assert rows.shape == (1, 64)
    assert sorted(rows[rows >= 0]) == list(range(10))
    assert np.isfinite(record.loss)


def test_the_best_epoch_by_validation_is_kept():
    loop = make_loop(epochs=6, rate=3.0)
    records = epochs_of(loop)
    best = max(records, key=lambda record: (record.validation_accuracy, -record.validation_loss))
    assert loop.place.best_epoch == best.epoch
    assert [record.epoch for record in records if record.best][-1] == best.epoch
    kept = loop.trainer
    kept.average = loop.best_weights["dense1.weight"].astype(float)
    assert loop.best_logits is not None
    assert np.allclose(loop.best_logits, kept.logits(VALIDATION), atol=1e-5)  # the average is of float64 here
    loop.restore(loop.checkpoint())
    assert loop.best_logits is None
    assert np.mean(kept.logits(VALIDATION).argmax(axis=1) == LABELS[VALIDATION]) == best.validation_accuracy


@pytest.mark.parametrize("cut", [1, 3, 7, 20])
def test_going_on_from_any_record_gives_the_same_bits(cut):
    whole = make_loop(epochs=3, batch=30)
    epochs_of(whole)
    first = make_loop(epochs=3, batch=30)
    for count, _ in enumerate(first.run(), start=1):
        if count == cut:
            break
    checkpoint = first.checkpoint()
    second = make_loop(epochs=3, batch=30)
    second.restore(checkpoint)
    epochs_of(second)
    assert np.array_equal(second.trainer.weight, whole.trainer.weight)
    assert np.array_equal(second.best_weights["dense1.weight"], whole.best_weights["dense1.weight"])
    assert [r.validation_loss for r in second.place.history] == [
        r.validation_loss for r in whole.place.history
    ]
    assert [r.loss for r in second.place.history] == pytest.approx(
        [r.loss for r in whole.place.history], rel=1e-12
    )


def test_patience_ends_a_run_that_no_longer_gets_better():
    loop = make_loop(epochs=200, patience=3)
    loop.labels = np.where(np.isin(np.arange(len(LABELS)), VALIDATION), (LABELS + 1) % 10, LABELS)
    records = epochs_of(loop)
    assert 4 <= len(records) < 200
    last_better, least = 0, np.inf
    for record in records:
        if record.best or record.validation_loss < least:
            last_better = record.epoch
        least = min(least, record.validation_loss)
    assert last_better + 3 == len(records)


def test_divergence_is_told_with_the_rate_and_a_smaller_one():
    loop = make_loop(epochs=3, rate=100.0)
    loop.trainer.pixels = PIXELS.astype(float) * 1e300
    with np.errstate(all="ignore"), pytest.raises(Diverged) as caught:
        epochs_of(loop)
    assert caught.value.as_dict() == {
        "error": "Diverged",
        "what": "training diverged in epoch 1: the loss is no longer a number",
        "where": "epoch 1 of 3, after 1 of its 14 steps",
        "received": "learning rate 100",
        "remedy": "a smaller learning rate, as in --learning-rate 10",
    }


def test_a_weight_that_is_no_number_is_seen_where_the_loss_hides_it():
    """A ReLU makes 0 of it, so that losses stay numbers; a checkpoint of it would be good for nothing."""
    loop = make_loop(epochs=3)
    assert loop.checkpoint().arrays
    weights = loop.trainer.weights
    loop.trainer.weights = lambda averaged=True: weights(averaged) | {"conv1.bias": np.array([1, np.nan])}
    with pytest.raises(
        Diverged, match=r"in epoch 1: a weight is no longer a number\n.*after 14 of its 14 steps"
    ):
        epochs_of(loop)
    assert not loop.place.history
    assert not loop.best_weights
    with pytest.raises(Diverged, match="a weight is no longer a number"):
        loop.checkpoint()


def test_progress_counts_pictures_and_time():
    loop = make_loop(epochs=1, batch=10)
    progress = [record for record in loop.run() if isinstance(record, Progress)]
    assert progress[-1].done == progress[-1].total == 1400
    assert all(a.done < b.done for a, b in itertools.pairwise(progress))
    assert progress[-1].seconds_left == 0


def test_a_hard_task_is_trained_longer_and_says_so():
    loop = make_loop(epochs=2, hard_epochs=5, patience=100, warmup=0.5)
    records = list(loop.run())
    notes = [record.text for record in records if isinstance(record, Note)]
    epochs = [record for record in records if isinstance(record, EpochRecord)]
    assert epochs[0].validation_accuracy < 0.95
    assert [record.epochs for record in epochs] == [2, 5, 5, 5, 5]
    wrong = 1 - epochs[0].validation_accuracy
    assert notes == [
        f"{wrong:.0%} of validation is still named wrongly after the first epoch: a hard task, "
        "5 epochs instead of 2 (--epochs 2 keeps it short)"
    ]
    rates = [record.learning_rate for record in epochs]
    assert rates == sorted(rates, reverse=True), "what has begun to fall goes on falling"
    assert rates[-1] < 0.01 * 0.5


def test_an_easy_task_is_not_trained_longer(monkeypatch):
    monkeypatch.setattr("pellucid.training.loop.EASY", 0.0)
    longer, plain = make_loop(epochs=2, hard_epochs=5), make_loop(epochs=2)
    assert [r.loss for r in epochs_of(longer)] == [r.loss for r in epochs_of(plain)]


@pytest.mark.parametrize("after", [1, 14, 15, 30])
def test_a_longer_run_resumes_to_the_same_bits(after):
    whole = make_loop(epochs=2, hard_epochs=4, patience=100)
    expected = epochs_of(whole)
    broken = make_loop(epochs=2, hard_epochs=4, patience=100)
    saved = None
    for _ in itertools.takewhile(lambda _: broken.steps_taken() < after, broken.run()):
        pass
    saved = broken.checkpoint()
    again = make_loop(epochs=2, hard_epochs=4, patience=100)
    again.restore(saved)
    epochs_of(again)
    assert [r.learning_rate for r in again.place.history] == [r.learning_rate for r in expected]
    assert [r.validation_loss for r in again.place.history] == [r.validation_loss for r in expected]
