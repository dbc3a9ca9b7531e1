"""Every entry of the course's worked examples, through the public Python interface and through the command line.

Numbers that a filter makes go through `pellucid.filters` and `pellucid filter` (.npy in and out, so that nothing is
rounded or clipped); shapes and counts through `pellucid.Network` and `pellucid summary --json`; what has a bias, a
dense layer or a softmax through a model file, `pellucid.load` and `pellucid explain` / `pellucid predict`.
"""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import pellucid
from pellucid import Network, filters
from pellucid.model import Card, Preprocessing
from pellucid.model.write import model_bytes
from support.cli import pellucid as command
from support.worked import COUNTED, course


def entry(name: str):
    """One example."""
    return course()[name]


def numbers(kernel) -> str:
    """A kernel [rows][columns] or [planes][rows][columns] as it is typed."""
    array = np.asarray(kernel)
    planes = array if array.ndim == 3 else array[None]
    return (
        "["
        + " | ".join("; ".join(" ".join(f"{n:g}" for n in row) for row in plane) for plane in planes)
        + "]"
    )


def last(values) -> np.ndarray:
    """[rows][columns] or [channels][rows][columns] as float32 [rows, columns, channels]."""
    array = np.asarray(values, np.float32)
    return np.ascontiguousarray(np.moveaxis(array if array.ndim == 3 else array[None], 0, 2))


def both(folder, image, text: str, wanted, atol: float = 0.0) -> None:
    """One filter over an image, in Python and on the command line."""
    assert np.allclose(filters.apply(last(image), text), last(wanted), rtol=0, atol=atol)
    typed(folder, image, text, wanted, atol)


def typed(folder, image, text: str, wanted, atol: float = 0.0) -> None:
    """A filter or a chain of layers on the command line."""
    np.save(folder / "in.npy", last(image))
    ran = command("filter", "in.npy", text, "--out", "out.npy", "--json", cwd=folder)
    assert ran.code == 0, ran.err
    made = np.load(folder / "out.npy")
    assert made.shape == last(wanted).shape
    assert np.allclose(made, last(wanted), rtol=0, atol=atol)


def explained(folder, image, text: str, place: str) -> float:
    """A pixel opened on the command line: its sum."""
    np.save(folder / "in.npy", last(image))
    ran = command("filter", "in.npy", text, "--explain", place, "--json", cwd=folder)
    assert ran.code == 0, ran.err
    (pixel,) = ran.json["pixels"]
    assert pixel["sum"] == sum(term["product"] for term in pixel["terms"])
    return pixel["sum"]


# A model file has weights: a convolution that changes nothing.
SAME, ONE = "conv 1 1x1 nobias", {"conv1.weight": [1]}


class Trained:
    """A network with given weights as a model file, and its input as a picture; both are what a user would have."""

    def __init__(self, folder, text: str, image, weights=None, classes=None) -> None:
        array = last(image)
        height, width, channels = array.shape
        low = min(0, int(array.min()))
        Image.fromarray((array - low).astype(np.uint8).squeeze(2) if channels == 1 else (array - low).astype(np.uint8)
                        ).save(folder / "picture.png")  # fmt: skip
        whole = text if text.endswith("softmax") else text + ", flatten, softmax"
        network = Network.from_text(whole, (channels, height, width))
        shapes = network.parameter_shapes
        given = {name: np.asarray(v, np.float32).reshape(shapes[name]) for name, v in (weights or {}).items()}
        card = Card(
            classes=tuple(classes or (f"class {n}" for n in range(network.output_shape[0]))), network=network.text,
            preprocessing=Preprocessing(height=height, width=width, channels=channels, fit="stretch",
                                        scale=(1.0,) * channels, shift=(float(low),) * channels),
        )  # fmt: skip
        (folder / "model.onnx").write_bytes(model_bytes(network.with_weights(given), card))
        self.folder = folder
        self.model = pellucid.load(folder / "model.onnx")
        self._explanation = None

    def python(self, place: str) -> float:
        """A number opened in Python."""
        if self._explanation is None:
            self._explanation = self.model.explain(
                self.folder / "picture.png", method="occlusion", check=False
            )
        number = self._explanation.at(place)
        assert number.closes is not False
        return float(number.stored)

    def typed(self, place: str) -> float:
        """A number opened on the command line."""
        ran = command("explain", "model.onnx", "picture.png", "--at", place, "--json", cwd=self.folder)
        assert ran.code == 0, ran.err
        return ran.json["value"]

    def check(self, layer: str, wanted) -> None:
        """Every value, in Python and on the command line."""
        array = np.asarray(wanted)
        for index in np.ndindex(array.shape):
            place = f"{layer}[{','.join(map(str, index))}]"
            assert self.python(place) == self.typed(place) == array[index], place


