"""The filter that made one picture from another, learned: found by gradient descent, with its tolerance, or refused.

Which pixels count. Only windows that lie in the picture, as nothing says what was taken for the outside. In an 8-bit
target 0 and 255 are masked: such a value may have been cut off there. What is masked is decided by the target's value,
which follows from the filter's own sum and not from a noise beside it, so that alone favours no kernel. What is left
is rounding, of standard deviation 1/sqrt(12). Its mean is nought where answers lie evenly within a grey level, but
where they are rarer from level to level it isn't, and over a range that masking has cut on one side this doesn't
cancel: the means follow from the histogram's slope (`rounding_means`), and what they do to each weight, G^-1 X'm, is
added to its tolerance.

The tolerance of a weight is 6 standard deviations from the estimate's covariance, noise^2 G^-1 (the usual one of
least squares; see statistics.py), the noise being what rounding gives or, if larger, what is left; and that bias. 6
and not 3, as rounding errors aren't quite independent: even areas repeat a window, and with it its error.

A target is refused where one filter leaves more than rounding explains: LEFT_ROUNDED standard deviations of rounding
in a target of whole numbers, a millionth of its variance in one of float32.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import DataError
from pellucid.filters.descent import Step, descend
from pellucid.filters.statistics import Pairs, Sums, gather, residual, rounding_means

Numbers = NDArray[np.float64]

LARGEST = 31  # a kernel's longest side
ROUNDED = 1 / 12  # the variance of rounding to whole numbers
LEFT_ROUNDED = 2  # times rounding's deviation
LEFT_FLOAT = 1e-6  # of the target's variance
FLOAT32 = 2.0**-24  # half the distance from 1 to the next
DEVIATIONS = 6
_SINGULAR = 1e-12
_UNKNOWN = 0.5  # of the largest weight: a tolerance at which nothing is known
_BORDERS = {"zero": "constant", "reflect": "reflect", "replicate": "edge"}  # as NumPy's pad calls them


@dataclass(frozen=True, eq=False)
class Learned:
    """A learned filter: `kernel` float64 [planes, height, width], as networks slide it (cross-correlation).

    `steps` are what the descent went through, the last one being the kernel; `optimum` the least-squares solution from
    the normal equations, beside it; `tolerance`, how far each weight may be from the true one, `tolerances` the same
    for each weight; `residual` is the share of the target's variance that is left, `left` its root mean square in grey
    levels, `rounding` what rounding explains of that. `pixels` were used, `masked` left out as cut off. `channels`:
    "each" (one kernel for every channel) or "volume" (over all of them). `border`: "valid" where the target is smaller
    by the kernel; else which kind of outside its border pixels agree with: "zero", "reflect", "replicate", "any" (they
    can't tell) or "other".
    """

    kernel: Numbers
    optimum: Numbers
    steps: tuple[Step, ...]
    tolerance: float
    tolerances: Numbers
    residual: float
    left: float
    rounding: float
    pixels: int
    masked: int
    channels: str
    border: str


def learn(
    picture: NDArray[Any], target: NDArray[Any], size: int | tuple[int, int], channels: str = "", where: str = ""
) -> Learned:  # fmt: skip
    """The kernel of `size` (height and width) that makes `target` from `picture`, both [height, width, channels].

    uint8 or float32, in the same units. The target is as large as the picture (`same` padding, any border), or smaller
    by the kernel (`valid`). `channels`: "each", the same kernel over every channel, or "volume", one kernel over all
    channels to a target of one; by the target's channels unless given. `where` names the target in errors. Raises
    DataError where the sizes don't fit, the picture is too flat to tell, or one filter can't make the target.
    """
    pairs = _laid(picture, target, size, channels, where)
    sums = gather(pairs)
    _check_count(pairs, sums, where)
    _check_flat(pairs, sums)
    shape = (pairs.weights // (pairs.size[0] * pairs.size[1]), *pairs.size)
    steps, distance = descend(sums, shape)
    kernel = steps[-1].kernel
    means = rounding_means(sums.levels) if np.isfinite(pairs.high) else None
    mean_square, weighted = residual(pairs, kernel, means)
    rounding = _rounding(pairs, kernel)
    share = _share(mean_square, sums)
    _check_left(pairs, sums, kernel, mean_square, rounding, share, where)
    noise = max(rounding, float(np.sqrt(mean_square)))
    spread = noise * np.sqrt(np.diag(np.linalg.inv(sums.gram)))
    bias = np.abs(np.linalg.solve(sums.gram, weighted))
    tolerances = (DEVIATIONS * spread + bias + distance).reshape(shape)
    tolerance = float(tolerances.max())
    if tolerance > _UNKNOWN * np.abs(kernel).max() > 0:
        raise DataError(
            "The picture is too flat to tell the filter, beside the target's rounding", where=where,
            received=f"the weights would be known to ± {tolerance:.2g}, the largest is {np.abs(kernel).max():.2g}",
            remedy="a picture with more detail, a smaller --size, or a target that keeps every value "
            "(--out x.npy or x.tiff)",
        )  # fmt: skip
    optimum = np.linalg.solve(sums.gram, sums.moment).reshape(shape).astype(np.float64)
    return Learned(
        kernel, optimum, steps, tolerance, tolerances, share,
        float(np.sqrt(mean_square)), rounding, sums.count, sums.masked, "volume" if pairs.volume else "each",
        _border(pairs, kernel, rounding),
    )  # fmt: skip


def _laid(picture: NDArray[Any], target: NDArray[Any], size: int | tuple[int, int], channels: str, where: str
          ) -> Pairs:  # fmt: skip
    """The two laid over each other; DataError where they can't be."""
    height, width = (size, size) if isinstance(size, int) else size
    if not (1 <= height <= LARGEST and 1 <= width <= LARGEST):
        raise DataError(f"A kernel to learn is 1 to {LARGEST} numbers high and wide", where="--size",
                        received=f"{height} x {width}", remedy="--size 3")  # fmt: skip
    rows, columns = picture.shape[:2]
    if height > rows or width > columns:
        raise DataError("The kernel is larger than the picture", where="--size",
                        received=f"kernel {height} x {width}, picture {rows} x {columns}",
                        remedy="a smaller --size, or a larger picture")  # fmt: skip
    valid = (rows - height + 1, columns - width + 1)
    given = target.shape[:2]
    if given == valid:
        top = left = 0
    elif given == (rows, columns) and height % 2 and width % 2:
        top, left = height // 2, width // 2
    elif given == (rows, columns):
        raise DataError(
            "A kernel with an even side has no middle, so a target as large as the picture can't be laid over it",
            where="--size", received=f"{height} x {width}",
            remedy=f"an odd size, or a target of {valid[0]} x {valid[1]} (no padding)",
        )  # fmt: skip
    else:
        raise DataError(
            "The target is of another size than the picture", where=where,
            received=f"picture {rows} x {columns}, target {given[0]} x {given[1]} (height x width)",
            remedy=f"a target of {rows} x {columns}, or of {valid[0]} x {valid[1]} (made without padding)",
        )  # fmt: skip
    if not np.isfinite(target.sum(dtype=np.float64)):
        raise DataError("The target holds values that are no numbers (NaN or infinite)", where=where,
                        remedy="make it again")  # fmt: skip
    planes, made = picture.shape[2], target.shape[2]
    volume = channels == "volume" or (not channels and made == 1 < planes)
    if made != (1 if volume else planes):
        raise DataError(
            "The target's channels don't go with the picture's", where=where,
            received=f"picture {planes}, target {made}",
            remedy="a target of one channel for a kernel over the volume, else as many as the picture has",
        )  # fmt: skip
    low, high = (0.0, 255.0) if _is_whole(target) and target.min() >= 0 and target.max() <= 255 else (
        -np.inf, np.inf
    )  # fmt: skip
    return Pairs(picture, target, (height, width), top, left, volume, low, high)


def _is_whole(target: NDArray[Any]) -> bool:
    """Whether it was rounded to whole numbers (all zeros say nothing)."""
    if target.dtype.kind in "ui":
        return True
    return bool(target.any()) and all(bool((row == np.rint(row)).all()) for row in target)


def _check_count(pairs: Pairs, sums: Sums, where: str) -> None:
    if sums.count >= 2 * pairs.weights:
        return
    if sums.masked:
        raise DataError(
            "Nearly all of the target is black (0) or white (255), where it may have been cut off", where=where,
            received=f"{sums.count:,} of {sums.count + sums.masked:,} values are neither, {pairs.weights} weights",
            remedy="a target that keeps every value: --out x.npy or x.tiff",
        )  # fmt: skip
    raise DataError(
        "There are too few pixels to tell the filter", where=where,
        received=f"{sums.count:,} pixels with a whole window, {pairs.weights} weights",
        remedy="a larger picture, or a smaller --size",
    )  # fmt: skip


def _check_flat(pairs: Pairs, sums: Sums) -> None:
    """G has as many directions as the kernel has weights, or some can't be told."""
    strengths = np.linalg.eigvalsh(sums.gram)
    told = int((strengths > _SINGULAR * strengths[-1]).sum()) if strengths[-1] > 0 else 0
    if told < pairs.weights:
        height, width = pairs.size
        raise DataError(
            "The picture is too flat to tell one kernel from another: many kernels give the same answer on it",
            where="the picture" + (", where the target isn't cut off" if sums.masked else ""),
            received=f"it tells {told} of the {pairs.weights} numbers of a {height} x {width} kernel",
            remedy="a picture with detail in all directions, such as a photograph; or a smaller --size",
        )  # fmt: skip


def _rounding(pairs: Pairs, kernel: Numbers) -> float:
    """The standard deviation of what the target's kind of number rounds off."""
    if np.isfinite(pairs.high) or _is_whole(pairs.target):
        return float(np.sqrt(ROUNDED))
    return FLOAT32 * float(np.abs(pairs.picture).max()) * float(np.abs(kernel).sum())


def _share(mean_square: float, sums: Sums) -> float:
    """Of the target's variance (its mean square, where it is one grey)."""
    whole = sums.variance or sums.mean_square
    return mean_square / whole if whole else 0.0


def _check_left(
    pairs: Pairs, sums: Sums, kernel: Numbers, mean_square: float, rounding: float, share: float, where: str
) -> None:  # fmt: skip
    """DataError where more is left than rounding explains; it says what else the target may be."""
    if rounding == np.sqrt(ROUNDED):
        allowed = min((LEFT_ROUNDED * rounding) ** 2, 0.25 * (sums.variance or sums.mean_square))
    else:
        allowed = max(LEFT_FLOAT * (sums.variance or sums.mean_square), (LEFT_ROUNDED * rounding) ** 2)
    if mean_square <= allowed:
        return
    height, width = pairs.size
    explains = _share(rounding**2, sums)
    left = f"{_percent(share)} of" if share < 1 else "more than"
    raise DataError(
        f"One {height} x {width} filter can't make this target from this picture", where=where,
        received=f"the best one leaves {left} the target's variance ({np.sqrt(mean_square):.3g} grey "
        f"levels, root mean square); rounding explains {_percent(explains)}",
        remedy=_guess(pairs, sums, allowed),
    )  # fmt: skip


def _guess(pairs: Pairs, sums: Sums, allowed: float) -> str:
    """What to try: what the target looks like."""
    size = len(sums.moment)
    gram = np.zeros((size + 1, size + 1))
    gram[:size, :size], gram[size, size] = sums.gram, sums.count
    gram[:size, size] = gram[size, :size] = sums.columns
    moment = np.append(sums.moment, sums.total)
    found = np.linalg.lstsq(gram, moment, rcond=None)[0]
    left = (sums.square - float(found @ moment)) / sums.count
    if left <= allowed and abs(found[-1]) > 0.5:
        return (
            f"a filter and a constant ({found[-1]:+.4g}) would do: the target was stretched or shifted; give the "
            "values themselves, as --out x.npy keeps them"
        )
    if not np.isfinite(pairs.high):
        cut = replace(pairs, low=float(pairs.inner.min()))
        rest = gather(cut)
        if rest.masked and rest.count >= 2 * pairs.weights:
            best = np.linalg.lstsq(rest.gram, rest.moment, rcond=None)[0].astype(np.float64)
            if residual(cut, best)[0] <= allowed:
                share = rest.masked / (rest.masked + rest.count)
                return (
                    f"a filter would do whose answers below {cut.low:g} were cut off ({_percent(share)} of them), as "
                    "by ReLU: give those before"
                )
    return (
        "a larger --size, if the filter may be larger; else it is no single filter's: another picture, one that was "
        "moved, rescaled, equalised or saved as JPEG, or a rule that isn't a weighted sum"
    )


def _percent(share: float) -> str:
    return f"{100 * share:.2g}%" if share < 0.1 else f"{100 * share:.1f}%"


def _border(pairs: Pairs, kernel: Numbers, rounding: float) -> str:
    """What the target's first rows were computed with."""
    if pairs.target.shape[:2] != pairs.picture.shape[:2]:
        return "valid"
    if not pairs.top:
        return "any"
    top, left, height = pairs.top, pairs.left, pairs.size[0]
    strip = pairs.picture[: height + top].astype(np.float64)
    wanted = pairs.target[:top].astype(np.float64)
    left_over: dict[str, float] = {}
    for name, mode in _BORDERS.items():
        if mode == "reflect" and min(pairs.picture.shape[0] - top, pairs.picture.shape[1] - left) < 1:
            continue
        wide: Numbers = np.pad(strip, ((top, 0), (left, left), (0, 0)), mode=mode)  # type: ignore[call-overload]
        windows = np.lib.stride_tricks.sliding_window_view(wide, pairs.size, axis=(0, 1))[:top]
        made = np.einsum("yxcij,cij->yx" if pairs.volume else "yxcij,cij->yxc", windows,
                         kernel if pairs.volume else np.repeat(kernel, pairs.picture.shape[2], 0))  # fmt: skip
        made = np.clip(made.reshape(wanted.shape), pairs.low, pairs.high)
        left_over[name] = float(np.sqrt(((made - wanted) ** 2).mean()))
    # Beside the rounding there is what the kernel's own tolerance leaves.
    allowed = LEFT_ROUNDED * rounding + 1e-4 * float(np.abs(wanted).max())
    fitting = [name for name, left in left_over.items() if left <= allowed]
    if len(fitting) == len(left_over):
        return "any"
    return min(fitting, key=left_over.__getitem__) if fitting else "other"
