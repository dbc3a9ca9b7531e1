"""Pictures, signals or volumes into a network's input: rows of the data, varied as asked, scaled, channel last."""

from __future__ import annotations

import warnings

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from pellucid.engines.contract import Augmentation
from pellucid.errors import EngineError


class Pictures:
    """Data uint8 [n, *spatial, c] (which may be a map of a file) with `input = pixel * scale + shift` by channel."""

    def __init__(
        self,
        pixels: NDArray[np.uint8],
        scale: NDArray[np.float32],
        shift: NDArray[np.float32],
        device: torch.device,
    ):
        self.device = device
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it is only read, so that it can't be written to doesn't matter
            self.pixels = torch.from_numpy(pixels)
        self.scale = torch.from_numpy(np.array(scale, np.float32)).to(device)
        self.shift = torch.from_numpy(np.array(shift, np.float32)).to(device)
        self.spatial, self.channels = pixels.shape[1:-1], pixels.shape[-1]

    def plain(self, rows: Tensor) -> Tensor:
        """The network's input [n, c, *spatial] of these rows as they are."""
        return self._scaled(self.pixels.index_select(0, rows).to(self.device))

    def varied(self, rows: Tensor, augmentation: Augmentation) -> Tensor:
        """The same, each picture changed as its row of `augmentation`, whose arrays are [n, ...]."""
        if self.pixels.ndim != 4:
            raise EngineError(
                "augmentation moves and turns pictures, with height and width",
                received=f"augmentation of examples of shape {tuple(self.pixels.shape[1:])}",
                remedy="batches without augmentation",
            )
        affine = augmentation.affine
        whole = whole_places(affine, *self.spatial)
        if whole is not None:
            x = self._moved(rows, *whole).to(self.device)
        else:
            x = self._turned(
                self.pixels.index_select(0, rows).to(self.device), torch.from_numpy(affine).to(self.device)
            )
        gain, offset = augmentation.gain, augmentation.offset
        if np.any(gain != 1) or np.any(offset != 0):
            factor, term = (torch.from_numpy(a).to(self.device)[:, None, None, None] for a in (gain, offset))
            x = x.to(torch.float32).mul_(factor).add_(term).clamp_(0, 255)
        x = self._scaled(x)
        for index in np.flatnonzero(augmentation.erase[:, 0] < augmentation.erase[:, 2]):
            top, left, bottom, right = augmentation.erase[index].tolist()
            x[index, :, top:bottom, left:right] = 0
        return x

    def _scaled(self, x: Tensor) -> Tensor:
        """[n, *spatial, c] of any type to float32 [n, c, *spatial], which stays channel last in memory.

        float32 that lies like that is overwritten.
        """
        # In place, as fresh memory costs more than the arithmetic; and row by row, not by three channels at a time.
        width = x.shape[-2]
        rows = x.to(torch.float32).contiguous().view(-1, width * self.channels)
        torch.addcmul(self.shift.repeat(width), rows, self.scale.repeat(width), out=rows)
        # With one channel torch would take other strides for channel first, and choose slower kernels: view makes them.
        return rows.view(x.shape).movedim(-1, 1)

    def _moved(self, rows: Tensor, y: NDArray[np.int64], x: NDArray[np.int64]) -> Tensor:
        """Whole pixels from other places: rows y [n, h] and columns x [n, w] of each picture. uint8 [n, h, w, c]."""
        height, width = self.spatial
        places = (rows.numpy()[:, None, None] * height + y[:, :, None]) * width + x[:, None, :]
        taken = self.pixels.view(-1, self.channels).index_select(0, torch.from_numpy(places.reshape(-1)))
        return taken.view(len(rows), height, width, self.channels)

    def _turned(self, x: Tensor, affine: Tensor) -> Tensor:
        """Bilinear, the border repeated outside. float32 [n, h, w, c]."""
        h, w = self.spatial
        # grid_sample wants (x, y), with -1 and 1 at the picture's outer borders.
        size = torch.tensor([2 / w, 2 / h], device=self.device)
        y = torch.arange(h, device=self.device) - (h - 1) / 2
        across = torch.arange(w, device=self.device) - (w - 1) / 2
        down, right, by = (affine[:, [1, 0], k] * size for k in (0, 1, 2))
        grid = (down[:, None] * y[:, None] + by[:, None])[:, :, None] + (right[:, None] * across[:, None])[
            :, None
        ]
        planes = x.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format)
        moved = F.grid_sample(planes, grid, mode="bilinear", padding_mode="border", align_corners=False)
        return moved.permute(0, 2, 3, 1)


def whole_places(
    affine: NDArray[np.float32], height: int, width: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Where every output row [n, h] and column [n, w] is read, if all [n, 2, 3] only shift by whole pixels and flip.

    None where any picture needs pixels between pixels.
    """
    if np.any(affine[:, [0, 1], [1, 0]]) or np.any(np.abs(affine[:, [0, 1], [0, 1]]) != 1):
        return None
    shift = np.rint(affine[:, :, 2])
    if np.any(shift != affine[:, :, 2]):
        return None
    places = []
    for axis, size in ((0, height), (1, width)):
        centre = (size - 1) / 2
        out = np.arange(size) - centre
        at = affine[:, axis, axis, None].astype(np.float64) * out + shift[:, axis, None] + centre
        places.append(np.clip(at, 0, size - 1).astype(np.int64))
    return places[0], places[1]
