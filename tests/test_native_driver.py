"""The training engine without Python (native/tests): its own driver, and the ARM code under qemu where that is here."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1] / "native" / "tests"
CASES = 4  # networks that the driver trains
CROSS = ("aarch64-linux-gnu-g++", "qemu-aarch64")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="the driver is built by a shell script"),
    pytest.mark.skipif(shutil.which("g++") is None, reason="no g++ here, which builds the driver"),
]


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def driver(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("driver") / "driver"
    done = run(TESTS / "build.sh", path)
    assert (done.returncode, done.stderr) == (0, ""), "it compiles without warnings"
    return path


def test_every_set_agrees_and_threads_change_no_bit(driver):
    done = run(driver)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("with 3 threads as with 1   ok") >= CASES
    assert "TOO FAR" not in done.stdout and "OTHER BITS" not in done.stdout


def test_the_driver_notices_one_wrong_number(driver, tmp_path):
    file = tmp_path / "values"
    assert run(driver, "write", file).returncode == 0
    assert run(driver, "against", file).returncode == 0
    lines = file.read_text().splitlines()
    lines[2] = repr(float(lines[2]) + 0.01)
    file.write_text("\n".join(lines) + "\n")
    done = run(driver, "against", file)
    assert done.returncode == 1
    assert done.stdout.count("TOO FAR") == 1
    file.write_text("\n".join([*lines[:2], "nan", *lines[3:]]) + "\n")
    assert run(driver, "against", file).returncode == 1


@pytest.mark.skipif(
    not all(map(shutil.which, CROSS)),
    reason="no cross compiler or no qemu: apt-get install g++-aarch64-linux-gnu qemu-user",
)
def test_the_arm_code_gives_this_processors_numbers(driver):
    done = run(TESTS / "neon.sh", driver)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.count("neon and the file") == 2 * CASES  # each one's losses and gradients
