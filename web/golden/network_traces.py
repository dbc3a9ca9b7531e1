"""Traces of whole networks: raw pixels of an odd size in, every tensor, openings, fields, an explanation."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from operation_traces import tensor

from pellucid.inside.classical import nearest_filters
from pellucid.inside.editing import Edited, Weight
from pellucid.inside.explanation import Explanation, explain
from pellucid.inside.explorer_document import Described, described, plain
from pellucid.inside.field import box, picture_mask, receptive_field
from pellucid.inside.number import Inside
from pellucid.inside.wire import explanation_document, number_document
from pellucid.model import ForeignModel, ModelFile
from pellucid.model.card import Card
from pellucid.model.foreign import Wishes
from pellucid.model.onnx_file import OnnxFile
from pellucid.model.preprocessing import Preprocessing
from pellucid.model.write import model_bytes
from pellucid.network import Network
from pellucid.network.operations.convolution import Convolution

MOST_TERMS = 24  # of an opening that is written whole
OPENED = 14  # values of each network

# name: the network, its input, how pictures are brought to it, the picture's size.
OURS: dict[str, tuple[str, tuple[int, int, int], str, tuple[int, int, int]]] = {
    "digits": (
        "conv 4 3x3 pad same, batchnorm, maxpool 2, relu, conv 5 3x3, relu, flatten, dense 6, relu, dropout, dense 4, "
        "softmax",
        (1, 10, 12), "stretch", (17, 14, 3),
    ),
    "residual": (
        "conv 4 3x3 stride 2 pad 1 nobias, batchnorm, silu, conv 4 3x3 pad same, gelu, add silu1, "
        "conv 3 1x1, hardswish, concat add1, adaptiveavgpool 3x2, leakyrelu slope 0.1, avgpool 2x1 stride 1, "
        "globalavgpool, flatten, dense 5, softmax",
        (3, 11, 9), "pad", (8, 19, 1),
    ),
    "odd": (
        "pad 1x0:2 reflect, conv 4 3x2 stride 2x1 pad 0:1x1 dilation 1x2 groups 2, relu6, lrn 3 alpha 0.5, "
        "maxpool 3x2 stride 2x1 pad 1:0x0, conv 4 3x3 pad same groups 4, tanh, sigmoid, flatten, dense 3, softmax",
        (2, 9, 10), "crop", (23, 9, 3),
    ),
}  # fmt: skip


def network_traces() -> list[dict]:
    """All of them."""
    return [*_ours(), *_foreign()]


def _ours() -> Iterator[dict]:
    for number, (name, (text, shape, fit, size)) in enumerate(OURS.items()):
        # A model file takes grey or colour: two channels are made of colour by the first layer.
        if shape[0] == 2:
            text, shape = f"conv 2 1x1, {text}", (3, *shape[1:])
        draws = np.random.default_rng(number)
        network = Network.from_text(text, shape)
        shapes = network.parameter_shapes | network.state_shapes
        weights = {key: _drawn(draws, key, sizes) for key, sizes in shapes.items()}
        count = network.output_shape[0]
        card = Card(
            classes=tuple(f"class {n}" for n in range(count)),
            network=network.text,
            preprocessing=Preprocessing(
                height=shape[1], width=shape[2], channels=1 if shape[0] == 1 else 3, fit=fit,  # type: ignore[arg-type]
                scale=tuple(0.01 + 0.002 * n for n in range(shape[0])), shift=(-1.2,) * shape[0],
            ),
            temperature=1.25,
        )  # fmt: skip
        model = ModelFile(model_bytes(network.with_weights(weights), card), f"{name}.onnx", threads=1)
        yield _trace(name, model, _picture(draws, size))


def _drawn(draws: np.random.Generator, name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    if name.endswith(("running_var", "norm1.weight")):
        return draws.uniform(0.5, 1.5, shape).astype(np.float32)
    return (draws.uniform(-1, 1, shape) / np.sqrt(max(1, np.prod(shape[1:])))).astype(np.float32)


def _picture(draws: np.random.Generator, size: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Something with places: a bright spot on a gradient, and noise."""
    height, width, channels = size
    y, x = np.mgrid[0:height, 0:width]
    spot = 150 * np.exp(-((y - height / 3) ** 2 + (x - width / 2) ** 2) / (height * width / 12))
    plane = (spot + 4 * x + draws.uniform(0, 40, (height, width)))[..., None]
    return np.clip(plane * draws.uniform(0.7, 1, channels), 0, 255).astype(np.uint8)


