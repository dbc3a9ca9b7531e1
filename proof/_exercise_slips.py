"""The slips re-derived: what an exercise's data come to when the slip that a name speaks of is made.

Written from the slips' names and their reasons. A list holds what a name leaves open: any other class's probability.
Names that say too little to be followed are not here; they are counted.

Over 500 lines: a function for each topic, short ones, that read best side by side.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from _exercise_solvers import Data, learned, modules, outputs, ran, rows, scores, slide, tensor
from torch.nn import functional as F

Slips = Mapping[str, Any]


def of(topic: str, data: Data, answer: Any) -> Slips:
    """What each slip leads to in this question, by name."""
    return {
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
        "filters": filters,
    }[topic](data, answer)


def at(values: torch.Tensor, row: int, column: int) -> float | None:
    """From 0; None where there is no such place."""
    inside = 0 <= row < values.shape[0] and 0 <= column < values.shape[1]
    return float(values[row, column]) if inside else None


def slid_wrongly(data: Data, kernel: torch.Tensor) -> dict[str, torch.Tensor]:
    """The whole map under each slip about windows, [h, w]."""
    x = tensor(data["input"])
    b, s, p, d = (
        data.get(name, usual) for name, usual in (("bias", 0), ("stride", 1), ("padding", 0), ("dilation", 1))
    )
    around = F.pad(x[None, None], (p, p, p, p), mode="replicate")[0, 0] if p else x
    after = F.pad(x, (0, 2 * p, 0, 2 * p))
    return {
        "": slide(x, kernel, b, s, p, d),
        "kernel flipped": slide(x, torch.flip(kernel, (0, 1)), b, s, p, d),
        "kernel not flipped": slide(x, torch.flip(kernel, (0, 1)), b, s, p, d),
        "kernel transposed": slide(x, kernel.T, b, s, p, d),
        "bias forgotten": slide(x, kernel, 0, s, p, d),
        "bias subtracted": slide(x, kernel, -b, s, p, d),
        "padding forgotten": slide(x, kernel, b, s, 0, d),
        "padding repeats the border": slide(around, kernel, b, s, 0, d),
        "padding after only": slide(after, kernel, b, s, 0, d),
        "stride forgotten": slide(x, kernel, b, 1, p, d),
        "dilation forgotten": slide(x, kernel, b, s, p, 1),
        "products not weighted": slide(x, torch.ones_like(kernel), b, s, p, d),
        "signs lost": slide(x, kernel.abs(), b, s, p, d),
    }


def placed(data: Data, maps: Mapping[str, torch.Tensor]) -> dict[str, Any]:
    """The value at the place asked for under each slip, and those of misreading the place."""
    row, column = data["row"], data["column"]
    found: dict[str, Any] = {name: at(values, row - 1, column - 1) for name, values in maps.items() if name}
    return found | {
        "row and column swapped": at(maps[""], column - 1, row - 1),
        "counted from 0": at(maps[""], row, column),
    }


def convolution(data: Data, answer: Any) -> Slips:
    straight = tensor(data["kernel"])
    flipped = torch.flip(straight, (0, 1))
    if data["task"] == "map":
        return {name: rows(m) for name, m in slid_wrongly(data, straight).items() if m.numel()}
    if data["task"] != "both":
        return placed(data, slid_wrongly(data, flipped if data["task"] == "convolution" else straight))
    one, two = (placed(data, slid_wrongly(data, kernel)) for kernel in (straight, flipped))
    upside = placed(
        data,
        {
            "": slide(data["input"], torch.flip(straight, (0,)), *_rest(data)),
            "rows": slide(data["input"], torch.flip(straight, (0,)), *_rest(data)),
        },
    )["rows"]
    (cross,), (convolved,) = answer
    both = {
        name: ((one[name],), (two[name],)) for name in ("signs lost", "bias forgotten", "bias subtracted")
    }
    return both | {
        "outputs swapped": ((convolved,), (cross,)),
        "kernel not flipped": ((cross,), (cross,)),
        "rows flipped only": ((cross,), (upside,)),
    }


def _rest(data: Data) -> tuple[int, int, int, int]:
    return data["bias"], data["stride"], data["padding"], data["dilation"]


def sizes(n: int, f: int, s: int = 1, p: int = 0, d: int = 1) -> dict[str, int]:
    """The size along one axis under each slip about sizes."""
    reach = d * (f - 1) + 1
    right = (n + 2 * p - reach) // s + 1
    return {
        "": right,
        "+1 forgotten": right - 1,
        "rounded up": math.ceil((n + 2 * p - reach) / s) + 1,
        "stride forgotten": n + 2 * p - reach + 1,
        "padding forgotten": (n - reach) // s + 1,
        "padding on one side": (n + p - reach) // s + 1,
        "kernel not subtracted": (n + 2 * p) // s,
        "dilation forgotten": (n + 2 * p - f) // s + 1,
    }


def along(each: list[dict[str, int]], *more: int) -> dict[str, tuple[int, ...]]:
    """Slips of both axes together, and what is the same for all of them."""
    return {name: (*(axis[name] for axis in each), *more) for name in each[0] if name}


def padding(data: Data, answer: Any) -> Slips:
    f = data["kernel"]
    match data["task"]:
        case "same":
            reach = data["dilation"] * (f - 1)
            return {
                "both sides together": reach,
                "too large by one": reach // 2 + 1,
                "no padding": 0,
                "kernel size taken": f,
                "dilation forgotten": (f - 1) // 2,
            }
        case "lost":
            return {
                "one side only": [answer // 2, math.ceil(answer / 2)],
                "kernel size taken": f * data["layers"],
                "both sides together": 2 * answer,
                "no loss": 0,
                "one layer only": f - 1,
            }
        case "size":
            return along([sizes(n, f, data["stride"], data["padding"], data["dilation"]) for n in data["n"]])
        case "least":
            total = (data["wanted"] - 1) * data["stride"] + f - data["n"]
            return {
                "both sides together": total,
                "too large by one": answer + 1,
                "too small by one": total // 2,
                "kernel size taken": f,
            }
        case "same-upper":
            ((above, below),) = answer
            total = above + below
            return {
                "sides swapped": ((below, above),),
                "no padding": ((0, 0),),
                "both sides together": ((total, total),),
                "too large by one": ((math.ceil(total / 2),) * 2,),
            }
    return placed(data, slid_wrongly(data, tensor(f)))


def stride(data: Data, answer: Any) -> Slips:
    match data["task"]:
        case "size":
            each = [
                sizes(*axis)
                for axis in zip(data["n"], data["kernel"], data["stride"], data["padding"], strict=True)
            ]
            more = (data["filters"],) if data["filters"] else ()
            swapped = {"row and column swapped": (answer[1], answer[0], *answer[2:])}
            return along(each, *more) | swapped
        case "left":
            n, f, s = data["n"], data["kernel"], data["stride"]
            return {
                "rest of the division": n % s,
                "none left over": 0,
                "+1 forgotten": answer + s,
                "kernel's reach lost": f - 1,
                "stride taken": s - 1,
                "one side only": answer // 2,
            }
        case "two":
            first = [sizes(n, *_order(data["layers"][0])) for n in data["n"]]
            second = [
                {name: sizes(size, *_order(data["layers"][1]))[name] for name, size in axis.items()}
                for axis in first
            ]
            return along(second) | {"one layer only": tuple(axis[""] for axis in first)}
        case "value":
            return placed(data, slid_wrongly(data, tensor(data["kernel"])))
        case "start":
            row, s, f = data["row"], data["stride"], data["kernel"]
            return {
                "counted from 0": row * s + 1,
                "stride forgotten": row,
                "+1 forgotten": answer - 1,
                "kernel's size as stride": (row - 1) * f + 1,
                "last row taken": answer + f - 1,
                "rows times stride": row * s,
            }
    raise KeyError(data["task"])


def _order(layer: Any) -> tuple[int, int, int]:
    kernel, step, pad = layer
    return kernel, step, pad


def volume(data: Data, answer: Any) -> Slips:
    match data["task"]:
        case "weights":
            f, c, g = data["kernel"], data["input"][2], data["groups"]
            return {
                "groups forgotten": f * f * c,
                "channels forgotten": f * f,
                "bias counted": answer + 1,
                "kernel's side only": f * c // g,
                "all filters": answer * data.get("filters", 1),
            }
        case "values":
            h, w, c = data["input"]
            k, f = data["filters"], data["kernel"]
            oh, ow = (outputs(n, f, data["stride"], data["padding"]) for n in (h, w))
            return {
                "channels multiplied": answer * c,
                "channels kept": oh * ow * c,
                "filters forgotten": oh * ow,
                "padding forgotten for same": h * w * k,
                "+1 forgotten": (oh - 1) * (ow - 1) * k,
            }
        case "shape":
            if data.get("then"):
                return {"filters forgotten": (*answer[:2], 1)}
            h, w, c = data["input"]
            k = data["filters"]
            each = [sizes(n, data["kernel"], data["stride"], data["padding"]) for n in (h, w)]
            return along(each, k) | {
                "channels kept": (*answer[:2], c),
                "channels multiplied": (*answer[:2], k * c),
                "filters forgotten": (*answer[:2], 1),
            }
    x, kernels, biases = tensor(data["input"]), tensor(data["kernels"]), tensor(data["biases"])
    s, p, g = data["stride"], data["padding"], data["groups"]
    mine, bias = data["filter"] - 1, float(biases[data["filter"] - 1])

    def all_maps(weights: torch.Tensor) -> torch.Tensor:
        return F.conv2d(x[None], weights, biases, s, p, 1, g)[0]

    maps = all_maps(kernels)
    each = kernels.shape[1]  # channels that a filter sees
    start = mine // (len(kernels) // g) * each
    seen = x[start : start + each]
    parts = [
        float(slide(plane, weight, 0, s, p)[data["row"] - 1, data["column"] - 1])
        for plane, weight in zip(seen, kernels[mine], strict=True)
    ]
    alike = kernels.clone()
    alike[mine] = kernels[mine, :1]
    found = placed(
        data,
        {
            "": maps[mine],
            "kernel flipped": all_maps(torch.flip(kernels, (-2, -1)))[mine],
            "same kernel for all": all_maps(alike)[mine],
        },
    )
    others = [at(maps[n], data["row"] - 1, data["column"] - 1) for n in range(len(kernels)) if n != mine]
    return found | {
        "first channel only": parts[0] + bias,
        "last channel only": parts[-1] + bias,
        "bias for every channel": sum(parts) + bias * len(parts),
        "bias forgotten": sum(parts),
        "other filter": others,
    }


def relu(data: Data, answer: Any) -> Slips:
    if data["task"] == "plot":
        return _plots(data)
    if data["task"] == "conv-relu":
        k, b = tensor(data["kernel"]), data["bias"]
        plain = slide(data["input"], k, b)
        return {
            "ReLU forgotten": rows(plain),
            "bias after the ReLU": rows(torch.relu(plain - b) + b),
            "bias forgotten": rows(torch.relu(plain - b)),
            "absolute values": rows(plain.abs()),
            "kernel flipped": rows(torch.relu(slide(data["input"], torch.flip(k, (0, 1)), b))),
        }
    x = tensor(data["input"])
    return {
        "ReLU forgotten": rows(x),
        "absolute values": rows(x.abs()),
        "sides of zero swapped": rows(-torch.relu(-x)),
        "slope forgotten": rows(torch.relu(x)),
        "slope everywhere": rows(x * data.get("slope", 0)),
        "limit forgotten": rows(torch.relu(x)),
    }


def _plots(data: Data) -> Slips:
    """Curves, as functions of x: what the slip's drawing has to follow."""

    def bent(f: Any, shift: float = data["shift"]) -> Any:
        return lambda x: data["outer"] * f(data["scale"] * x + shift) + data["offset"]

    right = {
        "relu": lambda z: np.maximum(z, 0),
        "relu6": lambda z: np.clip(z, 0, 6),
        "leakyrelu": lambda z: np.where(z < 0, data["slope"] * z, z),
    }[data["function"]]
    return {
        "slope forgotten": bent(lambda z: np.maximum(z, 0)),
        "limit forgotten": bent(lambda z: np.maximum(z, 0)),
        "ReLU forgotten": bent(lambda z: z),
        "absolute values": bent(np.abs),
        "sides of zero swapped": bent(lambda z: np.minimum(z, 0)),
        "shifted the other way": bent(right, -data["shift"]),
    }


