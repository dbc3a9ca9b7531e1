"""A learning rate at which training diverges: it is seen and said, and the best epoch until then is kept."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from pellucid.errors import Diverged
from pellucid.model import ModelFile
from pellucid.native import native
from pellucid.training import make_settings, run
from pellucid.training.checkpoint import has_checkpoint, load_checkpoint
from support.digits import digits_folder

built = pytest.mark.skipif(native is None, reason="the compiled part is not built here")
ENGINES = [pytest.param("native", marks=built), "torch"]
# Nothing bounds what these layers give, and the rate rises all the way: some good epochs, then none.
NETWORK = "conv 8 3x3 pad 1, leakyrelu slope 0.9, conv 8 3x3, leakyrelu slope 0.9, flatten, dense 10"
GIVEN = {
    "network": NETWORK, "epochs": 20, "threads": 1, "optimiser": "sgd", "learning_rate": 0.5, "warmup": 1.0,
    "momentum": 0.9, "averaging": 0.0,
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PELLUCID_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    return digits_folder(tmp_path_factory.mktemp("divergence") / "digits")


def diverging(out, digits, engine, **values):
    """The records of a run that diverges, and the error that it ends in."""
    out.mkdir()
    records = []
    with pytest.raises(Diverged) as caught:
        records.extend(
            run.train(make_settings({"data": str(digits), "engine": engine} | GIVEN | values), out)
        )
    return caught.value


@pytest.mark.parametrize("engine", ENGINES)
def test_the_best_epoch_is_kept(digits, tmp_path, engine):
    out = tmp_path / "run"
    error = diverging(out, digits, engine)
    history = [json.loads(line) for line in (out / "history.jsonl").read_text().splitlines()]
    assert history, "some epochs were good"
    assert all(np.isfinite([record["loss"], record["validation_loss"]]).all() for record in history)
    best = max(history, key=lambda record: (record["validation_accuracy"], -record["validation_loss"]))
    assert best["validation_accuracy"] > 0.5
    broken = len(history) + 1
    assert error.what.startswith(f"training diverged in epoch {broken}: the loss")
    assert error.where.startswith(f"epoch {broken} of 20, after ")
    assert error.received == "learning rate 0.5"
    model = ModelFile.read(out / "model.onnx")
    kept = f"the model of epoch {best['epoch']}, the best until then, is in {out / 'model.onnx'}"
    assert error.remedy == f"a smaller learning rate, as in --learning-rate 0.05; {kept}"
    assert model.card.epoch == best["epoch"]
    assert all(np.isfinite(array).all() for array in model.network.weights.values())
    assert model.card.figures.validation_accuracy == best["validation_accuracy"]
    assert not has_checkpoint(out)


@pytest.mark.parametrize("engine", ENGINES)
def test_without_a_good_epoch_there_is_no_model(digits, tmp_path, engine):
    error = diverging(tmp_path / "run", digits, engine, learning_rate=100.0, weight_decay=10.0)
    assert error.what.startswith("training diverged in epoch 1: ")
    assert error.remedy == "a smaller learning rate, as in --learning-rate 10"
    assert not (tmp_path / "run" / "model.onnx").exists()


@pytest.mark.parametrize("engine", ENGINES)
def test_resumed_before_it_diverges_it_diverges_again(digits, tmp_path, engine):
    """The same bits, so the same epoch, the same model: what was killed in between changes nothing."""
    expected = diverging(tmp_path / "whole", digits, engine)
    out, asked = tmp_path / "stopped", iter(range(10**6))
    out.mkdir()
    settings = make_settings({"data": str(digits), "engine": engine} | GIVEN)
    with pytest.raises(run.Interrupted):
        list(run.train(settings, out, stop=lambda: next(asked) > 12))
    checkpoint = load_checkpoint(out)
    assert checkpoint and checkpoint.progress["epoch"] >= 1
    with pytest.raises(Diverged) as caught:
        list(run.train(settings, out))
    assert (caught.value.what, caught.value.where) == (expected.what, expected.where)
    weights = [ModelFile.read(path / "model.onnx").network.weights for path in (tmp_path / "whole", out)]
    for name, array in weights[0].items():
        np.testing.assert_array_equal(array, weights[1][name], err_msg=name)


def test_the_command_ends_with_1_and_the_four_parts(digits, tmp_path):
    (tmp_path / "settings.json").write_text(make_settings({"data": str(digits)} | GIVEN).json_text())
    done = subprocess.run(
        [sys.executable, "-m", "pellucid", "train", "--settings", "settings.json", "--out", "run", "--json"],
        cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    told = json.loads(done.stderr.splitlines()[-1])
    assert told.keys() == {"error", "what", "where", "received", "remedy"}
    assert "--learning-rate 0.05; the model of epoch " in told["remedy"]
    assert (tmp_path / "run" / "model.onnx").is_file()
