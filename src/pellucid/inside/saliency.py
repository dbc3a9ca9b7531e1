"""Why this answer: what in the picture speaks for a class, by gradients. Occlusion, which needs none, is in
occlusion.py.

Sources: Selvaraju et al. 2017, "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization";
Simonyan et al. 2014, "Deep Inside Convolutional Networks"; Sundararajan et al. 2017, "Axiomatic Attribution for Deep
Networks".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.engines.choice import open_part
from pellucid.errors import SettingsError
from pellucid.inside.heatmap import Frame, Heatmap, channel_axis, find_frame
from pellucid.inside.places import Places
from pellucid.inside.scores import Target, find_input, find_layer, find_scores
from pellucid.model.opened import Opened

if TYPE_CHECKING:
    from pellucid.engines.torch.graph import Precision

Numbers = NDArray[np.float64]
STEPS = 50  # of integrated gradients


@dataclass(frozen=True, eq=False)
class GradCam:
    """Grad-CAM as its own arithmetic, over the maps of `layer`:

    weights [C] = mean over a map's places of d score / d map; weighted [*n] = sum over channels of weights x maps
    [C, *n]; heat [*n] = max(0, weighted). `gradients` are [C, *n]. `score` is the target's, of the tensor `scores`.
    """

    layer: str
    scores: str
    target: Target
    score: float
    maps: Numbers
    gradients: Numbers
    weights: Numbers
    weighted: Numbers
    heat: Numbers
    frame: Frame

    @property
    def heatmap(self) -> Heatmap:
        """Of a picture's maps (two axes)."""
        h, w = self.heat.shape
        return Heatmap(f"Grad-CAM over {self.layer}", self.target, self.heat, self.frame, (h, w))


def grad_cam(opened: Opened, target: Target, layer: str | None = None) -> GradCam:
    """Grad-CAM of a class, or of one and not another, over a layer by its name or the last with places.

    Raises SettingsError for an unknown class or layer, EngineError without torch or a gradient.
    """
    scores = find_scores(opened)
    coefficients = scores.coefficients(target)
    start = find_input(opened, scores)
    name = find_layer(opened, start, scores, layer)
    found = open_part(opened.graph, opened.values, [name], [scores.name]).gradients(
        {scores.name: coefficients}
    )
    maps, gradients = (array[0].astype(np.float64) for array in (opened.values[name], found.gradients[name]))
    weights = gradients.mean(axis=tuple(range(1, gradients.ndim)))
    weighted = np.tensordot(weights, maps, 1)
    return GradCam(
        Places(opened).names.get(name, name), scores.name, target, scores.of(target), maps, gradients, weights,
        weighted, np.maximum(weighted, 0), find_frame(opened, start),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class InputGradient:
    """d score / d `tensor` (the network's input): `gradient` float64 [C, *n]; `heat` [*n], the largest |gradient| of a
    place's channels."""

    tensor: str
    target: Target
    score: float
    gradient: Numbers
    heat: Numbers
    frame: Frame

    @property
    def heatmap(self) -> Heatmap:
        h, w = self.heat.shape
        return Heatmap("input gradient", self.target, self.heat, self.frame, (h, w))


def input_gradient(opened: Opened, target: Target) -> InputGradient:
    """How the target's score changes with each value of the network's input. Errors: as `grad_cam`."""
    scores = find_scores(opened)
    coefficients = scores.coefficients(target)
    name = find_input(opened, scores)
    found = open_part(opened.graph, opened.values, [name], [scores.name]).gradients(
        {scores.name: coefficients}
    )
    gradient = _channels_first(opened, name, found.gradients[name])
    heat = np.abs(gradient).max(axis=0)
    return InputGradient(name, target, scores.of(target), gradient, heat, find_frame(opened, name))


@dataclass(frozen=True, eq=False)
class IntegratedGradients:
    """`attributions` float64 [C, *n] of `tensor` (the network's input): (x - baseline) x the mean gradient on the
    straight way from the baseline to x, at the middle of each of `steps` steps; `heat` [*n], summed over channels.

    In the limit they sum to `score` - `baseline_score`; `error` is their sum less that difference.
    """

    tensor: str
    target: Target
    baseline: str
    steps: int
    score: float
    baseline_score: float
    attributions: Numbers
    heat: Numbers
    error: float
    frame: Frame

    @property
    def heatmap(self) -> Heatmap:
        h, w = self.heat.shape
        return Heatmap("integrated gradients", self.target, self.heat, self.frame, (h, w))


def integrated_gradients(
    opened: Opened, target: Target, steps: int = STEPS, precision: Precision = "float32"
) -> IntegratedGradients:
    """Integrated gradients from the picture's mean colour. Errors: as `grad_cam`, SettingsError for no steps.

    In float32 a rounding can put a ReLU or a maximum on its other side somewhere on the way, which shows in the fourth
    digit of an attribution; float64 takes twice as long.
    """
    if steps < 1:
        raise SettingsError(
            "integrated gradients need a step at least", where="steps", received=str(steps), remedy="50"
        )
    scores = find_scores(opened)
    coefficients = {scores.name: scores.coefficients(target)}
    name = find_input(opened, scores)
    x = opened.values[name].astype(np.float64)
    colours = channel_axis(opened, name)
    spatial = tuple(axis for axis in range(1, x.ndim) if axis != colours)
    baseline = np.broadcast_to(x.mean(axis=spatial, keepdims=True), x.shape)
    part = open_part(opened.graph, opened.values, [name], [scores.name], precision)
    total = np.zeros(x.shape)
    for step in range(steps):
        place = baseline + (step + 0.5) / steps * (x - baseline)
        total += part.gradients(coefficients, {name: place}).gradients[name]
    ends = [
        float((coefficients[scores.name] * part.run({name: end})[scores.name].astype(np.float64)).sum())
        for end in (x, baseline)
    ]
    attributions = _channels_first(opened, name, (x - baseline) * total / steps)
    return IntegratedGradients(
        name, target, "each channel's mean over the picture", steps, ends[0], ends[1], attributions,
        attributions.sum(axis=0), float(attributions.sum()) - (ends[0] - ends[1]), find_frame(opened, name),
    )  # fmt: skip


def _channels_first(opened: Opened, name: str, array: NDArray[Any]) -> Numbers:
    """[C, *n] of a batch of one, laid out as the tensor."""
    return np.moveaxis(array, channel_axis(opened, name), 1)[0].astype(np.float64)
