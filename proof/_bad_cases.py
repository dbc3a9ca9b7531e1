"""The cases of bad_input.py that are written by hand: what is given, and what has to come of it."""

from __future__ import annotations

import gzip
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from _record import COMMAND, Ran, run
from onnx import TensorProto, helper
from PIL import Image

from pellucid.training.checkpoint import load_checkpoint

SMALL = ("--network", "flatten, dense 10", "--epochs", "1", "--threads", "1", "--out", "made")
TWO = ("--network", "flatten, dense 2", "--epochs", "1", "--threads", "1", "--out", "made")


@dataclass(frozen=True)
class Case:
    """A call in the prepared folder, its exit status, and words that must be in what it says.

    `fresh` names what is removed before; `after` looks at the folder and says what is wrong there.
    """

    group: str
    name: str
    arguments: Sequence[str | Path]
    says: Sequence[str] = ()
    code: int = 1
    stdin: bytes = b""
    variables: dict[str, str] = None  # type: ignore[assignment]
    fresh: Sequence[str] = ("made",)
    after: Callable[[Path], list[str]] | None = None
    slow: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "variables", self.variables or {})

    @property
    def command(self) -> str:
        return " ".join(["pellucid", *map(str, self.arguments)])


def prepare(folder: Path) -> None:
    """Good pictures in `digits`, and everything bad beside them."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    for i, (pixels, label) in enumerate(zip(images[:120], labels[:120], strict=True)):
        path = folder / "digits" / str(label) / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((pixels.reshape(8, 8) * 15).astype(np.uint8)).save(path)
    rng = np.random.default_rng(0)
    noise = rng.bytes(3000)
    for name in ("empty", "holes/a", "holes/b"):
        (folder / name).mkdir(parents=True)
    (folder / "loose").mkdir()
    shutil.copy(folder / "digits" / "0" / "0.png", folder / "loose" / "0.png")
    shutil.copytree(folder / "digits" / "0", folder / "one" / "0")
    shutil.copytree(folder / "digits", folder / "deep" / "digits")
    for kind, data in (("zero bytes", b""), ("random bytes", noise), ("a gif", b"GIF89a" + noise),
                       ("half a jpeg", b"\xff\xd8\xff\xe0" + noise[:60])):  # fmt: skip
        for name in "ab":
            for number in range(3):
                path = folder / kind / name / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
    for name in "01":
        (folder / "random digits" / name).mkdir(parents=True)
        (folder / "random digits" / name / "1.png").write_bytes(noise)
    shutil.copytree(folder / "digits", folder / "mixed")
    (folder / "mixed" / "0" / "zero.png").write_bytes(b"")
    (folder / "mixed" / "0" / "random.jpg").write_bytes(noise)
    (folder / "mixed" / "0" / "whole.png").write_bytes((folder / "digits" / "0" / "0.png").read_bytes()[:70])
    (folder / "mixed" / "0" / "huge.png").write_bytes(huge_png())
    (folder / "mixed" / "0" / "gone.png").symlink_to("nowhere.png")
    os.mkfifo(folder / "mixed" / "0" / "pipe.png")
    (folder / "mixed" / "0" / "folder.png").mkdir()
    shutil.copytree(folder / "digits", folder / "parts" / "test")
    shutil.copytree(folder / "digits", folder / "others" / "train")
    shutil.copytree(folder / "digits" / "1", folder / "others" / "test" / "eleven")
    for name in "ab":
        (folder / "tiny" / name).mkdir(parents=True)
        Image.fromarray(rng.integers(0, 256, (8, 8), dtype=np.uint8)).save(folder / "tiny" / name / "1.png")
    shutil.copytree(folder / "digits", folder / "idx" / "unused")
    shutil.rmtree(folder / "idx" / "unused")
    (folder / "idx" / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(noise)[:-9])
    (folder / "idx" / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(noise))
    (folder / "file").write_bytes(b"a file, no folder")
    (folder / "text.onnx").write_text("no model")
    (folder / "nothing.onnx").write_bytes(b"")
    (folder / "picture.onnx").write_bytes((folder / "digits" / "0" / "0.png").read_bytes())
    (folder / "foreign.onnx").write_bytes(foreign_model())
    (folder / "settings").mkdir()
    (folder / "settings" / "text.json").write_text("epochs = 3")
    (folder / "settings" / "list.json").write_text("[1, 2]")
    (folder / "settings" / "bytes.json").write_bytes(noise)
    (folder / "settings" / "unknown.json").write_text('{"learningrate": 0.1}')
    (folder / "begun").mkdir()
    (folder / "begun" / "settings.json").write_text('{"data": "digits", "network": "mlp", "epochs": 1}')
    (folder / "begun" / "checkpoint").mkdir()
    (folder / "begun" / "checkpoint" / "checkpoint.json").write_text('{"arrays": "state-1.safetensors"')
    (folder / "spoilt").mkdir()
    (folder / "spoilt" / "settings.json").write_text('{"data": "digits", "epochs": ')


def huge_png() -> bytes:
    """A PNG whose header promises 60,000 x 60,000 pixels."""
    import struct
    import zlib

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    chunk = b"IHDR" + header
    start = (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", len(header)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    )
    data = b"IDAT" + zlib.compress(b"\0" * 100)
    return start + struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))


def foreign_model() -> bytes:
    """A whole ONNX file that some other program wrote."""
    node = helper.make_node("Relu", ["x"], ["y"])
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 4]) for name in "xy"]
    graph = helper.make_graph([node], "other", values[:1], values[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def nothing_made(folder: Path) -> list[str]:
    return ["it left a run's folder behind"] if (folder / "made").exists() else []


def by_hand(folder: Path) -> list[Case]:
    """Every case that needs nothing but the prepared folder."""
    long_name = "x" * 300
    cases = [
        Case("data", "no such folder", ["train", "nowhere", *SMALL], ["no such folder"], after=nothing_made),
        Case("data", "a name nearly right", ["train", "digit", *SMALL], ["did you mean digits"]),
        Case("data", "empty folder", ["train", "empty", *SMALL], ["no pictures", "cat/1.jpg"], after=nothing_made),
        Case("data", "empty class folders", ["train", "holes", *SMALL], ["no pictures"]),
        Case("data", "pictures without class folders", ["train", "loose", *SMALL], ["no class folders"]),
        Case("data", "one class", ["train", "one", *SMALL], ["only one class", "at least one other"],
             after=nothing_made),
        Case("data", "the classes one level deeper", ["train", "deep", *SMALL], ["deep/digits"]),
        Case("data", "a file", ["train", "file", *SMALL], ["a folder is wanted"]),
        Case("data", "a picture", ["train", "digits/0/0.png", *SMALL], ["a folder is wanted"]),
        Case("data", "an empty name", ["train", "", *SMALL], ["empty"]),
        Case("data", "only 0-byte pictures", ["train", "zero bytes", *TWO], ["none of the pictures", "empty"],
             after=nothing_made),
        Case("data", "only random bytes", ["train", "random bytes", *TWO],
             ["none of the pictures", "not a jpeg, png, webp"]),
        Case("data", "only GIFs called PNG", ["train", "a gif", *TWO], ["none of the pictures"]),
        Case("data", "only torn JPEGs", ["train", "half a jpeg", *TWO], ["none of the pictures"]),
        Case("data", "bad ones among good ones", ["train", "mixed", *SMALL],
             ["zero.png: the file is empty", "random.jpg: not a jpeg, png, webp", "whole.png: the picture is cut short",
              "huge.png: the picture has more than", "gone.png", "pipe.png"], code=0),
        Case("data", "test without train", ["train", "parts", *SMALL], ["no train folder"]),
        Case("data", "a class in test only", ["train", "others", *SMALL], ["in test but not in train", "eleven"]),
        Case("data", "one picture a class", ["train", "tiny", *TWO], ["no validation part"], code=0),
        Case("data", "a torn IDX file", ["train", "idx", *SMALL], ["idx"]),
        Case("target", "below a file", ["train", "digits", *SMALL[:-1], "file/run"], ["not a directory", "file"]),
        Case("target", "a file", ["train", "digits", *SMALL[:-1], "file"], ["exists"]),
        Case("target", "an empty name", ["train", "digits", *SMALL[:-1], ""], ["--out"]),
        Case("target", "a run already", ["train", "digits", *SMALL[:-1], "run"],
             ["a run in this folder already", "--resume"]),
        Case("target", "a name too long", ["train", "digits", *SMALL[:-1], long_name], ["name too long", "shorter"]),
        Case("target", "a system folder", ["train", "digits", *SMALL[:-1], "/proc/pellucid"], ["can't write"]),
        Case("target", "the picture cache below a file", ["train", "digits", *SMALL], ["pellucid_cache"],
             variables={"PELLUCID_CACHE": str(folder / "file" / "cache")}),
        Case("target", "a limit of the cache that is none", ["train", "digits", *SMALL],
             ["pellucid_cache_limit", "500MB"],
             variables={"PELLUCID_CACHE_LIMIT": "lots"}),
        Case("resume", "no such run", ["train", "--resume", "nowhere"], ["no such run"]),
        Case("resume", "a folder that is no run", ["train", "--resume", "digits"], ["settings.json"]),
        Case("resume", "a finished run", ["train", "--resume", "run"], ["finished"]),
        Case("resume", "another option too", ["train", "--resume", "run", "--epochs", "9"], ["--epochs"]),
        Case("resume", "a damaged checkpoint", ["train", "--resume", "begun"], ["checkpoint is damaged"]),
        Case("resume", "half a settings file", ["train", "--resume", "spoilt"], ["not json"]),
        Case("settings", "no such file", ["train", "--settings", "nowhere.json", *SMALL],
             ["no such", "nowhere.json"]),
        Case("settings", "a folder", ["train", "--settings", "digits", *SMALL], ["folder"]),
        Case("settings", "no JSON", ["train", "--settings", "settings/text.json", *SMALL], ["not json"]),
        Case("settings", "a list", ["train", "--settings", "settings/list.json", *SMALL], ["one json object"]),
        Case("settings", "random bytes", ["train", "--settings", "settings/bytes.json", *SMALL], ["not json"]),
        Case("settings", "an unknown name", ["train", "--settings", "settings/unknown.json", *SMALL],
             ["learningrate", "learning_rate"]),
        Case("predict", "no such file", ["predict", "model.onnx", "nowhere.png"], ["no such file"]),
        Case("predict", "an empty folder", ["predict", "model.onnx", "empty"], ["no pictures here"]),
        Case("predict", "bad ones among good ones", ["predict", "model.onnx", "mixed/0"],
             ["the file is empty", "cut short"], code=0),
        Case("predict", "random bytes alone", ["predict", "model.onnx", "random bytes"], ["not a jpeg, png, webp"]),
        Case("predict", "nothing on stdin", ["predict", "model.onnx", "-"], ["no pictures here"]),
        Case("predict", "nonsense on stdin", ["predict", "model.onnx", "-"], [], stdin=b"\0\xff\n" * 3),
        Case("predict", "a name too long on stdin", ["predict", "model.onnx", "-"], [], stdin=b"x" * 5000 + b"\n"),
        Case("predict", "a name too long", ["predict", "model.onnx", long_name], ["too long"]),
        Case("predict", "no path", ["predict", "model.onnx"], ["PATH"], code=2),
        Case("predict", "an empty path", ["predict", "model.onnx", ""], []),
        Case("predict", "top 0", ["predict", "model.onnx", "digits", "--top", "0"], ["--top"], code=2),
        Case("predict", "CSV and JSON", ["predict", "model.onnx", "digits/0", "--csv", "--json"], ["--csv"], code=2),
        Case("evaluate", "a picture as data", ["evaluate", "model.onnx", "digits/0/0.png"], ["a folder is wanted"]),
        Case("evaluate", "other classes", ["evaluate", "model.onnx", "tiny"],
             ["classes that the model doesn't know", "a, b"]),
        Case("evaluate", "a model away from its run", ["evaluate", "model.onnx"], ["split.csv"]),
        Case("evaluate", "pictures that can't be read", ["evaluate", "model.onnx", "random digits"],
             ["no picture could be read"]),
        Case("call", "no verb", [], [], code=2),
        Case("call", "an unknown verb", ["trane"], ["trane"], code=2),
        Case("call", "an unknown option", ["train", "--epoch", "3"], ["--epoch"], code=2),
        Case("call", "an argument too many", ["train", "digits", "digits"], [], code=2),
    ]  # fmt: skip
    cases += networks()
    cases += models(folder)
    return cases


def networks() -> list[Case]:
    """Networks that can't be, for `train` and for `summary`."""
    texts: list[tuple[str, str, list[str]]] = [
        ("doesn't fit", "conv 8 5x5, maxpool 9, flatten, dense 10", ["pool1 does not fit", "window 9", "maxpool"]),
        ("the second convolution doesn't fit", "conv 4 3x3, relu, conv 4 7x7", ["conv2 does not fit", "floor(("]),
        ("a misspelt layer", "conv 8 3x3, rellu, flatten, dense 10", ["no layer called 'rellu'", "relu"]),
        ("a misspelt option", "conv 8 3x3 strid 2", ["strid", "stride"]),
        ("a misspelt name", "lenet6", ["no network called 'lenet6'", "lenet5"]),
        ("an empty text", "", []),
        ("only commas", ", ,", ["at least one layer"]),
        ("a size missing", "conv 8", ["kernel"]),
        ("no channels", "conv 0 3x3", ["channels"]),
        ("an empty kernel", "conv 8 0x0", ["kernel"]),
        ("stride 0", "conv 8 3x3 stride 0", ["stride"]),
        ("negative padding", "conv 8 3x3 pad -1", ["pad"]),
        ("a half number", "conv 8.5 3x3", ["8.5"]),
        ("a huge layer", "flatten, dense 99999999999", ["units"]),
        ("a huge network", "flatten, dense 1000000, dense 1000000, dense 10", []),
        ("dropout of all", "dropout 1, flatten, dense 10", ["rate"]),
        ("dropout of nan", "dropout nan, flatten, dense 10", ["rate"]),
        ("groups that don't divide", "conv 8 3x3, conv 9 3x3 groups 4", ["groups"]),
        ("dense before flatten", "dense 10", ["flatten"]),
        ("a convolution after flatten", "flatten, conv 8 3x3", ["conv1"]),
        ("an unknown source", "conv 8 3x3, add nobody", ["nobody"]),
        ("shapes that can't be added", "conv 8 3x3, conv 4 3x3 pad 1, add conv1", ["add1"]),
        ("a name twice", "a: conv 8 3x3, a: relu", ["a"]),
        ("markup", "[red]conv[/red] 8 3x3", ["[red]conv[/red]"]),
        ("a line of nothing but letters", "x" * 5000, []),
        ("deep", ", ".join(["relu"] * 9_000), []),
        ("too deep", ", ".join(["relu"] * 20_000), ["at most 10,000 layers"]),
    ]  # fmt: skip
    cases = []
    for name, text, says in texts:
        accepted = name == "deep"
        if name != "a huge network":
            cases.append(Case("network", f"{name} (summary)", ["summary", text, "--input", "8x8x1"], says,
                              code=0 if accepted else 1, slow=accepted))  # fmt: skip
        if not accepted:
            arguments = ["train", "digits", "--network", text, "--epochs", "1", "--out", "made"]
            cases.append(Case("network", f"{name} (train)", arguments, says, after=nothing_made))
    cases += [
        Case("network", "the wrong number of classes",
             ["train", "digits", "--network", "flatten, dense 9", "--out", "made"],
             ["9 values, but there are 10 classes", "dense 10"], after=nothing_made),
        Case("network", "an input that is none", ["summary", "relu", "--input", "28"], ["28x28x1"]),
        Case("network", "no input", ["summary", "relu"], ["--input 28x28x1"]),
        Case("network", "another comparison", ["summary", "digits", "--against", "nothing"], ["dense", "local"]),
    ]  # fmt: skip
    return cases


