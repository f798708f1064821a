"""Calls on the screen, in Debian's chromium: one by one, with sound, and once."""

import json
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from models.contract.results import Call, CallsResult
from models.screens.announce import HOLDS_S
from models.site import Site
from signage.display.calls import FILE
from tests.browsing import CLIPPED, FLAGS, Watched
from tests.display.called import SOUND
from tests.signage.office import HandClock, Hub, Served

pytestmark = pytest.mark.browser

SHOWN = """
window.shown = [];
new MutationObserver((changes) => {
  for (const { addedNodes } of changes)
    for (const node of addedNodes)
      if (node.matches?.(".calling"))
        shown.push([node.querySelector(".called").textContent, performance.now()]);
}).observe(document, { childList: true, subtree: true });
"""
HEARD = """
window.heard = [];
document.addEventListener("machiai:quiet", (event) => heard.push(event.detail));
const play = HTMLMediaElement.prototype.play;
HTMLMediaElement.prototype.play = function () {
  const on = () => heard.push(new URL(this.src).pathname);
  if (this.volume) this.addEventListener("playing", on, { once: true });
  return play.call(this);
};
"""


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """As the kiosk starts it: it may make sounds."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=[*FLAGS, SOUND])
        yield launched
        launched.close()


@pytest.fixture
def screen(browser: Browser) -> Iterator[Watched]:
    page = browser.new_page(viewport={"width": 1920, "height": 1080}, locale="ja-JP")
    yield Watched(page)
    page.close()


def office(site: Site, **more: Any) -> Served:  # noqa: ANN401
    """The example's, whose first display has other keys."""
    first, *others = site.displays
    changed = msgspec.structs.replace(first, **more)
    return Served(Hub(msgspec.structs.replace(site, displays=(changed, *others)), HandClock()))


@pytest.fixture
def silent(site: Site) -> Iterator[Served]:
    made = office(site, quiet=("00:00-24:00",))
    made.do(made.hub.busy)
    yield made
    made.close()


def say(served: Served, *numbers: str, late_s: float = 0.0, valid_s: float = 600.0) -> None:
    """These were called just now, or so long ago, and the hub tells that they were."""
    hub = served.hub
    at = hub.clock.now() - timedelta(seconds=late_s)
    calls = tuple(Call(number=n, service="moving", counter="c3", at=at) for n in numbers)
    told = CallsResult(**hub.times(valid_s=valid_s), calls=calls, recent=calls)
    served.do(lambda: hub.say("calls", told))


def number(page: Page) -> Any:  # noqa: ANN401  a locator
    return page.locator("#takeover .called")


def called_out(served: Served) -> list[str]:
    """Of what the display's own file says that it was."""
    done = json.loads((served.station.folder / FILE).read_text("utf-8"))["done"]
    return [key.split("/")[1] for key in done]


def test_calls_at_once_are_shown_one_by_one_three_seconds_apart(
    silent: Served, screen: Watched
) -> None:
    screen.page.add_init_script(SHOWN)
    page = screen.open(silent.display)
    say(silent, "A126", "A125", "A124")
    expect(number(page)).to_have_text("A126", timeout=30_000)
    numbers, times_ms = zip(*page.evaluate("shown"), strict=True)
    assert numbers == ("A124", "A125", "A126")
    assert all(3000 <= apart < 5000 for apart in (b - a for a, b in pairwise(times_ms))), times_ms
    assert screen.errors == []


def test_a_page_that_is_loaded_anew_goes_on_where_it_was(silent: Served, screen: Watched) -> None:
    screen.page.clock.install()
    page = screen.open(silent.display)
    say(silent, "A126", "A125", "A124")
    expect(number(page)).to_have_text("A124")
    page.clock.run_for(3000)
    expect(number(page)).to_have_text("A125")
    page.reload()
    expect(number(page)).to_have_text("A125")
    page.clock.run_for(3000)
    expect(number(page)).to_have_text("A126")


def test_a_display_that_starts_again_calls_nothing_out_again(
    silent: Served, screen: Watched
) -> None:
    screen.page.clock.install()
    page = screen.open(silent.display)
    say(silent, "A125", "A124")
    expect(number(page)).to_have_text("A124")
    page.clock.run_for(3000)
    expect(number(page)).to_have_text("A125")
    assert called_out(silent) == ["A124"]
    silent.stop()
    page.clock.run_for(3000)
    silent.start_again()
    page.clock.run_for(1000)
    say(silent, "A126", "A125", "A124")
    with page.expect_request("**/call", timeout=20_000):
        page.clock.run_for(1000)
    expect(number(page)).to_have_text("A126", timeout=20_000)
    out = called_out(silent)
    assert out[:2] == ["A124", "A125"]
    assert len(set(out)) == len(out)


