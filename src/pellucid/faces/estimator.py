"""`pellucid.ImageClassifier`: a classifier of pictures that scikit-learn's tools take for one of their own."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from pellucid import draws, training
from pellucid.errors import EngineError, SettingsError
from pellucid.faces.python import Model, print_epoch
from pellucid.images.sources import ArraySource
from pellucid.storage import shown
from pellucid.training import Finished, make_settings
from pellucid.training.events import EpochRecord
from pellucid.training.settings import ARRAYS, LARGEST_SIDE

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator, ClassifierMixin
else:
    try:
        from sklearn.base import BaseEstimator, ClassifierMixin
    except ImportError as error:
        missing = str(error)

        class BaseEstimator:
            """Where scikit-learn is not installed: a class that says so as soon as one is made."""

            def __new__(cls, *_: object, **__: object) -> Self:
                raise EngineError(
                    "ImageClassifier needs scikit-learn, which is not installed here",
                    received=missing,
                    remedy="pip install 'pellucid[sklearn]'   (pellucid.train works without it)",
                )

        class ClassifierMixin:
            """Its partner."""


TABLE = "flatten, dense 64, relu, dense 64, relu, dense {classes}"
_VALIDATION = 0x5A1  # the stream of the validation part
_FEWEST = 20  # validation pictures; fewer would choose an epoch by chance
_BATCH = 256


class ImageClassifier(ClassifierMixin, BaseEstimator):
    """A convolutional network as a scikit-learn classifier.

    It clones, pickles, and works in pipelines, grid searches and cross-validation. Trained, it holds one model file:
    `clf.model_` is that file opened, a `pellucid.Model`.

    X is one of
    - pictures, [n, height, width] or [n, height, width, 1 or 3];
    - pictures as rows, [n, values], where `shape` says how each is laid out: (8, 8), or (32, 32, 3);
    - a table, [n, columns] without a `shape`: each row is a picture of one row. Its columns have no neighbours, so
      the default network is dense, and there is no augmentation.

    A network sees uint8. uint8 in X goes in unchanged. Other numbers are scaled linearly, by what `fit` sees: the least
    value becomes 0 and the greatest 255, over all pixels of pictures, and for each column of a table by itself. So
    256 steps remain of whatever X holds, and what lies outside the training data's range counts as its end. A column
    with a few extreme values keeps little: put a QuantileTransformer or a logarithm before it.

    Parameters
    ----------
    network : "auto", a name of the zoo, or a text such as "conv 8 3x3, relu, flatten, dense 10"
    shape : None, (height, width) or (height, width, channels); one of them may be -1, as for numpy.reshape
    epochs, batch_size, learning_rate, optimiser, weight_decay, label_smoothing, patience, threads :
        as in pellucid.train; None is what pellucid.train chooses, and one thread for a table
    augmentation : None for the default (none for a table), or a dict as in settings.json; {} for none
    validation_fraction : part of each class, rounded down, that is not trained on but chooses the best epoch and,
        from 100 pictures on, the temperature of the probabilities. Where they would be fewer than 20 there are
        none, and the training data choose the epoch
    random_state : a whole number (the same one gives the same bits), a RandomState, or None for a new one each time
    verbose : 0 is silent, 1 prints a line for each epoch to stderr

    Attributes
    ----------
    classes_, n_features_in_, feature_names_in_ : as everywhere in scikit-learn; for pictures n_features_in_ is
        height x width x channels
    model_ : the trained `pellucid.Model`; its classes are the text of `classes_`, in the same order
    shape_ : (height, width, channels) of each picture
    range_ : float64 [2, 1 or columns], what became 0 and what became 255
    history_ : a dict for each epoch, as in history.jsonl

    Samples have no weights here: `fit` takes no sample_weight. A pickle holds the parameters and the model file's
    bytes, no code; the file's own checksum is tested when it is opened.
    """

    def __init__(
        self,
        network: str = "auto",
        *,
        shape: tuple[int, ...] | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        optimiser: str | None = None,
        weight_decay: float | None = None,
        label_smoothing: float | None = None,
        augmentation: dict[str, Any] | None = None,
        validation_fraction: float = 0.1,
        patience: int | None = None,
        threads: int | None = None,
        random_state: Any = 0,
        verbose: int = 0,
    ):
        self.network = network
        self.shape = shape
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.optimiser = optimiser
        self.weight_decay = weight_decay
        self.label_smoothing = label_smoothing
        self.augmentation = augmentation
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.threads = threads
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any) -> Self:
        """Train on X and the labels y [n]: numbers, text or truth values.

        ValueError where X or y can't be used; pellucid's errors where a parameter or the network can't.
        """
        from sklearn.utils.multiclass import check_classification_targets
        from sklearn.utils.validation import validate_data

        rows, given = _flat(X)
        checked: Any = validate_data(self, rows, y)
        flat, y = checked
        check_classification_targets(y)
        classes, places = np.unique(y, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(
                "A classifier can't be trained on one class alone: "
                f"y holds only {classes.tolist()[0]!r} ({len(y)} samples)"
            )
        self.shape_, table = self._laid_out(flat.shape[1], given)
        self.range_ = _range(flat, by_column=table)
        pixels = self._pixels(flat)
        seed = self._seed()
        names = [shown(str(value)) for value in classes.tolist()]
        source = ArraySource(
            name="arrays",
            where="X",
            classes=tuple(names if len(set(names)) == len(names) else map(str, range(len(names)))),
            labels=places.astype(np.int64),
            parts=self._parts(places, seed),
            pixels=pixels,
            final=True,
        )
        self._train(source, self._settings(table, len(classes), seed))
        self.classes_ = classes
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float32]:
        """The probability of each class, float32 [n, classes], in the order of `classes_`."""
        from sklearn.utils.validation import check_is_fitted, validate_data

        check_is_fitted(self)
        rows, given = _flat(X)
        flat: Any = validate_data(self, rows, reset=False)
        if given not in (None, self.shape_):
            raise ValueError(f"X holds pictures of {_size(given)}, but {_size(self.shape_)} were fitted")
        pixels = self._pixels(flat)
        answers = [self.model_.probabilities(pixels[i : i + _BATCH]) for i in range(0, len(pixels), _BATCH)]
        return np.concatenate(answers)

    def predict(self, X: Any) -> NDArray[Any]:
        """The likeliest class of each picture [n], one of `classes_`."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def __getstate__(self) -> dict[str, Any]:
        """Parameters, plain arrays, and the model file's bytes."""
        state: dict[str, Any] = {**super().__getstate__()}  # type: ignore[dict-item]
        if "model_" in state:
            state["model_"] = state["model_"].data
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Open the model file again. ModelError where it was damaged."""
        if "model_" in state:
            state = state | {"model_": Model(state["model_"], threads=state["threads"])}
        super().__setstate__(state)

    def _laid_out(
        self, features: int, given: tuple[int, int, int] | None
    ) -> tuple[tuple[int, int, int], bool]:
        """(height, width, channels) of each picture, and whether X is a table."""
        if self.shape is None:
            if given:
                return given, False
            if features > LARGEST_SIDE:
                raise ValueError(
                    f"A table has at most {LARGEST_SIDE:,} columns, X has {features:,}; "
                    "if its rows are pictures, give their shape=(height, width)"
                )
            return (1, features, 1), True
        height, width, channels = _sides(self.shape, features)
        if not height or channels not in (1, 3):
            raise ValueError(
                f"shape={self.shape!r} doesn't fit X, which has {features:,} features: it is (height, width) or "
                "(height, width, 1 or 3), whose product is the number of features"
            )
        shape = (height, width, channels)
        if given not in (None, shape):
            raise ValueError(f"X holds pictures of {_size(given)}, but shape={self.shape!r}")
        return shape, False

    def _pixels(self, flat: NDArray[Any]) -> NDArray[np.uint8]:
        """The checked X as pictures uint8 [n, height, width, channels]."""
        if flat.dtype != np.uint8 or (self.range_ != [[0], [255]]).any():
            low, high = self.range_
            span = np.where(high > low, high - low, 1)
            flat = np.rint(np.clip((flat - low) / span, 0, 1) * 255).astype(np.uint8)
        return flat.reshape(len(flat), *self.shape_)

    def _seed(self) -> int:
        from sklearn.utils import check_random_state

        if isinstance(self.random_state, int | np.integer):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _parts(self, places: NDArray[np.int64], seed: int) -> NDArray[np.str_]:
        """ "validation" for this fraction of each class, rounded down, drawn by the seed; else "train"."""
        fraction = self.validation_fraction
        if not isinstance(fraction, int | float | np.number) or not 0 <= fraction < 1:
            raise SettingsError(
                "validation_fraction can't be used: it has to be a number from 0 to below 1",
                where="validation_fraction", received=repr(fraction), remedy="validation_fraction=0.1",
            )  # fmt: skip
        parts = np.full(len(places), "train", dtype="<U10")
        order = draws.permutation(len(places), seed, _VALIDATION)
        for place in range(places.max() + 1):
            own = order[places[order] == place]
            parts[own[: int(fraction * len(own))]] = "validation"
        if np.count_nonzero(parts == "validation") < _FEWEST:
            parts[:] = "train"
        return parts

    def _settings(self, table: bool, classes: int, seed: int) -> training.Settings:
        given: dict[str, Any] = {
            name: getattr(self, name)
            for name in (
                "epochs", "batch_size", "learning_rate", "optimiser", "weight_decay", "label_smoothing",
                "augmentation", "patience", "threads",
            )
        }  # fmt: skip
        values: dict[str, Any] = {"network": self.network}
        if table:
            if self.network == "auto":
                values["network"] = TABLE.format(classes=classes)
            values |= {"height": 1, "width": self.shape_[1], "augmentation": {}, "threads": 1}
        values |= {name: _plain(value) for name, value in given.items() if value is not None}
        return make_settings(values | {"data": ARRAYS, "seed": seed, "snapshots": False}, "ImageClassifier")

    def _train(self, source: ArraySource, settings: training.Settings) -> None:
        """Train in a folder that is gone afterwards, and keep the model file's bytes."""
        with tempfile.TemporaryDirectory(prefix="pellucid-") as folder:
            for event in training.train(settings, Path(folder), data=source):
                if self.verbose and isinstance(event, EpochRecord):
                    print_epoch(event)
                if isinstance(event, Finished):
                    self.model_ = Model(event.model.read_bytes(), threads=self.threads)
                    self.history_ = [record.as_dict() for record in event.history]


