"""`pellucid train`: what it prints where, what it leaves in the run's folder, and how a run is repeated."""

import csv
import json
import re
import shlex

import numpy as np
import pytest
from PIL import Image

import pellucid as package
from support.cli import pellucid
from support.digits import NETWORK, digits_folder

QUICK = ("--network", NETWORK, "--epochs", "1", "--threads", "1")


def weights_of(model):
    return package.load(model).network.weights


def same_weights(first, second):
    one, two = weights_of(first), weights_of(second)
    return one.keys() == two.keys() and all(one[name].tobytes() == two[name].tobytes() for name in one)


def history_of(folder):
    """The records without what depends on the clock."""
    records = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
    return [{k: v for k, v in record.items() if k not in ("rate", "seconds")} for record in records]


def test_json_says_where_the_model_is_and_how_good(trained):
    document = trained.ran.json
    assert document["model"] == str(trained.model)
    test = document["test"]
    assert test["count"] == 30
    low, high = test["interval"]
    assert 0 <= low < test["accuracy"] < high <= 1
    assert document["seconds"] > 0
    assert document["epochs"] == 20
    assert 0 <= document["agreement"] <= 1e-4


def test_the_story_goes_to_stderr(trained):
    lines = trained.ran.err.splitlines()
    assert lines[0] == (
        "digits · 200 pictures, 8x8 grey · 10 classes · train 140  validation 30  test 30 (kept aside)"
    )
    assert lines[1] == "classes 0 1 2 3 4 5 6 7 8 9"
    assert "1,370 parameters" in lines[2]
    epochs = [line for line in lines if line.startswith("epoch ")]
    assert [line.split()[1] for line in epochs] == [f"{n}/20" for n in range(1, 21)]
    assert len({line.index("loss") for line in epochs}) == 1, "the columns line up"
    assert "\x1b" not in trained.ran.err


def test_it_learned(trained):
    """Chance is 10%; 30 pictures at 63% or more are not luck (p < 1e-12)."""
    assert trained.ran.json["test"]["accuracy"] > 0.63


def test_the_run_folder_is_complete_and_clean(trained):
    assert {path.name for path in trained.folder.iterdir()} == {
        "history.jsonl", "model.onnx", "predictions.csv", "report.html", "settings.json", "snapshots", "split.csv",
    }  # fmt: skip
    history = history_of(trained.folder)
    assert [record["epoch"] for record in history] == list(range(1, 21))
    assert trained.ran.json["best_epoch"] == max(r["epoch"] for r in history if r["best"])
    rows = list(csv.DictReader((trained.folder / "split.csv").open()))
    parts = [row["part"] for row in rows]
    assert {part: parts.count(part) for part in set(parts)} == {"train": 140, "validation": 30, "test": 30}
    for row in rows:
        assert (trained.data / row["path"]).is_file()
        assert row["path"].startswith(f"{row['label']}/")


def test_every_setting_is_written_down(trained):
    settings = json.loads((trained.folder / "settings.json").read_text())
    open_ones = {name for name, value in settings.items() if value is None}
    assert open_ones <= {"start_from", "patience"}, "what is None was never decided"
    assert settings["network"] == NETWORK
    assert (settings["height"], settings["width"], settings["channels"]) == (8, 8, 1)
    assert settings["augmentation"]["flip"] is False, "digits are never mirrored"


def test_the_card_says_the_same_as_the_screen(trained):
    card = package.load(trained.model).card
    assert card.classes == tuple("0123456789")
    assert card.figures.test_accuracy == trained.ran.json["test"]["accuracy"]
    assert card.data is not None
    assert card.data.source == str(trained.data)
    assert card.split is not None
    assert (card.split.train, card.split.validation, card.split.test) == (140, 30, 30)


def test_the_result_on_the_screen_and_what_to_do_next(trained, tmp_path):
    out = tmp_path / "a run"  # the commands have to hold with a space, too
    ran = pellucid("train", trained.data, *QUICK, "--out", out)
    assert ran.code == 0
    test, saved, following = ran.out.splitlines()
    assert re.fullmatch(
        r"test    \d+\.\d\d%  \(95% interval \d+\.\d\d – \d+\.\d\d, n = 30\) {6}calibration error \d+\.\d%",
        test,
    )
    assert saved.startswith(f"saved   {out}/model.onnx · report {out}/report.html ")
    commands = [part for part in re.split(r"(?=pellucid )", following) if part.startswith("pellucid ")]
    assert len(commands) == 2
    picture = next((trained.data / "3").iterdir())
    for command in commands:
        words = shlex.split(command.replace("PICTURE", shlex.quote(str(picture))))
        assert pellucid(*words[1:]).code == 0, command


