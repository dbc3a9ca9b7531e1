"""The classic networks, as text: built for any picture size, channel and class count, without weights.

To add one: its function, and a line in ZOO.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches

from pellucid.errors import NetworkError
from pellucid.network import fixes
from pellucid.network.auto import auto
from pellucid.network.graph import Network
from pellucid.network.text import parse

# (height, width, channels, classes) -> the network's text
Write = Callable[[int, int, int, int], str]


@dataclass(frozen=True)
class Entry:
    """A network of the zoo: how its text is written, what it was made for, and where it is from."""

    write: Write
    height: int
    width: int
    channels: int
    classes: int
    about: str


def names() -> list[str]:
    """Every name that `build` knows."""
    return list(ZOO)


def build(
    name: str,
    height: int | None = None,
    width: int | None = None,
    channels: int | None = None,
    classes: int | None = None,
) -> Network:
    """The named network. What isn't given is the entry's own; a height alone means a square picture.

    Raises NetworkError for an unknown name, or where the picture is too small for it.
    """
    entry = ZOO.get(name)
    if entry is None:
        near = get_close_matches(name, ZOO, n=1, cutoff=0.5)
        raise NetworkError(
            f"there is no network called {name!r}" + (f"; did you mean {near[0]}?" if near else ""),
            where="the name of a network",
            received=repr(name),
            remedy=f"one of {', '.join(ZOO)}",
        )
    square = height if width is None else width
    sizes = (
        entry.height if height is None else height,
        entry.width if square is None else square,
        entry.channels if channels is None else channels,
        entry.classes if classes is None else classes,
    )
    for size, what in zip(sizes, ("height", "width", "channels", "classes"), strict=True):
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise NetworkError(f"{name}: {what} must be a whole number from 1", received=repr(size))
    line, shape = entry.write(*sizes), (sizes[2], sizes[0], sizes[1])
    try:
        return Network.from_text(line, shape)
    except NetworkError as error:
        # The layers are the zoo's: only the picture can change.
        if isinstance(error.fitted, Network):
            larger = fixes.larger_input(shape, parse(line), len(error.fitted.nodes))
            error.remedy = " ".join(fix.text for fix in larger) or error.remedy
        raise


def _digits(height: int, width: int, channels: int, classes: int) -> str:
    return (
        "conv 8 5x5, relu, maxpool 2, conv 16 5x5, relu, maxpool 2, "
        f"flatten, dense 120, relu, dense 84, relu, dense {classes}, softmax"
    )


def _simple(height: int, width: int, channels: int, classes: int) -> str:
    return (
        "conv 8 3x3, relu, conv 16 5x5 stride 2, relu, conv 32 7x7 stride 2, relu, "
        f"flatten, dense {classes}, softmax"
    )


def _handwritten(height: int, width: int, channels: int, classes: int) -> str:
    return (
        "conv 32 5x5, relu, maxpool 2, conv 64 5x5, relu, maxpool 2, "
        f"flatten, dense 128, relu, dropout 0.5, dense {classes}, softmax"
    )


def _lenet5(height: int, width: int, channels: int, classes: int) -> str:
    return (
        "conv 6 5x5, tanh, avgpool 2, conv 16 5x5, tanh, avgpool 2, "
        f"flatten, dense 120, tanh, dense 84, tanh, dense {classes}, softmax"
    )


def _bench_lenet(height: int, width: int, channels: int, classes: int) -> str:
    return (
        "conv 8 5x5 pad 2, maxpool 2, relu, conv 16 5x5, maxpool 2, relu, "
        f"flatten, dense 120, relu, dense 84, relu, dense {classes}, softmax"
    )


def _mlp(height: int, width: int, channels: int, classes: int) -> str:
    return f"flatten, dense 300, relu, dense 100, relu, dense {classes}, softmax"


def _alexnet(height: int, width: int, channels: int, classes: int) -> str:
    return (
        "conv 64 11x11 stride 4 pad 2, relu, maxpool 3 stride 2, "
        "conv 192 5x5 pad 2, relu, maxpool 3 stride 2, "
        "conv 384 3x3 pad 1, relu, conv 256 3x3 pad 1, relu, conv 256 3x3 pad 1, relu, maxpool 3 stride 2, "
        "adaptiveavgpool 6, flatten, dropout 0.5, dense 4096, relu, dropout 0.5, dense 4096, relu, "
        f"dense {classes}, softmax"
    )


def _vgg(convolutions: tuple[int, int, int, int, int]) -> Write:
    """VGG with so many convolutions in each of its five stages."""

    def write(height: int, width: int, channels: int, classes: int) -> str:
        layers = []
        for filters, count in zip((64, 128, 256, 512, 512), convolutions, strict=True):
            layers += [f"conv {filters} 3x3 pad 1", "relu"] * count + ["maxpool 2"]
        layers += ["adaptiveavgpool 7", "flatten"]
        layers += ["dense 4096", "relu", "dropout 0.5"] * 2
        return ", ".join([*layers, f"dense {classes}", "softmax"])

    return write


def _resnet(blocks: tuple[int, int, int, int], bottleneck: bool) -> Write:
    """ResNet with so many blocks in each of its four stages."""

    def write(height: int, width: int, channels: int, classes: int) -> str:
        layers = ["conv 64 7x7 stride 2 pad 3 nobias", "batchnorm", "relu", "maxpool 3 stride 2 pad 1"]

        def last(word: str, prefix: str) -> str:
            """The name of the latest layer of this kind."""
            return f"{prefix}{sum(layer == word for layer in layers)}"

        entry, features = "pool1", 64
        for stage, count in enumerate(blocks):
            inner = 64 * 2**stage
            outer = inner * (4 if bottleneck else 1)
            for block in range(count):
                stride = " stride 2" if stage > 0 and block == 0 else ""
                if bottleneck:
                    layers += [f"conv {inner} 1x1 nobias", "batchnorm", "relu"]
                    layers += [f"conv {inner} 3x3{stride} pad 1 nobias", "batchnorm", "relu"]
                    layers += [f"conv {outer} 1x1 nobias", "batchnorm"]
                else:
                    layers += [f"conv {inner} 3x3{stride} pad 1 nobias", "batchnorm", "relu"]
                    layers += [f"conv {outer} 3x3 pad 1 nobias", "batchnorm"]
                if stride or features != outer:
                    main = last("batchnorm", "norm")
                    layers += [f"conv {outer} 1x1{stride} nobias from {entry}", "batchnorm", f"add {main}"]
                else:
                    layers += [f"add {entry}"]
                layers += ["relu"]
                entry, features = last("relu", "relu"), outer
        return ", ".join([*layers, "globalavgpool", "flatten", f"dense {classes}", "softmax"])

    return write


def _efficientnet_lite0(height: int, width: int, channels: int, classes: int) -> str:
    """Inverted residual blocks: widened by a 1x1 convolution, filtered channel by channel, narrowed again."""
    norm, rectified = "batchnorm epsilon 0.001", ["batchnorm epsilon 0.001", "relu6"]
    layers = ["conv 32 3x3 stride 2 pad same nobias", *rectified]

    def last(word: str, prefix: str) -> str:
        """The name of the latest layer of this kind."""
        return f"{prefix}{sum(layer.startswith(word) for layer in layers)}"

    features, entry = 32, ""
    for kernel, stride, widening, filters, count in _MBCONV:
        for block in range(count):
            inner = widening * features
            if widening > 1:
                layers += [f"conv {inner} 1x1 nobias", *rectified]
            step = f" stride {stride}" if stride > 1 and block == 0 else ""
            layers += [f"conv {inner} {kernel}x{kernel}{step} pad same groups {inner} nobias", *rectified]
            layers += [f"conv {filters} 1x1 nobias", norm]
            if block == 0:
                features, entry = filters, last("batchnorm", "norm")
            else:
                layers += [f"add {entry}"]
                entry = last("add", "add")
    layers += ["conv 1280 1x1 nobias", *rectified, "globalavgpool", "flatten", "dropout 0.2"]
    return ", ".join([*layers, f"dense {classes}", "softmax"])


# EfficientNet-Lite0's stages: kernel, stride, widening, channels, blocks.
_MBCONV = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)

_VGG = "Simonyan and Zisserman, Very deep convolutional networks for large-scale image recognition, 2014"
_RESNET = "He, Zhang, Ren and Sun, Deep residual learning for image recognition, 2015"

ZOO: dict[str, Entry] = {
    "auto": Entry(auto, 28, 28, 1, 10, "the default: the best accuracy for each second of CPU"),
    "digits": Entry(_digits, 32, 32, 3, 10, "the worked example of Ng's course, after LeNet-5"),
    "simple": Entry(_simple, 64, 64, 3, 2, "three convolutions that only ever shrink, then one dense layer"),
    "handwritten": Entry(_handwritten, 28, 28, 1, 10, "the usual first network for MNIST, with dropout"),
    "lenet5": Entry(
        _lenet5,
        32,
        32,
        1,
        10,
        "LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition, 1998; "
        "as reproduced today: C3 sees all six maps, plain mean pooling, softmax for the Gaussian layer",
    ),
    "bench-lenet": Entry(
        _bench_lenet, 28, 28, 1, 10, "the network that the benchmarks train: pool before ReLU"
    ),
    "mlp": Entry(_mlp, 28, 28, 1, 10, "no convolution: the 300-100 net of LeCun et al. 1998, with ReLU"),
    "alexnet": Entry(
        _alexnet,
        224,
        224,
        3,
        1000,
        "Krizhevsky, One weird trick for parallelizing convolutional neural networks, 2014; as torchvision's",
    ),
    "vgg11": Entry(_vgg((1, 1, 2, 2, 2)), 224, 224, 3, 1000, f"{_VGG}: configuration A"),
    "vgg16": Entry(_vgg((2, 2, 3, 3, 3)), 224, 224, 3, 1000, f"{_VGG}: configuration D"),
    "vgg19": Entry(_vgg((2, 2, 4, 4, 4)), 224, 224, 3, 1000, f"{_VGG}: configuration E"),
    "resnet18": Entry(_resnet((2, 2, 2, 2), bottleneck=False), 224, 224, 3, 1000, _RESNET),
    "resnet34": Entry(_resnet((3, 4, 6, 3), bottleneck=False), 224, 224, 3, 1000, _RESNET),
    "resnet50": Entry(
        _resnet((3, 4, 6, 3), bottleneck=True),
        224,
        224,
        3,
        1000,
        f"{_RESNET}; stride in the 3x3 convolution, as in torchvision (v1.5)",
    ),
    "efficientnet-lite0": Entry(
        _efficientnet_lite0,
        224,
        224,
        3,
        1000,
        "Tan and Le, EfficientNet: rethinking model scaling for convolutional neural networks, 2019; its Lite form of "
        "2020: ReLU6, no squeeze-and-excitation. The one that comes with weights, too (pellucid.zoo.pretrained)",
    ),
}
