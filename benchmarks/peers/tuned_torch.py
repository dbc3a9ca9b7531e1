"""PyTorch with every public trick: channels_last, pooling before ReLU (in place), fused Adam, the best batch size of
four tried in this very process; `compile` adds torch.compile, `bf16` autocast."""

from __future__ import annotations

import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

from peers.measuring import DEVIATION, MEAN, best_batch, mnist, rate_of, report

SIZES = (128, 256, 512, 1024)


def main(compiled: bool, precision: str) -> None:
    torch.manual_seed(0)
    pictures, labels = mnist()
    x = torch.from_numpy(pictures).unsqueeze(1).float().div_(255).sub_(MEAN).div_(DEVIATION)
    x = x.contiguous(memory_format=torch.channels_last)
    y = torch.from_numpy(labels)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 5, padding=2), nn.MaxPool2d(2), nn.ReLU(inplace=True),
        nn.Conv2d(8, 16, 5), nn.MaxPool2d(2), nn.ReLU(inplace=True),
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(inplace=True), nn.Linear(120, 84), nn.ReLU(inplace=True),
        nn.Linear(84, 10),
    ).to(memory_format=torch.channels_last)  # fmt: skip
    run = torch.compile(model, dynamic=False) if compiled else model
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    losses = []

    def make(size: int):
        per_epoch = len(x) // size
        order = torch.randperm(len(x))

        def step(number: int) -> int:
            nonlocal order
            place = number % per_epoch
            if place == 0:
                order = torch.randperm(len(x))
            batch = order[place * size : (place + 1) * size]
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
                loss = F.cross_entropy(run(x.index_select(0, batch)), y.index_select(0, batch))
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            losses.append(loss.detach())
            return size

        return step

    make(SIZES[-1])(0)
    ready = time.time()
    size, trials = best_batch(make, SIZES)
    rate = rate_of(make(size))
    settings = {
        "torch": torch.__version__, "batch": size, "batch sizes tried": trials, "threads": torch.get_num_threads(),
        "optimiser": "adam, fused", "memory format": "channels_last", "compiled": compiled,
    }  # fmt: skip
    name = "compiled PyTorch" if compiled else "tuned PyTorch"
    report(name, settings, ready, rate, float(torch.stack(losses[-20:]).mean()), precision)


if __name__ == "__main__":
    main("compile" in sys.argv, "bf16" if "bf16" in sys.argv else "f32")
