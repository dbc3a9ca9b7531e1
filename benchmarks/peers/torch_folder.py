"""A torch DataLoader over a folder of JPEGs: Pillow, two workers that stay, batches brought to float in one go.

The workers send uint8 and the scaling is done a batch at a time, which is quicker than the usual float tensors.
    python -m peers.torch_folder FOLDER HEIGHTxWIDTH [draft]
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from peers.measuring import report_epochs

BATCH, WORKERS = 64, 2
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Folder(Dataset):
    """Class folders, as torchvision's ImageFolder lists them; `draft` lets libjpeg shrink while it decodes."""

    def __init__(self, root: Path, size: tuple[int, int], draft: bool):
        classes = sorted(entry.name for entry in root.iterdir() if entry.is_dir())
        self.files = [
            (str(file), label)
            for label, name in enumerate(classes)
            for file in sorted((root / name).iterdir())
        ]
        self.size, self.draft = size, draft

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        file, label = self.files[index]
        with Image.open(file) as picture:
            if self.draft:
                picture.draft("RGB", self.size)
            small = picture.convert("RGB").resize(self.size, Image.Resampling.BILINEAR)
        return torch.from_numpy(np.array(small)), label


def main(folder: str, size: str, draft: bool) -> None:
    height, width = (int(side) for side in size.split("x"))
    scale = 1 / (255 * torch.tensor(DEVIATION))
    shift = -torch.tensor(MEAN) / torch.tensor(DEVIATION)
    begin = time.perf_counter()
    generator = torch.Generator().manual_seed(0)
    loader = DataLoader(
        Folder(Path(folder), (width, height), draft), batch_size=BATCH, shuffle=True, num_workers=WORKERS,
        persistent_workers=True, prefetch_factor=4, generator=generator,
    )  # fmt: skip
    seconds, pictures, total = [], 0, 0.0
    for _ in range(2):
        pictures, total = 0, 0.0
        for raw, _ in loader:
            batch = torch.addcmul(shift, raw.float(), scale).permute(0, 3, 1, 2)
            pictures += len(batch)
            total += float(batch[:, :, 0, 0].mean()) * len(batch)
        now = time.perf_counter()
        seconds.append(now - begin)
        begin = now
    settings = {
        "torch": torch.__version__, "workers": WORKERS, "batch": BATCH, "size": size,
        "decoder": "Pillow, shrunk while decoding (draft)" if draft else "Pillow, full size", "resize": "bilinear",
    }  # fmt: skip
    name = "torch DataLoader, draft" if draft else "torch DataLoader"
    report_epochs(name, settings, seconds, pictures, total / pictures)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], draft="draft" in sys.argv[3:])
