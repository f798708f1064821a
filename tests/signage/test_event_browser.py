"""An event as residents see it, on a phone and in the lobby, before, on and after its days."""

from collections.abc import Iterator
from datetime import datetime

import pytest
from playwright.sync_api import Browser, expect

from models.site import parse
from tests.browsing import CLIPPED, Watched
from tests.quality.axe import open_page, violations
from tests.quality.matrix import tool
from tests.signage.event_office import TEXT, Event, tokyo
from tests.signage.office import Served

pytestmark = pytest.mark.browser

MOMENTS = {
    "coming": tokyo(2, 9, 10),
    "nothing known": tokyo(2, 16, 9, 30),
    "busy": tokyo(2, 17, 10),
    "over": tokyo(2, 26, 17),
}
SITE = parse(TEXT.replace("[[devices]]", '[[displays]]\nid = "hall-1"\n\n[[devices]]', 1))


@pytest.fixture(scope="module")
def axe() -> str:
    return tool("axe-core/axe.min.js").read_text("utf-8")


@pytest.fixture
def event() -> Event:
    return Event(SITE)


@pytest.fixture
def served(event: Event) -> Iterator[Served]:
    made = Served(event.hub)
    yield made
    made.close()


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    page = browser.new_page(viewport={"width": 390, "height": 844}, locale="ja-JP", bypass_csp=True)
    yield Watched(page)
    page.close()


def show(served: Served, event: Event, moment: str) -> None:
    def step() -> None:
        event.at(MOMENTS[moment])
        if moment == "busy":
            event.busy()

    served.do(step)


@pytest.mark.parametrize("moment", MOMENTS)
def test_nothing_is_cut_off_and_axe_finds_nothing(
    served: Served, event: Event, watched: Watched, axe: str, moment: str
) -> None:
    show(served, event, moment)
    page = watched.page
    for language in ("ja", "en"):
        open_page(page, f"{served.base}/?lang={language}")
        assert page.evaluate(CLIPPED) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert violations(page, axe, dark=True) == []
    open_page(page, f"{served.display}/", is_display=True)
    assert page.evaluate(CLIPPED) == []
    assert watched.errors == []
    assert watched.hosts == {"127.0.0.1"}, "a map is a link, nothing is fetched"


def test_a_page_that_is_left_open_follows_the_days(
    served: Served, event: Event, watched: Watched
) -> None:
    def on(now: datetime) -> None:
        served.do(lambda: event.at(now))

    on(tokyo(2, 8, 23))
    page = watched.open(f"{served.base}/?lang=ja")
    card = page.locator("#service-tax-hall")
    expect(card).to_have_count(0)
    on(tokyo(2, 9, 0, 1))
    expect(card).to_contain_text("開催前")
    on(tokyo(2, 16, 9, 1))
    expect(card).to_contain_text("確認中")
    served.do(event.busy)
    expect(card.locator(".chip").first).to_contain_text("混雑")
    on(tokyo(2, 27, 0, 1))
    expect(card).to_have_count(0)
