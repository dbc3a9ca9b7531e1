"""Whole runs with the native engine: stopped and gone on with, diverging, tiny, and handed to torch."""

import json
import os
import subprocess
import sys

import numpy as np
import onnx
import pytest

from pellucid.errors import Interrupted
from pellucid.model import ModelFile
from pellucid.native import native
from pellucid.training import Finished, make_settings, run
from pellucid.training.events import NetworkReady, Note
from support.digits import NETWORK, digits_folder

pytestmark = pytest.mark.skipif(native is None, reason="the compiled part is not built here")
NORMED = (
    "conv 6 3x3 pad 1 nobias, batchnorm, maxpool 2, relu, conv 8 3x3, relu, flatten, dropout 0.2, dense 10"
)


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PELLUCID_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return digits_folder(tmp_path_factory.mktemp("run") / "digits")


def train(out, data, stop=lambda: False, **values):
    out.mkdir(exist_ok=True)
    given = {"data": str(data), "network": NETWORK, "epochs": 4, "threads": 1, "engine": "native"} | values
    return list(run.train(make_settings(given), out, None, stop))


def weights_of(out):
    model = onnx.load(out / "model.onnx")
    return {t.name: onnx.numpy_helper.to_array(t).tobytes() for t in model.graph.initializer}


@pytest.mark.parametrize("network", [NETWORK, NORMED])
def test_stopped_anywhere_and_gone_on_with_it_is_the_same_run(data, tmp_path, network):
    records = train(tmp_path / "whole", data, network=network)
    assert isinstance(records[-1], Finished)
    ready = next(record for record in records if isinstance(record, NetworkReady))
    assert ready.engine == "native engine, 1 threads, f32"
    for number in (2, 5, 9):
        asked = iter(range(1, 10**6))
        out = tmp_path / f"stopped{number}"
        with pytest.raises(Interrupted):
            train(out, data, lambda asked=asked, number=number: next(asked) >= number, network=network)
        train(out, data, network=network, threads=3)  # nor do threads change a bit
        assert weights_of(out) == weights_of(tmp_path / "whole")
    path = tmp_path / "whole" / "model.onnx"
    made_by = ModelFile(path.read_bytes(), str(path)).card.versions
    assert made_by["native"].split()[1] in native.train_instructions()
    assert "torch" not in made_by
    settings = json.loads((tmp_path / "whole" / "settings.json").read_text())
    assert settings["engine"] == "native"


def test_what_it_cannot_train_goes_to_torch_and_says_so(data, tmp_path):
    records = train(tmp_path / "run", data, network="conv 4 3x3, odd: lrn 3, flatten, dense 10", epochs=1)
    notes = [record.text for record in records if isinstance(record, Note)]
    assert (
        "the native engine can't train this network: odd: the native engine has no lrn; torch trains it"
        in notes
    )
    ready = next(record for record in records if isinstance(record, NetworkReady))
    assert ready.engine.startswith("torch engine")


def test_fewer_pictures_than_lanes(tmp_path):
    rng = np.random.default_rng(0)
    pictures = np.concatenate([np.zeros((4, 8, 8)), np.full((4, 8, 8), 255)]).astype(np.uint8)
    pictures[:, 0, 0] = rng.choice(256, 8, replace=False)
    out = tmp_path / "run"
    out.mkdir()
    settings = make_settings(
        {"data": "arrays", "network": "conv 4 3x3, batchnorm, relu, flatten, dense 2", "epochs": 30,
         "engine": "native"}
    )  # fmt: skip
    records = list(run.train(settings, out, (pictures, np.repeat([0, 1], 4)), lambda: False))
    assert isinstance(records[-1], Finished)
    assert records[-1].history[-1].loss < 0.5


@pytest.mark.parametrize(
    ("shape", "count", "batch", "network"),
    [
        ((1, 1), 8, 4, "flatten, dense 5, batchnorm, relu, dense 2"),
        ((1, 1), 8, 1, "conv 3 1x1, globalavgpool, flatten, dense 2"),
        ((8, 8), 9, 1, "conv 4 3x3, relu, flatten, dense 2"),
        ((1, 9), 6, 64, "conv 4 1x3, maxpool 1x2, relu, flatten, dense 2"),
        ((8, 8), 40, 17, "conv 4 3x3, batchnorm, relu, flatten, dense 2"),
    ],
)
def test_as_little_as_there_can_be(tmp_path, shape, count, batch, network):
    """Pictures of a pixel, two classes, a batch of one, fewer pictures than lanes, one more: it learns all the same."""
    labels = np.arange(count) % 2
    noise = np.random.default_rng(0).integers(0, 40, (count, *shape))
    pictures = (200 * labels.reshape(-1, 1, 1) + noise).astype(np.uint8)
    out = tmp_path / "run"
    out.mkdir()
    settings = make_settings(
        {"data": "arrays", "network": network, "epochs": 60, "batch_size": batch, "engine": "native",
         "learning_rate": 0.02}
    )  # fmt: skip
    records = list(run.train(settings, out, (pictures, labels), lambda: False))
    assert isinstance(records[-1], Finished)
    assert records[-1].history[-1].loss < 0.3
    assert records[-1].agreement < 1e-5
    answers = ModelFile.read(out / "model.onnx").predict_batch(list(pictures[..., None]))
    assert [answer.probabilities.argmax() for answer in answers] == labels.tolist()


def test_the_command_says_which_instructions_there_are(data, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "pellucid", "train", data, "--engine", "native", "--out", "run", "--json"],
        cwd=tmp_path, env=os.environ | {"PELLUCID_ISA": "mmx"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    told = json.loads(done.stderr.splitlines()[-1])
    assert told["received"] == "mmx"
    assert told["remedy"] == (
        f"one of: {', '.join(native.train_instructions())}; without it, the best of them is used"
    )
    assert not (tmp_path / "run").exists(), "the same command with --out works once the name is right"
