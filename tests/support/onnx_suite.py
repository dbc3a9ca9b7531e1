"""ONNX's own suite of single nodes, each value of each output computed by our readers and openings."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from onnx.backend.test.loader import load_node_model_tests

from pellucid.model.onnx_nodes import READERS, CannotOpen, NodeSource

# The operations that all of the suite's cases are wanted of: 99 cases.
CORE = (
    "Conv", "ConvTranspose", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "Softmax", "LogSoftmax",
    "Gemm", "BatchNormalization", "Relu", "Flatten",
)  # fmt: skip
# Where onnxruntime's own values differ from the suite's: it computes with the size that came out, the suite with the
# fraction before rounding. Openings are of what the runtime stored, so these are held against the runtime.
RUNTIME = {
    "test_resize_downsample_scales_linear_align_corners",
    "test_resize_downsample_scales_cubic_align_corners",
}
# What the runner of the suite allows bfloat16: two units in the last place.
BFLOAT16 = 2.0**-6


@dataclass(frozen=True, eq=False)
class Case:
    """One case: a node, its opset, the values of its inputs, and its outputs at this tolerance; or the `reason` why
    it isn't one of tensors."""

    name: str
    node: onnx.NodeProto
    opset: int
    inputs: dict[str, NDArray[Any]]
    outputs: list[tuple[int, NDArray[Any]]]  # (which of the node's results, its values)
    rtol: float
    atol: float
    reason: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of a case: `refused`, why it isn't opened ("" if it is); `wrong`, the values outside the tolerance,
    as text; `values`, how many were opened."""

    refused: str = ""
    wrong: tuple[str, ...] = ()
    values: int = 0

    @property
    def passed(self) -> bool:
        return not self.refused and not self.wrong


# Types that the suite's makers had no NumPy for come as they stand in a file.
_TENSORS = (np.ndarray, np.generic, onnx.TensorProto)


def _array(value: Any) -> NDArray[Any]:
    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else np.asarray(value)


@cache
def cases() -> dict[str, list[Case]]:
    """The cases of one node, by the node's type."""
    found: dict[str, list[Case]] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the suite divides by zero on purpose
        for test in load_node_model_tests():
            model = test.model
            if model is None or len(model.graph.node) != 1 or model.graph.node[0].domain:
                continue
            node = model.graph.node[0]
            names = [value.name for value in model.graph.input]
            places = [list(node.output).index(value.name) for value in model.graph.output]
            for number, (inputs, outputs) in enumerate(test.data_sets):
                reason = ""
                if not all(isinstance(value, _TENSORS) for value in (*inputs, *outputs)):
                    reason, inputs, outputs, names, places = "a sequence or an optional value", [], [], [], []
                found.setdefault(node.op_type, []).append(
                    Case(
                        test.name + (f" ({number})" if number else ""),
                        node,
                        model.opset_import[0].version,
                        dict(zip(names, map(_array, inputs), strict=True)),
                        list(zip(places, map(_array, outputs), strict=True)),
                        test.rtol,
                        test.atol,
                        reason,
                    )
                )
    return found


def compute(case: Case, most: int | None = None) -> Outcome:
    """The case through our own openings: every value, or `most` of each output, evenly."""
    if case.reason:
        return Outcome(refused=case.reason)
    try:
        operation, places = READERS[case.node.op_type](
            NodeSource(case.node, case.opset, case.inputs.__getitem__)
        )
    except CannotOpen as error:
        return Outcome(refused=str(error))
    operands = [None if place is None else case.inputs[case.node.input[place]] for place in places]
    wrong: list[str] = []
    opened = 0
    for output, expected in _by_runtime(case) if case.name in RUNTIME else case.outputs:
        shape = operation.result_shape(operands, output)
        if shape != expected.shape:
            wrong.append(f"output {output}: shape {shape}, not {expected.shape}")
            continue
        indices = list(_places(expected.shape, most))
        values = np.array([operation.open(operands, index, output).value for index in indices])
        wanted = np.array([expected[index] for index in indices], expected.dtype)
        wrong += [
            f"output {output}{list(indices[i])}: {values[i]!r}, not {wanted[i]!r}"
            for i in np.flatnonzero(~_close(values, wanted, case))
        ]
        opened += len(indices)
    return Outcome(wrong=tuple(wrong), values=opened)


def _by_runtime(case: Case) -> list[tuple[int, NDArray[Any]]]:
    """The case's outputs as onnxruntime computes them."""
    graph = helper.make_graph(
        [case.node],
        "one",
        [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
            for name, value in case.inputs.items()
        ],
        [helper.make_empty_tensor_value_info(case.node.output[place]) for place, _ in case.outputs],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", case.opset)], ir_version=10)
    results = onnxruntime.InferenceSession(model.SerializeToString()).run(None, case.inputs)
    return [(place, np.asarray(result)) for (place, _), result in zip(case.outputs, results, strict=True)]


def _places(shape: tuple[int, ...], most: int | None) -> Iterator[tuple[int, ...]]:
    size = int(np.prod(shape))
    step = 1 if most is None else max(1, -(-size // most))
    for flat in range(0, size, step):
        yield tuple(int(n) for n in np.unravel_index(flat, shape))


def _close(values: NDArray[Any], wanted: NDArray[Any], case: Case) -> NDArray[np.bool_]:
    """As the suite's own runner compares; whole numbers have to be the same."""
    if wanted.dtype.kind in "iub":
        return values == wanted.astype(np.float64)
    with np.errstate(over="ignore"):
        stored = values.astype(wanted.dtype).astype(np.float64)
    rtol = max(case.rtol, BFLOAT16) if wanted.dtype.name == "bfloat16" else case.rtol
    return np.isclose(stored, wanted.astype(np.float64), rtol=rtol, atol=case.atol, equal_nan=True)
