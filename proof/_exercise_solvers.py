"""An independent solver for exercises: from a question's `data` to its answer, with torch and NumPy.

Written from the questions' texts and from what each topic's file says about `data`. Nothing here comes from pellucid.
Answers are numbers, tuples of sizes, or tuples of rows, as the questions ask for them.

Over 500 lines: a function for each topic, short ones, that read best side by side.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

Data = Mapping[str, Any]
Rows = tuple[tuple[float, ...], ...]


def tensor(values: Any) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def rows(values: Any) -> Rows:
    return tuple(tuple(float(n) for n in line) for line in np.atleast_2d(np.asarray(values)))


def turned(kernel: Any) -> torch.Tensor:
    return torch.flip(tensor(kernel), (-2, -1))


def slide(
    picture: Any, kernel: Any, bias: float = 0, stride: int = 1, padding: int = 0, dilation: int = 1
) -> torch.Tensor:
    """The whole map of cross-correlation, [h, w]."""
    x = torch.as_tensor(picture, dtype=torch.float64)[None, None]
    k = torch.as_tensor(kernel, dtype=torch.float64)[None, None]
    reach = dilation * (k.shape[-1] - 1) + 1
    if min(x.shape[-2:]) + 2 * padding < reach:
        return torch.empty(0, 0)
    return F.conv2d(x, k, tensor([bias]), stride, padding, dilation)[0, 0]


def place(values: torch.Tensor, data: Data) -> float:
    return float(values[data["row"] - 1, data["column"] - 1])


# Networks in text: pellucid's words, built of torch's modules.


def modules(text: str, channels: int, first_size: tuple[int, ...] = ()) -> list[torch.nn.Module]:
    made: list[torch.nn.Module] = []
    for piece in (part.strip() for part in text.split(",")):
        words = piece.split()
        options = dict(pairwise(words))
        number = {
            name: _whole(options[name]) for name in ("stride", "pad", "dilation", "groups") if name in options
        }
        bias = "nobias" not in words
        match words[0]:
            case "conv":
                kernel = tuple(int(n) for n in words[2].split("x"))
                made.append(
                    torch.nn.Conv2d(
                        channels, int(words[1]), kernel, number.get("stride", 1), number.get("pad", 0),
                        number.get("dilation", 1), number.get("groups", 1), bias, dtype=torch.float64,
                    )
                )  # fmt: skip
                channels = int(words[1])
            case "maxpool" | "avgpool":
                window = int(words[1].split("x")[0])
                kind = torch.nn.MaxPool2d if words[0] == "maxpool" else torch.nn.AvgPool2d
                made.append(kind(window, number.get("stride", window), number.get("pad", 0)))
            case "relu":
                made.append(torch.nn.ReLU())
            case "flatten":
                made.append(torch.nn.Flatten())
            case "dense":
                made.append(torch.nn.LazyLinear(int(words[1]), bias, dtype=torch.float64))
            case other:
                raise ValueError(f"the referee has no layer {other}")
    return made


def _whole(word: str) -> Any:
    return int(word) if word.isdigit() else word  # pad same: torch's own word


def ran(text: str, size: Any) -> list[tuple[torch.nn.Module, torch.Tensor]]:
    """Each layer with its output for an input of (height, width, channels) or (values,); batch included."""
    if len(size) == 1:
        x = torch.zeros(1, size[0], dtype=torch.float64)
        layers = modules(text, size[0])
    else:
        h, w, c = size
        x = torch.zeros(1, c, h, w, dtype=torch.float64)
        layers = modules(text, c)
    found = []
    with torch.no_grad():
        for layer in layers:
            x = layer(x)
            found.append((layer, x))
    return found


def learned(layer: torch.nn.Module) -> int:
    return sum(p.numel() for p in layer.parameters())


def sees(text: str, row: int | None = None) -> tuple[int, int]:
    """First and last input row (from 0) that one output row depends on, found by what its gradient reaches. A column of
    pixels stands for the picture, ones for all weights, means for maxima."""
    length = 3000
    column = torch.zeros(1, 1, length, dtype=torch.float64, requires_grad=True)
    x = column
    for piece in (part.strip() for part in text.split(",")):
        words = piece.split()
        options = dict(pairwise(words))
        number = {name: int(options[name]) for name in ("stride", "pad", "dilation") if name in options}
        if words[0] == "conv":
            size = int(words[2].split("x")[0])
            ones = torch.ones(1, 1, size, dtype=torch.float64)
            x = F.conv1d(
                x, ones, None, number.get("stride", 1), number.get("pad", 0), number.get("dilation", 1)
            )
        elif words[0] in ("maxpool", "avgpool"):
            size = int(words[1].split("x")[0])
            x = F.conv1d(x, torch.ones(1, 1, size, dtype=torch.float64), None, number.get("stride", size),
                         number.get("pad", 0))  # fmt: skip
        elif words[0] != "relu":
            raise ValueError(f"the referee sees through no {words[0]}")
    (gradient,) = torch.autograd.grad(x[0, 0, x.shape[-1] // 2 if row is None else row], column)
    reached = torch.nonzero(gradient[0, 0]).flatten()
    return int(reached[0]), int(reached[-1])


# Topics


def convolution(data: Data) -> Any:
    given = data["bias"], data["stride"], data["padding"], data["dilation"]
    straight = slide(data["input"], tensor(data["kernel"]), *given)
    flipped = slide(data["input"], turned(data["kernel"]), *given)
    match data["task"]:
        case "value":
            return place(straight, data)
        case "convolution":
            return place(flipped, data)
        case "map":
            return rows(straight)
        case "both":
            return ((place(straight, data),), (place(flipped, data),))
    raise KeyError(data["task"])


# What a kernel does to a picture, as the choices describe it: tried on pictures.
def _bright_right(k: torch.Tensor) -> float:
    picture = torch.zeros(3, 3, dtype=torch.float64)
    picture[:, 2] = 1
    picture[:, 1] = 0.5
    return float((k * picture).sum())


def _line(k: torch.Tensor, upright: bool) -> float:
    picture = torch.zeros(3, 3, dtype=torch.float64)
    picture[(slice(None), 1) if upright else (1, slice(None))] = 1
    return float((k * picture).sum())


def _flat(k: torch.Tensor) -> float:
    return float(k.sum())


def _identity(k: torch.Tensor) -> bool:
    return bool(k[1, 1] == 1 and k.abs().sum() == 1)


DOES: dict[str, Callable[[torch.Tensor], bool]] = {
    "leaves the picture": _identity,
    "plain mean": lambda k: bool((k == k[0, 0]).all()) and math.isclose(_flat(k), 1),
    "middle counts most": lambda k: (
        bool((k >= 0).all() and k[1, 1] == k.max() and (k != k[0, 0]).any() and (k > 0).sum() > 1)
        and math.isclose(_flat(k), 1)
    ),
    "sharpens": lambda k: math.isclose(_flat(k), 1) and bool(k[1, 1] > 1) and torch.equal(k, torch.rot90(k)),
    "edges in every direction": lambda k: (
        _flat(k) == 0 and torch.equal(k, torch.rot90(k)) and bool(k[1, 1] != 0)
    ),
    "brighter to the right": lambda k: _flat(k) == 0 and _bright_right(k) > 0 and _bright_right(k.T) == 0,
    "brighter below": lambda k: _flat(k) == 0 and _bright_right(k.T) > 0 and _bright_right(k) == 0,
    "embosses": lambda k: (
        math.isclose(_flat(k), 1) and bool(k[2, 2] > 0 > k[0, 0]) and not torch.equal(k, torch.rot90(k, 2))
    ),
    "thin upright lines": lambda k: _flat(k) == 0 and _line(k, True) > 0 and _line(k, False) == 0,
    "thin lying lines": lambda k: _flat(k) == 0 and _line(k, False) > 0 and _line(k, True) == 0,
}


def fits(description: str, kernel: torch.Tensor) -> bool:
    (test,) = (test for phrase, test in DOES.items() if phrase in description)
    return test(kernel)


def filters(data: Data, offered: tuple[str, ...] = ()) -> Any:
    match data["task"]:
        case "what":
            kernel = tensor(data["kernel"]) / data["divisor"]
            fitting = [text for text in offered if fits(text, kernel)]
            return fitting[0] if len(fitting) == 1 else f"{len(fitting)} descriptions fit"
        case "which":
            made = [name for name, kernel in data["kernels"].items()
                    if rows(slide(data["input"], tensor(kernel))) == rows(data["output"])]  # fmt: skip
            return f"kernel {made[0]}" if len(made) == 1 else f"{len(made)} kernels make it"
        case "flat":
            patch = np.full((3, 3), float(data["value"]))
            return float(slide(patch, tensor(data["kernel"]))[0, 0]) / data["divisor"]
        case "edge":
            picture = np.full((7, 8), float(data["left"]))
            picture[:, 4:] = data["right"]
            picture = picture if data["upright"] else picture.T
            answers = slide(picture, tensor(data["kernel"])).flatten()
            strongest = {float(v) for v in answers[answers.abs() == answers.abs().max()]}
            return strongest.pop() if len(strongest) == 1 else "two answers of the same amount"
        case "magnitude":
            gx, gy = (float(slide(data["input"], tensor(data["kernels"][axis]))[0, 0]) for axis in ("x", "y"))
            return math.hypot(gx, gy)
        case "after":
            between = torch.relu(slide(data["input"], tensor(data["kernel"])))
            return float(slide(between, tensor(data["kernel2"]))[0, 0])
    raise KeyError(data["task"])


def outputs(n: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """How many windows fit: counted, not calculated."""
    reach = dilation * (kernel - 1)
    return sum(1 for start in range(-padding, n + padding, stride) if start + reach <= n + padding - 1)


def padding(data: Data) -> Any:
    n = data.get("n")
    match data["task"]:
        case "same":
            height, width = n
            fitting = [p for p in range(height) if outputs(height, data["kernel"], 1, p, data["dilation"]) == height
                       and outputs(width, data["kernel"], 1, p, data["dilation"]) == width]  # fmt: skip
            return fitting[0] if len(fitting) == 1 else f"{len(fitting)} paddings keep the size"
        case "lost":
            left = n[0]
            for _ in range(data["layers"]):
                left = outputs(left, data["kernel"])
            return n[0] - left
        case "size":
            return tuple(
                outputs(side, data["kernel"], data["stride"], data["padding"], data["dilation"]) for side in n
            )
        case "least":
            fitting = [
                p for p in range(n + 1) if outputs(n, data["kernel"], data["stride"], p) == data["wanted"]
            ]
            return fitting[0]
        case "same-upper":
            wanted, total = math.ceil(n / data["stride"]), 0
            while outputs(n + total, data["kernel"], data["stride"]) < wanted:
                total += 1
            return ((total // 2, total - total // 2),)
        case "value":
            return place(slide(data["input"], tensor(data["kernel"]), data["bias"], 1, data["padding"]), data)
    raise KeyError(data["task"])


def stride(data: Data) -> Any:
    n = data.get("n")
    match data["task"]:
        case "size":
            sides = zip(n, data["kernel"], data["stride"], data["padding"], strict=True)
            size = tuple(outputs(*side) for side in sides)
            return (*size, data["filters"]) if data["filters"] else size
        case "left":
            covered = (outputs(n, data["kernel"], data["stride"]) - 1) * data["stride"] + data["kernel"]
            return n - covered
        case "two":
            size = tuple(n)
            for layer in data["layers"]:
                size = tuple(outputs(side, *layer) for side in size)
            return size
        case "value":
            return place(slide(data["input"], tensor(data["kernel"]), 0, data["stride"]), data)
        case "start":
            starts = [start for start in range(n) if start % data["stride"] == 0]
            return starts[data["row"] - 1] + 1
    raise KeyError(data["task"])


def volume(data: Data) -> Any:
    match data["task"]:
        case "shape" | "values":
            h, w, c = data["input"]
            f = data["kernel"]
            text = f"conv {data['filters']} {f}x{f} stride {data['stride']} pad {data['padding']}"
            then = data.get("then")
            if then:
                text += (
                    f", maxpool {then['maxpool']}, conv {then['filters']} {then['kernel']}x{then['kernel']}"
                )
            out = ran(text, (h, w, c))[-1][1]
            return (*out.shape[2:], out.shape[1]) if data["task"] == "shape" else out.numel()
        case "weights":
            groups, c = data["groups"], data["input"][2]
            filters = data.get("filters") or groups
            layer = torch.nn.Conv2d(c, filters, data["kernel"], groups=groups, bias=False)
            return layer.weight[0].numel()
        case "value":
            out = F.conv2d(tensor(data["input"])[None], tensor(data["kernels"]), tensor(data["biases"]), data["stride"],
                           data["padding"], 1, data["groups"])[0]  # fmt: skip
            return place(out[data["filter"] - 1], data)
    raise KeyError(data["task"])


def curve(data: Data, x: np.ndarray) -> np.ndarray:
    """y = outer f(scale x + shift) + offset."""
    z = tensor(data["scale"] * x + data["shift"])
    match data["function"]:
        case "relu":
            y = F.relu(z)
        case "leakyrelu":
            y = F.leaky_relu(z, data["slope"])
        case _:
            y = F.relu6(z)
    return data["outer"] * y.numpy() + data["offset"]


def corners(text: str) -> list[tuple[float, float]]:
    """The points of "straight from (-7, -3.5) to (0, 0) to (7, 7)"."""
    return [(float(x), float(y)) for x, y in re.findall(r"\((-?[\d.]+), (-?[\d.]+)\)", text)]


def drawn(text: str, x: np.ndarray) -> np.ndarray:
    """What straight lines through these points give at x."""
    points = corners(text)
    return np.interp(x, [p[0] for p in points], [p[1] for p in points])


def relu(data: Data) -> Any:
    x = tensor(data["input"]) if "input" in data else None
    match data["task"]:
        case "map":
            return rows(F.relu(x))
        case "leaky":
            return rows(F.leaky_relu(x, data["slope"]))
        case "relu6":
            return rows(F.relu6(x))
        case "conv-relu":
            return rows(F.relu(slide(data["input"], tensor(data["kernel"]), data["bias"])))
    raise KeyError(data["task"])


def pooling(data: Data) -> Any:
    window, step = data.get("window"), data.get("stride")
    match data["task"]:
        case "size":
            h, w, c = data["input"]
            text = f"maxpool {window} stride {step}"
            if then := data.get("then"):
                text += f", conv {then['filters']} {then['kernel']}x{then['kernel']} pad {then['padding']}"
                text += f", maxpool {then['maxpool']}"
            out = ran(text, (h, w, c))[-1][1]
            return (*out.shape[2:], out.shape[1])
        case "global":
            return rows(F.adaptive_avg_pool2d(tensor(data["input"]), 1).flatten())
        case "channels":
            return rows(
                F.max_pool2d(tensor(data["input"]), window, step, data["padding"])[data["channel"] - 1]
            )
    x = tensor(data["input"])[None]
    match data["task"]:
        case "max" | "padded-max":
            return rows(F.max_pool2d(x, window, step, data["padding"])[0])
        case "average":
            return rows(F.avg_pool2d(x, window, step, data["padding"])[0])
        case "relu-max":
            return rows(F.max_pool2d(F.relu(x), window, step, data["padding"])[0])
    raise KeyError(data["task"])


def flatten(data: Data) -> Any:
    match data["task"]:
        case "vector":
            return rows(torch.flatten(tensor(data["input"])))
        case "count":
            return int(np.prod(data["input"]))
        case "place" | "back":
            h, w, c = data["input"]
            places = torch.arange(1, c * h * w + 1).reshape(c, h, w)
            if data["task"] == "place":
                return int(places[data["channel"] - 1, data["row"] - 1, data["column"] - 1])
            (found,) = torch.nonzero(places == data["place"])
            return (tuple(int(n) + 1 for n in found),)
        case "network":
            return ran(data["layers"], data["input"])[-1][1].numel()
    raise KeyError(data["task"])


def dense(data: Data) -> Any:
    y = F.linear(tensor(data["input"]), tensor(data["weights"]), tensor(data["biases"]))
    match data["task"]:
        case "neuron":
            return float(y[data["neuron"] - 1])
        case "layer":
            return rows(y)
        case "layer-relu":
            return rows(F.relu(y))
        case "two":
            return float(F.linear(F.relu(y), tensor(data["weights2"]), tensor(data["biases2"]))[0])
    raise KeyError(data["task"])


def scores(data: Data) -> torch.Tensor:
    if data["task"] == "dense":
        return F.linear(tensor(data["input"]), tensor(data["weights"]), tensor(data["biases"]))
    return tensor(data["logits"])


def softmax(data: Data) -> Any:
    z = scores(data)
    if data["task"] == "all":
        return rows(F.softmax(z, 0))
    if data["task"] == "temperature":
        z = z / data["temperature"]
    if data["task"] == "shift":
        z = z + data["shift"]
    return float(F.softmax(z, 0)[data["chosen"] - 1])


def parameters(data: Data) -> Any:
    layers = ran(data["network"], data["input"])
    counts = [learned(layer) for layer, _ in layers]
    values = int(np.prod(data["input"]))
    match data["task"]:
        case "layer":
            (only,) = (count for count in counts if count)
            return only
        case "total":
            return sum(counts)
        case "dense" | "ratio":
            as_dense = learned(torch.nn.Linear(values, layers[-1][1].numel()))
            return as_dense if data["task"] == "dense" else as_dense - sum(counts)
        case "local":
            layer, out = layers[-1]
            patches = F.unfold(torch.zeros(1, data["input"][2], *data["input"][:2]), layer.kernel_size,
                               padding=layer.padding, stride=layer.stride)  # fmt: skip
            return patches.numel() * out.shape[1] + out.numel()
    raise KeyError(data["task"])


def receptive_field(data: Data) -> Any:
    match data["task"]:
        case "size":
            first, last = sees(data["network"])
            return last - first + 1
        case "range":
            first, last = sees(data["network"], data["row"] - 1)
            return ((first + 1, last + 1),)
        case "layers":
            layers = 1
            while outputs(data["wanted"] - 1, (data["kernel"] - 1) * layers + 1) > 0:
                layers += 1
            return layers
    raise KeyError(data["task"])


def network(data: Data) -> Any:
    if data["task"] == "unknown":
        n, wanted = data["input"][0], data["wanted"]
        fitting = [f for f in range(1, n + 2 * data["padding"] + 1)
                   if outputs(n, f, data["stride"], data["padding"]) == wanted]  # fmt: skip
        return fitting[0] if len(fitting) == 1 else f"{len(fitting)} kernels fit"
    lines = []
    for layer, out in ran(data["network"], data["input"]):
        if isinstance(layer, torch.nn.ReLU):
            continue
        shape = (*out.shape[2:], out.shape[1]) if out.ndim == 4 else (1, 1, out.shape[1])
        lines.append((*shape, learned(layer)) if data["task"] == "table" else tuple(shape))
    return tuple(lines)


def learning(data: Data) -> Any:
    match data["task"]:
        case "loss":
            log = torch.log(tensor(data["probabilities"]))
            return float(F.nll_loss(log[None], torch.tensor([data["target"] - 1])))
        case "square" | "square-step":
            w = tensor(data["w"]).requires_grad_()
            loss = (w * data["x"] + data["b"] - data["t"]) ** 2
            loss.backward()
            return (
                float(w.grad.detach())
                if data["task"] == "square"
                else float(w.detach() - data["rate"] * w.grad)
            )
    z = tensor(data["logits"]).requires_grad_()
    target = torch.tensor([data["target"] - 1])
    if data["task"] == "loss-logits":
        return float(F.cross_entropy(z[None], target).detach())
    if data["task"] == "gradient":
        F.cross_entropy(z[None], target).backward()
        return rows(z.grad)
    if data["task"] == "step":
        # The class's score is weight x input + the rest; the rest is what makes the given score.
        weight = tensor(float(data["weight"])).requires_grad_()
        k = data["class"] - 1
        given = tensor(data["logits"])
        rest = given[k] - data["weight"] * data["input"]
        parts = [weight * data["input"] + rest if n == k else score for n, score in enumerate(given)]
        F.cross_entropy(torch.stack(parts)[None], target).backward()
        return float(weight.detach() - data["rate"] * weight.grad)
    raise KeyError(data["task"])


SOLVERS: dict[str, Callable[[Data], Any]] = {
    "convolution": convolution,
    "padding": padding,
    "stride": stride,
    "volume": volume,
    "relu": relu,
    "pooling": pooling,
    "flatten": flatten,
    "dense": dense,
    "softmax": softmax,
    "parameters": parameters,
    "receptive-field": receptive_field,
    "network": network,
    "learning": learning,
}


def windows(data: Data) -> list[np.ndarray]:
    """The windows of numbers that the question asks about: what lies under each of the picture (all channels that the
    filter sees), and for a single place also the products with the kernel."""
    x = np.asarray(data["input"], float) if "input" in data else np.empty(0)
    if x.ndim not in (2, 3) or not {"kernel", "kernels", "window"} & set(data):
        return []
    weights: np.ndarray | None = None
    if "kernels" in data and isinstance(data["kernels"], list):
        k = data["filter"] - 1
        weights = np.asarray(data["kernels"][k], float)
        first = k // (len(data["kernels"]) // data["groups"]) * len(weights)
        x = x[first : first + len(weights)]
    elif isinstance(data.get("kernel"), list | tuple):
        weights = np.asarray(data["kernel"], float)
        weights = np.rot90(weights, 2) if data["task"] == "convolution" else weights
    elif "window" not in data:
        return []
    size = weights.shape[-1] if weights is not None else data["window"]
    pad, step, gap = data.get("padding", 0), data.get("stride", 1), data.get("dilation", 1)
    planes = np.pad(x[None] if x.ndim == 2 else x, ((0, 0), (pad, pad), (pad, pad)))
    reach = gap * (size - 1) + 1
    found = []
    for top in range(0, planes.shape[1] - reach + 1, step):
        for left in range(0, planes.shape[2] - reach + 1, step):
            if "row" in data and (top // step, left // step) != (data["row"] - 1, data["column"] - 1):
                continue
            under = planes[:, top : top + reach : gap, left : left + reach : gap]
            if weights is None:
                found += list(under)  # each channel is pooled by itself
            else:
                found.append(under)
                if "row" in data:
                    found.append(under * weights)
    return found
