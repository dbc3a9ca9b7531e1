"""A model of MNIST from a cold start by tuned PyTorch: the one-epoch recipe, tested, its weights on disk.

conv 24 5x5, pool, ReLU, conv 32 3x3, pool, ReLU, dense 256, dense 10; batch 256, Adam 0.01 with betas 0.7 and 0.9, one
cycle (github.com/tuomaso/train_mnist_fast), and labels smoothed by 0.05 as pellucid's. channels_last, pooling before
ReLU, fused Adam, batches by index.
    python -m peers.cold_torch SEED [bf16]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from peers.measuring import DEVIATION, MEAN, mnist, report_model

BATCH, SMOOTHING = 256, 0.05


def main(seed: int, precision: str) -> None:
    torch.manual_seed(seed)

    def part(which: str) -> tuple[torch.Tensor, torch.Tensor]:
        pictures, labels = mnist(which)
        x = torch.from_numpy(pictures).unsqueeze(1).float().div_(255).sub_(MEAN).div_(DEVIATION)
        return x.contiguous(memory_format=torch.channels_last), torch.from_numpy(labels)

    x, y = part("train")
    model = nn.Sequential(
        nn.Conv2d(1, 24, 5), nn.MaxPool2d(2), nn.ReLU(inplace=True),
        nn.Conv2d(24, 32, 3), nn.MaxPool2d(2), nn.ReLU(inplace=True),
        nn.Flatten(), nn.Linear(800, 256), nn.ReLU(inplace=True), nn.Linear(256, 10),
    ).to(memory_format=torch.channels_last)  # fmt: skip
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01, betas=(0.7, 0.9), fused=True)
    steps = len(x) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 0.01, total_steps=steps, cycle_momentum=False)
    order = torch.randperm(len(x))
    for number in range(steps):
        batch = order[number * BATCH : (number + 1) * BATCH]
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            logits = model(x.index_select(0, batch))
            loss = F.cross_entropy(logits, y.index_select(0, batch), label_smoothing=SMOOTHING)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
    with tempfile.TemporaryDirectory() as folder:
        torch.save(model.state_dict(), Path(folder) / "model.pt")
        x, y = part("t10k")
        with torch.no_grad():
            right = sum(
                int((model(a).argmax(1) == b).sum())
                for a, b in zip(x.split(1000), y.split(1000), strict=True)
            )
    settings = {
        "torch": torch.__version__, "batch": BATCH, "threads": torch.get_num_threads(), "epochs": 1,
        "optimiser": "adam 0.01, betas 0.7 0.9, one cycle, fused", "memory format": "channels_last",
        "label smoothing": SMOOTHING,
    }  # fmt: skip
    report_model("tuned PyTorch, the same recipe", settings, right / len(y), precision)


if __name__ == "__main__":
    main(int(sys.argv[1]), "bf16" if "bf16" in sys.argv else "f32")
