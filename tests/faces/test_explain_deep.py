"""What layers respond to, as its users ask: the command line's text, JSON, pictures and errors; Python's names."""

import numpy as np
import pytest
from PIL import Image

import pellucid as package
from pellucid.model import write_model
from pellucid.network import Network
from support.cli import pellucid
from support.networks import card_for, with_random_weights


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small network, and twelve pictures of two sizes in a folder."""
    here = tmp_path_factory.mktemp("deep")
    text = "conv 5 3x3 pad same, relu, maxpool 2, conv 20 3x3 pad same, relu, flatten, dense 3, softmax"
    network = with_random_weights(Network.from_text(text, (3, 12, 14)))
    write_model(here / "model.onnx", network, card_for(network))
    (here / "photos").mkdir()
    random = np.random.default_rng(0)
    for number in range(12):
        shape = (20 + number % 2 * 9, 30, 3)
        Image.fromarray(random.integers(0, 256, shape).astype(np.uint8)).save(
            here / f"photos/{number:02}.png"
        )
    return here


def size_of(path):
    with Image.open(path) as picture:
        return picture.size


def test_patches_as_json_and_a_sheet(folder):
    done = pellucid("explain", "model.onnx", "photos", "--patches", "conv2", "--out", "sheet.png", "--json",
                    cwd=folder)  # fmt: skip
    assert done.code == 0, done.err
    found = done.json
    assert (found["layer"], found["of"], found["pictures"], found["by"]) == ("conv2", 20, 12, "pictures")
    assert len(found["channels"]) == 16 and {len(row["patches"]) for row in found["channels"]} == {9}
    for row in found["channels"]:
        values = [patch["value"] for patch in row["patches"]]
        assert values == sorted(values, reverse=True)
        assert len({patch["picture"] for patch in row["patches"]}) == 9
    assert size_of(folder / "sheet.png")[0] > 700


def test_a_patchs_value_is_what_explain_at_opens(folder):
    done = pellucid(
        "explain", "model.onnx", "photos", "--patches", "conv2", "--channels", "3", "--json", cwd=folder
    )
    patch = done.json["channels"][0]["patches"][0]
    y, x = patch["place"]
    opened = pellucid(
        "explain", "model.onnx", patch["picture"], "--at", f"conv2[3,{y},{x}]", "--json", cwd=folder
    )
    assert opened.json["value"] == patch["value"]
    assert opened.json["field"]["rows"] == patch["pixels"]["rows"]
    assert opened.json["field"]["columns"] == patch["pixels"]["columns"]


def test_the_four_questions_in_words(folder):
    for question, words in (
        (("--patches", "conv1"), "5 of 5 channels (all)"),
        (("--prefers", "conv1", "--steps", "3"), "reach more than the strongest of 12 pictures"),
        (("--growth",), "what the middle value of each layer sees"),
        (("--character",), "how edge-like and colour-like"),
    ):
        pictures = "photos/00.png" if question == ("--growth",) else "photos"
        done = pellucid("explain", "model.onnx", pictures, *question, cwd=folder)
        assert done.code == 0, done.err
        assert words in done.out
        drawn = done.out.splitlines()[-1].removeprefix("drawn: ")
        assert min(size_of(folder / drawn)) > 100


def test_the_other_three_as_json(folder):
    found = pellucid("explain", "model.onnx", "photos/00.png", "--growth", "--json", cwd=folder).json
    assert [row["layer"] for row in found["layers"]] == ["conv1", "pool1", "conv2", "dense1"]
    found = pellucid("explain", "model.onnx", "photos", "--character", "--json", cwd=folder).json
    assert [len(row["edge"]) for row in found["layers"]] == [5, 20]
    assert all(0 <= share <= 1 for row in found["layers"] for share in row["edge"] if share is not None)
    found = pellucid("explain", "model.onnx", "--prefers", "dense1", "--channels", "2", "--steps", "2", "--json",
                     cwd=folder).json  # fmt: skip
    assert [row["channel"] for row in found["channels"]] == [2]
    assert found["channels"][0]["real"] is None and found["described"] is None


@pytest.mark.parametrize(
    ("arguments", "what", "remedy"),
    [
        (("--patches", "conv1"), "doesn't say what it was trained on", "give pictures or a folder of them"),
        (("photos", "--patches", "conv9"), "nothing of this name", "conv2? There are"),
        (("photos", "--patches", "conv1", "--channels", "5"), "channels 0 to 4", "--channels 0,4"),
        (("photos", "--patches", "conv1", "--channels", "a"), "channels are whole numbers", "--channels 0,3,5"),
        (("photos", "--patches", "softmax1", "--growth"), "one question at a time", "one command for each"),
        (("photos", "--growth", "--channels", "1"), "--channels means nothing here", "leave --channels out"),
        (("no-such-folder", "--character"), "no picture could be read", "folder that holds some"),
        (("photos/00.png", "photos/01.png"), "one picture is explained at a time", "give one picture file"),
        ((), "one picture is explained at a time", "give one picture file"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said(folder, arguments, what, remedy):
    done = pellucid("explain", "model.onnx", *arguments, "--json", cwd=folder)
    assert done.code == 1 and "Traceback" not in done.err
    assert what in done.error["error"] or what in str(done.error)
    assert remedy in str(done.error)


def test_the_same_from_python(folder):
    model = package.load(folder / "model.onnx")
    assert len(model.patches("conv1", folder / "photos").rows[0]) == 9
    assert model.prefers("conv1", [0], steps=2, pictures=folder / "photos").channels[0].real is not None
    assert model.growth(folder / "photos" / "00.png").layers[0].layer == "conv1"
    assert model.character(folder / "photos", ["conv2"]).layers[0].layer == "conv2"
