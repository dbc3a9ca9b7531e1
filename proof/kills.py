"""Proof 6: whatever kills a run, resuming it gives the weights of the run that nobody killed, bit for bit.

One run to its end, then
- 30 runs killed with SIGKILL at random moments from the process's start on, and resumed with --resume until done
  (where the run's folder isn't there yet, the same command again);
- 10 runs killed within the writing of a checkpoint: with half of a file written, before and after each flush and
  rename, while the old one is removed;
- 4 runs killed within the writing of model.onnx and the tidying after it.
Every model.onnx must have the reference's initialisers and figures, and wherever a checkpoint lies after a kill, it
loads.

    python proof/kills.py                    writes proof/results/kills.json and .md
    python proof/kills.py --engine native    the same with that engine: kills_native.json and .md
    python proof/kills.py --short            one kill of the first two kinds each, on a smaller run
"""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from _record import COMMAND, RESULTS, Options, conclude, parser, run, table
from onnx import numpy_helper
from PIL import Image

from pellucid.errors import PellucidError
from pellucid.images.builtin import mnist
from pellucid.training.checkpoint import load_checkpoint

SEED = 0
DONE = "done before the kill"
# Kills the process at one of the steps of writing. Arguments: what is being written (checkpoint or model), the
# how-manyth such write, the step, then the command line. Steps are counted over the calls that change the disk.
CHILD = """
import os, signal, sys
import pellucid.storage as storage
import pellucid.training
run = sys.modules["pellucid.training.run"]
checkpoint = sys.modules["pellucid.training.checkpoint"]
what, number, step = sys.argv[1], int(sys.argv[2]), sys.argv[3]
run.CHECKPOINT_SECONDS = -1  # a checkpoint after every step
sys.modules["pellucid.training.loop"]._BREATH = 0
state = {"writes": 0, "armed": False, "calls": 0}

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def counted(name, call):
    def wrapper(*args, **words):
        if state["armed"] and step == f"before {name} {state['calls']}":
            die()
        result = call(*args, **words)
        if state["armed"] and step == f"after {name} {state['calls']}":
            die()
        state["calls"] += state["armed"]
        return result
    return wrapper

def halved(write):
    def wrapper(path, data):
        if state["armed"] and step == f"half of {os.path.basename(path).split('-')[0].split('.')[0]}":
            def half(file):
                file.write(data[: len(data) // 2]); file.flush(); die()
            return write(path, half)
        return write(path, data)
    return wrapper

def watched(call):
    def wrapper(*args, **words):
        state["writes"] += 1
        state["armed"], state["calls"] = state["writes"] == number, 0
        try:
            return call(*args, **words)
        finally:
            if state["armed"]:
                die()  # the step did not come: after everything
    return wrapper

os.fsync = counted("flush", os.fsync)
from pathlib import Path
Path.replace = counted("rename", Path.replace)
Path.unlink = counted("removal", Path.unlink)
if what == "checkpoint":
    checkpoint.write_atomically = halved(checkpoint.write_atomically)
    run.save_checkpoint = watched(run.save_checkpoint)
elif what == "model":
    write = sys.modules["pellucid.model.write"]
    write.write_atomically = halved(write.write_atomically)
    run.write_model = watched(run.write_model)
else:
    run.clear_checkpoint = watched(run.clear_checkpoint)
sys.argv = ["pellucid", *sys.argv[4:]]
from pellucid.faces.cli import main
main()
"""
# (what is written, which time, at which step). The calls of one checkpoint are, in order: flush, rename and the
# folder's flush for the arrays, the same for the index, then the removal of the old arrays.
# There is one after each of an epoch's 26 steps; that after its validation has the last step's number and isn't
# written again. So the 28th write is the second epoch's first, with the checkpoint before the validation in force.
WITHIN_CHECKPOINT = [
    ("checkpoint", 1, "half of state"), ("checkpoint", 1, "before rename 1"), ("checkpoint", 1, "before rename 4"),
    ("checkpoint", 2, "before flush 0"), ("checkpoint", 5, "after rename 1"), ("checkpoint", 26, "half of checkpoint"),
    ("checkpoint", 28, "before flush 3"), ("checkpoint", 40, "after rename 4"), ("checkpoint", 53, "before removal 6"),
    ("checkpoint", 55, "half of state"),
]  # fmt: skip
WITHIN_MODEL = [
    ("model", 1, "half of model"), ("model", 1, "to the end"), ("model", 2, "before rename 1"),
    ("tidying", 1, "after removal 0"),
]  # fmt: skip


@dataclass(frozen=True)
class Setting:
    """The run that is killed, and how often."""

    data: Path
    epochs: int
    network: str
    random: int
    within: Sequence[tuple[str, int, str]]
    extra: Sequence[str] = ()

    def command(self, out: Path) -> list[str]:
        return ["train", str(self.data), "--network", self.network, "--epochs", str(self.epochs),
                "--seed", "1", "--out", str(out), *self.extra]  # fmt: skip


def write_digits(folder: Path, count: int) -> None:
    """The first `count` of MNIST's training pictures as PNG in class folders."""
    source = mnist()
    for i in range(count):
        path = folder / source.classes[source.labels[i]] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(source.read(i)[..., 0]).save(path)


def outcome(out: Path) -> dict:
    """What has to be the same: every initialiser's bytes, and the figures on the card."""
    model = onnx.load(out / "model.onnx")
    digest = hashlib.sha256()
    for tensor in sorted(model.graph.initializer, key=lambda tensor: tensor.name):
        array = numpy_helper.to_array(tensor)
        digest.update(f"{tensor.name} {array.dtype} {array.shape}\n".encode() + array.tobytes())
    card = json.loads(next(entry.value for entry in model.metadata_props if entry.key == "pellucid.card"))
    history = [json.loads(line) for line in (out / "history.jsonl").read_text().splitlines()]
    for record in history:
        del record["rate"], record["seconds"]
    return {
        "initialisers": len(model.graph.initializer),
        "weights": digest.hexdigest(),
        "figures": card["figures"],
        "history": hashlib.sha256(json.dumps(history).encode()).hexdigest(),
    }