def summary(text: str, size, *options: str):
    """The command's JSON; `size` is height, width, channels."""
    ran = command("summary", text, "--input", "x".join(map(str, size)), "--json", *options)
    assert ran.code == 0, ran.err
    return ran.json


def network(text: str, size) -> Network:
    return Network.from_text(text, (size[-1], *size[:-1]))


def test_convolution_and_cross_correlation(tmp_path):
    each = entry("convolution_and_cross_correlation")
    kernel = numbers(each["kernel"])
    both(tmp_path, each["image"], f"{kernel} pad valid", [[each["cross_correlation_valid"]]])
    both(tmp_path, each["image"], f"{kernel} pad valid flip", [[each["convolution_valid"]]])
    # Typed as options, and both at once with the difference.
    ran = command(
        "filter", "in.npy", kernel, "--pad", "valid", "--flip-both", "--out", "o.npy", "--json", cwd=tmp_path
    )
    assert ran.code == 0, ran.err
    straight, turned = each["cross_correlation_valid"], each["convolution_valid"]
    assert np.load(tmp_path / "o.npy").ravel().tolist() == [straight, turned, straight - turned]


@pytest.mark.parametrize(
    ("name", "known"), [("vertical_edges", "vertical"), ("horizontal_edges", "horizontal")]
)
def test_edges(tmp_path, name, known):
    each = entry(name)
    both(tmp_path, each["image"], f"{numbers(each['kernel'])} pad valid", each["output_valid"])
    both(tmp_path, each["image"], f"{known} pad valid", each["output_valid"])


def test_sharpen(tmp_path):
    each = entry("sharpen")
    for text in ("sharpen", numbers(each["kernel"])):
        both(tmp_path, each["image"], text, each["output_same_zero_padded"])
    Image.fromarray(np.asarray(each["image"], np.uint8)).save(tmp_path / "p.png")
    for place, wanted in each["arithmetic"].items():
        ran = command("filter", "p.png", "sharpen", "--explain", place.strip("[]"), "--json", cwd=tmp_path)
        (pixel,) = ran.json["pixels"]
        if isinstance(wanted, str):
            assert pixel["equation"].replace(" + ", "+") == wanted
        else:
            assert pixel["value"] == pixel["sum"] == wanted


def test_kernels():
    given = {name: rows for name, rows in entry("kernels").items() if name != "note"}
    ours = {"edge": "edge-8", "sobel_x": "sobel-x", "high_pass_ninths": "high-pass", "vertical": "prewitt-x",
            "horizontal": "prewitt-y", "sharpen": "sharpen"}  # fmt: skip
    listed = command("filter", "--list", "--json").json
    assert given.keys() == ours.keys()
    for name, rows in given.items():
        divisor = 9 if name == "high_pass_ninths" else 1
        assert np.array_equal(filters.KERNELS[ours[name]].array, np.array(rows) / divisor)
        assert np.array_equal(listed[ours[name]]["kernel"], np.array(rows) / divisor)


@pytest.mark.parametrize(
    "case", course()["output_size"]["cases"], ids=lambda c: f"n{c['n']} f{c['f']} p{c['p']} s{c['s']}"
)
def test_output_sizes(case):
    entry("output_size")
    n, f, p, s, out = (case[key] for key in ("n", "f", "p", "s", "out"))
    text = f"conv 1 {f}x{f} stride {s} pad {p}"
    assert network(text, (n, n, 1)).output_shape == (1, out, out)
    row = summary(text, (n, n, 1))["rows"][0]
    assert row["output_shape"] == [out, out, 1]
    assert row["formulas"]["shape"] == f"floor(({n} + 2*{p} - {f})/{s}) + 1 = {out}"


def test_same_padding_and_what_is_lost():
    assert entry("output_size")["same_padding"] == "p = (f - 1)/2"
    for f in (3, 5, 7):
        for text in (f"conv 1 {f}x{f} pad same", f"conv 1 {f}x{f} pad {(f - 1) // 2}"):
            assert summary(text, (20, 20, 1))["rows"][0]["output_shape"] == [20, 20, 1]
        assert network(f"conv 1 {f}x{f}", (20, 20, 1)).output_shape == (1, 20 - (f - 1), 20 - (f - 1))


