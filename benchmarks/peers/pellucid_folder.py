"""pellucid's own way from a folder to batches: find, decode into the cache, split, then rows of it, scaled.

python -m peers.pellucid_folder FOLDER HEIGHTxWIDTH
"""

from __future__ import annotations

import os
import sys
import tempfile
import time

import numpy as np
import torch

from peers.measuring import report_epochs
from pellucid import __version__, draws
from pellucid.engines.torch.memory import keep_freed_memory
from pellucid.engines.torch.pictures import Pictures
from pellucid.images import open_source
from pellucid.images.jpeg import decoder_version
from pellucid.training.data import load_data
from pellucid.training.settings import Settings

BATCH = 64


def main(folder: str, size: str) -> None:
    height, width = (int(side) for side in size.split("x"))
    # The workers' threads are Python's; torch's own would only stand in their way, as within the engine.
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    with tempfile.TemporaryDirectory() as cache:
        os.environ["PELLUCID_CACHE"] = cache
        begin = time.perf_counter()
        data = load_data(
            Settings(data=folder, height=height, width=width, channels=3), open_source(folder), None
        )
        keep_freed_memory()  # as the engine does when it is made
        scaling = data.preprocessing
        made = Pictures(
            data.cache.pixels, np.float32(scaling.scale), np.float32(scaling.shift), torch.device("cpu")
        )
        seconds, pictures, total = [], 0, 0.0
        for epoch in range(2):
            order = torch.from_numpy(draws.permutation(len(data.source), 0, 0, epoch))
            pictures, total = 0, 0.0
            for rows in order.split(BATCH):
                batch = made.plain(rows)
                pictures += len(batch)
                total += float(batch[:, :, 0, 0].mean()) * len(batch)
            now = time.perf_counter()
            seconds.append(now - begin)
            begin = now
    settings = {
        "pellucid": __version__, "batch": BATCH, "size": size, "threads": len(os.sched_getaffinity(0)),
        "decoder": decoder_version() or "Pillow, full size", "resize": "the model's own, antialiased",
    }  # fmt: skip
    report_epochs("pellucid", settings, seconds, pictures, total / pictures)


if __name__ == "__main__":
    main(*sys.argv[1:3])
