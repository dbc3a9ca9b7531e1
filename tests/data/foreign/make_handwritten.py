"""Files as MXNet and Caffe2 wrote them: opset 9, nodes without names, every weight among the inputs, too.

Run as: python tests/data/foreign/make_handwritten.py FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, helper, numpy_helper

FLOAT = TensorProto.FLOAT


class _Writer:
    """Nodes and weights of one file, in the order in which they are added."""

    def __init__(self, seed: int):
        self.random = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[TensorProto] = []

    def weight(self, name: str, *shape: int, low: float | None = None, high: float = 1.5) -> str:
        fan_in = int(np.prod(shape[1:])) or 1
        values = (
            self.random.normal(0, fan_in**-0.5, shape)
            if low is None
            else self.random.uniform(low, high, shape)
        )
        return self.constant(name, values.astype(np.float32))

    def constant(self, name: str, values: np.ndarray) -> str:
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def add(self, kind: str, inputs: list[str], output: str, **attributes: object) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def model(self, name: str, picture: str, shape: list[int], answer: str, classes: int) -> ModelProto:
        taken = [helper.make_tensor_value_info(each.name, each.data_type, each.dims) for each in self.weights]
        graph = helper.make_graph(
            self.nodes, name, [helper.make_tensor_value_info(picture, FLOAT, shape), *taken],
            [helper.make_tensor_value_info(answer, FLOAT, [1, classes])], self.weights,
        )  # fmt: skip
        return helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 9)], ir_version=3, producer_name=name
        )


def caffe2_like() -> ModelProto:
    """Numbered tensors and no names: local response normalisation, pooling with uneven pads, Sum, dropout, Gemm."""
    made = _Writer(0)
    made.add("Conv", ["data_0", made.weight("w_0", 12, 3, 5, 5), made.weight("b_0", 12)], "1",
             kernel_shape=[5, 5], strides=[2, 2], pads=[2, 2, 2, 2])  # fmt: skip
    made.add("Relu", ["1"], "2")
    made.add("LRN", ["2"], "3", size=5, alpha=1e-4, beta=0.75, bias=1.0)
    made.add("MaxPool", ["3"], "4", kernel_shape=[3, 3], strides=[2, 2], pads=[0, 0, 1, 1])
    made.add("Conv", ["4", made.weight("w_1", 12, 6, 3, 3), made.weight("b_1", 12)], "5",
             kernel_shape=[3, 3], pads=[1, 1, 1, 1], group=2)  # fmt: skip
    made.add("Sum", ["4", "5", "4"], "6")
    slope = made.weight("w_2", 12, 1, 1, low=0.1, high=0.4)
    made.add("PRelu", ["6", slope], "7")
    made.add("AveragePool", ["7"], "8", kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_LOWER")
    shape = made.constant("OC2_DUMMY_0", np.array([1, -1], np.int64))
    made.add("Reshape", ["8", shape], "9")
    made.add("Dropout", ["9"], "10", ratio=0.5)
    made.add("Gemm", ["10", made.weight("w_3", 6, 108), made.weight("b_3", 6)], "11", transB=1)
    made.add("Softmax", ["11"], "12")
    return made.model("caffe2-like", "data_0", [1, 3, 24, 24], "12", 6)


def mxnet_like() -> ModelProto:
    """Batch normalisation of its old form, limits as attributes, enlarging by scales, a flattened dense layer."""
    made = _Writer(1)
    statistics = [
        made.weight("bn_gamma", 8, low=0.5), made.weight("bn_beta", 8, low=-0.3, high=0.3),
        made.weight("bn_moving_mean", 8, low=-0.3, high=0.3), made.weight("bn_moving_var", 8, low=0.3),
    ]  # fmt: skip
    made.add("Conv", ["data", made.weight("conv0_weight", 8, 1, 3, 3)], "conv0_fwd",
             kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], dilations=[1, 1], group=1)  # fmt: skip
    made.add("BatchNormalization", ["conv0_fwd", *statistics], "bn0_fwd", epsilon=1e-5, momentum=0.9)
    made.add("Clip", ["bn0_fwd"], "relu60_fwd", min=0.0, max=6.0)
    made.add("Conv", ["relu60_fwd", made.weight("conv1_weight", 8, 1, 3, 3)], "conv1_fwd",
             kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], dilations=[1, 1], group=8)  # fmt: skip
    made.add("LeakyRelu", ["conv1_fwd"], "leaky_fwd", alpha=0.1)
    scales = made.constant("up_scales", np.array([1, 1, 2, 2], np.float32))
    made.add("Upsample", ["leaky_fwd", scales], "up_fwd", mode="nearest")
    made.add("Add", ["up_fwd", "relu60_fwd"], "plus0")
    made.add("Concat", ["plus0", "up_fwd"], "cat0", axis=1)
    made.add("LpPool", ["cat0"], "lp_fwd", kernel_shape=[2, 2], strides=[2, 2], p=2)
    made.add("GlobalMaxPool", ["lp_fwd"], "pool_fwd")
    made.add("Flatten", ["pool_fwd"], "flat_fwd")
    made.add("Gemm", ["flat_fwd", made.weight("dense_weight", 5, 16), made.weight("dense_bias", 5)], "dense_fwd",
             alpha=1.0, beta=1.0, transA=0, transB=1)  # fmt: skip
    made.add("LogSoftmax", ["dense_fwd"], "answer", axis=1)
    return made.model("mxnet-like", "data", [1, 1, 20, 20], "answer", 5)


def main(folder: Path) -> None:
    for name, make in (("caffe2-like", caffe2_like), ("mxnet-like", mxnet_like)):
        onnx.save(make(), str(folder / f"{name}.onnx"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
