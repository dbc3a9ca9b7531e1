"""How a batch is cut into pieces for threads: from the network alone, so that bits don't depend on their number."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, prod

from pellucid.network import Network
from pellucid.network.layers import BatchNorm

# Pictures in a piece for networks below so many mult-adds a picture: where the time for a picture levels off on one
# thread (measured from 0.5 to 70 million). Smaller pieces pay more of Python's and torch's own cost.
PIECES = ((600_000, 256), (4_000_000, 64), (40_000_000, 32), (inf, 16))
LEAST, LEAST_NORMALISED = 8, 16
VALUES = 64 * 2**20  # bytes of activations at most, where pieces can still be made smaller
LANES = 8
LANE_BYTES = 256 * 2**20  # of gradients, all lanes together


@dataclass(frozen=True)
class Plan:
    """`piece` pictures at a time; pieces go to `lanes`, each of which sums its pieces' gradients in order."""

    piece: int
    lanes: int


def plan(network: Network, batch_size: int) -> Plan:
    """The plan for batches of this size. One lane: the batch isn't shared out, torch's own threads work on it."""
    least = LEAST_NORMALISED if any(isinstance(n.layer, BatchNorm) for n in network.nodes) else LEAST
    values = 4 * sum(prod(network.shapes[node.name]) for node in network.nodes)
    piece = next(piece for below, piece in PIECES if network.mult_adds < below)
    while piece > least and piece * values > VALUES:
        piece //= 2
    # Two threads have work whatever the network; four, where a picture takes long.
    share = (batch_size + 1) // 2 if network.mult_adds < PIECES[1][0] else (batch_size + 3) // 4
    piece = min(piece, max(share, least), batch_size)
    pieces = -(-batch_size // piece)
    most = max(LANE_BYTES // max(4 * network.parameter_count, 1), 1)
    return Plan(piece, min(pieces, LANES, most))
