"""The directories of a TIFF file: how many pages, and whether the first one's pixels are all there.

Source: TIFF revision 6.0, sections 2, 8 and 15, and the BigTIFF addition of 64-bit offsets.
"""

import struct
from dataclasses import dataclass

from pellucid.errors import DataError
from pellucid.images.formats import CheckSize, Header, check_frames, cut_short, damaged

MAX_PIECES = 100_000  # strips or tiles
_MAX_TAGS = 4096

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_STRIPS, _SAMPLES, _ROWS, _STRIP_BYTES, _PLANAR = 273, 277, 278, 279, 284
_TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES, _SAMPLE_FORMAT = 322, 323, 324, 325, 339
_READ = frozenset(
    {_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _STRIPS, _SAMPLES, _ROWS, _STRIP_BYTES, _PLANAR,
     _TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES, _SAMPLE_FORMAT}
)  # fmt: skip
_WHOLE_NUMBERS = {1: "B", 3: "H", 4: "I", 16: "Q"}  # field types
_WHITE_IS_ZERO, _LAB = 0, (8, 9, 10)

Tags = dict[int, tuple[int, ...]]


@dataclass(frozen=True)
class _Layout:
    """How this file writes its directories."""

    order: str
    big: bool

    def start(self, data: bytes, place: int) -> tuple[int, int]:
        """(number of entries, where the first one stands) of the directory at `place`."""
        count = struct.unpack_from(self.order + ("Q" if self.big else "H"), data, place)[0]
        return count, place + (8 if self.big else 2)

    @property
    def entry(self) -> int:
        """Bytes of an entry."""
        return 20 if self.big else 12

    @property
    def offset(self) -> str:
        return self.order + ("Q" if self.big else "I")


def tiff_header(data: bytes, check_size: CheckSize) -> Header:
    """The first page's size, after checking that its pixels lie in the file and are of a kind that has a black
    and a white. Raises DataError."""
    order = "<" if data[:1] == b"I" else ">"
    layout = _Layout(order, struct.unpack_from(order + "H", data, 2)[0] == 43)
    first = struct.unpack_from(layout.offset, data, 8 if layout.big else 4)[0]
    tags = _tags(data, layout, first)
    width, height = _one(tags, _WIDTH), _one(tags, _HEIGHT)
    check_size(width, height)
    _check_pages(data, layout, first)
    samples = _one(tags, _SAMPLES, 1)
    if not 1 <= samples <= 16:
        damaged("its number of colours")
    bits = tags.get(_BITS, (1,))
    bits = bits if len(bits) >= samples else (bits[0],) * samples
    photometric = _one(tags, _PHOTOMETRIC, 0)
    _check_kind(max(bits), tags.get(_SAMPLE_FORMAT, (1,)), photometric)
    _check_pieces(tags, width, height, bits, len(data), check_size)
    white = 4095 if bits[0] == 12 else 65535
    return Header("TIFF", width, height, data, white, photometric == _WHITE_IS_ZERO)


def float_strips(
    data: bytes, check_size: CheckSize
) -> tuple[str, tuple[int, int, int], list[tuple[int, int]]] | None:
    """Where the pixels of a floating-point TIFF stand: the byte order ("<", ">"), (height, width, channels), and
    (start, bytes) of each strip. None for any other TIFF.

    Of 32-bit samples, not compressed, in strips, the channels pixel by pixel. Raises DataError for other float TIFFs.
    """
    order = "<" if data[:1] == b"I" else ">"
    layout = _Layout(order, struct.unpack_from(order + "H", data, 2)[0] == 43)
    tags = _tags(data, layout, struct.unpack_from(layout.offset, data, 8 if layout.big else 4)[0])
    if 3 not in tags.get(_SAMPLE_FORMAT, (1,)):
        return None
    width, height, samples = _one(tags, _WIDTH), _one(tags, _HEIGHT), _one(tags, _SAMPLES, 1)
    check_size(width, height)
    if not 1 <= samples <= 16:
        damaged("its number of colours")
    plain = _one(tags, _COMPRESSION, 1) == 1 and (_one(tags, _PLANAR, 1) == 1 or samples == 1)
    if set(tags.get(_BITS, (1,))) != {32} or not plain or _TILES in tags:
        raise DataError(
            "Of floating-point TIFF, 32-bit samples are read, not compressed, in strips",
            remedy="save it as .npy, or as an uncompressed float32 TIFF",
        )
    bits = (32,) * samples
    _check_pieces(tags, width, height, bits, len(data), check_size)
    starts, rows = tags.get(_STRIPS, ()), min(_one(tags, _ROWS, height), height)
    lengths = [4 * width * samples * min(rows, height - row) for row in range(0, height, rows)]
    return order, (height, width, samples), list(zip(starts, lengths, strict=False))


