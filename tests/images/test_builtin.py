"""What comes with pellucid: the photograph is the one that NOTICE names."""

from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

from pellucid.images.builtin import photograph

TOP = Path(__file__).resolve().parents[2]


def test_the_photograph_is_chelsea():
    """Cut to a square and shrunk; held against scikit-image's own, loosely, as another Pillow may shrink otherwise."""
    pixels = photograph()
    assert (pixels.shape, pixels.dtype) == ((120, 120, 3), np.uint8)
    whole = Image.fromarray(data.chelsea()[:, 75:375])
    again = np.asarray(whole.resize((120, 120), Image.Resampling.LANCZOS))
    assert np.abs(pixels.astype(int) - again).max() <= 2
    assert "src/pellucid/images/builtin/chelsea.png" in (TOP / "NOTICE").read_text()
