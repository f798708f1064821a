"""Each state that residents can meet looks as it did: `make states` takes the pictures anew."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from models.site import Site
from tests.quality.pictures import LIMIT, difference, keep, kept, taken
from tests.signage.office import HandClock, Hub, Served

pytestmark = pytest.mark.browser

FOLDER = Path(__file__).with_name("states")
STATES = {
    "fresh": "busy",
    "ageing": "ageing",
    "stale": "stale",
    "closed": "closed",
    "paused": "paused",
    "no-data": "no_data",
    "hub-gone": "hub_gone",
    "emergency": "emergency",
}
"""Those of the table of states, and what the office does for each."""
FONT = "Noto Sans CJK JP"
ONE_FONT = f"* {{ font-family: '{FONT}' !important }}"  # whatever else is installed
MOST_BYTES = 15_000


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    fonts = subprocess.run(["fc-match", FONT], check=True, capture_output=True, text=True).stdout
    if FONT not in fonts:
        pytest.skip("the pictures are of Noto Sans CJK: apt-get install fonts-noto-cjk")
    made = browser.new_page(viewport={"width": 390, "height": 844}, bypass_csp=True)
    yield made
    made.close()


@pytest.fixture
def served(site: Site) -> Iterator[Served]:
    made = Served(Hub(site, HandClock()))
    yield made
    made.close()


def show(served: Served, page: Page, state: str, language: str) -> None:
    served.do(getattr(served.hub, STATES[state]))
    page.goto(f"{served.base}/?lang={language}")
    page.wait_for_selector("html[data-ready]", state="attached")
    page.add_style_tag(content=ONE_FONT)
    page.evaluate("document.fonts.ready")


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("state", STATES)
def test_a_state_looks_as_it_did(served: Served, page: Page, state: str, language: str) -> None:
    show(served, page, state, language)
    picture, path = taken(page), FOLDER / f"{state}-{language}.png"
    if os.environ.get("MACHIAI_STATES") == "take":
        FOLDER.mkdir(exist_ok=True)
        keep(picture, path)
        assert path.stat().st_size <= MOST_BYTES
        return
    differs, down = difference(kept(path), picture)
    assert differs <= LIMIT, f"{path.name} differs by {differs:.0f} at {down} px; make states"


def test_no_two_states_look_the_same() -> None:
    for language in ("ja", "en"):
        pictures = {state: kept(FOLDER / f"{state}-{language}.png") for state in STATES}
        for one in STATES:
            for other in STATES:
                if one < other:
                    found = difference(pictures[one], pictures[other])[0]
                    assert found > LIMIT / 2, (one, other)


CHANGED = {
    "a wait is gone": "#service-moving .wait { visibility: hidden }",
    "a chip is gone": "#service-insurance .chip { visibility: hidden }",
    "a called number is gone": "#service-certificates dd:last-child { visibility: hidden }",
    "the answer is gone": "h1 { display: none }",
    "a card is gone": "#service-moving { display: none }",
    "cards are elsewhere": ".cards { display: flex; flex-direction: column-reverse }",
    "the page is dark": "html, body { background: #101418 !important }",
}
SAME = {
    "nothing": "/* */",
    "lines a little higher": "body { line-height: 1.58 }",
    "glyphs a little wider": "body { letter-spacing: .012em }",
    "a little bolder": "body { -webkit-text-stroke: .25px }",
}


@pytest.mark.parametrize("style", CHANGED.values(), ids=CHANGED.keys())
def test_what_has_changed_is_seen(served: Served, page: Page, style: str) -> None:
    show(served, page, "fresh", "ja")
    before = taken(page)
    page.add_style_tag(content=style)
    assert difference(before, taken(page))[0] > LIMIT


@pytest.mark.parametrize("style", SAME.values(), ids=SAME.keys())
def test_another_font_or_browser_is_no_change(served: Served, page: Page, style: str) -> None:
    show(served, page, "fresh", "ja")
    before = taken(page)
    page.add_style_tag(content=style)
    assert difference(before, taken(page))[0] <= LIMIT
