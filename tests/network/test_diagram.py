"""Block diagrams: every layer and every connection is there, nothing lies on anything, whatever the network."""

import re
from base64 import b64decode
from collections import Counter
from itertools import combinations, pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ImageFont

from pellucid.errors import NetworkError
from pellucid.network import Network, zoo
from pellucid.network.diagram import diagram
from pellucid.network.svg import element, text_width
from support.networks import EVERY_LAYER
from support.svg import SVG, Drawing, meets, overlap

INCEPTION = (
    "s: conv 8 3x3 pad 1, relu, a: conv 4 1x1, b: conv 4 1x1 from relu1, c: conv 4 3x3 pad 1, "
    "d: conv 4 1x1 from relu1, e: conv 4 5x5 pad 2, relu, f: maxpool 3 stride 1 pad 1 from relu1, "
    "g: conv 4 1x1, j: concat a c relu2, k: conv 8 1x1, add s"
)
U_NET = (
    "a: conv 4 3x3 pad 1, b: conv 8 3x3 pad 1, relu, c: conv 8 3x3 pad 1, d: conv 8 3x3 pad 1, e: conv 8 3x3 pad 1, "
    "x: concat c, conv 4 1x1, y: concat b, conv 4 1x1, z: add a, conv 2 1x1, concat input"
)
DENSE_NET = ", ".join(
    ["c0: conv 4 3x3 pad 1"]
    + [f"k{n}: concat {' '.join(f'c{m}' for m in range(n - 1))}, c{n}: conv 4 3x3 pad 1" for n in range(2, 9)]
).replace("k2:", "c1: conv 4 3x3 pad 1, k2:")
NETWORKS = {
    **{name: zoo.build(name) for name in zoo.ZOO},
    "every layer": Network.from_text(EVERY_LAYER, (3, 16, 14)),
    "inception": Network.from_text(INCEPTION, (3, 16, 16)),
    "u-net": Network.from_text(U_NET, (3, 16, 16)),
    "dense net": Network.from_text(DENSE_NET, (3, 8, 8)),
    "a signal": Network.from_text(
        "conv 8 5, relu, maxpool 2, conv 8 5 pad 2, add pool1, flatten, dense 10", (3, 128)
    ),
    "a volume": Network.from_text(
        "conv 8 3x3x3, batchnorm, relu, maxpool 2, flatten, dense 10", (1, 16, 32, 30)
    ),
    "values": Network.from_text("dense 4, relu, dense 2, softmax", (7,)),
    "one layer": Network.from_text("relu", (1, 1, 1)),
    "twice the same": Network.from_text("conv 3 1x1, add conv1, add input", (3, 4, 4)),
    "a dead end": Network.from_text("a: conv 3 1x1, conv 3 1x1, b: conv 4 1x1 from a", (3, 4, 4)),
    "a long name": Network.from_text(f"{'n' * 3000}: conv 8 3x3, relu", (3, 8, 8)),
    "a long chain": Network.from_text(", ".join(["conv 4 3x3 pad 1, relu"] * 300), (4, 8, 8)),
}
WAYS = {
    "rows": {},
    "folded": {"fold": True},
    "down": {"down": True},
    "down, folded": {"fold": True, "down": True},
}


def wires(network: Network) -> Counter[str]:
    return Counter(f"{name}>{node.name}" for node in network.nodes for name in node.inputs)


