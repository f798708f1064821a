"""The page of a ticket, in Debian's chromium."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from models.site import Site
from signage.wording import LANGUAGES
from tests.browsing import CLIPPED, Watched
from tests.signage.office import HandClock, Hub, Served
from tests.signage.test_browser_languages import pseudo as _pseudo
from tests.signage.test_ticket import STATES, WAITING, each_state, twice, waiting

pytestmark = pytest.mark.browser
pseudo = _pseudo

SAID = ("A130", "A123", "B045", "A124", "130", "Z999", "")
"""In the state `everything`: waits, is called, was passed, is two, is supposed, is unknown."""


@pytest.fixture
def phone(browser: Browser) -> Iterator[Watched]:
    page = browser.new_page(viewport={"width": 390, "height": 844}, locale="ja-JP")
    yield Watched(page)
    page.close()


def everything(hub: Hub) -> None:
    twice(hub)
    hub.call("A123", "B045")


def clipped(page: Page) -> list[str]:
    """Whatever is cut off or too small for a finger."""
    found: list[str] = page.evaluate(CLIPPED)
    found += page.evaluate(
        """[...document.querySelectorAll("a, button, summary, input:not([type=hidden])")]
          .filter((one) => one.getClientRects().length && !one.matches(".skip")
            && one.getBoundingClientRect().height < 47.9).map((one) => one.outerHTML)"""
    )
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append("the page is wider than the screen")
    return found


def opened(served: Served, phone: Watched, state: str, language: str = "ja") -> Page:
    step, said, *_ = STATES[state]
    served.do(lambda: step(served.hub))
    return phone.open(f"{served.base}/ticket?number={quote(said)}&lang={language}")


@pytest.mark.parametrize("language", ["ja", "en"])
@each_state
def test_nothing_is_cut_off_in_any_state(
    served: Served, phone: Watched, state: str, language: str
) -> None:
    page = opened(served, phone, state, language)
    assert clipped(page) == []
    assert phone.errors == []
    assert phone.hosts == {"127.0.0.1"}


def cut_off(served: Served, phone: Watched, language: str) -> dict[str, list[str]]:
    """What is cut off in one language, by what was typed."""
    served.do(lambda: everything(served.hub))
    found = {}
    for said in SAID:
        url = f"{served.base}/ticket?number={said}&lang={language}"
        found[said] = clipped(phone.open(url))
    return {said: cut for said, cut in found.items() if cut}


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_cut_off_in_any_language(served: Served, phone: Watched, language: str) -> None:
    assert cut_off(served, phone, language) == {}


@pytest.mark.usefixtures("pseudo")
@pytest.mark.parametrize("language", ["ja", "en"])
def test_nothing_is_cut_off_when_every_word_is_longer_by_two_fifths(
    site: Site, phone: Watched, language: str
) -> None:
    served = Served(Hub(site, HandClock()))
    try:
        assert cut_off(served, phone, language) == {}
    finally:
        served.close()


def test_the_page_follows_the_line_until_the_call(served: Served, phone: Watched) -> None:
    page = opened(served, phone, "waiting")
    head = page.locator("h1")
    expect(head).to_contain_text("あと6組・約25分", use_inner_text=True)
    served.do(lambda: served.hub.line("moving", *WAITING[4:]))
    expect(head).to_contain_text("あと2組", use_inner_text=True)
    served.do(lambda: served.hub.call("A130"))
    served.do(lambda: served.hub.line("moving"))
    expect(head).to_contain_text("お呼びしています", use_inner_text=True)
    expect(page.locator(".go")).to_have_text("3番窓口へ")
    served.do(lambda: served.hub.call("A131", "A130"))
    expect(head).to_contain_text("10時32分にお呼びしました", use_inner_text=True)


def test_what_is_told_of_a_ticket_goes_at_its_end_by_the_browsers_clock_alone(
    site: Site, phone: Watched
) -> None:
    fast = Served(Hub(site, HandClock(speed=600)))
    try:
        page = opened(fast, phone, "waiting")
        turn = page.locator(".turn")
        expect(turn).to_have_attribute("data-phase", "stale", timeout=3000)
        assert "あと" not in (turn.text_content() or "")
        expect(turn).to_contain_text("確認中最終 10時32分")
    finally:
        fast.close()


def test_a_number_is_typed_and_found_without_a_script(served: Served, browser: Browser) -> None:
    served.do(lambda: waiting(served.hub))
    page = browser.new_page(java_script_enabled=False, locale="ja-JP")
    page.goto(f"{served.base}/")
    page.get_by_role("link", name="番号札をお持ちの方").click()
    page.get_by_label("番号札の番号").fill("ａ１３０")
    page.get_by_role("button", name="調べる").click()
    expect(page.locator("h1")).to_contain_text("あと6組・約25分", use_inner_text=True)
    page.close()
