"""One evaluation: every figure of one set of pictures, as values; printing is the faces' work."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from numpy.typing import ArrayLike

from pellucid.errors import DataError
from pellucid.evaluation import metrics


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a model's answers to `count` pictures came to.

    `interval` is the accuracy's 95% Wilson interval (low, high). `per_class` is in the order of `classes`;
    `confusion` int64 [classes, classes], the true class in rows, the answer in columns, read-only.
    `macro` counts each class the same, `weighted` by its pictures. Shares are 0 to 1; None means 0/0.
    """

    accuracy: float
    interval: tuple[float, float]
    count: int
    per_class: tuple[metrics.ClassFigures, ...]
    confusion: metrics.Confusion
    calibration_error: float
    classes: tuple[str, ...]
    macro: metrics.Averages
    weighted: metrics.Averages
    log_loss: float

    def as_dict(self) -> dict[str, Any]:
        """The same as plain numbers, lists and strings, ready for JSON; each class's row carries its name."""
        return {
            "accuracy": self.accuracy,
            "interval": list(self.interval),
            "count": self.count,
            "per_class": [
                {"class": name} | asdict(figures)
                for name, figures in zip(self.classes, self.per_class, strict=True)
            ],
            "confusion": self.confusion.tolist(),
            "calibration_error": self.calibration_error,
            "classes": list(self.classes),
            "macro": asdict(self.macro),
            "weighted": asdict(self.weighted),
            "log_loss": self.log_loss,
        }


def evaluate_probabilities(labels: ArrayLike, probabilities: ArrayLike, classes: Sequence[str]) -> Evaluation:
    """The evaluation of `probabilities` [n, classes] against `labels` [n], indices into `classes`.

    Raises DataError when there are no pictures, or the three don't belong together.
    """
    shares = metrics.probabilities_array(probabilities)
    if shares.shape[1] != len(classes):
        raise DataError(
            "probabilities and classes don't belong together",
            received=f"{shares.shape[1]} probabilities a picture, {len(classes)} classes",
        )
    truth = metrics.labels_array(labels, len(classes))
    metrics.check_same_length(truth, shares)

    confusion = metrics.confusion_matrix(truth, metrics.predictions(shares), len(classes))
    confusion.setflags(write=False)
    accuracy = metrics.accuracy(confusion)
    calibration_error = metrics.calibration_error(truth, shares)
    log_loss = metrics.log_loss(truth, shares)
    if accuracy is None or calibration_error is None or log_loss is None:
        raise DataError("there are no pictures to evaluate", received="0 labels, 0 rows of probabilities")
    figures = metrics.per_class(confusion)
    return Evaluation(
        accuracy=accuracy,
        interval=metrics.wilson_interval(int(confusion.trace()), len(truth)),
        count=len(truth),
        per_class=figures,
        confusion=confusion,
        calibration_error=calibration_error,
        classes=tuple(classes),
        macro=metrics.macro_average(figures),
        weighted=metrics.weighted_average(figures),
        log_loss=log_loss,
    )
