"""The set-up script, the checks and the Makefile, tried in a copy with stand-ins for the tools they call."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent

# A python3 that answers what .ci/environment asks; the python of the environment it makes logs its calls.
PYTHON = """#!/bin/bash
here=$(dirname "$0")
case "$*" in
*print*) echo {version} ;;
*"< (3, 11)"*) exit {too_old} ;;
*ensurepip*) [ -e "$here/has-ensurepip" ] ;;
"-m venv .venv")
    mkdir -p .venv/bin
    cat > .venv/bin/python <<'END'
#!/bin/bash
case "$*" in
*--version) ;;
*) echo "$*" >> calls; [ ! -e pip-fails ] ;;
esac
END
    chmod +x .venv/bin/python ;;
esac
"""


def script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def copy(tmp_path):
    """A copy of the project's set-up files, beside a folder `tools` that stands first on the path."""
    project = tmp_path / "project"
    shutil.copytree(TOP / ".ci", project / ".ci")
    for name in ("Makefile", "pyproject.toml", "constraints.txt", "hatch_build.py"):
        shutil.copy(TOP / name, project / name)
    script(tmp_path / "tools" / "python3", PYTHON.format(version="3.11", too_old=0))
    script(tmp_path / "tools" / "id", "#!/bin/bash\necho 1000\n")
    (tmp_path / "tools" / "has-ensurepip").touch()
    (project / "web").mkdir()
    (project / "web" / "package-lock.json").touch()
    script(tmp_path / "tools" / "node", "#!/bin/bash\nexit 0\n")
    script(tmp_path / "tools" / "npm", "#!/bin/bash\necho npm was here\nexit 0\n")
    return project


