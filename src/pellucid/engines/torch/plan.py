"""How a batch is cut into pieces for threads: from the network alone, so that bits don't depend on their number."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from pellucid.network import Network
from pellucid.network.layers import BatchNorm

WORK = 48_000_000  # mult-adds that are worth a piece: below, Python's own share grows
LEAST, LEAST_NORMALISED, MOST = 8, 16, 128
VALUES = 64 * 2**20  # bytes of activations at most, where pieces can still be made smaller
LANES = 8
LANE_BYTES = 256 * 2**20  # of gradients, all lanes together


@dataclass(frozen=True)
class Plan:
    """`piece` pictures at a time; pieces go to `lanes`, each of which sums its pieces' gradients in order."""

    piece: int
    lanes: int


def plan(network: Network, batch_size: int) -> Plan:
    """The plan for batches of this size."""
    least = LEAST_NORMALISED if any(isinstance(n.layer, BatchNorm) for n in network.nodes) else LEAST
    values = 4 * sum(prod(network.shapes[node.name]) for node in network.nodes)
    piece = MOST
    while piece > least and (piece // 2 * network.mult_adds >= WORK or piece * values > VALUES):
        piece //= 2
    piece = min(piece, max((batch_size + 1) // 2, least), batch_size)
    pieces = -(-batch_size // piece)
    most = max(LANE_BYTES // max(4 * network.parameter_count, 1), 1)
    return Plan(piece, min(pieces, LANES, most))
