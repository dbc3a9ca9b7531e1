"""What a picture file says of itself, read from its block structure before any decoder sees it.

| format | the limits                              | what of the file must be there                                    |
| ------ | --------------------------------------- | ----------------------------------------------------------------- |
| JPEG   | 100 scans                               | all pixels; the end marker may be missing if the decoder is sated |
| PNG    | 1,000 frames (APNG), 200,000 chunks     | everything up to IEND, every chunk with its right checksum        |
| WebP   | 1,000 frames, 100,000 chunks            | everything, as its first header says                              |
| GIF    | 1,000 frames, 2,000,000 blocks          | the first picture's blocks; later ones and the trailer may lack   |
| BMP    |                                         | all rows                                                          |
| TIFF   | 1,000 pages, 100,000 strips or tiles    | all directories, all strips or tiles of the first page            |

Of an animation or several pages the first picture is taken. The decoder is given that one alone where the format
lets it be cut out (PNG, GIF), and without notes that only cost memory (PNG: texts, colour profiles).

Sources: ITU-T T.81 (JPEG), PNG third edition, GIF89a, RFC 9649 (WebP), MS-WMF 2.2.2.3 (BMP), TIFF 6.0.
"""

import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from pellucid.errors import DataError

FORMATS = ("JPEG", "PNG", "WebP", "GIF", "BMP", "TIFF")
KINDS = "JPEG, PNG, WebP, GIF, BMP or TIFF"  # for sentences
EXTENSIONS = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff"}
)
MAX_FRAMES = 1000
MAX_SCANS = 100

_MAX_PNG_CHUNKS = 200_000
_MAX_WEBP_CHUNKS = 100_000
_MAX_GIF_BLOCKS = 2_000_000
_MAX_NOTE = 1 << 16

_SIGNATURES = {
    "JPEG": (b"\xff\xd8\xff",),
    "PNG": (b"\x89PNG\r\n\x1a\n",),
    "GIF": (b"GIF87a", b"GIF89a"),
    "TIFF": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
}
_BMP_HEADERS = (12, 40, 52, 56, 64, 108, 124)
# Without a + behind \xff: a literal start is searched for 15 times as fast, and finds the same.
_JPEG_MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])", re.DOTALL)
_JPEG_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_JPEG_READ = (0xC0, 0xC1, 0xC2, 0xC9, 0xCA)  # baseline, extended, progressive; Huffman or arithmetic
# JFIF, tables, restarts and comments: with nothing else, and 8 bits, there is one way to read it.
_JPEG_PLAIN = frozenset({0xC0, 0xC2, 0xC4, 0xD8, 0xDA, 0xDB, 0xDD, 0xE0, 0xFE})
_JPEG_BETWEEN_SCANS = frozenset({0xC4, 0xCC, 0xDA, 0xDB, 0xDC, 0xDD, 0xFE, *range(0xE0, 0xF0)})
# Notes of a PNG that may say which way is up.
_PNG_NOTES = (b"XML:com.adobe.xmp\0", b"Raw profile type exif\0", b"Raw profile type APP1\0")

CheckSize = Callable[[int, int], None]


@dataclass(frozen=True)
class Header:
    """A picture's format and size as stored (before turning upright), and the bytes for the decoder.

    Of 16-bit grey, `white` is the value of full light, and `inverted` says that 0 is white instead. `plain` is of
    JPEG: "GRAY" or "RGB" where it has no notes and is grey or JFIF's YCbCr, which every decoder takes alike.
    """

    format: str
    width: int
    height: int
    data: bytes
    white: int = 65535
    inverted: bool = False
    plain: str = ""


def format_of(data: bytes) -> str:
    """The format by the first bytes, "" if it is none of FORMATS. A start too short to tell counts for it."""
    for name, signatures in _SIGNATURES.items():
        if data.startswith(signatures) or any(signature.startswith(data) for signature in signatures):
            return name
    if b"RIFF".startswith(data[:4]) and b"WEBP".startswith(data[8:12]):
        return "WebP"
    if b"BM".startswith(data[:2]) and (len(data) < 18 or _unsigned(data, 14) in _BMP_HEADERS):
        return "BMP"
    return ""


def read_header(data: bytes, name: str, check_size: CheckSize) -> Header:
    """The header of a file of format `name`, its structure held against the limits above.

    `check_size(width, height)` is called as soon as the size is known, before the rest is looked at. Raises
    DataError, without `where`.
    """
    from pellucid.images.tiff import tiff_header

    read = {"JPEG": _jpeg, "PNG": _png, "WebP": _webp, "GIF": _gif, "BMP": _bmp, "TIFF": tiff_header}[name]
    try:
        return read(data, check_size)
    except (struct.error, IndexError) as error:  # the header itself goes on behind the file's end
        raise DataError("The picture is cut short") from error


