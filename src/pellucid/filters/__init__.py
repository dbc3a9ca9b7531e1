"""Hand-made filters: the classical kernels by name, or any numbers, over pictures and as networks.

from pellucid import filters
filters.apply(pixels, "sobel-x border reflect")             # float32 [height, width, channels], not clipped
filters.apply(pixels, "[0 -1 0; -1 5 -1; 0 -1 0]", "grey")
dx, dy = (filters.apply(pixels, name) for name in ("sobel-x", "sobel-y"))
filters.magnitude(dx, dy), filters.direction(dx, dy)
filters.network_of("sharpen, relu, maxpool 2", (3, 64, 64))  # the same arithmetic as a Network, with its weights
filters.learn(pixels, edges, size=3).kernel                 # the filter that made `edges`, by gradient descent

`filters.KERNELS` has the classical ones; see `pellucid.filters.text` for all that a text can say.
"""

from pellucid.filters.applying import apply, direction, magnitude
from pellucid.filters.filter import Filter
from pellucid.filters.kernels import KERNELS, Kernel, box, gabor, gaussian
from pellucid.filters.learning import Learned, learn
from pellucid.filters.network import Expanded, expand, network_of
from pellucid.filters.text import Piece, has_filters, kernel_name, parse

__all__ = [
    "KERNELS",
    "Expanded",
    "Filter",
    "Kernel",
    "Learned",
    "Piece",
    "apply",
    "box",
    "direction",
    "expand",
    "gabor",
    "gaussian",
    "has_filters",
    "kernel_name",
    "learn",
    "magnitude",
    "network_of",
    "parse",
]
