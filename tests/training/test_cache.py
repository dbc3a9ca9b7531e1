"""The cache: the right pixels, found again, and never anything half."""

import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile
from skimage import data

from pellucid.errors import DataError, StorageError
from pellucid.images import Source, contents, open_source, picture_digest
from pellucid.training import cache_store
from pellucid.training.cache import Cache, open_cache

SHAPE = (8, 6, 3)


def prepare(pixels: np.ndarray) -> np.ndarray:
    """Nearest neighbour to SHAPE, grey to colour: small, and easy to say again in the tests."""
    rows = np.arange(8) * pixels.shape[1] // 8
    columns = np.arange(6) * pixels.shape[2] // 6
    small = pixels[:, rows][:, :, columns]
    return np.ascontiguousarray(np.broadcast_to(small, (*small.shape[:3], 3)))


class Counting:
    """`prepare`, counting its calls."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        self.sizes.append(len(pixels))
        return prepare(pixels)


PATCHES = {
    f"{name}/{i}.{'jpg' if i % 2 else 'png'}": picture[30 * i : 30 * i + 20 + 7 * i, 50 * i : 50 * i + 33 + i]
    for name, picture in [
        ("astronaut", data.astronaut()),
        ("camera", data.camera()),
        ("coffee", data.coffee()),
    ]
    for i in range(4)
}


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """Twelve real patches as JPEG and PNG, colour and grey, of many sizes."""
    for name, patch in PATCHES.items():
        path = tmp_path / "photographs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(patch).save(path)
    return tmp_path / "photographs"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def opened(source: Source | Path, folder: Path, count: Counting | None = None, extra: str = "") -> Cache:
    source = source if isinstance(source, Source) else open_source(source)
    return open_cache(source, count or prepare, extra, SHAPE, folder=folder)


def entries(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "pictures").iterdir())


def check(cache: Cache, source: Source | Path) -> None:
    """Every value against reading and preparing the pictures one by one."""
    source = source if isinstance(source, Source) else open_source(source)
    assert cache.pixels.shape == (len(source), *SHAPE)
    assert cache.pixels.dtype == np.uint8
    bad = {path for path, _ in cache.unreadable}
    for i in range(len(source)):
        if source.path(i) in bad:
            assert not cache.readable[i] and not cache.pixels[i].any() and not cache.digests[i].any()
        else:
            pixels = source.read(i)
            assert np.array_equal(cache.pixels[i], prepare(pixels[None])[0])
            assert cache.digests[i].tobytes() == picture_digest(pixels)
            assert cache.readable[i]


def test_pictures_come_prepared_and_in_order(photographs: Path, folder: Path) -> None:
    cache = opened(photographs, folder)
    assert cache.filled
    check(cache, photographs)
    assert cache.unreadable == ()
    assert cache.fingerprint == open_source(photographs).fingerprint
    assert len(cache.digests) == len({row.tobytes() for row in cache.digests}) == 12
    assert cache.folder and cache.folder.parent == folder / "pictures"
    assert entries(folder) == [cache.folder.name]
    assert sorted(path.name for path in cache.folder.iterdir()) == ["digests.bin", "meta.json", "pixels.npy"]
    assert np.array_equal(np.load(cache.folder / "pixels.npy"), cache.pixels)


def test_a_second_run_starts_at_once(
    photographs: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = contents.time.time_ns
    monkeypatch.setattr(contents.time, "time_ns", lambda: real() + 10 * 10**9)  # as if the files were old
    first = opened(photographs, folder)
    read: list[str] = []
    real_hash = contents.hash_file
    monkeypatch.setattr(contents, "hash_file", lambda path: [read.append(path), real_hash(path)][1])
    count = Counting()
    second = opened(photographs, folder, count)
    assert not second.filled
    assert count.sizes == [] and read == []
    assert np.array_equal(second.pixels, first.pixels)
    assert np.array_equal(second.digests, first.digests)
    assert second.fingerprint == first.fingerprint


def test_labels_are_not_in_the_key(photographs: Path, folder: Path) -> None:
    first = opened(photographs, folder)
    (photographs / "coffee").rename(photographs / "cup")
    second = opened(photographs, folder)
    assert second.folder == first.folder
    assert second.fingerprint != first.fingerprint


def test_what_is_in_the_key(photographs: Path, folder: Path) -> None:
    keys = {opened(photographs, folder).folder, opened(photographs, folder, extra="crop").folder}
    other = open_cache(open_source(photographs), lambda p: prepare(p)[:, :4], "", (4, 6, 3), folder=folder)
    keys.add(other.folder)
    Image.fromarray(PATCHES["coffee/2.png"][:20, :20]).save(photographs / "camera" / "0.png")
    keys.add(opened(photographs, folder).folder)
    (photographs / "camera" / "9.png").write_bytes((photographs / "camera" / "0.png").read_bytes())
    keys.add(opened(photographs, folder).folder)
    assert len(keys) == 5
    check(opened(photographs, folder), photographs)


def test_bad_pictures_are_listed_with_their_reasons(photographs: Path, folder: Path) -> None:
    whole = (photographs / "coffee" / "1.jpg").read_bytes()
    (photographs / "camera" / "a.png").write_bytes(b"")
    (photographs / "camera" / "b.jpg").write_bytes(whole[: len(whole) // 2])
    (photographs / "coffee" / "c.png").write_bytes(b"\0\0\0\x1cftypavif")
    source = open_source(photographs)
    (photographs / "coffee" / "3.jpg").unlink()
    expected = (
        ("camera/a.png", "The file is empty"),
        ("camera/b.jpg", "The picture is cut short"),
        ("coffee/3.jpg", "There is no such file"),
        ("coffee/c.png", "Not a JPEG, PNG, WebP, GIF, BMP or TIFF picture, but an AVIF picture"),
    )
    for filled in (True, False):
        cache = opened(source, folder)
        assert cache.filled is filled
        assert cache.unreadable == expected
        check(cache, source)


def test_nothing_readable_is_an_error(tmp_path: Path, folder: Path) -> None:
    for name in ["a/1.png", "b/2.png"]:
        (tmp_path / "bad" / name).parent.mkdir(parents=True)
        (tmp_path / "bad" / name).write_bytes(b"no")
    with pytest.raises(DataError) as caught:
        opened(tmp_path / "bad", folder)
    assert caught.value.what == "None of the pictures can be read"
    assert caught.value.received == "2 files; a/1.png: Not a JPEG, PNG, WebP, GIF, BMP or TIFF picture"
    assert entries(folder) == []


def test_arrays_of_the_wanted_shape_are_used_as_they_are(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PELLUCID_CACHE", str(folder))
    images = np.random.default_rng(0).integers(0, 256, (600, *SHAPE), dtype=np.uint8)
    source = open_source((images, np.arange(600) % 2))
    calls: list[tuple[int, int]] = []
    cache = open_cache(source, None, "", SHAPE, progress=lambda *call: calls.append(call))
    assert np.shares_memory(cache.pixels, images)
    assert cache.folder is None
    assert not folder.exists()
    assert calls[-1] == (600, 600)
    assert cache.digests[599].tobytes() == picture_digest(images[599])
    assert cache.readable.all() and cache.unreadable == ()
    assert cache.fingerprint == source.fingerprint
    with pytest.raises(ValueError, match="prepare=None"):
        open_cache(source, None, "", (8, 6, 1))


def test_other_arrays_go_through_prepare_in_batches(folder: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (600, 11, 9), dtype=np.uint8)
    source = open_source((images, np.arange(600) % 2))
    count = Counting()
    cache = opened(source, folder, count)
    assert sorted(count.sizes) == [88, 256, 256]
    check(cache, source)
    count = Counting()
    assert not opened(open_source((images.copy(), np.arange(600) % 3)), folder, count).filled
    assert count.sizes == []


def test_a_large_cache_is_mapped(photographs: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_store, "MAP_ABOVE", 100)
    for _ in range(2):
        cache = opened(photographs, folder)
        assert isinstance(cache.pixels.base, np.memmap)
        assert not cache.pixels.flags.writeable
        check(cache, photographs)
    monkeypatch.undo()
    assert not isinstance(opened(photographs, folder).pixels.base, np.memmap)


@pytest.mark.parametrize("name", ["pixels.npy", "digests.bin", "meta.json"])
@pytest.mark.parametrize("damage", ["cut", "longer", "gone", "flipped", "folder"])
def test_a_damaged_entry_is_filled_anew(photographs: Path, folder: Path, name: str, damage: str) -> None:
    first = opened(photographs, folder)
    assert first.folder
    path = first.folder / name
    whole = path.read_bytes()
    if damage == "cut":
        path.write_bytes(whole[:-1])
    elif damage == "longer":
        path.write_bytes(whole + b"\0")
    elif damage == "flipped":  # in the header, of pixels.npy
        path.write_bytes(whole[:70] + bytes([whole[70] ^ 8]) + whole[71:])
    else:
        path.unlink()
        if damage == "folder":
            path.mkdir()
    second = opened(photographs, folder)
    assert second.filled
    check(second, photographs)
    assert entries(folder) == [first.folder.name]
    assert not opened(photographs, folder).filled


def test_an_entry_with_a_good_checksum_and_other_numbers_is_not_used(photographs: Path, folder: Path) -> None:
    first = opened(photographs, folder)
    assert first.folder
    path = first.folder / "meta.json"
    meta = json.loads(path.read_bytes().partition(b"\n")[2])
    for key, value in [("count", 11), ("shape", [8, 6, 1]), ("version", 0), ("digests", "")]:
        body = json.dumps(meta | {key: value}).encode()
        path.write_bytes(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
        assert opened(photographs, folder).filled
        assert not opened(photographs, folder).filled


def test_progress(photographs: Path, folder: Path) -> None:
    calls: list[tuple[int, int]] = []

    def slow(pixels: np.ndarray) -> np.ndarray:
        time.sleep(0.05)
        return prepare(pixels)

    began = time.monotonic()
    source = open_source(photographs)
    open_cache(source, slow, "", SHAPE, progress=lambda *call: calls.append(call), folder=folder)
    assert len(calls) <= 10 * (time.monotonic() - began) + 4
    assert calls.count((12, 12)) == 1  # nothing like it is there: reading is filling
    calls.clear()
    Image.fromarray(PATCHES["coffee/2.png"][:20, :20]).save(photographs / "camera" / "0.png")
    open_cache(source, prepare, "", SHAPE, progress=lambda *call: calls.append(call), folder=folder)
    assert calls.count((12, 12)) == 2  # once for reading, as the earlier entry might do, once for filling
    assert {total for _, total in calls} == {12}


def test_a_file_that_changes_meanwhile_is_an_error(photographs: Path, folder: Path) -> None:
    lock = threading.Lock()
    changed: list[Path] = []

    def changing(pixels: np.ndarray) -> np.ndarray:
        with lock:  # the first picture changes the last ones; other threads wait for that
            if not changed:
                for path in photographs.glob("coffee/*"):
                    changed.append(path)
                    path.write_bytes(path.read_bytes() + b"x")
        return prepare(pixels)

    with pytest.raises(DataError) as caught:
        open_cache(open_source(photographs), changing, "", SHAPE, folder=folder)
    assert caught.value.what == "A picture changed while the pictures were being read"
    assert entries(folder) == []
    for path in photographs.glob("camera/*"):
        os.utime(path)  # only touched: no error
    check(opened(photographs, folder), photographs)


def test_a_mistake_in_prepare_comes_out(photographs: Path, folder: Path) -> None:
    for wrong in [lambda p: prepare(p)[:, :5], lambda p: prepare(p).astype(np.float32)]:
        with pytest.raises(ValueError, match="prepare gave"):
            open_cache(open_source(photographs), wrong, "", SHAPE, folder=folder)
    assert entries(folder) == []


def test_too_little_memory_is_not_written_down(
    photographs: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: object) -> None:
        raise MemoryError

    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
    with pytest.raises(DataError, match="not enough memory"):
        opened(photographs, folder)
    monkeypatch.undo()
    assert opened(photographs, folder).unreadable == ()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EIO, errno.EROFS])
@pytest.mark.parametrize("step", ["posix_fallocate", "pwrite", "fsync", "mkdir", "rename"])
def test_what_the_disk_refuses(
    photographs: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, step: str, code: int
) -> None:
    good = opened(photographs, folder, extra="earlier")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(contents, "write_index", lambda *_: None)  # the index is another matter
    monkeypatch.setattr(Path if step in ("mkdir", "rename") else os, step, refuse)
    with pytest.raises(StorageError) as caught:
        opened(photographs, folder)
    monkeypatch.undo()
    assert caught.value.where.startswith(str(folder))
    assert "set PELLUCID_CACHE to a folder on another disk" in caught.value.remedy
    if code == errno.ENOSPC:
        assert caught.value.what == "There is no space for the picture cache"
        assert caught.value.received.startswith("1,728 bytes needed, ")  # 12 x 8 x 6 x 3
    assert good.folder
    assert entries(folder) == [good.folder.name]
    assert not opened(photographs, folder, extra="earlier").filled
    assert opened(photographs, folder).filled


def test_a_disk_that_is_really_full(photographs: Path, tmp_path: Path) -> None:
    """A tiny disk of its own: an error, never a fatal signal, and nothing left behind."""
    if not shutil.which("unshare"):
        pytest.skip("no unshare here: no real full disk")
    (tmp_path / "disk").mkdir()
    script = textwrap.dedent(f"""
        import numpy as np
        from pathlib import Path
        from pellucid.errors import StorageError
        from pellucid.images import open_source
        from pellucid.training.cache import open_cache
        prepare = lambda pixels: np.zeros((len(pixels), 200, 200, 3), np.uint8)
        try:
            open_cache(open_source({str(photographs)!r}), prepare, "", (200, 200, 3), folder="disk/cache")
        except StorageError as error:
            print(error.what, error.received, error.remedy, sep="|")
        print([path.name for path in Path("disk/cache/pictures").iterdir()])
    """)
    mount = 'mount -t tmpfs -o size=300k tmpfs disk || exit 77; exec "$@"'
    command = ["unshare", "-rm", "sh", "-c", mount, "sh", sys.executable, "-c", script]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    if result.returncode == 77 or "unshare:" in result.stderr:
        pytest.skip(f"a tiny disk can't be mounted here: {result.stderr.strip()}")
    assert result.returncode == 0, result.stderr
    message, left = result.stdout.splitlines()
    assert message.startswith("There is no space for the picture cache|1,440,000 bytes needed, ")
    assert message.endswith(" free|free some space there, or set PELLUCID_CACHE to a folder on another disk")
    assert left == "[]"


FILL = """
import os, sys, time
from pathlib import Path
import numpy as np
from pellucid.images import open_source
from pellucid.training.cache import open_cache
def prepare(pixels):
    rows = np.arange(8) * pixels.shape[1] // 8
    columns = np.arange(6) * pixels.shape[2] // 6
    small = pixels[:, rows][:, :, columns]
    os.write(1, b"one\\n")
    while not Path(sys.argv[3]).exists():
        time.sleep(0.02)
    return np.ascontiguousarray(np.broadcast_to(small, (*small.shape[:3], 3)))
