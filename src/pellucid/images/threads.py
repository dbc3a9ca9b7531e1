"""The same work on many pictures, in as many threads as there are CPUs."""

import os
import threading
from collections.abc import Callable

Progress = Callable[[int, int], None]

MOST_THREADS = 32  # each may hold one picture at full size


def cpu_count() -> int:
    """How many CPUs this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_threads(count: int, work: Callable[[int], None], progress: Progress | None = None) -> None:
    """Call work(i) once for every i below `count`; worth it where `work` lets go of Python's lock.

    `progress(done, count)` is called from this thread, about ten times a second and once at the end. The
    first exception stops all threads and is raised here; so does Ctrl-C.
    """
    places = iter(range(count))
    lock = threading.Lock()
    stop = threading.Event()
    failures: list[BaseException] = []
    done = 0

    def run() -> None:
        nonlocal done
        while not stop.is_set():
            with lock:
                place = next(places, None)
            if place is None:
                return
            try:
                work(place)
            except BaseException as error:
                failures.append(error)
                stop.set()
                return
            with lock:
                done += 1

    number = min(cpu_count(), MOST_THREADS, count)
    threads = [threading.Thread(target=run, daemon=True) for _ in range(number)]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            while thread.is_alive():
                thread.join(0.1)
                if progress and thread.is_alive():
                    progress(done, count)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    if failures:
        raise failures[0]
    if progress:
        progress(count, count)
