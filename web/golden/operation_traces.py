"""Traces of single operations: whole results, some values opened, and what reaches them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pellucid.inside.explorer_document import operation_name, plain
from pellucid.model.onnx_nodes import READERS, CannotOpen, NodeSource
from pellucid.network.operations import Linear, Operands, Operation
from support.onnx_suite import cases
from support.openings import Opened

KNOWN = {"float32", "float64", "int8", "uint8", "int16", "uint16", "int32", "int64", "bool"}
LARGEST = 400  # values of all operands and results together
MOST_CASES = 3  # of the suite for one operation
MOST_TERMS = 40


def operation_traces() -> list[dict]:
    """All of them: the suite's smallest cases of every operation, then random ones."""
    return [*_of_suite(), *_random()]


def _of_suite() -> Iterator[dict]:
    found: dict[str, list[tuple[int, str, Operation, list, list]]] = {}
    for kind in READERS:
        for case in cases().get(kind, []):
            if case.reason:
                continue
            try:
                operation, places = READERS[case.node.op_type](
                    NodeSource(case.node, case.opset, case.inputs.__getitem__)
                )
            except CannotOpen:
                continue
            operands = [None if place is None else case.inputs[case.node.input[place]] for place in places]
            size = sum(x.size for x in operands if x is not None) + sum(x.size for _, x in case.outputs)
            if 0 < size <= LARGEST and _is_computed(operation, operands, case.outputs):
                entry = (size, case.name, operation, operands, case.outputs)
                found.setdefault(operation_name(operation), []).append(entry)
    for name in sorted(found):
        chosen = sorted(found[name], key=lambda entry: (entry[0], entry[1]))
        step = max(1, len(chosen) // MOST_CASES)
        for _, case, operation, operands, outputs in chosen[::-1][::step][:MOST_CASES]:
            yield _trace(case, operation, operands, outputs)


def _is_computed(operation: Operation, operands: list, outputs: list) -> bool:
    """Whether the front end computes it: its number types, windows over two axes at most, nothing in training."""
    arrays = [x for x in operands if x is not None] + [x for _, x in outputs]
    if any(x.dtype.name not in KNOWN for x in arrays):
        return False
    with np.errstate(all="ignore"):
        if any(
            x.dtype.kind in "iu" and x.size and np.abs(x.astype(np.float64)).max() > 2**31 for x in arrays
        ):
            return False
    return len(getattr(operation, "kernel", ())) <= 2 and not getattr(operation, "training", False)


def _random() -> Iterator[dict]:
    """Sliding windows of every odd kind, and what an opening could get wrong."""
    draws = np.random.default_rng(7)

    def x(*shape: int) -> np.ndarray:
        return draws.uniform(-1, 1, shape).astype(np.float32)

    rows: list[tuple[str, Opened]] = []
    for n in range(12):
        groups = int(draws.integers(1, 3))
        kernel = [int(k) for k in draws.integers(1, 4, 2)]
        stride, dilation = ([int(k) for k in draws.integers(1, 4 - which, 2)] for which in (0, 1))
        pads = [int(k) for k in draws.integers(0, 3, 4)]
        given = [x(1, 2 * groups, 7, 8), x(3 * groups, 2, *kernel), x(3 * groups) if n % 3 else None]
        settings: dict[str, Any] = {"strides": stride, "dilations": dilation, "pads": pads}
        rows.append((f"convolution {n}", Opened("Conv", *given, group=groups, **settings)))
    rows.append(("depthwise", Opened("Conv", x(1, 5, 6, 5), x(5, 1, 3, 3), x(5), group=5, pads=[1, 1, 1, 1])))
    rows.append(("signal", Opened("Conv", x(1, 3, 11), x(4, 3, 3), x(4), strides=[2], pads=[2, 0])))
    for n, attributes in enumerate(
        (
            {"strides": [2, 3], "pads": [1, 0, 0, 1], "output_padding": [1, 0]},
            {"dilations": [2, 1], "pads": [1, 1, 2, 0]},
        )
    ):
        rows.append(
            (f"transposed {n}", Opened("ConvTranspose", x(1, 3, 4, 3), x(3, 2, 3, 2), x(2), **attributes))
        )
    for n in range(4):
        window: dict[str, Any] = {
            "kernel_shape": [3, 2], "strides": [2, 1 + n % 2], "pads": [1, n % 2, n % 3 // 2, 1], "ceil_mode": n // 2,
        }  # fmt: skip
        rows.append((f"max {n}", Opened("MaxPool", x(1, 2, 7, 6), **window, dilations=[1 + n % 2, 1])))
        rows.append((f"mean {n}", Opened("AveragePool", x(1, 2, 7, 6), **window, count_include_pad=n % 2)))
    picture = draws.integers(0, 256, (1, 9, 7, 3)).astype(np.uint8)
    for n, (size, antialias) in enumerate((([5, 4], 1), ([12, 11], 1), ([5, 11], 1), ([4, 9], 0))):
        rows.append(
            (
                f"levels {n}",
                Opened("Resize", picture, None, None, np.array([1, *size, 3]), mode="linear", antialias=antialias,
                       exclude_outside=antialias),
            )
        )  # fmt: skip
    cut = ([5, 0, -1], [1, 9, -9], [1, 2, 3], [-2, 1, -1])
    rows.append(("backwards", Opened("Slice", x(2, 7, 4, 3), *(np.array(each) for each in cut))))
    rows.append(("normalisation", Opened("BatchNormalization", x(1, 3, 4, 2), x(3), x(3), x(3), abs(x(3)))))
    rows.append(("response", Opened("LRN", x(1, 7, 3, 2), size=5, alpha=0.3, beta=0.6, bias=1.5)))
    rows.append(("dense", Opened("Gemm", x(1, 9), x(5, 9), x(5), transB=1, alpha=0.5, beta=2.0)))
    rows.append(("products", Opened("MatMul", x(2, 1, 3, 4), x(3, 4, 2))))
    for kind in (
        "Relu",
        "Sigmoid",
        "Tanh",
        "Gelu",
        "HardSwish",
        "Softplus",
        "Mish",
        "Elu",
        "LeakyRelu",
        "Erf",
    ):
        opset = 22 if kind == "HardSwish" else 21
        rows.append(
            (kind, Opened(kind, np.linspace(-4, 4, 24, dtype=np.float32).reshape(1, 24), opset=opset))
        )
    for name, opened in rows:
        yield _trace(name, opened.operation, opened.operands, list(enumerate(opened.run())))


def _trace(name: str, operation: Operation, operands: Operands, outputs: list) -> dict:
    return {
        "name": name,
        "operation": operation_name(operation),
        "attributes": plain(operation),
        "operands": [None if x is None else tensor(x) for x in operands],
        "results": [{"output": output, **tensor(x)} for output, x in outputs],
        "openings": [
            _opening(operation, operands, output, index)
            for output, x in outputs
            for index in _places(x.shape, 3)
        ],
    }


def _places(shape: tuple[int, ...], count: int) -> list[tuple[int, ...]]:
    size = int(np.prod(shape))
    flat = sorted({0, size // 2, size - 1})[:count] if size else []
    return [tuple(int(n) for n in np.unravel_index(place, shape)) for place in flat]


def _opening(operation: Operation, operands: Operands, output: int, index: tuple[int, ...]) -> dict:
    with np.errstate(all="ignore"):
        opening = operation.open(operands, index, output)
        mask = np.zeros(operation.result_shape(operands, output), bool)
        mask[index] = True
        reach = (
            operation.reach(operands, mask, output)[0]
            if operation_name(operation) not in _NOT_FOLLOWED
            else None
        )
        value, magnitude = opening.value, opening.magnitude
    found: dict[str, Any] = {
        "output": output, "index": list(index), "value": plain(value), "formula": opening.formula,
        "magnitude": plain(magnitude), "facts": {name: plain(each) for name, each in opening.facts.items()},
        "count": opening.count,
    }  # fmt: skip
    if isinstance(opening, Linear):
        found |= {
            "bias": plain(opening.bias),
            "divisor": plain(opening.divisor),
            "total": plain(opening.total),
        }
    else:
        found |= {"note": opening.note, "chosen": opening.chosen}
    if opening.count <= MOST_TERMS:
        found["terms"] = [
            [
                part.operand,
                part.index[n].tolist(),
                plain(part.values[n]),
                None if part.weights is None else plain(part.weights[n]),
                None if part.weight_index is None else part.weight_index[n].tolist(),
                part.role,
            ]
            for part in opening.parts
            for n in range(len(part))
        ]
    if opening.window is not None:
        found["cells"] = opening.window.cells.ravel().tolist()
        found["start"] = [int(n) for n in opening.window.start]
    if reach is not None:
        # Each axis by itself: the places that anything marked has.
        axes = range(reach.ndim)
        found["reach"] = [
            np.flatnonzero(reach.any(axis=tuple(other for other in axes if other != axis))).tolist()
            for axis in axes
        ]
    return found


_NOT_FOLLOWED = {"movement.Identity"}  # its mask (a result of none) is followed by nobody


def tensor(x: np.ndarray) -> dict:
    """Shape, type and values: of float32 as many digits as tell it from its neighbours."""
    narrow = x.dtype == np.float32
    with np.errstate(all="ignore"):
        values = [plain(each) if not narrow else plain(float(f"{each:.9g}")) for each in x.ravel().tolist()]
    values = [
        int(each) if isinstance(each, bool | float) and float(each).is_integer() else each for each in values
    ]
    return {"shape": list(x.shape), "dtype": x.dtype.name, "values": values}
