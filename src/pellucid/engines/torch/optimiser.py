"""The step itself: torch's fused optimisers, weight decay on kernels alone, and a moving average of the weights."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pellucid.engines.contract import Recipe
from pellucid.engines.torch.module import array_of

_MOMENTS = ("step", "exp_avg", "exp_avg_sq", "momentum_buffer")


class Optimiser:
    """Adam, AdamW or SGD with Nesterov's momentum over named parameters, which hold their gradients."""

    def __init__(self, parameters: Mapping[str, nn.Parameter], recipe: Recipe):
        self.parameters = dict(parameters)
        self.clip = recipe.clip
        groups = [
            {
                "params": [p for p in self.parameters.values() if p.ndim > 1],
                "weight_decay": recipe.weight_decay,
            },
            {"params": [p for p in self.parameters.values() if p.ndim < 2], "weight_decay": 0.0},
        ]
        groups = [group for group in groups if group["params"]]
        if recipe.optimiser == "sgd":
            self.torch: torch.optim.Optimizer = torch.optim.SGD(
                groups, momentum=recipe.momentum, nesterov=recipe.momentum > 0, fused=True
            )
        else:
            kind = torch.optim.AdamW if recipe.optimiser == "adamw" else torch.optim.Adam
            betas = (recipe.momentum, recipe.beta2)
            self.torch = kind(groups, betas=betas, eps=recipe.epsilon, fused=True)

    def step(self, rate: float) -> None:
        """One step at this learning rate."""
        if self.clip:
            nn.utils.clip_grad_norm_(self.parameters.values(), self.clip)
        for group in self.torch.param_groups:
            group["lr"] = rate
        self.torch.step()

    def state(self) -> dict[str, NDArray[np.generic]]:
        """A copy of the moments, as `exp_avg/conv1.weight`."""
        return {
            f"{moment}/{name}": array_of(self.torch.state[parameter][moment])
            for name, parameter in self.parameters.items()
            for moment in _MOMENTS
            if self.torch.state[parameter].get(moment) is not None
        }

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Take over moments; none of them means that no step was taken yet."""
        self.torch.state.clear()
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
