"""The house's rules, each with a proof that its check can fail: imports run down, start-up stays light, no
pickles, no overlong files, every public name documented."""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pellucid

TOP = Path(__file__).resolve().parent.parent
SOURCE = TOP / "src" / "pellucid"
MODULES = sorted(SOURCE.rglob("*.py"))

HEAVY = {"numpy", "onnx", "onnxruntime", "torch", "PIL"}
# What a room may import beyond the standard library and pellucid; rooms not listed are free.
OUTSIDE = {
    "errors": set(),
    "storage": set(),
    "draws": {"numpy"},
    "network": {"numpy"},
    "filters": {"numpy"},
    "evaluation": {"numpy"},
}
# What only one place may import.
ONLY = {"torch": "engines/torch", "typer": "faces", "rich": "faces"}
# Anything that can run code while it loads data.
UNSAFE_MODULES = {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
UNSAFE_CALLS = {"torch.load", "torch.save", "eval", "exec"}
# torch.load stands here alone, without pickle's freedom, for bytes whose SHA-256 was checked.
LOADS_WEIGHTS = "engines/torch/pretrained.py"


def imported(tree: ast.AST) -> set[str]:
    """The full names of all modules that a file imports, anywhere in it."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def outsiders(path: str, source: str) -> set[str]:
    """The packages that the file at `path` (below src/pellucid) imports and should not."""
    packages = {name.split(".")[0] for name in imported(ast.parse(source))}
    packages -= sys.stdlib_module_names | {"pellucid"}
    room = path.split("/")[0].removesuffix(".py")
    wrong = packages - OUTSIDE[room] if room in OUTSIDE else set()
    return wrong | {name for name in packages & set(ONLY) if not path.startswith(ONLY[name])}


def unsafe(source: str, path: str = "") -> set[str]:
    """What in the file at `path` (below src/pellucid) could run code that came with the data."""
    tree = ast.parse(source)
    found = {name for name in imported(tree) if name.split(".")[0] in UNSAFE_MODULES}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            call = ast.unparse(node.func)
            words = {word.arg: ast.unparse(word.value) for word in node.keywords if word.arg}
            safe = call == "torch.load" and path == LOADS_WEIGHTS and words.get("weights_only") == "True"
            if call in UNSAFE_CALLS and not safe:
                found.add(call)
            if words.get("allow_pickle", "False") != "False":
                found.add("allow_pickle")
    return found


def too_long(source: str) -> bool:
    """More than 500 lines, and no word at the top on why."""
    lines = source.splitlines()
    return len(lines) > 500 and "over 500 lines" not in " ".join(lines[:20]).lower()


def loaded_after(code: str) -> set[str]:
    """The top-level packages that a fresh interpreter has loaded after running `code`."""
    report = "import json, sys; print(json.dumps(sorted(sys.modules)), file=sys.__stderr__)"
    program = f"try:\n    {code}\nexcept SystemExit:\n    pass\n{report}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {name.split(".")[0] for name in json.loads(done.stderr.splitlines()[-1])}


def lint_imports(source: Path) -> subprocess.CompletedProcess[str]:
    """The import contract of pyproject.toml, held against the package in the folder `source`."""
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--config", TOP / "pyproject.toml"],
        capture_output=True,
        text=True,
        check=False,
        cwd=source,
        env=os.environ | {"PYTHONPATH": str(source)},
    )


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_keeps_the_rules(path):
    source = path.read_text()
    assert outsiders(path.relative_to(SOURCE).as_posix(), source) == set()
    assert unsafe(source, path.relative_to(SOURCE).as_posix()) == set()
    assert not too_long(source), "over 500 lines: split it, or say why at its top"
    assert ast.get_docstring(ast.parse(source)), "a module says in a docstring what it is"


@pytest.mark.parametrize("folder", ["tests", "proof", "benchmarks", "examples"])
def test_no_overlong_files_elsewhere(folder):
    paths = list((TOP / folder).rglob("*.py"))
    assert [str(path) for path in paths if too_long(path.read_text())] == []


@pytest.mark.parametrize(
    ("path", "source", "wrong"),
    [
        ("network/graph.py", "def f():\n    import onnx.helper", {"onnx"}),
        ("network/graph.py", "import numpy, json\nfrom pellucid import errors", set()),
        ("errors.py", "import numpy", {"numpy"}),
        ("training/loop.py", "from torch import nn", {"torch"}),
        ("engines/torch/train.py", "from torch import nn", set()),
        ("model/file.py", "import rich.table", {"rich"}),
    ],
)
def test_the_check_of_outside_imports_can_fail(path, source, wrong):
    assert outsiders(path, source) == wrong


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import pickle", {"pickle"}),
        ("from joblib import load", {"joblib"}),
        ("weights = torch.load(path)", {"torch.load"}),
        ("np.load(path, allow_pickle=True)", {"allow_pickle"}),
        ("np.load(path, allow_pickle=False)", set()),
        ("eval(text)", {"eval"}),
        ("network.eval()", set()),
    ],
)
def test_the_check_of_pickles_can_fail(source, found):
    assert unsafe(source) == found


@pytest.mark.parametrize(
    ("path", "source", "found"),
    [
        (LOADS_WEIGHTS, "torch.load(data, weights_only=True)", set()),
        (LOADS_WEIGHTS, "torch.load(data)", {"torch.load"}),
        (LOADS_WEIGHTS, "torch.load(data, weights_only=trusted)", {"torch.load"}),
        ("engines/torch/trainer.py", "torch.load(data, weights_only=True)", {"torch.load"}),
    ],
)
def test_torch_load_is_allowed_in_one_place_and_for_weights_only(path, source, found):
    assert unsafe(source, path) == found


def test_the_check_of_length_can_fail():
    assert too_long("x = 1\n" * 501)
    assert not too_long("x = 1\n" * 500)
    assert not too_long("# Over 500 lines: one table, easier to read whole.\n" + "x = 1\n" * 600)


def test_imports_run_down():
    done = lint_imports(TOP / "src")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("path", "source", "says"),
    [
        ("errors.py", "import pellucid.faces.cli", "not allowed to import"),
        ("utils.py", '"""A module without a place in the house."""', "pellucid.utils"),
    ],
)
def test_the_import_contract_can_fail(tmp_path, path, source, says):
    shutil.copytree(SOURCE, tmp_path / "pellucid", ignore=shutil.ignore_patterns("__pycache__", "*.gz"))
    with (tmp_path / "pellucid" / path).open("a") as file:
        file.write(f"\n{source}\n")
    done = lint_imports(tmp_path)
    assert done.returncode != 0
    assert says in done.stdout


@pytest.mark.parametrize(
    "code",
    [
        "import pellucid",
        "import sys; sys.argv = ['pellucid', '--help']; from pellucid.faces.cli import main; main()",
    ],
    ids=["import pellucid", "pellucid --help"],
)
def test_starting_loads_nothing_heavy(code):
    assert loaded_after(code) & HEAVY == set()


def test_the_check_of_heavy_imports_can_fail():
    assert loaded_after("import pellucid, numpy") & HEAVY == {"numpy"}


@pytest.mark.parametrize("name", pellucid.__all__)
def test_a_public_name_is_there_and_documented(name):
    thing = getattr(pellucid, name)
    if name != "__version__":
        assert (thing.__doc__ or "").strip()
    assert name in dir(pellucid)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = pellucid.no_such_name
