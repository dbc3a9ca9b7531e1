"""The one preprocessing: raw pixels of any size to what the network takes in, as ONNX nodes.

It has two halves. `image` (uint8 [N, height, width, channels], any size, grey or colour) becomes `pixels` (uint8, the
training size): resized, then brought to the network's channels. `pixels` becomes `input` (float32 [N, c, h, w]):
scale * pixel + shift by channel. The first half, run by onnxruntime, also fills training's cache.

Resizing is linear with antialiasing, in NHWC. `exclude_outside` matters: without it onnxruntime weighs the border's
pixels several times, up to 13 grey levels off; with it, it is the exact area-weighted triangle filter, as Pillow's.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper
from pydantic import BaseModel, ConfigDict, Field

IMAGE, PIXELS, INPUT = "image", "pixels", "input"
# Luminance of ITU-R BT.601 in 16-bit fixed point, as Pillow's convert("L"): grey in, the same grey out, exactly.
LUMA = (19595, 38470, 7471)


class Preprocessing(BaseModel):
    """What stands between a picture and the network.

    `fit`: "stretch" to the size; "pad" keeps the proportions and repeats the border; "crop" keeps them and cuts the
    longer side's ends off. `scale` and `shift` have one number a channel: input = scale * pixel + shift.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    height: int = Field(ge=1, le=65536)
    width: int = Field(ge=1, le=65536)
    channels: Literal[1, 3]
    fit: Literal["stretch", "pad", "crop"] = "stretch"
    scale: tuple[float, ...]
    shift: tuple[float, ...]


class Nodes:
    """ONNX nodes and constants as they are collected."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def constant(self, name: str, value: ArrayLike, dtype: DTypeLike) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def add(self, op: str, inputs: list[str], output: str, name: str = "", **attributes: Any) -> str:
        """One node; its name is its output's unless given."""
        self.nodes.append(helper.make_node(op, inputs, [output], name=name or output, **attributes))
        return output


def add_pixels(nodes: Nodes, preprocessing: Preprocessing) -> None:
    """`image` -> `pixels`."""
    size = [preprocessing.height, preprocessing.width]
    target = nodes.constant("resize/size", size, np.int64)
    if preprocessing.fit == "stretch":
        _resize(nodes, target, "resized")
    else:
        _keep_proportions(nodes, target, preprocessing.fit)
    colour = nodes.constant("colour/shape", [1, 1, 1, 3], np.int64)
    if preprocessing.channels == 3:
        nodes.add("Expand", ["resized", colour], PIXELS)
        return
    nodes.add("Expand", ["resized", colour], "grey/colour")
    nodes.add("Cast", ["grey/colour"], "grey/whole", to=TensorProto.INT32)
    nodes.add("Mul", ["grey/whole", nodes.constant("grey/luma", LUMA, np.int32)], "grey/weighted")
    axis = nodes.constant("grey/axis", [3], np.int64)
    nodes.add("ReduceSum", ["grey/weighted", axis], "grey/sum", keepdims=1)
    nodes.add("Add", ["grey/sum", nodes.constant("grey/half", 1 << 15, np.int32)], "grey/rounded")
    nodes.add("Div", ["grey/rounded", nodes.constant("grey/one", 1 << 16, np.int32)], "grey/shifted")
    nodes.add("Cast", ["grey/shifted"], PIXELS, to=TensorProto.UINT8)


def add_normalise(nodes: Nodes, preprocessing: Preprocessing) -> None:
    """`pixels` -> `input`."""
    nodes.add("Cast", [PIXELS], "normalise/float", to=TensorProto.FLOAT)
    nodes.add("Mul", ["normalise/float", nodes.constant("normalise/scale", preprocessing.scale, np.float32)],
              "normalise/scaled")  # fmt: skip
    nodes.add("Add", ["normalise/scaled", nodes.constant("normalise/shift", preprocessing.shift, np.float32)],
              "normalise")  # fmt: skip
    nodes.add("Transpose", ["normalise"], INPUT, perm=[0, 3, 1, 2])


def scale_and_shift(
    mean: NDArray[np.float64], deviation: NDArray[np.float64]
) -> tuple[tuple[float, ...], ...]:
    """(scale, shift) that bring pixels (0 to 255) of this mean and deviation, by channel, to 0 and 1.

    As float32 numbers: what the graph holds is what training computes with. A constant channel keeps scale 1/255.
    """
    safe = np.where(deviation > 1e-6, deviation, 255.0)
    scale = (1 / safe).astype(np.float32)
    shift = (-mean / safe).astype(np.float32)
    return tuple(float(x) for x in scale), tuple(float(x) for x in shift)


def _resize(nodes: Nodes, size: str, output: str) -> None:
    nodes.add("Resize", [IMAGE, "", "", size], output, name="resize", mode="linear", antialias=1, exclude_outside=1,
              axes=[1, 2], coordinate_transformation_mode="half_pixel")  # fmt: skip


def _keep_proportions(nodes: Nodes, target: str, fit: str) -> None:
    """Resize by one factor for both axes, then pad to, or crop to, the target around the middle."""
    two = nodes.constant("fit/two", [2], np.int64)
    axes = nodes.constant("fit/axes", [1, 2], np.int64)
    first = nodes.constant("fit/axis", [0], np.int64)
    nodes.add("Shape", [IMAGE], "fit/shape", start=1, end=3)
    nodes.add("Cast", ["fit/shape"], "fit/old", to=TensorProto.FLOAT)
    nodes.add("Cast", [target], "fit/new", to=TensorProto.FLOAT)
    nodes.add("Div", ["fit/new", "fit/old"], "fit/factors")
    nodes.add("ReduceMin" if fit == "pad" else "ReduceMax", ["fit/factors", first], "fit/factor", keepdims=1)
    nodes.add("Mul", ["fit/old", "fit/factor"], "fit/exact")
    nodes.add("Add", ["fit/exact", nodes.constant("fit/half", [0.5], np.float32)], "fit/up")
    nodes.add("Floor", ["fit/up"], "fit/whole")
    nodes.add("Cast", ["fit/whole"], "fit/sides", to=TensorProto.INT64)
    if fit == "pad":  # rounding may not pass the target, and a thin picture keeps one pixel
        nodes.add("Min", ["fit/sides", target], "fit/within")
        nodes.add("Max", ["fit/within", nodes.constant("fit/one", [1], np.int64)], "fit/size")
    else:
        nodes.add("Max", ["fit/sides", target], "fit/size")
    _resize(nodes, "fit/size", "fit/resized")
    nodes.add(
        "Sub", *([[target, "fit/size"], "fit/spare"] if fit == "pad" else [["fit/size", target], "fit/spare"])
    )
    nodes.add("Div", ["fit/spare", two], "fit/before")
    if fit == "pad":
        nodes.add("Sub", ["fit/spare", "fit/before"], "fit/after")
        nodes.add("Concat", ["fit/before", "fit/after"], "fit/pads", axis=0)
        nodes.add("Pad", ["fit/resized", "fit/pads", "", axes], "resized", mode="edge")
    else:
        nodes.add("Add", ["fit/before", target], "fit/end")
        nodes.add("Slice", ["fit/resized", "fit/before", "fit/end", axes], "resized")
