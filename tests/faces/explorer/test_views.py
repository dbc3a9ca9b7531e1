"""The explorer's views as a person uses them: keys alone, links, changes by hand, mistakes, replay, a phone."""

import re
from urllib.parse import quote

import pytest

from pellucid.faces.server.session import Session
from pellucid.model import ModelFile
from pellucid.network import Network, zoo
from support.browsing import app, open_page
from support.explorer import serving
from support.networks import with_random_weights
from support.opening import model_of


@pytest.fixture(scope="module")
def address(digits):
    with serving(Session(digits)) as client:
        yield client.door.address


@pytest.fixture
def explorer(window, address):
    yield open_page(window, address)
    window.goto("about:blank")


def place(window) -> str:
    return window.locator(".bench[aria-busy=false] [data-place]").inner_text()


def press(window, key: str, meant: str) -> None:
    """A key, and the place that it has to lead to."""
    window.keyboard.press(key)
    window.locator(f".bench[aria-busy=false] [data-place]:text-is('{meant}')").wait_for()


def test_keys_alone_go_everywhere(window, explorer):
    answer = f"softmax1[{window.locator('.answer .said b').inner_text()}]"
    press(window, "a", answer)
    window.locator(".lower").focus()
    window.keyboard.press("Enter")
    window.locator(".trail li").nth(1).wait_for()
    press(window, "Backspace", answer)
    window.keyboard.press("<")
    window.locator(".bench [data-place]:text-matches('^dense1')").wait_for()
    for layer in ("flatten1", "pool2", "relu2", "conv2"):
        window.keyboard.press("<")
        window.locator(f".bench[aria-busy=false] [data-place]:text-matches('^{layer}')").wait_for()
    channel, row, column = map(int, place(window).removeprefix("conv2[").rstrip("]").split(","))
    press(window, "ArrowRight", f"conv2[{channel},{row},{column + 1}]")
    press(window, "ArrowDown", f"conv2[{channel},{row + 1},{column + 1}]")
    press(window, "]", f"conv2[{channel + 1},{row + 1},{column + 1}]")
    press(window, "[", f"conv2[{channel},{row + 1},{column + 1}]")
    window.keyboard.press("?")
    assert window.get_by_role("dialog").get_by_text("the channel before").is_visible()
    window.keyboard.press("Escape")
    window.get_by_role("dialog").wait_for(state="hidden")
    for key, view in (
        ("2", "section.why"),
        ("4", ".mistakes"),
        ("6", ".table"),
        ("7", ".build"),
        ("1", ".bench"),
    ):
        window.locator("body").press(key)
        window.locator(view).first.wait_for()


def test_a_key_right_after_the_list_of_keys_is_not_lost(window, explorer):
    window.keyboard.press("?")
    window.get_by_role("dialog").wait_for()
    window.evaluate(  # before the browser tells that the list closed
        """() => {
            document.querySelector('dialog[open]').close()
            document.body.dispatchEvent(new KeyboardEvent('keydown', { key: '6', bubbles: true }))
        }"""
    )
    window.locator(".table").first.wait_for()


def test_enter_goes_down_to_a_raw_pixel(window, explorer):
    explorer.locator(".answer .bar").nth(7).click()
    window.locator(".bench[aria-busy=false] [data-place]:text-is('softmax1[7]')").wait_for()
    window.locator(".lower").focus()
    for _ in range(40):
        before = place(window)
        if before.startswith("image["):
            break
        window.keyboard.press("Enter")
        window.locator(f".bench[aria-busy=false] [data-place]:not(:text-is('{before}'))").wait_for()
    row, column, _ = place(window).removeprefix("image[").rstrip("]").split(",")
    assert f"pixel ({row}, {column})" in window.locator(".trail li").last.inner_text()


def test_a_link_restores_what_was_open(window, explorer, address):
    explorer.locator(".answer .bar").nth(3).click()
    window.locator(".bench [data-place]:text-is('softmax1[3]')").wait_for()
    window.wait_for_function("() => location.hash.includes('softmax1[3]')")
    before = window.evaluate("location.hash")
    window.keyboard.press("n")
    window.wait_for_function(
        "before => location.hash !== before && location.hash.includes('picture=')", arg=before
    )
    said = window.locator(".answer .said[aria-busy=false]")
    said.wait_for()
    link, shown = window.url, window.locator(".answer .said").inner_text()
    window.goto("about:blank")
    window.goto(link)
    window.locator(".bench[aria-busy=false] [data-place]:text-is('softmax1[3]')").wait_for()
    said.wait_for()
    assert said.inner_text() == shown
    window.goto(link.split("#")[0] + "#explore/" + quote("no such/layer") + "[1]/conv1[99,99]")
    window.reload()
    window.locator(".answer .said b").wait_for()
    assert window.locator(".failure").count() == 0


