"""Atomic writing: whole or not at all, whatever stops it."""

import errno
import os
import shutil
import signal
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from pellucid import storage
from pellucid.errors import StorageError
from pellucid.storage import cache_folder, create_held, is_abandoned, shown, write_atomically


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_bytes_and_callables_are_written(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a", b"one")
    write_atomically(str(tmp_path / "b"), lambda file: [file.write(b"two"), None][1])
    assert (tmp_path / "a").read_bytes() == b"one"
    assert (tmp_path / "b").read_bytes() == b"two"
    write_atomically(tmp_path / "a", b"three")
    assert (tmp_path / "a").read_bytes() == b"three"
    assert names(tmp_path) == ["a", "b"]


def test_the_usual_permissions_are_given(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "a", b"x")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    write_atomically(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EIO, errno.EROFS, errno.EDQUOT])
@pytest.mark.parametrize("step", ["open", "write", "fsync", "replace"])
def test_what_the_system_refuses_is_a_storage_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, step: str
) -> None:
    target = tmp_path / "model.onnx"
    target.write_bytes(b"the previous state")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    write = (lambda _: refuse()) if step == "write" else b"new"
    if step == "open":
        monkeypatch.setattr(storage, "create_held", refuse)
    elif step == "fsync":
        monkeypatch.setattr(os, "fsync", refuse)
    elif step == "replace":
        monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(StorageError) as caught:
        write_atomically(target, write)
    monkeypatch.undo()
    assert caught.value.where == str(target)
    assert os.strerror(code)[1:] in caught.value.what
    assert caught.value.remedy and caught.value.remedy != "choose another path"
    assert target.read_bytes() == b"the previous state"
    assert names(tmp_path) == ["model.onnx"]


def test_the_folder_is_flushed_after_the_rename(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    real_fsync, real_replace = os.fsync, Path.replace

    def fsync(descriptor: int) -> None:
        steps.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        real_fsync(descriptor)

    def replace(self: Path, target: Path) -> Path:
        steps.append("rename")
        return real_replace(self, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    write_atomically(tmp_path / "a", b"x")
    assert steps == ["file", "rename", "folder"]


def test_other_exceptions_pass_and_leave_nothing(tmp_path: Path) -> None:
    def write(file: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "a", write)
    assert names(tmp_path) == []


def test_bad_targets(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"x")
    os.mkfifo(tmp_path / "pipe")
    for path, said in [
        (tmp_path / "no" / "such" / "a", "make the folder first"),
        (tmp_path / "folder", "choose another path"),
        (tmp_path / "file" / "a", "folders are all folders"),
        (tmp_path / "pipe", "remove what stands there"),
        (tmp_path / ("x" * 300), "shorter name"),
    ]:
        with pytest.raises(StorageError) as caught:
            write_atomically(path, b"x")
        assert said in caught.value.remedy
        assert caught.value.where == str(path)
    assert names(tmp_path) == ["file", "folder", "pipe"]


def test_a_name_as_long_as_can_be(tmp_path: Path) -> None:
    for name in ["x" * 255, "é" * 127]:
        write_atomically(tmp_path / name, b"x")
        assert (tmp_path / name).read_bytes() == b"x"


WRITE_FOREVER = """
import sys
from pellucid.storage import write_atomically
write_atomically(sys.argv[1], b"old" * 100_000)
def write(file):
    file.write(b"new" * 50_000)
    file.flush()
    print("half", flush=True)
    import time; time.sleep(60)
write_atomically(sys.argv[1], write)
"""


def test_a_kill_leaves_the_previous_file_and_the_next_write_tidies(tmp_path: Path) -> None:
    target = tmp_path / "a"
    process = subprocess.Popen([sys.executable, "-c", WRITE_FOREVER, target], stdout=subprocess.PIPE)
    assert process.stdout
    assert process.stdout.readline() == b"half\n"
    write_atomically(tmp_path / "b", b"x")
    write_atomically(target, b"third")  # while the other one is at it: its temporary file stays
    assert len(names(tmp_path)) == 3
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert target.read_bytes() == b"third"
    assert len(names(tmp_path)) == 3
    write_atomically(target, b"fourth")
    assert names(tmp_path) == ["a", "b"]


def test_a_held_file_is_not_abandoned(tmp_path: Path) -> None:
    descriptor = create_held(tmp_path / "lock")
    assert descriptor is not None
    assert not is_abandoned(tmp_path / "lock")
    os.close(descriptor)
    assert is_abandoned(tmp_path / "lock")
    assert not is_abandoned(tmp_path / "no such file")


def run_on_tiny_disk(folder: Path, script: str, size: str = "200k") -> subprocess.CompletedProcess[str]:
    """Run a script with a real, tiny disk mounted on `folder`, in a namespace of its own."""
    if not shutil.which("unshare"):
        pytest.skip("no unshare here: no real full disk")
    mount = f"mount -t tmpfs -o size={size} tmpfs '{folder}' || exit 77; cd '{folder}'; exec \"$@\""
    command = ["unshare", "-rm", "sh", "-c", mount, "sh", sys.executable, "-c", textwrap.dedent(script)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if result.returncode == 77 or "unshare:" in result.stderr:
        pytest.skip(f"a tiny disk can't be mounted here: {result.stderr.strip()}")
    return result


def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    result = run_on_tiny_disk(
        tmp_path,
        """
        from pathlib import Path
        from pellucid.errors import StorageError
        from pellucid.storage import write_atomically
        write_atomically("a", b"old" * 10_000)
        try:
            write_atomically("a", b"new" * 1_000_000)
        except StorageError as error:
            print(error.what, error.where, error.remedy, sep="|")
        print(Path("a").read_bytes() == b"old" * 10_000, [path.name for path in Path().iterdir()])
        """,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [
        "Can't write: no space left on device|a|"
        "free some space on that disk, or choose a folder on another one",
        "True ['a']",
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("plain name é.png", "plain name é.png"),
        ("two\nlines\tand tabs", "two\\nlines\\tand tabs"),
        (b"latin-\xe9.png", "latin-\\xe9.png"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
    ],
)
def test_shown(name: str | bytes, text: str) -> None:
    assert shown(name) == text
    assert shown(text) == text


def test_where_the_cache_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PELLUCID_CACHE", str(tmp_path / "a"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "b"))
    monkeypatch.setenv("HOME", str(tmp_path / "c"))
    assert cache_folder(tmp_path / "x") == tmp_path / "x"
    assert cache_folder() == tmp_path / "a"
    monkeypatch.delenv("PELLUCID_CACHE")
    if sys.platform == "linux":
        assert cache_folder() == tmp_path / "b" / "pellucid"
        monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/ignored")
        assert cache_folder() == tmp_path / "c" / ".cache" / "pellucid"
