"""Where the cache lies, and how large it may grow."""

import os
from pathlib import Path

import numpy as np
import pytest

from pellucid.errors import SettingsError
from pellucid.training import cache_store


def publish(folder: Path, name: str, used: int) -> Path:
    """A small entry, last used at that time."""
    place = folder / "pictures" / (name * 32)
    partial = cache_store.Partial(place.parent, 4, (2, 3, 1))
    try:
        with partial.pixel_file() as file:
            file.write(1, np.arange(18, dtype=np.uint8).reshape(3, 2, 3, 1))
        partial.finish(np.zeros((4, 16), dtype=np.uint8), {0: "why"})
        entry = partial.publish(place)
    finally:
        partial.close()
    assert entry.pixels[1:].ravel().tolist() == list(range(18))
    assert not entry.pixels[0].any()
    assert entry.reasons == {0: "why"}
    os.utime(place / "meta.json", (used, used))
    return place


def test_those_used_longest_ago_are_removed_first(tmp_path: Path) -> None:
    places = {name: publish(tmp_path, name, 1000 + i) for i, name in enumerate("abcd")}
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "x.npz").write_bytes(b"x" * 10)
    os.utime(tmp_path / "index" / "x.npz", (500, 500))
    (tmp_path / "pictures" / "notes").mkdir()  # none of ours
    cache_store.mark_used(places["a"])
    size = sum(path.stat().st_size for path in places["a"].iterdir())
    assert cache_store.remove_oldest(tmp_path, 4 * size + 10, keep=places["d"]) is None
    assert (tmp_path / "index" / "x.npz").exists()
    cache_store.remove_oldest(tmp_path, 4 * size, keep=places["d"])
    assert not (tmp_path / "index" / "x.npz").exists()
    cache_store.remove_oldest(tmp_path, 4 * size - 1, keep=places["b"])
    assert [name for name, place in places.items() if place.exists()] == ["a", "b", "d"]
    cache_store.remove_oldest(tmp_path, 0, keep=places["b"])
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == ["b" * 32, "notes"]


def test_leftovers_of_the_dead_are_removed_and_the_living_left(tmp_path: Path) -> None:
    living = cache_store.Partial(tmp_path, 4, (2, 3, 1))
    dead = cache_store.Partial(tmp_path, 4, (2, 3, 1))
    assert dead._held is not None
    os.close(dead._held)
    (tmp_path / "x.removed-1-abc").mkdir()
    (tmp_path / "y.partial-1-abc").mkdir()  # just made, its lock about to come
    (tmp_path / "z.partial-1-abc").mkdir()
    os.utime(tmp_path / "z.partial-1-abc", (1000, 1000))
    cache_store.remove_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [living.folder.name, "y.partial-1-abc"]
    living.close()


@pytest.mark.parametrize(
    ("text", "limit"),
    [("", 20 * 10**9), ("1000", 1000), ("500MB", 5 * 10**8), ("1.5 gb", 15 * 10**8), ("2TB", 2 * 10**12)],
)
def test_limits(text: str, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PELLUCID_CACHE_LIMIT", text)
    assert cache_store.cache_limit() == limit


@pytest.mark.parametrize("text", ["much", "-1", "1XB", "1e9", "nan", "9" * 30])
def test_bad_limits(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PELLUCID_CACHE_LIMIT", text)
    with pytest.raises(SettingsError) as caught:
        cache_store.cache_limit()
    assert (caught.value.where, caught.value.received) == ("PELLUCID_CACHE_LIMIT", text)
