"""WebP, GIF, BMP and TIFF against Pillow and tifffile; what a header says, and what is refused because of it."""

import io
import struct
import subprocess
import sys

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps
from skimage import data

from pellucid.errors import DataError
from pellucid.images import read_picture

COLOUR = data.astronaut()[40:111, 160:257]
GREY = data.camera()[100:171, 200:297]
KINDS = ["JPEG", "PNG", "WEBP", "TIFF"]


def encoded(picture: np.ndarray | Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).save(buffer, kind, **options)
    return buffer.getvalue()


def tiff(pixels: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def refused(file: bytes) -> DataError:
    with pytest.raises(DataError) as caught:
        read_picture(file, "a.picture")
    assert caught.value.where == "a.picture"
    assert "\n" not in caught.value.what
    return caught.value


FILES = {
    "webp": encoded(COLOUR, "WEBP", lossless=True),
    "webp lossy": encoded(COLOUR, "WEBP"),
    "gif": encoded(Image.fromarray(COLOUR).quantize(256), "GIF"),
    "bmp": encoded(COLOUR, "BMP"),
    "bmp grey": encoded(GREY, "BMP"),
    "bmp palette": encoded(Image.fromarray(COLOUR).quantize(16), "BMP"),
    "bmp 1 bit": encoded(Image.fromarray(GREY > 100), "BMP"),
    "tiff": encoded(COLOUR, "TIFF"),
    "tiff lzw": encoded(COLOUR, "TIFF", compression="tiff_lzw"),
    "tiff deflate": encoded(COLOUR, "TIFF", compression="tiff_adobe_deflate"),
    "tiff jpeg": encoded(COLOUR, "TIFF", compression="jpeg"),
    "tiff fax": encoded(Image.fromarray(GREY > 100), "TIFF", compression="group4"),
    "tiff tiles": tiff(COLOUR, tile=(32, 32)),
    "tiff planes": tiff(COLOUR.transpose(2, 0, 1).copy(), photometric="rgb", planarconfig="separate"),
    "bigtiff": tiff(COLOUR, bigtiff=True),
    "tiff from the other end": tiff(COLOUR, byteorder=">", rowsperstrip=7),
}


@pytest.mark.parametrize("name", FILES)
def test_as_pillow_reads_it(name: str) -> None:
    with Image.open(io.BytesIO(FILES[name])) as image:
        expected = np.asarray(image.convert("RGB"))
    pixels = read_picture(FILES[name])
    assert pixels.shape == (71, 97, 1 if name in ("bmp grey", "bmp 1 bit", "tiff fax") else 3)
    assert np.array_equal(np.broadcast_to(pixels, expected.shape), expected)


@pytest.mark.parametrize("name", FILES)
def test_a_cut_file_is_an_error_or_whole(name: str) -> None:
    file = FILES[name]
    whole = read_picture(file)
    errors = 0
    for length in [*(len(file) * share // 100 for share in range(100)), *range(len(file) - 20, len(file))]:
        try:
            assert np.array_equal(read_picture(file[:length]), whole), length
        except DataError:
            errors += 1
    assert errors >= 119  # a GIF may lack its last byte, which holds no pixels


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", KINDS)
def test_every_orientation(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    extra = {"lossless": True} if kind == "WEBP" else {}
    file = encoded(COLOUR, kind, exif=exif, **extra)
    with Image.open(io.BytesIO(file)) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    assert np.array_equal(read_picture(file), expected)


def test_sixteen_bits() -> None:
    values = np.random.default_rng(0).integers(0, 65536, (9, 7), dtype=np.uint16)
    rounded = np.rint(values / 257).astype(np.uint8)
    assert np.array_equal(read_picture(tiff(values))[..., 0], rounded)
    assert np.array_equal(read_picture(tiff(values, byteorder=">"))[..., 0], rounded)
    assert np.array_equal(read_picture(tiff(values, compression="zlib"))[..., 0], rounded)
    assert np.array_equal(read_picture(tiff(values, photometric="miniswhite"))[..., 0], 255 - rounded)
    colours = np.random.default_rng(1).integers(0, 65536, (9, 7, 3), dtype=np.uint16)
    assert np.array_equal(read_picture(tiff(colours, photometric="rgb")), colours >> 8)


@pytest.mark.parametrize(
    ("pixels", "said"),
    [
        (GREY.astype(np.float32) / 255, "floating-point numbers"),
        (GREY.astype(np.uint32), "32-bit numbers"),
        (GREY.astype(np.int16), "signed or complex numbers"),
    ],
)
def test_numbers_without_a_black_and_a_white(pixels: np.ndarray, said: str) -> None:
    error = refused(tiff(pixels))
    assert error.what == f"The pixels of this TIFF are {said}, which have no set black and white"
    assert error.remedy == "save it with 8 or 16 bits for each colour"


def test_lab_is_refused() -> None:
    assert refused(encoded(Image.new("LAB", (9, 9)), "TIFF")).what == "The colours of this TIFF are L*a*b*"


def test_ycck_as_pillow_converts_it() -> None:
    ink = np.full(
        (16, 16, 4), (180, 90, 150, 40), dtype=np.uint8
    )  # Y, Cb, Cr, K as they are stored, inverted
    file = bytearray(encoded(Image.fromarray(255 - ink, "CMYK"), "JPEG", quality=100))
    adobe = file.index(b"Adobe")
    assert file[adobe + 11] == 0
    file[adobe + 11] = 2  # its colours are Y, Cb, Cr from now on
    with Image.open(io.BytesIO(bytes(file))) as image:
        assert image.mode == "CMYK"
        expected = np.asarray(image.convert("RGB"))
    assert np.array_equal(read_picture(bytes(file)), expected)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "TIFF"])
def test_the_first_of_many_pictures(kind: str) -> None:
    first, second = Image.fromarray(COLOUR).quantize(64).convert("RGB"), Image.fromarray(COLOUR[::-1].copy())
    extra = {"lossless": True} if kind == "WEBP" else {}
    file = encoded(first, kind, save_all=True, append_images=[second], **extra)
    assert np.array_equal(read_picture(file), np.asarray(first))


def test_alpha_is_laid_on_white() -> None:
    alpha = np.random.default_rng(0).integers(0, 256, GREY.shape, dtype=np.uint8)
    share = alpha[..., None] / 255
    expected = COLOUR * share + 255 * (1 - share)
    for kind, extra in {"TIFF": {}, "WEBP": {"lossless": True, "exact": True}}.items():
        pixels = read_picture(encoded(np.dstack([COLOUR, alpha]), kind, **extra))
        assert np.abs(pixels - expected).max() <= 1


def test_png_checksums_and_missing_rows() -> None:
    file = bytearray(encoded(COLOUR, "PNG"))
    file[len(file) // 2] ^= 1
    assert refused(bytes(file)).what == "The picture is damaged (a checksum)"
    import zlib

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    def png(rows: int) -> bytes:
        header = chunk(b"IHDR", struct.pack(">IIBBBBB", 10, 10, 8, 0, 0, 0, 0))
        pixels = chunk(b"IDAT", zlib.compress((b"\0" + b"\x80" * 9 + b"\0") * rows))
        return b"\x89PNG\r\n\x1a\n" + header + pixels + chunk(b"IEND", b"")

    assert read_picture(png(10))[9, 0, 0] == 0x80
    assert refused(png(5)).what == "The picture is cut short"


def test_many_frames_pages_and_scans() -> None:
    gif = encoded(GREY[:8, :8], "GIF")
    start = gif.index(b"\x2c\0\0\0\0")
    assert read_picture(gif[:start] + gif[start:-1] * 1000 + b";").shape == (8, 8, 3)
    assert refused(gif[:start] + gif[start:-1] * 1001 + b";").what == "The file has more than 1,000 frames"
    jpeg = encoded(GREY, "JPEG", progressive=True)
    last = jpeg.rindex(b"\xff\xda")
    many = jpeg[:last] + jpeg[last:-2] * 200 + jpeg[-2:]
    assert refused(many).what == "The picture has more than 100 scans"


def test_a_larger_picture_than_pillow_would_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    for name in ("tiff", "webp", "gif", "bmp"):
        assert read_picture(FILES[name]).shape == (71, 97, 3)
        with pytest.raises(DataError, match="more than 6,886 pixels"):
            read_picture(FILES[name], max_pixels=71 * 97 - 1)
    assert Image.MAX_IMAGE_PIXELS == 1000


def test_a_damaged_tiff_writes_nothing_by_itself() -> None:
    code = (
        "import sys\nfrom pellucid.errors import DataError\nfrom pellucid.images import read_picture\n"
        "data = bytearray(sys.stdin.buffer.read())\ndata[8:12] = bytes(4)\n"
        "try: read_picture(bytes(data))\nexcept DataError as error: print(error.what)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=FILES["tiff deflate"], capture_output=True, check=True
    )
    assert (done.stdout, done.stderr) == (b"The picture is damaged (its pixels)\n", b"")
