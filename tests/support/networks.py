"""Networks with random weights for the tests of the model file."""

import numpy as np

from pellucid.model import Card, Preprocessing
from pellucid.network import Network

# Every layer kind once, with branches, odd paddings and uneven adaptive windows.
EVERY_LAYER = (
    "pad 1 reflect, conv 8 3x3, batchnorm, silu, maxpool 3 stride 2 pad 1, a: conv 8 3x3 pad 0:2x1:0 groups 4 nobias, "
    "avgpool 2 stride 1 pad 1 countpad, avgpool 2 stride 1, gelu, conv 8 3x3 pad same dilation 2, add gelu1, relu6, "
    "leakyrelu slope 0.2, hardswish, lrn 5 alpha 0.01, tanh, sigmoid, adaptivemaxpool 5, side: adaptiveavgpool 3x2, "
    "globalmaxpool from conv1, adaptiveavgpool 3x2, concat side, relu, globalavgpool, flatten, dropout 0.3, "
    "dense 12 nobias, relu, dense 4, softmax"
)


def with_random_weights(network: Network, seed: int = 0) -> Network:
    """Weights as large as trained ones, running variances positive."""
    rng = np.random.default_rng(seed)
    weights = {}
    for name, shape in (network.parameter_shapes | network.state_shapes).items():
        fan_in = int(np.prod(shape[1:])) if len(shape) > 1 else 4
        positive = name.endswith("running_var")
        values = rng.uniform(0.5, 1.5, shape) if positive else rng.normal(0, fan_in**-0.5, shape)
        weights[name] = values.astype(np.float32)
    return network.with_weights(weights)


def card_for(network: Network, fit: str = "stretch", classes: int | None = None) -> Card:
    channels, height, width = network.input_shape
    count = classes or network.output_shape[0]
    return Card(
        classes=tuple(f"class {i}" for i in range(count)),
        network=network.text,
        preprocessing=Preprocessing(
            height=height, width=width, channels=channels, fit=fit,
            scale=(1 / 64,) * channels, shift=(-2.0,) * channels,
        ),
    )  # fmt: skip
