"""What people see, in Debian's chromium."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from models.contract.results import State
from models.site import Site
from tests.browsing import CLIPPED, STATES, Watched, told
from tests.signage.cases import CASES
from tests.signage.office import NOON, HandClock, Hub, Served

pytestmark = pytest.mark.browser

SIZES = {"lobby": (1920, 1080), "phone": (390, 844)}


@pytest.fixture
def lobby(browser: Browser) -> Iterator[Watched]:
    page = browser.new_page(viewport={"width": 1920, "height": 1080}, locale="ja-JP")
    yield Watched(page)
    page.close()


@pytest.fixture
def phone(browser: Browser) -> Iterator[Watched]:
    page = browser.new_page(viewport={"width": 390, "height": 844}, locale="ja-JP")
    yield Watched(page)
    page.close()


@pytest.fixture
def fast(site: Site) -> Iterator[Served]:
    """An office whose server stands still while its pages believe that time runs 600-fold."""
    made = Served(Hub(site, HandClock(speed=600)))
    yield made
    made.close()


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("surface", list(SIZES))
def test_nothing_is_cut_off_in_any_state(
    served: Served, surface: str, state: str, language: str, request: pytest.FixtureRequest
) -> None:
    watched: Watched = request.getfixturevalue(surface)
    served.do(getattr(served.hub, state))
    page = watched.open(f"{served.display if surface == 'lobby' else served.base}/?lang={language}")
    assert page.evaluate(CLIPPED) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.get_attribute("html", "lang") == language
    assert watched.errors == []
    assert watched.hosts == {"127.0.0.1"}


def test_the_rule_of_freshness_is_the_same_in_the_browser(served: Served, phone: Watched) -> None:
    page = phone.open(served.base)
    phases = page.evaluate(
        """async (cases) => {
          const { phase } = await import("/static/freshness.js");
          return cases.map((each) => phase(...each));
        }""",
        [case[:5] for case in CASES],
    )
    assert phases == [case[5] for case in CASES]


def test_what_is_to_come_goes_with_its_forecast_and_what_was_stays(
    fast: Served, phone: Watched
) -> None:
    fast.do(fast.hub.busy)
    page = phone.open(fast.base)
    curve = page.locator("#service-mynumber figure")
    expect(curve.locator("path.will").first).to_be_attached()
    expect(curve).to_have_attribute("data-phase", "stale", timeout=20_000)
    expect(curve.locator(".will").first).to_be_hidden()
    expect(curve.locator("path.came").first).to_be_visible()


@pytest.mark.parametrize("surface", list(SIZES))
def test_a_value_goes_at_its_end_by_the_browsers_clock_alone(
    fast: Served, surface: str, request: pytest.FixtureRequest
) -> None:
    watched: Watched = request.getfixturevalue(surface)
    fast.do(fast.hub.busy)
    page = watched.open(fast.display if surface == "lobby" else fast.base)
    row = page.locator("#service-mynumber")
    expect(row).to_have_attribute("data-phase", "stale", timeout=3000)
    assert "31" not in told(row)
    assert "最終 10時32分" in row.inner_text()
    expect(row).to_contain_text("確認中")


def test_a_value_grows_old_before_it_goes(served: Served, phone: Watched) -> None:
    served.do(served.hub.busy)
    phone.page.route("**/stream", lambda route: route.abort())
    phone.page.clock.install()
    page = phone.open(served.base)
    row = page.locator("#service-moving")
    age = row.locator("[data-value] [data-age]")
    expect(age).to_be_hidden()
    page.clock.run_for(70_000)
    expect(row).to_have_attribute("data-phase", "ageing")
    expect(age).to_have_text("1分前")
    page.clock.run_for(30_000)
    expect(row).to_have_attribute("data-phase", "stale")


def test_a_page_stays_true_when_its_server_is_gone(fast: Served, lobby: Watched) -> None:
    fast.do(fast.hub.busy)
    page = lobby.open(fast.display)
    fast.stop()
    expect(page.locator("#service-mynumber")).to_have_attribute("data-phase", "stale")
    assert "31" not in (page.locator("table").text_content() or "")


@pytest.mark.parametrize("surface", list(SIZES))
def test_a_server_that_is_gone_is_said_after_45_seconds_and_met_again_without_a_reload(
    served: Served, surface: str, request: pytest.FixtureRequest
) -> None:
    watched: Watched = request.getfixturevalue(surface)
    served.do(served.hub.busy)
    watched.page.clock.install()
    page = watched.open(served.display if surface == "lobby" else served.base)
    page.evaluate("window.first = true")
    loads: list[str] = []
    page.on("load", lambda loaded: loads.append(loaded.url))
    banner, row = page.locator(".banner"), page.locator("#service-mynumber")
    served.stop()
    page.clock.run_for(40_000)
    expect(banner).to_be_hidden()
    page.clock.run_for(8_000)
    expect(banner).to_have_text("最新の情報を確認しています", use_inner_text=True)
    expect(row).to_contain_text("31")
    page.clock.run_for(50_000)
    expect(row).to_have_attribute("data-phase", "stale")
    assert "31" not in told(row)
    page.clock.fast_forward(600_000)  # the list of calls holds longest
    expect(banner).to_have_text(
        "通信が止まっているため、現在の混雑状況を表示できません", use_inner_text=True
    )
    served.do(lambda: served.hub.clock.move(700))
    served.do(lambda: served.hub.service("mynumber", 1, 3, (2, 4, 6)))
    served.start_again()
    for _ in range(40):
        page.clock.run_for(5000)  # it tries again every few seconds
        page.wait_for_timeout(50)  # the server's answer takes true time
        if row.get_attribute("data-phase") == "fresh":
            break
    expect(row).to_contain_text("空いています")
    expect(banner).to_be_hidden()
    assert page.evaluate("window.first")
    assert loads == []


@pytest.fixture
def lines(phone: Watched) -> Page:
    """The phone page's connections, open to the test's hand: `lines.at(-1)` is the newest."""
    phone.page.add_init_script(
        """const Real = window.EventSource;
        window.lines = [];
        window.EventSource = class extends Real {
          constructor(url) { super(url); window.lines.push(this); }
        };
        window.ping = (now) => window.lines.at(-1)
          .dispatchEvent(new MessageEvent("ping", { data: JSON.stringify({ now }) }));
        window.clock = async () => (await import("/static/live.js")).now();"""
    )
    return phone.page


def test_a_time_that_comes_late_does_not_turn_the_pages_clock_back(
    served: Served, lines: Page
) -> None:
    served.do(served.hub.busy)
    lines.goto(served.base)
    lines.wait_for_selector("html[data-ready]", state="attached")
    shown = lines.evaluate("clock()")
    lines.evaluate("(at) => ping(at - 80_000)", shown)
    assert lines.evaluate("clock()") >= shown
    lines.evaluate("(at) => ping(at + 100_000)", shown)
    assert lines.evaluate("clock()") >= shown + 100_000
    expect(lines.locator("#service-mynumber")).to_have_attribute("data-phase", "stale")


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_phones_own_clock_may_be_wrong_and_may_jump(
    served: Served, lines: Page, hours: int
) -> None:
    served.do(served.hub.busy)
    lines.clock.install(time=NOON + timedelta(hours=3 * hours))
    lines.goto(served.base)
    lines.wait_for_selector("html[data-ready]", state="attached")
    row = lines.locator("#service-mynumber")
    expect(row).to_have_attribute("data-phase", "fresh")
    lines.clock.set_system_time(NOON + timedelta(hours=4 * hours))
    lines.clock.run_for(1500)
    expect(row).to_have_attribute("data-phase", "stale")  # for all it knows it has slept
    lines.evaluate(f"ping({served.hub.clock.now().timestamp() * 1000})")
    expect(row).to_have_attribute("data-phase", "fresh")
    expect(row).to_contain_text("31")


def test_a_change_reaches_both_surfaces(served: Served, lobby: Watched, phone: Watched) -> None:
    served.do(served.hub.busy)
    pages = [lobby.open(served.display), phone.open(served.base)]
    served.do(lambda: served.hub.service("moving", 4, 77, (80, 90, 100)))
    for page in pages:
        expect(page.locator("#service-moving")).to_contain_text("77")
        expect(page.locator("#service-moving")).to_contain_text("大変混雑")


def test_a_call_takes_the_screen_over_and_gives_it_back(served: Served, lobby: Watched) -> None:
    served.do(served.hub.busy)
    lobby.page.clock.install()
    page = lobby.open(served.display)
    takeover = page.locator("#takeover")
    expect(takeover).to_be_hidden()
    served.do(lambda: served.hub.call("A124", "A123", "A122", "B045"))
    expect(takeover).to_be_visible()
    expect(takeover).to_contain_text("A124")
    expect(takeover).to_contain_text("→ 3番窓口へ")
    assert page.evaluate(CLIPPED) == []
    expect(page.locator(".call .called")).to_have_text("A124")
    page.clock.run_for(8000)
    expect(takeover).to_be_hidden()


def test_calls_that_stood_there_before_do_not_take_the_screen_over(
    served: Served, lobby: Watched
) -> None:
    served.do(served.hub.busy)
    page = lobby.open(served.display)
    served.do(lambda: served.hub.service("moving", 4, 77, (80, 90, 100)))
    expect(page.locator("#service-moving")).to_contain_text("77")
    expect(page.locator("#takeover")).to_be_hidden()


def test_a_lost_hub_shows_a_banner_that_goes_when_it_returns(
    served: Served, lobby: Watched
) -> None:
    served.do(served.hub.busy)
    page = lobby.open(served.display)
    banner = page.locator(".banner")
    expect(banner).to_be_hidden()
    served.do(lambda: served.hub.say("state", State(state="lost")))
    expect(banner).to_have_text("最新の情報を確認しています", use_inner_text=True)
    assert page.evaluate(CLIPPED) == []
    served.do(lambda: served.hub.say("state", State(state="ready")))
    expect(banner).to_be_hidden()


def test_a_long_notice_is_shown_page_by_page(served: Served, lobby: Watched) -> None:
    served.do(served.hub.paused)
    lobby.page.clock.install()
    page = lobby.open(served.display)
    water = page.locator(".news .warning:has([lang=ja])")
    expect(water).to_be_visible()
    seen = {0}
    for _ in range(6):
        page.clock.run_for(12_000)
        if water.is_visible():
            seen.add(page.evaluate("document.querySelector('.news .warning').scrollTop"))
    assert len(seen) >= 2
    expect(page.locator(".news li:visible")).to_have_count(1)


FULL_JA = "ただいま1階ロビーは満員です（定員60人）。恐れ入りますが、入場は少しお待ちください。"
FULL_EN = (
    "Ground-floor lobby: full now, with room for 60 people."
    " Please wait a little before you come in."
)


def test_a_full_lobby_is_said_in_both_languages(served: Served, lobby: Watched) -> None:
    served.do(served.hub.full)
    page = lobby.open(served.display)
    news = page.locator(".news li.warning")
    assert [item.text_content() for item in news.all()] == [FULL_JA, FULL_EN]
    expect(news.first).to_be_visible()
    served.do(served.hub.busy)
    expect(news).to_have_count(0)


def test_a_full_lobby_is_said_no_longer_than_it_is_known(fast: Served, lobby: Watched) -> None:
    fast.do(fast.hub.full)
    page = lobby.open(fast.display)
    news = page.locator(".news li.warning")
    expect(news.first).to_have_attribute("data-phase", "stale", timeout=3000)
    for item in news.all():
        assert item.text_content() == ""
        expect(item).to_be_hidden()
    expect(page.locator("#zone-lobby")).not_to_contain_text("63")


def test_a_lobby_that_fills_up_is_spoken_once_to_who_cannot_see(
    served: Served, phone: Watched
) -> None:
    served.do(served.hub.busy)
    phone.page.clock.install()
    page = phone.open(served.base)
    voice = page.locator("#status")
    assert voice.text_content() == ""
    served.do(served.hub.full)
    warning = page.locator(".notices .warning")
    expect(warning).to_contain_text("満員です")
    expect(voice).to_have_text(warning.inner_text())
    page.clock.run_for(11_000)
    expect(voice).to_have_text("")
    served.do(served.hub.busy)
    expect(warning).to_have_count(0)
    assert voice.text_content() == ""


def test_the_phone_page_is_complete_without_javascript(served: Served, browser: Browser) -> None:
    served.do(served.hub.busy)
    context = browser.new_context(
        java_script_enabled=False, viewport={"width": 390, "height": 844}, locale="ja-JP"
    )
    page = context.new_page()
    page.goto(served.base)
    for text in ("混んでいます", "約20分", "31人", "空車あり", "車いす用", "42人", "10時32分現在"):
        expect(page.locator("main")).to_contain_text(text)
    expect(page.locator("#auto")).to_be_hidden()
    served.do(served.hub.stale)
    page.locator("#refresh").click()
    expect(page.locator("main")).to_contain_text("確認中")
    expect(page.locator("main")).not_to_contain_text("31人")
    context.close()


def test_auto_update_can_be_switched_off_and_stays_off(served: Served, phone: Watched) -> None:
    served.do(served.hub.busy)
    page = phone.open(served.base)
    button = page.locator("#auto")
    expect(button).to_have_text("自動更新 入")
    button.click()
    expect(button).to_have_text("自動更新 切")
    page.reload()
    expect(page.locator("#auto")).to_have_attribute("aria-pressed", "false")
    page.locator("#auto").click()
    served.do(lambda: served.hub.service("moving", 4, 77, (80, 90, 100)))
    expect(page.locator("#service-moving")).to_contain_text("77")


def test_the_language_is_two_touches_away(served: Served, phone: Watched) -> None:
    served.do(served.hub.busy)
    page = phone.open(served.base)
    page.get_by_text("Language").click()
    page.get_by_role("link", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("h1")).to_contain_text("Busy now: Health insurance, My Number card")
