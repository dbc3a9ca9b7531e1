"""Proof 19: Grad-CAM is captum's, and a learning step's terms are autograd's gradient.

100 pictures: 50 of MNIST's test digits on a network that `pellucid train` has just trained for one epoch, and 50 cuts
of scikit-image's photographs on ResNet-18 with initial weights. For each the heatmap of the likeliest class, and of
the difference of the two likeliest, is held against captum's LayerGradCam on torch's own network, within 1e-5 of the
largest weighted sum (of which Grad-CAM takes what is above 0). Integrated gradients of some of them stand beside
captum's in float64; their gap is told, without a limit: a rounding can put a ReLU on its other side on the way. Then,
on 10 of the digits, two weights of every tensor of the network: the sum of delta x input against autograd by the
weight itself, within 1e-6, relative; and the loss after the step against that of torch's own network with this weight
changed.

    python proof/grad_cam.py            writes proof/results/grad_cam.json and .md
    python proof/grad_cam.py --short    5 pictures of each, a small network with initial weights
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from _record import COMMAND, conclude, options, run, table
from captum.attr import IntegratedGradients, LayerGradCam
from skimage import data

from pellucid.draws import uniform
from pellucid.engines.initial import initial_weights
from pellucid.engines.torch import NetworkModule
from pellucid.images.builtin import mnist
from pellucid.inside.learning import learning_step
from pellucid.inside.saliency import GradCam, grad_cam, integrated_gradients
from pellucid.inside.scores import find_scores
from pellucid.model import ModelFile
from pellucid.model.card import Card
from pellucid.model.onnx_file import OnnxFile
from pellucid.model.opened import Opened, open_run
from pellucid.model.preprocessing import Preprocessing
from pellucid.model.write import model_bytes
from pellucid.network import Network, zoo

HEAT, LEARNING, LOSS = 1e-5, 1e-6, 1e-5
SEED = 0


class Referee(torch.nn.Module):
    """torch's own network of a model file; its call gives the calibrated logits, and with two classes set their
    difference as well, behind the classes."""

    def __init__(self, model: ModelFile):
        super().__init__()
        self.network = NetworkModule(model.network).eval()
        # The written order with its modules, for captum's hooks; only the softmax at the end is left out.
        self.network._modules[model.network.nodes[-1].name] = torch.nn.Identity()
        self.factor = 1 / model.card.temperature
        self.pair = (0, 0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits = self.network(x) * self.factor
        first, second = self.pair
        return torch.cat([logits, logits[:, first : first + 1] - logits[:, second : second + 1]], 1)


def initial(network: Network) -> bytes:
    """A model file with initial weights."""
    channels, height, width = network.input_shape
    card = Card(
        classes=tuple(f"class {n}" for n in range(network.output_shape[0])),
        network=network.text,
        preprocessing=Preprocessing(
            height=height, width=width, channels=channels,
            scale=(1 / 64,) * channels, shift=(-2.0,) * channels,
        ),
    )  # fmt: skip
    return model_bytes(network.with_weights(initial_weights(network, SEED)), card)


def trained(folder: Path) -> bytes:
    """The default network after an epoch on MNIST."""
    done = run([COMMAND, "train", "--epochs", "1", "--seed", str(SEED), "--out", folder / "run"])
    if done.code:
        raise SystemExit(f"training: exit status {done.code}\n{done.err}")
    return (folder / "run" / "model.onnx").read_bytes()


def digits(count: int) -> list[np.ndarray]:
    """The first of MNIST's test pictures."""
    pixels = mnist().pixels
    return [np.asarray(pixels[60_000 + n]) for n in range(count)]


def cuts(count: int) -> list[np.ndarray]:
    """Parts of photographs of any shape, 60 to 200 pixels a side."""
    photographs = [data.astronaut(), data.chelsea(), data.coffee()]
    found = []
    for n in range(count):
        photograph = photographs[n % len(photographs)]
        draws = uniform(SEED, n, np.arange(4))
        height, width = (60 + draws[:2] * 140).astype(int)
        top = int(draws[2] * (photograph.shape[0] - height))
        left = int(draws[3] * (photograph.shape[1] - width))
        found.append(photograph[top : top + height, left : left + width])
    return found


def gap(ours: np.ndarray, wanted: np.ndarray, scale: np.ndarray) -> float:
    """The largest difference, relative to the largest of `scale`; absolute where all are 0."""
    return float(np.abs(ours - wanted).max()) / (float(np.abs(scale).max()) or 1.0)


def heatmaps(bytes_: bytes, pictures: Sequence[np.ndarray], integrate: int) -> dict[str, Any]:
    """Our heatmaps against captum's: the largest gaps, and how many were compared. `integrate`: of so many pictures
    integrated gradients, too."""
    model, file = ModelFile(bytes_), OnnxFile(bytes_)
    referee, exact = Referee(model), Referee(model).double()
    worst, gaps, layer, compared, empty = 0.0, [], "", 0, 0
    for n, picture in enumerate(pictures):
        opened = open_run(file, {"image": picture[None]})
        first, second = (int(k) for k in np.argsort(-find_scores(opened).values)[:2])
        referee.pair = (first, second)
        x = torch.from_numpy(np.array(opened.values["input"]))
        for target, place in ((first, first), ((first, second), len(model.classes))):
            cam: GradCam = grad_cam(opened, target)
            layer = cam.layer
            explained = LayerGradCam(referee, referee.network._modules[layer])
            wanted = explained.attribute(x, target=place, relu_attributions=True)[0, 0].detach().numpy()
            worst = max(worst, gap(cam.heat, wanted, cam.weighted))
            compared, empty = compared + 1, empty + int(not cam.heat.any())
        if n < integrate:
            found = integrated_gradients(opened, first, 10, "float64")
            x = x.double()
            baseline = x.mean((2, 3), keepdim=True).expand(x.shape)
            wanted = IntegratedGradients(exact).attribute(
                x, baseline, target=first, n_steps=10, method="riemann_middle"
            )[0].numpy()  # fmt: skip
            gaps.append(gap(found.attributions, wanted, wanted))
    return {
        "network": model.card.network, "pictures": len(pictures), "layer": layer, "heatmaps": compared,
        "empty": empty, "worst": worst, "integrated": len(gaps), "worst_integrated": max(gaps),
    }  # fmt: skip


