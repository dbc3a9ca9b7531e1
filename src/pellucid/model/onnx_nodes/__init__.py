"""ONNX nodes of any maker -> operations (`network/operations`), in one form for every version of the specification."""

from pellucid.model.onnx_nodes.activation import ACTIVATION
from pellucid.model.onnx_nodes.dense import DENSE
from pellucid.model.onnx_nodes.elementwise import ELEMENTWISE
from pellucid.model.onnx_nodes.movement import MOVEMENT
from pellucid.model.onnx_nodes.normalisation import NORMALISATION
from pellucid.model.onnx_nodes.quantisation import QUANTISATION
from pellucid.model.onnx_nodes.reduction import REDUCTION
from pellucid.model.onnx_nodes.resizing import RESIZING
from pellucid.model.onnx_nodes.sliding import SLIDING
from pellucid.model.onnx_nodes.softmax import SOFTMAX
from pellucid.model.onnx_nodes.source import CannotOpen, NodeSource, Read, Reader

# To add an operation: its line in one of these tables, by ONNX's own name.
READERS: dict[str, Reader] = {
    **ACTIVATION,
    **DENSE,
    **ELEMENTWISE,
    **MOVEMENT,
    **NORMALISATION,
    **QUANTISATION,
    **REDUCTION,
    **RESIZING,
    **SLIDING,
    **SOFTMAX,
}

__all__ = ["READERS", "CannotOpen", "NodeSource", "Read", "Reader"]
