"""Readers of Resize and of Upsample, its name until opset 9: scales or sizes, old and new forms."""

from __future__ import annotations

import numpy as np

from pellucid.model.onnx_nodes.source import CannotOpen, NodeSource, Read, Reader
from pellucid.network.operations.base import Shape
from pellucid.network.operations.resampling import Axis
from pellucid.network.operations.resizing import Resize

COORDINATES = (
    "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_half_pixel_for_nn",
    "tf_crop_and_resize",
)  # fmt: skip


def _resize(source: NodeSource) -> Read:
    x = source.array(0)
    mode = source.get("mode", "nearest")
    coordinates, nearest = "asymmetric", "simple"
    if source.proto.op_type == "Resize" and source.opset > 10:
        coordinates = source.get("coordinate_transformation_mode", "half_pixel")
        nearest = source.get("nearest_mode", "round_prefer_floor")
    antialias = bool(source.get("antialias", 0))
    if mode not in ("nearest", "linear", "cubic"):
        raise CannotOpen(f"Resize in mode {mode!r}")
    if coordinates not in COORDINATES:
        raise CannotOpen(f"Resize with coordinates {coordinates!r}")
    if (
        mode != "nearest"
        and x.dtype.kind in "iu"
        and (x.dtype != np.uint8 or (mode == "cubic" and not antialias))
    ):
        raise CannotOpen(f"Resize of {x.dtype} values in mode {mode!r}")
    scales, sizes = _sizes(source, x.shape)
    regions = [(0.0, 1.0)] * x.ndim
    if coordinates == "tf_crop_and_resize":
        region = np.ravel(source.array(1)).astype(np.float32)
        axes = _axes(source, x.ndim)
        for place, axis in enumerate(axes):
            regions[axis] = (float(region[place]), float(region[place + len(axes)]))
    if sizes == x.shape:  # the runtime copies
        scales = (1.0,) * x.ndim
    found = tuple(
        Axis(
            old,
            new,
            scale,
            mode,
            coordinates,
            nearest,
            source.get("cubic_coeff_a", -0.75),
            bool(source.get("exclude_outside", 0)),
            antialias,
            region,
        )
        for old, new, scale, region in zip(x.shape, sizes, scales, regions, strict=True)
    )
    return Resize(found, source.get("extrapolation_value", 0.0)), (0,)


def _axes(source: NodeSource, rank: int) -> tuple[int, ...]:
    """The axes that scales, sizes and roi speak of."""
    return tuple(axis % rank for axis in source.get("axes", range(rank)))


def _sizes(source: NodeSource, old: Shape) -> tuple[tuple[float, ...], Shape]:
    """The factor (a float32) and the new size of each axis."""
    axes = _axes(source, len(old))
    given = source.get("scales")
    place = 1 if source.opset < 11 or source.proto.op_type == "Upsample" else 2
    if given is None and source.has(place):
        given = np.ravel(source.array(place))
    scales = np.ones(len(old), np.float32)
    new = list(old)
    if given is not None and len(given):
        for axis, scale in zip(axes, given, strict=True):
            scales[axis] = scale
            new[axis] = int(scales[axis] * np.float32(old[axis]))
        return tuple(map(float, scales)), tuple(new)
    sizes = source.ints(3)
    if sizes is None:
        raise CannotOpen("Resize with neither scales nor sizes")
    for axis, size in zip(axes, sizes, strict=True):
        new[axis] = size
        scales[axis] = np.float32(size) / np.float32(old[axis])
    policy = source.get("keep_aspect_ratio_policy", "stretch")
    if policy != "stretch":
        factor = (min if policy == "not_larger" else max)(scales[list(axes)])
        for axis in axes:
            scales[axis] = factor
            new[axis] = int(np.floor(float(factor * np.float32(old[axis])) + 0.5))
    return tuple(map(float, scales)), tuple(new)


RESIZING: dict[str, Reader] = {"Resize": _resize, "Upsample": _resize}
