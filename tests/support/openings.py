"""One ONNX node opened, and onnxruntime running the same node as the referee of its values and of its structure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import helper

from pellucid.model.onnx_nodes import READERS, NodeSource
from pellucid.network.operations import Operands, Operation

Arrays = Sequence[NDArray[Any] | None]


class Opened:
    """A node of this type with these inputs (None: left out), read by our reader and loaded into onnxruntime."""

    def __init__(self, kind: str, *inputs: Any, opset: int = 21, outputs: int = 1, **attributes: Any) -> None:
        self.inputs = [None if value is None else np.asarray(value) for value in inputs]
        self.names = ["" if value is None else f"x{k}" for k, value in enumerate(self.inputs)]
        self.results = [f"y{k}" for k in range(outputs)]
        self.opset = opset
        self.node = helper.make_node(kind, self.names, self.results, **attributes)
        values = {name: value for name, value in zip(self.names, self.inputs, strict=True) if name}
        self.operation: Operation
        self.operation, self.places = READERS[kind](NodeSource(self.node, opset, values.__getitem__))
        self.operands: Operands = [None if k is None else self.inputs[k] for k in self.places]
        self._session: onnxruntime.InferenceSession | None = None

    def run(self, inputs: Arrays | None = None) -> list[NDArray[Any]]:
        """onnxruntime's results, for these inputs instead of the node's own."""
        given = self.inputs if inputs is None else inputs
        if self._session is None:
            self._session = _session(self)
        feed = {name: value for name, value in zip(self.names, given, strict=True) if name}
        return [np.asarray(result) for result in self._session.run(None, feed)]

    def values(self, output: int = 0) -> NDArray[np.float64]:
        """Every value of a result, opened."""
        shape = self.operation.result_shape(self.operands, output)
        flat = [self.operation.open(self.operands, index, output).value for index in np.ndindex(shape)]
        return np.array(flat).reshape(shape)

    def gap(self, output: int = 0) -> float:
        """The greatest |value - onnxruntime's| / magnitude; shapes and dtypes' kinds have to be the same."""
        expected = self.run()[output]
        assert self.operation.result_shape(self.operands, output) == expected.shape
        worst = 0.0
        for index in np.ndindex(expected.shape):
            opening = self.operation.open(self.operands, index, output)
            difference = abs(opening.value - float(expected[index]))
            if difference:
                worst = max(worst, difference / opening.magnitude if opening.magnitude else np.inf)
        return worst

    def influence(self, operand: int, base: Any = 0, poke: Any = 1, output: int = 0) -> NDArray[np.bool_]:
        """[*operand's shape, *result's shape]: which values of the result change when one value of the operand, all
        others of it `base`, becomes `poke`. The other inputs stay as they are."""
        place = self.places[operand]
        assert place is not None
        given = list(self.inputs)
        own = self.inputs[place]
        assert own is not None
        given[place] = np.full_like(own, base)
        resting = self.run(given)[output]
        found = np.zeros((*own.shape, *resting.shape), bool)
        for index in np.ndindex(own.shape):
            poked = np.full_like(own, base)
            poked[index] = poke
            given[place] = poked
            found[index] = self.run(given)[output] != resting
        return found

    def check_structure(
        self,
        operand: int = 0,
        base: Any = 0,
        poke: Any = 1,
        output: int = 0,
        seed: int = 0,
        referee: Opened | None = None,
    ) -> None:
        """`reach` and `spread` of random masks against poking every value of the operand (of the referee's node)."""
        seen = (referee or self).influence(operand, base, poke, output)
        own = self.operands[operand]
        assert own is not None
        shape = seen.shape[own.ndim :]
        draws = np.random.default_rng(seed)
        for share in (0.02, 0.2, 0.7):
            mask = draws.random(shape) < share
            reached = self.operation.reach(self.operands, mask, output)[operand]
            wanted = (seen & mask).any(axis=tuple(range(own.ndim, seen.ndim)))
            np.testing.assert_array_equal(np.zeros(own.shape, bool) if reached is None else reached, wanted)
            marked = draws.random(own.shape) < share
            spread = self.operation.spread(self.operands, operand, marked, output)
            np.testing.assert_array_equal(spread, seen[marked].any(axis=0))


def _session(opened: Opened) -> onnxruntime.InferenceSession:
    graph = helper.make_graph(
        [opened.node],
        "one",
        [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
            for name, value in zip(opened.names, opened.inputs, strict=True)
            if value is not None
        ],
        [helper.make_empty_tensor_value_info(name) for name in opened.results],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opened.opset)], ir_version=10)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
