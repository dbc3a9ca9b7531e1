"""What goes where and how it ends: stdout for data, stderr for the rest, the exit status for scripts."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.cli import COMMAND, pellucid, pellucid_process, strict_json

FULL = Path("/dev/full")
WRONG_CALLS = [
    ["nope"], ["--nope"], ["train", "--nope"], ["train", "a", "b"], ["evaluate"], ["predict"], ["predict", "m"],
    ["summary"], ["train", "--epochs", "many"], ["train", "--epochs"], ["predict", "m", "p", "--top", "0"],
    ["predict", "m", "p", "--threshold", "1.5"], ["predict", "m", "p", "--threshold", "x"],
    ["summary", "vgg16", "--classes", "0"],
]  # fmt: skip


@pytest.mark.parametrize("arguments", WRONG_CALLS, ids=" ".join)
def test_a_wrong_call_ends_with_2(arguments):
    for json in ([], ["--json"]):
        ran = pellucid(*arguments, *json)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "no such folder"], ["train", "--resume", "no such run"], ["train", "--settings", "none.json"],
        ["evaluate", "none.onnx"], ["predict", "none.onnx", "x.png"], ["summary", "none.onnx"],
        ["summary", "conv", "--input", "8x8x1"], ["train", "--epochs", "0"], ["train", "--size", "x"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_an_error_ends_with_1_and_says_what_to_do(arguments, tmp_path):
    """All of what, where or received, and the remedy; as one JSON object with --json."""
    plain = pellucid(*arguments, cwd=tmp_path)
    assert (plain.code, plain.out) == (1, "")
    assert plain.err.startswith("error     ")
    ran = pellucid(*arguments, "--json", cwd=tmp_path)
    assert (ran.code, ran.out) == (1, "")
    assert len(ran.err.splitlines()) == 1
    assert {"error", "what", "remedy"} <= set(ran.error)
    assert {"where", "received"} & set(ran.error)
    assert set(ran.error) <= {"error", "what", "where", "received", "remedy"}
    for name, text in ran.error.items():
        assert name == "error" or text.split()[-1] in plain.err


def test_help_and_version():
    assert "train" in pellucid("--help").out
    assert pellucid("-h").out == pellucid("--help").out
    assert pellucid("--version").out.startswith("pellucid 0")
    for verb in ("train", "evaluate", "predict", "summary"):
        ran = pellucid(verb, "--help")
        assert (ran.code, ran.err) == (0, "")
        assert "--json" in ran.out
    nothing = pellucid()
    assert nothing.code == 2
    assert "train" in nothing.out + nothing.err


def test_the_traceback_only_with_debug(tmp_path):
    done = subprocess.run(
        [COMMAND, "train", "no such folder", "--debug"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" in done.stderr


@pytest.mark.parametrize("verb", ["predict", "evaluate", "summary", "--help"])
def test_a_reader_who_has_seen_enough(trained, verb):
    """`pellucid ... | head -n 1` ends quietly."""
    rest = {"predict": [trained.model, trained.data], "evaluate": [trained.model], "summary": ["vgg19"]}
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [COMMAND, verb, *rest.get(verb, [])], stdout=write, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(write)
    assert done.stderr == ""


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
@pytest.mark.parametrize("verb", ["predict", "evaluate", "summary"])
def test_a_full_disk_behind_stdout(trained, verb):
    rest = {"predict": [trained.model, trained.data], "evaluate": [trained.model], "summary": ["vgg19"]}
    with FULL.open("wb") as full:
        done = subprocess.run(
            [COMMAND, verb, *rest[verb], "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    error = strict_json(done.stderr.splitlines()[-1])
    assert error["error"] == "StorageError"
    assert "no space left" in error["what"].lower()


def test_colour_only_on_a_terminal(trained):
    """Piped, there is no escape sequence, also if the surroundings ask for colour elsewhere."""
    ran = pellucid_process("evaluate", trained.model, TERM="xterm-256color", FORCE_COLOR="")
    assert "\x1b" not in ran.out + ran.err
    wrong = pellucid_process("evaluate", "none.onnx", TERM="xterm-256color")
    assert "\x1b" not in wrong.err


@pytest.mark.parametrize("columns", [60, 120])
def test_on_a_terminal_there_is_a_bar_and_it_fits(trained, tmp_path, columns):
    """A pseudo-terminal on stderr: the result stays on stdout, and no line of the bar is cut or without its bar."""
    pty = pytest.importorskip("pty", reason="no pseudo-terminals on this system")
    import fcntl
    import struct
    import termios

    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    arguments = ["train", trained.data, "--network", "mlp", "--epochs", "2", "--threads", "1"]
    child = subprocess.Popen(
        [COMMAND, *arguments, "--out", tmp_path / "run", "--json"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=side,
        # Without the width that a test runner may have set for its own: the terminal's counts.
        env={name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        | {"TERM": "xterm-256color"},
    )
    os.close(side)
    seen = b""
    try:
        while piece := os.read(main, 65536):
            seen += piece
    except OSError:  # Linux: the other side is closed
        pass
    os.close(main)
    assert child.stdout is not None
    out = child.stdout.read()
    assert child.wait() == 0, seen.decode()
    assert strict_json(out.decode())["test"]["count"] == 30
    drawn = re.sub(r"\x1b\[[0-9;?]*m", "", seen.decode())
    bars = [
        line for line in re.split(r"\r|\n|\x1b\[[0-9;?]*[A-Za-z]", drawn) if line.rstrip().endswith("left")
    ]
    assert bars
    for line in bars:
        assert "━" in line or "╸" in line or "╺" in line
        assert "…" not in line
        assert len(line.rstrip()) <= columns
    shown = [line for line in drawn.splitlines() if "│" in line]
    assert "loss (log scale)" in drawn and "accuracy" in drawn, "the curves at the end"
    assert len(shown) == (6 if columns == 120 else 12)
    assert all(len(re.sub(r".*\x1b\[[0-9;?]*[A-Za-z]|.*\r", "", line).rstrip()) <= columns for line in shown)


def test_nothing_but_the_torch_engine_needs_torch(trained):
    """The core install has none: here it can't be imported."""
    block = "import sys; sys.modules['torch'] = None; from pellucid.faces.cli import main; main()"

    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-c", block, *arguments], capture_output=True, text=True, check=False
        )

    assert run("predict", trained.model, trained.data / "1").returncode == 0
    assert run("evaluate", trained.model).returncode == 0
    assert run("summary", trained.model).returncode == 0
    without = trained.folder.parent / "without"
    train = run("train", trained.data, "--network", "mlp", "--out", without)
    assert train.returncode == 0, train.stderr
    assert "native" in train.stderr
    assert (without / "model.onnx").is_file()
    asked = run(
        "train", trained.data, "--network", "mlp", "--engine", "torch", "--out", without.parent / "torch"
    )
    assert asked.returncode == 1
    assert "PyTorch" in asked.stderr
    assert "pip install 'pellucid[torch]'" in asked.stderr
