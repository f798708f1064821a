"""What JavaScript adds to the resident's page: it stays as it is, and opens with no network."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from urllib.parse import urlsplit

import msgspec
import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect

from signage.assets import static_files
from tests.browsing import told
from tests.signage.office import NOON, Served
from tests.signage.town import ServedTown, Town

pytestmark = pytest.mark.browser


@pytest.fixture
def phone(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="ja-JP")
    yield context
    context.close()


def opened(phone: BrowserContext, url: str) -> Page:
    page = phone.new_page()
    page.goto(url)
    page.wait_for_selector("html[data-ready]", state="attached")
    return page


def test_a_change_leaves_open_what_is_open_and_the_focus_where_it_is(
    served: Served, phone: BrowserContext
) -> None:
    served.do(served.hub.busy)
    page = opened(phone, served.base)
    table = page.locator("#service-moving figure details")
    table.locator("summary").click()
    page.evaluate("window.here = document.activeElement; window.at = scrollY")
    served.do(served.hub.full)  # a notice comes in above
    expect(page.locator(".notices .warning")).to_be_visible()
    served.do(lambda: served.hub.service("moving", 4, 77, (80, 90, 100)))
    expect(page.locator("#service-moving")).to_contain_text("77")
    expect(table).to_have_attribute("open", "")
    assert page.evaluate("here === document.activeElement && here.matches('summary')")
    served.do(served.hub.busy)
    expect(page.locator(".notices")).to_have_count(0)
    expect(table).to_have_attribute("open", "")
    assert page.evaluate("here === document.activeElement")


AS_SERVED = """async () => {
  const { age } = await import("/static/live.js");
  const wanted = document.getElementById("live").cloneNode(false);
  wanted.innerHTML = await (await fetch(document.documentElement.dataset.part)).text();
  const live = document.getElementById("live").cloneNode(true);
  for (const open of live.querySelectorAll("details[open]")) open.removeAttribute("open");
  return live.isEqualNode(wanted);
}"""


def test_after_any_change_the_page_says_what_the_server_says(
    served: Served, phone: BrowserContext
) -> None:
    hub = served.hub
    served.do(hub.busy)
    page = opened(phone, served.base)
    page.locator("#service-moving figure summary").click()
    for state in ("paused", "full", "crowded", "busy", "no_data", "full", "closed"):
        served.do(getattr(hub, state))
        served.do(lambda: hub.call("Z1"))
        page.wait_for_function(
            "(tag) => document.documentElement.dataset.tag === tag", arg=hub.mirror.tag
        )
        page.wait_for_function(AS_SERVED)


def test_pinned_services_stay_on_top_and_on_the_phone(
    served: Served, phone: BrowserContext
) -> None:
    served.do(served.hub.busy)
    page = opened(phone, served.base)
    cards = page.locator("#services .card")
    pin = page.get_by_role("button", name="「国民健康保険」を上に置く")
    expect(pin).to_have_attribute("aria-pressed", "false")
    pin.click()
    expect(cards.first).to_have_id("service-insurance")
    expect(pin).to_be_focused()
    expect(pin).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#status")).to_have_text("上に置きました")
    served.do(lambda: served.hub.service("moving", 4, 77, (80, 90, 100)))
    expect(page.locator("#service-moving")).to_contain_text("77")
    expect(cards.first).to_have_id("service-insurance")
    page.goto(f"{served.base}/?lang=vi")
    expect(cards.first).to_have_id("service-insurance")
    other = page.locator("#service-mynumber .pin")
    other.click()
    assert ids(page)[:3] == ["service-insurance", "service-mynumber", "service-certificates"]
    page.locator("#service-insurance .pin").click()
    other.click()
    assert ids(page) == [f"service-{service.id}" for service in served.hub.site.services]


def test_what_a_phone_keeps_of_two_offices_stays_apart(phone: BrowserContext) -> None:
    served = ServedTown(Town())
    try:
        served.do(served.town.busy)
        page = opened(phone, f"{served.base}/minami/")
        page.evaluate("navigator.serviceWorker.ready.then(() => 1)")
        page.locator("#service-mynumber .pin").click()
        page.goto(f"{served.base}/kita/")
        page.evaluate("navigator.serviceWorker.ready.then(() => 1)")
        expect(page.locator("#service-mynumber .pin")).to_have_attribute("aria-pressed", "false")
        assert page.evaluate("Object.keys(localStorage)") == ["minami.pins"]
        page.goto(served.base)  # the city's own page is nobody's
        page.wait_for_selector("html[data-ready]", state="attached")
        assert page.evaluate("navigator.serviceWorker.getRegistration().then((it) => !it)")
        scopes: list[str] = page.evaluate(
            "navigator.serviceWorker.getRegistrations().then((all) => all.map((it) => it.scope))"
        )
        assert {urlsplit(scope).path for scope in scopes} == {"/minami/", "/kita/"}
    finally:
        served.close()


def ids(page: Page) -> list[str]:
    found: list[str] = page.evaluate(
        "[...document.querySelectorAll('#services .card')].map((card) => card.id)"
    )
    return found


def test_a_swap_moves_nothing_that_has_not_changed(served: Served, phone: BrowserContext) -> None:
    served.do(served.hub.busy)
    page = opened(phone, served.base)
    page.locator("#service-mynumber .pin").click()
    page.evaluate(
        """() => {
          window.moved = [];
          new MutationObserver((all) => moved.push(...all.map((one) => one.type)))
            .observe(document.getElementById("live"), { childList: true, subtree: true });
          window.shift = 0;
          new PerformanceObserver((list) => list.getEntries().forEach((e) => (shift += e.value)))
            .observe({ type: "layout-shift" });
        }"""
    )
    served.do(lambda: served.hub.service("moving", 2, 9, (14, 19, 27)))
    expect(page.locator("#service-moving")).to_contain_text("9人")
    assert page.evaluate("moved") == []  # nothing came, nothing went: texts changed
    assert page.evaluate("shift") == 0


def shelved(phone: BrowserContext, served: Served) -> Page:
    """The page once its worker has all that it needs, and the server gone."""
    page = opened(phone, served.base)
    page.evaluate("navigator.serviceWorker.ready.then(() => 1)")
    served.stop()
    return page


def test_with_no_network_the_page_opens_as_it_was_seen_and_lets_old_values_go(
    served: Served, phone: BrowserContext
) -> None:
    served.do(served.hub.busy)
    page = shelved(phone, served)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.clock.install()
    page.reload()
    page.wait_for_selector("html[data-ready]", state="attached")
    row, kept = page.locator("#service-mynumber"), page.locator(".kept")
    expect(kept).to_contain_text("11月24日（火）10時32分に見た内容")
    expect(row).to_contain_text("31人")
    expect(row).to_have_css("border-radius", "12px")
    page.clock.run_for(100_000)
    expect(row).to_have_attribute("data-phase", "stale")
    assert "31" not in told(row)
    expect(row.locator("figure path.came")).to_be_visible()

    page.reload()  # once more: it is no newer than it was
    expect(row).to_have_attribute("data-phase", "stale")
    served.start_again()
    served.do(lambda: served.hub.service("mynumber", 1, 3, (2, 4, 6)))
    for _ in range(10):  # it tries again every few seconds, and an answer takes true time
        page.clock.run_for(6000)
        with suppress(AssertionError):
            expect(row).to_contain_text("3人", timeout=1000)
            break
    expect(row).to_contain_text("3人")
    expect(kept).to_be_hidden()
    assert errors == []


def test_with_no_network_a_ticket_opens_as_it_was_seen_and_no_other_does(
    served: Served, phone: BrowserContext
) -> None:
    served.do(served.hub.busy)
    served.do(lambda: served.hub.line("moving", "A124", "A125", "A130"))
    page = opened(phone, f"{served.base}/ticket?number=A125")
    page.evaluate("navigator.serviceWorker.ready.then(() => 1)")
    page.goto(f"{served.base}/ticket?number=A130")
    expect(page.locator("h1")).to_contain_text("あと2組")
    served.stop()
    page.clock.install()
    page.reload()
    page.wait_for_selector("html[data-ready]", state="attached")
    expect(page.locator("h1")).to_contain_text("あと2組")
    expect(page.locator(".kept")).to_contain_text("11月24日（火）10時32分に見た内容")
    page.clock.run_for(100_000)
    expect(page.locator("h1")).to_contain_text("確認中")
    expect(page.locator("h1")).not_to_contain_text("あと")
    for number in ("A125", "A124"):
        with pytest.raises(Error, match="ERR_FAILED"):
            page.goto(f"{served.base}/ticket?number={number}")


def test_a_network_that_gives_no_answer_is_as_good_as_none(
    served: Served, phone: BrowserContext
) -> None:
    served.do(served.hub.busy)
    page = shelved(phone, served)
    port = int(served.base.rpartition(":")[2])
    with socket.create_server(("127.0.0.1", port)):  # it takes calls and says nothing
        page.reload(wait_until="commit")
        expect(page.locator(".kept")).to_be_visible(timeout=15_000)
    expect(page.locator("#service-mynumber")).to_contain_text("31人")


def test_a_wall_clock_that_was_set_back_makes_a_kept_page_no_younger(
    served: Served, phone: BrowserContext
) -> None:
    served.do(served.hub.busy)
    page = shelved(phone, served)
    page.clock.install(time=NOON - timedelta(days=3650))
    page.reload()
    row = page.locator("#service-mynumber")
    expect(row).to_have_attribute("data-phase", "stale")
    assert "31" not in told(row)


def test_what_is_live_is_never_kept(served: Served, phone: BrowserContext) -> None:
    served.do(served.hub.busy)
    page = opened(phone, f"{served.base}/?lang=en")
    page.evaluate("navigator.serviceWorker.ready.then(() => 1)")
    page.reload()
    page.wait_for_selector("html[data-ready]", state="attached")
    served.do(lambda: served.hub.service("moving", 4, 77, (80, 90, 100)))
    expect(page.locator("#service-moving")).to_contain_text("77")
    page.evaluate("fetch('/api/v1/sites/minami').then((answer) => answer.text())")
    urls: list[str] = page.evaluate(
        """async () => {
          const all = await Promise.all((await caches.keys()).map(async (name) =>
            (await (await caches.open(name)).keys()).map((request) => request.url)));
          return all.flat();
        }"""
    )
    paths = {urlsplit(url).path for url in urls}
    assert {"/", "/static/live.js"} <= paths
    assert {path for path in paths if path != "/" and not path.startswith("/static/")} == set()


def test_a_new_version_takes_over_and_leaves_nothing_of_the_old(
    served: Served, phone: BrowserContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.do(served.hub.busy)
    page = shelved(phone, served)
    (before,) = shells(page)
    css = static_files()["page.css"]
    changed = css.body + b".card { border-radius: 5px; }"
    newer = msgspec.structs.replace(css, body=changed, packed=None, etag="newer")
    monkeypatch.setitem(static_files(), "page.css", newer)
    served.start_again()
    page.reload()
    for _ in range(100):
        if shells(page) and before not in shells(page):
            break
        page.wait_for_timeout(50)
    assert len(shells(page)) == 1
    served.stop()
    page.reload()
    expect(page.locator(".kept")).to_be_visible()
    expect(page.locator("#service-mynumber")).to_have_css("border-radius", "5px")


def shells(page: Page) -> list[str]:
    found: list[str] = page.evaluate("caches.keys()")
    return [name for name in found if name.startswith("shell")]


@pytest.mark.parametrize("path", ["/", "/text", "/outlook", "/accuracy", "/print", "/embed"])
def test_nothing_leaves_the_screen_when_it_is_zoomed_to_twice_its_size(
    served: Served, browser: Browser, path: str
) -> None:
    served.do(served.hub.crowded)
    page = browser.new_page(viewport={"width": 195, "height": 422}, device_scale_factor=2)
    for language in ("ja", "ja-Hira", "en", "vi"):
        page.goto(f"{served.base}{path}?lang={language}")
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 195, language
    page.close()


def test_one_voice_speaks_at_most_once_a_minute(served: Served, phone: BrowserContext) -> None:
    served.do(served.hub.busy)
    page = phone.new_page()
    page.clock.install()
    page.goto(served.base)
    page.wait_for_selector("html[data-ready]", state="attached")
    voice = page.get_by_role("status")
    expect(voice).to_have_count(1)
    served.do(served.hub.full)
    expect(voice).to_contain_text("満員です")
    page.clock.run_for(11_000)
    served.do(served.hub.busy)
    expect(page.locator(".warning")).to_have_count(0)
    served.do(lambda: served.hub.service("moving", 4, 77, (80, 90, 100)))
    expect(page.locator("h1")).to_contain_text("今は多くの窓口")
    expect(voice).to_be_empty()  # it has spoken less than a minute ago
    page.clock.run_for(50_000)
    served.do(lambda: served.hub.service("moving", 4, 78, (80, 90, 100)))
    expect(voice).to_contain_text("今は多くの窓口が混んでいます")
