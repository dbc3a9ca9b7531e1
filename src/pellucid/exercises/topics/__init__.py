"""The topics by name: each a title and a function from a draw and a level to a question, or None to draw again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pellucid.exercises.draw import Draw
from pellucid.exercises.question import Question
from pellucid.exercises.topics import (
    convolution,
    dense,
    filters,
    flatten,
    learning,
    network,
    padding,
    parameters,
    pooling,
    receptive_field,
    relu,
    softmax,
    stride,
    volume,
)


@dataclass(frozen=True)
class Topic:
    """What a topic is called, and what makes its questions, level 1 to 3."""

    title: str
    make: Callable[[Draw, int], Question | None]


# In the order of a course.
TOPICS: dict[str, Topic] = {
    "convolution": Topic(convolution.TITLE, convolution.make),
    "filters": Topic(filters.TITLE, filters.make),
    "padding": Topic(padding.TITLE, padding.make),
    "stride": Topic(stride.TITLE, stride.make),
    "volume": Topic(volume.TITLE, volume.make),
    "relu": Topic(relu.TITLE, relu.make),
    "pooling": Topic(pooling.TITLE, pooling.make),
    "flatten": Topic(flatten.TITLE, flatten.make),
    "dense": Topic(dense.TITLE, dense.make),
    "softmax": Topic(softmax.TITLE, softmax.make),
    "parameters": Topic(parameters.TITLE, parameters.make),
    "receptive-field": Topic(receptive_field.TITLE, receptive_field.make),
    "network": Topic(network.TITLE, network.make),
    "learning": Topic(learning.TITLE, learning.make),
}
