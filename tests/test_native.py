"""The compiled resize and sums, for every set of instructions that this machine has, against onnxruntime, zlib
and NumPy; and that all works without them."""

import hashlib
import subprocess
import sys
import zlib

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.images import reading
from pellucid.model import Preprocessing, pixel_maker, preprocessing_bytes
from pellucid.model import pixels as pixels_module
from pellucid.model.preprocessing import LUMA
from pellucid.native import native

if native is None:
    pytest.skip("the compiled part was not built here", allow_module_level=True)

SETS = native.instructions()


def resize_model() -> bytes:
    """One Resize as model files have it, its size an input."""
    helper, kind = onnx.helper, onnx.TensorProto
    node = helper.make_node(
        "Resize", ["x", "", "", "size"], ["y"], mode="linear", antialias=1, exclude_outside=1, axes=[1, 2],
        coordinate_transformation_mode="half_pixel",
    )  # fmt: skip
    graph = helper.make_graph(
        [node],
        "resize",
        [
            helper.make_tensor_value_info("x", kind.UINT8, [None] * 4),
            helper.make_tensor_value_info("size", kind.INT64, [2]),
        ],
        [helper.make_tensor_value_info("y", kind.UINT8, [None] * 4)],
    )
    opset = [helper.make_opsetid("", 19)]
    return helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()


SESSION = onnxruntime.InferenceSession(resize_model(), providers=["CPUExecutionProvider"])


def pictures(seed: int, shape: tuple[int, ...], hard: bool) -> np.ndarray:
    made = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    return np.where(made > 127, 255, 0).astype(np.uint8) if hard else made


def compiled(x: np.ndarray, height: int, width: int, instructions: str) -> np.ndarray:
    target = np.full((len(x), height, width, x.shape[3]), 77, np.uint8)
    native.resize(x, (height, width), (0, 0), target, LUMA, instructions)
    return target


def check_resize(x: np.ndarray, height: int, width: int) -> None:
    wanted = SESSION.run(None, {"x": x, "size": np.array([height, width], np.int64)})[0]
    for instructions in SETS:
        assert np.array_equal(compiled(x, height, width, instructions), wanted), instructions


sides = st.one_of(st.integers(1, 40), st.integers(1, 400))


@given(
    st.integers(1, 3), sides, sides, sides, sides, st.sampled_from([1, 3]), st.integers(0, 2**32 - 1), st.booleans()
)  # fmt: skip
def test_resizing_has_onnxruntimes_bits(n, h, w, height, width, channels, seed, hard):
    check_resize(pictures(seed, (n, h, w, channels), hard), height, width)


@given(
    sides, sides, st.integers(1, 60), st.sampled_from([1, 3]), st.booleans(), st.booleans(), st.integers(0, 99)
)  # fmt: skip
def test_resizing_one_side_only(h, w, side, channels, upright, hard, seed):
    height, width = (h, side) if upright else (side, w)
    check_resize(pictures(seed, (1, h, w, channels), hard), height, width)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("h", "w", "height", "width"),
    [(427, 640, 64, 64), (427, 640, 224, 224), (1, 70_001, 3, 64), (70_001, 1, 64, 3), (3, 2, 1000, 1), (1, 1, 5, 7),
     (2, 3000, 900, 2), (500, 500, 500, 500), (64, 1, 1, 64), (1000, 999, 1, 1), (5, 4, 299, 331)],
)  # fmt: skip
def test_resizing_at_extreme_sizes(h, w, height, width, channels):
    for hard in (False, True):
        check_resize(pictures(h, (1, h, w, channels), hard), height, width)


def test_sums_of_white_stay_white():
    """The rounded weights may add up to more than one."""
    for w in range(1, 300, 7):
        check_resize(np.full((1, w, 2 * w, 3), 255, np.uint8), 13, 17)


@given(
    sides, sides, st.integers(1, 70), st.integers(1, 70), st.sampled_from([1, 3]), st.sampled_from([1, 3]),
    st.sampled_from(["stretch", "pad", "crop"]), st.integers(0, 99),
)  # fmt: skip
def test_the_whole_preprocessing_has_the_graphs_bits(h, w, height, width, source, channels, fit, seed):
    preprocessing = made(height, width, channels, fit)
    session = onnxruntime.InferenceSession(
        preprocessing_bytes(preprocessing), providers=["CPUExecutionProvider"]
    )
    x = pictures(seed, (2, h, w, source), seed % 2 == 0)
    wanted = session.run(["pixels"], {"image": x})[0]
    for instructions in SETS:
        assert np.array_equal(pixels_module.native_pixels(preprocessing, x, instructions), wanted)
    assert np.array_equal(pixel_maker(preprocessing)(x), wanted)


@given(sides, sides, st.sampled_from([1, 3]), st.sampled_from(["stretch", "pad", "crop"]), st.integers(0, 99))
def test_pictures_of_the_right_size_come_out_of_the_graph_as_they_are(h, w, channels, fit, seed):
    """So they need not go in."""
    preprocessing, x = made(h, w, channels, fit), pictures(seed, (2, h, w, channels), seed % 2 == 0)
    session = onnxruntime.InferenceSession(
        preprocessing_bytes(preprocessing), providers=["CPUExecutionProvider"]
    )
    assert np.array_equal(session.run(["pixels"], {"image": x})[0], x)
    assert pixel_maker(preprocessing)(x) is x


