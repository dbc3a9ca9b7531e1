"""An installed pellucid tried as somebody without a compiler or torch uses it: one quick epoch, then predictions.

python .ci/try_wheel.py            after `pip install pellucid-*.whl`; needs nothing but the package
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DIGITS = Path(__file__).resolve().parent.parent / "examples" / "digits"
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def pellucid(folder: str, *arguments: object) -> str:
    """What the command prints; its error ends this program."""
    environment = os.environ | {"PELLUCID_CACHE": str(Path(folder) / "cache")}
    done = subprocess.run(
        [sys.executable, "-m", "pellucid", *map(str, arguments)],
        cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"pellucid {arguments[0]} ended with {done.returncode}\n{done.stderr}")
    return done.stdout


place = subprocess.run([sys.executable, "-c", "import pellucid; print(pellucid.__file__)"], capture_output=True,
                       text=True, check=True).stdout.strip()  # fmt: skip
if not (Path(place).parent / "faces" / "explorer" / "app.html").is_file():
    raise SystemExit("the wheel has no explorer: build it before (npm ci && npm run build, in web/)")

with tempfile.TemporaryDirectory() as folder:
    run = Path(folder) / "run"
    begin = time.monotonic()
    train = ("train", "--network", "bench-lenet", "--epochs", 1, "--engine", "native", "--out", run, "--json")
    trained = json.loads(pellucid(folder, *train))
    seconds = time.monotonic() - begin
    lines = pellucid(folder, "predict", "--json", run / "model.onnx", DIGITS).splitlines()
    answers = [json.loads(line) for line in lines]
    right = sum(WORDS.index(Path(answer["path"]).stem) == int(answer["label"]) for answer in answers)
    found = {
        "accuracy": trained["test"]["accuracy"], "count": trained["test"]["count"],
        "seconds": round(seconds, 1), "digits": len(answers), "digits_right": right,
    }  # fmt: skip
    print(json.dumps(found))
    if found["accuracy"] < 0.95 or found["count"] != 10_000 or len(answers) != 10 or right < 7:
        raise SystemExit("that is less than a model of MNIST gets right")
