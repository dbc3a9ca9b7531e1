"""An ONNX file that another tool made: it has no card, so how pictures come into it is read from its input, what
can't be read is assumed, and what was assumed is said.

Pictures go through our own preprocessing first (a small graph of its own), so that a value of the file opens down to
the raw pixels, as in a file of ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import DTypeLike, NDArray
from onnx import TensorProto, helper

from pellucid.engines.onnxruntime import Session
from pellucid.errors import DataError, ModelError, SettingsError
from pellucid.model.classifier import Classifier, check_pixels
from pellucid.model.onnx_file import OnnxFile
from pellucid.model.opened import Opened, check_numbers, check_order, check_sizes, open_run, tensor_sizes
from pellucid.model.preprocessing import IMAGE, PIXELS, Nodes, Preprocessing, add_pixels
from pellucid.model.write import small_model
from pellucid.network.graph import LARGEST_SIDE
from pellucid.storage import shown

DEFAULT_SIDE = 224
LARGEST_LABELS = 16 << 20
MOST_CLASSES = 1_000_000
LARGEST_PICTURE = 1 << 25  # numbers in a picture: 3344 x 3344 in colour
_TYPES: dict[int, DTypeLike] = {
    TensorProto.FLOAT: np.float32,
    TensorProto.FLOAT16: np.float16,
    TensorProto.DOUBLE: np.float64,
    TensorProto.UINT8: np.uint8,
}
# What may stand between the scores and the file's end without changing which is which.
_PASSING = {"Identity", "Reshape", "Flatten", "Squeeze", "Cast", "Dropout"}


@dataclass(frozen=True)
class Wishes:
    """What a person says about a foreign file's pictures; None: as the file says, or as it is usual.

    A pixel becomes (pixel x scale - mean) / std, by channel in the file's order of channels; `bgr`: blue first.
    `side`: height and width, where the file leaves them open; `labels`, a text file with a class a line.
    """

    scale: float | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    bgr: bool = False
    fit: str | None = None
    side: tuple[int, int] | None = None
    labels: str | None = None


@dataclass(frozen=True)
class Intake:
    """What a foreign file takes in: its input's `name`, channel first or last, the sizes and the type of number.
    `assumed` are sentences about what the file didn't say, `shape_assumed` those of them about shape alone."""

    name: str
    channel_last: bool
    preprocessing: Preprocessing
    dtype: DTypeLike
    bgr: bool
    assumed: tuple[str, ...]
    shape_assumed: tuple[str, ...]


