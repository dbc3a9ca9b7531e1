"""Proof 10: damaged and hostile picture files end in one listed reason, and never in a dead process.

    python proof/picture_corpus.py [--short]

JPEG, PNG, WebP, GIF, BMP and TIFF, made from a real photograph, each cut at every 1% and with 1,000 random byte flips,
among good pictures: `pellucid train` and `pellucid predict` run over all of it. A cut file is an error, or the whole
picture; what prediction can't read is what training left out. Then bombs, each in an idle process of its own: refused
from the header, adding less than 50 MB at the peak, in less than 100 ms.
"""

from __future__ import annotations

import csv
import io
import json
import re
import struct
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from _record import conclude, options, run, table
from PIL import Image
from skimage import data

from pellucid.errors import DataError
from pellucid.images import read_picture

PELLUCID = (sys.executable, "-m", "pellucid")
CUTS, FLIPS, GOOD = 100, 1000, 30
MOST_MB, MOST_MS = 50, 100
KINDS = {"JPEG": "jpg", "PNG": "png", "WebP": "webp", "GIF": "gif", "BMP": "bmp", "TIFF": "tif"}
OPTIONS: dict[str, dict[str, object]] = {"TIFF": {"compression": "tiff_lzw"}, "WebP": {"lossless": True}}

MEASURE = """
import re, sys, time
from pathlib import Path
from pellucid.errors import DataError
from pellucid.images import read_picture

def memory(name):
    return int(re.search(name + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

Path("/proc/self/clear_refs").write_text("5")
before, start = memory("VmRSS"), time.perf_counter()
try:
    read_picture(sys.argv[1])
    said = "READ"
except DataError as error:
    said = error.what
print(memory("VmHWM") - before, 1000 * (time.perf_counter() - start), said, sep="\\t")
"""


