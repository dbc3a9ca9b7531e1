"""How good the answers are: figures from labels and probabilities, and a model measured through its file."""

from pellucid.evaluation.abstention import Answers
from pellucid.evaluation.measure import Measured, measure
from pellucid.evaluation.metrics import calibration_error, log_loss
from pellucid.evaluation.report import Evaluation, evaluate_probabilities
from pellucid.evaluation.temperature import fit_temperature, softmax

__all__ = [
    "Answers",
    "Evaluation",
    "Measured",
    "calibration_error",
    "evaluate_probabilities",
    "fit_temperature",
    "log_loss",
    "measure",
    "softmax",
]
