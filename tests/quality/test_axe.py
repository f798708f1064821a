"""axe-core finds nothing on any page, in any state, in any language, by day and by night."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from models.site import Site
from tests.quality.axe import open_page, violations
from tests.quality.houses import STATES
from tests.quality.matrix import houses, shown, tool

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def axe() -> str:
    return tool("axe-core/axe.min.js").read_text("utf-8")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    made = browser.new_page(bypass_csp=True)
    yield made
    made.close()


@pytest.mark.parametrize("state", STATES)
def test_nothing_is_found_on_any_page(site: Site, page: Page, axe: str, state: str) -> None:
    found: dict[str, list[str]] = {}
    count = 0
    with houses(site, state) as served:
        for one in shown(served, state):
            count += 1
            open_page(page, one.url, is_display=one.is_display)
            told = violations(page, axe, dark=True)
            if told:
                found[one.name] = told
    assert count > len(STATES)
    assert found == {}


FAULTS = """() => {
  const planted = document.createElement("div");
  planted.innerHTML = `<img src="/static/icon.svg" id="no-text">
    <p id="pale" style="color: #666; background: #fff">pale</p>
    <p id="night"
      style="color: light-dark(#000, #666); background: light-dark(#fff, #000)">pale by night</p>
    <a href="/" id="small" style="display: inline-block; padding: 4px" aria-label="small"></a>
    <a href="/text" style="display: inline-block; padding: 4px" aria-label="smaller"></a>`;
  document.querySelector("main").append(planted);
}"""


def test_what_is_wrong_is_found(site: Site, page: Page, axe: str) -> None:
    with houses(site, "closed") as (office, *_):
        open_page(page, f"{office.base}/text?lang=ja")
        page.evaluate(FAULTS)
        found = violations(page, axe, dark=True)
    for rule, place in (
        ("image-alt", "#no-text"),
        ("color-contrast-enhanced", "#pale"),
        ("color-contrast", "#night"),
        ("target-size", "#small"),
    ):
        assert any(told.startswith(rule) and place in told for told in found), (rule, place, found)
