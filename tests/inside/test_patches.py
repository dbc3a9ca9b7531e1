"""The strongest patches against a search over every picture and place, their fields against changed pixels."""

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.errors import DataError, SettingsError
from pellucid.inside.at_hand import at_hand
from pellucid.inside.number import Inside
from pellucid.inside.patches import Strongest, strongest_patches
from pellucid.inside.window import find_entrance, window_of
from pellucid.model import ModelFile
from pellucid.model.responses import Responses
from pellucid.network import Network
from support.networks import with_random_weights
from support.opening import file_of, model_of

TEXT = (
    "conv 6 3x3 pad same, relu, maxpool 2, conv 5 3x3 pad same dilation 2, batchnorm, "
    "conv 5 3x3 pad same groups 5, add norm1, relu, flatten, dense 4, softmax"
)


def network(seed=0, shape=(3, 16, 20)):
    return with_random_weights(Network.from_text(TEXT, shape), seed)


def photos(count, shape=(23, 31, 3), seed=1):
    return list(np.random.default_rng(seed).integers(0, 256, (count, *shape)).astype(np.uint8))


def bare(data, tensor):
    """The model in a plain onnxruntime session with one tensor more as its output."""
    model = onnx.load_model_from_string(data)
    model.graph.output.append(onnx.ValueInfoProto(name=tensor))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return lambda pixels: session.run([tensor], {"image": pixels[None]})[0]


@pytest.mark.parametrize("fit", ["stretch", "crop", "pad"])
def test_the_strongest_are_those_of_a_search_over_all_pictures_and_places(fit):
    data, pictures = file_of(network(), fit), photos(14)
    model = ModelFile(data)
    found = strongest_patches(model, at_hand(model, pictures), "conv2", count=9)
    run = bare(data, "conv2")
    maps = np.stack([run(picture)[0] for picture in pictures])  # [pictures, channels, height, width]
    assert found.by == "pictures" and found.channels == (0, 1, 2, 3, 4)
    for channel, row in zip(found.channels, found.rows, strict=True):
        best = maps[:, channel].reshape(len(pictures), -1)
        order = np.argsort(-best.max(1), kind="stable")[:9]
        assert [patch.number for patch in row] == order.tolist()
        assert np.allclose([patch.value for patch in row], best.max(1)[order], atol=1e-4)
        for patch in row:
            assert patch.value == pytest.approx(maps[(patch.number, channel, *patch.place)], abs=1e-4)


def test_of_few_pictures_several_patches_are_taken_that_do_not_overlap():
    data, pictures = file_of(network()), photos(2)
    model = ModelFile(data)
    found = strongest_patches(model, at_hand(model, pictures), "conv1", count=5)
    assert found.by == "places"
    run = bare(data, "conv1")
    for channel, row in zip(found.channels, found.rows, strict=True):
        free = [(run(picture)[0, channel].copy()) for picture in pictures]
        for patch in row:  # the greedy search, plainly
            number = int(np.argmax([each.max() for each in free]))
            place = np.unravel_index(free[number].argmax(), free[number].shape)
            assert (patch.number, patch.place) == (number, place)
            y, x = place
            free[number][max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3] = -np.inf
        for a in row:
            for b in row:
                if a is not b and a.number == b.number:
                    apart = [abs(m - n) for m, n in zip(a.place, b.place, strict=True)]
                    assert max(apart) >= 3


@pytest.mark.parametrize("fit", ["stretch", "crop", "pad"])
@pytest.mark.parametrize("layer", ["conv1", "pool1", "conv2", "add1", "dense1"])
def test_outside_of_the_field_nothing_changes_the_value_and_inside_everything_may(fit, layer):
    data, pictures = file_of(network(), fit), photos(9)
    model = ModelFile(data)
    found = strongest_patches(model, at_hand(model, pictures), layer, count=2)
    responses = Responses(model, [model_tensor(model, pictures[0], layer)])
    random = np.random.default_rng(3)
    for patch in (patch for row in found.rows for patch in row):
        picture, (r, c) = pictures[patch.number], (patch.window.own_rows, patch.window.own_columns)
        place = (0, patch.channel, *patch.place)
        noise = random.integers(0, 256, picture.shape).astype(np.uint8)
        outside = noise.copy()
        outside[r[0] : r[1] + 1, c[0] : c[1] + 1] = picture[r[0] : r[1] + 1, c[0] : c[1] + 1]
        (value,) = responses.of(picture).values()
        assert float(value[place]) == patch.value
        (kept,) = responses.of(outside).values()
        assert float(kept[place]) == patch.value
        # The first and the last row and column do take part: inverted, something changes in the network's input.
        for line in ((r[0], slice(None)), (r[1], slice(None)), (slice(None), c[0]), (slice(None), c[1])):
            changed = picture.copy()
            changed[line] = 255 - changed[line]
            before, after = (model.opened(each).values["pixels"] for each in (picture, changed))
            assert (before != after)[0][patch_window(patch)].any()


def model_tensor(model, picture, layer):
    return Inside(model.opened(picture)).places.tensor(layer)


def patch_window(patch):
    (top, bottom), (left, right) = patch.window.rows, patch.window.columns
    return slice(max(top, 0), bottom + 1), slice(max(left, 0), right + 1)


