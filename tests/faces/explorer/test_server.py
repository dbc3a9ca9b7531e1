"""The local server: its answers are those of Python's own opening, and whoever isn't meant is turned away."""

import json
import threading

import numpy as np
import pytest
from PIL import Image

from pellucid.faces.server import session
from pellucid.faces.server.session import Session
from pellucid.images.corrections import read_corrections
from pellucid.inside.explanation import explain
from pellucid.inside.field import box, picture_mask, receptive_field
from pellucid.inside.number import Inside
from pellucid.inside.schema import LevelDocument
from pellucid.inside.wire import number_document
from pellucid.model import ForeignModel, ModelFile, Wishes, open_any
from pellucid.network import zoo
from support.explorer import serving
from support.foreign import colour_file


@pytest.fixture(scope="module")
def model(trained):
    return ModelFile.read(trained.model)


@pytest.fixture(scope="module")
def picture(trained):
    return np.array(Image.open(sorted((trained.data / "7").iterdir())[0]))[:, :, None]


@pytest.fixture(scope="module")
def client(model, picture):
    with serving(Session(model, ("<img src=x>", picture))) as client:
        yield client


def test_start_says_what_there_is(client, model):
    start = client.ask("/api/start").json
    assert start["local"] is True and start["first"] == "given" and start["lacks"] == {}
    assert start["graph"]["classes"] == list(model.classes)
    weights = client.ask("/api/weights")
    assert len(weights.body) == start["graph"]["weight_bytes"]


def test_a_run_is_the_models_own(client, model, picture):
    run = client.run(picture)
    np.testing.assert_allclose(run["probabilities"], model.probabilities(picture[None])[0], rtol=0, atol=1e-6)
    inside = Inside(model.opened(picture))
    head, data = client.ask(f"/api/maps?run={run['number']}&name=relu1&first=2&last=5").frame
    whole = inside.opened.values[inside.places.tensor("relu1")][0]
    assert head["shape"] == list(whole.shape) and head["from"] == 2
    np.testing.assert_array_equal(data.view("<f4").reshape(3, *whole.shape[1:]), whole[2:5])
    assert head["largest"] == pytest.approx(float(np.abs(whole).max()))
    strength = np.abs(whole).mean(axis=(1, 2))[head["order"]]
    assert (np.diff(strength) <= 1e-9).all() and sorted(head["order"]) == list(range(len(whole)))


@pytest.mark.parametrize(
    "place", [("conv1", [3, 4, 5]), ("pool1", [1, 2, 2]), ("dense1", [7]), ("relu1", [0, 0, 0])]
)
def test_an_opened_value_is_pythons(client, model, picture, place):
    run = client.run(picture)["number"]
    inside = Inside(model.opened(picture))
    number = inside.at(f"{place[0]}[{','.join(map(str, place[1]))}]")
    meant = json.loads(LevelDocument(**number_document(number)).model_dump_json())
    question = {"run": run, "name": place[0], "index": place[1]}
    assert client.ask("/api/open", question).json == meant and meant["closes"]
    mask = picture_mask(inside, receptive_field(inside, number.place), "image")
    (top, bottom), (left, right) = box(mask)
    assert client.ask("/api/field", question).json == [top, left, bottom + 1, right + 1]


def test_edits_change_a_run_and_nothing_else(client, model, picture):
    plain = client.run(picture)
    off = client.run(picture, off=[{"name": "relu1", "channel": 1}])
    assert off["probabilities"] != plain["probabilities"]
    weight = {"name": "dense1.bias", "index": [3], "value": 50.0}
    assert client.run(picture, weights=[weight])["probabilities"][3] > 0.999
    assert client.run(picture)["probabilities"] == plain["probabilities"]
    silent = client.ask("/api/open", {"run": off["number"], "name": "relu1", "index": [1, 2, 2]}).json
    assert silent["value"] == 0 and silent["closes"] is None and "switched off" in silent["reason"]


def test_a_replayed_epoch_runs_with_its_own_weights(client, picture):
    replay = client.ask("/api/replay").json
    kept = [epoch["epoch"] for epoch in replay["epochs"] if epoch["kept"]]
    assert len(replay["epochs"]) == 20 and len(kept) > 2
    first, last = (client.run(picture, epoch=epoch)["probabilities"] for epoch in (kept[0], kept[-1]))
    assert max(first) < max(last)
    size = len(client.ask("/api/weights").body)
    assert len(client.ask(f"/api/weights?epoch={kept[0]}").body) == size // 2
    assert client.ask("/api/weights?epoch=9999").status == 400


