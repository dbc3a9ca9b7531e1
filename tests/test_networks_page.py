"""docs/networks.md and its drawings are what the code draws today, and what its sentences claim is so."""

import pytest

from pellucid.network import zoo
from support.cli import pellucid
from support.networks_page import CLASSICS, DOCS, drawings, page

AGAIN = "make it anew: PYTHONPATH=src python tests/support/networks_page.py"


def test_every_drawing_is_todays():
    drawn = drawings()
    assert {path.name for path in (DOCS / "networks").iterdir()} == set(drawn)
    for name, svg in drawn.items():
        assert (DOCS / "networks" / name).read_text() == svg + "\n", AGAIN


def test_the_page_is_todays():
    assert (DOCS / "networks.md").read_text() == page(), AGAIN


@pytest.mark.parametrize("name", [name for name, *_ in CLASSICS])
def test_its_tables_are_the_commands(name):
    assert pellucid("summary", name).out in (DOCS / "networks.md").read_text()


def test_what_its_sentences_count():
    rows = {
        name: {row.name: row for row in zoo.build(name).summary()} for name in ("lenet5", "alexnet", "vgg16")
    }
    assert rows["lenet5"]["dense1"].parameters == 48_120
    alex = rows["alexnet"].values()
    assert 58e6 < sum(row.parameters for row in alex if row.kind == "dense") < 59e6
    assert 61e6 < sum(row.parameters for row in alex) < 62e6
    assert 655e6 < sum(row.mult_adds for row in alex if row.kind == "conv") < 657e6
    assert {row.text for row in rows["vgg16"].values() if row.kind == "conv"} == {
        f"conv {channels} 3x3 pad 1" for channels in (64, 128, 256, 512)
    }
    resnet = zoo.build("resnet18").summary()
    shortcuts = [row for row in resnet if row.kind == "conv" and " 1x1 " in row.text]
    assert len(shortcuts) == 3
    assert all("stride 2" in row.text for row in shortcuts)