def _foreign() -> Iterator[dict]:
    draws = np.random.default_rng(11)

    def x(*shape: int) -> NDArray[np.float32]:
        return (draws.uniform(-1, 1, shape) / np.sqrt(max(1, np.prod(shape[1:])))).astype(np.float32)

    # As torch exports: channels first, logits out.
    torch_like = _model(
        [
            helper.make_node("Conv", ["picture", "k1", "b1"], ["c1"], pads=[1, 1, 1, 1], strides=[2, 2]),
            helper.make_node("Relu", ["c1"], ["r1"]),
            helper.make_node("Conv", ["r1", "k2"], ["c2"], group=4, pads=[1, 1, 1, 1]),
            helper.make_node("Add", ["c2", "r1"], ["a1"]),
            helper.make_node("Clip", ["a1", "low", "high"], ["r2"]),
            helper.make_node("GlobalAveragePool", ["r2"], ["g"]),
            helper.make_node("Flatten", ["g"], ["f"]),
            helper.make_node("Gemm", ["f", "w", "b"], ["scores"], transB=1),
        ],
        {"k1": x(4, 3, 3, 3), "b1": x(4), "k2": x(4, 1, 3, 3), "w": 3 * x(5, 4), "b": x(5),
         "low": np.float32(0), "high": np.float32(6)},
        ("picture", (1, 3, 12, 10)), "scores", 5,
    )  # fmt: skip
    # As Keras exports: channels last, transposed around convolutions, a sigmoid for each class, names of ours taken.
    keras_like = _model(
        [
            helper.make_node("Transpose", ["image"], ["pixels"], perm=[0, 3, 1, 2]),
            helper.make_node("Conv", ["pixels", "k1"], ["c1"], auto_pad="SAME_UPPER", strides=[2, 2]),
            helper.make_node("Mul", ["c1", "scale"], ["s1"]),
            helper.make_node("Add", ["s1", "shift"], ["s2"]),
            helper.make_node("LeakyRelu", ["s2"], ["r1"], alpha=0.2),
            helper.make_node("AveragePool", ["r1"], ["p1"], kernel_shape=[2, 2], strides=[2, 2]),
            helper.make_node("Transpose", ["p1"], ["t1"], perm=[0, 2, 3, 1]),
            helper.make_node("Reshape", ["t1", "flat"], ["f"]),
            helper.make_node("MatMul", ["f", "w"], ["m"]),
            helper.make_node("Add", ["m", "b"], ["logits"]),
            helper.make_node("Sigmoid", ["logits"], ["answers"]),
        ],
        {"k1": x(3, 3, 4, 3), "scale": x(1, 3, 1, 1), "shift": x(1, 3, 1, 1), "flat": np.array([-1, 18]),
         "w": x(18, 4), "b": x(4)},
        ("image", (1, 9, 11, 3)), "answers", 4,
    )  # fmt: skip
    wishes = Wishes(mean=(0.4, 0.5, 0.6), std=(0.2, 0.25, 0.3), bgr=True, fit="stretch")
    for name, model, size in (
        ("torch-like", torch_like, (15, 21, 3)),
        ("keras-like", keras_like, (30, 8, 1)),
    ):
        file = OnnxFile(model, f"{name}.onnx")
        yield _trace(name, ForeignModel(file, wishes if name == "torch-like" else Wishes(), threads=1),
                     _picture(draws, size))  # fmt: skip