def learning(bytes_: bytes, pictures: Sequence[np.ndarray], labels: Sequence[int]) -> dict[str, Any]:
    """Two weights of every tensor on each picture: the terms' sum against autograd, the loss after against torch's."""
    model, file = ModelFile(bytes_), OnnxFile(bytes_)
    worst = worst_loss = 0.0
    steps = zero = lower = 0
    for n, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        opened = open_run(file, {"image": picture[None]})
        for name, array in model.network.weights.items():
            if "running" in name:
                continue
            for draw in range(2):
                draws = uniform(SEED, n, draw, np.arange(array.ndim))
                index = tuple(int(share * size) for share, size in zip(draws, array.shape, strict=True))
                step = learning_step(opened, name, index, label)
                if step.by_autograd:
                    worst = max(worst, abs(step.difference) / abs(step.by_autograd))
                else:
                    zero += 1
                    worst = max(worst, abs(step.gradient))
                steps += 1
                lower += step.loss_after < step.loss
                if draw == 0:
                    after = own_loss(model, opened, name, index, step.after, label)
                    worst_loss = max(worst_loss, abs(after - step.loss_after))
    return {"steps": steps, "worst": worst, "zero": zero, "lower": lower, "worst_loss": worst_loss}


def own_loss(
    model: ModelFile, opened: Opened, name: str, index: tuple[int, ...], value: float, label: int
) -> float:
    """The loss of torch's own network in float64 with one weight changed."""
    referee = Referee(model).double()
    with torch.no_grad():
        dict(referee.network.named_parameters())[name][index] = value
        logits = referee(torch.from_numpy(opened.values["input"].astype(np.float64)))[:, : len(model.classes)]
        return float(F.cross_entropy(logits, torch.tensor([label])))


def main(argv: Sequence[str]) -> int:
    given = options(argv, __doc__)
    torch.set_num_threads(2)
    count, taught = (5, 2) if given.short else (50, 10)
    photographs = (
        "conv 8 3x3, relu, maxpool 2, conv 12 3x3, batchnorm, relu, globalavgpool, flatten, dense 5, softmax"
    )
    resnet = Network.from_text(photographs, (3, 32, 32)) if given.short else zoo.build("resnet18", 96)
    with tempfile.TemporaryDirectory() as name:
        small = initial(zoo.build("bench-lenet")) if given.short else trained(Path(name))
    labels = [int(label) for label in mnist().labels[60_000 : 60_000 + taught]]
    rows = [
        heatmaps(small, digits(count), min(count, 20)),
        heatmaps(initial(resnet), cuts(count), min(count, 5)),
    ]
    step = learning(small, digits(taught), labels)
    wrong = [
        f"{row['layer']}: {what} is {off:.1e} off captum's, at most {HEAT:.0e} wanted"
        for row in rows
        for what, off in (("Grad-CAM", row["worst"]),)
        if not off <= HEAT
    ]
    wrong += [
        f"every heatmap over {row['layer']} is empty" for row in rows if row["empty"] == row["heatmaps"]
    ]
    if not step["worst"] <= LEARNING:
        wrong.append(f"a gradient is {step['worst']:.1e} off autograd's, at most {LEARNING:.0e} wanted")
    if not step["worst_loss"] <= LOSS:
        wrong.append(
            f"a loss after a step is {step['worst_loss']:.1e} off torch's, at most {LOSS:.0e} wanted"
        )
    if step["zero"] == step["steps"]:
        wrong.append("every gradient is 0")
    body = table(
        [
            "network", "layer", "pictures:", "heatmaps:", "of them empty:", "largest gap:",
            "integrated gradients:", "largest gap:",
        ],
        [
            (
                row["network"] if len(row["network"]) < 100 else row["network"][:97] + "...", row["layer"],
                row["pictures"], row["heatmaps"], row["empty"], f"{row['worst']:.1e}", row["integrated"],
                f"{row['worst_integrated']:.1e}",
            )
            for row in rows
        ],
    )  # fmt: skip
    body += (
        f"\n\nLearning: {step['steps']} steps, rate 0.01; the sum of the terms is at most {step['worst']:.1e} off "
        f"autograd's gradient, relative ({step['zero']} of them are 0 in both); the loss after a step at most "
        f"{step['worst_loss']:.1e} off torch's own network. {step['lower']} of the steps make the picture's loss "
        "smaller; where a gradient is 0, nothing changes."
    )
    figures = {"n": 2 * count, "seed": SEED, "networks": rows, "learning": step}
    return conclude(
        "grad_cam", "Heatmaps against captum, learning steps against autograd", given, figures, body, wrong
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
