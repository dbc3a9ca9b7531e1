"""`pellucid` as its users call it: in this process for speed, or as a process of its own where that matters."""

import contextlib
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMMAND = Path(sys.executable).with_name("pellucid")


@dataclass(frozen=True)
class Ran:
    """How a command ended: exit status, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document that stdout is, on one line."""
        assert self.out.endswith("\n") and self.out.count("\n") == 1, f"not one line: {self.out!r}"
        return strict_json(self.out)

    @property
    def lines(self) -> list[Any]:
        """The JSON documents of stdout, one a line."""
        return [strict_json(line) for line in self.out.splitlines()]

    @property
    def error(self) -> dict[str, str]:
        """The JSON error that ends stderr."""
        return strict_json(self.err.splitlines()[-1])


def strict_json(text: str) -> Any:
    """JSON as other languages read it: NaN and Infinity are none."""

    def refuse(word: str) -> None:
        raise ValueError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


def pellucid(*arguments: str | Path, stdin: bytes = b"", cwd: Path | None = None) -> Ran:
    """Run the command line in this process, its streams as strict about UTF-8 as a pipe's."""
    from pellucid.faces.cli import main

    out = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
    err = io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace", write_through=True)
    before = sys.argv, sys.stdin
    sys.argv = ["pellucid", *map(str, arguments)]
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin), "utf-8")
    place = contextlib.chdir(cwd) if cwd else contextlib.nullcontext()
    code = 0
    try:
        with place, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.argv, sys.stdin = before
    ran = Ran(code, *(stream.buffer.getvalue().decode() for stream in (out, err)))  # type: ignore[attr-defined]
    assert "Traceback" not in ran.err, ran.err
    return ran


def pellucid_process(*arguments: str | Path, cwd: Path | None = None, **variables: str) -> Ran:
    """Run the installed command, with these environment variables changed."""
    done = subprocess.run(
        [COMMAND, *arguments],
        cwd=cwd,
        env=os.environ | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=120,
    )
    ran = Ran(
        done.returncode, *(text.decode(errors="backslashreplace") for text in (done.stdout, done.stderr))
    )
    assert "Traceback" not in ran.err, ran.err
    return ran