def test_every_partial_sum_adds_up_on_the_screen(window, explorer):
    window.evaluate("location.hash = '#explore/conv2[1,2,3]'")
    window.locator(".bench[aria-busy=false] [data-place]:text-is('conv2[1,2,3]')").wait_for()
    parts = window.locator("[data-partial]").evaluate_all("cells => cells.map(c => +c.dataset.value)")
    lines = window.locator(".ledger tr[data-line]").evaluate_all(
        "rows => Object.fromEntries(rows.map(r => [r.dataset.line, +r.querySelector('td').dataset.value]))"
    )
    assert len(parts) == 6
    assert sum(parts) == pytest.approx(lines["sum"], abs=1e-9)
    assert lines["sum"] + lines["bias"] == pytest.approx(lines["total"], abs=1e-9)
    assert lines["total"] - lines["stored"] == pytest.approx(lines["difference"], abs=1e-9)


def test_dragging_moves_the_window(window, explorer):
    window.evaluate("location.hash = '#explore/conv2[1,2,3]'")
    window.locator(".bench[aria-busy=false] [data-place]:text-is('conv2[1,2,3]')").wait_for()
    box = window.locator(".own .map").bounding_box()

    def at(row: int, column: int) -> tuple[float, float]:
        return box["x"] + box["width"] * (column + 0.5) / 8, box["y"] + box["height"] * (row + 0.5) / 8

    window.mouse.move(*at(2, 3))
    window.mouse.down()
    window.mouse.move(*at(6, 1), steps=5)
    window.mouse.up()
    window.locator(".bench[aria-busy=false] [data-place]:text-is('conv2[1,6,1]')").wait_for()
    assert window.locator(".trail li").count() == 1
    window.wait_for_function("() => location.hash.includes('conv2[1,6,1]')")


ROWS = """() => [...document.querySelectorAll('.partial [data-partial]')]
  .map((e) => [e.dataset.partial, Number(e.dataset.value)]).filter(([name]) => name !== 'rest')"""
# The rows' order in each frame in which their numbers have changed and the workbench says that it isn't done.
WATCH = f"""() => {{
  const rows = {ROWS}, orders = [], first = JSON.stringify(rows())
  const look = () => {{
    const busy = document.querySelector('.bench').ariaBusy === 'true'
    if (busy && JSON.stringify(rows()) !== first) orders.push(rows().map(([name]) => name).join())
    requestAnimationFrame(look)
  }}
  look()
  window.orders = orders
}}"""


def test_rows_keep_their_places_while_one_paints(window, explorer):
    explorer.get_by_role("button", name="What if", exact=True).click()
    window.evaluate("location.hash = '#what-if/conv2[1,3,3]'")
    window.locator(".bench[aria-busy=false] [data-place]:text-is('conv2[1,3,3]')").wait_for()
    before = window.evaluate(ROWS)
    assert before == sorted(before, key=lambda row: -abs(row[1]))
    window.evaluate(WATCH)
    box = window.locator(".side .picture").bounding_box()
    window.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.2 * box["height"])
    window.mouse.down()
    for step in range(2, 9):
        window.mouse.move(
            box["x"] + 0.1 * step * box["width"], box["y"] + (0.2 + 0.4 * (step % 2)) * box["height"], steps=4
        )
    window.mouse.up()
    window.locator(".bench[aria-busy=true]").wait_for(state="detached")
    orders = set(window.evaluate("window.orders"))
    assert orders == {",".join(name for name, _ in before)}
    after = window.evaluate(ROWS)
    assert {name for name, _ in after} == {name for name, _ in before} and after != before
    assert after == sorted(after, key=lambda row: -abs(row[1])), (
        "all is still: the strongest come first again"
    )
    total = float(window.locator(".ledger [data-line=sum] td").get_attribute("data-value"))
    assert sum(value for _, value in after) == pytest.approx(total, abs=1e-5), "rows out of sight, too"