class ForeignModel(Classifier):
    """A classifier in an ONNX file without a card. `intake` says how pictures come in; `assumed`, what was assumed;
    `before` is our preprocessing, whose last tensor is the file's input.
    Its classes are `names`, or those of the file of labels, or numbers.

    Raises ModelError where the file can't be read or isn't a network for pictures.
    """

    def __init__(
        self,
        file: OnnxFile,
        wishes: Wishes,
        threads: int | None = None,
        names: tuple[str, ...] | None = None,
    ):
        self.file = file
        self.where = file.where
        self._threads = threads
        self.intake = read_intake(file, wishes)
        check_order(file, [self.intake.name])
        self.before = OnnxFile(_preprocessing_model(self.intake, _tensors(file)), file.where)
        self._output, self._ending = _ending(file)
        self._wishes = wishes
        self._names = names
        self._last_assumed = {
            "": "its answers are taken as scores: softmax makes probabilities of them",
            "LogSoftmax": "its answers are logarithms of probabilities",
            "Sigmoid": "its answers are taken for each class by itself, and divided by their sum",
        }.get(self._ending)

    @property
    def is_named(self) -> bool:
        """Whether somebody said what its classes are called; else they are numbers."""
        return self._names is not None or self._wishes.labels is not None

    @property
    def answer(self) -> tuple[str, str]:
        """The output that has the classes' answers, and ONNX's name of what made them: "Softmax", "LogSoftmax",
        "Sigmoid", or nothing of these."""
        return self._output, self._ending

    def with_classes(self, names: tuple[str, ...]) -> ForeignModel:
        """The same model, its classes called so; `names` are as many as it has."""
        return ForeignModel(self.file, self._wishes, self._threads, names)

    @property
    def assumed(self) -> tuple[str, ...]:
        """What the file didn't say, in sentences."""
        numbers = "its classes have no names: they are numbers from 0 (--labels FILE)"
        names = () if self.is_named else (numbers,)
        return (*self.intake.assumed, *((self._last_assumed,) if self._last_assumed else ()), *names)

    @cached_property
    def classes(self) -> tuple[str, ...]:  # type: ignore[override]
        if self._names is not None:
            return self._names
        count = self._class_count()
        if self._wishes.labels is None:
            return tuple(str(number) for number in range(count))
        labels = read_labels(Path(self._wishes.labels))
        if len(labels) != count:
            raise DataError("the labels are not as many as the model's classes", where=shown(self._wishes.labels),
                            received=f"{len(labels):,} lines, {count:,} classes",
                            remedy="a text file with one class in each line, in the model's order")  # fmt: skip
        return labels

    @cached_property
    def _sessions(self) -> tuple[Session, Session]:
        before = Session(*self.before.stripped(), self.where, self._threads)
        check_numbers(self.file.weights, self.where)
        model, given = self.file.stripped()
        size = self.intake.preprocessing
        axes = (size.height, size.width, size.channels) if self.intake.channel_last else (
            size.channels, size.height, size.width
        )  # fmt: skip
        check_sizes(
            tensor_sizes(model, {self.intake.name: np.empty((1, *axes), self.intake.dtype)}), self.where
        )
        return before, Session(model, given, self.where, self._threads, bounded=True)

    def probabilities(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        check_pixels(pixels)
        if not len(pixels):
            return np.zeros((0, len(self.classes)), np.float32)
        network = self._sessions[1]
        rows = []
        for picture in pixels:  # many a file takes one picture at a time
            taken = self.prepared(picture)
            rows.append(self._scores(network.run({self.intake.name: taken}, self._output)))
            if len(rows[-1]) != len(self.classes):
                raise ModelError("the network's answer is not what the file says it is", where=self.where,
                                 received=f"{len(rows[-1]):,} scores, {len(self.classes):,} classes",
                                 remedy="export it for classification, with one score a class")  # fmt: skip
        return self.as_probabilities(np.stack(rows)).astype(np.float32)

    def prepared(self, picture: NDArray[np.uint8]) -> NDArray[np.generic]:
        """One picture [height, width, 1 or 3] as the file takes it in."""
        return self._sessions[0].run({_image(self.before): picture[None]}, self.intake.name)

    def opened(self, pixels: NDArray[np.uint8], again: Opened | None = None) -> Opened:
        """The file's graph, our preprocessing before it, with every value for one picture [height, width, 1 or 3].
        `again`: an earlier one, whose loaded model serves once more."""
        check_pixels(pixels[None])
        before = open_run(
            self.before, {_image(self.before): np.ascontiguousarray(pixels[None])}, self._threads
        )
        feeds = {self.intake.name: before.values[self.intake.name]}
        return before.then(open_run(self.file, feeds, self._threads, again=again))

    def _class_count(self) -> int:
        shape = self.file.output_shape(self._output)
        if shape and isinstance(shape[-1], int) and 1 < shape[-1] <= MOST_CLASSES:
            return shape[-1]
        size = self.intake.preprocessing
        zeros = np.zeros((1, size.height, size.width, size.channels), np.uint8)
        before, network = self._sessions
        taken = before.run({_image(self.before): zeros}, self.intake.name)
        return len(self._scores(network.run({self.intake.name: taken}, self._output)))

    def _scores(self, answer: NDArray[np.generic]) -> NDArray[np.generic]:
        """The network's answer as one row of numbers."""
        if answer.dtype.kind not in "fiub" or not 0 < answer.size <= MOST_CLASSES:
            raise ModelError("the network's answer is no list of scores", where=self.where,
                             received=f"{shown(self._output)}: {answer.dtype} {list(answer.shape)}",
                             remedy=f"one with a score a class, {MOST_CLASSES:,} classes at most")  # fmt: skip
        return np.ravel(answer)

    def as_probabilities(self, rows: NDArray[np.generic]) -> NDArray[np.float64]:
        """The network's answers [N, classes] as probabilities, by what they end in."""
        values = rows.astype(np.float64)
        if self._ending == "Softmax":
            return values
        if self._ending == "Sigmoid":
            return values / np.maximum(values.sum(axis=1, keepdims=True), 1e-30)
        exponents = np.exp(values - values.max(axis=1, keepdims=True))
        return exponents / exponents.sum(axis=1, keepdims=True)


def read_intake(file: OnnxFile, wishes: Wishes) -> Intake:
    """What the file takes in, by its input's declaration; what it leaves open, as wished, or as it is usual."""
    weights = {tensor.name for tensor in file.skeleton.graph.initializer}
    inputs = [given for given in file.skeleton.graph.input if given.name not in weights]
    if len(inputs) != 1:
        raise ModelError(
            "a network for pictures has one input", where=file.where,
            received=f"{len(inputs)}: {', '.join(shown(given.name) for given in inputs[:8])}",
            remedy="export the part that takes in the picture alone",
        )  # fmt: skip
    given = inputs[0]
    kind, dims = given.type.tensor_type.elem_type, given.type.tensor_type.shape.dim
    shape = [dim.dim_value or None for dim in dims]
    said = shown("x".join(str(dim.dim_value or dim.dim_param or "?") for dim in dims))
    if kind not in _TYPES:
        raise ModelError(
            "the network takes in numbers that pictures aren't brought to", where=file.where,
            received=f"{shown(given.name)}: {_type_name(kind)} {said}",
            remedy="one that takes float32, float16, float64 or uint8",
        )  # fmt: skip
    if len(shape) != 4 or shape[0] not in (None, 1):
        raise ModelError(
            "the network doesn't take one picture: [1, channels, height, width] or [1, height, width, channels]",
            where=file.where, received=f"{shown(given.name)}: {said}",
            remedy="export it with a batch of 1, or of any size",
        )  # fmt: skip
    assumed: list[str] = []
    first, last = shape[1] in (1, 3), shape[3] in (1, 3)
    if not first and not last:
        if shape[1] is not None and shape[3] is not None:
            raise ModelError("the network takes neither grey nor colour pictures", where=file.where,
                             received=f"{shown(given.name)}: {said}", remedy="one with 1 or 3 channels")  # fmt: skip
        assumed.append("its input's channels are taken as the first axis, 3 of them")
    channel_last = last and not first
    channels = (shape[3] if channel_last else shape[1]) or 3
    height, width = shape[1:3] if channel_last else shape[2:4]
    if wishes.side and (height or wishes.side[0], width or wishes.side[1]) != wishes.side:
        raise SettingsError("the file says its pictures' size itself", where="--size",
                            received=f"{wishes.side[0]}x{wishes.side[1]}",
                            remedy=f"leave --size out: the file takes {height}x{width}")  # fmt: skip
    if height is None or width is None:
        height, width = wishes.side or (height or DEFAULT_SIDE, width or DEFAULT_SIDE)
        if not wishes.side:
            assumed.append(f"its input's size is open: {height}x{width} is taken (--size)")
    if (
        min(height, width) < 1
        or max(height, width) > LARGEST_SIDE
        or height * width * channels > LARGEST_PICTURE
    ):
        raise ModelError(
            "the network takes in pictures of a size that isn't made", where=file.where,
            received=f"{shown(given.name)}: {said}",
            remedy=f"{LARGEST_PICTURE:,} numbers at most; --size, where it is open",
        )  # fmt: skip
    of_shape = tuple(assumed)
    return Intake(
        given.name,
        channel_last,
        _normalisation(wishes, kind, int(channels), int(height), int(width), assumed),
        _TYPES[int(kind)],
        wishes.bgr,
        tuple(assumed),
        of_shape,
    )


def _normalisation(
    wishes: Wishes, kind: int, channels: int, height: int, width: int, assumed: list[str]
) -> Preprocessing:
    raw = kind == TensorProto.UINT8
    if raw and (wishes.scale is not None or wishes.mean or wishes.std):
        raise SettingsError("the file takes raw pixels (uint8): there is nothing to scale", where="--scale",
                            remedy="leave --scale, --mean and --std out")  # fmt: skip
    scale = wishes.scale if wishes.scale is not None else 1.0 if raw else 1 / 255
    if not raw and wishes.scale is None:
        assumed.append("pixels are scaled by 1/255 (--scale)")
    if not raw and wishes.mean is None and wishes.std is None:
        assumed.append("nothing is subtracted, nothing divided (--mean, --std)")
    if channels == 3 and not wishes.bgr:
        assumed.append("red comes first (--bgr)")
    if wishes.fit is None:
        assumed.append("the picture is stretched to the size (--fit pad, --fit crop)")
    mean = _by_channel("--mean", wishes.mean, 0.0, channels)
    std = _by_channel("--std", wishes.std, 1.0, channels)
    if any(value == 0 for value in std):
        raise SettingsError("nothing can be divided by 0", where="--std", received=str(list(std)))
    return Preprocessing(
        height=height, width=width, channels=1 if channels == 1 else 3, fit=wishes.fit or "stretch",  # type: ignore[arg-type]
        scale=tuple(scale / each for each in std),
        shift=tuple(-centre / each for centre, each in zip(mean, std, strict=True)),
    )  # fmt: skip


def _by_channel(
    option: str, values: tuple[float, ...] | None, default: float, channels: int
) -> tuple[float, ...]:
    values = values or (default,)
    if len(values) not in (1, channels):
        raise SettingsError(f"one number, or one for each of the {channels} channels", where=option,
                            received=", ".join(f"{value:g}" for value in values))  # fmt: skip
    return values * (channels // len(values))


def _preprocessing_model(intake: Intake, taken: set[str]) -> bytes:
    """`image` -> the foreign file's input, in names that the file doesn't use."""
    nodes = Nodes()
    add_pixels(nodes, intake.preprocessing)
    source = PIXELS
    if intake.bgr and intake.preprocessing.channels == 3:
        order = nodes.constant("bgr/order", [2, 1, 0], np.int64)
        source = nodes.add("Gather", [source, order], "bgr", axis=3)
    if intake.dtype != np.uint8:
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(intake.dtype))
        scale = nodes.constant("normalise/scale", intake.preprocessing.scale, np.float32)
        shift = nodes.constant("normalise/shift", intake.preprocessing.shift, np.float32)
        nodes.add("Cast", [source], "normalise/float", to=TensorProto.FLOAT)
        nodes.add("Mul", ["normalise/float", scale], "normalise/scaled")
        source = nodes.add("Add", ["normalise/scaled", shift], "normalise")
        if kind != TensorProto.FLOAT:
            source = nodes.add("Cast", [source], "normalise/narrow", to=kind)
    made = {name for node in nodes.nodes for name in node.output}
    prefix = "picture/"
    while any(name.startswith(prefix) for name in taken):
        prefix = f"our-{prefix}"
    ours = {
        name: f"{prefix}{name}"
        for name in {IMAGE, *made, *(c.name for c in nodes.constants)}
        if name in taken
    }
    for node in nodes.nodes:
        node.input[:] = [ours.get(name, name) for name in node.input]
        node.output[:] = [ours.get(name, name) for name in node.output]
    for constant in nodes.constants:
        constant.name = ours.get(constant.name, constant.name)
    source = ours.get(source, source)
    if intake.channel_last:
        nodes.add("Identity", [source], intake.name)
    else:
        nodes.add("Transpose", [source], intake.name, perm=[0, 3, 1, 2])
    image = helper.make_tensor_value_info(
        ours.get(IMAGE, IMAGE), TensorProto.UINT8, ["N", "height", "width", "channels"]
    )
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(intake.dtype))
    answer = helper.make_tensor_value_info(intake.name, kind, [None] * 4)
    return small_model(helper.make_graph(nodes.nodes, "picture", [image], [answer], nodes.constants))


