"""The guide on a touched screen, in Debian's chromium."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, Locator, expect

from models.guide.reach import HIGHEST_MM, LOWEST_MM, panel_mm
from models.guide.reading import Guide
from models.site import Site
from signage.guide.reading import guide_of
from signage.wording import LANGUAGES, Words
from tests.browsing import Watched
from tests.quality.axe import violations
from tests.quality.matrix import tool
from tests.signage.office import HandClock, Hub, Served

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

WHOLE = os.environ.get("MACHIAI_MATRIX") == "whole"
"""Every purpose in every language on every panel, else each purpose in another language."""

CUT = Path(__file__).with_name("guided.js").read_text("utf-8")
PANELS = {"wide": (1920, 1080), "tall": (1080, 1920), "four-k": (3840, 2160)}
WAYS = {"plain": [], "low": ["low"], "large": ["large"]}
LEAST_MM, LEAST_PX = 20.0, 48.0

Open = Callable[..., "Screen"]


class Screen:
    """One touched display in a browser, and how often it was touched since it was at the start."""

    def __init__(self, browser: Browser, site: Site, display: dict[str, Any], speed: float) -> None:
        place = next(i for i, one in enumerate(site.displays) if one.touch)
        self.display = msgspec.structs.replace(site.displays[place], **display)
        self.site = msgspec.structs.replace(site, displays=(self.display,))
        self.served = Served(Hub(self.site, HandClock(speed=speed)))
        self.served.do(self.served.hub.busy)
        width, height = self.display.panel_px
        self.page = browser.new_page(
            viewport={"width": width, "height": height}, locale="ja-JP", bypass_csp=True
        )
        self.watched = Watched(self.page)
        self.touches = 0

    def open(self) -> "Screen":
        self.watched.open(self.served.display)
        self.at("start")
        return self

    @property
    def guide(self) -> Locator:
        return self.page.locator("#guide")

    def touch(self, what: str) -> None:
        """Touch the button of this data."""
        self.guide.locator(f"button[{what}]").first.click()
        self.touches += 1

    def at(self, view: str, language: str | None = None) -> None:
        """Wait until it shows this."""
        lang = f"[lang={language}]" if language else ""
        self.page.wait_for_selector(f"#guide .inner[data-view-is={view}]{lang}")

    def home(self) -> None:
        self.touch("data-view=start")
        self.at("start")
        self.touches = 0

    def speak(self, language: str) -> None:
        self.touch(f"data-lang={language}")
        self.at("start", language)

    def cut(self) -> list[str]:
        found: list[str] = self.page.evaluate(CUT)
        return found

    def close(self) -> None:
        self.page.close()
        self.served.close()


@pytest.fixture
def screen(browser: Browser, site: Site) -> Iterator[Open]:
    made: list[Screen] = []

    def make(*, speed: float = 1.0, **display: Any) -> Screen:  # noqa: ANN401  keys of a display
        made.append(Screen(browser, site, display, speed))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(scope="module")
def guide(site: Site) -> Guide:
    found = guide_of(site)
    assert found is not None
    return found


@pytest.mark.parametrize("way", list(WAYS))
@pytest.mark.parametrize("panel", list(PANELS))
def test_every_purpose_is_three_touches_away_and_nothing_is_cut_off(
    screen: Open, guide: Guide, panel: str, way: str
) -> None:
    shown = screen(panel_px=PANELS[panel]).open()
    for name in WAYS[way]:
        shown.touch(f"data-set={name}")
        expect(shown.guide.locator(f"[data-set={name}]")).to_have_attribute("aria-pressed", "true")
    found: dict[str, list[str]] = {}
    most = 0
    for turn, language in enumerate(LANGUAGES):
        shown.home()
        shown.speak(language)
        found[f"{language} start"] = shown.cut()
        assert shown.guide.locator("nav button").count() == len(LANGUAGES)
        for i, purpose in enumerate(guide.purposes):
            if not WHOLE and i % len(LANGUAGES) != turn:
                continue
            shown.home()
            if shown.guide.locator(f".inner[lang={language}]").count() == 0:
                shown.speak(language)
            shown.touch(f"data-view={purpose.id}")
            shown.at(purpose.id, language)
            most = max(most, shown.touches + (LANGUAGES[0] != language))
            found[f"{language} {purpose.id}"] = shown.cut()
            assert shown.guide.locator("h2").inner_text().strip()
            assert shown.guide.locator("ol li").count() > 0
        shown.touch("data-view=find")
        shown.at("find", language)
        found[f"{language} find"] = shown.cut()
    assert {name: cut for name, cut in found.items() if cut} == {}
    assert most <= 3
    assert shown.watched.errors == []
    assert shown.watched.hosts == {"127.0.0.1"}


STANDING = {
    "43 wide": {"panel_inches": 43, "panel_px": (1920, 1080), "edge_mm": 800},
    "43 wide high up": {"panel_inches": 43, "panel_px": (1920, 1080), "edge_mm": 900},
    "43 tall": {"panel_inches": 43, "panel_px": (1080, 1920), "edge_mm": 800},
    "55 tall from the floor": {"panel_inches": 55, "panel_px": (1080, 1920), "edge_mm": 300},
    "43 four-k": {"panel_inches": 43, "panel_px": (3840, 2160), "edge_mm": 750},
    "22 wide": {"panel_inches": 22, "panel_px": (1920, 1080), "edge_mm": 900},
}


TOUCHED = """() => [...document.querySelectorAll("#guide button, #guide input")]
  .filter((each) => each.checkVisibility()).map((each) => each.getBoundingClientRect().toJSON())"""


@pytest.mark.parametrize("low", [False, True])
@pytest.mark.parametrize("standing", list(STANDING))
def test_what_is_touched_is_large_and_in_low_mode_within_a_wheelchairs_reach(
    screen: Open,
    standing: str,
    low: bool,  # noqa: FBT001
) -> None:
    shown = screen(low=low, reader_m=1, **STANDING[standing]).open()
    width_px, height_px = shown.display.panel_px
    px_per_mm = width_px / panel_mm(shown.display)[0]
    for view in ("start", "find", "moving-out"):
        if view != "start":
            shown.home()
            shown.touch(f"data-view={view}")
            shown.at(view)
        if view == "find":
            shown.touch('data-key="て"')
            expect(shown.guide.locator("#found button").first).to_be_visible()
        assert shown.cut() == []
        boxes = shown.page.evaluate(TOUCHED)
        assert len(boxes) >= 14
        for box in boxes:
            least = min(box["width"], box["height"])
            assert least >= LEAST_PX - 0.5
            assert least / px_per_mm >= LEAST_MM
            if low:
                below = (height_px - box["y"] - box["height"]) / px_per_mm
                above = (height_px - box["y"]) / px_per_mm
                assert shown.display.edge_mm + below >= LOWEST_MM - 1
                assert shown.display.edge_mm + above <= HIGHEST_MM + 1


def test_in_low_mode_the_way_has_no_steps(screen: Open) -> None:
    shown = screen().open()
    shown.touch("data-view=tax-return")
    shown.at("tax-return")
    expect(shown.guide.locator("ol")).to_contain_text("階段で3階へ")
    shown.touch("data-set=low")
    expect(shown.guide.locator("ol")).to_contain_text("エレベーターで3階へ")


def test_after_a_minute_alone_it_is_as_new_and_keeps_nothing(screen: Open) -> None:
    shown = screen()
    shown.page.clock.install()
    shown.open()
    page, idle = shown.page, shown.guide.locator(".idle")
    shown.touch("data-set=large")
    shown.speak("en")
    shown.touch("data-view=find")
    shown.at("find", "en")
    shown.touch("data-key=b")
    expect(shown.guide.locator("#typed")).to_have_value("b")
    page.clock.run_for(49_000)
    expect(idle).to_be_hidden()
    page.clock.run_for(3_000)
    expect(idle).to_contain_text("Back to the start in 8 s")
    page.clock.run_for(2_000)
    expect(idle).to_contain_text("in 6 s")
    shown.touch("data-stay")
    expect(idle).to_be_hidden()
    expect(shown.guide.locator("#typed")).to_have_value("b")
    page.clock.run_for(55_000)
    expect(idle).to_be_visible()
    page.clock.run_for(7_000)
    shown.at("start", "ja")
    expect(shown.guide).not_to_have_class(re.compile("large"))
    expect(idle).to_be_hidden()
    page.clock.run_for(120_000)
    expect(idle).to_be_hidden()
    kept = "[localStorage.length, sessionStorage.length, document.cookie, location.search]"
    assert page.evaluate(kept) == [0, 0, "", ""]
    shown.touch("data-view=find")
    shown.at("find", "ja")
    expect(shown.guide.locator("#typed")).to_have_value("")


def test_a_value_goes_at_its_end_though_the_server_is_gone(screen: Open) -> None:
    shown = screen()
    shown.page.clock.install()
    shown.open()
    shown.touch("data-view=moving-out")
    shown.at("moving-out")
    row = shown.guide.locator("#guide-moving")
    expect(row).to_contain_text("8人待ち")
    shown.served.stop()
    shown.page.clock.run_for(100_000)
    expect(row).to_have_attribute("data-phase", "stale")
    assert "8人待ち" not in (row.text_content() or "")
    assert "約" not in (row.text_content() or "")
    expect(row).to_contain_text("最終 10時32分")
    shown.served.start_again()
    shown.page.clock.run_for(10_000)
    shown.at("start")


def test_a_new_wait_is_shown_while_one_reads(screen: Open) -> None:
    shown = screen().open()
    shown.touch("data-view=moving-out")
    shown.at("moving-out")
    hub = shown.served.hub
    shown.served.do(lambda: hub.service("moving", 4, 41, (65, 70, 95)))
    expect(shown.guide.locator("#guide-moving")).to_contain_text("41人待ち")
    expect(shown.guide.locator("#guide-moving .chip").first).to_contain_text("大変混雑")


COVERED = """() => {
  const top = document.elementFromPoint(innerWidth / 2, innerHeight / 2);
  return { guide: !!top.closest("#guide"), by: top.closest("[id]")?.id };
}"""


def test_a_call_and_an_emergency_cover_it(screen: Open) -> None:
    shown = screen().open()
    assert shown.page.evaluate(COVERED)["guide"]
    hub = shown.served.hub
    shown.served.do(lambda: hub.call("A124", "A123"))
    shown.page.wait_for_selector("#takeover:not([hidden])")
    assert not shown.page.evaluate(COVERED)["guide"]
    shown.served.do(hub.emergency)
    shown.page.wait_for_selector("#emergency:not([hidden])")
    assert shown.page.evaluate(COVERED) == {"guide": False, "by": "emergency"}


@pytest.mark.parametrize(
    ("keys", "first"),
    [("せ゛い", "tax-proof"), ("ひつこし", "moved-in"), ("ははー", ""), ("といれ", "toilet")],
)
def test_search_by_the_table_of_kana(screen: Open, keys: str, first: str) -> None:
    shown = screen().open()
    shown.touch("data-view=find")
    shown.at("find")
    for key in keys:
        shown.touch(f'data-key="{key}"')
    if first:
        expect(shown.guide.locator("#found button").first).to_have_attribute("data-view", first)
    else:
        expect(shown.guide.locator("#found")).to_contain_text("見つかりません")
    for _ in keys:
        shown.touch("data-erase")
    expect(shown.guide.locator("#typed")).to_have_value("")
    expect(shown.guide.locator("#found button")).to_have_count(0)


def test_who_reads_no_kana_gets_latin_keys_and_can_change_them(screen: Open) -> None:
    shown = screen().open()
    shown.speak("vi")
    shown.touch("data-view=find")
    shown.at("find", "vi")
    for key in "chuyen di":
        shown.touch(f'data-key="{key}"')
    expect(shown.guide.locator("#found button").first).to_have_attribute("data-view", "moving-out")
    shown.touch("data-keys=kana")
    expect(shown.guide.locator("[data-key=あ]")).to_be_visible()
    shown.at("find", "vi")


def test_all_of_it_works_with_keys_alone(screen: Open) -> None:
    shown = screen().open()
    page = shown.page
    names = []
    for _ in range(40):
        page.keyboard.press("Tab")
        name = page.evaluate("document.activeElement.dataset.view ?? ''")
        names.append(name)
        if name == "moving-out":
            break
    assert names[-1] == "moving-out"
    page.keyboard.press("Enter")
    shown.at("moving-out")
    assert page.evaluate("document.activeElement.textContent") == "引っ越していく"
    page.keyboard.press("Escape")
    shown.at("start")


def test_the_code_to_take_along_leads_to_the_same_purpose(screen: Open, browser: Browser) -> None:
    shown = screen().open()
    shown.speak("en")
    shown.touch("data-view=moving-out")
    shown.at("moving-out", "en")
    address = shown.guide.locator(".take svg title").text_content() or ""
    url = shown.site.site.url or ""
    assert address == f"{url}guide/moving-out?from=guide-1&lang=en"
    phone = browser.new_page()
    phone.goto(address.replace(url, f"{shown.served.base}/"))
    phone.wait_for_selector("html[data-ready]", state="attached")
    expect(phone.locator("h1")).to_have_text("I am moving away")
    expect(phone.locator(".note").filter(has_text="From")).to_have_text("From: Guide screen")
    phone.close()


def test_only_a_touched_display_is_a_guide(served: Served, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 1920, "height": 1080}, locale="ja-JP")
    watched = Watched(page)
    served.do(served.hub.busy)
    watched.open(served.display)
    assert page.locator("#guide").count() == 0
    assert page.request.get(f"{served.display}/guide/part").status == 404
    assert watched.errors == []
    watched.open(f"{served.base}/lobby/guide-1")
    assert page.locator("#guide").count() == 0, "a preview shows the board"
    page.close()


@pytest.mark.parametrize("way", ["plain", "contrast"])
def test_axe_finds_nothing(screen: Open, way: str) -> None:
    axe = tool("axe-core/axe.min.js").read_text("utf-8")
    shown = screen().open()
    if way == "contrast":
        shown.touch("data-set=contrast")
        expect(shown.guide).to_have_class(re.compile("contrast"))
    found = {"start": violations(shown.page, axe, dark=False)}
    for view in ("find", "tax-return", "moving-out", "toilet"):
        shown.home()
        shown.touch(f"data-view={view}")
        shown.at(view)
        found[view] = violations(shown.page, axe, dark=False)
    assert {view: told for view, told in found.items() if told} == {}


def test_words_of_the_idle_time_have_their_gap(site: Site) -> None:
    for language in LANGUAGES:
        assert "{seconds}" in Words(language, site.zone_info)("guide.idle", seconds="{seconds}")
