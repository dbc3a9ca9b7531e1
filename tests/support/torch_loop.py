"""Training as most would write it, in plain PyTorch and float64: the referee of the engines' steps."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from pellucid.engines.torch import NetworkModule


def plain_torch(network, pixels, labels, scale, shift, rows, rates, optimiser, smoothing=0.0, clip=0.0):
    """The same steps as most would write them, in float64. Gives weights by name and the loss summed."""
    x = torch.from_numpy((pixels * scale.astype(np.float64) + shift).transpose(0, 3, 1, 2))
    y = torch.from_numpy(labels)
    module = NetworkModule(network).double()
    kernels = [p for p in module.parameters() if p.ndim > 1]
    others = [p for p in module.parameters() if p.ndim < 2]
    steps = optimiser(kernels, others)
    total = 0.0
    for index, rate in zip(rows, rates, strict=True):
        index = torch.from_numpy(index[index >= 0])
        probabilities = module(x[index])
        loss = F.cross_entropy(probabilities.log(), y[index], label_smoothing=smoothing)
        total += F.nll_loss(probabilities.log(), y[index], reduction="sum").item()
        steps.zero_grad()
        loss.backward()
        if clip:
            nn.utils.clip_grad_norm_(module.parameters(), clip)
        for group in steps.param_groups:
            group["lr"] = float(rate)
        steps.step()
    return {name: tensor.detach().numpy() for name, tensor in module.state_dict().items()}, total


def groups(kernels, others, decay):
    return [{"params": kernels, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]


class Muon:
    """Muon with NumPy in float64, for kernels of three axes and more, at 8 times AdamW's rate for the rest."""

    def __init__(self, kernels, others, momentum=0.8, decay=0.01):
        self.filters = [p for p in kernels if p.ndim > 2]
        self.momentum, self.decay = momentum, decay
        self.buffers = [np.zeros(p.shape) for p in self.filters]
        self.rest = torch.optim.AdamW(
            groups([p for p in kernels if p.ndim == 2], others, decay), betas=(momentum, 0.95), eps=1e-6
        )
        self.param_groups = [{"lr": 0.0}]

    def zero_grad(self):
        for group in self.rest.param_groups:
            for parameter in group["params"]:
                parameter.grad = None
        for parameter in self.filters:
            parameter.grad = None

    def step(self):
        rate = self.param_groups[0]["lr"]
        for group in self.rest.param_groups:
            group["lr"] = rate
        self.rest.step()
        for place, weight in enumerate(self.filters):
            gradient = weight.grad.numpy()
            self.buffers[place] = self.momentum * self.buffers[place] + gradient
            x = (gradient + self.momentum * self.buffers[place]).reshape(len(weight), -1)
            rows, columns = x.shape
            x = x / (np.linalg.norm(x) + 1e-7)
            for _ in range(5):
                square = x @ x.T
                x = 3.4445 * x - 4.7750 * square @ x + 2.0315 * square @ square @ x
            long = max(1, rows / columns) ** 0.5
            with torch.no_grad():
                weight.mul_(1 - rate * self.decay)
                weight.sub_(torch.from_numpy(8 * rate * long * x).reshape(weight.shape))


OPTIMISERS = {
    "sgd": lambda k, o: torch.optim.SGD(groups(k, o, 0.01), lr=1, momentum=0.8, nesterov=True),
    "adam": lambda k, o: torch.optim.Adam(groups(k, o, 0.01), betas=(0.8, 0.95), eps=1e-6),
    "adamw": lambda k, o: torch.optim.AdamW(groups(k, o, 0.01), betas=(0.8, 0.95), eps=1e-6),
    "muon": Muon,
}
