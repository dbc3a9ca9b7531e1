"""Convolution and cross-correlation of one channel, worked at one place or over the whole output.

`data`: `task`: "value" (of cross-correlation at `row`, `column`, from 1), "convolution" (the value of a convolution
with the kernel turned by 180 degrees), "map" (the whole output of cross-correlation), "both" (one place of both).
`input` [h][w], `kernel` [f][f], `bias`, `stride`, `padding` (zeros on each side), `dilation`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pellucid.exercises.draw import Draw
from pellucid.exercises.question import Question, ask
from pellucid.exercises.slips import slip
from pellucid.exercises.wording import FLIPS, FROM_ONE, SLIDES, ZEROS, grid, options
from pellucid.exercises.worked import Values, Worked, at, rows_of, slid

TITLE = "Convolution and cross-correlation"
TASKS = {
    1: ("value", "convolution"),
    2: ("value", "map", "both", "convolution"),
    3: ("value", "map", "convolution"),
}


@dataclass(frozen=True)
class Setting:
    """One picture and one kernel, and how it slides. `kernel` is slid as it is: flipped before, where so asked."""

    picture: Values
    kernel: Values
    bias: int
    stride: int
    padding: int
    dilation: int

    def output(self, **changed: object) -> Values:
        """[h, w] of cross-correlation, with something else taken for one of these."""
        each = {**self.__dict__, **changed}
        return slid(
            [each["picture"]],
            [[each["kernel"]]],
            each["bias"],
            each["stride"],
            each["padding"],
            each["dilation"],
        )[0]

    def repeated(self) -> Values:
        """The output where the border is repeated instead of padded with zeros."""
        return self.output(picture=np.pad(self.picture, self.padding, mode="edge"), padding=0)

    def text(self) -> str:
        """As a network."""
        f = self.kernel.shape[0]
        words = f"conv 1 {f}x{f} stride {self.stride} pad {self.padding} dilation {self.dilation}"
        return words + ("" if self.bias else " nobias")


def make(draw: Draw, level: int) -> Question | None:
    task = draw.task(TASKS[level])
    setting = _setting(draw, level, small=task == "map")
    f = len(setting.kernel)
    if np.array_equal(setting.kernel, setting.kernel[::-1, ::-1]) or not setting.picture.any():
        return None
    # Every kernel here has cells of either sign or none: a window that is all zeros asks nothing.
    used = (
        Setting(setting.picture, setting.kernel[::-1, ::-1], *_rest(setting))
        if task == "convolution"
        else setting
    )
    shape = used.output().shape
    row, column = draw.whole("row", 1, shape[0]), draw.whole("column", 1, shape[1])
    if task != "map" and not _says_much(used, row - 1, column - 1):
        return None
    weights = {"conv1.weight": used.kernel} | ({"conv1.bias": [used.bias]} if used.bias else {})
    worked = Worked(used.text(), [used.picture], weights)
    bias = used.bias if used.bias else None
    given = (
        f"A picture of {setting.picture.shape[0]} x {setting.picture.shape[1]} pixels:\n\n{grid(setting.picture)}\n\n"
        f"A kernel of {f} x {f}:\n\n{grid(setting.kernel)}\n\n"
    )
    how = options(used.padding, used.stride, used.dilation, bias)
    data = {
        "task": task,
        "input": rows_of(setting.picture),
        "kernel": rows_of(setting.kernel),
        "bias": used.bias,
        "stride": used.stride,
        "padding": used.padding,
        "dilation": used.dilation,
    }
    conventions = [FLIPS if task == "convolution" else SLIDES, FROM_ONE, *([ZEROS] if used.padding else [])]
    if task == "map":
        question = f"{given}The kernel slides over the picture with {how}. What is the whole output?"
        answer = worked.plane("conv1")
        slips = [slip(name, None if not other.size else rows_of(other)) for name, other in _others(used)]
        return ask(
            "convolution",
            level,
            "matrix",
            question,
            answer,
            working=worked.lines("conv1"),
            conventions=conventions,
            slips=slips,
            data=data,
        )
    data |= {"row": row, "column": column}
    place = f"row {row}, column {column}"
    if task == "both":
        return _both(setting, worked, row - 1, column - 1, given, how, level, data)
    verb = "convolved with" if task == "convolution" else "cross-correlated with"
    question = (
        f"{given}The picture is {verb} the kernel, with {how}. Which value stands in {place} of the output?"
    )
    answer = worked.value("conv1", 0, row - 1, column - 1)
    working = [f"`{worked.line('conv1', 0, row - 1, column - 1)}`"]
    if task == "convolution":
        working.insert(0, f"The kernel, turned by 180 degrees:\n\n{grid(used.kernel)}")
    working.insert(len(working) - 1, _window(used, row - 1, column - 1))
    slips = [slip(_name(name, task), at(other, row - 1, column - 1)) for name, other in _others(used)]
    plain = used.output()
    slips.insert(2, slip("row and column swapped", at(plain, column - 1, row - 1)))
    slips.insert(3, slip("counted from 0", at(plain, row, column)))
    return ask(
        "convolution",
        level,
        "number",
        question,
        answer,
        working=working,
        conventions=conventions,
        slips=slips,
        data=data,
    )


def _both(
    setting: Setting,
    worked: Worked,
    y: int,
    x: int,
    given: str,
    how: str,
    level: int,
    data: dict[str, object],
) -> Question:
    turned = setting.kernel[::-1, ::-1]
    weights = {"conv1.weight": turned} | ({"conv1.bias": [setting.bias]} if setting.bias else {})
    other = Worked(setting.text(), [setting.picture], weights)
    one, two = worked.value("conv1", 0, y, x), other.value("conv1", 0, y, x)
    flipped = replace(setting, kernel=turned)
    lost = [at(dict(_others(each))["signs lost"], y, x) for each in (setting, flipped)]
    upside = at(setting.output(kernel=setting.kernel[::-1]), y, x)
    slips = [
        slip("outputs swapped", ((two,), (one,))),
        slip("kernel not flipped", ((one,), (one,))),
        slip("rows flipped only", None if upside is None else ((one,), (upside,))),
        slip("signs lost", tuple((value,) for value in lost if value is not None)),
        slip("bias forgotten", ((one - setting.bias,), (two - setting.bias,))),
    ]
    return ask(
        "convolution",
        level,
        "matrix",
        f"{given}The kernel is used on the picture with {how}. Which value does row {y + 1}, column "
        f"{x + 1} of the output "
        "have, once in cross-correlation and once in convolution?",
        ((one,), (two,)),
        working=[
            f"cross-correlation, the kernel as it is: `{worked.line('conv1', 0, y, x)}`",
            f"convolution, the kernel turned by 180 degrees: `{other.line('conv1', 0, y, x)}`",
        ],
        conventions=[
            "Cross-correlation slides the kernel as it is; convolution turns it by 180 degrees first.",
            FROM_ONE,
            *([ZEROS] if setting.padding else []),
        ],
        slips=slips,
        data=data,
        rows=("cross-correlation", "convolution"),
        columns=("value",),
    )


def _setting(draw: Draw, level: int, small: bool) -> Setting:
    f = 2 if level == 1 and draw.whole("size of the kernel", 0, 2) == 0 else 3
    padding = stride = 0
    dilation, bias = 1, 0
    stride = 1
    if level == 1:
        n = draw.whole("height", f + 1, 5), draw.whole("width", f + 1, 5)
    elif level == 2:
        bias = _nonzero(draw, "bias", 4)
        padding = 0 if small else draw.whole("padding", 0, 1)
        n = draw.whole("height", 4, 5), draw.whole("width", 4, 5)
    else:
        bias = _nonzero(draw, "bias", 6)
        dilated = draw.whole("dilated", 0, 1) == 1
        dilation, stride = (2, 1) if dilated else (1, 2)
        padding = draw.whole("padding", 0, 1)
        low = 6 if dilated and not padding else 5
        n = draw.whole("height", low, 6), draw.whole("width", low, 6)
    picture = draw.array("picture", n, 0, 5 if level < 3 else 9).astype(np.float64)
    kernel = draw.array("kernel", (f, f), -2 if level < 3 else -3, 2 if level < 3 else 3).astype(np.float64)
    return Setting(picture, kernel, bias, stride, padding, dilation)


def _rest(setting: Setting) -> tuple[int, int, int, int]:
    return setting.bias, setting.stride, setting.padding, setting.dilation


def _nonzero(draw: Draw, name: str, most: int) -> int:
    n = draw.whole(name, 1, most)
    return -n if draw.whole(f"{name}'s sign", 0, 1) else n


def _says_much(setting: Setting, y: int, x: int) -> bool:
    """At least half the window's cells, and three, take part: neither value nor weight is 0."""
    parts = setting.output(picture=setting.picture != 0, kernel=setting.kernel != 0, bias=0)
    return parts[y, x] >= max(3, setting.kernel.size // 2 - (2 if setting.padding else 0))


def _others(setting: Setting) -> list[tuple[str, Values]]:
    """The whole output under each slip; empty where it can't be laid."""
    found = [("kernel flipped", setting.output(kernel=setting.kernel[::-1, ::-1]))]
    if setting.bias:
        found.append(("bias forgotten", setting.output(bias=0)))
    if setting.padding:
        found.append(("padding forgotten", setting.output(padding=0)))
        found.append(("padding repeats the border", setting.repeated()))
    if setting.stride > 1:
        found.append(("stride forgotten", setting.output(stride=1)))
    if setting.dilation > 1:
        found.append(("dilation forgotten", setting.output(dilation=1)))
    found.append(("kernel transposed", setting.output(kernel=setting.kernel.T)))
    found.append(("signs lost", setting.output(kernel=abs(setting.kernel))))
    found.append(("products not weighted", setting.output(kernel=np.ones_like(setting.kernel))))
    if setting.bias:
        found.append(("bias subtracted", setting.output(bias=-setting.bias)))
    return found


def _name(name: str, task: str) -> str:
    """In a convolution the kernel that was used is the flipped one, so flipping it again leaves it as it was."""
    return "kernel not flipped" if task == "convolution" and name == "kernel flipped" else name


def _window(setting: Setting, y: int, x: int) -> str:
    """Which rows and columns lie under the window, from 1."""
    reach = setting.dilation * (len(setting.kernel) - 1)
    top, left = y * setting.stride - setting.padding + 1, x * setting.stride - setting.padding + 1
    step = f" (every {setting.dilation}nd one)" if setting.dilation > 1 else ""
    over = " (0 and below, or past the end: padding)" if setting.padding else ""
    return (
        f"The window lies on rows {top} to {top + reach} and columns {left} to {left + reach} of the "
        f"picture{step}{over}."
    )
