"""Hand-made filters as the frozen first layer of a network that trains."""

import json
from itertools import count

import numpy as np
import pytest

from pellucid.errors import Interrupted, NetworkError
from pellucid.filters import KERNELS
from pellucid.model import ModelFile
from pellucid.training import Settings, run
from pellucid.training.network import chosen_network
from pellucid.training.snapshots import read_snapshots
from support.digits import digits_folder

TEXT = "sobel-x + sobel-y + high-pass border reflect, relu, conv 4 3x3, batchnorm, relu, maxpool 2, flatten, dense 10"
KERNEL = np.stack([KERNELS[name].array for name in ("sobel-x", "sobel-y", "high-pass")])[:, None].astype(
    np.float32
)


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PELLUCID_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return digits_folder(tmp_path_factory.mktemp("run") / "digits")


def trained(data, out, stop=lambda: False, **changed):
    """The last record of a run, and its model's network."""
    out.mkdir(exist_ok=True)
    made = Settings(data=str(data), network=TEXT, epochs=3, batch_size=16, threads=1, **changed)
    *_, finished = run.train(made, out, None, stop)
    return ModelFile.read(str(finished.model)).network


def chosen(text):
    return chosen_network(Settings(network=text, height=12, width=12, channels=3), ("a", "b"))


def test_the_trained_file_has_the_exact_kernels_and_going_on_keeps_the_bits(data, tmp_path):
    whole = trained(data, tmp_path / "whole")
    assert whole.text.startswith("pad 1 reflect, bank1: conv 3 3x3 nobias frozen, relu, conv 4 3x3, ")
    assert whole.weights["bank1.weight"].tobytes() == KERNEL.tobytes()
    assert json.loads((tmp_path / "whole" / "settings.json").read_text())["network"] == TEXT
    snapshots = read_snapshots(tmp_path / "whole")
    assert len(snapshots) == 3
    for snapshot in snapshots:
        assert snapshot.network.weights["bank1.weight"].tobytes() == KERNEL.tobytes()
    asked = count()
    with pytest.raises(Interrupted):
        trained(data, tmp_path / "run", stop=lambda: next(asked) > 5)
    assert (tmp_path / "run" / "checkpoint").is_dir()
    assert trained(data, tmp_path / "run") == whole


def test_filters_give_the_weights_and_the_rest_is_drawn():
    network = chosen("sharpen, conv 2 3x3, relu, flatten, dense 2")
    assert network.text.startswith("sharpen1: conv 3 3x3 pad same groups 3 nobias frozen, conv 2 3x3, ")
    assert np.array_equal(network.weights["sharpen1.weight"], [[KERNELS["sharpen"].array]] * 3)
    plain = chosen("conv 3 3x3, conv 2 3x3, relu, flatten, dense 2")
    assert plain.frozen == set()


@pytest.mark.parametrize(
    ("text", "what", "remedy"),
    [
        ("sobel-x, globalavgpool, flatten, dense 2 frozen",
         "The network has nothing to learn: all its weights are frozen",
         "a layer that learns, as in: flatten, dense 10"),
        ("sobel-x", "The network gives 12 x 12 x 3 values, but there are 2 classes", "end with: flatten, dense 2"),
        ("sobl-x, flatten, dense 2", "there is no filter or layer called 'sobl-x'; did you mean sobel-x?", None),
    ],
)  # fmt: skip
def test_what_can_t_be_trained_is_said_first(text, what, remedy):
    with pytest.raises(NetworkError) as caught:
        chosen(text)
    assert caught.value.what == what
    assert remedy in (None, caught.value.remedy)


def test_training_goes_on_from_a_model_with_filters(data, tmp_path):
    first = trained(data, tmp_path / "first")
    again = trained(data, tmp_path / "again", start_from=str(tmp_path / "first" / "model.onnx"))
    assert again.weights["bank1.weight"].tobytes() == KERNEL.tobytes()
    assert again != first
