"""From pictures to a model file: one visible loop that yields what happens."""

from pellucid.training.events import Event, Finished
from pellucid.training.folder import new_folder, resumed_folder
from pellucid.training.interrupt import interruptible
from pellucid.training.own_test import own_test_part, validation_answers
from pellucid.training.run import train
from pellucid.training.settings import Settings, make_settings, read_settings

__all__ = [
    "Event",
    "Finished",
    "Settings",
    "interruptible",
    "make_settings",
    "new_folder",
    "own_test_part",
    "read_settings",
    "resumed_folder",
    "train",
    "validation_answers",
]
