"""A network of 200 classes and 128x128 colour, with random weights, written by PyTorch's own exporter."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from pathlib import Path

SIDE, CLASSES = 128, 200


def export_torch(path: Path) -> Path:
    """Strides, batch normalisation, a residual addition, dilation, groups, a concatenation and several activations; its
    answers are scores, without softmax."""
    import torch
    from torch import nn

    class Colours(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, 6, 5, stride=2, padding=2)
            self.norm = nn.BatchNorm2d(6)
            self.pool = nn.MaxPool2d(3, stride=2, ceil_mode=True)
            self.depth = nn.Conv2d(6, 6, 3, padding=1, groups=6)
            self.wide = nn.Conv2d(6, 10, 3, padding=2, dilation=2)
            self.other = nn.Conv2d(6, 6, 1)
            self.last = nn.Conv2d(16, 4, 3, stride=2)
            self.answer = nn.Linear(4 * 7 * 7, CLASSES)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.pool(torch.relu(self.norm(self.stem(x))))
            y = y + self.depth(y)
            y = torch.cat([nn.functional.silu(self.wide(y)), torch.tanh(self.other(y))], 1)
            y = nn.functional.avg_pool2d(y, 2)
            y = nn.functional.leaky_relu(self.last(y), 0.1)
            return self.answer(torch.flatten(y, 1))

    torch.manual_seed(0)
    network = Colours().eval()
    nn.init.normal_(network.norm.running_mean, 0, 0.2)  # type: ignore[arg-type]
    nn.init.uniform_(network.norm.running_var, 0.2, 0.6)  # type: ignore[arg-type]
    quiet = io.StringIO()
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
            warnings.simplefilter("ignore")
            torch.onnx.export(network, (torch.zeros(1, 3, SIDE, SIDE),), str(path), dynamo=True,
                              input_names=["x"], external_data=False)  # fmt: skip
    finally:
        logging.disable(logging.NOTSET)
    return path
