"""What a network is: layers, their shapes and counts, their text. NumPy only; nothing here runs a network."""

from pellucid.network.fitting import INPUT, Node
from pellucid.network.graph import Network

__all__ = ["INPUT", "Network", "Node"]
