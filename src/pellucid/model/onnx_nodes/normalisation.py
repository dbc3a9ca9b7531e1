"""Readers of normalisation. Axes are counted from the front, whatever the node says."""

from __future__ import annotations

from pellucid.model.onnx_nodes.source import CannotOpen, NodeSource, Read, Reader
from pellucid.network.operations.normalisation import (
    BatchNormalization,
    GroupNormalization,
    LayerNormalization,
    LocalResponse,
    LpNormalization,
)

_EPSILON = 9.999999747378752e-06  # 1e-5 in float32, the default of every attribute `epsilon`


def _batch(source: NodeSource) -> Read:
    """From opset 14 on an attribute says that it trains; before, more results than one did."""
    training = bool(source.get("training_mode", 0))
    if source.opset < 14 and any(source.proto.output[1:]):
        raise CannotOpen("training, in the form before opset 14")
    per_place = source.opset < 9 and source.get("spatial", 1) == 0
    if per_place and source.array(1).ndim != source.array(0).ndim - 1:
        raise CannotOpen("spatial=0 with parameters that aren't [channels, height, width]")
    operation = BatchNormalization(
        source.get("epsilon", _EPSILON),
        source.get("momentum", 0.8999999761581421),
        training,
        per_place,
    )
    return operation, source.operands(0, 1, 2, 3, 4)


def _instance(source: NodeSource) -> Read:
    return GroupNormalization(source.get("epsilon", _EPSILON)), (0, 1, 2)


def _group(source: NodeSource) -> Read:
    operation = GroupNormalization(
        source.get("epsilon", _EPSILON), source.get("num_groups"), per_group=source.opset < 21
    )
    return operation, (0, 1, 2)


def _layer(source: NodeSource) -> Read:
    rank = source.array(0).ndim
    axes = tuple(range(source.get("axis", -1) % rank, rank))
    return LayerNormalization(axes, source.get("epsilon", _EPSILON)), source.operands(0, 1, 2)


def _mean_variance(source: NodeSource) -> Read:
    """ONNX's definition adds 1e-9 to the standard deviation; to the variance, it is 1e-18."""
    rank = source.array(0).ndim
    axes = tuple(sorted(axis % rank for axis in source.get("axes", (0, 2, 3))))
    return LayerNormalization(axes, 1e-18), (0,)


def _lp(source: NodeSource) -> Read:
    return LpNormalization(source.get("axis", -1) % source.array(0).ndim, source.get("p", 2)), (0,)


def _local_response(source: NodeSource) -> Read:
    operation = LocalResponse(
        source.get("size"),
        source.get("alpha", 9.999999747378752e-05),
        source.get("beta", 0.75),
        source.get("bias", 1.0),
    )
    return operation, (0,)


NORMALISATION: dict[str, Reader] = {
    "BatchNormalization": _batch,
    "GroupNormalization": _group,
    "InstanceNormalization": _instance,
    "LRN": _local_response,
    "LayerNormalization": _layer,
    "LpNormalization": _lp,
    "MeanVarianceNormalization": _mean_variance,
}
