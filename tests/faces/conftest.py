"""One small trained model for all tests of the faces, and a picture cache of their own."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.cli import Ran, pellucid
from support.digits import NETWORK, digits_folder


@dataclass(frozen=True)
class Trained:
    """A finished run: the pictures, the run's folder, its model, and what the command printed with --json."""

    data: Path
    folder: Path
    model: Path
    ran: Ran


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory) -> Iterator[None]:
    """What the tests put into the picture cache stays out of the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PELLUCID_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> Trained:
    """200 digits, 10 classes, 20 epochs of a small network."""
    folder = tmp_path_factory.mktemp("trained")
    data = digits_folder(folder / "digits")
    ran = pellucid(
        "train", data, "--network", NETWORK, "--epochs", "20", "--patience", "20", "--threads", "1",
        "--out", folder / "run", "--json",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    return Trained(data, folder / "run", folder / "run" / "model.onnx", ran)
