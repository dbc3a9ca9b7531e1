"""Pictures in: reading files, finding them with their classes, and dividing them."""

from pellucid.images.reading import picture_digest, read_picture
from pellucid.images.sources import ArraySource, FileSource, Source, class_order, open_source
from pellucid.images.split_table import SplitTable, read_split, write_split
from pellucid.images.splitting import Split, split

__all__ = [
    "ArraySource",
    "FileSource",
    "Source",
    "Split",
    "SplitTable",
    "class_order",
    "open_source",
    "picture_digest",
    "read_picture",
    "read_split",
    "split",
    "write_split",
]
