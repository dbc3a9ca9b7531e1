"""Occlusion and the deletion curve: on paper, and against captum."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from captum.attr import Occlusion

from pellucid.errors import DataError, SettingsError
from pellucid.inside.heatmap import Frame, Heatmap
from pellucid.inside.occlusion import Progress, deletion_curve, occlusion, occlusion_records
from pellucid.network import Network
from support.networks import with_random_weights
from support.opening import model_of

MODEL = model_of(
    with_random_weights(
        Network.from_text("conv 4 3x3, relu, maxpool 2, flatten, dense 3, softmax", (1, 12, 12))
    )
)
PICTURE = np.random.default_rng(0).integers(0, 256, (15, 20, 3), np.uint8)


def corner(pixels):
    """Class 0: how bright the upper left quarter is."""
    height, width = pixels.shape[1:3]
    bright = pixels[:, : height // 2, : width // 2].mean(axis=(1, 2, 3)) / 255
    return np.stack([bright, 1 - bright], axis=1)


def lit(height=8, width=8):
    """Bright in the upper left quarter, dark elsewhere."""
    pixels = np.zeros((height, width, 1), np.uint8)
    pixels[: height // 2, : width // 2] = 240
    return pixels


def whole(values):
    return Heatmap("by hand", 0, values, Frame(0, 0, 8, 8), values.shape)


def test_occlusion_on_paper():
    found = occlusion(corner, lit(), 0, (4, 4), (4, 4))
    # Covered by the mean, 60: of 240 / 255 there is 60 / 255 left; elsewhere nothing changes.
    assert np.unique(found.values[:4, :4]) == pytest.approx([180 / 255])
    assert np.abs(found.values[4:]).max() == np.abs(found.values[:, 4:]).max() == 0
    assert (found.grain, found.values.shape) == ((2, 2), (8, 8))


@pytest.mark.parametrize(
    ("patch", "stride"), [((4, 5), (2, 3)), ((3, 3), (3, 3)), ((15, 20), (1, 1)), ((7, 2), (5, 1))]
)
def test_occlusion_is_captums(patch, stride):
    def forward(x):
        pixels = x.round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
        return torch.from_numpy(MODEL.probabilities(pixels))

    x = torch.from_numpy(PICTURE).permute(2, 0, 1)[None].float()
    colour = torch.from_numpy(np.rint(PICTURE.mean(axis=(0, 1)))).float().reshape(1, 3, 1, 1).expand(x.shape)
    attribution = Occlusion(forward).attribute(
        x, sliding_window_shapes=(3, *patch), strides=(3, *stride), baselines=colour, target=1
    )
    found = occlusion(MODEL.probabilities, PICTURE, 1, patch, stride)
    np.testing.assert_allclose(found.values, attribution[0, 0].numpy(), atol=1e-5)


def test_the_patch_follows_the_picture():
    for height, width in ((1, 1), (2, 9), (28, 28), (100, 31)):
        found = (
            occlusion(corner, np.zeros((height, width, 1), np.uint8), 0) if min(height, width) > 1 else None
        )
        if found:
            assert found.values.shape == (height, width)
            assert max(found.grain) <= 15


def test_progress_is_told():
    records = list(occlusion_records(MODEL.probabilities, PICTURE, 0))
    counts = [record for record in records if isinstance(record, Progress)]
    assert counts[-1].done == counts[-1].total == records[-1].grain[0] * records[-1].grain[1]
    assert isinstance(records[-1], Heatmap)


def test_deletion_on_paper():
    """The bright quarter first: after a quarter of the places nothing of it is left."""
    values = np.kron([[1.0, 0.0], [0.0, 0.0]], np.ones((4, 4)))
    found = deletion_curve(corner, lit(), whole(values), 0, steps=4)
    assert found.curve == pytest.approx(np.array([240, 60, 60, 60, 60]) / 255)
    assert found.area == pytest.approx((240 / 2 + 60 + 60 + 60 + 60 / 2) / 255 / 4)
    assert found.shares.tolist() == [0, 0.25, 0.5, 0.75, 1]


def test_a_faithful_heatmap_and_its_opposite():
    values = np.kron([[1.0, 0.0], [0.0, 0.0]], np.ones((4, 4)))
    good = deletion_curve(corner, lit(), whole(values), 0)
    assert good.faithful
    assert good.verdict.startswith(
        "The heatmap is faithful: replacing its places takes the answer away sooner than"
    )
    bad = deletion_curve(corner, lit(), whole(-values), 0)
    assert not bad.faithful
    assert bad.verdict.startswith(
        "The heatmap is not faithful: replacing its places does no more than chance;"
    )
    assert bad.area > good.random_areas.mean() > good.area
    assert good.random_curves.shape == (10, 21)


def test_chance_is_not_called_faithful():
    """Random heatmaps are themselves random orders: about 1 in 11 is ahead of ten others."""
    draws = np.random.default_rng(1)
    faithful = [
        deletion_curve(corner, lit(), whole(draws.random((8, 8))), 0, seed=n).faithful for n in range(40)
    ]
    assert sum(faithful) <= 10  # probability of more: 0.1%


def test_the_same_seed_gives_the_same_orders():
    first, second, other = (
        deletion_curve(corner, lit(), whole(np.zeros((8, 8))), 0, seed=seed).random_curves
        for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()


def test_wrong_input_is_said():
    with pytest.raises(SettingsError) as error:
        occlusion(corner, lit(), 2)
    assert (
        str(error.value) == "there is no such class\n  where: class\n  received: 2\n  remedy: one of 0 to 1"
    )
    with pytest.raises(SettingsError, match="a patch has to fit into the picture"):
        occlusion(corner, lit(), 0, (9, 9))
    with pytest.raises(DataError, match="a picture must be uint8"):
        occlusion(corner, np.zeros((4, 4, 1)), 0)  # type: ignore[arg-type]


def test_neither_torch_nor_captum_is_needed():
    code = (
        "import sys; import pellucid.inside.occlusion, pellucid.inside.saliency, pellucid.inside.learning; "
        "print([name for name in ('torch', 'captum') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