def _tags(data: bytes, layout: _Layout, place: int) -> Tags:
    """The whole numbers of the directory's entries that matter here."""
    count, place = layout.start(data, place)
    if count > _MAX_TAGS:
        damaged("its directory")
    found: Tags = {}
    size = 8 if layout.big else 4
    for at in range(place, place + count * layout.entry, layout.entry):
        tag, kind, number = struct.unpack_from(layout.order + ("HHQ" if layout.big else "HHI"), data, at)
        if tag not in _READ or tag in found:
            continue
        letter = _WHOLE_NUMBERS.get(kind)
        if letter is None or number == 0:
            damaged("its directory")
        inside = at + layout.entry - size
        needed = number * struct.calcsize("=" + letter)
        if needed > len(data):
            cut_short()
        if number > MAX_PIECES:
            raise DataError(f"The picture is in more than {MAX_PIECES:,} pieces")
        if needed > size:
            inside = struct.unpack_from(layout.offset, data, inside)[0]
        found[tag] = struct.unpack_from(f"{layout.order}{number}{letter}", data, inside)
    return found


def _check_pages(data: bytes, layout: _Layout, place: int) -> None:
    seen: set[int] = set()
    while place and place not in seen:
        seen.add(place)
        check_frames(len(seen), "pages")
        count, inside = layout.start(data, place)
        place = struct.unpack_from(layout.offset, data, inside + count * layout.entry)[0]


def _check_kind(bits: int, formats: tuple[int, ...], photometric: int) -> None:
    kind = ""
    if 3 in formats:
        kind = "floating-point numbers"
    elif any(number not in (1, 4) for number in formats):
        kind = "signed or complex numbers"
    elif bits > 16:
        kind = f"{bits}-bit numbers"
    if kind:
        raise DataError(
            f"The pixels of this TIFF are {kind}, which have no set black and white",
            remedy="save it with 8 or 16 bits for each colour",
        )
    if photometric in _LAB:
        raise DataError("The colours of this TIFF are L*a*b*", remedy="save it as RGB")


def _check_pieces(
    tags: Tags, width: int, height: int, bits: tuple[int, ...], size: int, check_size: CheckSize
) -> None:
    """Every strip or tile must lie in the file, and uncompressed ones be long enough."""
    tiled = _TILES in tags
    offsets = tags.get(_TILES if tiled else _STRIPS, ())
    lengths = tags.get(_TILE_BYTES if tiled else _STRIP_BYTES, ())
    across, down = width, min(_one(tags, _ROWS, height), height)
    if tiled:
        across, down = _one(tags, _TILE_WIDTH), _one(tags, _TILE_HEIGHT)
        check_size(across, down)
    if not across or not down:
        damaged("the size of its pieces")
    separate = _one(tags, _PLANAR, 1) == 2
    in_plane = -(-width // across) * -(-height // down)
    needed = in_plane * (len(bits) if separate else 1)
    if len(offsets) < needed or (lengths and len(lengths) < needed):
        damaged("too few pieces")
    if not lengths and _one(tags, _COMPRESSION, 1) != 1:
        damaged("the lengths of its pieces")
    for i in range(needed):
        length = lengths[i] if lengths else 1
        if _one(tags, _COMPRESSION, 1) == 1:
            row = i % in_plane // -(-width // across)
            rows = down if tiled else min(down, height - row * down)
            depth = bits[i // in_plane] if separate else sum(bits)
            full = (across * depth + 7) // 8 * rows
            if lengths and length < full:
                cut_short()
            length = full
        if length == 0:
            damaged("an empty piece")
        if offsets[i] + length > size:
            cut_short()


def _one(tags: Tags, tag: int, default: int | None = None) -> int:
    if tag in tags:
        return tags[tag][0]
    if default is None:
        damaged("its directory")
    return default
