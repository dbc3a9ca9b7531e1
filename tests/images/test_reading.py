"""Reading one picture: pixels as an independent reader sees them, and one plain reason for each bad file."""

import contextlib
import io
import os
import struct
import subprocess
import sys
import threading
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile, ImageOps
from skimage import data

from pellucid.errors import DataError
from pellucid.images import picture_digest, read_picture
from pellucid.images.formats import KINDS
from pellucid.images.reading import decode_picture, is_picture_name, picture_digests, picture_shape

COLOUR = data.astronaut()[40:171, 160:277]  # 131 x 117, odd on purpose
GREY = data.camera()[100:231, 200:317]


def encoded(picture: np.ndarray | Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png(width: int, height: int, bits: int, kind: int, rows: bytes, extra: bytes = b"") -> bytes:
    """A PNG made by hand, so that the writer is independent of Pillow."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + extra
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def transparency(body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + b"tRNS" + body + struct.pack(">I", zlib.crc32(b"tRNS" + body))


def reason(source: bytes | Path) -> str:
    with pytest.raises(DataError) as caught:
        read_picture(source, "" if isinstance(source, Path) else "a.png")
    assert caught.value.where
    assert "\n" not in caught.value.what
    assert len(caught.value.what) < 140
    return caught.value.what


def test_png_comes_back_exactly() -> None:
    assert np.array_equal(read_picture(encoded(COLOUR)), COLOUR)
    grey = read_picture(encoded(GREY))
    assert grey.shape == (131, 117, 1)
    assert grey.dtype == np.uint8
    assert grey.flags.c_contiguous
    assert np.array_equal(grey[..., 0], GREY)


@pytest.mark.parametrize("picture", [COLOUR, GREY])
def test_jpeg_at_full_size_as_pillow_decodes_it(picture: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "a.JPG"
    Image.fromarray(picture).save(path, "JPEG", quality=90)
    with Image.open(path) as image:
        expected = np.asarray(image)
    pixels = read_picture(path)
    assert pixels.shape == (131, 117, 1 if picture.ndim == 2 else 3)
    assert np.array_equal(pixels.squeeze(), expected)
    assert np.abs(pixels.squeeze().astype(int) - picture).mean() < 6


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("orientation", range(10))
def test_exif_orientation(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = encoded(COLOUR, kind, exif=exif)
    with Image.open(io.BytesIO(file)) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    pixels = read_picture(file)
    assert np.array_equal(pixels, expected)
    assert pixels.flags.c_contiguous


def test_a_broken_exif_block_does_not_spoil_the_picture() -> None:
    good = encoded(COLOUR, "JPEG")
    expected = read_picture(good)
    for exif in [b"Exif\0\0garbage", b"Exif\0\0II*\0\x08\0\0\0\xff\xff", b"Exif\0\0" + os.urandom(40)]:
        block = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
        assert np.array_equal(read_picture(good[:2] + block + good[2:]), expected)


def test_black_and_white_and_few_bits() -> None:
    bits = GREY > 100
    assert np.array_equal(read_picture(encoded(Image.fromarray(bits)))[..., 0], bits * 255)
    rows = b"".join(b"\0" + bytes([i << 4 | i]) for i in range(16))  # 4 bits: 16 shades
    assert read_picture(png(2, 16, 4, 0, rows))[:, 0, 0].tolist() == [17 * i for i in range(16)]


def test_sixteen_bit_grey_is_divided_by_257() -> None:
    values = np.array([0, 128, 129, 256, 257, 385, 386, 32768, 65406, 65407, 65535], dtype=">u2")
    file = png(len(values), 1, 16, 0, b"\0" + values.tobytes())
    expected = np.rint(values.astype(float) / 257)
    assert read_picture(file)[0, :, 0].tolist() == expected.tolist()
    through = png(len(values), 1, 16, 0, b"\0" + values.tobytes(), transparency(struct.pack(">H", 257)))
    expected[4] = 255
    assert read_picture(through)[0, :, 0].tolist() == expected.tolist()


@pytest.mark.parametrize("grey", [False, True])
def test_alpha_is_laid_on_white(grey: bool) -> None:
    generator = np.random.default_rng(0)
    alpha = generator.integers(0, 256, COLOUR.shape[:2], dtype=np.uint8)
    inks = GREY[..., None] if grey else COLOUR
    file = encoded(np.dstack([inks, alpha]))
    share = alpha[..., None] / 255
    expected = inks * share + 255 * (1 - share)
    pixels = read_picture(file)
    assert pixels.shape == (131, 117, 1 if grey else 3)
    assert np.abs(pixels - expected).max() <= 1
    assert np.array_equal(pixels[alpha == 255], inks[alpha == 255])
    assert (pixels[alpha == 0] == 255).all()


def test_sixteen_bit_grey_with_alpha_stays_grey() -> None:
    rows = b"\0" + struct.pack(">HHHH", 0x4040, 0xFFFF, 0x4040, 0)
    assert read_picture(png(2, 1, 16, 4, rows)).tolist() == [[[0x40], [255]]]


def test_one_transparent_colour() -> None:
    rows = b"\0" + bytes([10, 20, 30, 40, 50, 60])
    pixels = read_picture(png(2, 1, 8, 2, rows, transparency(struct.pack(">HHH", 10, 20, 30))))
    assert pixels.tolist() == [[[255, 255, 255], [40, 50, 60]]]
    pixels = read_picture(png(2, 1, 8, 0, b"\0\x07\x09", transparency(struct.pack(">H", 7))))
    assert pixels.tolist() == [[[255], [9]]]


def test_palettes_are_rgb() -> None:
    image = Image.fromarray(COLOUR).quantize(64)
    assert np.array_equal(read_picture(encoded(image)), np.asarray(image.convert("RGB")))
    holes = encoded(image, transparency=bytes([0] * 8 + [255] * 56))  # what Pillow would warn of
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pixels = read_picture(holes)
    places = np.asarray(image) < 8
    assert places.any()
    assert (pixels[places] == 255).all()
    assert np.array_equal(pixels[~places], np.asarray(image.convert("RGB"))[~places])


def test_cmyk_is_rgb() -> None:
    inks = np.zeros((16, 48, 4), dtype=np.uint8)
    inks[:, :16, 1:3] = 255  # magenta and yellow: red
    inks[:, 16:32, 3] = 255  # black
    pixels = read_picture(encoded(Image.fromarray(inks, "CMYK"), "JPEG", quality=100))
    assert pixels.shape == (16, 48, 3)
    expected = np.zeros((16, 48, 3))
    expected[:, :16, 0] = 255
    expected[:, 32:] = 255
    assert np.abs(pixels[4:12, [4, 20, 40]] - expected[4:12, [4, 20, 40]]).max() < 12


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("JPEG", encoded(COLOUR, "JPEG")),
        ("progressive JPEG", encoded(COLOUR, "JPEG", progressive=True)),
        ("grey JPEG", encoded(GREY, "JPEG")),
        ("PNG", encoded(COLOUR)),
        ("grey PNG", encoded(GREY)),
    ],
)
def test_cut_short_is_an_error_never_a_half_grey_picture(name: str, file: bytes) -> None:
    whole = read_picture(file)
    errors = 0
    for length in [*(len(file) * share // 100 for share in range(100)), *range(len(file) - 40, len(file))]:
        try:
            pixels = read_picture(file[:length])
        except DataError as error:
            errors += 1
            assert error.what in (
                "The file is empty",
                "The picture is cut short",
                "The picture is damaged (its header)",
            )
        else:
            assert np.array_equal(pixels, whole), f"{name} cut to {length} of {len(file)} bytes"
    assert errors > 110


def test_cut_files_stay_errors_where_the_program_tolerates_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    file = encoded(COLOUR, "JPEG")
    assert reason(file[: len(file) // 2]) == "The picture is cut short"
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_flipped_bytes_give_a_picture_or_one_reason(kind: str) -> None:
    generator = np.random.default_rng(0)
    file = encoded(COLOUR, kind)
    refused = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(150):
            broken = bytearray(file)
            for place in generator.integers(0, len(file), 4):
                broken[place] ^= int(generator.integers(1, 256))
            try:
                assert read_picture(bytes(broken)).dtype == np.uint8
            except DataError as error:
                refused += 1
                assert error.what.startswith(("The picture", "Not a JPEG"))
    assert refused > 0


def test_random_bytes() -> None:
    generator = np.random.default_rng(0)
    for start in [b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"]:
        for length in [1, 7, 50, 3000]:
            assert reason(start + generator.bytes(length))


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (b"", "The file is empty"),
        (b"hello, this is a text", f"Not a {KINDS} picture"),
        (b"BM, as a text may begin, too", f"Not a {KINDS} picture"),
        (encoded(COLOUR, "AVIF"), f"Not a {KINDS} picture, but an AVIF picture"),
        (encoded(COLOUR, "JPEG2000"), f"Not a {KINDS} picture, but a JPEG 2000 picture"),
        (encoded(COLOUR, "PPM"), f"Not a {KINDS} picture"),
        (encoded(COLOUR, "PDF"), f"Not a {KINDS} picture, but a PDF"),
        (b"\n<!DOCTYPE html><html>not found", f"Not a {KINDS} picture, but a web page"),
        (b"\x89PNG\r\n\x1a\n" + bytes(200), "The picture is damaged (its header)"),
    ],
)
def test_other_files_say_what_they_are(file: bytes, said: str) -> None:
    assert reason(file) == said


def test_paths_that_are_no_pictures(tmp_path: Path) -> None:
    assert reason(tmp_path / "no.png") == "There is no such file"
    assert reason(tmp_path) == "This is a folder, not a picture"
    os.mkfifo(tmp_path / "pipe.png")
    assert reason(tmp_path / "pipe.png") == "This is not a regular file"
    (tmp_path / "self.png").symlink_to("self.png")
    assert reason(tmp_path / "self.png").startswith("The file can't be read (Too many levels")
    assert reason(tmp_path / "zero\0.png").startswith("The file can't be read (embedded null")
    with (tmp_path / "huge.png").open("wb") as file:
        file.truncate(1 << 33)  # takes no space
    assert reason(tmp_path / "huge.png") == "The file is too large for a picture"


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret.png"
    path.write_bytes(encoded(COLOUR))

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(DataError, match="No permission to read this file"):
        read_picture(path)


def test_the_size_is_checked_before_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = []
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: decoded.append(self))
    for width, height, said in [
        (20_000, 20_000, "20,000 x 20,000 = 400,000,000 pixels"),  # above Pillow's own limit
        (10_000, 10_000, "10,000 x 10,000 = 100,000,000 pixels"),  # where Pillow only warns
        (8_000, 5_001, "8,000 x 5,001 = 40,008,000 pixels"),
    ]:
        with warnings.catch_warnings(), pytest.raises(DataError) as caught:
            warnings.simplefilter("error")
            decode_picture(png(width, height, 8, 2, b""), "bomb.png")
        assert caught.value.what == "The picture has more than 40,000,000 pixels"
        assert caught.value.received == said
        assert caught.value.remedy
    assert decoded == []


def test_the_limit_can_be_set() -> None:
    file = encoded(COLOUR)
    assert read_picture(file, max_pixels=131 * 117).shape == COLOUR.shape
    with pytest.raises(DataError, match="more than 15,326 pixels"):
        read_picture(file, max_pixels=131 * 117 - 1)


def test_no_memory_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: object) -> None:
        raise MemoryError

    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
    assert reason(encoded(COLOUR)) == "There is not enough memory to decode this picture"


def test_settings_of_the_process_are_restored_after_many_threads() -> None:
    files = [encoded(COLOUR, "JPEG"), encoded(COLOUR), b"bad", encoded(COLOUR, "JPEG")[:2000]]
    before = list(warnings.filters)

    def work() -> None:
        for i in range(40):
            with contextlib.suppress(DataError):
                read_picture(files[i % 4])

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert warnings.filters == before
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


def test_nothing_is_printed(tmp_path: Path) -> None:
    # Pillow warns of this one.
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x0e\x01\x02\0\xff\0\0\0\xff\0\0\0\0\0\0\0"
    good = encoded(COLOUR, "JPEG")
    block = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    (tmp_path / "a.jpg").write_bytes(good[:2] + block + good[2:])
    script = "import sys; from pellucid.images import read_picture; print(read_picture(sys.argv[1]).shape)"
    result = subprocess.run(
        [sys.executable, "-W", "always", "-c", script, tmp_path / "a.jpg"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (result.stdout, result.stderr) == ("(131, 117, 3)\n", "")
    pillow = f"from PIL import Image; Image.open({str(tmp_path / 'a.jpg')!r}).getexif()"
    result = subprocess.run([sys.executable, "-W", "always", "-c", pillow], capture_output=True, check=True)
    assert b"Warning" in result.stderr  # so the test above can fail


@pytest.mark.parametrize("shape", [(200, 120, 3), (301, 217, 1), (1, 65_537, 1), (4096, 17, 3)])
def test_digests_of_large_pictures_tell_one_changed_or_two_exchanged_pixels(shape) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    digest = picture_digest(pixels)
    assert picture_digest(pixels.copy()) == digest
    flat = pixels.reshape(-1)
    for place in (0, 1, 4095, 4096, len(flat) // 2, len(flat) - 1):
        changed = flat.copy()
        changed[place] ^= 128
        assert picture_digest(changed.reshape(shape)) != digest
    for distance in (1, 3, 4096, 8192, 65_536):  # whole rows of lanes apart too
        for place in range(min(40, len(flat) - distance)):
            changed = flat.copy()
            changed[[place, place + distance]] = flat[[place + distance, place]]
            if not np.array_equal(changed, flat):
                assert picture_digest(changed.reshape(shape)) != digest
    assert picture_digest(pixels[::-1, ::-1]) != digest
    assert picture_digest(pixels.reshape(shape[1], shape[0], shape[2])) != digest or shape[0] == shape[1]


def test_digests_are_equal_only_for_equal_pixels_and_shape() -> None:
    digest = picture_digest(COLOUR)
    assert len(digest) == 16
    assert picture_digest(COLOUR.copy()) == digest
    assert picture_digest(np.asfortranarray(COLOUR)) == digest
    other = COLOUR.copy()
    other[5, 5, 0] ^= 1
    flat = COLOUR.reshape(117, 131, 3)
    assert len({digest, picture_digest(other), picture_digest(flat), picture_digest(COLOUR[..., :1])}) == 4


def test_names() -> None:
    assert all(
        is_picture_name(name)
        for name in ["a.jpg", "b.JPEG", "c.d.PnG", "é.jpe", "x.jfif", "a.gif", "a.WebP", "a.tif"]
    )
    assert not any(is_picture_name(name) for name in ["a.avif", "jpg", ".png", "a.png.txt", "a"])


@pytest.mark.parametrize("picture", [COLOUR, GREY])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_the_shape_without_the_pixels(picture: np.ndarray, kind: str, tmp_path: Path) -> None:
    for orientation in [1, 3, 6, 8, 9]:
        exif = Image.Exif()
        exif[0x0112] = orientation
        (tmp_path / "a").write_bytes(encoded(picture, kind, exif=exif))
        assert picture_shape(tmp_path / "a") == read_picture(tmp_path / "a").shape
    rows = b"\0" + struct.pack(">HHHH", 0x4040, 0xFFFF, 0x4040, 0)
    for mode in (0, 4):
        (tmp_path / "a").write_bytes(png(2 if mode else 4, 1, 16, mode, rows))
        assert picture_shape(tmp_path / "a") == read_picture(tmp_path / "a").shape
    (tmp_path / "bad").write_bytes(png(10_000, 10_000, 8, 2, b""))
    with pytest.raises(DataError, match="more than 40,000,000 pixels"):
        picture_shape(tmp_path / "bad")
    with pytest.raises(DataError, match="There is no such file"):
        picture_shape(tmp_path / "no")


@pytest.mark.parametrize("shape", [(28, 28, 1), (5, 3, 3), (160, 150, 3)])
def test_digests_of_many_are_those_of_each(shape):
    batch = np.random.default_rng(0).integers(0, 256, (7, *shape), np.uint8)
    for pictures in (batch, batch[::2], batch[:, ::-1], batch[:0]):
        digests = picture_digests(pictures)
        assert digests.shape == (len(pictures), 16)
        assert [digest.tobytes() for digest in digests] == [picture_digest(each) for each in pictures]
