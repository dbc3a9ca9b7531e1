"""A network as a torch module, its children named as its layers: conv1.weight, norm1.running_mean, dense1.bias."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pellucid.engines.order import evaluation_order
from pellucid.engines.torch.layers import Convolution, build
from pellucid.engines.torch.narrow import folds
from pellucid.network import INPUT, Network, Node
from pellucid.network.layers import Add, BatchNorm, Conv, Dense, MaxPool

# Layers whose gradient doesn't need their own output, so that a ReLU may write over it.
FORGETFUL = (Conv, Dense, BatchNorm, MaxPool, Add)


class NetworkModule(nn.Module):
    """Takes [n, c, *spatial] and gives the network's output; `logits` leaves out a softmax at the end.

    It holds the network's weights where it has any; frozen ones want no gradient. On the meta device nothing is
    allocated, as `with torch.device("meta"): NetworkModule(network.without_weights())`.
    """

    def __init__(self, network: Network):
        super().__init__()
        self.network = network.without_weights()
        for node in network.nodes:
            # Not add_module: it refuses names that nn.Module uses itself, as in "train: conv 8 5x5".
            module = build(node.layer, network.inputs_of(node)[0])
            self._modules[node.name] = module.requires_grad_(not getattr(node.layer, "frozen", False))
        if network.weights:
            self.load(network.weights)
        self._as_written = in_order(network.nodes)
        self._quickest = in_order(evaluation_order(network.nodes))

    def forward(self, x: Tensor) -> Tensor:
        """The network as it is written, layer by layer."""
        return self._run(x, self._as_written)

    def logits(self, x: Tensor) -> Tensor:
        """[n, classes] before a last softmax. The same values as `forward`, in the order that costs least."""
        return self._run(x, self._quickest).flatten(1)

    def load(self, weights: Mapping[str, NDArray[np.float32]]) -> None:
        """Take over these weights and running statistics."""
        with torch.no_grad():
            for name, tensor in self.state_dict().items():
                tensor.copy_(torch.from_numpy(np.array(weights[name], np.float32)))

    def replica(self) -> NetworkModule:
        """The same network on the same weights, which both then see change; running statistics are its own."""
        with torch.device("meta"):
            other = NetworkModule(self.network)
        state = {name: parameter.detach() for name, parameter in self.named_parameters()}
        state |= {name: buffer.clone() for name, buffer in self.named_buffers()}
        other.load_state_dict(state, assign=True)
        return other

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """A copy of every weight and running statistic, laid out as in `Network`."""
        return {name: array_of(tensor) for name, tensor in self.state_dict().items()}

    def quicken(self) -> None:
        """Use what computes the same in less time: rectifiers in place, few channels taken by double columns."""
        nodes = [step.node for step in self._quickest]
        users = Counter(name for node in nodes for name in node.inputs)
        layers = {node.name: node.layer for node in nodes}
        for node in nodes:
            module, source = self._modules[node.name], node.inputs[0]
            if (
                isinstance(module, nn.ReLU)
                and users[source] == 1
                and isinstance(layers.get(source), FORGETFUL)
            ):
                module.inplace = True
            if isinstance(module, Convolution) and source == INPUT:
                assert isinstance(node.layer, Conv)
                module.narrow = folds(node.layer, self.network.input_shape)

    def _run(self, x: Tensor, steps: tuple[Step, ...]) -> Tensor:
        values = {INPUT: x}
        for step in steps:
            x = self._modules[step.node.name](*(values[name] for name in step.node.inputs))  # type: ignore[misc]
            for name in step.done:
                values.pop(name, None)
            values[step.node.name] = x
        return x


@dataclass(frozen=True)
class Step:
    """A node in an order of evaluation, and the values that nothing after it needs."""

    node: Node
    done: tuple[str, ...]


def in_order(nodes: tuple[Node, ...]) -> tuple[Step, ...]:
    """Steps that let go of each value as soon as they can."""
    last = {name: node.name for node in nodes for name in node.inputs}
    return tuple(
        Step(node, tuple(name for name, user in last.items() if user == node.name)) for node in nodes
    )


def array_of(tensor: Tensor) -> NDArray[np.float32]:
    """A copy as a NumPy array in the usual order of axes."""
    return tensor.detach().cpu().contiguous().numpy().copy()
