"""Work in threads: each place once, errors and Ctrl-C come out, progress is sparing."""

import threading
import time

import pytest

from pellucid.images.threads import in_threads


def test_each_place_once() -> None:
    done: list[int] = []
    in_threads(5000, done.append)
    assert sorted(done) == list(range(5000))
    in_threads(0, done.append)
    assert len(done) == 5000


def test_the_first_error_stops_all() -> None:
    done: list[int] = []

    def work(place: int) -> None:
        if place == 50:
            raise ValueError("the fiftieth")
        done.append(place)
        time.sleep(0.0005)

    before = threading.active_count()
    with pytest.raises(ValueError, match="the fiftieth"):
        in_threads(100_000, work)
    assert len(done) < 10_000
    assert threading.active_count() == before


def test_an_interrupt_in_progress_stops_all() -> None:
    def progress(done: int, total: int) -> None:
        raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        in_threads(100_000, lambda _: time.sleep(0.001), progress)
    assert threading.active_count() == before


def test_progress_is_sparing_and_ends_with_the_whole() -> None:
    calls: list[tuple[int, int]] = []
    began = time.monotonic()
    in_threads(3000, lambda _: time.sleep(0.0002), lambda done, total: calls.append((done, total)))
    seconds = time.monotonic() - began
    assert calls[-1] == (3000, 3000)
    assert len(calls) <= seconds * 10 + 3
    assert calls == sorted(calls)