def test_runs_get_numbers_of_their_own(trained, tmp_path):
    for number in (1, 2):
        ran = pellucid("train", trained.data, *QUICK, "--json", cwd=tmp_path)
        assert ran.json["model"] == f"runs/digits-{number}/model.onnx"
        assert (tmp_path / ran.json["model"]).is_file()


def test_the_same_seed_gives_the_same_bits_and_another_one_others(trained, tmp_path):
    for name, seed in (("a", "5"), ("b", "5"), ("c", "6")):
        assert pellucid("train", trained.data, *QUICK, "--seed", seed, "--out", tmp_path / name).code == 0
    models = {name: tmp_path / name / "model.onnx" for name in "abc"}
    assert same_weights(models["a"], models["b"])
    assert not same_weights(models["a"], models["c"])


def test_settings_repeat_a_run_bit_for_bit(trained, tmp_path):
    again = pellucid("train", "--settings", trained.folder / "settings.json", "--out", tmp_path / "again")
    assert again.code == 0
    assert same_weights(trained.model, tmp_path / "again" / "model.onnx")
    assert history_of(trained.folder) == history_of(tmp_path / "again")
    settings = [(folder / "settings.json").read_text() for folder in (trained.folder, tmp_path / "again")]
    assert settings[0] == settings[1]


def test_an_option_stands_above_the_settings_file(trained, tmp_path):
    out = tmp_path / "other"
    ran = pellucid(
        "train", "--settings", trained.folder / "settings.json", "--epochs", "1", "--fit", "pad",
        "--no-augment", "--out", out,
    )  # fmt: skip
    assert ran.code == 0
    settings = json.loads((out / "settings.json").read_text())
    assert (settings["epochs"], settings["fit"], settings["seed"]) == (1, "pad", 0)


@pytest.mark.parametrize("switch", ["--augment", "--no-augment"])
def test_augmentation_can_be_switched(trained, tmp_path, switch):
    """Off is off, and stays off when the run is repeated from its own settings."""
    assert pellucid("train", trained.data, *QUICK, switch, "--out", tmp_path / "a").code == 0
    settings = json.loads((tmp_path / "a" / "settings.json").read_text())
    assert any(settings["augmentation"].values()) == (switch == "--augment")
    repeated = pellucid("train", "--settings", tmp_path / "a" / "settings.json", "--out", tmp_path / "b")
    assert repeated.code == 0
    assert same_weights(tmp_path / "a" / "model.onnx", tmp_path / "b" / "model.onnx")


def test_size_and_fit_reach_the_model(trained, tmp_path):
    ran = pellucid(
        "train", trained.data, "--network", "mlp", "--epochs", "1", "--size", "12x10", "--fit", "crop",
        "--out", tmp_path / "run",
    )  # fmt: skip
    assert ran.code == 0
    card = package.load(tmp_path / "run" / "model.onnx").card
    assert (card.preprocessing.height, card.preprocessing.width, card.preprocessing.fit) == (12, 10, "crop")


