"""What holds for all tests: repeatable examples, fair use of the cores, the slow files first."""

import os

import pytest
from hypothesis import settings

# Two test processes on two cores: a thread pool each would only wait on one another. Set before NumPy loads.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# The same examples every time, and no deadline: a busy machine is no defect. HYPOTHESIS_PROFILE=search looks
# for new ones.
settings.register_profile("repeat", deadline=None, derandomize=True, max_examples=100, print_blob=True)
settings.register_profile("search", deadline=None, max_examples=2000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeat"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with a slow test go first, so that none is left alone at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
