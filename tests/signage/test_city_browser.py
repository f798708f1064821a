"""The city's page in Debian's chromium."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from signage.pages.page import OWN_NAMES
from tests.browsing import CLIPPED, Watched
from tests.signage.town import ServedTown, Town

pytestmark = pytest.mark.browser

LONGER = """
() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) texts.push(walker.currentNode);
  const more = (word) => word + word.slice(0, Math.round(word.length * 0.4));
  for (const text of texts) {
    if (!text.parentElement.closest("svg")) text.data = text.data.replace(/[^\\s\\d]{3,}/g, more);
  }
}
"""
WIDER = """
() => [...document.querySelectorAll("body *")]
  .filter((e) => e.checkVisibility() && e.getBoundingClientRect().right > innerWidth + 1)
  .map((e) => `${e.className} ${e.textContent.trim().slice(0, 60)}`)
"""
SMALL = """
() => [...document.querySelectorAll("main a, main button, nav a, summary, footer a, footer button")]
  .filter((e) => e.checkVisibility() && !e.closest(".skip"))
  .map((e) => [e.getBoundingClientRect(), e.textContent.trim()])
  .filter(([box]) => box.height < 47.5)
  .map(([box, said]) => `${box.height}: ${said}`)
"""


@pytest.fixture
def phone(browser: Browser) -> Iterator[Watched]:
    page = browser.new_page(viewport={"width": 390, "height": 844}, locale="ja-JP")
    yield Watched(page)
    page.close()


@pytest.fixture
def served() -> Iterator[ServedTown]:
    made = ServedTown(Town())
    yield made
    made.close()


@pytest.fixture
def fast() -> Iterator[ServedTown]:
    """A city whose server stands still while its pages believe that time runs 600-fold."""
    made = ServedTown(Town(speed=600))
    yield made
    made.close()


@pytest.mark.parametrize("path", ["/", "/for/moving"])
def test_nothing_is_cut_off_in_any_language_nor_with_longer_words(
    served: ServedTown, phone: Watched, path: str
) -> None:
    served.do(served.town.busy)
    for language in OWN_NAMES:
        page = phone.open(f"{served.base}{path}?lang={language}")
        assert page.evaluate(CLIPPED) == [], language
        assert page.evaluate(SMALL) == [], language
        page.evaluate(LONGER)
        assert page.evaluate(WIDER) == [], language
    assert phone.errors == []
    assert phone.hosts == {"127.0.0.1"}


def test_a_resident_without_javascript_finds_the_shortest_wait(
    served: ServedTown, browser: Browser
) -> None:
    served.do(served.town.busy)
    context = browser.new_context(java_script_enabled=False, locale="ja-JP")
    page = context.new_page()
    page.goto(served.base)
    page.get_by_role("link", name="引っ越し・届出").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "いちばん早いのは北区役所（約10分）", use_inner_text=True
    )
    page.get_by_role("link", name="北区役所").click()
    expect(page).to_have_url(f"{served.base}/kita/?lang=ja#service-moving")
    expect(page.locator("#service-moving")).to_contain_text("10")
    page.get_by_role("link", name="ほかの庁舎").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("みなと野市の混みぐあい")
    context.close()


def test_news_of_any_office_reaches_an_open_page(served: ServedTown, phone: Watched) -> None:
    served.do(served.town.busy)
    page = phone.open(f"{served.base}/for/moving?lang=ja")
    page.evaluate("window.first = true")
    expect(page.locator(".card").first).to_have_attribute("id", "office-kita")

    def change() -> None:
        served.town.kita.service("moving", 4, 31, (70, 95, 120))
        served.town.settle()

    served.do(change)
    expect(page.locator(".card").first).to_have_attribute("id", "office-minami")
    expect(page.locator("#office-kita .wait")).to_have_text("60分以上", use_inner_text=True)
    expect(page.locator("svg.map a").nth(1)).to_contain_text("2 ■")
    assert page.evaluate("window.first")
    assert phone.errors == []


def test_values_go_at_their_end_by_the_browsers_clock_alone(
    fast: ServedTown, phone: Watched
) -> None:
    fast.do(fast.town.busy)
    page = phone.open(f"{fast.base}/for/moving?lang=ja")
    card = page.locator("#office-kita")
    expect(card.locator("[data-phase=stale]").first).to_be_visible(timeout=5000)
    assert "10" not in (card.locator("> div").text_content() or "").replace("10時32分", "")
    expect(card).to_contain_text("確認中")
    expect(page.locator("h1")).to_have_text("確認中", use_inner_text=True)
    sign = page.locator("svg.map a", has_text="2")
    expect(sign.locator("[data-value]")).to_have_count(0)
    expect(sign.locator("[data-gone]")).to_be_visible()


def test_the_shorter_wait_elsewhere_goes_with_its_value(fast: ServedTown, phone: Watched) -> None:
    fast.do(fast.town.busy)
    url = f"{fast.base}/minami/?lang=ja"
    assert "北区役所なら約25分（2.3 km）" in phone.page.request.get(url).text()
    near = phone.open(url).locator("#service-mynumber .near a")
    expect(near).to_have_count(0, timeout=5000)
