"""Hand-made filters: the classical kernels, by name."""

from pellucid.filters.kernels import KERNELS, Kernel, gabor

__all__ = ["KERNELS", "Kernel", "gabor"]
