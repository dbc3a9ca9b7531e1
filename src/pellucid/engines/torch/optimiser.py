"""The step itself: torch's fused optimisers, Muon, weight decay on kernels alone, a moving average of the weights."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pellucid.engines.contract import Recipe
from pellucid.engines.torch.module import array_of
from pellucid.engines.torch.muon import Muon

_MOMENTS = ("step", "exp_avg", "exp_avg_sq", "momentum_buffer")


class Optimiser:
    """Adam, AdamW, SGD with Nesterov's momentum, or Muon over named parameters, which hold their gradients.

    `filters` are the names of those that Muon takes; AdamW takes the others.
    """

    def __init__(self, parameters: Mapping[str, nn.Parameter], recipe: Recipe, filters: Collection[str] = ()):
        self.all = dict(parameters)
        self.clip = recipe.clip
        taken = {n: p for n, p in self.all.items() if recipe.optimiser == "muon" and n in filters}
        self.muon = Muon(taken, recipe.momentum, recipe.weight_decay)
        self.parameters = {n: p for n, p in self.all.items() if n not in taken}
        groups = [
            {
                "params": [p for p in self.parameters.values() if p.ndim > 1],
                "weight_decay": recipe.weight_decay,
            },
            {"params": [p for p in self.parameters.values() if p.ndim < 2], "weight_decay": 0.0},
        ]
        groups = [group for group in groups if group["params"]] or groups[:1]  # where all is Muon's
        if recipe.optimiser == "sgd":
            self.torch: torch.optim.Optimizer = torch.optim.SGD(
                groups, momentum=recipe.momentum, nesterov=recipe.momentum > 0, fused=True
            )
        else:
            kind = torch.optim.Adam if recipe.optimiser == "adam" else torch.optim.AdamW
            betas = (recipe.momentum, recipe.beta2)
            self.torch = kind(groups, betas=betas, eps=recipe.epsilon, fused=True)

    def step(self, rate: float) -> None:
        """One step at this learning rate."""
        if self.clip:
            nn.utils.clip_grad_norm_(self.all.values(), self.clip)
        for group in self.torch.param_groups:
            group["lr"] = rate
        self.torch.step()
        self.muon.step(rate)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """A copy of the moments, as `exp_avg/conv1.weight`."""
        moments: dict[str, NDArray[np.generic]] = {
            f"{moment}/{name}": array_of(self.torch.state[parameter][moment])
            for name, parameter in self.parameters.items()
            for moment in _MOMENTS
            if self.torch.state[parameter].get(moment) is not None
        }
        return moments | {f"momentum_buffer/{name}": array_of(b) for name, b in self.muon.buffers.items()}

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Take over moments; none of them means that no step was taken yet."""
        self.torch.state.clear()
        self.muon.buffers = {
            name: torch.zeros_like(parameter).copy_(torch.from_numpy(np.array(array, np.float32)))
            for name, parameter in self.muon.filters.items()
            if (array := state.get(f"momentum_buffer/{name}")) is not None
        }
        for name, parameter in self.parameters.items():
            for moment in _MOMENTS:
                array = state.get(f"{moment}/{name}")
                if array is not None:
                    # As the parameter lies in memory, or the fused step would read it in another order.
                    like = (
                        torch.empty((), device=parameter.device)
                        if moment == "step"
                        else torch.empty_like(parameter)
                    )
                    like.requires_grad_(False).copy_(
                        torch.from_numpy(np.array(array, np.float32)).reshape(like.shape)
                    )
                    self.torch.state[parameter][moment] = like


class Average:
    """An exponential moving average of tensors, which follows quickly at first: min(decay, (1 + t) / (10 + t))."""

    def __init__(self, tensors: Mapping[str, Tensor], decay: float):
        self.decay = decay
        self.source = dict(tensors)
        self.tensors = {name: tensor.detach().clone() for name, tensor in tensors.items()}

    def follow(self, step: int) -> None:
        """Take in the tensors as they are after step number `step`, the first being 0."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for name, average in self.tensors.items():
            average.lerp_(self.source[name].detach(), 1 - decay)