cache = open_cache(open_source(sys.argv[1]), prepare, "", (8, 6, 3), folder=sys.argv[2])
print("filled" if cache.filled else "found", flush=True)
"""


def filling(photographs: Path, folder: Path, until: Path) -> subprocess.Popen[str]:
    """A process that fills the cache, and waits in the midst of it until a file is there."""
    command = [sys.executable, "-c", FILL, str(photographs), str(folder), str(until)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_a_kill_leaves_nothing_that_looks_whole(photographs: Path, folder: Path) -> None:
    process = filling(photographs, folder, until=photographs / "never")
    assert process.stdout
    assert process.stdout.readline() == "one\n"
    assert [".partial-" in name for name in entries(folder)] == [True]
    other = opened(photographs, folder, extra="another")  # meanwhile: the living one's is left alone
    assert other.folder
    assert len(entries(folder)) == 2
    process.kill()
    process.wait()
    assert len(entries(folder)) == 2
    cache = opened(photographs, folder)
    assert cache.filled
    check(cache, photographs)
    assert cache.folder
    assert entries(folder) == sorted([other.folder.name, cache.folder.name])


def test_kills_at_any_moment(photographs: Path, folder: Path) -> None:
    """In this very process's copies, so that a kill can come at each step of the store's own work."""
    for step in ["_write_flushed", "sync_folder"]:
        for nth in range(2):
            pid = os.fork()
            if pid == 0:
                try:
                    calls = [0]
                    real = getattr(cache_store, step)

                    def dying(*args: object, real=real, calls=calls, nth=nth) -> None:
                        if calls[0] == nth:
                            os.kill(os.getpid(), signal.SIGKILL)
                        calls[0] += 1
                        real(*args)

                    setattr(cache_store, step, dying)
                    opened(photographs, folder)
                finally:
                    os._exit(3)
            assert os.WIFSIGNALED(os.waitpid(pid, 0)[1])
            cache = opened(photographs, folder)
            assert cache.filled is not (step == "sync_folder" and nth == 1)  # after the rename it is whole
            check(cache, photographs)
            assert cache.folder
            assert entries(folder) == [cache.folder.name]
            shutil.rmtree(cache.folder)


def test_two_processes_fill_the_same_at_once(photographs: Path, folder: Path) -> None:
    go = folder.with_name("go")
    one, other = filling(photographs, folder, go), filling(photographs, folder, go)
    for process in (one, other):
        assert process.stdout and process.stdout.readline() == "one\n"
    go.touch()
    outputs = [process.communicate(timeout=60)[0].split() for process in (one, other)]
    assert (one.returncode, other.returncode) == (0, 0)
    assert [output[-1] for output in outputs] == ["filled", "filled"]
    assert len(entries(folder)) == 1
    cache = opened(photographs, folder)
    assert not cache.filled
    check(cache, photographs)


def test_the_limit_holds_after_a_fill(
    photographs: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(photographs, folder)
    monkeypatch.setenv("PELLUCID_CACHE_LIMIT", "0")
    last = opened(photographs, folder, extra="another")
    assert last.folder
    assert entries(folder) == [last.folder.name]  # what is in use stays
    assert list((folder / "index").iterdir()) == []
    check(last, photographs)


def test_a_folder_that_can_not_be_made(photographs: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError) as caught:
        opened(photographs, tmp_path / "file" / "cache")
    assert caught.value.where.startswith(str(tmp_path / "file"))
    assert "PELLUCID_CACHE" in caught.value.remedy


def test_a_cache_that_can_only_be_read_is_used(
    photographs: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = opened(photographs, folder)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    for place, name in [(Path, "mkdir"), (os, "utime"), (Path, "replace"), (Path, "rename")]:
        monkeypatch.setattr(place, name, refuse)
    second = opened(photographs, folder)
    assert not second.filled
    assert second.folder == first.folder
