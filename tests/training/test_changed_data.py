"""A run is resumed on the pictures that it began with, or not at all: else test pictures could be trained on."""

import numpy as np
import pytest
from PIL import Image

from pellucid.errors import DataError, Interrupted
from pellucid.training import Finished, make_settings, train
from support.digits import digits_folder


@pytest.mark.parametrize("change", ["a pixel", "a picture more", "nothing"])
def test_changed_pictures_stop_a_resumed_run(tmp_path, monkeypatch, change):
    monkeypatch.setenv("PELLUCID_CACHE", str(tmp_path / "cache"))
    data = digits_folder(tmp_path / "digits")
    settings = make_settings({"data": str(data), "network": "flatten, dense 10", "epochs": 3, "threads": 1})
    out = tmp_path / "run"
    out.mkdir()
    asked = []
    with pytest.raises(Interrupted):
        for record in train(settings, out, stop=lambda: bool(asked)):
            if type(record).__name__ == "EpochRecord":
                asked.append(record)
    picture = next(iter(sorted(data.rglob("*.png"))))
    if change == "a pixel":
        pixels = np.array(Image.open(picture))
        pixels.flat[0] ^= 255
        Image.fromarray(pixels).save(picture)
    elif change == "a picture more":
        Image.fromarray(np.full((8, 8), 77, np.uint8)).save(picture.with_name("new.png"))
    else:
        assert isinstance(list(train(settings, out))[-1], Finished)
        return
    with pytest.raises(DataError, match="changed since this run began"):
        list(train(settings, out))
