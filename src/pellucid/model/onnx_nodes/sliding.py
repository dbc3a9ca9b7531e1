"""Readers of what slides a window: convolution, its transpose, pooling. Pads in one form for every `auto_pad`."""

from __future__ import annotations

from pellucid.model.onnx_nodes.source import NodeSource, Read, Reader
from pellucid.network.operations.base import Shape
from pellucid.network.operations.convolution import Convolution
from pellucid.network.operations.sliding import Pads


def read_pads(source: NodeSource, spatial: Shape, kernel: Shape, stride: Shape, dilation: Shape) -> Pads:
    """(before, after) for each axis. SAME_UPPER and SAME_LOWER make ceil(n / stride) windows; an odd one of padding
    goes after, or before."""
    auto = source.get("auto_pad", "NOTSET")
    rank = len(spatial)
    if auto == "VALID":
        return ((0, 0),) * rank
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        pads = []
        for n, f, s, d in zip(spatial, kernel, stride, dilation, strict=True):
            total = max((-(-n // s) - 1) * s + d * (f - 1) + 1 - n, 0)
            less, more = total // 2, total - total // 2
            pads.append((less, more) if auto == "SAME_UPPER" else (more, less))
        return tuple(pads)
    flat = source.get("pads", (0,) * (2 * rank))
    return tuple(zip(flat[:rank], flat[rank:], strict=True))


def _convolution(source: NodeSource) -> Read:
    weight = source.array(1)
    spatial = source.array(0).shape[2:]
    rank = len(spatial)
    kernel = tuple(source.get("kernel_shape", weight.shape[2:]))
    stride = tuple(source.get("strides", (1,) * rank))
    dilation = tuple(source.get("dilations", (1,) * rank))
    pads = read_pads(source, spatial, kernel, stride, dilation)
    operation = Convolution(kernel, stride, pads, dilation, source.get("group", 1))
    return operation, source.operands(0, 1, 2)


SLIDING: dict[str, Reader] = {
    "Conv": _convolution,
}
