"""The benchmarks' rules, on programs that only pretend: turns, pairs that count, spreads, a whole page."""

import json
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import cold  # noqa: E402
import resnet  # noqa: E402
import turns  # noqa: E402


@pytest.fixture
def quick_sgemm(monkeypatch):
    monkeypatch.setattr(turns, "sgemm", lambda python: 100.0)


def program(name, log, values, others):
    def run(number):
        log.append((name, number))
        return {"name": name, "rate": values[number], "others": others[number]}

    return run


def test_who_was_second_goes_first(quick_sgemm):
    log = []
    own, peer = (program(name, log, [6.0] * 9, [0.0] * 9) for name in ("own", "peer"))
    runs, tried = turns.pairs_of(own, peer, "rate", pairs=3, others=0.05)
    assert [name for name, _ in log] == ["own", "peer", "peer", "own", "own", "peer"]
    assert (len(runs), tried) == (3, 3)


def test_a_disturbed_pair_does_not_count_whatever_its_ratio(quick_sgemm):
    own = program("own", [], [1.0, 8.0, 9.0], [0.0, 0.2, 0.0])
    peer = program("peer", [], [2.0, 2.0, 3.0], [0.0, 0.0, 0.05])
    runs, tried = turns.pairs_of(own, peer, "rate", pairs=2, others=0.05)
    assert [run["ratio"] for run in runs] == [0.5, 3.0]
    assert tried == 3
    assert all(run["sgemm"] == 100.0 for run in runs)


def test_too_many_disturbed_pairs_are_no_result(quick_sgemm):
    log = []
    own, peer = (program(name, log, [1.0] * 6, [0.5] * 6) for name in ("own", "peer"))
    assert turns.pairs_of(own, peer, "rate", pairs=2, others=0.05) is None
    assert len(log) == 12


def test_a_process_is_timed_and_its_failure_stops_all():
    text, about = turns.timed([sys.executable, "-c", "import os; print(os.environ['WORD'])"], WORD="here")
    assert text.strip() == "here"
    assert about["seconds"] > 0
    assert 0 <= about["others"] <= 1
    with pytest.raises(SystemExit, match="no such thing"):
        turns.timed([sys.executable, "-c", "raise ValueError('no such thing')"])


def test_what_missed_the_accuracy_is_counted_and_shown():
    runs = [{"seconds": s, "accuracy": a} for s, a in ((2.0, 0.991), (4.0, 0.989), (3.0, 0.99))]
    found = cold.summed(runs, 0.99)
    assert (found["reached"], found["n"]) == (2, 3)
    assert found["mean_accuracy"] == pytest.approx(0.99)
    assert found["seconds"]["median"] == 3.0


def test_the_recipe_of_one_epoch_is_settings_that_train_takes():
    from pellucid.network import Network
    from pellucid.training.settings import make_settings

    settings = make_settings(json.loads((BENCHMARKS / "one_epoch.json").read_text()))
    network = Network.from_text(settings.network, (1, 28, 28))
    by_hand = 24 * 25 + 24 + 32 * 24 * 9 + 32 + 800 * 256 + 256 + 256 * 10 + 10
    assert network.parameter_count == by_hand
    assert (settings.epochs, settings.batch_size, settings.momentum, settings.beta2) == (1, 256, 0.7, 0.9)


def test_both_sides_have_the_same_residual_network():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed here: there is no peer")
    from peers.pellucid_resnet import text
    from peers.tuned_resnet import Block

    from pellucid.network import Network

    width = 16
    blocks = [Block(width, width, 1), Block(width, 2 * width, 2), Block(2 * width, 4 * width, 2)]
    entry = 3 * width * 9 + 2 * width
    exit_ = 4 * width * 10 + 10
    learned = sum(p.numel() for block in blocks for p in block.parameters()) + entry + exit_
    network = Network.from_text(text(width), (3, 32, 32))
    assert network.parameter_count == learned
    shape = torch.nn.Sequential(*blocks)(torch.zeros(2, width, 32, 32)).shape
    assert tuple(shape[1:]) == network.shapes[network.nodes[-4].name] == (64, 8, 8)


def test_a_page_has_its_settings_and_what_was_left_out():
    row = {
        "network": "32x32x3, 16-32-64", "peer": "tuned PyTorch", "ratio": turns.spread([2.0, 3.0]),
        "pellucid_pictures_per_second": turns.spread([20.0]), "peer_pictures_per_second": turns.spread([10.0]),
        "sgemm_gflops": turns.spread([100.0]), "settings": {"pellucid": {"batch": 64}, "peer": {"batch": 128}},
        "runs": [{"pellucid": {"others": 0.01}, "peer": {"others": 0.02}}],
    }  # fmt: skip
    about = {"machine": "M", "cores": 2, "python": "3", "date": "today", "pairs": 2, "others_at_most": 0.05}
    page = resnet.markdown(about | {"networks": [row], "left_out": ["large: too busy"]})
    for words in (
        "**2.50** (2.25 - 2.75)",
        "| 2% |",
        "pellucid: batch 64",
        "peer: batch 128",
        "Left out: large: too busy.",
    ):
        assert words in page