def test_what_is_changed_by_hand_is_marked_and_taken_back(window, explorer):
    explorer.get_by_role("button", name="What if", exact=True).click()
    before = window.locator(".answer .logit").all_inner_texts()
    window.evaluate("location.hash = '#what-if/conv1[2,10,10]'")
    window.locator(".bench[aria-busy=false] [data-place]:text-is('conv1[2,10,10]')").wait_for()
    explorer.get_by_role("button", name="switch map off").click()
    explorer.get_by_role("button", name="conv1 map 2, switched off, changed").wait_for()
    explorer.get_by_role("button", name="relu1 map 2, changed").wait_for()
    strip = explorer.get_by_role("button", name=re.compile(r"^dense1, 10 values, [1-9]\d* changed"))
    strip.wait_for()
    assert strip.locator("b").count() == int(strip.get_attribute("aria-label").split(", ")[2].split()[0])
    assert explorer.get_by_role("button", name="input channel 0, changed").count() == 0
    assert window.locator(".answer .logit").all_inner_texts() != before
    assert "switched off" in window.locator(".bench").inner_text()
    explorer.get_by_role("button", name="reset all").click()
    explorer.get_by_role("button", name="conv1 map 2", exact=True).wait_for()
    explorer.get_by_role("button", name=re.compile(r"^dense1, 10 values\.")).wait_for()
    window.wait_for_function(
        "before => [...document.querySelectorAll('.answer .logit')].map(e => e.innerText).join() === before",
        arg=",".join(before),
    )

    window.locator(".kernel .grid").first.click()  # its middle
    window.locator(".weight input[type=number]").fill("3")
    window.locator(".weight input[type=number]").press("Enter")
    window.locator(".what-if li:has-text('conv1.weight[2,0,2,2] = 3')").wait_for()
    window.wait_for_function(
        "before => [...document.querySelectorAll('.answer .logit')].map(e => e.innerText).join() !== before",
        arg=",".join(before),
    )
    assert "closes" in window.locator(".bench .ledger").inner_text()
    explorer.get_by_role("button", name="Explore", exact=True).click()
    assert "changed by hand" in explorer.inner_text()


def test_why_shows_a_checked_heatmap_and_the_runner_up(window, explorer):
    explorer.locator(".answer li").nth(7).get_by_role("button", name="why 7?").click()
    window.locator("section.why svg").wait_for()
    assert window.locator(".side .heat").count() == 1
    text = window.locator("section.why").inner_text()
    assert "Why 7 and not" in text and "The strongest evidence" in text and "ahead by" in text
    explorer.get_by_role("button", name="Occlusion").click()
    window.locator("section.why progress").wait_for(state="detached")
    assert window.locator(".side .heat").count() == 1


def test_a_link_to_why_restores_its_question(window, explorer, address):
    explorer.locator(".answer li").nth(7).get_by_role("button", name="why 7?").click()
    explorer.get_by_label("and not").select_option("4")
    window.locator("section.why h2:has-text('Why 7 and not 4')").wait_for()
    window.wait_for_function("() => location.hash.includes('class=7') && location.hash.includes('against=4')")
    link = window.url
    window.goto("about:blank")
    window.goto(link)
    window.locator("section.why h2:has-text('Why 7 and not 4')").wait_for()
    window.goto("about:blank")
    window.goto(link.replace("class=7", "class=70").replace("against=4", "against=x"))  # what it hasn't got
    window.locator(
        f"section.why h2:has-text('Why {window.locator('.answer .said b').inner_text()}')"
    ).wait_for()


def test_a_mistake_opens_its_explanation(window, explorer):
    explorer.get_by_role("button", name="Mistakes", exact=True).first.click()
    matrix = window.locator(".matrix")
    matrix.wait_for()
    wrong = matrix.locator("td:not(.right) button").first
    words = wrong.get_attribute("aria-label")
    truth, answer = words.split("true class ")[1].split(" answered ")
    wrong.click()
    window.locator(f".pictures h2:has-text('{truth}, taken for {answer}')").wait_for()
    assert window.locator(".pictures li").count() == int(words.split(" of ")[0])
    window.locator(".pictures li button").first.click()
    window.locator(".chosen").get_by_role("button", name="why?").click()
    window.locator("section.why h2:has-text('and not')").wait_for()
    assert window.locator(".answer .said b").inner_text() == answer


