"""axe-core over every mode, light and dark, wide and narrow: nothing serious, nothing critical."""

from pathlib import Path

import pytest

from pellucid.faces.server.session import Session
from support.browsing import app

AXE = Path(__file__).parents[3] / "web" / "node_modules" / "axe-core" / "axe.min.js"
MODES = ("Explore", "Why", "What if", "Mistakes", "Replay", "Table", "Build")
FOUND = """async () => {
  const { violations } = await window.axe.run(document, { resultTypes: ['violations'] })
  return violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(' | ')}`)
}"""


@pytest.mark.parametrize(("colours", "width"), [("light", 1400), ("dark", 390)])
def test_no_mode_has_a_serious_finding(window, digits, colours, width):
    if not AXE.is_file():
        pytest.skip("axe-core isn't here: npm ci in web/")
    window.set_viewport_size({"width": width, "height": 900})
    window.emulate_media(color_scheme=colours, reduced_motion="reduce")
    with app(window, Session(digits)) as explorer:
        window.evaluate(AXE.read_text())  # as a debugger's code: the page's own policy lets no script in
        for mode in MODES:
            explorer.get_by_role("button", name=mode, exact=True).first.click()
            window.wait_for_timeout(250)
            assert window.evaluate(FOUND) == [], mode
