"""PyTorch on the residual network of resnet.py, with every public trick: channels_last, rectifiers in place, no bias
before normalisation, fused Adam, the best batch size of four.     python -m peers.tuned_resnet SIDE WIDTH"""

from __future__ import annotations

import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

from peers.measuring import best_batch, noise, rate_of, report

SIZES = (64, 128, 256)


class Block(nn.Module):
    def __init__(self, before: int, channels: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(before, channels, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.short = nn.Identity()
        if stride > 1:
            self.short = nn.Sequential(
                nn.Conv2d(before, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm2(self.conv2(F.relu_(self.norm1(self.conv1(x)))))
        return F.relu_(y.add_(self.short(x)))


def main(side: int, width: int) -> None:
    torch.manual_seed(0)
    pictures, labels = noise(side)
    x = torch.from_numpy(pictures).permute(0, 3, 1, 2).float().div_(64).sub_(2)
    x = x.contiguous(memory_format=torch.channels_last)
    y = torch.from_numpy(labels)
    model = nn.Sequential(
        nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True),
        Block(width, width, 1), Block(width, 2 * width, 2), Block(2 * width, 4 * width, 2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4 * width, 10),
    ).to(memory_format=torch.channels_last)  # fmt: skip
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    losses = []

    def make(size: int):
        order = torch.randperm(len(x)).reshape(-1, size)

        def step(number: int) -> int:
            batch = order[number % len(order)]
            loss = F.cross_entropy(model(x.index_select(0, batch)), y.index_select(0, batch))
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            losses.append(loss.detach())
            return size

        return step

    make(SIZES[0])(0)
    ready = time.time()
    size, trials = best_batch(make, SIZES)
    rate = rate_of(make(size), warm=4)
    settings = {
        "torch": torch.__version__, "batch": size, "batch sizes tried": trials, "threads": torch.get_num_threads(),
        "optimiser": "adam, fused", "memory format": "channels_last",
    }  # fmt: skip
    report("tuned PyTorch", settings, ready, rate, float(torch.stack(losses[-5:]).mean()))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
