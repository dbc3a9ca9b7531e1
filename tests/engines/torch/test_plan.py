"""How batches are cut."""

from hypothesis import given
from hypothesis import strategies as st

from pellucid.engines.torch.plan import LANES, PIECES, plan
from pellucid.network import Network, zoo


@given(st.sampled_from(["bench-lenet", "handwritten", "resnet18", "vgg16", "mlp"]), st.integers(1, 3000))
def test_pieces_and_lanes_cover_the_batch(name, batch):
    found = plan(zoo.build(name), batch)
    pieces = -(-batch // found.piece)
    assert 1 <= found.piece <= min(batch, PIECES[0][1])
    assert 1 <= found.lanes <= min(pieces, LANES)


def test_small_networks_take_large_pieces_and_large_ones_small_pieces():
    assert plan(zoo.build("bench-lenet"), 1024).piece == 256
    assert plan(zoo.build("bench-lenet"), 100).piece == 50  # two threads at least
    assert plan(zoo.build("resnet18"), 64).piece == 16  # batch normalisation wants more than 8
    assert plan(zoo.build("vgg16"), 64).lanes == 1  # 138 million parameters: one set of gradients


def test_the_plan_follows_from_the_network_alone():
    network = Network.from_text(
        "conv 16 3x3 pad 1, relu, conv 16 3x3 pad 1, relu, globalavgpool, flatten, dense 3", (3, 64, 64)
    )
    assert plan(network, 64) == plan(network.without_weights(), 64)
    assert (plan(network, 64).piece, plan(network, 64).lanes) == (16, 4)
    assert plan(network, 256).piece == 32
    assert plan(network, 20).piece == 8