def call(project: Path, *command: str) -> subprocess.CompletedProcess[str]:
    tools = project.parent / "tools"
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "PYTHON"))}
    return subprocess.run(
        command,
        cwd=project,
        env=clean | {"PATH": f"{tools}:{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_setting_up_and_again(copy):
    assert call(copy, "make", ".venv/.ready-run").returncode == 0
    assert "-e .[fast]" in (copy / "calls").read_text()
    assert call(copy, "make", ".venv/.ready-dev").returncode == 0
    calls = (copy / "calls").read_text().splitlines()
    assert len(calls) == 2
    assert "-c constraints.txt -e .[torch,fast,dev]" in calls[1]

    call(copy, "make", ".venv/.ready-run", ".venv/.ready-dev")
    assert len((copy / "calls").read_text().splitlines()) == 2, "nothing has changed: nothing to do"

    stamp = (copy / ".venv" / ".ready-dev").stat().st_mtime
    os.utime(copy / "constraints.txt", (stamp + 5, stamp + 5))
    call(copy, "make", ".venv/.ready-dev")
    assert len((copy / "calls").read_text().splitlines()) == 3


def test_an_environment_whose_python_is_gone_is_made_again(copy):
    (copy / ".venv" / "bin").mkdir(parents=True)
    (copy / ".venv" / "bin" / "python").symlink_to("/nowhere/python3.10")
    done = call(copy, "make", ".venv/.ready-run")
    assert done.returncode == 0
    assert "making .venv again" in done.stdout


def test_half_an_environment_is_not_left_behind(copy):
    failing = PYTHON.replace("chmod +x .venv/bin/python ;;", "exit 1 ;;")
    script(copy.parent / "tools" / "python3", failing.format(version="3.11", too_old=0))
    done = call(copy, "make", ".venv/.ready-run")
    assert "python3 could not make a virtual environment" in done.stderr
    assert not (copy / ".venv").exists()


def test_a_failed_set_up_leaves_no_stamp(copy):
    (copy / "pip-fails").touch()
    done = call(copy, "make", ".venv/.ready-dev")
    assert done.returncode != 0
    assert "the set-up stopped" in done.stderr
    assert list((copy / ".venv").glob(".ready*")) == []


def test_an_environment_that_was_moved_is_made_again(copy):
    call(copy, "make", ".venv/.ready-run")
    moved = copy.rename(copy.parent / "moved")
    done = call(moved, "make", ".venv/.ready-run")
    assert done.returncode == 0
    assert "making .venv again" in done.stdout
    assert (moved / "calls").read_text().count("install") == 2
    assert "up to date" in call(moved, "make", ".venv/.ready-run").stdout


def test_an_old_python(copy):
    script(copy.parent / "tools" / "python3", PYTHON.format(version="3.10", too_old=1))
    done = call(copy, "make", "test")
    assert done.returncode != 0
    assert "pellucid: Python 3.11 or newer is needed; python3 is 3.10.\n" in done.stderr
    assert "try: make PYTHON=python3.12" in done.stderr
    assert not (copy / ".venv").exists()


def test_no_python(copy):
    done = call(copy, "make", "test", "PYTHON=python3.99")
    assert done.returncode != 0
    assert "pellucid: python3.99 isn't here. Python 3.11 or newer is needed.\n" in done.stderr


def test_no_compiler(copy, monkeypatch):
    monkeypatch.setenv("CXX", "c++-99")
    done = call(copy, ".ci/environment", "run")
    assert done.returncode == 1
    assert "pellucid has parts in C++, and there is no compiler here (c++-99).\n" in done.stderr
    assert "try: sudo apt-get install g++, or CXX=/path/to/clang++\n" in done.stderr
    assert not (copy / ".venv").exists()


def test_changed_sources_are_compiled_again(copy):
    script(copy / "native" / "module.cpp", "")
    call(copy, "make", ".venv/.ready-run")
    stamp = (copy / ".venv" / ".ready-run").stat().st_mtime
    os.utime(copy / "native" / "module.cpp", (stamp + 5, stamp + 5))
    call(copy, "make", ".venv/.ready-run")
    assert len((copy / "calls").read_text().splitlines()) == 2


def test_no_venv_package_and_no_root(copy):
    (copy.parent / "tools" / "has-ensurepip").unlink()
    done = call(copy, ".ci/environment", "run")
    assert done.returncode == 1
    assert "Debian's package python3.11-venv is missing.\n" in done.stderr
    assert "try: sudo apt-get install python3.11-venv\n" in done.stderr
    assert not (copy / ".venv").exists()


@pytest.mark.parametrize("installs", [True, False])
def test_no_venv_package_but_root(copy, installs):
    tools = copy.parent / "tools"
    (tools / "has-ensurepip").unlink()
    script(tools / "id", "#!/bin/bash\necho 0\n")
    works = f"[ $1 = update ] || touch {tools}/has-ensurepip" if installs else "exit 100"
    script(tools / "apt-get", f'#!/bin/bash\necho "$*" >> {tools}/apt-calls\n{works}\n')
    done = call(copy, ".ci/environment", "run")
    assert "installing Debian's package python3.11-venv" in done.stdout
    if installs:
        assert done.returncode == 0
        assert (tools / "apt-calls").read_text().splitlines()[1].endswith(" python3.11-venv")
    else:
        assert done.returncode == 1
        assert "apt-get could not install python3.11-venv" in done.stderr


def tool(project: Path, name: str, status: int, says: str = "") -> None:
    script(project / ".venv" / "bin" / name, f"#!/bin/bash\necho '{says}'\nexit {status}\n")


def test_checks_that_pass(copy):
    for name in ("ruff", "lint-imports", "pyright"):
        tool(copy, name, 0)
    done = call(copy, ".ci/check")
    assert done.returncode == 0
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["lint", "ok"],
        ["format", "ok"],
        ["imports", "ok"],
        ["types", "ok"],
    ]


def test_a_check_that_fails_is_shown_whole_and_the_others_run(copy):
    for name, status in (("ruff", 1), ("lint-imports", 0), ("pyright", 0)):
        tool(copy, name, status, "src/pellucid/a.py:1: wrong")
    done = call(copy, ".ci/check")
    assert done.returncode == 1
    assert "src/pellucid/a.py:1: wrong" in done.stdout
    assert "types    ok" in done.stdout
    assert done.stdout.endswith("checks failed: lint format\n")


def test_types_that_cannot_be_checked_are_named(copy):
    tool(copy, "ruff", 0)
    tool(copy, "lint-imports", 0)
    tool(copy, "pyright", 1, "no node here")
    done = call(copy, ".ci/check")
    assert done.returncode == 0
    assert done.stdout.endswith("NOT CHECKED  types: pyright doesn't start, it needs node (no node here)\n")


def test_the_front_end_is_checked_tested_and_built(copy):
    done = call(copy, ".ci/explorer")
    assert done.returncode == 0
    steps = [["packages", "ok"], ["svelte", "ok"], ["vitest", "ok"], ["build", "ok"]]
    assert [line.split() for line in done.stdout.splitlines()] == steps
    script(copy.parent / "tools" / "npm", '#!/bin/bash\n[ "$1" != test ] || { echo it is wrong; exit 1; }\n')
    done = call(copy, ".ci/explorer")
    assert done.returncode == 1
    assert "vitest   FAILED: npm test\nit is wrong\n" in done.stdout and "build    ok" in done.stdout


def test_a_front_end_that_cannot_be_built_here_is_named(copy):
    script(copy.parent / "tools" / "node", '#!/bin/bash\n[ "$1" = --version ] && echo v18.1.0 || exit 1\n')
    done = call(copy, ".ci/explorer")
    assert done.returncode == 0
    assert done.stdout.startswith("NOT BUILT    explorer: node is v18.1.0, 20 or newer is needed")


@pytest.mark.parametrize(
    ("checks", "web", "tests", "ends"), [(0, 0, 0, 0), (1, 0, 0, 2), (0, 1, 0, 2), (0, 0, 1, 2)]
)
def test_make_test_fails_when_any_of_them_does(copy, checks, web, tests, ends):
    call(copy, ".ci/environment", "dev")
    script(copy / ".ci" / "explorer", f"#!/bin/bash\nexit {web}\n")
    script(copy / ".ci" / "check", f"#!/bin/bash\nexit {checks}\n")
    script(copy / ".venv" / "bin" / "python", f"#!/bin/bash\necho pytest was here\nexit {tests}\n")
    done = call(copy, ".ci/run")
    assert done.returncode == ends
    assert done.stdout.endswith("pytest was here\n")


def test_make_alone_lists_the_targets(copy):
    done = call(copy, "make")
    assert [line.split()[1] for line in done.stdout.splitlines() if line.startswith("make ")] == [
        "help",
        "run",
        "explorer",
        "test",
        "check",
        "sanitize",
        "docs",
        "proof",
        "clean",
    ]


def test_make_sanitize_builds_and_tests_for_memory_and_for_threads(copy):
    # A compiler whose sanitizers are no libraries: the loader says so and goes on, as bash can't run under them.
    script(copy.parent / "tools" / "c++", "#!/bin/bash\necho $0\n")
    call(copy, ".ci/environment", "dev")
    (copy / "calls").unlink()
    done = call(copy, "make", "sanitize")
    assert done.returncode == 0, done.stderr
    calls = [
        line for line in (copy / "calls").read_text().splitlines() if "sanitize" in line or "pytest" in line
    ]
    kinds = [line.split("/build/sanitize/")[1].split()[0] for line in calls[::2]]
    assert kinds == ["address", "thread"]
    assert all("-m pytest" in line and "tests/engines/native" in line for line in calls[1::2])
    (copy / "pip-fails").touch()
    assert call(copy, "make", "sanitize").returncode != 0


def test_make_proof_runs_all_and_names_what_failed(copy):
    call(copy, ".ci/environment", "dev")
    script(copy / ".venv" / "bin" / "python", '#!/bin/bash\n[[ "$1" != *b.py ]]\n')
    for name in ("a.py", "b.py", "c.py", "_shared.py"):
        script(copy / "proof" / name, "")
    script(copy / "benchmarks" / "requirements.txt", "")
    script(copy / ".venv-peers" / ".ready", "")  # as if what the benchmarks compare with were set up
    done = call(copy, "make", "proof")
    assert done.returncode != 0
    assert [line for line in done.stdout.splitlines() if line.startswith("==")] == [
        "== proof/a.py",
        "== proof/b.py",
        "== proof/c.py",
    ]
    assert "not proven: proof/b.py\n" in done.stderr