def test_kernels_come_with_their_nearest_filter(client, model):
    head, data = client.ask("/api/kernels", {"name": "conv1"}).frame
    weights, bias = model.network.weights["conv1.weight"], model.network.weights["conv1.bias"]
    assert head["shape"] == list(weights.shape) and head["bias"]
    np.testing.assert_array_equal(data.view("<f4"), np.concatenate([weights.ravel(), bias]))
    assert len(head["near"]) == len(weights)
    assert "no convolution" in client.ask("/api/kernels", {"name": "relu1"}).json["error"]


@pytest.mark.parametrize("method", ["grad-cam", "occlusion"])
def test_why_tells_its_progress_and_ends_in_the_explanation(client, model, picture, method):
    run = client.run(picture)["number"]
    question = {"run": run, "target": 7, "against": 2, "method": method}
    lines = [json.loads(line) for line in client.ask("/api/why", question).body.splitlines()]
    (so_far,) = (line["so_far"] for line in lines if "so_far" in line)
    assert so_far["heatmap"]["deletion"] is None and so_far["explained"] == "7"
    shares = [line["share"] for line in lines if "share" in line]
    assert shares and all(0 < share <= 1 for share in shares)
    found = lines[-1]["document"]
    meant = explain(model, picture, 7, 2, "gradcam" if method == "grad-cam" else "occlusion")
    assert found["explained"] == "7" and found["versus"]["b"] == "2"
    assert found["heatmap"]["deletion"]["verdict"] == meant.deletion.verdict
    assert so_far["heatmap"] == found["heatmap"] | {"deletion": None}
    np.testing.assert_allclose(found["heatmap"]["values"], meant.heatmap.values, atol=1e-9)


def test_a_heatmap_is_checked_unless_the_network_is_very_large(client, picture, monkeypatch):
    assert all(zoo.build(name).mult_adds < session._MOST_CHECKED for name in ("vgg19", "resnet50"))
    monkeypatch.setattr(session, "_MOST_CHECKED", 1)
    question = {"run": client.run(picture)["number"], "target": 7, "against": None, "method": "grad-cam"}
    last = json.loads(client.ask("/api/why", question).body.splitlines()[-1])["document"]
    assert last["heatmap"]["values"] and last["heatmap"]["deletion"] is None
    assert any("pellucid explain checks it" in line for line in last["lacking"])


def test_pictures_mistakes_and_corrections(client, trained, model):
    given, first = client.ask("/api/pictures?kind=test&count=2").json
    assert given["id"] == "given" and given["name"] == "<img src=x>" and first["truth"] is not None
    head, pixels = client.ask(f"/api/picture/{first['id']}").frame
    file = np.array(Image.open(trained.data / first["name"]))
    np.testing.assert_array_equal(pixels.reshape(head["height"], head["width"]), file)
    mistakes = client.ask("/api/mistakes").json
    assert mistakes["accuracy"] == pytest.approx(model.card.figures.test_accuracy)
    wrong = client.ask("/api/pictures?kind=mistakes&count=500").json
    assert len(wrong) == mistakes["wrong"] == mistakes["count"] - np.trace(mistakes["confusion"])
    truth, answer = first["truth"], first["answer"]
    cell = client.ask(f"/api/pictures?kind=test&truth={truth}&answer={answer}&count=500").json
    assert len(cell) == mistakes["confusion"][truth][answer]

    file = trained.data.with_name("digits.corrections.csv")
    other = model.classes[(truth + 1) % 10]
    try:
        assert client.ask("/api/correct", {"id": first["id"], "label": other}).status == 200
        (row,) = read_corrections(file).values()
        assert (row.path, row.label, row.was) == (first["name"], other, model.classes[truth])
        again = client.ask("/api/pictures?kind=test&count=2").json[1]
        assert again["corrected"] == other and again["truth"] == truth
        assert client.ask("/api/mistakes").json["corrections"] == 1
        assert client.ask("/api/correct", {"id": first["id"], "label": "no such"}).status == 400
        assert client.ask("/api/correct", {"id": first["id"], "label": None}).status == 200
        assert read_corrections(file) == {}
    finally:
        file.unlink(missing_ok=True)


def test_a_network_is_tried(client):
    good = client.ask("/api/build", {"text": "conv 4 3x3, relu, flatten, dense 3", "input": "9x9x1"}).json
    assert [row["output_shape"] for row in good["rows"]] == [[7, 7, 4], [7, 7, 4], [196], [3]]
    assert len(good["words"]) == 4 and "4 small windows of 3 x 3" in good["words"][0]
    for text, size, said in (("conv 4 99x99", "9x9x1", "does not fit"), ("relu", "9", "height x width"),
                             ("konv 4", "9x9x1", "konv"), ("relu, " * 9000, "9x9x1", "too long")):  # fmt: skip
        assert said in client.ask("/api/build", {"text": text, "input": size}).json["error"]


