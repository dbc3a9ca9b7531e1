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


OPTIMISERS = {
    "sgd": lambda k, o: torch.optim.SGD(groups(k, o, 0.01), lr=1, momentum=0.8, nesterov=True),
    "adam": lambda k, o: torch.optim.Adam(groups(k, o, 0.01), betas=(0.8, 0.95), eps=1e-6),
    "adamw": lambda k, o: torch.optim.AdamW(groups(k, o, 0.01), betas=(0.8, 0.95), eps=1e-6),
}
