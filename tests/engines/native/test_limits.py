"""Where the machine gives less than was asked for: memory, threads."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engines.native.test_trainer import SMALL, network_of, opened
from pellucid.engines.contract import Recipe
from pellucid.engines.memory import physical_memory
from pellucid.engines.native import open_trainer, trainer
from pellucid.errors import EngineError
from pellucid.native import native

pytestmark = pytest.mark.skipif(native is None, reason="the compiled part is not built here")

# Trains with 300 threads in room for a few of them, and with one: prints both digests, and how many threads ran.
FEW_THREADS = """
import hashlib, resource
from pathlib import Path
import numpy as np
from pellucid.engines.contract import Batches, Recipe
from pellucid.engines.initial import initial_weights
from pellucid.engines.native import open_trainer
from pellucid.network import Network

network = Network.from_text("conv 8 3x3 pad 1, batchnorm, relu, maxpool 2, flatten, dense 4", (1, 8, 8))
network = network.with_weights(initial_weights(network, 0))
rng = np.random.default_rng(0)
pixels, labels = rng.integers(0, 256, (4800, 8, 8, 1), dtype=np.uint8), rng.integers(0, 4, 4800)
one = np.ones(1, np.float32)

def status(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(name + ":")))

def trained(threads):
    trainer = open_trainer(network, pixels, labels, one / 64, -one, Recipe(batch_size=4800, threads=threads))
    running = status("Threads")
    trainer.steps(Batches(np.arange(4800)[None].repeat(2, 0), np.full(2, 0.01, np.float32)), 0)
    found = hashlib.sha256()
    for name, array in sorted(trainer.state().items()):
        found.update(name.encode() + array.tobytes())
    return found.hexdigest(), running

alone, before = trained(1)
room = status("VmSize") * 1024 + 400 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (room, room))
many, running = trained(300)
print(alone, many, running - before)
"""


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="needs Linux's /proc and its limit of memory"
)
@pytest.mark.skipif(
    "tsan" in os.environ.get("LD_PRELOAD", ""), reason="the thread sanitizer needs memory beyond any limit"
)
def test_threads_that_the_system_does_not_give_are_gone_without():
    done = subprocess.run(
        [sys.executable, "-c", FEW_THREADS], capture_output=True, text=True, check=False, timeout=120,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    alone, many, running = done.stdout.split()
    assert many == alone
    assert 0 < int(running) < 299


def test_more_memory_than_the_machine_has_is_refused(monkeypatch):
    needed = opened().core.bytes
    monkeypatch.setattr(trainer, "physical_memory", lambda: needed)
    opened()
    monkeypatch.setattr(trainer, "physical_memory", lambda: needed - 1)
    with pytest.raises(EngineError) as caught:
        opened()
    assert caught.value.what == "not enough memory for this network and batch size"
    assert caught.value.received.endswith("GiB are needed for batches of 24 and 2 threads, there are 0.0")
    assert caught.value.remedy == "a smaller --batch-size, a smaller --size, or fewer --threads"
    monkeypatch.setattr(trainer, "physical_memory", lambda: 0)  # the system doesn't say
    opened()


def test_the_memory_counted_is_what_steps_write_to():
    """Gradients of a dense layer stand once, whatever the batch; those of convolutions once a group of blocks."""
    pixels, labels = np.zeros((160, 10, 12, 2), np.uint8), np.zeros(160, np.int64)
    scale = np.ones(2, np.float32)

    def size(line, batch):
        network = network_of(line)
        made = open_trainer(network, pixels, labels, scale, scale, Recipe(batch_size=batch, threads=1))
        return made.core.bytes, 4 * made.plan.weights()

    (dense, learned), (few, _) = size("flatten, dense 3000, relu, dense 4", 160), size(SMALL, 16)
    assert 5 * learned < dense < 8 * learned  # weights, two moments, gradients, packed ones and values
    (many, weights) = size(SMALL, 160)
    assert many - few > 5 * 4 * 582, "a set of the two convolutions' gradients for each of 8 groups"
    assert weights


def test_a_containers_limit_counts(monkeypatch, tmp_path):
    from pellucid.engines import memory

    here = physical_memory()
    assert here > 2**28
    for text, expected in (("1048576\n", 2**20), ("max\n", None), ("9223372036854771712\n", None)):
        (tmp_path / "limit").write_text(text)
        monkeypatch.setattr(memory, "_LIMITS", (str(tmp_path / "limit"), str(tmp_path / "none")))
        machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        assert physical_memory() == (expected or machine)