def test_dropped_files(client, trained):
    png = sorted((trained.data / "7").iterdir())[0].read_bytes()
    head, pixels = client.ask("/api/decode", png).frame
    assert (head["height"], head["width"], head["channels"]) == (8, 8, 1) and len(pixels) == 64
    for data, said in (
        (b"hello, world", "Not a"),
        (png[:-30], "cut short"),
        (b"", "empty"),
        (b"%PDF-1.7 x", "PDF"),
    ):
        answer = client.ask("/api/decode", data)
        assert answer.status == 400 and said in answer.json["error"], answer.body
    big = client.ask("/api/decode", b"", content_length=str(100 << 20))
    assert big.status == 413 and "64 MB" in big.json["error"]


def test_a_body_that_doesnt_say_its_length_is_cut_off(client):
    def chunks():
        for _ in range(40):
            yield b"x" * (1 << 16)

    connection_headers = {"transfer_encoding": "chunked"}
    body = b"".join(b"10000\r\n" + chunk + b"\r\n" for chunk in chunks()) + b"0\r\n\r\n"
    answer = client.ask("/api/correct", body, **connection_headers)
    assert answer.status == 413 and "1 MB" in answer.json["error"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 421),
        ({"host": "127.0.0.1"}, 421),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"cookie": ""}, 403),
        ({"cookie": "pellucid-1=x"}, 403),
    ],
)
def test_strangers_are_turned_away(client, headers, status):
    answer = client.ask("/api/start", **headers)
    assert answer.status == status and list(answer.json) == ["error"]
    assert "access-control-allow-origin" not in answer.headers


def test_a_wrong_key_lets_nobody_in(client):
    answer = client.ask("/?key=wrong", cookie="")
    assert answer.status == 403 and "set-cookie" not in answer.headers
    assert "key" in answer.json["error"]


def test_every_answer_has_the_headers(client):
    for path in ("/api/start", "/nothing", "/api/picture/nothing"):
        headers = client.ask(path).headers
        assert (
            headers["x-content-type-options"] == "nosniff"
            and "default-src 'none'" in headers["content-security-policy"]
        )
        assert "'unsafe-inline'" not in headers["content-security-policy"] and "server" not in headers


@pytest.mark.parametrize(
    "path",
    [
        "/..%2f..%2fpyproject.toml",
        "/session.py",
        "/%2e%2e/explorer_files.py",
        "/api",
        "/docs",
        "/openapi.json",
    ],
)
def test_nothing_else_is_served(client, path):
    assert client.ask(path).status == 404


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/open", {"run": 10**6, "name": "conv1", "index": [0, 0, 0]}),
        ("/api/open", {"run": 1, "name": "<script>", "index": [0]}),
        ("/api/open", {"run": 1, "name": "conv1", "index": [99, 0, 0]}),
        ("/api/open", {"run": "x"}),
        ("/api/open", {"run": 1, "name": "conv1", "index": [0, 0, 0], "more": 1}),
        ("/api/run", b"\xff\xff\xff\xff"),
        ("/api/run", b"\x02\x00\x00\x00{}"),
        ("/api/run", b"[[[["),
        ("/api/why", {"run": 10**6, "target": 0, "against": None, "method": "occlusion"}),
        ("/api/why", {"run": 1, "target": 0, "against": None, "method": "magic"}),
        ("/api/correct", {"id": "../../etc/passwd", "label": "1"}),
    ],
)
def test_nonsense_is_answered_with_a_sentence(client, path, body):
    answer = client.ask(path, body)
    assert answer.status in (400, 422) and len(answer.json["error"]) > 10, answer.body


def test_many_ask_at_once(client, picture):
    found = []

    def ask():
        run = client.run(picture)
        found.append((run["number"], client.ask(f"/api/maps?run={run['number']}&name=conv1").status))

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({number for number, _ in found}) == 12 and {status for _, status in found} == {200}


def test_another_tools_file_lacks_its_folder_and_says_so(tmp_path):
    model = open_any(colour_file(tmp_path / "colours.onnx"), Wishes(), None)
    assert isinstance(model, ForeignModel)
    with serving(Session(model)) as client:
        start = client.ask("/api/start").json
        assert set(start["lacks"]) == {"pictures", "mistakes", "correct", "replay"}
        assert start["graph"]["named"] is False and start["graph"]["classes"] == ["0", "1", "2"]
        red = np.zeros((4, 4, 3), np.uint8)
        red[:, :, 0] = 255
        run = client.run(red)
        assert np.argmax(run["probabilities"]) == 2 and sum(run["probabilities"]) == pytest.approx(1)
        off = client.run(red, weights=[{"name": "colour.weight", "index": [0, 0], "value": 99}])
        assert np.argmax(off["probabilities"]) == 0
        for path in ("/api/mistakes", "/api/replay", "/api/pictures?kind=test"):
            assert client.ask(path).status == 400 and client.ask(path).json["error"].endswith(".")