def pooling(data: Data, answer: Any) -> Slips:
    if data["task"] == "global":
        x = tensor(data["input"])
        return {
            "maximum for average": rows(x.amax((1, 2))),
            "sum": rows(x.sum((1, 2))),
            "minimum": rows(x.amin((1, 2))),
            "averaged over the channels": rows(x.mean(0)),
        }
    if data["task"] == "size":
        return _pooled_sizes(data, answer)
    x = tensor(data["input"])[None]
    w, s, p = data["window"], data["stride"], data["padding"]
    relued = torch.relu(x) if data["task"] == "relu-max" else x

    def largest(values: torch.Tensor, step: int = s, pad: int = p) -> torch.Tensor:
        return F.max_pool2d(values, w, step, pad)

    def mean(values: torch.Tensor, step: int = s) -> torch.Tensor:
        return F.avg_pool2d(values, w, step, p, count_include_pad=False)

    asked = mean if data["task"] == "average" else largest
    made = {
        "average for maximum": mean(relued),
        "maximum for average": largest(x),
        "minimum": -largest(-relued),
        "sum": F.avg_pool2d(x, w, s, p, divisor_override=1),
        "stride forgotten": asked(relued, 1),
        "stride is the window": asked(relued, w),
        "ReLU forgotten": largest(x),
        "absolute values": largest(x.abs()),
        "zeros win": F.max_pool2d(F.pad(x, (p, p, p, p)), w, s),
    }
    if min(x.shape[-2:]) >= w:
        made["padding forgotten"] = largest(relued, s, 0)
    if data["task"] != "channels":
        return {name: rows(values[0]) for name, values in made.items()}
    one = {name: rows(values[0, data["channel"] - 1]) for name, values in made.items()}
    return one | {
        "summed over the channels": rows(largest(x)[0].sum(0)),
        "largest of all channels": rows(largest(x)[0].amax(0)),
    }


