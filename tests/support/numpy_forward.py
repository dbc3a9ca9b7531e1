"""Every layer forward in plain NumPy, float64, any number of spatial axes: by the definition, place by place.

The referee of the engines and of the model file. Slow and obvious on purpose.
"""

from math import erf

import numpy as np


def forward(network, x):
    """Every layer's output by name, of x [n, c, *spatial]."""
    values = {"input": x.astype(np.float64)}
    for node in network.nodes:
        prefix = f"{node.name}."
        weights = {
            name.removeprefix(prefix): array.astype(np.float64)
            for name, array in network.weights.items()
            if name.startswith(prefix)
        }
        values[node.name] = PLAIN[node.layer.word](
            node.layer, weights, *(values[name] for name in node.inputs)
        )
    return values


def slid(layer, size, x, fill, of_window):
    """`of_window` of each window [n, c, *size] that the layer lays over the padded x, set in its place."""
    pads = layer.pads(x.shape[1:])
    padded = np.pad(x, ((0, 0), (0, 0), *pads), constant_values=fill)
    dilation = getattr(layer, "dilation", (1,) * len(size))
    counts = []
    for n, f, s, d in zip(padded.shape[2:], size, layer.stride, dilation, strict=True):
        counts.append(len(range(0, n - d * (f - 1), s)))  # windows that end beyond the padding are none
    result = None
    for place in np.ndindex(*counts):
        cells = [
            [i * s + d * k for k in range(f)]
            for i, f, s, d in zip(place, size, layer.stride, dilation, strict=True)
        ]
        window = padded[np.ix_(range(len(x)), range(x.shape[1]), *cells)]
        value = of_window(window)  # [n, channels out]
        if result is None:
            result = np.empty((*value.shape, *counts))
        result[(slice(None), slice(None), *place)] = value
    return result


def convolution(layer, weights, x):
    taken, given = x.shape[1] // layer.groups, layer.channels // layer.groups
    bias = weights.get("bias", np.zeros(layer.channels))

    def of_window(window):
        values = np.empty((len(x), layer.channels))
        for o in range(layer.channels):
            first = o // given * taken  # its group's first channel
            seen = window[:, first : first + taken]
            values[:, o] = (seen * weights["weight"][o]).reshape(len(x), -1).sum(1) + bias[o]
        return values

    return slid(layer, layer.kernel, x, 0.0, of_window)


def border(layer, weights, x):
    """Place by place: outside the picture nought, its mirror image, or its nearest value."""
    sizes = [n + before + after for n, (before, after) in zip(x.shape[2:], layer.padding, strict=True)]
    result = np.zeros((*x.shape[:2], *sizes))
    for place in np.ndindex(*sizes):
        at = [i - before for i, (before, _) in zip(place, layer.padding, strict=True)]
        sides = list(zip(at, x.shape[2:], strict=True))
        if layer.mode == "zero" and not all(0 <= i < n for i, n in sides):
            continue
        if layer.mode == "reflect":
            at = [abs(i) if i < n else 2 * (n - 1) - i for i, n in sides]
        at = [min(max(i, 0), n - 1) for i, n in zip(at, x.shape[2:], strict=True)]
        result[(slice(None), slice(None), *place)] = x[(slice(None), slice(None), *at)]
    return result


def spatial(x):
    """The axes after batch and channels."""
    return tuple(range(2, x.ndim))


def max_pool(layer, weights, x):
    return slid(layer, layer.window, x, -np.inf, lambda window: window.max(spatial(window)))


def mean_pool(layer, weights, x):
    """Divided by the cells inside the input, or by all cells of the window where padding counts."""
    total = slid(layer, layer.window, x, 0.0, lambda window: window.sum(spatial(window)))
    if layer.count_include_pad:
        return total / np.prod(layer.window)
    return total / slid(layer, layer.window, np.ones_like(x), 0.0, lambda window: window.sum(spatial(window)))


def adaptive(reduce):
    def pool(layer, weights, x):
        spans = layer.spans(x.shape[1:])
        result = np.empty((*x.shape[:2], *map(len, spans)))
        for place in np.ndindex(*map(len, spans)):
            window = x[:, :, *(slice(*axis[i]) for axis, i in zip(spans, place, strict=True))]
            result[:, :, *place] = reduce(window, spatial(window))
        return result

    return pool


def batch_norm(layer, weights, x):
    w = {name: array.reshape(-1, *[1] * (x.ndim - 2)) for name, array in weights.items()}
    return (x - w["running_mean"]) / np.sqrt(w["running_var"] + layer.epsilon) * w["weight"] + w["bias"]


def local_response(layer, weights, x):
    result = np.empty_like(x)
    for c in range(x.shape[1]):
        first, last = c - layer.size // 2, c + (layer.size - 1) // 2
        squares = (x[:, max(first, 0) : last + 1] ** 2).sum(1)
        result[:, c] = x[:, c] / (layer.k + layer.alpha / layer.size * squares) ** layer.beta
    return result


def softmax(layer, weights, x):
    shifted = np.exp(x - x.max(1, keepdims=True))
    return shifted / shifted.sum(1, keepdims=True)


def dense(layer, weights, x):
    return x @ weights["weight"].T + weights.get("bias", 0.0)


def curve(function):
    return lambda layer, weights, x: function(x)


PLAIN = {
    "conv": convolution,
    "pad": border,
    "maxpool": max_pool,
    "avgpool": mean_pool,
    "globalavgpool": curve(lambda x: x.mean(spatial(x), keepdims=True)),
    "globalmaxpool": curve(lambda x: x.max(spatial(x), keepdims=True)),
    "adaptiveavgpool": adaptive(np.mean),
    "adaptivemaxpool": adaptive(np.max),
    "relu": curve(lambda x: np.maximum(x, 0)),
    "leakyrelu": lambda layer, weights, x: np.where(x < 0, layer.slope * x, x),
    "sigmoid": curve(lambda x: 1 / (1 + np.exp(-x))),
    "tanh": curve(np.tanh),
    "gelu": curve(np.vectorize(lambda x: x / 2 * (1 + erf(x / 2**0.5)))),
    "silu": curve(lambda x: x / (1 + np.exp(-x))),
    "hardswish": curve(lambda x: x * np.clip(x + 3, 0, 6) / 6),
    "relu6": curve(lambda x: np.clip(x, 0, 6)),
    "batchnorm": batch_norm,
    "lrn": local_response,
    "dropout": curve(lambda x: x),
    "flatten": curve(lambda x: x.reshape(len(x), -1)),
    "dense": dense,
    "softmax": softmax,
    "add": lambda layer, weights, *inputs: sum(inputs),
    "concat": lambda layer, weights, *inputs: np.concatenate(inputs, 1),
}
