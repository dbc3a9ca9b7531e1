"""Every layer kind there is. To add one: its class, a line here, and what CONTRIBUTING.md lists."""

from pellucid.network.layers.activation import GELU, HardSwish, LeakyReLU, ReLU, ReLU6, Sigmoid, SiLU, Tanh
from pellucid.network.layers.base import (
    AXES,
    Argument,
    Form,
    Layer,
    Shape,
    Size,
    Window,
    on_screen,
    size_text,
)
from pellucid.network.layers.convolution import Conv
from pellucid.network.layers.dense import Dense
from pellucid.network.layers.dropout import Dropout
from pellucid.network.layers.joining import Add, Concat
from pellucid.network.layers.normalisation import BatchNorm, LocalResponseNorm
from pellucid.network.layers.padding import Pad
from pellucid.network.layers.pooling import (
    AdaptiveAvgPool,
    AdaptiveMaxPool,
    AvgPool,
    GlobalAvgPool,
    GlobalMaxPool,
    MaxPool,
)
from pellucid.network.layers.reshaping import Flatten
from pellucid.network.layers.softmax import Softmax
from pellucid.network.layers.window import Sliding

LAYERS: dict[str, type[Layer]] = {
    "conv": Conv,
    "pad": Pad,
    "maxpool": MaxPool,
    "avgpool": AvgPool,
    "globalavgpool": GlobalAvgPool,
    "globalmaxpool": GlobalMaxPool,
    "adaptiveavgpool": AdaptiveAvgPool,
    "adaptivemaxpool": AdaptiveMaxPool,
    "relu": ReLU,
    "leakyrelu": LeakyReLU,
    "sigmoid": Sigmoid,
    "tanh": Tanh,
    "gelu": GELU,
    "silu": SiLU,
    "hardswish": HardSwish,
    "relu6": ReLU6,
    "batchnorm": BatchNorm,
    "lrn": LocalResponseNorm,
    "dropout": Dropout,
    "flatten": Flatten,
    "dense": Dense,
    "softmax": Softmax,
    "add": Add,
    "concat": Concat,
}

__all__ = [
    "AXES",
    "GELU",
    "LAYERS",
    "AdaptiveAvgPool",
    "AdaptiveMaxPool",
    "Add",
    "Argument",
    "AvgPool",
    "BatchNorm",
    "Concat",
    "Conv",
    "Dense",
    "Dropout",
    "Flatten",
    "Form",
    "GlobalAvgPool",
    "GlobalMaxPool",
    "HardSwish",
    "Layer",
    "LeakyReLU",
    "LocalResponseNorm",
    "MaxPool",
    "Pad",
    "ReLU",
    "ReLU6",
    "Shape",
    "SiLU",
    "Sigmoid",
    "Size",
    "Sliding",
    "Softmax",
    "Tanh",
    "Window",
    "on_screen",
    "size_text",
]