def _pooled_sizes(data: Data, answer: Any) -> Slips:
    h, w, c = data["input"]
    if data.get("then"):
        return {"channels kept": (*answer[:2], c)}
    each = [sizes(n, data["window"], data["stride"]) for n in (h, w)]
    return along(each, c) | {
        "one channel left": (*answer[:2], 1),
        "pooled over the channels": (*answer[:2], c // data["window"]),
    }


def flatten(data: Data, answer: Any) -> Slips:
    match data["task"]:
        case "vector":
            x = tensor(data["input"])
            return {
                "channel last": rows(x.permute(1, 2, 0).flatten()),
                "summed into one plane": rows(x.sum(0).flatten()),
                "column by column": rows(x.permute(0, 2, 1).flatten()),
                "last channel first": rows(torch.flip(x, (0,)).flatten()),
            }
        case "count" | "network":
            before, shape = [], data["input"]
            if data["task"] == "network":
                outs = [out for _, out in ran(data["layers"], data["input"]) if out.ndim == 4]
                shape = (*outs[-1].shape[2:], outs[-1].shape[1])
                before = [out.numel() for out in outs if out.numel() != outs[-1].numel()][-1:]
            h, w, c = shape
            found = {
                "added, not multiplied": h + w + c,
                "height and width only": h * w,
                "channels only": c,
                "channels multiplied": h * w * c * data["input"][2],
            }
            return found | ({"pooling forgotten": before[0]} if before else {})
    h, w, c = data["input"]
    first = np.arange(1, h * w * c + 1)
    orders = {
        "channel last": first.reshape(h, w, c).transpose(2, 0, 1),
        "column by column": first.reshape(c, w, h).transpose(0, 2, 1),
    }
    if data["task"] == "place":
        k, y, x = data["channel"], data["row"], data["column"]
        found = {name: int(order[k - 1, y - 1, x - 1]) for name, order in orders.items()}
        return found | {
            "counted from 0 in the vector": answer - 1,
            "height for width": (k - 1) * h * w + (y - 1) * h + x,
            "counted from 0 in the volume": k * h * w + y * w + x + 1,
        }
    places = {name: np.argwhere(order == data["place"])[0] + 1 for name, order in orders.items()}
    ((k, y, x),) = answer
    found = {name: (tuple(int(n) for n in place),) for name, place in places.items()}
    return found | {
        "counted from 0 in the volume": ((k - 1, y - 1, x - 1),),
        "row and column swapped": ((k, x, y),),
    }


def dense(data: Data, answer: Any) -> Slips:
    x, w, b = (tensor(data[name]) for name in ("input", "weights", "biases"))
    y, unbiased, signless = w @ x + b, w @ x, w.abs() @ x + b
    match data["task"]:
        case "neuron":
            n = data["neuron"] - 1
            following = n + 1 if n + 1 < len(b) else 0
            return {
                "bias forgotten": float(unbiased[n]),
                "bias subtracted": float(unbiased[n] - b[n]),
                "next neuron's bias": float(unbiased[n] + b[following]),
                "signs lost": float(signless[n]),
                "inputs not weighted": float(x.sum() + b[n]),
                "counted from 0": float(y[n + 1]) if n + 1 < len(b) else None,
            }
        case "layer" | "layer-relu":
            after = torch.relu if data["task"] == "layer-relu" else torch.clone
            return {
                "bias forgotten": rows(after(unbiased)),
                "bias subtracted": rows(after(unbiased - b)),
                "ReLU forgotten": rows(y),
                "bias after the ReLU": rows(torch.relu(unbiased) + b),
                "one bias for all": rows(after(unbiased + b[0])),
                "signs lost": rows(after(signless)),
                "weights transposed": rows(after(_by_columns(w, x) + b)),
            }
    w2, b2 = tensor(data["weights2"])[0], float(data["biases2"][0])
    return {
        "ReLU forgotten": float(w2 @ y + b2),
        "ReLU too late": max(0.0, float(w2 @ y + b2)),
        "bias forgotten": float(w2 @ torch.relu(y)),
        "first biases forgotten": float(w2 @ torch.relu(unbiased) + b2),
        # In the first layer, the second, or both.
        "signs lost": [
            float(second @ torch.relu(first) + b2)
            for first, second in ((signless, w2), (y, w2.abs()), (signless, w2.abs()))
        ],
    }


def _by_columns(weights: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Output k from column k: as many of its weights as there are, on the first inputs."""
    count = min(weights.shape[0], len(x))
    columns = [weights[:count, k] @ x[:count] for k in range(min(weights.shape))]
    return torch.stack(columns) if len(columns) == len(weights) else torch.full((len(weights),), math.nan)


def softmax(data: Data, answer: Any) -> Slips:
    z = scores(data)
    given = z
    if data["task"] == "temperature":
        given = z / data["temperature"]
    # A number added to all scores changes nothing of the answer, but the scores that a slip works on.
    moved = z + data["shift"] if data["task"] == "shift" else given
    e = torch.exp(given)
    whole = {
        "not normalised": e,
        "base 2": 2**given / (2**given).sum(),
        "sigmoid": torch.sigmoid(given),
        "exponentials forgotten": moved / moved.sum(),
        "left out of the sum": e / (e.sum() - e),
    }
    if data["task"] == "all":
        return {name: rows(values) for name, values in whole.items()}
    k = data["chosen"] - 1
    found: dict[str, Any] = {name: float(values[k]) for name, values in whole.items()}
    for name in (
        "not normalised",
        "sigmoid",
        "exponentials forgotten",
    ):  # of the scores as they were, or as they came
        found[name] = [
            found[name],
            *(
                float(v[k])
                for v in (
                    {
                        "not normalised": torch.exp(m),
                        "sigmoid": torch.sigmoid(m),
                        "exponentials forgotten": m / m.sum(),
                    }[name]
                    for m in (z, moved)
                )
            ),
        ]
    shares = e / e.sum()
    found["other class"] = [float(p) for n, p in enumerate(shares) if n != k]
    if data["task"] == "temperature":
        found |= {
            "temperature forgotten": float(F.softmax(z, 0)[k]),
            "temperature multiplied": float(F.softmax(z * data["temperature"], 0)[k]),
        }
    if data["task"] == "shift":
        one = z.clone()
        one[k] += data["shift"]
        found["added to one score"] = float(F.softmax(one, 0)[k])
    if data["task"] == "dense":
        found["bias forgotten"] = float(F.softmax(tensor(data["weights"]) @ tensor(data["input"]), 0)[k])
    return found


def parameters(data: Data, answer: Any) -> Slips:
    layers = ran(data["network"], data["input"])
    weighty = [(layer, out) for layer, out in layers if learned(layer)]
    biases = sum(layer.bias.numel() for layer, _ in weighty if layer.bias is not None)
    match data["task"]:
        case "layer":
            layer, out = weighty[0]
            found = {
                "biases forgotten": answer - biases,
                "biases counted": answer + out.shape[1],
                "one bias for all": answer - biases + 1,
            }
            if isinstance(layer, torch.nn.Conv2d):
                own = layer.weight[0, 0].numel()
                bias = layer.bias is not None
                found |= {
                    "channels forgotten": (own + bias) * out.shape[1],
                    "filters forgotten": layer.weight[0].numel() + bias,
                    "weights not shared": (layer.weight[0].numel() + bias) * out.numel(),
                    "kernel's side only": (layer.weight[0, :, 0].numel() + bias) * out.shape[1],
                    "groups forgotten": (own * data["input"][2] + bias) * out.shape[1],
                }
            else:
                seen = layer.weight.shape[1]
                found |= {
                    "bias for every input": answer - biases + seen,
                    "biases counted twice": answer + biases,
                    "values added": seen + out.shape[1],
                }
                if len(data["input"]) == 3:
                    found["not flattened"] = (data["input"][2] + 1) * out.shape[1]
            return found
        case "total":
            first = next(layer for layer, _ in weighty if isinstance(layer, torch.nn.Linear))
            channels = [layer.out_channels for layer, _ in weighty if isinstance(layer, torch.nn.Conv2d)][-1]
            unpooled = "".join(data["network"].rpartition(", maxpool 2")[::2])
            narrow = (channels + 1) * first.out_features
            return {
                "biases forgotten": answer - biases,
                "input forgotten in the count": answer - learned(weighty[0][0]),
                "not flattened": answer - learned(first) + narrow,
                "pooling forgotten": sum(learned(layer) for layer, _ in ran(unpooled, data["input"])),
            }
        case "local":
            layer, out = weighty[0]
            weights = layer.weight[0].numel() * out.numel()
            return {
                "weights shared": learned(layer),
                "biases forgotten": weights,
                "biases shared": weights + out.shape[1],
            }
        case "dense" | "ratio":
            h, w, c = data["input"]
            maps = layers[-1][1]
            out, k = maps.numel(), maps.shape[1]
            conv = learned(weighty[0][0])
            found = {
                "biases forgotten": h * w * c * out,
                "filters forgotten": (h * w * c + 1) * (out // k),
                "padding forgotten for same": (h * w * c + 1) * h * w * k,
                "channels forgotten": (h * w + 1) * out,
            }
            if data["task"] == "dense":
                return found | {"weights shared": conv}
            without = {name: count - conv for name, count in found.items()}
            # Biases of the dense layer alone, or of both.
            without["biases forgotten"] = [without["biases forgotten"], without["biases forgotten"] + biases]
            return without | {"convolution not subtracted": answer + conv}
    raise KeyError(data["task"])


def receptive_field(data: Data, answer: Any) -> Slips:
    if data["task"] == "layers":
        return {
            "one layer too few": answer - 1,
            "kernels added": math.ceil(data["wanted"] / data["kernel"]),
            "grows by one": data["wanted"] - 1,
            "both sides together": 2 * answer,
        }
    plain = [layer for layer in modules(data["network"], 1) if not isinstance(layer, torch.nn.ReLU)]
    windows = [_side(layer.kernel_size) for layer in plain]
    gaps = [_side(layer.dilation) for layer in plain]
    reaches = [gap * (f - 1) + 1 for f, gap in zip(windows, gaps, strict=True)]
    steps = [_side(layer.stride) for layer in plain]
    unstrided = 1 + sum(reach - 1 for reach in reaches)
    if data["task"] == "range":
        ((first, last),) = answer
        step = math.prod(steps)
        return {
            "counted from 0": ((first - 1, last - 1),),
            "one row too many": ((first, last + 1),),
            "counted from 0 in the layer": ((first + step, last + step),),
            "strides forgotten": ((data["row"], data["row"] + unstrided - 1),),
        }
    jumps, early, field, wrong = 1, 1, 1, 1
    for f, gap, s in zip(windows, gaps, steps, strict=True):
        early *= s
        wrong += (gap * (f - 1)) * early
        field += (f - 1) * jumps
        jumps *= s
    return {
        "kernels added": sum(windows),
        "kernels multiplied": math.prod(windows),
        "last layer only": reaches[-1],
        "strides forgotten": unstrided,
        "the pixel itself forgotten": answer - 1,
        "area for side": answer**2,
        "jump too early": wrong,
        "dilation forgotten": field,
    }


def _side(size: Any) -> int:
    return size[0] if isinstance(size, tuple) else size


def network(data: Data, answer: Any) -> Slips:
    if data["task"] == "unknown":
        n, out, p = data["input"][0], data["wanted"], data["padding"]
        return {
            "+1 forgotten": answer - 1,
            "padding forgotten": n + 1 - out,
            "padding on one side": n + p + 1 - out,
            "too large by one in f": answer + 1,
            "size for kernel": abs(n - out),
        }
    found: dict[str, Any] = {
        name: _walked(data, name)
        for name in ("+1 forgotten", "rounded up", "stride forgotten", "padding forgotten")
    }
    kept = data["input"][2]
    lines = ran(data["network"], data["input"])
    maps = [out.ndim == 4 for layer, out in lines if not isinstance(layer, torch.nn.ReLU)]
    found["channels kept"] = tuple(
        (*line[:2], kept if is_map else line[2], *line[3:]) for line, is_map in zip(answer, maps, strict=True)
    )
    if data["task"] == "table":
        layers = [layer for layer, _ in lines if not isinstance(layer, torch.nn.ReLU)]
        without = [learned(layer) - (layer.bias.numel() if learned(layer) else 0) for layer in layers]
        found["biases forgotten"] = tuple((*line[:3], n) for line, n in zip(answer, without, strict=True))
    return found


def _walked(data: Data, slip: str) -> tuple[tuple[int, ...], ...] | None:
    """The table when every size is worked out with this slip and the wrong size goes into the next layer."""
    h, w, c = data["input"]
    lines: list[tuple[int, ...]] = []
    flat = 0
    for layer in modules(data["network"], c):
        if isinstance(layer, torch.nn.Conv2d | torch.nn.MaxPool2d):
            f, s, p, d = (
                _side(getattr(layer, name)) for name in ("kernel_size", "stride", "padding", "dilation")
            )
            h, w = (sizes(n, f, s, p, d)[slip] for n in (h, w))
            if min(h, w) < 1:
                return None
            channels = c if isinstance(layer, torch.nn.MaxPool2d) else layer.out_channels
            lines.append((h, w, channels, learned(layer)))
            c = channels
        elif isinstance(layer, torch.nn.Flatten):
            flat = h * w * c
            lines.append((1, 1, flat, 0))
        elif isinstance(layer, torch.nn.LazyLinear):
            lines.append((1, 1, layer.out_features, (flat + 1) * layer.out_features))
            flat = layer.out_features
    return tuple(line if data["task"] == "table" else line[:3] for line in lines)


def learning(data: Data, answer: Any) -> Slips:
    match data["task"]:
        case "square" | "square-step":
            w, x, b, t = (data[name] for name in ("w", "x", "b", "t"))
            error = w * x + b - t
            g = 2 * error * x
            slopes = {
                "factor 2 forgotten": error * x,
                "error's sign": -g,
                "input forgotten": 2 * error,
                "weight for input": 2 * error * w,
                "bias forgotten": 2 * (w * x - t) * x,
            }
            if data["task"] == "square":
                return slopes | {"loss for gradient": error**2}
            r = data["rate"]
            return {name: w - r * slope for name, slope in slopes.items()} | {
                "step uphill": w + r * g,
                "rate forgotten": w - g,
                "step only": [r * g, -r * g],
            }
        case "loss" | "loss-logits":
            shares = (
                data["probabilities"]
                if data["task"] == "loss"
                else F.softmax(tensor(data["logits"]), 0).tolist()
            )
            p = shares[data["target"] - 1]
            found = {
                "minus forgotten": math.log(p),
                "logarithm to base 10": -math.log10(p),
                "1 - p": 1 - p,
                "logarithm to base 2": -math.log2(p),
                "probability for loss": p,
                "other class": [-math.log(q) for n, q in enumerate(shares) if n != data["target"] - 1],
            }
            if data["task"] == "loss-logits":
                found["score left out"] = float(torch.logsumexp(tensor(data["logits"]), 0))
            return found
    p = F.softmax(tensor(data["logits"]), 0)
    hot = F.one_hot(torch.tensor(data["target"] - 1), len(p))
    if data["task"] == "gradient":
        others = [F.one_hot(torch.tensor(n), len(p)) for n in range(len(p)) if n != data["target"] - 1]
        return {
            "target forgotten": rows(p),
            "error's sign": rows(hot - p),
            "true class only": rows((p - hot) * hot),
            "1 for the wrong class": [rows(p - other) for other in others],
        }
    k, x, w, r = data["class"] - 1, data["input"], data["weight"], data["rate"]
    error = float((p - hot)[k])
    wrong_one = float(p[k]) - (0 if hot[k] else 1)
    return {
        "step uphill": w + r * error * x,
        "rate forgotten": w - error * x,
        "input forgotten": w - r * error,
        "step only": [r * error * x, -r * error * x],
        "target forgotten": w - r * float(p[k]) * x,
        "1 for the wrong class": w - r * wrong_one * x,
    }


def filters(data: Data, answer: Any) -> Slips:
    match data["task"]:
        case "flat":
            k, v, d = tensor(data["kernel"]), data["value"], data["divisor"]
            return {
                "signs lost": float(k.abs().sum()) * v / d,
                "middle weight only": float(k[1, 1]) * v / d,
                "left as it is": v,
                "nothing to filter": 0,
                "divisor forgotten": float(k.sum()) * v,
            }
        case "edge":
            return {
                "kernel flipped": -answer if _odd(data) else None,
                "nothing at edges": 0,
                "difference only": [data["right"] - data["left"], abs(data["right"] - data["left"])],
                "one row only": _one_row(data),
            }
        case "magnitude":
            gx, gy = (float(slide(data["input"], tensor(data["kernels"][axis]))[0, 0]) for axis in ("x", "y"))
            return {
                "amounts added": abs(gx) + abs(gy),
                "square root forgotten": gx**2 + gy**2,
                "gradients added": gx + gy,
                "one direction only": [abs(gx), gx],
                "larger one taken": max(abs(gx), abs(gy)),
            }
        case "after":
            one, two = tensor(data["kernel"]), tensor(data["kernel2"])
            first = slide(data["input"], one)
            wrongly = {
                "signs lost": torch.abs,
                "kernel transposed": torch.t,
                "products not weighted": torch.ones_like,
                "kernel flipped": lambda kernel: torch.flip(kernel, (0, 1)),
            }
            found: dict[str, Any] = {}
            for name, change in wrongly.items():  # made with the first kernel, the second, or both
                pairs = ((change(one), two), (one, change(two)), (change(one), change(two)))
                found[name] = [float(slide(torch.relu(slide(data["input"], a)), b)) for a, b in pairs]
            straight = float(slide(first, two))
            return found | {"ReLU forgotten": straight, "ReLU too late": max(0.0, straight)}
    return {}


def _one_row(data: Data) -> list[float]:
    """What each row of the kernel (each column, for an edge that lies) gives by itself where the whole answers
    most."""
    k = tensor(data["kernel"]) if data["upright"] else tensor(data["kernel"]).T
    return [float(line[2] * (data["right"] - data["left"])) for line in k]


def _odd(data: Data) -> bool:
    k = tensor(data["kernel"])
    return torch.equal(torch.flip(k, (0, 1)), -k)
