"""How good the answers are: figures from labels and probabilities, and a model measured through its file."""

from pellucid.evaluation.measure import Measured, measure
from pellucid.evaluation.metrics import log_loss
from pellucid.evaluation.report import Evaluation, evaluate_probabilities

__all__ = ["Evaluation", "Measured", "evaluate_probabilities", "log_loss", "measure"]
