"""Muon: momentum whose matrix is made orthogonal, for the filters of convolutions; AdamW for all else.

Jordan 2024, "Muon: An optimizer for hidden layers in neural networks", with its polynomial; the step is as long as
torch.optim.Muon's (its `adjust_lr_fn="original"`). Only filters, as a matrix costs about 20 rows² columns mult-adds a
step whatever the batch: nothing beside a convolution, more than all else for a wide dense layer.
"""

from __future__ import annotations

from math import prod

from pellucid.network import Network
from pellucid.network.layers.convolution import Conv

COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of X, (X Xᵀ) X and (X Xᵀ)² X
TIMES = 5
EPSILON = 1e-7
RATE = 8.0  # Muon's rate, as a multiple of AdamW's, which is the learning rate and weight decay's, too


def filters_of(network: Network) -> dict[str, int]:
    """The learned weights that Muon takes, each as a matrix [output channels, all else]: name to rows.

    A grouped convolution's filters see different channels, so that they are no rows of one matrix: AdamW takes them.
    """
    names = (
        (f"{node.name}.weight", node.layer.channels)
        for node in network.nodes
        if isinstance(node.layer, Conv) and node.layer.groups == 1
    )
    return {name: rows for name, rows in names if name not in network.frozen}


def mult_adds(network: Network) -> int:
    """What Muon's step of all filters takes, about: the products of TIMES polynomials a matrix."""
    total = 0
    for name, rows in filters_of(network).items():
        columns = prod(network.parameter_shapes[name]) // rows
        short = min(rows, columns)
        total += TIMES * (2 * rows * columns * short + short**3)
    return total
