"""One evaluation: every figure of one set of pictures, as values; printing is the faces' work."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from numpy.typing import ArrayLike

from pellucid.errors import DataError
from pellucid.evaluation import metrics, notebook
from pellucid.evaluation.abstention import Abstention, Answers, Choice, abstention, answers_of, choices
from pellucid.evaluation.calibration import Bin, reliability
from pellucid.evaluation.temperature import without_temperature

TOP = 5  # classes; with no more than these the true one is always among them
MOST_MISTAKES = 100


@dataclass(frozen=True)
class Uncalibrated:
    """How sure the same answers were before their logits were divided by the temperature."""

    temperature: float
    calibration_error: float
    confidence: float
    log_loss: float


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a model's answers to `count` pictures came to.

    `interval` is the accuracy's 95% Wilson interval (low, high). `per_class` is in the order of `classes`;
    `confusion` int64 [classes, classes], the true class in rows, the answer in columns, read-only.
    `macro` counts each class the same, `weighted` by its pictures. Shares are 0 to 1; None means 0/0.

    `top5`: the share whose class is among the five likeliest, None with five classes or fewer. `confidence`: the mean
    probability of the answers; `reliability` compares it with the share that was right, in bins; `uncalibrated` is
    the same before the temperature, None where the temperature isn't known. `abstention`: what is gained by leaving
    unsure answers open; `choices`: the thresholds chosen on validation pictures for this, empty where none are known.
    `mistakes`: the hundred worst, surest first.
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
    confidence: float
    top5: float | None
    reliability: tuple[Bin, ...]
    uncalibrated: Uncalibrated | None
    abstention: tuple[Abstention, ...]
    choices: tuple[Choice, ...]
    mistakes: tuple[metrics.Mistake, ...]

    def __repr__(self) -> str:
        return f"<Evaluation: {notebook.headline(self)}>"

    def __str__(self) -> str:
        return notebook.plain(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": notebook.plain(self), "text/html": notebook.html(self)}

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
            "confidence": self.confidence,
            "top5": self.top5,
            "reliability": [asdict(row) for row in self.reliability],
            "uncalibrated": asdict(self.uncalibrated) if self.uncalibrated else None,
            "abstention": [asdict(row) for row in self.abstention],
            "choices": [asdict(choice) for choice in self.choices],
            "mistakes": [
                asdict(mistake)
                | {"label": self.classes[mistake.label], "prediction": self.classes[mistake.prediction]}
                for mistake in self.mistakes
            ],
        }


def evaluate_probabilities(
    labels: ArrayLike,
    probabilities: ArrayLike,
    classes: Sequence[str],
    temperature: float | None = None,
    validation: Answers | None = None,
) -> Evaluation:
    """The evaluation of `probabilities` [n, classes] against `labels` [n], indices into `classes`.

    `temperature`: what the logits were divided by. `validation`: answers to other pictures, to choose thresholds on.

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
    answers = answers_of(truth, shares)
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
        confidence=float(answers.confidence.mean()),
        top5=metrics.top_k_accuracy(truth, shares, TOP) if len(classes) > TOP else None,
        reliability=reliability(truth, shares),
        uncalibrated=_uncalibrated(truth, shares, temperature) if temperature else None,
        abstention=abstention(answers),
        choices=choices(validation, answers) if validation and len(validation.right) else (),
        mistakes=metrics.worst_mistakes(truth, shares, MOST_MISTAKES),
    )


def _uncalibrated(
    labels: metrics.Labels, probabilities: metrics.Probabilities, temperature: float
) -> Uncalibrated:
    before = without_temperature(probabilities, temperature)
    error, loss = metrics.calibration_error(labels, before), metrics.log_loss(labels, before)
    assert error is not None and loss is not None  # there are pictures
    return Uncalibrated(temperature, error, float(metrics.confidences(before).mean()), loss)