def checkpoint_state(out: Path) -> str:
    """What lies in the run's folder after a kill: `none`, `loads at epoch N`, or what is wrong with it."""
    try:
        found = load_checkpoint(out)
    except PellucidError as error:
        return f"DOES NOT LOAD: {error}"
    if found is None:
        return "none"
    return f"loads at epoch {found.progress['epoch']}, step {found.progress['step']}"


def finish(setting: Setting, out: Path) -> tuple[int, str]:
    """Resume until the run is done, from its folder where there is one. (exit status, the last of stderr)"""
    begun = (out / "settings.json").exists()
    command = ["train", "--resume", str(out)] if begun else setting.command(out)
    ran = run([COMMAND, *command])
    if ran.code and (out / "model.onnx").exists() and checkpoint_state(out) == "none":
        return 0, ""  # the kill came after the end: resuming says that it is finished
    return ran.code, ran.err[-500:]


def killed_at(setting: Setting, out: Path, moments: Sequence[float]) -> list[str]:
    """Start or resume, kill at each of these moments (seconds from the process's start); what lay there after each."""
    states = []
    for moment in moments:
        begun = (out / "settings.json").exists()
        command = ["train", "--resume", str(out)] if begun else setting.command(out)
        child = subprocess.Popen(
            [COMMAND, *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(moment)
        child.send_signal(signal.SIGKILL)
        if child.wait() != -signal.SIGKILL:
            states.append(DONE)
            break
        states.append(checkpoint_state(out))
    return states


def killed_within(setting: Setting, out: Path, kill: tuple[str, int, str]) -> list[str]:
    """One run killed by itself at that step of writing."""
    what, number, step = kill
    ran = run([sys.executable, "-c", CHILD, what, str(number), step, *setting.command(out)])
    if ran.code != -signal.SIGKILL:
        return [f"NOT KILLED: exit status {ran.code}: {ran.err[-300:]}"]
    return [checkpoint_state(out)]


def main(argv: Sequence[str]) -> int:
    made = parser(__doc__)
    made.add_argument("--engine", choices=("auto", "native", "torch"), default="auto", help="what trains")
    chosen = made.parse_args(argv)
    given = Options(chosen.short, chosen.out or (None if chosen.short else RESULTS))
    engine = ["--engine", chosen.engine]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_digits(folder / "digits", 150 if given.short else 2400)
        if given.short:
            network = "conv 8 5x5, maxpool 2, relu, flatten, dense 10"
            within = [("checkpoint", 8, "half of checkpoint")]  # an epoch has 6 steps
            setting = Setting(folder / "digits", 6, network, 1, within, ["--threads", "1", *engine])
        else:
            setting = Setting(
                folder / "digits", 14, "bench-lenet", 30, WITHIN_CHECKPOINT + WITHIN_MODEL, engine
            )
        first = run([COMMAND, *setting.command(folder / "reference")])
        if first.code:
            raise SystemExit(f"the run that nobody kills ended with {first.code}\n{first.err}")
        reference = outcome(folder / "reference")

        rng = np.random.default_rng(SEED)
        rows, wrong = [], []
        for number in range(setting.random + len(setting.within)):
            out = folder / f"run{number}"
            if number < setting.random:
                moments = [float(moment) for moment in rng.uniform(0, first.seconds, 1 + number % 3)]
                states = killed_at(setting, out, moments)
                while states[0] == DONE:  # quicker than the first one: it doesn't count
                    shutil.rmtree(out)
                    moments = [moment / 2 for moment in moments]
                    states = killed_at(setting, out, moments)
                how = "after " + ", ".join(f"{moment:.2f} s" for moment in moments)
            else:
                kill = setting.within[number - setting.random]
                how = f"{kill[0]} {kill[1]}: {kill[2]}"
                states = killed_within(setting, out, kill)
            code, said = finish(setting, out)
            same = code == 0 and outcome(out) == reference
            rows.append({"kill": how, "left": states, "code": code, "same": same})
            print(
                f"{number + 1}: {how}: {'; '.join(states)}: {'the same' if same else 'DIFFERENT'}",
                file=sys.stderr,
            )
            if code:
                wrong.append(f"{how}: resuming ended with {code}: {said}")
            elif not same:
                wrong.append(f"{how}: another model than the reference")
            wrong += [f"{how}: {state}" for state in states if state.startswith(("DOES NOT", "NOT KILLED"))]
    kills = sum(len(row["left"]) - (DONE in row["left"]) for row in rows)
    body = (
        f"The run: {setting.network}, engine {chosen.engine}, {setting.epochs} epochs, {first.seconds:.1f} s from the "
        "process's start. "
        f"{len(rows)} runs were killed, {kills} kills in all; {sum(row['same'] for row in rows)} of them ended in "
        f"the reference's {reference['initialisers']} initialisers, figures and history, bit for bit.\n\n"
    )
    body += table(
        ["killed", "what lay there", "resumed"],
        [
            (row["kill"], "; ".join(row["left"]), "the same bits" if row["same"] else "NOT THE SAME")
            for row in rows
        ],
    )
    figures = {"seed": SEED, "n": len(rows), "kills": kills, "engine": chosen.engine, "seconds": first.seconds,
               "reference": reference,
               "runs": rows}  # fmt: skip
    name = "kills" if chosen.engine == "auto" else f"kills_{chosen.engine}"
    return conclude(name, "Killed and resumed", given, figures, body, wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
