"""An ONNX file opened without copying its weights: what is in it, and what is wrong with it."""

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import convert_model_to_external_data

from pellucid.engines.onnxruntime import Session
from pellucid.errors import ModelError, PellucidError
from pellucid.model.onnx_file import SMALL, OnnxFile
from pellucid.model.opened import open_run
from support.graphs import float32, model, node

X = float32(1, 40)
WEIGHTS = {"large": float32(40, 30, seed=1), "small": float32(30, seed=2)}
NODES = [node("MatMul", ["x", "large"], ["m"], "dense"), node("Add", ["m", "small"], ["y"], "add")]


def proto(weights=None):
    return model(NODES, {"x": X}, WEIGHTS if weights is None else weights)


def run(file):
    return Session(*file.stripped(), file.where, 1).run({"x": X}, "y")


def test_large_weights_lie_in_the_file_s_own_bytes():
    data = proto().SerializeToString()
    file = OnnxFile(data)
    assert WEIGHTS["large"].nbytes > SMALL > WEIGHTS["small"].nbytes
    for name, array in WEIGHTS.items():
        np.testing.assert_array_equal(file.weights[name], array)
    assert np.shares_memory(file.weights["large"], np.frombuffer(data, np.uint8))
    assert not file.weights["large"].flags.writeable
    sizes = {tensor.name: len(tensor.raw_data) for tensor in file.skeleton.graph.initializer}
    assert sizes == {"small": 120, "large": 0}
    assert file.skeleton.ByteSize() < 1000


def test_it_runs_as_the_file_itself():
    data = proto().SerializeToString()
    (wanted,) = onnxruntime.InferenceSession(data).run(None, {"x": X})
    np.testing.assert_array_equal(run(OnnxFile(data)), wanted)


@pytest.mark.parametrize(
    "kind", ["FLOAT16", "BFLOAT16", "DOUBLE", "INT8", "UINT8", "INT64", "BOOL", "INT4", "UINT4"]
)
@pytest.mark.parametrize("raw", [True, False])
def test_every_type_of_number_in_both_ways_of_holding_it(kind, raw):
    values = np.random.default_rng(0).integers(0, 2 if kind == "BOOL" else 7, 3000)
    number = getattr(TensorProto, kind)
    dtype = helper.tensor_dtype_to_np_dtype(number)
    tensor = (
        numpy_helper.from_array(values.astype(dtype), "w")
        if raw
        else helper.make_tensor("w", number, [3000], values.astype(dtype))
    )
    made = proto()
    made.graph.initializer.append(tensor)
    found = OnnxFile(made.SerializeToString()).weights["w"]
    assert found.dtype == dtype
    np.testing.assert_array_equal(found.astype(int), values)


def test_weights_in_a_file_beside(tmp_path):
    made = proto()
    convert_model_to_external_data(made, location="weights.bin", size_threshold=0)
    onnx.save(made, tmp_path / "model.onnx")
    file = OnnxFile.open(tmp_path / "model.onnx")
    for name, array in WEIGHTS.items():
        np.testing.assert_array_equal(file.weights[name], array)
    np.testing.assert_allclose(run(file), X @ WEIGHTS["large"] + WEIGHTS["small"], rtol=1e-4, atol=1e-5)
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(ModelError) as caught:
        OnnxFile.open(tmp_path / "model.onnx")
    assert caught.value.what == "the file with the model's weights can't be read"
    assert caught.value.remedy == "it belongs beside the model file: copy both"


def elsewhere(**about):
    made = proto()
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in about.items():
        tensor.external_data.add(key=key, value=value)
    return made.SerializeToString()


@pytest.mark.parametrize(
    "location",
    ["/etc/passwd", "../secret", "a/b", "..", "", "a\\b", "./weights.bin", "https://example.org/w"],
)
def test_weights_are_taken_from_the_model_s_folder_alone(location, tmp_path):
    (tmp_path / "secret").write_bytes(bytes(4800))
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(ModelError):
        OnnxFile(elsewhere(location=location), "m.onnx", folder)


def test_no_link_leads_out_of_the_folder(tmp_path):
    (tmp_path / "secret").write_bytes(bytes(4800))
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "weights.bin").symlink_to(tmp_path / "secret")
    with pytest.raises(ModelError, match="behind a link out of its folder"):
        OnnxFile(elsewhere(location="weights.bin"), "m.onnx", folder)


@pytest.mark.parametrize(
    ("about", "received"),
    [
        ({"offset": "-1"}, "bytes -1 to"), ({"offset": "4801"}, "bytes 4,801 to"),
        ({"length": "4801"}, "bytes 0 to 4,801"), ({"offset": "x"}, "its place is no number"),
        ({"length": "12"}, "40x30 float32 would be 4,800 bytes, it holds 12"),
        ({"length": "-5"}, "bytes 0 to -5"),
    ],
)  # fmt: skip
def test_a_weight_that_lies_outside_its_file(about, received, tmp_path):
    (tmp_path / "weights.bin").write_bytes(bytes(4800))
    with pytest.raises(ModelError) as caught:
        OnnxFile(elsewhere(location="weights.bin", **about), "m.onnx", tmp_path)
    assert caught.value.what == "the model's tensor large can't be read"
    assert received in caught.value.received


def test_a_size_that_is_not_what_its_bytes_hold():
    made = proto()
    made.graph.initializer[0].dims[0] = 10**12
    with pytest.raises(ModelError) as caught:
        OnnxFile(made.SerializeToString())
    assert (
        caught.value.received == "1000000000000x30 float32 would be 120,000,000,000,000 bytes, it holds 4,800"
    )
    made.graph.initializer[0].dims[0] = -40
    with pytest.raises(ModelError, match="can't be read"):
        OnnxFile(made.SerializeToString())


def test_a_weight_that_stands_in_the_file_twice():
    made = proto()
    made.graph.initializer.append(made.graph.initializer[0])
    with pytest.raises(ModelError) as caught:
        OnnxFile(made.SerializeToString())
    assert caught.value.received == "it stands in the file twice"


@pytest.mark.parametrize(
    "data", [b"not a model", b"\x89PNG\r\n\x1a\n" + bytes(50), b"<html></html>", bytes(100)]
)
def test_what_is_no_model(data):
    with pytest.raises(ModelError) as caught:
        OnnxFile(data, "file.onnx")
    assert caught.value.where == "file.onnx" and caught.value.remedy


def test_a_model_without_a_node():
    empty = proto()
    del empty.graph.node[:]
    with pytest.raises(ModelError) as caught:
        OnnxFile(empty.SerializeToString())
    assert caught.value.what == "this ONNX file holds no network that can be opened"
    assert caught.value.received == "0 nodes"


WHOLE = proto().SerializeToString()


@settings(max_examples=60)
@given(st.integers(1, len(WHOLE) - 1))
def test_a_file_cut_short_is_refused_or_lacks_what_was_cut(length):
    try:
        file = OnnxFile(WHOLE[:length])
        open_run(file, {"x": X}, threads=1)
    except PellucidError as error:
        assert error.what


@settings(max_examples=150)
@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_changed_bytes_end_in_an_error_of_ours_or_in_values(changes):
    data = bytearray(WHOLE)
    for place, byte in changes:
        # The weights' own bytes may be anything; what holds them together is what is interesting.
        data[place % 400 if place % 3 else -1 - place % 400] = byte
    try:
        found = open_run(OnnxFile(bytes(data)), {"x": X}, threads=1)
        assert all(
            np.asarray(found.values[made]).size >= 0
            for node in found.graph.nodes
            for made in node.outputs
            if made
        )
    except PellucidError as error:
        assert error.what
