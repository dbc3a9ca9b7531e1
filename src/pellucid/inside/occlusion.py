"""Why this answer, without gradients: cover a part of the picture and look at the probability.

Occlusion: Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional Networks". The deletion curve, which
says whether a heatmap is faithful: Petsiuk et al. 2018, "RISE: Randomized Input Sampling for Explanation of Black-box
Models".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.draws import uniform
from pellucid.errors import DataError, SettingsError
from pellucid.inside.heatmap import Frame, Heatmap

Numbers = NDArray[np.float64]
Pixels = NDArray[np.uint8]
# Pixels uint8 [N, height, width, channels] -> probabilities [N, classes]: ModelFile.probabilities.
Probabilities = Callable[[Pixels], NDArray[np.floating]]
WINDOWS = 7  # a patch is a seventh of the picture's height and width, and moves by half of itself
BATCH_BYTES = 64 << 20


@dataclass(frozen=True)
class Progress:
    """So many of so many pictures have been run."""

    done: int
    total: int


def occlusion(
    probabilities: Probabilities,
    pixels: Pixels,
    target: int,
    patch: tuple[int, int] | None = None,
    stride: tuple[int, int] | None = None,
) -> Heatmap:
    """The heatmap at the end of `occlusion_records`."""
    *_, last = occlusion_records(probabilities, pixels, target, patch, stride)
    assert isinstance(last, Heatmap)
    return last


def occlusion_records(
    probabilities: Probabilities,
    pixels: Pixels,
    target: int,
    patch: tuple[int, int] | None = None,
    stride: tuple[int, int] | None = None,
) -> Iterator[Progress | Heatmap]:
    """How far the class' probability falls where a patch of the picture's mean colour covers it; the heatmap is last.

    `pixels` uint8 [height, width, channels]. `patch` and `stride` are (rows, columns); unless given, they follow the
    picture's size. Each pixel has the mean over the patches that cover it. Raises DataError, SettingsError.
    """
    _check(pixels)
    height, width = pixels.shape[:2]
    rows, columns = patch or (_share(height), _share(width))
    down, across = stride or (max(1, rows // 2), max(1, columns // 2))
    if not (0 < rows <= height and 0 < columns <= width and 0 < down <= rows and 0 < across <= columns):
        raise SettingsError(
            "a patch has to fit into the picture, and its stride into the patch", where="patch, stride",
            received=f"{rows}x{columns}, {down}x{across} on {height}x{width}",
            remedy=f"{_share(height)}x{_share(width)}, or leave both out",
        )  # fmt: skip
    tops, lefts = _starts(height, rows, down), _starts(width, columns, across)
    windows = [(top, left) for top in tops for left in lefts]
    whole = _of_class(probabilities(pixels[None]), target)[0]
    colour = mean_colour(pixels)
    fallen, covered = np.zeros((height, width)), np.zeros((height, width))
    size = max(1, min(256, BATCH_BYTES // pixels.nbytes))
    for first in range(0, len(windows), size):
        batch = windows[first : first + size]
        pictures = np.repeat(pixels[None], len(batch), 0)
        for picture, (top, left) in zip(pictures, batch, strict=True):
            picture[top : top + rows, left : left + columns] = colour
        for (top, left), probability in zip(batch, _of_class(probabilities(pictures), target), strict=True):
            place = slice(top, top + rows), slice(left, left + columns)
            fallen[place] += whole - probability
            covered[place] += 1
        yield Progress(first + len(batch), len(windows))
    yield Heatmap(
        f"occlusion by patches of {rows}x{columns}", target, fallen / covered,
        Frame(0.0, 0.0, float(height), float(width)), (len(tops), len(lefts)),
    )  # fmt: skip


def mean_colour(pixels: Pixels) -> Pixels:
    """[channels]: what stands for nothing in particular."""
    return np.rint(pixels.mean(axis=(0, 1))).astype(np.uint8)


def _share(n: int) -> int:
    return max(1, round(n / WINDOWS))


def _starts(n: int, patch: int, stride: int) -> range:
    """Where patches begin, so that they cover everything; the last may hang over the end."""
    return range(0, (-(-(n - patch) // stride) + 1) * stride, stride)


def _check(pixels: Pixels) -> None:
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or 0 in pixels.shape:
        raise DataError(
            "a picture must be uint8 [height, width, channels]",
            received=f"{pixels.dtype} {list(pixels.shape)}",
        )


def _of_class(answers: NDArray[np.floating], target: int) -> Numbers:
    if not 0 <= target < answers.shape[1]:
        raise SettingsError(
            "there is no such class", where="class", received=str(target),
            remedy=f"one of 0 to {answers.shape[1] - 1}",
        )  # fmt: skip
    return answers[:, target].astype(np.float64)


@dataclass(frozen=True, eq=False)
class Deletion:
    """The class' probability while pixels become the picture's mean colour, by a heatmap's order and by chance.

    `shares` [steps + 1] of the pixels are replaced, 0 to 1; `curve` [steps + 1], the most important first;
    `random_curves` [orders, steps + 1], by random maps of the heatmap's grain. An area is that under a curve, by
    trapezoids: the smaller, the more the order has found. `faithful`: smaller than that of every random order.
    """

    target: int
    shares: Numbers
    curve: Numbers
    area: float
    random_curves: Numbers
    random_areas: Numbers
    faithful: bool
    verdict: str


def deletion_curve(
    probabilities: Probabilities,
    pixels: Pixels,
    heatmap: Heatmap,
    target: int,
    steps: int = 20,
    orders: int = 10,
    seed: int = 0,
) -> Deletion:
    """The check at the end of `deletion_records`."""
    *_, last = deletion_records(probabilities, pixels, heatmap, target, steps, orders, seed)
    assert isinstance(last, Deletion)
    return last


def deletion_records(
    probabilities: Probabilities,
    pixels: Pixels,
    heatmap: Heatmap,
    target: int,
    steps: int = 20,
    orders: int = 10,
    seed: int = 0,
) -> Iterator[Progress | Deletion]:
    """Whether a heatmap is faithful: replacing what it calls important takes the probability away sooner than
    replacing as coarse a pattern at random; the answer is last. `pixels` uint8 [height, width, channels]."""
    _check(pixels)
    height, width = pixels.shape[:2]
    rows, columns = heatmap.grain
    ties = uniform(seed, 0, np.arange(height * width))
    curves = []
    for number in range(orders + 1):
        if number:
            draws = uniform(seed, number, np.arange(rows * columns)).reshape(rows, columns)
            values = heatmap.random(height, width, draws)
        else:
            values = heatmap.over(height, width)
        order = np.lexsort((ties, -values.ravel()))
        curves.append(_deleted(probabilities, pixels, order, target, steps))
        yield Progress(len(curves) * (steps + 1), (orders + 1) * (steps + 1))
    shares = np.linspace(0, 1, steps + 1)
    areas = np.array([np.trapezoid(curve, shares) for curve in curves])
    area, random = float(areas[0]), areas[1:]
    yield Deletion(
        target, shares, curves[0], area, np.array(curves[1:]), random, bool(area < random.min()),
        _verdict(area, random),
    )  # fmt: skip


def _verdict(area: float, random: Numbers) -> str:
    mean, n = float(random.mean()), len(random)
    numbers = f"the area under the curve is {area:.3f}, that of {n} random orders {mean:.3f} on average"
    worse = int((random > area).sum())
    if worse == n:
        what = "is faithful: replacing its places takes the answer away sooner than any random order"
    elif area < mean:
        what = f"is not clearly faithful: it does better than {worse} of {n} random orders"
    else:
        what = "is not faithful: replacing its places does no more than chance"
    return f"The heatmap {what}; {numbers}."


def _deleted(
    probabilities: Probabilities, pixels: Pixels, order: NDArray[np.int64], target: int, steps: int
) -> Numbers:
    """The class' probability with 0, 1, ... all of `steps` equal shares of the pixels replaced in this order."""
    colour, flat = mean_colour(pixels), pixels.reshape(-1, pixels.shape[2])
    ends = np.rint(np.linspace(0, len(order), steps + 1)).astype(np.int64)
    size = max(1, BATCH_BYTES // pixels.nbytes)
    found = []
    for first in range(0, steps + 1, size):
        batch = []
        for end in ends[first : first + size]:
            changed = flat.copy()
            changed[order[:end]] = colour
            batch.append(changed.reshape(pixels.shape))
        found.append(_of_class(probabilities(np.stack(batch)), target))
    return np.concatenate(found)
