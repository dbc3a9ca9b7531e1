"""Headers with type that is wider or larger than ours, from a phone to a wall: figures are never cut, words wrap, the
page doesn't go sideways."""

import pytest

from pellucid.faces.server.session import Session
from pellucid.network import Network
from support.browsing import open_page
from support.explorer import serving
from support.networks import with_random_weights
from support.opening import model_of

# Set through the object model, which the page's policy leaves alone: it is the reader's browser that chooses type.
TYPE = """() => {
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(`.pellucid, .pellucid * { font-family: %s !important } html { font-size: %s }`)
  document.adoptedStyleSheets = [sheet]
}"""
CUT = """elements => elements.filter(e => e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 2)
  .map(e => e.textContent)"""
HEADS = ".column .head > *, .network .input .head > *"


@pytest.fixture(scope="module")
def address(built):
    network = Network.from_text(
        "conv 12 7x7 stride 2 pad 3, batchnorm, relu, maxpool 3 stride 2 pad 1, conv 40 3x3 pad 1, relu, flatten, "
        "dense 200, softmax",
        (3, 64, 64),
    )
    with serving(Session(model_of(with_random_weights(network)))) as client:
        yield client.door.address


@pytest.mark.parametrize(
    ("width", "height", "family", "size"),
    [
        (360, 740, "'DejaVu Sans Mono', monospace", "16px"),
        (360, 740, "'DejaVu Sans', sans-serif", "20px"),
        (1366, 768, "'DejaVu Sans Mono', monospace", "16px"),
        (1366, 768, "'DejaVu Sans', sans-serif", "22px"),
        (3840, 2160, "'DejaVu Sans Mono', monospace", "16px"),
    ],
)
def test_no_word_of_a_header_is_cut(window, address, width, height, family, size):
    window.set_viewport_size({"width": width, "height": height})
    window.add_init_script(f"({TYPE % (family, size)})()")
    explorer = open_page(window, address)
    assert window.evaluate("getComputedStyle(document.documentElement).fontSize") == size
    heads = explorer.locator(HEADS)
    assert heads.count() >= 3
    assert heads.evaluate_all(CUT) == []
    assert (
        explorer.locator("header h1, header .name p, header nav li, header .switches button").evaluate_all(
            CUT
        )
        == []
    )
    modes = explorer.locator("header nav button")
    for i in range(modes.count()):
        box = modes.nth(i).bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width
    assert explorer.locator(".answer li").first.evaluate(
        "li => { const [bar, logit, why] = [...li.children].map(e => e.getBoundingClientRect());"
        " return li.querySelector('.bar .figures').scrollWidth <= li.querySelector('.bar .figures').clientWidth + 1"
        " && bar.right <= logit.left && logit.right <= why.left + 1 }"
    )
    assert window.evaluate("document.documentElement.scrollWidth") <= width
    window.goto("about:blank")