def check(network: Network, svg: str) -> Drawing:
    """All that holds for every diagram."""
    drawn = Drawing(svg)
    # Every layer once, the repetitions of folds with them; and every connection.
    runs = [run for runs in drawn.runs for run in runs]
    assert Counter(name for run in runs for name in run) == Counter(
        ["input", *(n.name for n in network.nodes)]
    )
    lines = Counter(wire for line in drawn.lines for wire in line.wires)
    inside = Counter(f"{a}>{b}" for run in runs for a, b in pairwise(run))
    assert lines + inside == wires(network)
    # Nothing is cut off, and no two texts overlap.
    width, height = drawn.size
    for words, box in drawn.texts:
        assert box[0] >= 0 and box[1] >= 0 and box[2] <= width and box[3] <= height, words
    texts = sorted(drawn.texts, key=lambda each: each[1][1])
    for number, (words, box) in enumerate(texts):
        for others, other in texts[number + 1 :]:
            if other[1] > box[3]:
                break
            assert not overlap(box, other, 0.1), (words, others)
    # Lines keep off text and cards, and end at cards.
    cards = drawn.rects["card"]
    assert not any(overlap(one, other) for one, other in combinations(cards, 2))
    for line in drawn.lines:
        for piece in line.pieces:
            assert piece[0] == piece[2] or piece[1] == piece[3], "lines are horizontal or vertical"
            assert not any(meets(piece, box) for _, box in drawn.texts), line.wires
            assert not any(meets(piece, box) for box in cards), line.wires
        for x, y in line.ends:
            assert any(b[0] - 0.2 <= x <= b[2] + 0.2 and b[1] - 0.2 <= y <= b[3] + 0.2 for b in cards)
    # Two outputs' lines never lie on one another.
    levels: dict[tuple[bool, float], list[tuple[float, float, str]]] = {}
    for line in drawn.lines:
        source = line.wires[0].split(">")[0]
        for x0, y0, x1, y1 in line.pieces:
            flat = y0 == y1
            ends = sorted((x0, x1) if flat else (y0, y1))
            levels.setdefault((flat, y0 if flat else x0), []).append((ends[0], ends[1], source))
    for pieces in levels.values():
        for one, other in combinations(sorted(set(pieces)), 2):
            assert one[2] == other[2] or min(one[1], other[1]) - max(one[0], other[0]) < 0.2, (one, other)
    return drawn


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", NETWORKS)
def test_everything_is_there_and_nothing_overlaps(name, way):
    network = NETWORKS[name]
    check(network, network.diagram(name, **WAYS[way]))


@st.composite
def tangles(draw):
    """Layers that take in any earlier ones."""
    count = draw(st.integers(1, 14))
    pieces = []
    for n in range(count):
        earlier = ["input", *(f"l{m}" for m in range(n))]
        word = draw(st.sampled_from(["conv 3 1x1", "relu", "add", "batchnorm", "maxpool 3 stride 1 pad 1"]))
        source = draw(st.sampled_from(earlier))
        others = draw(st.lists(st.sampled_from(earlier), min_size=1, max_size=4)) if word == "add" else []
        pieces.append(f"l{n}: {word} {' '.join(others)} from {source}")
    return Network.from_text(", ".join(pieces), (3, 6, 6))


def tangle(seed: int) -> Network:
    """A larger one, of up to 26 layers."""
    random = Random(seed)
    pieces = []
    for n in range(random.randint(5, 26)):
        earlier = ["input", *(f"l{m}" for m in range(max(0, n - 8), n))]
        word = random.choice(["conv 3 1x1", "relu", "add", "add", "maxpool 3 stride 1 pad 1"])
        others = [random.choice(earlier) for _ in range(random.randint(1, 3))] if word == "add" else []
        pieces.append(f"l{n}: {word} {' '.join(others)} from {random.choice(earlier)}")
    return Network.from_text(", ".join(pieces), (3, 6, 6))


@pytest.mark.parametrize("way", ["rows", "down"])
@pytest.mark.parametrize("seed", [*range(12), 17, 58, 62, 69, 133, 147, 194])
def test_lines_of_a_tangle_move_apart(seed, way):
    """In the later seeds two outputs' lines would meet, were lanes and entries not moved."""
    network = tangle(seed)
    check(network, network.diagram("tangle", **WAYS[way]))


@settings(max_examples=60, deadline=None)
@given(tangles(), st.booleans(), st.booleans())
def test_any_tangle_can_be_drawn(network, fold, down):
    check(network, diagram(network, "tangle", fold, down))


def test_words_and_numbers_are_the_tables():
    drawn = check(NETWORKS["alexnet"], NETWORKS["alexnet"].diagram("AlexNet"))
    said = [words for words, _ in drawn.texts]
    assert "AlexNet" in said
    assert "input 224 x 224 x 3 · 23 layers · 61,100,840 parameters · 714,188,480 mult-adds" in said
    for row in NETWORKS["alexnet"].summary():
        first = next(n for n, words in enumerate(said) if words.split()[0] == row.name)
        later = [n for n, words in enumerate(said) if n > first and words.split()[0].rstrip("0123456789") in
                 ("conv", "relu", "pool", "flatten", "dropout", "dense", "softmax")]  # fmt: skip
        block = " ".join(said[first : later[0] if later else first + 3])
        if row.parameters:
            assert f"{row.parameters:,} parameters" in block
            size = row.output_shape
            assert (" x ".join(f"{n:,}" for n in size) if len(size) > 1 else f"{size[0]:,} values") in block
    assert "conv1 conv 11x11, 64," in said