def test_volume():
    each = entry("volume")
    for count, wanted in (
        (4, each["four_filters_output"]),
        (128, each["hundred_twenty_eight_filters_output"]),
    ):
        text = f"conv {count} 3x3 nobias"
        row = summary(text, each["input"])["rows"][0]
        assert row["output_shape"] == wanted
        assert row["parameters"] == count * each["weights_per_filter"]
        made = network(text, each["input"])
        assert made.output_shape == (wanted[-1], *wanted[:-1])
        assert made.parameter_shapes["conv1.weight"] == (count, *each["filter"][::-1])
    assert (row["values"], made.summary()[0].values) == (each["values"], each["values"])


def test_multichannel(tmp_path):
    each = entry("multichannel")
    options = f"stride {each['stride']} pad {each['padding']}"
    bank = " + ".join(numbers(one) for one in each["weights"]) + f" volume {options}"
    without = (
        np.array(each["output"]) - np.array(each["bias"])[:, None, None]
    )  # a filter has no bias: taken off
    typed(tmp_path, each["input"], bank, without)
    for one, wanted in zip(each["weights"], without, strict=True):
        both(tmp_path, each["input"], f"{numbers(one)} volume {options}", wanted)
    weights = {"conv1.weight": each["weights"], "conv1.bias": each["bias"]}
    made = Trained(tmp_path, f"conv 2 3x3 {options}", each["input"], weights)
    made.check("conv1", each["output"])


def test_relu_then_pool(tmp_path):
    each = entry("relu_then_pool")
    assert entry("exercise")["b"] == "relu_then_pool above: pooled 3x3"
    typed(tmp_path, each["feature_map"], "relu", each["rectified"])
    typed(tmp_path, each["feature_map"], "relu, maxpool 2 stride 1", each["max_pool_2x2_stride_1"])
    made = Trained(tmp_path, f"{SAME}, relu, maxpool 2 stride 1", each["feature_map"], ONE)
    made.check("relu1", [each["rectified"]])
    made.check("pool1", [each["max_pool_2x2_stride_1"]])


@pytest.mark.parametrize("place", range(len(course()["max_pool"])))
def test_max_pool(tmp_path, place):
    each = entry("max_pool")[place]
    text = f"maxpool {each['f']} stride {each['s']}"
    typed(tmp_path, each["input"], text, each["output"])
    Trained(tmp_path, f"{SAME}, {text}", each["input"], ONE).check("pool1", [each["output"]])


def test_flatten(tmp_path):
    """A picture has 1 or 3 channels; the second of these two is the first plus 6, so a 1x1 convolution makes them."""
    each = entry("flatten")
    first, second = np.array(each["input"])
    assert np.array_equal(second, first + 6)
    made = Trained(
        tmp_path, "conv 2 1x1, flatten, softmax", first, {"conv1.weight": [1, 1], "conv1.bias": [0, 6]}
    )
    made.check("conv1", each["input"])
    made.check("flatten1", each["output"])


def test_softmax(tmp_path):
    each = entry("softmax")
    made = Trained(tmp_path, f"{SAME}, flatten, softmax", [[each["logits"]]], ONE, each["classes"])
    answer = made.model.predict(tmp_path / "picture.png")
    assert answer.label == "Truck"
    ran = command("predict", "model.onnx", "picture.png", "--top", "4", "--json", cwd=tmp_path)
    listed = {top["label"]: top["probability"] for top in ran.json["top"]}
    for place, (name, wanted) in enumerate(zip(each["classes"], each["probabilities"], strict=True)):
        assert round(listed[name], 4) == wanted
        assert round(made.python(f"softmax1[{place}]"), 4) == wanted
        assert round(made.typed(f"softmax1[{place}]"), 4) == wanted


def test_parameter_counts():
    each = entry("parameter_counts")
    counted = set()
    for text, shape, place in COUNTED:
        wanted = each[place].get("count", each[place].get("weights", 0) + each[place].get("biases", 0))
        size = (*shape[1:], shape[0])
        assert network(text, size).parameter_count == wanted
        document = summary(text, size)
        assert document["parameters"] == wanted
        counted.add(place)
    (place,) = set(range(len(each))) - counted
    assert "locally connected" in each[place]["what"]
    local = summary("conv 1 5x5", (28, 28, 1), "--against", "local")["against"][0]
    assert local["other_parameters"] == each[place]["count"] == each[place]["weights"] + each[place]["biases"]
    dense = summary("conv 8 5x5", (32, 32, 3), "--against", "dense")["against"][0]
    assert (dense["parameters"], dense["other_parameters"]) == (each[4]["count"], each[5]["count"])