def models(folder: Path) -> list[Case]:
    """Files that are no model of ours, for every verb that opens one."""
    whole = (folder / "model.onnx").read_bytes()
    (folder / "torn.onnx").write_bytes(whole[: len(whole) // 2])
    (folder / "longer.onnx").write_bytes(whole + b"\0")
    files: list[tuple[str, str, list[str]]] = [
        ("no such file", "nowhere.onnx", ["no such model file"]),
        ("a folder", "digits", ["folder"]),
        ("an empty file", "nothing.onnx", ["empty"]),
        ("a text file", "text.onnx", ["onnx"]),
        ("a picture", "picture.onnx", ["onnx"]),
        ("half of it", "torn.onnx", []),
        ("a byte more", "longer.onnx", ["damaged"]),
        ("another program's", "foreign.onnx", ["foreign.onnx"]),
    ]
    cases = []
    for name, file, says in files:
        cases += [
            Case("model file", f"{name} (predict)", ["predict", file, "digits/0"], says),
            Case("model file", f"{name} (evaluate)", ["evaluate", file, "digits"], says),
            Case("model file", f"{name} (train --from)", ["train", "digits", "--from", file, "--out", "made"], says,
                 after=nothing_made),
        ]  # fmt: skip
        if file != "digits":  # a name of the zoo, too
            cases.append(Case("model file", f"{name} (summary)", ["summary", file], says))
    return cases


def on_full_disks(folder: Path) -> tuple[list[tuple[Case, Ran]], list[str]]:
    """Disks that are full at every stage: small tmpfs mounts, where this user may mount; else a note."""
    disk = folder / "disk"
    disk.mkdir()
    found, notes = [], []
    train = ["train", "digits", "--network", "mlp", "--epochs", "2", "--threads", "1"]
    for kilobytes, stage, left in (
        (4, "at the settings", None),
        (8, "at the split", None),
        (300, "at the first checkpoint", None),
        (1700, "at the second checkpoint, the first stands", 1),
    ):
        mounted = run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", disk])
        if mounted.code:
            notes.append(f"a full disk, as this user may not mount a small one ({mounted.err.strip()})")
            break
        try:
            case = Case(
                "full disk", f"{kilobytes} kB, {stage}", [*train, "--out", "disk/run"], ["no space left"]
            )
            found.append((case, run([COMMAND, *case.arguments], cwd=folder)))
            if left is not None:  # whatever was saved before is whole
                checkpoint = load_checkpoint(disk / "run")
                assert checkpoint is not None and checkpoint.progress["epoch"] == left, checkpoint
        finally:
            run(["umount", disk])
    if not notes:
        run(["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", disk])
        try:
            case = Case(
                "full disk", "the picture cache", [*train, "--out", "made"], ["no space", "pellucid_cache"]
            )
            shutil.rmtree(folder / "made", ignore_errors=True)
            found.append((case, run([COMMAND, *case.arguments], cwd=folder, PELLUCID_CACHE=str(disk))))
        finally:
            run(["umount", disk])
        run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", disk])
        try:
            case = Case(
                "target", "a disk that can only be read", [*train, "--out", "disk/run"], ["read-only"]
            )
            found.append((case, run([COMMAND, *case.arguments], cwd=folder)))
        finally:
            run(["umount", disk])
    if Path("/dev/full").exists():
        for verb, rest in (
            ("predict", ["model.onnx", "digits"]),
            ("summary", ["vgg19"]),
            ("evaluate", ["model.onnx", "digits"]),
        ):
            case = Case(
                "full disk", f"behind stdout, {verb}", [verb, *rest, ">", "/dev/full"], ["no space left"]
            )
            with Path("/dev/full").open("wb") as full:
                done = subprocess.run([COMMAND, verb, *rest], cwd=folder, stdout=full, stderr=subprocess.PIPE,
                                      text=True, check=False)  # fmt: skip
            found.append((case, Ran(done.returncode, "", done.stderr, 0.0)))
    return found, notes


def limited(folder: Path) -> tuple[list[tuple[Case, Ran]], list[str]]:
    """Files that may not grow (RLIMIT_FSIZE), and a target without permission, as nobody."""
    found, notes = [], []

    def small_files() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))

    arguments = ["train", "digits", "--network", "mlp", "--epochs", "1", "--threads", "1", "--out", "made"]
    shutil.rmtree(folder / "made", ignore_errors=True)
    done = subprocess.run([COMMAND, *arguments], cwd=folder, preexec_fn=small_files, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, check=False)  # fmt: skip
    case = Case("full disk", "files of at most 30,000 bytes", arguments, ["too large"])
    found.append((case, Ran(done.returncode, done.stdout, done.stderr, 0.0)))

    locked = folder / "locked"
    locked.mkdir()
    locked.chmod(0o555)
    arguments = [*arguments[:-1], "locked/run"]
    command = [str(COMMAND), *arguments]
    if os.geteuid() == 0:
        # Root may write anywhere: without that capability it is held to permissions as everybody is.
        if not shutil.which("setpriv"):
            return found, [*notes, "a target without permission: root, and there is no setpriv"]
        command = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all", *command]
        probe = run([*command[:4], sys.executable, "-c", f"open({str(locked / 'x')!r}, 'w')"])
        if probe.code == 0:
            return found, [*notes, "a target without permission: root keeps its rights here"]
    case = Case("target", "no permission", arguments, ["permission"])
    found.append((case, run(command, cwd=folder)))
    return found, notes
