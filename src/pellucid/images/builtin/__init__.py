"""The data set that comes with pellucid: MNIST, 70,000 handwritten digits (see NOTICE)."""

from pathlib import Path

from pellucid.images.idx import find_idx, idx_source
from pellucid.images.sources import ArraySource


def mnist() -> ArraySource:
    """MNIST: uint8 [70000, 28, 28, 1], white on black, ten classes "0" to "9".

    The first 60,000 have the part "train", the others "test", as its makers divided it.
    """
    folder = Path(__file__).parent / "mnist"
    return idx_source(folder, find_idx(folder), name="MNIST")
