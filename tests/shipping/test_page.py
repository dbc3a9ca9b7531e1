"""The published page: what is in it, that it is held against the model, and when it is refused.

The template is one of a few lines: what the built one does in a browser is tested in faces/explorer.
"""

import base64

import numpy as np
import pytest

from pellucid.errors import ModelError, SettingsError
from pellucid.model import ModelFile
from pellucid.network import Network
from pellucid.shipping import page
from pellucid.shipping.embedding import Parts
from pellucid.shipping.page import write_page
from pellucid.training import Finished, make_settings, train
from support.digits import NETWORK, digits_folder
from support.networks import with_random_weights
from support.opening import model_of

TEMPLATE = (
    b'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>x</title></head><body>'
    b'<script type="module" id="pellucid-code">1</script></body></html>'
)


@pytest.fixture(autouse=True)
def template(monkeypatch):
    monkeypatch.setattr(page, "built_file", {"page.html": TEMPLATE}.__getitem__)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PELLUCID_CACHE", str(folder / "cache"))
        data = digits_folder(folder / "digits")
        settings = make_settings({"data": str(data), "network": NETWORK, "epochs": 4, "threads": 1})
        (folder / "run").mkdir()
        finished = list(train(settings, folder / "run"))[-1]
    assert isinstance(finished, Finished)
    return ModelFile.read(finished.model)


def test_a_page_has_the_model_its_pictures_and_its_epochs(trained, tmp_path):
    made = write_page(trained, tmp_path / "page.html", 12)
    assert (
        made.agreement <= 1e-6
        and made.pictures == 12
        and made.size == (tmp_path / "page.html").stat().st_size
    )
    parts = Parts((tmp_path / "page.html").read_text())
    document = parts.document("pellucid-page")
    assert document["graph"]["classes"] == list(trained.classes)
    assert len(parts.bytes("pellucid-weights")) == document["graph"]["weight_bytes"]
    wrong = [each for each in document["pictures"] if each["truth"] != each["answer"]]
    assert 6 <= len(wrong) < 12 and len({each["truth"] for each in document["pictures"]}) > 5
    assert {each["id"] for each in document["mistakes"]["worst"]} == {each["id"] for each in wrong}
    kept = [epoch["epoch"] for epoch in document["replay"]["epochs"] if epoch["kept"]]
    assert document["epochs"] == kept and len(kept) > 1
    assert len(parts.bytes("pellucid-epochs")) == len(kept) * document["graph"]["weight_bytes"] // 2
    assert set(document["lacks"]) == {"correct", "build"}
    assert str(tmp_path) not in (tmp_path / "page.html").read_text() and "corrections.csv" not in str(
        document
    )


def test_without_pictures_or_a_run_it_says_what_it_lacks(trained, tmp_path):
    write_page(trained, tmp_path / "none.html", 0)
    assert (
        "drop one of your own"
        in Parts((tmp_path / "none.html").read_text()).document("pellucid-page")["lacks"]["pictures"]
    )
    alone = model_of(with_random_weights(Network.from_text("flatten, dense 3, softmax", (1, 4, 4))))
    made = write_page(alone, tmp_path / "alone.html")
    assert made.pictures == 0 and made.agreement <= 1e-6
    lacks = Parts((tmp_path / "alone.html").read_text()).document("pellucid-page")["lacks"]
    assert set(lacks) == {"pictures", "mistakes", "correct", "replay", "build"}


def test_a_page_that_isnt_what_was_meant_is_taken_back(trained, tmp_path, monkeypatch):
    def spoiled(identity, data):
        array = np.frombuffer(data, np.uint8).copy()
        if identity == "pellucid-weights":
            array[2] ^= 0x40
        return f'<script type="application/octet-stream" id="{identity}">{base64.b64encode(array).decode()}</script>'

    monkeypatch.setattr(page, "bytes_block", spoiled)
    with pytest.raises(ModelError, match="weight in the page"):
        write_page(trained, tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


def test_pixels_that_arent_the_pictures_are_found(trained, tmp_path, monkeypatch):
    own = page._pixels
    monkeypatch.setattr(page, "_pixels", lambda document, data: [255 - each for each in own(document, data)])
    with pytest.raises(ModelError, match="doesn't answer as the model"):
        write_page(trained, tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


def test_a_page_over_the_limit_is_refused_with_what_would_help(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(page, "LARGEST", 10_000)
    with pytest.raises(SettingsError, match="larger than") as caught:
        write_page(trained, tmp_path / "page.html")
    assert "smaller network" in caught.value.remedy and "MB" in caught.value.received
    monkeypatch.setattr(page, "LARGEST", (size := write_size(trained, tmp_path, monkeypatch)) - 100)
    assert size > 10_000
    with pytest.raises(SettingsError) as caught:
        write_page(trained, tmp_path / "page.html", 100)
    assert caught.value.remedy == "fewer pictures: --pictures 0"
    assert not (tmp_path / "page.html").exists()


def write_size(model, tmp_path, monkeypatch):
    """Of a page with a hundred pictures."""
    with monkeypatch.context() as patch:
        patch.setattr(page, "LARGEST", 10**9)
        return write_page(model, tmp_path / "whole.html", 100).size
