"""The page of classic networks and its drawings, made anew: `PYTHONPATH=src python tests/support/networks_page.py`.

tests/test_networks_page.py holds what stands in docs/ against it.
"""

from __future__ import annotations

from pathlib import Path

from pellucid.network import Network, table, zoo
from pellucid.network.layers import on_screen
from pellucid.network.sharing import sharing

DOCS = Path(__file__).resolve().parents[2] / "docs"

# Its name, how it is called, whether what repeats is folded, what to look at.
CLASSICS = (
    ("lenet5", "LeNet-5", False,
     "Two convolutions, each with its pooling, then three dense layers. Most of the parameters (48,120 of 61,706) are "
     "in the first dense layer: what the convolutions share is cheap."),
    ("alexnet", "AlexNet", False,
     "The picture shrinks at once, by a stride of 4; channels grow as maps shrink. Of 61 million parameters 58 million "
     "are in the three dense layers, of 714 million mult-adds 656 million in the five convolutions."),
    ("vgg16", "VGG-16", False,
     "3x3 convolutions only. Two of them see 5x5 pixels, three 7x7, with fewer weights than one such kernel. Each "
     "pooling halves the map, and the channels double until they are 512."),
    ("resnet18", "ResNet-18", False,
     "Around every two convolutions leads a line to an addition (+): the two learn what is to be added. Where the map "
     "shrinks, the line has a 1x1 convolution of stride 2, so that both sides fit."),
    ("resnet50", "ResNet-50", True,
     "A 1x1 convolution narrows, a 3x3 filters, a 1x1 widens again. What comes several times in a row is drawn once "
     "here (`--fold`), in a dashed frame with its count."),
)  # fmt: skip
SHARING = ("conv 8 5x5", (3, 32, 32))


def drawings() -> dict[str, str]:
    """Every drawing by its file's name in docs/networks/."""
    drawn = {f"{name}.svg": zoo.build(name).diagram(title, fold=fold) for name, title, fold, _ in CLASSICS}
    return drawn | {"sharing.svg": sharing(Network.from_text(*SHARING))}


def page() -> str:
    """docs/networks.md."""
    parts = [
        "# The classic networks",
        "Each is drawn by `pellucid summary NAME --diagram FILE.svg`; any other network, by its text or its model "
        "file, the same. A card is a stage: a layer and what follows it alone (conv, batchnorm, relu, pool). "
        "Its blocks are as high, deep and wide as the logarithm of the feature map's rows, columns and channels; the "
        "words say each layer's name, what it does, what comes out, and how many parameters it has. `--fold` draws "
        "what repeats once, `--down` lets data flow down. In Python it is `Network.diagram()`.",
    ]
    for name, title, fold, words in CLASSICS:
        network = zoo.build(name)
        rows = table.rows(network)
        size = " x ".join(str(n) for n in on_screen(network.input_shape))
        parts += [
            f"## {title}",
            f"{_sentence(zoo.ZOO[name].about)}",
            words,
            f"![{title} as blocks and lines: {len(network.nodes)} layers, {network.parameter_count:,} parameters]"
            f"(networks/{name}.svg)",
            f"<details><summary>Its table: {network.parameter_count:,} parameters, {network.mult_adds:,} mult-adds"
            "</summary>",
            f"```console\n$ pellucid summary {name} --diagram {name}.svg{' --fold' * fold}\ninput {size}\n"
            f"{table.plain(rows, table.totals(rows))}\n```",
            "</details>",
        ]
    network = Network.from_text(*SHARING)
    compared = table.plain_against(table.against_dense(network))
    parts += [
        "## Why convolutions are small",
        "A dense layer joins every input to every output, each pair by a weight of its own. A convolution joins an "
        "output to its window only, and all outputs by the same few weights. As a matrix that is a band, and along it "
        "the same letters again and again:",
        "![A convolution of 5x5 beside a dense and a locally connected layer: matrices and neurons]"
        "(networks/sharing.svg)",
        f"```console\n$ pellucid summary '{SHARING[0]}' --input 32x32x3 --against dense --drawing sharing.svg\n"
        f"input 32 x 32 x 3\n{compared}\n```",
    ]
    return "\n\n".join(parts) + "\n"


def _sentence(about: str) -> str:
    """Whose network it is."""
    return about[:1].upper() + about[1:] + "."


def write() -> None:
    """All of it into docs/."""
    (DOCS / "networks").mkdir(exist_ok=True)
    for name, svg in drawings().items():
        (DOCS / "networks" / name).write_text(svg + "\n")
    (DOCS / "networks.md").write_text(page())


if __name__ == "__main__":
    write()
