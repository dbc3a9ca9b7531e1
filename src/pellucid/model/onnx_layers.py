"""Each of our layers as ONNX nodes, opset 20: one function a layer kind, one literal table.

A layer's result is a tensor with the layer's name, so that `conv1[3,4,5]` is to be found in the file under `conv1`.
Most layers are one node of that name too; where ONNX has no such operation, the helpers before it are `silu1/...`.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from pellucid.model.preprocessing import Nodes
from pellucid.network import layers
from pellucid.network.layers import Layer, Shape

Writer = Callable[[Nodes, Any, str, list[str], str, tuple[Shape, ...]], None]


def add_layer(
    nodes: Nodes, layer: Layer, name: str, inputs: list[str], output: str, shapes: tuple[Shape, ...]
) -> None:
    """The nodes of one layer, from tensors `inputs` of these shapes (without the batch) to tensor `output`."""
    WRITERS[type(layer)](nodes, layer, name, inputs, output, shapes)


def _op(operation: str, **attributes: Any) -> Writer:
    """A layer that is one ONNX operation without weights."""

    def write(
        nodes: Nodes, layer: Layer, name: str, inputs: list[str], output: str, shapes: tuple[Shape, ...]
    ) -> None:
        nodes.add(operation, inputs, output, name=name, **attributes)

    return write


def _weights(layer: Layer, name: str, shapes: tuple[Shape, ...]) -> list[str]:
    return [f"{name}.{weight}" for weight in (layer.weight_shapes(*shapes) | layer.state_shapes(*shapes))]


def _onnx_pads(layer: layers.Sliding, shape: Shape) -> list[int]:
    pads = layer.pads(shape)
    return [before for before, _ in pads] + [after for _, after in pads]


def _conv(nodes: Nodes, layer: layers.Conv, name: str, inputs: list[str], output: str,
          shapes: tuple[Shape, ...]) -> None:  # fmt: skip
    nodes.add("Conv", inputs + _weights(layer, name, shapes), output, name=name, kernel_shape=layer.kernel,
              strides=layer.stride, pads=_onnx_pads(layer, shapes[0]), dilations=layer.dilation,
              group=layer.groups)  # fmt: skip


def _pad(nodes: Nodes, layer: layers.Pad, name: str, inputs: list[str], output: str,
         shapes: tuple[Shape, ...]) -> None:  # fmt: skip
    befores, afters = ([pads[side] for pads in layer.padding] for side in (0, 1))
    pads = nodes.constant(f"{name}/pads", [0, 0, *befores, 0, 0, *afters], np.int64)
    mode = {"zero": "constant", "reflect": "reflect", "replicate": "edge"}[layer.mode]
    nodes.add("Pad", [*inputs, pads], output, name=name, mode=mode)


def _max_pool(nodes: Nodes, layer: layers.MaxPool, name: str, inputs: list[str], output: str,
              shapes: tuple[Shape, ...]) -> None:  # fmt: skip
    nodes.add("MaxPool", inputs, output, name=name, kernel_shape=layer.window, strides=layer.stride,
              pads=_onnx_pads(layer, shapes[0]))  # fmt: skip


def _avg_pool(nodes: Nodes, layer: layers.AvgPool, name: str, inputs: list[str], output: str,
              shapes: tuple[Shape, ...]) -> None:  # fmt: skip
    nodes.add("AveragePool", inputs, output, name=name, kernel_shape=layer.window, strides=layer.stride,
              pads=_onnx_pads(layer, shapes[0]), count_include_pad=int(layer.count_include_pad))  # fmt: skip


def _adaptive(pool: str, reduce: str) -> Writer:
    """Plain pooling where the windows are equal; else each axis is cut into its windows and reduced in turn."""

    def write(
        nodes: Nodes, layer: Any, name: str, inputs: list[str], output: str, shapes: tuple[Shape, ...]
    ) -> None:
        sizes, spans = shapes[0][1:], layer.spans(*shapes)
        if all(n % m == 0 for n, m in zip(sizes, layer.size, strict=True)):
            window = [n // m for n, m in zip(sizes, layer.size, strict=True)]
            nodes.add(pool, inputs, output, name=name, kernel_shape=window, strides=window)
            return
        source = inputs[0]
        for axis, places in enumerate(spans, start=2):
            at = nodes.constant(f"{name}/axis{axis}", [axis], np.int64)
            parts = []
            for place, (start, end) in enumerate(places):
                prefix = f"{name}/{axis}.{place}"
                first = nodes.constant(f"{prefix}/start", [start], np.int64)
                last = nodes.constant(f"{prefix}/end", [end], np.int64)
                nodes.add("Slice", [source, first, last, at], f"{prefix}/window")
                parts.append(nodes.add(reduce, [f"{prefix}/window", at], prefix, keepdims=1))
            done = axis == len(spans) + 1
            source = nodes.add("Concat", parts, output if done else f"{name}/{axis}", axis=axis,
                               name=name if done else "")  # fmt: skip

    return write


def _leaky_relu(nodes: Nodes, layer: layers.LeakyReLU, name: str, inputs: list[str], output: str,
                shapes: tuple[Shape, ...]) -> None:  # fmt: skip
    nodes.add("LeakyRelu", inputs, output, name=name, alpha=layer.slope)


def _silu(
    nodes: Nodes, layer: Layer, name: str, inputs: list[str], output: str, shapes: tuple[Shape, ...]
) -> None:
    nodes.add("Sigmoid", inputs, f"{name}/sigmoid")
    nodes.add("Mul", [*inputs, f"{name}/sigmoid"], output, name=name)


def _relu6(
    nodes: Nodes, layer: Layer, name: str, inputs: list[str], output: str, shapes: tuple[Shape, ...]
) -> None:
    low, high = nodes.constant(f"{name}/low", 0, np.float32), nodes.constant(f"{name}/high", 6, np.float32)
    nodes.add("Clip", [*inputs, low, high], output, name=name)


def _batch_norm(nodes: Nodes, layer: layers.BatchNorm, name: str, inputs: list[str], output: str,
                shapes: tuple[Shape, ...]) -> None:  # fmt: skip
    weights = _weights(layer, name, shapes)
    nodes.add("BatchNormalization", inputs + weights, output, name=name, epsilon=layer.epsilon)


def _lrn(nodes: Nodes, layer: layers.LocalResponseNorm, name: str, inputs: list[str], output: str,
         shapes: tuple[Shape, ...]) -> None:  # fmt: skip
    """onnxruntime takes two spatial axes alone; others are folded into two, as LRN sees each place by itself."""
    settings = {"size": layer.size, "alpha": layer.alpha, "beta": layer.beta, "bias": layer.k}
    channels, *spatial = shapes[0]
    if len(spatial) == 2:
        nodes.add("LRN", inputs, output, name=name, **settings)
        return
    folded = nodes.constant(f"{name}/folded", [0, channels, prod(spatial), 1], np.int64)
    unfolded = nodes.constant(f"{name}/unfolded", [0, channels, *spatial], np.int64)
    nodes.add("Reshape", [*inputs, folded], f"{name}/planes")
    nodes.add("LRN", [f"{name}/planes"], f"{name}/lrn", **settings)
    nodes.add("Reshape", [f"{name}/lrn", unfolded], output, name=name)


def _dropout(nodes: Nodes, layer: layers.Dropout, name: str, inputs: list[str], output: str,
             shapes: tuple[Shape, ...]) -> None:  # fmt: skip
    rate = nodes.constant(f"{name}/rate", layer.rate, np.float32)
    nodes.add("Dropout", [*inputs, rate], output, name=name)


def _dense(nodes: Nodes, layer: layers.Dense, name: str, inputs: list[str], output: str,
           shapes: tuple[Shape, ...]) -> None:  # fmt: skip
    nodes.add("Gemm", inputs + _weights(layer, name, shapes), output, name=name, transB=1)


WRITERS: dict[type[Layer], Writer] = {
    layers.Conv: _conv,
    layers.Pad: _pad,
    layers.MaxPool: _max_pool,
    layers.AvgPool: _avg_pool,
    layers.GlobalAvgPool: _op("GlobalAveragePool"),
    layers.GlobalMaxPool: _op("GlobalMaxPool"),
    layers.AdaptiveAvgPool: _adaptive("AveragePool", "ReduceMean"),
    layers.AdaptiveMaxPool: _adaptive("MaxPool", "ReduceMax"),
    layers.ReLU: _op("Relu"),
    layers.LeakyReLU: _leaky_relu,
    layers.Sigmoid: _op("Sigmoid"),
    layers.Tanh: _op("Tanh"),
    layers.GELU: _op("Gelu"),
    layers.SiLU: _silu,
    layers.HardSwish: _op("HardSwish"),
    layers.ReLU6: _relu6,
    layers.BatchNorm: _batch_norm,
    layers.LocalResponseNorm: _lrn,
    layers.Dropout: _dropout,
    layers.Flatten: _op("Flatten", axis=1),
    layers.Dense: _dense,
    layers.Softmax: _op("Softmax", axis=1),
    layers.Add: _op("Sum"),
    layers.Concat: _op("Concat", axis=1),
}