def test_folds_say_how_often_and_stand_for_all():
    network = NETWORKS["resnet50"]
    drawn = check(network, network.diagram("ResNet-50", fold=True))
    assert [words for words, _ in drawn.texts if words.startswith("x ")] == ["x 2", "x 3", "x 5", "x 2"]
    assert len(drawn.runs) < 50 < len(Drawing(network.diagram()).runs)
    assert len(drawn.rects["fold"]) == 4
    chain = Drawing(NETWORKS["a long chain"].diagram(fold=True))
    assert "x 300" in [words for words, _ in chain.texts]
    shapes = {run[0]: len(runs) for runs in drawn.runs for run in runs[:1]}
    assert (shapes["conv29"], shapes["add9"]) == (5, 5)


def test_blocks_are_to_scale():
    """A bigger map has a higher block, more channels a wider one."""
    drawn = Drawing(
        Network.from_text("conv 64 1x1, maxpool 2, conv 128 1x1, maxpool 2", (3, 32, 32)).diagram()
    )
    fronts = drawn.rects["face"]
    sizes = [
        (round(b[2] - b[0], 1), round(b[3] - b[1], 1)) for b in fronts[:5]
    ]  # input, conv1, pool1, conv2, pool2
    heights, widths = [s[1] for s in sizes], [s[0] for s in sizes]
    assert heights[0] == heights[1] > heights[2] == heights[3] > heights[4]
    assert widths[0] < widths[1] == widths[2] < widths[3] == widths[4]


def test_it_is_the_same_every_time():
    network = NETWORKS["every layer"]
    assert (
        network.diagram("x")
        == network.diagram("x")
        == Network.from_text(network.text, (3, 16, 14)).diagram("x")
    )


HOSTILE = "</title><script>alert(1)</script>\x00\ud800\"'& <b>"


def test_a_title_is_text_whatever_it_says():
    svg = NETWORKS["values"].diagram(HOSTILE)
    drawn = Drawing(svg)
    tags = {each.tag.removeprefix(SVG) for each in drawn.root.iter()}
    assert "script" not in tags and "b" not in tags
    assert "<script" not in svg
    assert drawn.root[0].text is not None and "<script>alert(1)</script>" in drawn.root[0].text
    svg.encode()


def test_elements_escape():
    made = element("text", HOSTILE, "&", x=1.25, class_='a"b')
    assert made.startswith('<text x="1.2" class="a&quot;b">&lt;/title&gt;')


def test_for_eyes_and_ears():
    drawn = Drawing(NETWORKS["lenet5"].diagram("LeNet-5"))
    title, about, style = drawn.root[0], drawn.root[1], drawn.root[2]
    assert (title.tag, title.text) == (f"{SVG}title", "LeNet-5")
    assert about.text and "conv2 (conv 16 5x5) takes in pool1 and gives 10 x 10 x 16" in about.text
    assert style.text and "prefers-color-scheme:dark" in style.text and "@media print" in style.text
    rules = [rule for rule in style.text.replace("{", "}").split("}") if rule.startswith(".")]
    assert rules and all(rule.startswith(".pellucid-diagram") for rule in rules)
    assert "http" not in style.text


def test_a_notebook_shows_it_if_it_is_small():
    shown = NETWORKS["lenet5"]._repr_mimebundle_()["text/html"]
    found = re.search(
        r'<img style="max-width:100%" alt="([^"]+)" src="data:image/svg\+xml;base64,([^"]+)">', shown
    )
    assert found and "13 layers" in found[1]
    assert b64decode(found[2]).decode() == NETWORKS["lenet5"].diagram(fold=True)
    assert "\n" not in shown
    assert "<img" not in NETWORKS["resnet50"]._repr_mimebundle_()["text/html"]
    long = Network.from_text(", ".join(["conv 1 1x1", "conv 2 1x1 from input"] * 1500), (1, 2, 2))
    assert "<img" not in long._repr_mimebundle_()["text/html"]


def test_what_no_one_could_read_is_refused():
    with pytest.raises(NetworkError, match="3,001 cards") as raised:
        Network.from_text(", ".join(["conv 1 1x1", "conv 2 1x1 from input"] * 1500), (1, 2, 2)).diagram()
    assert "fold" in raised.value.remedy


def test_the_measure_of_text_is_no_less_than_a_fonts():
    font = ImageFont.load_default(100)
    for words in (
        "conv12 conv 3x3, 512, stride 2",
        "112 x 112 x 64 · 9,408 parameters",
        "MWmw@%",
        "softmax1 softmax",
    ):
        assert text_width(words, 100) >= font.getlength(words)
