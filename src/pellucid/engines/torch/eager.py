"""A peer to be measured against: a network trained by PyTorch as somebody who tunes it writes it.

channels_last, pooling before a rectifier, rectifiers in place, fused Adam, batches by index, the best of some batch
sizes. None of the torch engine's own ways. It runs in a process of its own, told on stdin, answers on stdout:

    python -m pellucid.engines.torch.eager < asked.json
"""

from __future__ import annotations

import json
import sys
import time
from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from pellucid.engines.initial import initial_weights
from pellucid.engines.torch.layers import BatchNormalisation, Convolution
from pellucid.engines.torch.module import NetworkModule
from pellucid.network import Network

TRIAL = 0.2  # seconds that each batch size is tried
NORMS = (nn.BatchNorm1d, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)  # by the number of spatial axes


def measure(asked: dict[str, Any]) -> dict[str, Any]:
    """Pictures a second. `asked` has network, input_shape (channels first), batches, threads and seconds."""
    torch.set_num_threads(asked["threads"])
    torch.manual_seed(0)
    network = Network.from_text(asked["network"], tuple(asked["input_shape"]))
    module = NetworkModule(network.with_weights(initial_weights(network, seed=0)))
    module.quicken()
    for node in network.nodes:
        layer, shape = module.get_submodule(node.name), network.inputs_of(node)[0]
        if isinstance(layer, Convolution):
            layer.narrow = False  # our own way, no part of the peer
        elif isinstance(layer, BatchNormalisation):
            module.add_module(node.name, NORMS[len(shape) - 1](shape[0], eps=layer.epsilon))
    count = 2 * max(asked["batches"])
    x, y = (
        torch.rand(count, *network.input_shape) * 4 - 2,
        torch.randint(prod(network.output_shape), (count,)),
    )
    if x.dim() == 4:
        x = x.contiguous(memory_format=torch.channels_last)
        module = module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    learned = [parameter for parameter in module.parameters() if parameter.requires_grad]
    optimiser = torch.optim.Adam(learned, lr=1e-3, fused=True)

    def rate(batch: int, seconds: float) -> float:
        orders = torch.randperm(count)[: count // batch * batch].reshape(-1, batch)

        def step(number: int) -> None:
            rows = orders[number % len(orders)]
            loss = F.cross_entropy(module.logits(x.index_select(0, rows)), y.index_select(0, rows))
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()

        for number in range(3):
            step(number)
        begin, steps = time.perf_counter(), 0
        while (spent := time.perf_counter() - begin) < seconds or not steps:
            step(steps)
            steps += 1
        return steps * batch / spent

    batches = asked["batches"]
    trials = {batch: rate(batch, min(TRIAL, asked["seconds"])) for batch in batches if len(batches) > 1}
    best = max(trials, key=lambda batch: trials[batch]) if trials else batches[0]
    return {
        "pictures_per_second": rate(best, asked["seconds"]), "batch": best, "torch": torch.__version__,
        "threads": torch.get_num_threads(), "capability": torch.backends.cpu.get_cpu_capability(),
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(measure(json.load(sys.stdin))))
