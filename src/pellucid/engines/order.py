"""The order in which a network's layers cost least: the same values, less work."""

from __future__ import annotations

from collections import Counter

from pellucid.network import Node
from pellucid.network.layers import LeakyReLU, MaxPool, ReLU, ReLU6, Sigmoid, Softmax, Tanh

# These never fall, so the largest result is the result of the largest: pooling first leaves them a quarter of the work.
RISING = (ReLU, LeakyReLU, ReLU6, Sigmoid, Tanh)


def evaluation_order(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    """The nodes for logits: without a last softmax, and max pooling before a rising activation that only it uses."""
    if nodes and isinstance(nodes[-1].layer, Softmax):
        nodes = nodes[:-1]
    users = Counter(name for node in nodes for name in node.inputs)
    order = list(nodes)
    for index in range(len(order) - 1):
        curve, pool = order[index], order[index + 1]
        if (
            isinstance(curve.layer, RISING)
            and isinstance(pool.layer, MaxPool)
            and pool.inputs == (curve.name,)
            and users[curve.name] == 1
            and not (isinstance(curve.layer, LeakyReLU) and curve.layer.slope < 0)
        ):
            order[index] = Node(pool.name, pool.layer, curve.inputs)
            order[index + 1] = Node(curve.name, curve.layer, (pool.name,))
            users[curve.name] = users[pool.name]
            for later in range(index + 2, len(order)):
                node = order[later]
                inputs = tuple(curve.name if name == pool.name else name for name in node.inputs)
                order[later] = Node(node.name, node.layer, inputs)
    return tuple(order)
