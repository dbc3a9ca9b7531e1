"""How much memory there is to train in."""

from __future__ import annotations

import os
from pathlib import Path

# Where a container's limit stands, for both versions of Linux's control groups.
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def physical_memory() -> int:
    """Bytes of this machine's memory, or of what this container may have of it; 0 where the system doesn't say."""
    try:
        here = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        here = 0
    limits = [limit for path in _LIMITS if (limit := _limit(Path(path)))]
    return min([here, *limits]) if here else min(limits, default=0)


def _limit(path: Path) -> int:
    """The number in a file; 0 where there is none (it says `max` where nothing is limited)."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return 0