def test_the_corner_of_a_sharpened_picture(tmp_path):
    """Three cells follow from what is printed; nine can't be known from it, as they need what lies beyond."""
    each = entry("sharpened_picture_corner")
    text = numbers(each["kernel"])
    made = filters.apply(last(each["input"]), text)[:, :, 0]
    np.save(tmp_path / "in.npy", last(each["input"]))
    assert command("filter", "in.npy", text, "--out", "out.npy", "--json", cwd=tmp_path).code == 0
    typed_ = np.load(tmp_path / "out.npy")[:, :, 0]
    for place, wanted in each["agree"].items():
        row, column = (int(n) for n in place.strip("[]").split(","))
        assert round(float(made[row, column]), 4) == round(float(typed_[row, column]), 4) == wanted
        assert round(explained(tmp_path, each["input"], text, f"{row},{column}"), 4) == wanted
    # The picture goes on to the right and below: two guesses of it leave exactly 16 cells as they are.
    guesses = [np.pad(np.array(each["input"]), ((0, 1), (0, 1)), constant_values=value) for value in (0, 200)]
    known = np.equal(*(filters.apply(last(guess), text)[:5, :5, 0] for guess in guesses))
    assert known.sum() == 16 and known[:4, :4].all()
    # And the next cells, by hand, where the course's own kernel was laid on the course's own numbers.
    image = np.pad(np.array(each["input"]), 1)
    for row, column in np.ndindex(4, 4):
        by_hand = (image[row : row + 3, column : column + 3] * np.array(each["kernel"])).sum()
        assert made[row, column] == pytest.approx(by_hand, abs=1e-4)


def test_simple_convnet():
    each = entry("simple_convnet")
    text = each["layers"].replace(";", ",")
    assert [row["output_shape"] for row in summary(text, each["input"])["rows"]] == each["activations"]
    assert [list(row.output_shape) for row in network(text, each["input"]).summary()] == each["activations"]
    zoo = command("summary", "simple", "--json").json  # the same with its ReLUs and its end
    assert [row["output_shape"] for row in zoo["rows"] if row["kind"] == "conv"] == each["activations"]


def test_digits_network():
    each = entry("digits_network")
    document = command("summary", "digits", "--json").json
    assert document["input_shape"] == each["input"]
    rows = [row for row in document["rows"] if row["kind"] in ("conv", "maxpool", "dense")]
    assert [[row["output_shape"], row["values"], row["parameters"]] for row in rows] == [
        row[1:] for row in each["rows"]
    ]
    assert document["parameters"] == each["total"]
    assert network(document["network"], each["input"]).parameter_count == each["total"]


def test_exercise(tmp_path):
    each = entry("exercise")
    a, c, d = each["a"], each["c"], each["d"]
    kernel = numbers(a["filters"])
    options = f"volume pad {a['padding']} stride {a['stride']}"
    both(tmp_path, a["input"], f"{kernel} {options}", np.array(a["output"]) - a["bias"])
    for place, wanted in a["asked"].items():  # from 1
        row, column = (int(word) - 1 for word in place.replace(",", "").split()[1::2])
        assert (
            explained(tmp_path, a["input"], f"{kernel} {options}", f"0,{row},{column}") + a["bias"] == wanted
        )
    text = "conv 1 3x3, relu, maxpool 2 stride 1, flatten, dense 32, softmax"
    weights = {"conv1.weight": [a["filters"]], "conv1.bias": [a["bias"]], "dense1.weight": np.ones((32, 9)) / 64,
               "dense1.bias": np.zeros(32)}  # fmt: skip
    made = Trained(tmp_path, text, a["input"], weights)
    made.check("conv1", [a["output"]])
    size = (6, 6, 3)
    assert summary(f"conv 1 3x3 pad {a['padding']}", size)["rows"][0]["output_shape"] == [
        *a["output_shape"],
        1,
    ]
    rows = {row["name"]: row["parameters"] for row in summary(text, size)["rows"]}
    assert [rows[name] for name in ("conv1", "relu1", "pool1", "dense1")] == [
        c["conv"], c["relu"], c["pool"], c["dense_9_to_32"]
    ]  # fmt: skip
    assert summary(text, size)["parameters"] == network(text, size).parameter_count == c["total"]
    for pad in ("same", d["same_padding"]):
        text = f"conv {d['channels']} {d['f']}x{d['f']} stride {d['s']} pad {pad}"
        row = summary(text, d["input"])["rows"][0]
        assert row["output_shape"] == [*d["input"][:2], d["channels"]]
        assert row["parameters"] == network(text, d["input"]).parameter_count == d["parameters"]


def test_none_is_left_out():
    source = Path(__file__).read_text()
    asked = set(re.findall(r'entry\("(\w+)"\)', source)) | {"vertical_edges", "horizontal_edges"}
    assert asked == set(course()) - {"about"}
