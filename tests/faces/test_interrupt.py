"""Ctrl-C in a real process: what is done is saved, the message says how to go on, and going on changes no bit."""

import json
import shlex
import signal
import subprocess
import time

import pytest

import pellucid as package
from support.cli import COMMAND, pellucid, strict_json
from support.digits import NETWORK

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="signals as POSIX has them")

# Some seconds of epochs, so that an interruption falls into them.
RUN = ("--network", NETWORK, "--epochs", "400", "--patience", "400", "--threads", "1", "--seed", "3")


def start(*arguments, cwd=None):
    return subprocess.Popen(
        [COMMAND, "train", *map(str, arguments)],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def interrupt_after(child, word, number=signal.SIGINT):
    """Send the signal once a line of stderr begins with `word`; give back status, stdout, all of stderr."""
    seen = []
    for line in child.stderr:
        seen.append(line)
        if line.startswith(word):
            break
    child.send_signal(number)
    out, rest = child.communicate(timeout=60)
    return child.returncode, out, "".join(seen) + rest


@pytest.fixture(scope="module")
def reference(trained, tmp_path_factory):
    out = tmp_path_factory.mktemp("reference") / "run"
    ran = pellucid("train", trained.data, *RUN, "--out", out, "--json")
    assert ran.code == 0, ran.err
    return out


def assert_the_same(first, second):
    one, two = (package.load(folder / "model.onnx") for folder in (first, second))
    assert {name: array.tobytes() for name, array in one.network.weights.items()} == {
        name: array.tobytes() for name, array in two.network.weights.items()
    }
    assert one.card.figures == two.card.figures
    histories = [
        [
            {k: v for k, v in json.loads(line).items() if k not in ("rate", "seconds")}
            for line in (folder / "history.jsonl").read_text().splitlines()
        ]
        for folder in (first, second)
    ]
    assert histories[0] == histories[1]


def test_stopped_saved_and_gone_on_with(trained, reference, tmp_path):
    """The command that the message names is typed as it stands, from the same folder, and stopped once more."""
    child = start(trained.data, *RUN, "--out", "my run", "--json", cwd=tmp_path)
    code, out, err = interrupt_after(child, "epoch   3/400")
    assert (code, out) == (1, ""), err
    error = strict_json(err.splitlines()[-1])
    assert error["error"] == "Interrupted"
    assert "saved" in error["what"]
    assert not (tmp_path / "my run" / "model.onnx").exists()
    assert (tmp_path / "my run" / "checkpoint").is_dir()
    command = shlex.split(error["remedy"].removeprefix("go on with: "))
    assert command[:2] == ["pellucid", "train"]

    code, _, err = interrupt_after(start(*command[2:], cwd=tmp_path), "epoch  20/400")
    assert code == 1, err
    ran = pellucid(*command[1:], cwd=tmp_path)
    assert ran.code == 0, ran.err
    assert "going on after epoch" in ran.err
    assert "epoch   1/400" not in ran.err
    assert_the_same(reference, tmp_path / "my run")
    assert not (tmp_path / "my run" / "checkpoint").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_ended_from_outside_and_gone_on_with_from_another_folder(trained, reference, tmp_path, number):
    """The data was named from where the run was begun."""
    out = tmp_path / "run"
    child = start("digits", *RUN, "--out", out, cwd=trained.data.parent)
    code, _, err = interrupt_after(child, "epoch   9/400", number)
    assert code == (1 if number == signal.SIGTERM else -number), err
    ran = pellucid("train", "--resume", out, cwd=tmp_path)
    assert ran.code == 0, ran.err
    assert_the_same(reference, out)


@pytest.mark.parametrize("seconds", [0.15, 0.4, 0.7])
def test_stopped_while_it_starts(trained, tmp_path, seconds):
    """Nothing is there yet to be saved: a plain end, no traceback, no talk of a defect."""
    child = start(trained.data, *RUN, "--out", tmp_path / "run")
    time.sleep(seconds)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=60)
    assert child.returncode in (1, 130, -signal.SIGINT)
    assert "Traceback" not in err
    assert "defect" not in err


def test_stopped_while_predicting(trained):
    child = subprocess.Popen(
        [COMMAND, "predict", trained.model, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    time.sleep(1)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=60)
    assert child.returncode in (1, 130, -signal.SIGINT)
    assert "Traceback" not in err
    assert "defect" not in err


def test_a_run_on_arrays_says_that_it_cannot_be_gone_on_with_here(trained, tmp_path):
    """A folder whose settings name arrays: the command line doesn't have them."""
    settings = json.loads((trained.folder / "settings.json").read_text()) | {"data": "arrays"}
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "settings.json").write_text(json.dumps(settings))
    ran = pellucid("train", "--resume", tmp_path / "run", "--json")
    assert (ran.code, ran.out) == (1, "")
    assert "arrays" in ran.error["what"]
