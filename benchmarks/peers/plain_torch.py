"""A plain, well-written PyTorch loop: data in memory as tensors, fused Adam, batch indexing; ReLU before pooling, as
people write it; batch 128, torch's default memory format and threads."""

from __future__ import annotations

import time

import torch
import torch.nn.functional as F
from torch import nn

from peers.measuring import DEVIATION, MEAN, mnist, rate_of, report

BATCH = 128


def main() -> None:
    torch.manual_seed(0)
    pictures, labels = mnist()
    x = torch.from_numpy(pictures).unsqueeze(1).float().div_(255).sub_(MEAN).div_(DEVIATION)
    y = torch.from_numpy(labels)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    per_epoch = len(x) // BATCH
    order, losses = torch.randperm(len(x)), []

    def step(number: int) -> int:
        nonlocal order
        place = number % per_epoch
        if place == 0:
            order = torch.randperm(len(x))
        batch = order[place * BATCH : (place + 1) * BATCH]
        loss = F.cross_entropy(model(x[batch]), y[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.detach())
        return BATCH

    step(0)
    ready = time.time()
    rate = rate_of(step)
    settings = {
        "torch": torch.__version__, "batch": BATCH, "threads": torch.get_num_threads(), "optimiser": "adam, fused",
        "memory format": "contiguous",
    }  # fmt: skip
    report("plain PyTorch", settings, ready, rate, float(torch.stack(losses[-20:]).mean()))


if __name__ == "__main__":
    main()
