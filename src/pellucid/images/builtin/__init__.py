"""What comes with pellucid: MNIST, 70,000 handwritten digits, and one photograph (see NOTICE)."""

from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Lock, Thread

from pellucid.errors import PellucidError
from pellucid.images.idx import find_idx, idx_source
from pellucid.images.reading import read_picture
from pellucid.images.sources import ArraySource, Pixels

FOLDER = Path(__file__).parent
_reading = Lock()


def mnist() -> ArraySource:
    """MNIST: uint8 [70000, 28, 28, 1], white on black, ten classes "0" to "9".

    The first 60,000 have the part "train", the others "test", as its makers divided it.
    """
    with _reading:
        return _mnist()


def read_ahead() -> None:
    """Begin to read MNIST, and what training asks of it, in a thread of its own.

    `mnist` waits for it, and says what was wrong.
    """

    def read() -> None:
        with suppress(PellucidError), _reading:
            source = _mnist()
            source.digests()
            _ = source.fingerprint

    Thread(target=read, daemon=True).start()


@cache  # 55 MB, which training and then its test ask for
def _mnist() -> ArraySource:
    folder = FOLDER / "mnist"
    return idx_source(folder, find_idx(folder), name="MNIST")


def photograph() -> Pixels:
    """A small photograph, uint8 [120, 120, 3]: Chelsea the cat, by Stéfan van der Walt, cut and shrunk."""
    return read_picture(str(FOLDER / "chelsea.png"))