def _flat(X: Any) -> tuple[Any, tuple[int, int, int] | None]:
    """X with a row for each picture, and (height, width, channels) where it says them; anything else as it is."""
    sides = getattr(X, "shape", None)
    if sides is None:
        try:
            X = np.asarray(X)
        except ValueError:  # rows of different lengths: scikit-learn says so
            return X, None
        sides = X.shape
    if len(sides) == 3:
        sides = (*sides, 1)
    if len(sides) != 4:
        return X, None
    if sides[3] not in (1, 3) or 0 in sides:
        raise ValueError(
            "Pictures are [n, height, width] or [n, height, width, 1 or 3], with a pixel at least; "
            f"X has the shape {list(sides)}"
        )
    return np.asarray(X).reshape(sides[0], -1), (sides[1], sides[2], sides[3])


def _sides(shape: Any, features: int) -> tuple[int, int, int]:
    """(height, width, channels) of so many features, one of them open where it is -1; zeros where they don't fit."""
    with suppress(TypeError, ValueError):
        sides = np.empty(features, np.bool_).reshape(shape).shape
        if len(sides) in (2, 3):
            return sides[0], sides[1], (*sides, 1)[2]
    return 0, 0, 0


def _range(flat: NDArray[Any], by_column: bool) -> NDArray[np.float64]:
    """[2, 1] or, by column, [2, columns]: what becomes 0 and what becomes 255."""
    if flat.dtype == np.uint8:
        return np.array([[0.0], [255.0]])
    axis = 0 if by_column else None
    return np.stack([np.atleast_1d(flat.min(axis)), np.atleast_1d(flat.max(axis))]).astype(np.float64)


def _plain(value: Any) -> Any:
    """NumPy's numbers, as a grid search or a distribution hands them over, as Python's."""
    return value.item() if isinstance(value, np.generic) else value


def _size(shape: tuple[int, int, int] | None) -> str:
    return " x ".join(str(n) for n in shape or ())
