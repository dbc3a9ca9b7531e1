"""Exercises: questions about convolutional networks, with worked answers, all computed."""

from pellucid.exercises.generator import generate
from pellucid.exercises.of_model import from_model
from pellucid.exercises.of_network import from_network
from pellucid.exercises.question import Answer, Question, Sheet, Slip
from pellucid.exercises.topics import TOPICS

__all__ = ["TOPICS", "Answer", "Question", "Sheet", "Slip", "from_model", "from_network", "generate"]