def encoded(pixels: np.ndarray, kind: str, **extra: object) -> bytes:
    """A picture file from memory."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **extra)
    return buffer.getvalue()


def chunk(name: bytes, body: bytes) -> bytes:
    """A PNG block with its length and checksum."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width: int, height: int, pixels: bytes, *others: bytes) -> bytes:
    """A grey PNG that promises this size."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(others) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def zeros(count: int) -> bytes:
    """So many zeros, deflated."""
    deflate = zlib.compressobj(9)
    pieces = [deflate.compress(bytes(1 << 20)) for _ in range(count >> 20)]
    return b"".join([*pieces, deflate.compress(bytes(count & 0xFFFFF)), deflate.flush()])


def gif_of(frames: int) -> bytes:
    """A GIF of so many frames."""
    one = encoded(data.camera()[:64, :64], "GIF")
    start = one.index(b"\x2c\0\0\0\0")
    return one[:start] + one[start:-1] * frames + b";"


def jpeg_of(scans: int) -> bytes:
    """A progressive JPEG whose last scan comes so many times."""
    one = encoded(data.camera()[:64, :64], "JPEG", progressive=True)
    last = one.rindex(b"\xff\xda")
    return one[:last] + one[last:-2] * scans + one[-2:]


def tiff_of(width: int, height: int, pages: int) -> bytes:
    """A TIFF that promises this size, and so many pages."""
    tags = [(256, width), (257, height), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, height),
            (279, width * height)]  # fmt: skip
    body, at = b"", 8
    for page in range(pages):
        entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
        at += 2 + len(entries) + 4
        body += struct.pack("<H", len(tags)) + entries + struct.pack("<I", at if page < pages - 1 else 0)
    return b"II*\0" + struct.pack("<I", 8) + body + bytes(64)


def bombs() -> dict[str, tuple[str, Callable[[], bytes]]]:
    """Name, the words that it is refused with, how it is made."""
    canvas = struct.pack("<I", 10) + bytes(4) + (16383).to_bytes(3, "little") * 2
    webp = b"WEBPVP8X" + canvas + b"VP8L" + struct.pack("<I", 20) + bytes(20)
    bmp = struct.pack("<2sIIIIiiHHIIIIII", b"BM", 1 << 20, 0, 54, 40, 20_000, 20_000, 1, 24, 0, 0, 0, 0, 0, 0)
    large, text = "more than 40,000,000 pixels", chunk(b"zTXt", b"Comment\0\0" + zeros(1 << 28))
    profile = chunk(b"iCCP", b"p\0\0" + zeros(1 << 28))
    return {
        "PNG, 20,000 x 20,000": (large, lambda: png(20_000, 20_000, zeros(20_001 * 20_000))),
        "GIF of 10,000 frames": ("more than 1,000 frames", lambda: gif_of(10_000)),
        "GIF, 65,535 x 65,535": (large, lambda: b"GIF89a\xff\xff\xff\xff" + gif_of(1)[10:]),
        "WebP, 16,384 x 16,384": (large, lambda: b"RIFF" + struct.pack("<I", len(webp)) + webp),
        "BMP, 20,000 x 20,000": (large, lambda: bmp + bytes(1000)),
        "TIFF, 60,000 x 60,000": (large, lambda: tiff_of(60_000, 60_000, 1)),
        "TIFF of 5,000 pages": ("more than 1,000 pages", lambda: tiff_of(8, 8, 5_000)),
        "JPEG of 5,000 scans": ("more than 100 scans", lambda: jpeg_of(5_000)),
        "PNG, a text and a profile of 256 MB each": ("READ", lambda: png(8, 8, zeros(72), text, profile)),
    }


def make_corpus(folder: Path, cuts: Sequence[int], flips: int) -> dict[str, bytes]:
    """Good pictures in `corpus/a` and `corpus/b`, damaged ones beside them; the whole files by kind."""
    rng = np.random.default_rng(0)
    whole = {}
    for label in "ab":
        (folder / "corpus" / label).mkdir(parents=True)
    for number in range(GOOD):
        top, left = rng.integers(0, 200, 2)
        for label, picture in (("a", data.astronaut()), ("b", data.chelsea()[:, :300])):
            patch = picture[top % 200 : top % 200 + 96, left % 200 : left % 200 + 96]
            Image.fromarray(patch).save(folder / "corpus" / label / f"good {number}.png")
    for kind, ending in KINDS.items():
        file = whole[kind] = encoded(data.astronaut()[:72, 170:266], kind, **OPTIONS.get(kind, {}))
        for percent in cuts:
            path = folder / "corpus" / "a" / f"{kind} cut {percent}.{ending}"
            path.write_bytes(file[: len(file) * percent // 100])
        for number in range(flips):
            broken = bytearray(file)
            for place in rng.integers(0, len(file), 1 + number % 4):
                broken[place] ^= int(rng.integers(1, 256))
            (folder / "corpus" / "b" / f"{kind} flip {number}.{ending}").write_bytes(broken)
    return whole


def check_cuts(folder: Path, whole: dict[str, bytes], wrong: list[str]) -> None:
    """No cut file may give another picture than the whole one."""
    for kind, file in whole.items():
        expected = read_picture(file)
        for path in sorted((folder / "corpus" / "a").glob(f"{kind} cut *")):
            try:
                if not np.array_equal(read_picture(path), expected):
                    wrong.append(f"{path.name} gives another picture than the whole file")
            except DataError:
                pass


def measure_bombs(folder: Path, wrong: list[str]) -> list[tuple[str, str, str, str, str]]:
    """Each bomb in a process of its own: what it added at the peak, how long it took, what was said."""
    rows = []
    for name, (expected, make) in bombs().items():
        path = folder / "bomb"
        path.write_bytes(make())
        ran = run([sys.executable, "-c", MEASURE, path], timeout=300)
        if ran.code:
            wrong.append(f"{name}: the process ended with {ran.code}: {ran.err[-200:]}")
            continue
        added, milliseconds, said = ran.out.strip().split("\t")
        if expected not in said:
            wrong.append(f"{name}: it said {said!r}")
        if float(added) >= MOST_MB or float(milliseconds) >= MOST_MS:
            wrong.append(f"{name}: {float(added):.1f} MB, {float(milliseconds):.0f} ms")
        size = f"{path.stat().st_size:,}"
        rows.append((name, size, f"{max(float(added), 0):.1f}", f"{float(milliseconds):.1f}", said))
    return rows


def main(argv: Sequence[str]) -> int:
    given = options(argv, __doc__)
    cuts, flips = (range(0, CUTS, 9), 12) if given.short else (range(CUTS), FLIPS)
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        whole = make_corpus(folder, cuts, flips)
        check_cuts(folder, whole, wrong)
        cache = {"PELLUCID_CACHE": str(folder / "cache")}
        trained = run([*PELLUCID, "train", "corpus", "--network", "flatten, dense 2", "--size", "16", "--epochs", "1",
                       "--threads", "1", "--out", "run", "--json"], cwd=folder, **cache)  # fmt: skip
        if trained.code:
            raise SystemExit(f"training ended with {trained.code}\n{trained.err[-3000:]}")
        predicted = run([*PELLUCID, "predict", "run/model.onnx", "corpus", "--json"], cwd=folder, **cache)
        if predicted.code:
            wrong.append(f"predict ended with {predicted.code}: {predicted.err[-300:]}")
        answers = [json.loads(line) for line in predicted.out.splitlines()]
        with (folder / "run" / "split.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        left_out = sorted(row["path"] for row in rows if row["part"] == "unreadable")
        refused = sorted(answer["path"].removeprefix("corpus/") for answer in answers if "error" in answer)
        shown = [line for line in trained.err.splitlines() if line.startswith("left out ")]
        more = re.search(r"left out ([\d,]+) more files", trained.err)
        told = len(shown) - bool(more) + (int(more[1].replace(",", "")) if more else 0)
        if left_out != refused:
            different = sorted({*left_out} ^ {*refused})
            wrong.append(f"training and prediction differ on {len(different):,}: {different[:3]}")
        if told != len(left_out):
            wrong.append(f"training told of {told:,} files left out, and there are {len(left_out):,}")
        files = sum(path.is_file() for path in (folder / "corpus").rglob("*"))
        if not len({answer["path"] for answer in answers}) == len(answers) == len(rows) == files:
            wrong.append(f"{files:,} files, {len(answers):,} answers, {len(rows):,} rows")
        if any("\n" in answer["error"] or not answer["error"] for answer in answers if "error" in answer):
            wrong.append("a reason is empty or longer than a line")
        noise = [line for line in predicted.err.splitlines() if line.strip()]
        if noise:
            wrong.append(f"prediction wrote on stderr: {noise[0][:100]}")
        counts = Counter(Path(path).name.rsplit(" ", 1)[0] for path in refused)
        reasons = Counter(answer["error"] for answer in answers if "error" in answer)
        measured = measure_bombs(folder, wrong)
    body = (
        f"{files:,} files: {len(cuts)} cuts and {flips:,} flips of each format among {2 * GOOD} good pictures; "
        f"{len(refused):,} of them refused, by training and by prediction alike. What a flip leaves decodable is taken "
        "where the format has no checksum.\n\n"
    )
    by_kind = [(kind, counts[f"{kind} cut"], len(cuts), counts[f"{kind} flip"], flips) for kind in KINDS]
    body += table(["format", "cuts refused:", "of:", "flips refused:", "of:"], by_kind)
    body += "\n\n" + table(["bomb", "bytes:", "MB added:", "ms:", "said"], measured)
    body += "\n\n" + table(["reason", "files:"], reasons.most_common())
    figures = {
        "n": files,
        "seed": 0,
        "refused": len(refused),
        "by_kind": counts,
        "bombs": measured,
        "reasons": reasons,
    }
    return conclude("picture_corpus", "Damaged and hostile pictures", given, figures, body, wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
