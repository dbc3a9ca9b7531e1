"""Proof 13: whatever the disk refuses while a run writes, nothing is lost, and nothing is called saved that isn't.

One undisturbed run is observed below the C library (proof/_fault.c, put before it with LD_PRELOAD): every file and
folder that it writes, by every call. Then, for each file, each call on it (open, write, flush, resize, rename, mkdir,
remove) and each of ENOSPC, EACCES and EIO: a run in which that call fails, the first time and from the last time on.
It must end with exit status 1, name the path, say what to do, and say nothing of "saved"; an older run beside it
must keep its bytes, and what lies in the new run's folder must be whole; once the disk is well again, going on must
end in the undisturbed run's bits. Where pellucid goes on without the file (EXCEPTIONS), the run must end as if
nothing had been. The same for what predict and evaluate write to a file behind stdout.

    python proof/faults.py            writes proof/results/faults.json and .md
    python proof/faults.py --short    one call and one error for each file
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from _record import TOP, Options, conclude, options, table
from kills import outcome, write_digits

from pellucid.errors import PellucidError
from pellucid.model import ModelFile
from pellucid.training.checkpoint import load_checkpoint
from pellucid.training.tensorboard import _records, _step_of

ERRORS = ("ENOSPC", "EACCES", "EIO")
OLDER, NEW = "runs/older", "runs/new"
# (call, file, why): here the run goes on, and ends as if nothing had been.
EXCEPTIONS = (
    ("*", "cache/index*", "without an index of the pictures' contents the next run is slower, no more"),
    ("remove", f"{NEW}/checkpoint*", "an old checkpoint that stays does no harm"),
    ("mkdir", "*", "the folder is there already: the call would only say so"),
)
# Written with the clock's times; the rest of a run's folder is the same bytes every time.
TIMED = ("history.jsonl", "model.onnx", "report.html", "tensorboard/*", "checkpoint/*")
_TEMPORARY = re.compile(r"\.(.+)\.\d+-[0-9a-f]{8}\.tmp")
_PARTIAL = re.compile(r"\.partial-\d+-[0-9a-f]{6}")


@dataclass(frozen=True)
class Call:
    """One kind of call on one file: its path (temporary names under the file's own), as a pattern, and how often."""

    operation: str
    file: str
    pattern: str
    count: int


@dataclass(frozen=True)
class Fault:
    """That call fails with this error from the `first`th time on."""

    call: Call
    error: str
    first: int

    def __str__(self) -> str:
        return f"{self.call.operation} {self.call.file}, {self.error} from call {self.first} of {self.call.count}"


class Bench:
    """A folder to work in, and the process that runs commands below the shim."""

    def __init__(self, folder: Path):
        self.folder, self.root, self.data = folder, folder / "case", folder / "digits"
        shim = folder / "fault.so"
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        assert compiler
        subprocess.run(
            [compiler, "-shared", "-fPIC", "-O2", "-o", shim, TOP / "proof" / "_fault.c", "-ldl"], check=True
        )
        write_digits(self.data, 150)
        self.server = subprocess.Popen(
            [sys.executable, TOP / "proof" / "_fault_server.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"LD_PRELOAD": str(shim), "PELLUCID_CACHE": str(self.root / "cache")},
        )

    def command(self, out: str) -> list[str]:
        """The run that is disturbed: small, with everything that a run can write."""
        return ["train", str(self.data), "--network", "flatten, dense 10", "--epochs", "2", "--threads", "1",
                "--tensorboard", "--out", out]  # fmt: skip

    def run(
        self, arguments: Sequence[str], out: Path | None = None, **variables: str
    ) -> tuple[int, str, str]:
        """(exit status, stdout, stderr) of a command in the case's folder."""
        out, err = out or self.folder / "out.txt", self.folder / "err.txt"
        order = {"arguments": list(arguments), "cwd": str(self.root), "out": str(out), "err": str(err),
                 "variables": variables}  # fmt: skip
        assert self.server.stdin and self.server.stdout
        self.server.stdin.write(json.dumps(order) + "\n")
        self.server.stdin.flush()
        code = int(self.server.stdout.readline())
        return code, out.read_text(errors="backslashreplace"), err.read_text(errors="backslashreplace")

    def begin(self) -> None:
        """A fresh case: an older, finished run in it, and an empty cache."""
        shutil.rmtree(self.root, ignore_errors=True)
        self.root.mkdir()
        if (self.folder / "older").is_dir():
            shutil.copytree(self.folder / "older", self.root / OLDER)

    def observe(self, arguments: Sequence[str]) -> list[Call]:
        """Every kind of call by which this command changes files."""
        log = self.folder / "calls.txt"
        log.unlink(missing_ok=True)
        code, _, err = self.run(arguments, PELLUCID_FAULT_ROOT=str(self.root), PELLUCID_FAULT_LOG=str(log))
        if code:
            raise SystemExit(f"the undisturbed run ended with {code}\n{err}")
        found: Counter[tuple[str, str, str]] = Counter()
        for line in log.read_text().splitlines():
            operation, path = line.split("\t")
            if Path(path) == self.root or (Path(path).parent == self.root and operation == "flush"):
                continue
            name = str(Path(path).relative_to(self.root))
            file = _PARTIAL.sub("", "/".join(_TEMPORARY.sub(r"\1", part) for part in name.split("/")))
            pattern = re.sub(r"([\[\]?*\\])", r"\\\1", str(self.root)) + "/" + re.sub(
                r"\.\d+-[0-9a-f]{8}\.tmp", ".*.tmp", _PARTIAL.sub(".partial-*", name)
            )  # fmt: skip
            found[operation, file, pattern] += 1
        return [Call(*key, count) for key, count in sorted(found.items())]

    def with_fault(
        self, fault: Fault, arguments: Sequence[str], out: Path | None = None
    ) -> tuple[int, str, str]:
        """The command, that call failing."""
        return self.run(
            arguments, out, PELLUCID_FAULT_ROOT=str(self.root), PELLUCID_FAULT_OP=fault.call.operation,
            PELLUCID_FAULT_PATH=fault.call.pattern, PELLUCID_FAULT_FROM=str(fault.first),
            PELLUCID_FAULT_ERRNO=str(getattr(errno, fault.error)),
        )  # fmt: skip


def faults(calls: Sequence[Call], short: bool) -> Iterator[Fault]:
    """All of them; in short, for each file one call and one error, in turn."""
    if short:
        files = sorted({call.file for call in calls})
        for number, file in enumerate(files):
            of_file = [call for call in calls if call.file == file]
            call = of_file[number % len(of_file)]
            yield Fault(call, ERRORS[number % 3], call.count if number % 2 else 1)
        return
    for call in calls:
        for first in sorted({1, call.count}):
            for error in ERRORS:
                yield Fault(call, error, first)


def tree(folder: Path) -> dict[str, str]:
    """Every file below a folder, with the digest of its bytes."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*")) if path.is_file()
    }  # fmt: skip


def result(run: Path) -> dict:
    """What has to be the same in the end, however the run came there."""
    files = tree(run)
    steps = {}
    for name in files:
        if name.startswith("tensorboard/"):
            steps[name] = [_step_of(event) for event, _ in _records((run / name).read_bytes())]
    plain = {name: digest for name, digest in files.items() if not any(fnmatch(name, p) for p in TIMED)}
    return outcome(run) | {"files": sorted(files), "bytes": plain, "steps": steps}


def unsound(run: Path) -> list[str]:
    """What in a run's folder is not whole."""
    wrong = []
    try:
        load_checkpoint(run)
        if (run / "model.onnx").exists():
            ModelFile.read(run / "model.onnx")
    except PellucidError as error:
        wrong.append(str(error))
    for name in ("settings.json", "history.jsonl"):
        if (run / name).exists():
            try:
                for text in (
                    (run / name).read_text().splitlines()
                    if name.endswith("l")
                    else [(run / name).read_text()]
                ):
                    json.loads(text)
            except ValueError as error:
                wrong.append(f"{name}: {error}")
    return wrong + [f"{path.name} was left" for path in run.rglob("*.tmp")]


def named(err: str, fault: Fault, root: Path) -> bool:
    """Whether the message's `where` is the file, its folder (of the cache: any folder of it), or, where a folder was
    refused, what was to be written into it."""
    found = re.search(r"^where\s+(.*)$", err, re.MULTILINE)
    if not found:
        return False
    where, target = (root / _PARTIAL.sub("", found[1])).absolute(), root / fault.call.file
    if target.is_relative_to(root / "cache") and where.is_relative_to(root / "cache"):
        return target.is_relative_to(where) or where.is_relative_to(target)
    return where == target.parent or where.is_relative_to(target)


def refusal(fault: Fault, ran: tuple[int, str, str], root: Path) -> list[str]:
    """What is wrong with how a command told that the disk refused."""
    code, out, err = ran
    wrong = [f"exit status {code}"] if code != 1 else []
    if "Traceback" in err or "defect" in err:
        wrong.append(f"not an error of ours: {err[-400:]}")
    if not (re.search(r"^error\s", err, re.MULTILINE) and re.search(r"^try\s", err, re.MULTILINE)):
        wrong.append(f"no error with a remedy: {err[-400:]!r}")
    if not named(err, fault, root):
        wrong.append(f"the message does not name the path: {err[-300:]!r}")
    if "saved" in out:
        wrong.append("it says saved")
    return wrong


def excepted(fault: Fault) -> str:
    """Why a run goes on in spite of this fault; empty where it must not."""
    for operation, pattern, why in EXCEPTIONS:
        there = operation != "mkdir" or fault.first > 1 or fault.call.file == "runs"
        if there and fnmatch(fault.call.operation, operation) and fnmatch(fault.call.file, pattern):
            return why
    return ""


def disturbed(bench: Bench, fault: Fault, reference: dict, older: dict) -> tuple[str, list[str]]:
    """One run with the fault, and one without: (how it ended, what is wrong)."""
    bench.begin()
    run = bench.root / NEW
    ran = bench.with_fault(fault, bench.command(NEW))
    why = excepted(fault)
    if ran[0] == 0 and why:
        how, wrong = f"went on: {why}", []
    else:
        how, wrong = "exit status 1", refusal(fault, ran, bench.root)
    if tree(bench.root / OLDER) != older:
        wrong.append("the older run has changed")
    if run.is_dir():
        # What can't be removed stays.
        wrong += [line for line in unsound(run) if fault.call.operation != "remove" or "left" not in line]
    if ran[0] == 0:
        left_over = [name for name in result(run)["files"] if name.startswith("checkpoint/")]
        if left_over:
            shutil.rmtree(run / "checkpoint")
    else:
        begun = (run / "settings.json").exists()
        code, out, err = bench.run(["train", "--resume", NEW] if begun else bench.command(NEW))
        if code or "saved" not in out:
            return how, [*wrong, f"going on ended with {code}: {err[-400:]}"]
    if result(run) != reference:
        different = [key for key, value in result(run).items() if value != reference[key]]
        wrong.append(f"not the undisturbed run's: {', '.join(different)}")
    return how, wrong


def behind_stdout(bench: Bench, arguments: Sequence[str], short: bool) -> list[tuple[Fault, list[str]]]:
    """A verb whose stdout is a file on a disk that is full, or broken."""
    rows = []
    out = bench.root / "answers.txt"
    call = Call("write", "answers.txt", str(out), 1)
    for error in ("ENOSPC",) if short else ("ENOSPC", "EIO"):
        fault = Fault(call, error, 1)
        code, _, err = bench.with_fault(fault, arguments, out)
        wrong = [] if code == 1 else [f"exit status {code}"]
        if "standard output" not in err or "Traceback" in err:
            wrong.append(f"the message does not name standard output: {err[-300:]!r}")
        rows.append((fault, wrong))
    return rows


def main(argv: Sequence[str]) -> int:
    given: Options = options(argv, __doc__)
    if not sys.platform.startswith("linux") or not (
        shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    ):
        print("NOT CHECKED: faults below the C library need Linux and a C compiler (cc, gcc or clang)")
        return 0
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name).resolve())
        bench.begin()
        code, _, err = bench.run(bench.command(OLDER))
        if code:
            raise SystemExit(f"the older run ended with {code}\n{err}")
        shutil.copytree(bench.root / OLDER, bench.folder / "older")
        older = tree(bench.folder / "older")
        bench.begin()
        calls = bench.observe(bench.command(NEW))
        reference = result(bench.root / NEW)
        rows, wrong = [], []
        for fault in faults(calls, given.short):
            how, found = disturbed(bench, fault, reference, older)
            rows.append((fault, how, not found))
            wrong += [f"{fault}: {line}" for line in found]
            print(f"{fault}: {how}{''.join(f'; WRONG: {line}' for line in found)}", file=sys.stderr)
        bench.begin()
        verbs = (["predict", f"{OLDER}/model.onnx", str(bench.data), "--csv"],
                 ["evaluate", f"{OLDER}/model.onnx", "--json"])  # fmt: skip
        for arguments in verbs:
            for fault, found in behind_stdout(bench, arguments, given.short):
                rows.append((fault, f"{arguments[0]}: exit status 1", not found))
                wrong += [f"{arguments[0]}: {fault}: {line}" for line in found]
        assert bench.server.stdin
        bench.server.stdin.close()
        bench.server.wait()
    files = sorted({call.file for call in calls})
    lines = []
    for file in files:
        of_file = [row for row in rows if row[0].call.file == file]
        hows = Counter(how for _, how, _ in of_file)
        lines.append((
            f"`{file}`", ", ".join(sorted({call.operation for call in calls if call.file == file})), len(of_file),
            "; ".join(f"{count} x {how}" for how, count in hows.items()), sum(not good for *_, good in of_file),
        ))  # fmt: skip
    body = (
        f"{len(rows)} faults in {len(files)} files and folders that a run writes; "
        f"{sum(good for *_, good in rows)} of them ended as they should.\n\n"
        + table(["file", "calls", "faults:", "ended", "wrong:"], lines)
    )  # fmt: skip
    figures = {
        "n": len(rows), "seed": 0, "files": files,
        "faults": [{"fault": str(fault), "ended": how, "good": good} for fault, how, good in rows],
    }  # fmt: skip
    return conclude("faults", "The disk refuses", given, figures, body, wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
