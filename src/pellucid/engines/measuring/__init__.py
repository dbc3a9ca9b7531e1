"""This machine against its own limit: what it can do at most, what a network's training makes of it, and its peers."""

from pellucid.engines.measuring.bench import Asked, Doing, measure
from pellucid.engines.measuring.figure import Row
from pellucid.engines.measuring.roofline import roofline

__all__ = ["Asked", "Doing", "Row", "measure", "roofline"]