def test_a_hub_that_says_the_last_ten_again_is_no_news(silent: Served, screen: Watched) -> None:
    screen.page.clock.install()
    page = screen.open(silent.display)
    say(silent, "A124")
    expect(number(page)).to_have_text("A124")
    page.clock.run_for(8000)
    expect(page.locator("#takeover")).to_be_hidden()
    said = silent.hub.mirror.calls()
    assert said is not None
    silent.hub.clock.move(3)
    later = msgspec.structs.replace(said, at=silent.hub.clock.now())
    silent.do(lambda: silent.hub.say("calls", None))
    silent.do(lambda: silent.hub.say("calls", later))
    say_next = Call(number="A125", service="moving", counter="c3", at=silent.hub.clock.now())
    silent.do(lambda: silent.hub.say("call", say_next))
    expect(number(page)).to_have_text("A125")
    assert called_out(silent) == ["A124"]


def test_the_same_number_called_again_takes_the_screen_over_again(
    silent: Served, screen: Watched
) -> None:
    screen.page.clock.install()
    page = screen.open(silent.display)
    for _ in range(2):
        say(silent, "A124")
        expect(number(page)).to_have_text("A124")
        page.clock.run_for(8000)
        expect(page.locator("#takeover")).to_be_hidden()
        silent.hub.clock.move(30)
    assert called_out(silent) == ["A124"] * 2


@pytest.mark.parametrize("step", [timedelta(hours=-1), timedelta(hours=1)])
def test_a_clock_that_steps_neither_drops_nor_doubles_a_call(
    silent: Served, screen: Watched, step: timedelta
) -> None:
    """The display's own, which NTP sets right; the hub dates the calls."""
    screen.page.clock.install()
    page = screen.open(silent.display)
    say(silent, "A124")
    expect(number(page)).to_have_text("A124")
    page.clock.run_for(3000)
    right = silent.hub.clock.now()
    silent.hub.clock.at = right + step
    call = Call(number="A125", service="moving", counter="c3", at=right)
    silent.do(lambda: silent.hub.say("call", call))
    expect(number(page)).to_have_text("A125")
    page.clock.run_for(3000)
    silent.hub.clock.at = right + timedelta(seconds=5)
    say(silent, "A126")
    expect(number(page)).to_have_text("A126")
    assert called_out(silent) == ["A124", "A125"]


def test_what_has_waited_for_a_browser_too_long_is_not_called_out(
    silent: Served, screen: Watched
) -> None:
    say(silent, "A124")
    silent.do(lambda: silent.hub.clock.move(HOLDS_S + 1))
    page = screen.open(silent.display)
    say(silent, "A125")
    expect(number(page)).to_have_text("A125")
    expect(page.locator(".call .called")).to_have_text("A125")


def test_a_list_that_has_run_out_calls_nothing_out(silent: Served, screen: Watched) -> None:
    """A broker that comes back with what it held yesterday."""
    silent.do(lambda: silent.hub.clock.move(60))
    hub = silent.hub
    old = Call(number="A124", service="moving", counter="c3", at=hub.clock.now())
    told = CallsResult(**hub.times(age_s=86_400, valid_s=90), calls=(old,), recent=(old,))
    silent.do(lambda: hub.say("calls", told))
    page = screen.open(silent.display)
    say(silent, "A125")
    expect(number(page)).to_have_text("A125")


def test_a_screen_calls_out_its_own_services_only(site: Site, screen: Watched) -> None:
    served = office(site, quiet=("00:00-24:00",), services=("tax-return",))
    try:
        served.do(served.hub.busy)
        page = screen.open(served.display)
        say(served, "A124")
        mine = Call(number="T1", service="tax-return", counter="c6", at=served.hub.clock.now())
        served.do(lambda: served.hub.say("call", mine))
        expect(number(page)).to_have_text("T1")
        expect(page.locator("#takeover .go")).to_contain_text("会場へ")
    finally:
        served.close()


