"""`pellucid filter IMAGE --learn TARGET`: the kernel between two pictures, forming step by step."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import __version__
from pellucid.errors import SettingsError
from pellucid.faces.cli import output
from pellucid.faces.cli.filter import Asked, Wanted, kernel_rows
from pellucid.filters import KERNELS
from pellucid.filters.applying import grey
from pellucid.filters.descent import Step
from pellucid.filters.learning import Learned, learn
from pellucid.filters.showing import clipped
from pellucid.images.values import write_npy
from pellucid.inside.classical import Nearest, nearest_filters
from pellucid.inside.columns import aligned
from pellucid.inside.comparison import Side, comparison_sheet
from pellucid.inside.pictures import png
from pellucid.storage import shown, write_atomically

_SHOWN = (0, 1, 2, 4)  # the kept steps shown, besides the last
SIZE = 3
_BORDERS = {
    "valid": "the target was made without padding",
    "any": "the target's border pixels don't tell what was taken for the outside",
    "other": "the target's border pixels fit no zero, reflected or replicated outside",
}
_SAME = 0.999  # a similarity from which on the classic itself is shown beside it


def learn_filter(asked: Asked, picture: NDArray[Any], target: NDArray[Any], real: Wanted | None) -> None:
    """Learn, compare with the kernel that was given, the nearest classical one or the optimum, and print."""
    if asked.out is not None and Path(asked.out).suffix.lower() != ".npy":
        raise SettingsError(
            "a learned kernel is numbers", where="--out", received=shown(asked.out),
            remedy="--out kernel.npy for the kernel, --sheet FILE.png for a drawing",
        )  # fmt: skip
    channels = asked.channels or ""
    if channels == "grey":
        picture, channels = grey(picture) if picture.shape[2] == 3 else picture, ""
        target = grey(target) if target.shape[2] == 3 else target
    learned = learn(picture, target, _size(asked.size), channels, shown(asked.learn or ""))
    nearest = nearest_filters(learned.kernel[None])[0]
    name, beside = _beside(learned, nearest, real)
    if asked.out is not None:
        write_npy(Path(asked.out), np.moveaxis(learned.kernel, 0, 2).astype(np.float32))
    if asked.sheet is not None:
        steps = [(_step_name(step), step.kernel) for step in _chosen(learned.steps)]
        sheet = comparison_sheet(
            Side(Path(asked.image or "").name, clipped(picture), picture),
            Side(Path(asked.learn or "").name, clipped(target), target), [*steps, (name, beside)],
            f"the filter from {Path(asked.image or '').name} to {Path(asked.learn or '').name}, learned",
            [f"each weight within {learned.tolerance:.2g}; {_percent(learned.residual)} of the target's variance left"],
        )  # fmt: skip
        about = {"Title": "a learned filter", "Software": f"pellucid {__version__}"}
        write_atomically(Path(asked.sheet), png(sheet, about))
    if asked.as_json:
        output.print_json(_document(asked, learned, nearest, target))
        return
    _print(asked, learned, nearest, name, beside)


def _print(asked: Asked, learned: Learned, nearest: Nearest, name: str, beside: NDArray[np.float64]) -> None:
    planes, height, width = learned.kernel.shape
    size = f"{planes} x {height} x {width}" if planes > 1 else f"{height} x {width}"
    print(f"learning the {size} kernel from {shown(asked.image or '')} to {shown(asked.learn or '')}")
    masked = f", {learned.masked:,} masked (0 or 255, perhaps cut off)" if learned.masked else ""
    print(f"{learned.pixels:,} values used{masked}; the mean squared error descends:")
    steps = _chosen(learned.steps)
    for plane in range(planes):
        if planes > 1:
            print(f"  channel {plane}")
        columns = [(_step_name(step), step.kernel[plane]) for step in steps] + [(name, beside[plane])]
        print(
            "\n".join(
                _side_by_side(columns, [_loss(step.loss) for step in steps] if plane == planes - 1 else ())
            )
        )
    print(
        f"learned in {learned.steps[-1].step:,} steps; each weight is within {learned.tolerance:.2g} of the true one"
    )
    explains = f"; rounding explains {learned.rounding:.2g}"
    print(
        f"left: {_percent(learned.residual)} of the target's variance, {learned.left:.2g} grey levels{explains}"
    )
    away = float(np.abs(learned.kernel - beside).max())
    print(f"largest difference from {name}: {away:.1e}")
    print(nearest.text)
    print(_BORDERS.get(learned.border, f"the target's border pixels were made with border {learned.border}"))
    for path in (asked.out, asked.sheet):
        if path is not None:
            print(f"written {shown(path)}", flush=True)


def _beside(learned: Learned, nearest: Nearest, real: Wanted | None) -> tuple[str, NDArray[np.float64]]:
    """What the learned kernel is held against, and its name."""
    shape = learned.kernel.shape
    if real is not None:
        if not real.is_one:
            raise SettingsError("a learned kernel is held against one kernel", where="KERNEL", received=real.said,
                                remedy="leave KERNEL out, or give one")  # fmt: skip
        given = real.pieces[0].filters[0].sliding.astype(np.float64)
        given = np.repeat(given, shape[0], 0) if len(given) == 1 else given
        if given.shape != shape:
            raise SettingsError(
                "the kernel beside is of another size", where="KERNEL",
                received=f"{real.said}: {given.shape[1]} x {given.shape[2]}, learned {shape[1]} x {shape[2]}",
                remedy=f"--size {given.shape[1]}x{given.shape[2]}",
            )  # fmt: skip
        return real.said, given
    if (
        shape[0] == 1
        and abs(nearest.similarity) >= _SAME
        and not any(nearest.shift)
        and nearest.name in KERNELS
    ):
        classic = _framed(KERNELS[nearest.name].array, shape[1:])
        if classic is not None:
            factor = float((classic * learned.kernel[0]).sum() / (classic**2).sum())
            factor = (
                round(factor)
                if abs(factor - round(factor)) <= learned.tolerance and round(factor)
                else factor
            )
            return (nearest.name if factor == 1 else f"{factor:.6g} x {nearest.name}"), factor * classic[None]
    return "the least-squares optimum", learned.optimum


def _framed(classic: NDArray[np.float64], shape: Sequence[int]) -> NDArray[np.float64] | None:
    """A classic with zeros around it; None where it is larger or has no common middle."""
    spare = [large - small for large, small in zip(shape, classic.shape, strict=True)]
    if min(spare) < 0 or any(each % 2 for each in spare):
        return None
    return np.pad(classic, [(each // 2, each // 2) for each in spare])


def _chosen(steps: Sequence[Step]) -> list[Step]:
    """The first few, where the kernel forms, and the last."""
    return [steps[place] for place in _SHOWN if place < len(steps) - 1] + [steps[-1]]


def _step_name(step: Step) -> str:
    return f"step {step.step}" if step.step else "start"


def _side_by_side(columns: Sequence[tuple[str, NDArray[np.float64]]], below: Sequence[str]) -> list[str]:
    """Kernels [height, width] in columns under their names, with a line of losses below."""
    blocks = []
    for place, (name, kernel) in enumerate(columns):
        texts = aligned([float(value) for value in np.where(np.abs(kernel) < 5e-7, 0, kernel).ravel()])
        rows = [" ".join(texts[i : i + kernel.shape[1]]) for i in range(0, len(texts), kernel.shape[1])]
        loss = [below[place]] if place < len(below) else [""] * bool(below)
        blocks.append([name, *rows, *loss])
    widths = [max(map(len, block)) for block in blocks]
    return [
        (
            "  " + "    ".join(f"{block[row]:<{width}}" for block, width in zip(blocks, widths, strict=True))
        ).rstrip()
        for row in range(len(blocks[0]))
    ]


def _loss(loss: float) -> str:
    return f"error {loss:.3g}"


def _document(asked: Asked, learned: Learned, nearest: Nearest, target: NDArray[Any]) -> dict[str, Any]:
    return {
        "kernel": kernel_rows(learned.kernel), "output_shape": list(target.shape), "tolerance": learned.tolerance,
        "tolerances": kernel_rows(learned.tolerances), "optimum": kernel_rows(learned.optimum),
        "residual": learned.residual, "left": learned.left, "rounding": learned.rounding, "pixels": learned.pixels,
        "masked": learned.masked, "channels": learned.channels, "border": learned.border,
        "nearest": {"name": nearest.name, "similarity": nearest.similarity, "near": nearest.is_near},
        "steps": [
            {"step": each.step, "loss": each.loss, "kernel": kernel_rows(each.kernel)} for each in learned.steps
        ],
        "path": asked.out, "sheet": asked.sheet,
    }  # fmt: skip


def _percent(share: float) -> str:
    return "0%" if share < 1e-14 else f"{100 * share:.2g}%"


def _size(text: str | None) -> tuple[int, int]:
    if text is None:
        return SIZE, SIZE
    match = re.fullmatch(r"(\d{1,3})(?:x(\d{1,3}))?", text.strip().lower())
    if match is None:
        raise SettingsError("a kernel's size is one number, or height x width", where="--size", received=repr(text),
                            remedy="--size 3, or --size 3x5")  # fmt: skip
    return int(match[1]), int(match[2] or match[1])