def made(height: int, width: int, channels: int, fit: str = "stretch") -> Preprocessing:
    scale, shift = (1.0,) * channels, (0.0,) * channels
    return Preprocessing(height=height, width=width, channels=channels, fit=fit, scale=scale, shift=shift)  # type: ignore[arg-type]


@pytest.mark.parametrize("fit", ["stretch", "pad", "crop"])
def test_another_onnxruntime_is_noticed(monkeypatch, fit):
    """If the graph's pixels were others by one grey level, the graph would do the work."""
    real = pixels_module.Session.run
    monkeypatch.setattr(pixels_module.Session, "run", lambda *given: real(*given) ^ 1)
    x = pictures(0, (1, 50, 40, 3), False)
    got = pixel_maker(made(9, 8, 3, fit))(x)
    assert np.array_equal(got ^ 1, pixels_module.native_pixels(made(9, 8, 3, fit), x))


def test_without_the_compiled_part_the_graph_does_the_work(monkeypatch):
    x = pictures(1, (1, 90, 120, 3), False)
    with_it, digest = pixel_maker(made(32, 32, 3))(x), reading.picture_digest(x[0])
    large = pictures(2, (1, 300, 120, 3), False)[0]
    large_digest = reading.picture_digest(large)
    monkeypatch.setattr(pixels_module, "native", None)
    monkeypatch.setattr(reading, "native", None)
    assert np.array_equal(pixel_maker(made(32, 32, 3))(x), with_it)
    assert reading.picture_digest(x[0]) == digest
    assert reading.picture_digest(large) == large_digest


@given(
    st.binary(max_size=300), st.integers(0, 5), st.integers(0, 700), st.integers(1, 64), st.integers(0, 99)
)  # fmt: skip
def test_hashes_of_rows_are_those_of_pythons_library(prefix, count, size, length, seed):
    assert pixels_module.native
    rows = np.random.default_rng(seed).integers(0, 256, (count, size), np.uint8)
    got = np.zeros((count, length), np.uint8)
    pixels_module.native.blake2b_rows(prefix, rows, got)
    wanted = [hashlib.blake2b(prefix + row.tobytes(), digest_size=length).digest() for row in rows]
    assert [row.tobytes() for row in got] == wanted


@pytest.mark.parametrize(("count", "length"), [(2, 16), (3, 0), (3, 65)])
def test_hashes_that_have_no_place_are_refused(count, length):
    assert pixels_module.native
    with pytest.raises(ValueError, match="a row of 1 to 64 bytes"):
        pixels_module.native.blake2b_rows(
            b"", np.zeros((3, 5), np.uint8), np.zeros((count, length), np.uint8)
        )


def test_it_is_imported_without_the_compiled_part():
    code = "import sys; sys.modules['pellucid._native'] = None; from pellucid.native import native; print(native)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("None\n", "")


@given(st.integers(0, 20_000), st.integers(0, 2**32 - 1), st.integers(0, 3000))
def test_crc_and_sums(size, seed, zeros):
    if native.crc_and_sums is None:
        pytest.skip("this processor has no quick carry-less multiplication: zlib is used")
    values = pictures(seed, (size,), False)
    values[:zeros] = 0
    rows = values[: size // 4096 * 4096].view("<u8").reshape(-1, 512)
    wanted = zlib.crc32(values.data), rows.sum(axis=0, dtype="<u8").tobytes()
    assert native.crc_and_sums(values) == wanted
    for instructions in native.digest_instructions():
        assert native.crc_and_sums(values, instructions) == wanted, instructions


def test_sums_of_unknown_instructions_are_refused():
    if native.crc_and_sums is not None:
        with pytest.raises(ValueError, match="this processor has no AVX-1024"):
            native.crc_and_sums(np.zeros(9, np.uint8), "AVX-1024")


X = np.zeros((1, 4, 4, 3), np.uint8)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((X, (4, 4), (0, 0), np.zeros((2, 4, 4, 3), np.uint8), LUMA), "as many targets"),
        ((X[..., :2].copy(), (4, 4), (0, 0), X.copy(), LUMA), "1 or 3 channels"),
        ((X, (0, 4), (0, 0), X.copy(), LUMA), "sides from 1"),
        ((X, (4, 4), (0, -(2**31)), X.copy(), LUMA), "sides from 1"),
        ((X[:, :0].copy(), (4, 4), (0, 0), X.copy(), LUMA), "sides from 1"),
        ((X, (4, 4), (0, 0), X.copy(), LUMA, "AVX-1024"), "this processor has no AVX-1024"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, says):
    with pytest.raises(ValueError, match=says):
        native.resize(*arguments)


@pytest.mark.parametrize("wrong", [X.astype(np.float32), X[:, ::2], X[0], "x"])
def test_other_arrays_are_refused(wrong):
    with pytest.raises(TypeError):
        native.resize(wrong, (4, 4), (0, 0), X.copy(), LUMA)
    frozen = X.copy()
    frozen.flags.writeable = False
    with pytest.raises(TypeError):
        native.resize(X, (4, 4), (0, 0), frozen, LUMA)