def test_replay_shows_the_network_as_it_was(window, explorer):
    explorer.get_by_role("button", name="Replay", exact=True).first.click()
    window.locator(".replay .big").wait_for()
    before = window.locator(".answer .logit").all_inner_texts()
    window.get_by_label("epoch", exact=True).focus()
    window.keyboard.press("Home")
    window.locator(".replay .big:has-text('epoch 1')").wait_for()
    window.wait_for_function(
        "before => [...document.querySelectorAll('.answer .logit')].map(e => e.innerText).join() !== before",
        arg=",".join(before),
    )
    assert window.locator(".replay .kernels .grid").count() == 6


def test_build_tells_shapes_and_errors_at_once(window, explorer):
    explorer.get_by_role("button", name="Build", exact=True).first.click()
    text = window.get_by_label("the network, layer by layer")
    text.fill("conv 8 5x5, relu, maxpool 2, flatten, dense 10")
    window.locator(".build .state:has-text('11,738 parameters')").wait_for()
    text.fill("conv 8 50x50, relu")
    window.locator(".build .wrong:has-text('does not fit')").wait_for()
    assert "try" in window.locator(".build .state").inner_text()


def test_a_layer_shows_its_maps_and_kernels(window, explorer):
    window.locator(".column .head:has-text('conv1')").click()
    window.locator(".layer .kernels li").nth(5).wait_for()
    assert window.locator(".layer .maps li").count() == 6
    window.locator(".layer .maps button").first.click()
    window.locator(".bench [data-place]:text-matches('^conv1')").wait_for()


def test_hints_come_once(window, address):
    window.goto(address)
    for step in range(1, 5):
        hint = window.get_by_label(f"hint {step} of 4")
        hint.wait_for()
        hint.get_by_role("button", name="next" if step < 4 else "got it").click()
    window.reload()
    window.locator(".answer .said b").wait_for()
    window.wait_for_timeout(600)
    assert window.locator(".hint").count() == 0
    window.goto("about:blank")


def test_a_phone_gets_a_sheet_and_no_sideways_page(window, address):
    window.set_viewport_size({"width": 360, "height": 720})
    explorer = open_page(window, address)
    assert window.locator(".bench").count() == 0
    explorer.get_by_role("button", name="conv1 map 0").click()
    sheet = window.locator(".lower.sheet")
    sheet.locator(".bench").wait_for()
    box = sheet.bounding_box()
    assert box["y"] + box["height"] == pytest.approx(720, abs=1) and box["y"] > 200
    assert window.evaluate("document.documentElement.scrollWidth") <= 360
    sheet.get_by_role("button", name="close").click()
    sheet.wait_for(state="detached")
    window.goto("about:blank")


@pytest.mark.parametrize("size", [(1366, 768), (1440, 900)])
@pytest.mark.parametrize("name", ["lenet5", "bench-lenet"])
def test_lenet_fits_a_laptops_screen_whole(window, size, name):
    window.set_viewport_size({"width": size[0], "height": size[1]})
    with app(window, Session(model_of(with_random_weights(zoo.build(name))))):
        window.locator(".column .head").nth(12).wait_for()
        digits = window.locator(".scroller").evaluate(
            """e => {
                const context = document.createElement('canvas').getContext('2d')
                context.font = '100px ' + getComputedStyle(e).fontFamily
                return context.measureText('0000000000').width
            }"""
        )
        if digits > 570:  # of Arial and what is made like it: 556
            pytest.skip(f"this machine's type is wider than Arial: {digits:.0f} to 556")
        window.wait_for_timeout(500)
        wide, room = window.locator(".scroller").evaluate("e => [e.scrollWidth, e.clientWidth]")
        assert wide <= room


def test_two_hundred_classes_and_colour(window):
    network = Network.from_text(
        "conv 12 3x3 stride 2, relu, maxpool 2, conv 40 3x3, relu, maxpool 2, flatten, dense 200, softmax",
        (3, 64, 64),
    )
    model: ModelFile = model_of(with_random_weights(network))
    with app(window, Session(model)) as explorer:
        assert window.locator(".answer li").count() == 8
        explorer.get_by_role("button", name="all 200 classes").click()
        assert window.locator(".answer li").count() == 200
        assert explorer.get_by_role("button", name="all maps of conv2").inner_text() == "+32"
        explorer.get_by_role("button", name="all maps of conv2").click()
        explorer.get_by_role("button", name="conv2 map 39").click()
        window.locator(".bench [data-place]:text-matches('^conv2.39,')").wait_for()
        assert "closes" in window.locator(".bench .ledger").inner_text()
