"""What the browser computes by itself: the operations of web/src/arithmetic, as a page needs them."""

from __future__ import annotations

from pellucid.inside.explorer_schema import GraphDocument

# By module and class of network/operations; the front end's tests hold its own table against the traces of these.
OPERATIONS = frozenset(
    f"{module}.{name}"
    for module, names in {
        "activation": "Clip Elu Gelu HardSigmoid HardSwish LeakyRelu Mish Relu Sigmoid Softplus Softsign Swish Tanh "
        "ThresholdedRelu",
        "convolution": "Convolution",
        "dense": "Gemm MatMul",
        "elementwise": "Addition Choice Division Extreme Logic Mean Multiplication ParametricRelu Power Remainder",
        "movement": "Concat DepthToSpace Expand Gather GatherElements Identity Pad Reshape Slice SpaceToDepth Split "
        "Tile Transpose",
        "normalisation": "BatchNormalization GroupNormalization LayerNormalization LocalResponse LpNormalization",
        "pointwise": "Cast Function",
        "pooling": "AveragePooling LpPooling MaxPooling",
        "quantisation": "Dequantize Quantize",
        "reduction": "Extreme Norm Sum",
        "resizing": "Resize",
        "softmax": "Hardmax Softmax",
        "transposed": "TransposedConvolution",
    }.items()
    for name in names.split()
)
TYPES = frozenset(
    ("float32", "float64", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "bool")
)


def not_in_browser(document: GraphDocument) -> list[str]:
    """What of a network isn't computed there, in words: unknown operations, windows over three axes, normalisation in
    training, narrow floats."""
    found = []
    for node in document.nodes:
        kernel = node.attributes.get("kernel")
        wide = isinstance(kernel, list) and len(kernel) > 2
        if node.operation not in OPERATIONS or wide or node.attributes.get("training"):
            found.append(f"{node.name} ({node.kind})")
    return [*found, *(f"{each.name} ({each.dtype})" for each in document.tensors if each.dtype not in TYPES)]