def _model(
    nodes: list,
    weights: dict[str, NDArray[Any]],
    given: tuple[str, tuple[int, ...]],
    output: str,
    classes: int,
) -> bytes:
    graph = helper.make_graph(
        nodes,
        "foreign",
        [helper.make_tensor_value_info(given[0], TensorProto.FLOAT, given[1])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, [1, classes])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.checker.check_model(made)
    return made.SerializeToString()


def _trace(name: str, model: ModelFile | ForeignModel, pixels: NDArray[np.uint8]) -> dict:
    made = described(model, name)
    # What changes with every version says nothing about arithmetic.
    document = made.document.model_copy(update={"versions": {}, "fingerprint": ""})
    inside = Inside(model.opened(pixels))
    graph = inside.opened.graph
    computed = [*graph.inputs[:1], *(each for node in graph.nodes for each in node.outputs if each)]
    computed = list(dict.fromkeys(computed))
    answers = model.probabilities(pixels[None])[0]
    explanation = explain(model, pixels, method="gradcam")
    return {
        "name": name,
        "document": document.model_dump(mode="json"),
        "weights": base64.b64encode(made.weights()).decode(),
        "picture": {
            "height": pixels.shape[0], "width": pixels.shape[1], "channels": pixels.shape[2],
            "data": base64.b64encode(pixels.tobytes()).decode(),
        },
        "probabilities": _rounded(answers),
        "tensors": {each: tensor(inside.opened.values[each]) for each in computed},
        "openings": list(_openings(inside, computed)),
        "kernels": list(_kernels(inside)),
        "explanation": _explanation(explanation),
        "edited": _edited(model, inside, made, pixels),
        "occlusion": _explanation(explain(model, pixels, method="occlusion"))["heatmap"],
    }  # fmt: skip


def _edited(
    model: ModelFile | ForeignModel, inside: Inside, made: Described, pixels: NDArray[np.uint8]
) -> dict:
    """The answer with a weight changed and a map switched off; of a network of ours, with an epoch's weights too."""
    weight = next(about for about in made.document.weights if about.learned)
    index = [n // 2 for n in weight.shape]
    layer = next(layer for layer in made.document.layers if layer.family == "activation")
    edits = {
        "weights": [{"name": weight.tensor, "index": index, "value": 1.75}],
        "off": [{"name": layer.name, "channel": 1}],
    }
    changed, off = [Weight(weight.tensor, tuple(index), 1.75)], [(layer.name, 1)]
    found: dict[str, Any] = {
        "edits": edits,
        "probabilities": _rounded(Edited(model, inside, None, changed, off).probabilities(pixels[None])[0]),
    }
    if isinstance(model, ModelFile):
        whole = {name: np.flip(array) for name, array in model.network.weights.items()}
        half = {name: array.astype(np.float16).astype(np.float32) for name, array in whole.items()}
        found["snapshot"] = base64.b64encode(made.snapshot(whole)).decode()
        found["of_snapshot"] = _rounded(Edited(model, inside, half).probabilities(pixels[None])[0])
    return found


def _rounded(values: NDArray[np.floating]) -> list[float]:
    return [float(f"{each:.9g}") for each in values]


def _openings(inside: Inside, computed: list[str]) -> Iterator[dict]:
    """Of every tensor one value, with the part of the picture that reaches it; those with few terms whole."""
    picture = inside.opened.graph.inputs[0]
    draws = np.random.default_rng(3)
    for name in computed:
        shape = inside.places.shape(name)
        place = inside.places.at(name, (int(draws.integers(n)) for n in shape))
        number = inside.open(place)
        level = number_document(number)
        level = {key: value for key, value in level.items() if key not in ("difference", "closes")}
        if number.opening is not None and number.opening.count > MOST_TERMS:
            for key in ("terms", "operands", "window"):
                level[key] = None
        found = {"full": list(place.full), "level": _dumped(level)}
        if number.node is not None:
            mask = picture_mask(inside, receptive_field(inside, place), picture)
            found["field"] = None
            if mask is not None and mask.any():
                (top, bottom), (left, right) = box(mask)
                found["field"] = [top, left, bottom + 1, right + 1]
        yield found


def _dumped(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json", exclude={"opened"})
    if isinstance(value, dict):
        return {key: _dumped(each) for key, each in value.items()}
    return [_dumped(each) for each in value] if isinstance(value, list | tuple) else value


def _kernels(inside: Inside) -> Iterator[dict]:
    for node in inside.opened.graph.nodes:
        if isinstance(node.operation, Convolution) and node.operation.kernel != (1, 1):
            found = nearest_filters(inside.places.value(node.inputs[1]))
            yield {
                "name": node.name,
                "near": [[near.title, plain(near.similarity)] if near.is_near else None for near in found],
            }


def _explanation(explanation: Explanation) -> dict:
    document = explanation_document(explanation, None).model_dump(mode="json")
    document["trail"] = [
        [
            step["name"],
            step["index"],
            step["value"],
            [term["source"] for term in step["strongest"]],
            step["others"],
        ]
        for step in document["trail"]
    ]
    return document