def cut_short() -> NoReturn:
    """The file ends before its pixels do."""
    raise DataError("The picture is cut short")


def damaged(how: str) -> NoReturn:
    """The file contradicts its format."""
    raise DataError(f"The picture is damaged ({how})")


def check_frames(count: int, what: str = "frames") -> None:
    """At most MAX_FRAMES. Raises DataError."""
    if count > MAX_FRAMES:
        raise DataError(
            f"The file has more than {MAX_FRAMES:,} {what}",
            remedy="save the picture that you mean as a file of its own",
        )


def png_has_all_rows(header: Header) -> bool:
    """Whether a PNG's compressed stream is as long as its pixels: the decoder fills up what lacks with zeros."""
    bits, colours, interlaced = header.data[24], header.data[25], header.data[28]
    bits *= {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(colours, 1)
    passes = _ADAM7 if interlaced else ((0, 0, 1, 1),)
    wanted = 0
    for left, top, right, down in passes:
        columns, rows = -((left - header.width) // right), -((top - header.height) // down)
        wanted += rows * (1 + (columns * bits + 7) // 8) if columns > 0 and rows > 0 else 0
    inflate = zlib.decompressobj()
    place = 8
    while place + 12 <= len(header.data) and wanted > 0 and not inflate.eof:
        length, kind = struct.unpack_from(">I4s", header.data, place)
        piece = header.data[place + 8 : place + 8 + length] if kind == b"IDAT" else b""
        while piece and wanted > 0 and not inflate.eof:
            wanted -= len(inflate.decompress(piece, 1 << 20))
            piece = inflate.unconsumed_tail
        place += 12 + length
    return wanted <= 0


_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def _jpeg(data: bytes, check_size: CheckSize) -> Header:
    place, scans = 2, 0
    size: tuple[int, int] | None = None
    kinds: set[int] = set()
    coding = b""
    while match := _JPEG_MARKER.search(data, place):
        marker, place = match[1][0], match.end()
        if marker == 0xD9:
            break
        kinds.add(marker)
        if marker in (0x01, 0xD8):
            continue
        if scans and marker not in _JPEG_BETWEEN_SCANS:
            damaged("a stray marker in its pixels")  # the decoder would leave the rest grey
        (length,) = struct.unpack_from(">H", data, place)
        if length < 2:
            damaged("an impossible block")
        if place + length > len(data):
            cut_short()
        if marker in _JPEG_FRAMES:
            if size:
                damaged("two headers")
            if marker not in _JPEG_READ:
                raise DataError("This kind of JPEG isn't read (lossless or hierarchical)", remedy=_SAVE_AGAIN)
            height, width = struct.unpack_from(">HH", data, place + 3)
            size = width, height
            coding = data[place + 2 : place + 3] + data[place + 7 : place + 8]  # bits, components
            check_size(width, height)
        if marker == 0xDA:
            scans += 1
            if scans > MAX_SCANS:
                raise DataError(f"The picture has more than {MAX_SCANS} scans", remedy=_SAVE_AGAIN)
        place += length
    else:
        if not scans:
            cut_short()  # and if there were some, the decoder knows whether pixels are missing
    if size is None or not scans:
        damaged("it has no pixels")
    jfif = data[2:4] == b"\xff\xe0" and data[6:11] == b"JFIF\0"
    plain = {b"\x08\x01": "GRAY", b"\x08\x03": "RGB"}.get(coding, "") if jfif and kinds <= _JPEG_PLAIN else ""
    return Header("JPEG", *size, data, plain=plain)


_SAVE_AGAIN = "save it again as JPEG or PNG"


def _png(data: bytes, check_size: CheckSize) -> Header:
    view = memoryview(data)
    head: list[bytes | memoryview] = [view[:8]]
    pixels: list[memoryview] = []
    notes: dict[bytes, memoryview] = {}
    width = height = 0
    place, chunks = 8, 0
    while True:
        length, kind = struct.unpack_from(">I4s", data, place)
        if chunks == 0:
            if kind != b"IHDR" or length != 13:
                damaged("its header")
            width, height = struct.unpack_from(">II", data, place + 8)
            check_size(width, height)
        end = place + 12 + length
        if end > len(data):
            cut_short()
        if zlib.crc32(view[place + 4 : end - 4]) != struct.unpack_from(">I", data, end - 4)[0]:
            damaged("a checksum")
        chunks += 1
        if chunks > _MAX_PNG_CHUNKS:
            damaged(f"more than {_MAX_PNG_CHUNKS:,} blocks")
        chunk = view[place:end]
        if kind == b"IEND":
            break
        if kind == b"IDAT":
            pixels.append(chunk)
        elif kind in (b"IHDR", b"PLTE", b"tRNS"):
            head.append(chunk)
        elif kind == b"acTL" and length >= 4:
            check_frames(struct.unpack_from(">I", data, place + 8)[0])
        elif kind == b"eXIf" and length <= _MAX_NOTE:
            notes.setdefault(kind, chunk)
        elif kind in (b"iTXt", b"zTXt", b"tEXt") and length <= _MAX_NOTE:
            keyword = bytes(chunk[8:32])
            for known in _PNG_NOTES:
                if keyword.startswith(known):
                    notes.setdefault(known, chunk)
        place = end
    if not pixels:
        damaged("it has no pixels")
    return Header("PNG", width, height, b"".join([*head, *notes.values(), *pixels, chunk]))


def _webp(data: bytes, check_size: CheckSize) -> Header:
    end = 8 + _unsigned(data, 4)
    place, chunks, frames = 12, 0, 0
    size: tuple[int, int] | None = None
    found = False
    while place + 8 <= min(end, len(data)):
        kind, length = struct.unpack_from("<4sI", data, place)
        inside = place + 8
        if size is None:
            size = _webp_size(data, kind, inside)
            check_size(*size)
        if kind == b"ANMF":
            frames += 1
            check_frames(frames)
        found = found or kind in (b"VP8 ", b"VP8L", b"ANMF")
        chunks += 1
        if chunks > _MAX_WEBP_CHUNKS:
            damaged(f"more than {_MAX_WEBP_CHUNKS:,} blocks")
        place = inside + length + length % 2
    if size is None or end > len(data) or place - 1 > len(data):
        cut_short()
    if not found:
        damaged("it has no pixels")
    return Header("WebP", *size, data)


def _webp_size(data: bytes, kind: bytes, place: int) -> tuple[int, int]:
    if kind == b"VP8X":
        width, height = data[place + 4 : place + 7], data[place + 7 : place + 10]
        if len(height) < 3:
            cut_short()
        return int.from_bytes(width, "little") + 1, int.from_bytes(height, "little") + 1
    if kind == b"VP8L":
        bits = _unsigned(data, place + 1)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, place + 6)
        return width & 0x3FFF, height & 0x3FFF
    damaged("its header")


def _gif(data: bytes, check_size: CheckSize) -> Header:
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    check_size(max(width, 1), max(height, 1))  # some writers leave the screen's size at 0
    place = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    first = frames = blocks = 0
    while place < len(data):
        kind = data[place]
        if kind == 0x3B:
            break
        if kind == 0x2C:
            left, top, across, down, flags = struct.unpack_from("<HHHHB", data, place + 1)
            if not frames:
                width, height = max(width, left + across), max(height, top + down)
                check_size(width, height)
            frames += 1
            check_frames(frames)
            place += 11 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
        elif kind == 0x21:
            place += 2
        elif first:
            break  # what stands behind the picture doesn't matter
        else:
            damaged("an unknown block")
        while place < len(data) and (length := data[place]):
            place += length + 1
            blocks += 1
        if blocks > _MAX_GIF_BLOCKS:
            damaged(f"more than {_MAX_GIF_BLOCKS:,} blocks")
        place += 1
        if frames and not first:
            if place > len(data):
                cut_short()
            first = place
    if not first:
        cut_short()
    return Header("GIF", width, height, data[:first] + b";")


def _bmp(data: bytes, check_size: CheckSize) -> Header:
    file_size, _, offset, header = struct.unpack_from("<IIII", data, 2)
    if header == 12:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        compression = stored = colours = 0
    else:
        width, height, _, bits, compression, stored = struct.unpack_from("<IiHHII", data, 18)
        colours = _unsigned(data, 46)
    height = abs(height)
    check_size(width, height)
    if offset == 14 + header and bits <= 8:  # as many writers have it: no room for the palette
        offset += (3 if header == 12 else 4) * min(colours or 1 << bits, 65536)
    if compression in (1, 2):  # run lengths: only the sizes tell
        if (offset + stored if stored else file_size) > len(data):
            cut_short()
    elif max(offset, 14 + header) + (width * bits + 31) // 32 * 4 * height > len(data):
        cut_short()
    return Header("BMP", width, height, data)


def _unsigned(data: bytes, place: int) -> int:
    return struct.unpack_from("<I", data, place)[0]
