"""Readers of dense layers: Gemm and MatMul."""

from __future__ import annotations

from pellucid.model.onnx_nodes.source import NodeSource, Read, Reader
from pellucid.network.operations.dense import Gemm, MatMul


def _gemm(source: NodeSource) -> Read:
    """Before opset 7 `broadcast` said whether C was broadcast; it always may be here.."""
    operation = Gemm(
        source.get("alpha", 1.0),
        source.get("beta", 1.0),
        bool(source.get("transA", 0)),
        bool(source.get("transB", 0)),
    )
    return operation, source.operands(0, 1, 2)


def _matmul(source: NodeSource) -> Read:
    return MatMul(), (0, 1)


DENSE: dict[str, Reader] = {"Gemm": _gemm, "MatMul": _matmul}