def _type_name(kind: int) -> str:
    names = {int(number): name for name, number in TensorProto.DataType.items()}
    return names.get(kind, f"type {kind}").lower()


def _tensors(file: OnnxFile) -> set[str]:
    graph = file.skeleton.graph
    return {name for node in graph.node for name in (*node.input, *node.output)} | set(file.weights)


def _image(before: OnnxFile) -> str:
    return before.skeleton.graph.input[0].name


def _ending(file: OnnxFile) -> tuple[str, str]:
    """The output that holds the answer, and the operation that its values end in: Softmax, LogSoftmax, Sigmoid, or
    nothing where they are scores."""
    graph = file.skeleton.graph
    if not graph.output:
        raise ModelError("the network has no output", where=file.where, received="no outputs",
                         remedy="export it with its scores as the output")  # fmt: skip
    makers: dict[str, onnx.NodeProto] = {name: node for node in graph.node for name in node.output}
    answer = name = graph.output[0].name
    while name in makers and makers[name].op_type in _PASSING and makers[name].input:
        name = makers[name].input[0]
    kind = makers[name].op_type if name in makers else ""
    return answer, kind if kind in ("Softmax", "LogSoftmax", "Sigmoid") else ""


def read_labels(path: Path) -> tuple[str, ...]:
    """Class names from a text file, one a line; DataError where it can't be read."""
    try:
        if path.stat().st_size > LARGEST_LABELS:
            raise DataError(
                "the file of labels is too large",
                where=shown(str(path)),
                received=f"over {LARGEST_LABELS:,} bytes",
            )
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        said = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise DataError("the file of labels can't be read", where=shown(str(path)), received=said,
                        remedy="a text file with one class in each line")  from error  # fmt: skip
    return tuple(line.strip() for line in lines if line.strip())