def test_a_patch_has_the_pixels_that_the_network_took_in_and_nothing_where_it_saw_none():
    model, pictures = model_of(network()), photos(9)
    found = strongest_patches(model, at_hand(model, pictures), "conv2")
    stuck_out = 0
    for patch in (patch for row in found.rows for patch in row):
        taken = model.opened(pictures[patch.number]).values["pixels"][0]
        top, left = patch.window.rows[0], patch.window.columns[0]
        assert patch.pixels.shape[:2] == patch.window.size == (12, 12)  # 3 + 1, and 4 x 2 for the dilated one
        for y, x in np.ndindex(*patch.inside.shape):
            at = (y + top, x + left)
            if patch.inside[y, x]:
                assert (patch.pixels[y, x] == taken[at]).all()
            else:
                assert (patch.pixels[y, x] == 0).all()
                within = all(0 <= n < side for n, side in zip(at, taken.shape, strict=False))
                stuck_out += not within
                assert not within or not patch.window.seen[at]
    assert stuck_out


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.sampled_from(["conv1", "pool1", "conv2", "conv3", "add1"]))
def test_what_lies_inside_of_a_window_is_the_exact_field(seed, layer):
    rng = np.random.default_rng(seed)
    opened = Inside(model_of(network()).opened(photos(1)[0]))
    tensor = opened.places.tensor(layer)
    index = [int(rng.integers(n)) for n in opened.places.shape(tensor)[1:]]
    window = window_of(opened, find_entrance(opened.opened), opened.places.at(tensor, (0, *index)))
    assert window.sticks_out_known and window.exact
    rows, columns = np.nonzero(window.seen.any(1))[0], np.nonzero(window.seen.any(0))[0]
    for found, (low, high), side in ((rows, window.rows, 16), (columns, window.columns, 20)):
        assert max(low, 0) <= found[0] and found[-1] <= min(high, side - 1)
        if layer in ("conv1", "pool1"):  # without dilation there are no holes
            assert (found[0], found[-1]) == (max(low, 0), min(high, side - 1))
    assert window.size == {"conv1": (3, 3), "pool1": (4, 4), "conv2": (12, 12)}.get(layer, (16, 16))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 9), st.integers(1, 3), st.booleans())
def test_the_running_best_is_a_sort_of_everything(seed, pictures, count, channels, ties):
    random = np.random.default_rng(seed)
    maps = random.normal(size=(pictures, channels, 3, 4))
    maps = maps.round() if ties else maps
    best = Strongest(channels, count)
    for number, each in enumerate(maps):
        best.add(number, each, None)
    for channel in range(channels):
        values = maps[:, channel].reshape(pictures, -1).max(1)
        order = np.argsort(-values, kind="stable")[:count]
        kept = np.isfinite(best.values[channel])
        assert best.values[channel][kept].tolist() == values[order].tolist()
        assert best.wheres[channel][kept][:, 0].tolist() == order.tolist()


def test_values_that_are_no_numbers_are_never_the_strongest():
    best = Strongest(1, 2)
    best.add(0, np.array([[[np.nan, 1.0]]]), None)
    best.add(1, np.array([[[np.inf, 2.0]]]), None)
    assert best.values.tolist() == [[2.0, 1.0]]


def test_the_answer_does_not_depend_on_what_else_was_looked_at():
    model, pictures = model_of(network()), photos(12)
    alone = strongest_patches(model, at_hand(model, pictures), "conv2", [3])
    among = strongest_patches(model, at_hand(model, pictures), "conv2", [4, 3])
    assert [p.value for p in alone.rows[0]] == [p.value for p in among.rows[1]]


def test_a_picture_that_cannot_be_read_is_left_out_and_named(tmp_path):
    model = model_of(network())
    (tmp_path / "broken.png").write_bytes(b"no picture")
    pictures = [*photos(3), str(tmp_path / "broken.png")]
    found = strongest_patches(model, at_hand(model, pictures), "conv1", count=2)
    assert found.pictures == 3
    assert [name for name, _ in found.left_out] == [str(tmp_path / "broken.png")]


def test_what_cannot_be_done_is_said():
    model, pictures = model_of(network()), photos(2)
    with pytest.raises(SettingsError, match="channels 0 to 4"):
        strongest_patches(model, at_hand(model, pictures), "conv2", [5])
    with pytest.raises(SettingsError, match="no layer with channels"):
        strongest_patches(model, at_hand(model, pictures), "pixels")
    with pytest.raises(SettingsError, match="nothing of this name"):
        strongest_patches(model, at_hand(model, pictures), "conv99")
    with pytest.raises(DataError, match="doesn't say what it was trained on"):
        at_hand(model)


def test_an_empty_folder_is_an_error_and_a_folder_is_read_all_levels_down(tmp_path):
    from PIL import Image

    model = model_of(network())
    with pytest.raises(DataError, match="no pictures in this folder"):
        at_hand(model, tmp_path)
    (tmp_path / "below").mkdir()
    for name in ("b.png", "below/a.png"):
        Image.fromarray(photos(1)[0]).save(tmp_path / name)
    assert [name.rpartition("/")[2] for name in at_hand(model, tmp_path).names] == ["b.png", "a.png"]


def test_drawings_and_words():
    model, pictures = model_of(network()), photos(9)
    found = strongest_patches(model, at_hand(model, pictures), "conv2", [1, 2])
    from pellucid.inside.deep_sheets import patches_sheet

    sheet = patches_sheet(found)
    assert sheet.dtype == np.uint8 and sheet.shape[2] == 3
    assert "2 of 5 channels (as chosen)" in repr(found) and "9 pictures" in repr(found)
    html = found._repr_html_()
    assert html.startswith("<p") and "data:image/png;base64," in html and "<table" in html