def test_starting_from_a_model(trained, tmp_path):
    """With next to no learning, the new model answers as the old one."""
    ran = pellucid(
        "train", trained.data, "--from", trained.model, "--epochs", "1", "--learning-rate", "1e-9",
        "--out", tmp_path / "run", "--json",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    old, new = weights_of(trained.model), weights_of(tmp_path / "run" / "model.onnx")
    for name, weights in old.items():
        np.testing.assert_allclose(new[name], weights, atol=1e-6)
    assert ran.json["test"]["accuracy"] == trained.ran.json["test"]["accuracy"]


def test_starting_from_a_model_of_other_classes(trained, tmp_path):
    data = digits_folder(tmp_path / "five", 100)
    for name in "56789":
        for path in (data / name).iterdir():
            path.unlink()
        (data / name).rmdir()
    ran = pellucid(
        "train", data, "--from", trained.model, "--epochs", "1", "--learning-rate", "1e-9",
        "--out", tmp_path / "run",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    model = package.load(tmp_path / "run" / "model.onnx")
    assert model.classes == tuple("01234")
    assert model.network.weights["dense1.weight"].shape[0] == 5
    np.testing.assert_allclose(
        model.network.weights["conv1.weight"], weights_of(trained.model)["conv1.weight"], atol=1e-6
    )


def test_a_run_is_never_written_over(trained):
    before = trained.model.read_bytes()
    ran = pellucid("train", trained.data, *QUICK, "--out", trained.folder, "--json")
    assert (ran.code, ran.out) == (1, "")
    assert ran.error["what"] == "There is a run in this folder already"
    assert trained.model.read_bytes() == before


def test_a_network_that_does_not_fit_does_not_use_up_the_folder(trained, tmp_path):
    """The mistake is in the command: mended, the same command works."""
    out = tmp_path / "run"
    bad = pellucid("train", trained.data, "--network", "conv 8 9x9", "--out", out)
    assert bad.code == 1
    assert "conv1 does not fit" in bad.err
    good = pellucid("train", trained.data, *QUICK, "--out", out)
    assert good.code == 0, good.err


@pytest.mark.parametrize(
    ("network", "says", "remedy"),
    [
        ("conv 8 3x3, relo, flatten, dense 10", "no layer called 'relo'", "relu"),
        ("flatten, dense 9", "gives 9 values, but there are 10 classes", "dense 10"),
        ("conv 10 3x3, relu", "6 x 6 x 10 values, but there are 10 classes", "flatten, dense 10"),
        ("benchlenet", "no network called 'benchlenet'", "bench-lenet"),
        ("maxpool 9", "window 9 is larger than its 8 x 8 input", "maxpool 8"),
    ],
)
def test_networks_that_cannot_be(trained, tmp_path, network, says, remedy):
    ran = pellucid("train", trained.data, "--network", network, "--out", tmp_path / "run", "--json")
    assert (ran.code, ran.out) == (1, "")
    assert says in ran.error["what"]
    assert remedy in ran.error["what"] + ran.error["remedy"]


def test_resuming_refuses_other_options(trained):
    for extra in (["--epochs", "30"], ["--out", "elsewhere"], [str(trained.data)], ["--no-augment"]):
        ran = pellucid("train", "--resume", trained.folder, *extra, "--json")
        assert (ran.code, ran.out) == (1, "")
        assert ran.error["what"] == "A resumed run keeps the settings that it was begun with"
        words = shlex.split(ran.error["remedy"])
        assert words == ["pellucid", "train", "--resume", str(trained.folder)]


def test_resuming_a_finished_run_leaves_it_as_it_is(trained):
    before = trained.model.read_bytes(), trained.model.stat().st_mtime_ns
    ran = pellucid("train", "--resume", trained.folder, "--json")
    assert "epoch " not in ran.err, "it was trained again"
    assert (trained.model.read_bytes(), trained.model.stat().st_mtime_ns) == before
    assert ran.code == 1
    assert "finished" in ran.error["what"]


def test_a_picture_that_cannot_be_read_is_listed_once_and_left_out(tmp_path):
    data = digits_folder(tmp_path / "digits", 60)
    (data / "0" / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (data / "0" / "notes.txt").write_text("no picture")
    ran = pellucid("train", data, *QUICK, "--out", tmp_path / "run")
    assert ran.code == 0
    left_out = [line for line in ran.err.splitlines() if line.startswith("left out ")]
    assert len(left_out) == 2
    assert any(re.match(r"left out 0/torn\.png: .*cut short", line) for line in left_out)
    assert any(line.startswith("left out 0/notes.txt: ") for line in left_out)
    rows = {row["path"]: row["part"] for row in csv.DictReader((tmp_path / "run" / "split.csv").open())}
    assert rows["0/torn.png"] == "unreadable"


def test_a_folder_with_parts_of_its_own(tmp_path):
    for part, names in (("train", "abc"), ("test", "ab")):
        for name in names:
            for i in range(8):
                path = tmp_path / "data" / part / name / f"{i}.jpg"
                path.parent.mkdir(parents=True, exist_ok=True)
                pixels = np.random.default_rng([i, ord(name), len(part)]).integers(0, 256, (12, 12, 3))
                Image.fromarray(pixels.astype(np.uint8)).save(path)
    ran = pellucid(
        "train", tmp_path / "data", *("--network", "mlp", "--epochs", "1", "--out", tmp_path / "r")
    )
    assert ran.code == 0
    assert "train 21  validation 3  test 16" in ran.err
    assert "12x12 colour" in ran.err


def test_grey_and_colour_pictures_of_many_sizes(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for i in range(12):
            shape = (*rng.integers(1, 90, 2), 3)[: 2 + i % 2]
            picture = Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8))
            picture.save(tmp_path / "data" / name / f"{i}.{'png' if i % 3 else 'jpg'}")
    ran = pellucid("train", tmp_path / "data", "--network", "mlp", "--epochs", "1", "--out", tmp_path / "r")
    assert ran.code == 0, ran.err
    assert "colour" in ran.err
