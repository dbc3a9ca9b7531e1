"""Why this answer: the classes, the trail back to a pixel, the heatmap with its check, and why not the runner-up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import EngineError, ModelError, PellucidError, SettingsError
from pellucid.inside import notebook
from pellucid.inside.classes import METHODS, Method, class_of
from pellucid.inside.difference import Difference, difference
from pellucid.inside.editing import Edited
from pellucid.inside.heatmap import Heatmap
from pellucid.inside.number import Inside, Number
from pellucid.inside.occlusion import Deletion, Progress, deletion_records, occlusion_records
from pellucid.inside.places import Place
from pellucid.inside.saliency import GradCam, grad_cam, input_gradient, integrated_gradients
from pellucid.inside.scores import Target, find_scores
from pellucid.inside.trail import Step, trail
from pellucid.inside.tree import Level, expand
from pellucid.model import ForeignModel, ModelFile
from pellucid.storage import shown

Pixels = NDArray[np.uint8]
Explained = ModelFile | ForeignModel | Edited


@dataclass(frozen=True, eq=False)
class Answer:
    """The `classes` with their `probabilities` float64 [classes]; `target` is the class that is explained, `against`
    the one that it is held against (by default the likeliest other), None where there is only one."""

    classes: tuple[str, ...]
    probabilities: NDArray[np.float64]
    target: int
    against: int | None

    def top(self, count: int) -> list[tuple[str, float]]:
        """The likeliest classes with their probabilities, likeliest first."""
        order = np.argsort(-self.probabilities, kind="stable")[:count]
        return [(self.classes[i], float(self.probabilities[i])) for i in order]


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """An answer explained. Everything that a face shows is in here.

    `pixels`, the picture; `trail`, from the class' score back to a pixel; `versus`, why this class and not `against`,
    as the difference of two sums (None where the scores aren't sums); `heatmap`, where the picture speaks for the
    class, `grad_cam` its arithmetic where that was the way, `deletion` the check whether it is faithful; `lacking`
    says what could not be done and why; `assumed`, what a file without a card left open.
    """

    where: str
    pixels: Pixels
    answer: Answer
    trail: tuple[Step, ...]
    versus: Difference | None
    heatmap: Heatmap | None
    grad_cam: GradCam | None
    deletion: Deletion | None
    lacking: tuple[str, ...]
    assumed: tuple[str, ...]
    inside: Inside

    def at(self, text: str) -> Number:
        """One value of the network, as "conv2[3,4,5]" (from 0), opened. SettingsError for a name or an index that
        isn't there."""
        return self.inside.at(text)

    def expand(self, text: str, depth: int = 3, top: int = 3) -> Level:
        """One value opened recursively, `depth` levels down, the `top` largest terms at each."""
        return expand(self.inside, self.at(text), depth, top)

    def _repr_html_(self) -> str:
        return notebook.explanation_html(self)

    def __repr__(self) -> str:
        return notebook.explanation_text(self)


def explain(
    model: Explained, pixels: Pixels, target: str | int | None = None,
    against: str | int | None = None, method: Method = "auto", layer: str | None = None, check: bool = True,
) -> Explanation:  # fmt: skip
    """The explanation at the end of `explain_records`."""
    *_, last = explain_records(model, pixels, target, against, method, layer, check)
    assert isinstance(last, Explanation)
    return last


def explain_records(
    model: Explained, pixels: Pixels, target: str | int | None = None,
    against: str | int | None = None, method: Method = "auto", layer: str | None = None, check: bool = True,
) -> Iterator[Progress | Explanation]:  # fmt: skip
    """Explain the answer for one picture, uint8 [height, width, 1 or 3]; progress on the way, the explanation last.

    `target` and `against` are classes by name or place; by default the likeliest and the next. `method`: "auto" is
    Grad-CAM where gradients can be had (with PyTorch), else occlusion; "gradient" the input's gradient, "integrated"
    integrated gradients. `layer` for Grad-CAM; `check`: the deletion curve. Raises SettingsError for an unknown
    class, method or layer.
    """
    if method not in METHODS:
        raise SettingsError("there is no such way to a heatmap", where="--method", received=repr(method),
                            remedy=f"one of {', '.join(METHODS)}")  # fmt: skip
    inside = Inside(model.opened(pixels))
    answer = _answer(model, pixels, inside, target, against)
    lacking: list[str] = []
    versus = None
    if answer.against is not None:
        try:
            versus = difference(inside.opened, answer.target, answer.against)
        except ModelError as error:
            lacking.append(f"no difference of two sums: {error.what}")
    heatmap = grad = None
    for record in _heatmap(model, pixels, inside, answer.target, method, layer, lacking):
        if isinstance(record, Progress):
            yield record
        elif isinstance(record, GradCam):
            grad, heatmap = record, record.heatmap
        else:
            heatmap = record
    deletion = None
    if heatmap is not None and check:
        for record in deletion_records(model.probabilities, pixels, heatmap, answer.target):
            if isinstance(record, Progress):
                yield record
            else:
                deletion = record
    start = _score_place(inside, answer.target)
    yield Explanation(
        model.where, pixels, answer, tuple(trail(inside, start)), versus, heatmap, grad, deletion, tuple(lacking),
        model.assumed if isinstance(model, ForeignModel) else (), inside,
    )  # fmt: skip


def _answer(
    model: Explained,
    pixels: Pixels,
    inside: Inside,
    target: str | int | None,
    against: str | int | None,
) -> Answer:
    if not isinstance(model, ModelFile):
        probabilities = model.probabilities(pixels[None])[0].astype(np.float64)
    else:
        output = inside.opened.graph.outputs[0]
        probabilities = np.ravel(inside.opened.values[output]).astype(np.float64)
    order = np.argsort(-probabilities, kind="stable")
    first = int(order[0]) if target is None else class_of(model.classes, target, "--class")
    second = next((int(i) for i in order if i != first), None)
    if against is not None:
        second = class_of(model.classes, against, "--against")
        if second == first:
            raise SettingsError("a class doesn't differ from itself", where="--against",
                                received=shown(model.classes[first]), remedy="name another class")  # fmt: skip
    return Answer(model.classes, probabilities, first, second)


def _heatmap(
    model: Explained, pixels: Pixels, inside: Inside, target: Target, method: Method,
    layer: str | None, lacking: list[str],
) -> Iterator[Progress | GradCam | Heatmap]:  # fmt: skip
    assert isinstance(target, int)
    if method in ("auto", "gradcam"):
        try:
            yield grad_cam(inside.opened, target, layer)
            return
        except (EngineError, ModelError) as error:
            if method == "gradcam":
                raise
            lacking.append(f"no Grad-CAM, so occlusion instead: {error.what}" + _remedy(error))
    if method == "gradient":
        yield input_gradient(inside.opened, target).heatmap
    elif method == "integrated":
        yield integrated_gradients(inside.opened, target).heatmap
    else:
        yield from occlusion_records(model.probabilities, pixels, target)


def _remedy(error: PellucidError) -> str:
    return f" ({error.remedy})" if error.remedy else ""


def _score_place(inside: Inside, target: int) -> Place:
    """Where the trail begins: the class' probability, or its score."""
    output = inside.opened.graph.outputs[0]
    shape = inside.places.shape(output)
    if np.prod(shape) > target:
        return inside.places.at(output, (int(n) for n in np.unravel_index(target, shape)))
    scores = find_scores(inside.opened)
    return inside.places.at(scores.name, scores.index(target))
