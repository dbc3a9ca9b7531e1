"""Readers of what slides a window: convolution, its transpose, pooling. Pads in one form for every `auto_pad`."""

from __future__ import annotations

from pellucid.model.onnx_nodes.source import NodeSource, Read, Reader
from pellucid.network.operations.base import Shape
from pellucid.network.operations.convolution import Convolution
from pellucid.network.operations.pooling import AveragePooling, LpPooling, MaxPooling
from pellucid.network.operations.sliding import Pads
from pellucid.network.operations.transposed import TransposedConvolution


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


def _transposed(source: NodeSource) -> Read:
    weight, spatial = source.array(1), source.array(0).shape[2:]
    rank = len(spatial)
    kernel = tuple(source.get("kernel_shape", weight.shape[2:]))
    stride = tuple(source.get("strides", (1,) * rank))
    dilation = tuple(source.get("dilations", (1,) * rank))
    extra = tuple(source.get("output_padding", (0,) * rank))
    auto = source.get("auto_pad", "NOTSET")
    wanted = source.get("output_shape")
    if wanted is None and auto in ("SAME_UPPER", "SAME_LOWER"):
        wanted = tuple(n * s for n, s in zip(spatial, stride, strict=True))
    if wanted is None:
        pads = read_pads(source, spatial, kernel, stride, dilation)
    else:
        # The padding that gives this shape; where even none is too little, zeros follow at the end.
        spare = tuple(
            s * (n - 1) + e + d * (f - 1) + 1 - size
            for n, f, s, d, e, size in zip(
                spatial, kernel, stride, dilation, extra, wanted[-rank:], strict=True
            )
        )
        extra = tuple(e + max(-total, 0) for e, total in zip(extra, spare, strict=True))
        halves = [(max(total, 0) // 2, max(total, 0) - max(total, 0) // 2) for total in spare]
        pads = tuple((less, more) if auto == "SAME_UPPER" else (more, less) for less, more in halves)
    operation = TransposedConvolution(kernel, stride, pads, dilation, extra, source.get("group", 1))
    return operation, source.operands(0, 1, 2)


def _window(source: NodeSource) -> tuple[Shape, Shape, Pads, Shape, bool]:
    """kernel, stride, pads, dilation, ceil_mode of a pooling node."""
    spatial = source.array(0).shape[2:]
    rank = len(spatial)
    kernel = tuple(source.get("kernel_shape"))
    stride = tuple(source.get("strides", (1,) * rank))
    dilation = tuple(source.get("dilations", (1,) * rank))
    pads = read_pads(source, spatial, kernel, stride, dilation)
    return kernel, stride, pads, dilation, bool(source.get("ceil_mode", 0))


def _whole_plane(source: NodeSource) -> tuple[Shape, Shape, Pads, Shape]:
    spatial = source.array(0).shape[2:]
    ones = (1,) * len(spatial)
    return spatial, ones, ((0, 0),) * len(spatial), ones


def _max_pooling(source: NodeSource) -> Read:
    return MaxPooling(*_window(source), bool(source.get("storage_order", 0))), (0,)


def _average_pooling(source: NodeSource) -> Read:
    return AveragePooling(*_window(source), bool(source.get("count_include_pad", 0))), (0,)


def _lp_pooling(source: NodeSource) -> Read:
    return LpPooling(*_window(source), source.get("p", 2)), (0,)


def _global_max(source: NodeSource) -> Read:
    return MaxPooling(*_whole_plane(source)), (0,)


def _global_average(source: NodeSource) -> Read:
    return AveragePooling(*_whole_plane(source)), (0,)


def _global_lp(source: NodeSource) -> Read:
    return LpPooling(*_whole_plane(source), p=source.get("p", 2)), (0,)


SLIDING: dict[str, Reader] = {
    "AveragePool": _average_pooling,
    "Conv": _convolution,
    "ConvTranspose": _transposed,
    "GlobalAveragePool": _global_average,
    "GlobalLpPool": _global_lp,
    "GlobalMaxPool": _global_max,
    "LpPool": _lp_pooling,
    "MaxPool": _max_pooling,
}