def test_a_call_is_heard_twice_and_read_by_who_does_not_hear(site: Site, screen: Watched) -> None:
    pytest.importorskip("pyopenjtalk", reason="want machiai[display] installed")
    served = office(site, voice=("ja",))
    try:
        served.do(served.hub.busy)
        screen.page.add_init_script(HEARD)
        page = screen.open(served.display)
        say(served, "A124")
        expect(page.locator("#takeover .said")).to_have_text(
            "番号札、A124番のお客様、3番窓口へお越しください。"
        )
        page.wait_for_function("() => heard.at(-1) === false", timeout=60_000)
        began, chime, first, again, ended = page.evaluate("heard")
        assert (began, chime, ended) == (True, "/voice/chime.wav", False)
        assert first == again
        assert first.startswith("/voice/")
        expect(page.locator("#takeover")).to_be_hidden()
        assert screen.errors == []
    finally:
        served.close()


def test_calls_that_wait_are_said_once_each_in_turn(site: Site, screen: Watched) -> None:
    pytest.importorskip("pyopenjtalk", reason="want machiai[display] installed")
    served = office(site, voice=("ja",))
    try:
        served.do(served.hub.busy)
        screen.page.add_init_script(HEARD)
        page = screen.open(served.display)
        say(served, "A125", "A124")
        page.wait_for_function("() => heard.at(-1) === false", timeout=60_000)
        sounds = [sound for sound in page.evaluate("heard") if isinstance(sound, str)]
        chime, first, chime_again, second, again = sounds
        assert chime == chime_again == "/voice/chime.wav"
        assert first != second == again
        assert called_out(served) == ["A124", "A125"]
    finally:
        served.close()


def test_where_nobody_speaks_the_chime_still_sounds(site: Site, screen: Watched) -> None:
    served = office(site, voice=())
    try:
        served.do(served.hub.busy)
        screen.page.add_init_script(HEARD)
        page = screen.open(served.display)
        say(served, "A124")
        page.wait_for_function("() => heard.at(-1) === false", timeout=60_000)
        assert page.evaluate("heard") == [True, "/voice/chime.wav", False]
    finally:
        served.close()


def test_in_mute_hours_a_call_is_shown_without_a_sound(site: Site, screen: Watched) -> None:
    served = office(site, quiet=("10:30-10:35",))
    try:
        served.do(served.hub.busy)
        screen.page.add_init_script(HEARD)
        page = screen.open(served.display)
        say(served, "A124")
        expect(page.locator("#takeover .said")).to_contain_text("A124番のお客様")
        page.wait_for_function("() => heard.at(-1) === false", timeout=60_000)
        assert page.evaluate("heard") == [True, False]
        served.do(lambda: served.hub.clock.move(300))
        say(served, "A125")
        page.wait_for_function("() => heard.includes('/voice/chime.wav')")
    finally:
        served.close()


def test_numbers_that_nobody_came_for_are_told(silent: Served, screen: Watched) -> None:
    page = screen.open(silent.display)
    hub = silent.hub
    calls = tuple(
        Call(number=n, service="moving", counter="c3", at=hub.clock.now()) for n in ("A9", "A8")
    )
    told = CallsResult(**hub.times(valid_s=600), calls=calls[:1], missed=calls[1:])
    silent.do(lambda: hub.say("calls", told))
    missed = page.locator(".missed")
    expect(missed).to_contain_text("おいでにならなかった番号")
    expect(missed.locator(".numbers")).to_have_text("A8")
    assert page.evaluate(CLIPPED) == []
    silent.do(lambda: hub.clock.move(601))
    silent.do(lambda: hub.say("calls", CallsResult(**hub.times(), calls=calls[:1])))
    expect(missed).to_have_count(0)


@pytest.mark.parametrize(
    ("size", "ticket"),
    [((1920, 1080), "A1234"), ((1080, 1920), "特別-123-4567"), ((3840, 2160), "A7")],
)
def test_a_call_fits_the_panel_in_all_nine_languages(
    site: Site, browser: Browser, size: tuple[int, int], ticket: str
) -> None:
    everything = site.site.languages
    served = office(
        site, panel_px=size, languages=everything, voice=everything, quiet=("00:00-24:00",)
    )
    try:
        served.do(served.hub.busy)
        for language in everything:
            page = browser.new_page(viewport={"width": size[0], "height": size[1]})
            page.clock.install()
            page.goto(f"{served.display}/?lang={language}")
            say(served, ticket)
            expect(number(page)).to_have_text(ticket)
            assert page.evaluate(CLIPPED) == [], language
            page.close()
            served.do(lambda: served.hub.clock.move(1))
    finally:
        served.close()
