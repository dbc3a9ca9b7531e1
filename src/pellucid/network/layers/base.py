"""What every layer is: hyperparameters, and what follows from them and the shapes that go in.

Shapes are channel first and leave out the batch: (channels, length), (channels, height, width), (channels, depth,
height, width), or (values,) once flattened. The spatial axes, all but the first, are the shape's rank.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from enum import Enum
from fractions import Fraction
from typing import Any, ClassVar, Self

from pellucid.errors import NetworkError

Shape = tuple[int, ...]
Size = tuple[int, ...]
# The spatial axes by rank, in the order of the shapes.
AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
LARGEST = 1_000_000  # no count, size or stride of a real network comes near it


class Form(Enum):
    """How a hyperparameter is written in the text form."""

    COUNT = f"a whole number from 1 to {LARGEST:,}"
    SIZE = f"a size like 5, 5x5 or 5x5x5, from 1 to {LARGEST:,}"
    NUMBER = "a finite number"
    PADDING = "a padding like 2, 2x3, 0:1x0:1, same or valid"
    FLAG = "a word that stands alone"
    CHOICE = "one of its words"


@dataclass(frozen=True)
class Argument:
    """One hyperparameter in the text form: by its place (`word` empty), after its word, or by one of its `choices`."""

    field: str
    form: Form
    word: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Window:
    """How one axis of an output looks at its input: `size` places from `index * stride - before`."""

    size: int
    stride: Fraction = Fraction(1)
    before: int = 0


@dataclass(frozen=True)
class Layer:
    """A layer's hyperparameters. Frozen: a network's layers are values, compared and hashed as such."""

    word: ClassVar[str]  # in the text form
    prefix: ClassVar[str]  # of the names given automatically
    arguments: ClassVar[tuple[Argument, ...]] = ()
    joins: ClassVar[bool] = False  # takes two inputs or more
    sees_all: ClassVar[bool] = False  # every output depends on every place of its input

    def for_rank(self, rank: int) -> Self:
        """The same layer with each size given for every one of `rank` spatial axes, 1 to 3."""
        changes: dict[str, Any] = {}
        for argument in self.arguments:
            value = getattr(self, argument.field)
            if argument.form in (Form.SIZE, Form.PADDING) and isinstance(value, tuple):
                if len(value) == 1:
                    changes[argument.field] = value * rank
                elif len(value) != rank:
                    what = argument.word or argument.field
                    axes = "axis" if rank == 1 else "axes"
                    raise NetworkError(
                        f"{what} is given for {len(value)} axes, "
                        f"but the input has {rank} spatial {axes}: {', '.join(AXES[rank])}",
                        received=f"{what} {'x'.join(_axis_text(each) for each in value)}",
                    )
        return replace(self, **changes) if changes else self

    def output_shape(self, *inputs: Shape) -> Shape:
        """The output's shape; NetworkError where these inputs don't fit."""
        return inputs[0]

    def weight_shapes(self, *inputs: Shape) -> dict[str, Shape]:
        """Shapes of what is learned, by name."""
        return {}

    def state_shapes(self, *inputs: Shape) -> dict[str, Shape]:
        """Shapes of what is kept but not learned (running statistics), by name."""
        return {}

    def mult_adds(self, *inputs: Shape) -> int:
        """Multiplications of an input by a weight for one picture (additions go with them).

        Convolution and dense layers only: pooling and activations multiply by no weight, and a normalisation
        folds into the convolution before it.
        """
        return 0

    def windows(self, *inputs: Shape) -> tuple[Window, ...]:
        """For each spatial axis, how an output place looks at the input. By default at the same place."""
        return tuple(Window(1) for _ in inputs[0][1:])

    def shape_formula(self, *inputs: Shape) -> str:
        """The output's shape with the numbers put in."""
        return "the input's shape"

    def parameter_formula(self, *inputs: Shape) -> str:
        """The parameter count with the numbers put in."""
        return "none"

    def mult_add_formula(self, *inputs: Shape) -> str:
        """The mult-adds with the numbers put in."""
        return "none"

    def __post_init__(self) -> None:
        forms = {argument.field: argument for argument in self.arguments}
        for field in fields(self):
            if field.name in forms:
                argument = forms[field.name]
                checked = check(self.word, argument, getattr(self, field.name))
                object.__setattr__(self, field.name, checked)


def check(word: str, argument: Argument, value: Any) -> Any:
    """The hyperparameter in its one canonical form, or a NetworkError that names layer and hyperparameter."""
    match argument.form:
        case Form.COUNT if _whole(value) and 1 <= value <= LARGEST:
            return int(value)
        case Form.NUMBER if (
            isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e30
        ):
            return float(value)
        case Form.FLAG if isinstance(value, bool):
            return value
        case Form.CHOICE if value in argument.choices:
            return value
        case Form.SIZE:
            sizes = (value,) if _whole(value) else value
            if isinstance(sizes, tuple) and sizes and all(_whole(n) and 1 <= n <= LARGEST for n in sizes):
                return tuple(int(n) for n in sizes)
        case Form.PADDING:
            pads = _padding(value)
            if pads is not None:
                return pads
    wanted = f"one of {', '.join(argument.choices)}" if argument.choices else argument.form.value
    raise NetworkError(f"{word}: {argument.word or argument.field} must be {wanted}", received=repr(value))


def _axis_text(value: Any) -> str:
    """One axis' share of a size or a padding."""
    return str(value) if _whole(value) else ":".join(str(n) for n in value)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _padding(value: Any) -> str | tuple[tuple[int, int], ...] | None:
    if value == "same":
        return "same"
    if value == "valid":
        return ((0, 0),)
    pads = value if isinstance(value, tuple) else (value,)
    pairs = tuple((pad, pad) if _whole(pad) else pad for pad in pads)
    for pair in pairs:
        if not (
            isinstance(pair, tuple) and len(pair) == 2 and all(_whole(n) and 0 <= n <= LARGEST for n in pair)
        ):
            return None
    return pairs or None


def needs_planes(word: str, shape: Shape) -> None:
    """NetworkError for values that have been flattened."""
    if len(shape) < 2:
        raise NetworkError(
            f"{word} needs an input with spatial axes, this one is {size_text(shape)} values",
            remedy=f"put {word} before flatten and dense",
        )


def size_text(shape: Shape) -> str:
    """A shape as people write it, as height x width x channels, or the number of values."""
    return " x ".join(f"{n:,}" for n in on_screen(shape))


def on_screen(shape: Shape) -> Shape:
    """Channel last, as on screen and in JSON: [length, channels], [height, width, channels] and so on."""
    return (*shape[1:], shape[0])
