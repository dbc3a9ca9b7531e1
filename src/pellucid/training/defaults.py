"""What a run uses where nothing was asked: decided from the pictures alone, before any of them is trained on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from pellucid.images import Source
from pellucid.images.threads import cpu_count
from pellucid.training.settings import AugmentationSettings, Settings

LARGEST_SIDE = 64  # for folders of photographs: what a CPU trains in minutes
SMALLEST_SIDE = 16
MUON_SHARE = 0.05  # of a step's mult-adds: Muon's own are at most so many where it is chosen
HARD_WORK = 10**13  # mult-adds forward: some minutes on two cores


@dataclass(frozen=True)
class Facts:
    """What the defaults depend on: the usual picture's size, and how many there are."""

    height: int
    width: int
    channels: int
    same_size: bool
    classes: tuple[str, ...]
    train: int = 0


def resolve_size(settings: Settings, facts: Facts) -> Settings:
    """The size and channels that every picture is brought to.

    Pictures that are all of one size of at most 64 keep it; others become squares of 64, or of their shorter side
    where that is less.
    """
    height, width = settings.height, settings.width
    if height is None and width is None:
        if facts.same_size and max(facts.height, facts.width) <= LARGEST_SIDE:
            height, width = facts.height, facts.width
        else:
            height = width = min(max(min(facts.height, facts.width), SMALLEST_SIDE), LARGEST_SIDE)
    channels = settings.channels or facts.channels
    return settings.model_copy(
        update={"height": height or width, "width": width or height, "channels": channels}
    )


def resolve_training(settings: Settings, facts: Facts, mult_adds: int, muon: int) -> Settings:
    """Epochs, batch size, optimiser, learning rate, augmentation and threads, for this many pictures to train on.

    `mult_adds` of the network for one picture bound how much longer a hard task may take; `muon`, those of a step of
    Muon, decide whether it is worth them.
    """
    epochs = settings.epochs or default_epochs(facts.train)
    hard = settings.hard_epochs or epochs
    if settings.epochs is None and settings.hard_epochs is None:
        hard = default_hard_epochs(epochs, facts.train, mult_adds)
    batch = min(settings.batch_size or default_batch(facts.train), max(facts.train, 1))
    optimiser = settings.optimiser or default_optimiser(settings, mult_adds * batch, muon)
    values = {
        "epochs": epochs,
        "hard_epochs": hard,
        "batch_size": batch,
        "optimiser": optimiser,
        "learning_rate": settings.learning_rate or default_rate(optimiser, batch),
        "patience": settings.patience or max(5, hard // 3),
        "augmentation": settings.augmentation or default_augmentation(facts),
        "threads": settings.threads or cpu_count(),
        "device": "cpu" if settings.device == "auto" else settings.device,
    }
    return settings.model_copy(update=values)


def default_epochs(train: int) -> int:
    """Enough to pass 280,000 pictures, from 5 to 60 epochs."""
    return min(max(round(280_000 / max(train, 1)), 5), 60)


def default_hard_epochs(epochs: int, train: int, mult_adds: int) -> int:
    """Four times as many, up to 60, and up to HARD_WORK in all; never fewer."""
    affordable = HARD_WORK // max(train * mult_adds, 1)
    return max(min(4 * epochs, 60, affordable), epochs)


def default_batch(train: int) -> int:
    """256, or less where an epoch would have fewer than 16 steps."""
    batch = 256
    while batch > 16 and train / batch < 16:
        batch //= 2
    return batch


def default_optimiser(settings: Settings, forward: int, muon: int) -> Literal["muon", "adamw"]:
    """Muon where its mult-adds are few beside those of a batch, `forward` and twice as many back.

    AdamW elsewhere, and for weights to start from: Muon's steps are as long however small the gradient is.
    """
    return "muon" if 0 < muon <= MUON_SHARE * 3 * forward and not settings.start_from else "adamw"


def default_rate(optimiser: str, batch: int) -> float:
    """The schedule's peak; it grows with the square root of the batch size."""
    return {"sgd": 0.1}.get(optimiser, 0.006) * (batch / 256) ** 0.5


def default_augmentation(facts: Facts) -> AugmentationSettings:
    """Characters are shifted, turned and zoomed a little, never mirrored; other pictures may be mirrored."""
    if are_characters(facts.classes):
        return AugmentationSettings(shift=0.08, rotate=10, zoom=0.1)
    if facts.channels == 1:
        return AugmentationSettings(shift=0.05, rotate=3, zoom=0.05, flip=True)
    return AugmentationSettings(shift=0.08, rotate=5, zoom=0.1, flip=True, brightness=0.1, contrast=0.2)


def are_characters(classes: tuple[str, ...]) -> bool:
    """Whether the classes are named as digits and letters are: `7`, `a`, `B`."""
    return all(re.fullmatch(r"\w", name) for name in classes)


def facts_of(source: Source, shapes: list[tuple[int, int, int]]) -> Facts:
    """The facts, from (height, width, channels) of some pictures spread over the whole source."""
    heights, widths = sorted(s[0] for s in shapes), sorted(s[1] for s in shapes)
    return Facts(
        height=heights[len(heights) // 2],
        width=widths[len(widths) // 2],
        channels=3 if any(s[2] == 3 for s in shapes) else 1,
        same_size=len({s[:2] for s in shapes}) == 1,
        classes=source.classes,
    )
