"""The board in a browser: every layout, in every state and language, is whole and can be read."""

import math
import os
from collections.abc import Iterator

import msgspec
import pytest
from playwright.sync_api import Browser, Page

from models.site import Display, Site
from signage.display.layout import DIGITS, INK, KANJI_MM_PER_M, SECOND
from signage.wording import LANGUAGES, catalogue
from tests.browsing import CLIPPED
from tests.quality.axe import violations
from tests.quality.houses import STATES
from tests.quality.matrix import tool
from tests.signage.office import HandClock, Hub, Served
from tests.signage.test_browser_languages import pseudo

__all__ = ["pseudo"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

WHOLE = os.environ.get("MACHIAI_MATRIX") == "whole"
"""Every language on every panel in every state, else half the panels, each in another language."""

MM_PER_INCH = 25.4
PANELS = {
    f"{name}-{reader_m}": Display(
        id=f"{name}-{reader_m}",
        lots=("front",),
        zones=("lobby",),
        panel_px=panel_px,
        reader_m=reader_m,
    )
    for name, panel_px in (
        ("wide", (1920, 1080)),
        ("tall", (1080, 1920)),
        ("four-k", (3840, 2160)),
    )
    for reader_m in (5, 10)
}
SURVEY = """async ([clipped, second]) => {
  const { turn } = await import("/static/pages.js");
  const pages = Math.max(4, document.querySelectorAll(".dots > i").length);
  const cut = new Set();
  const sizes = {};
  const least = (kind, size, text) => {
    if (!sizes[kind] || size < sizes[kind][0]) sizes[kind] = [size, text];
  };
  for (let page = 0; page < pages; page++) {
    turn(page);
    for (const one of (0, eval)(clipped)()) cut.add(`page ${page}: ${one}`);
    const walk = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
      const text = walk.currentNode.data.trim();
      const item = walk.currentNode.parentElement;
      if (!text || !item.checkVisibility() || item.closest("template, script")) continue;
      const size = parseFloat(getComputedStyle(item).fontSize);
      const kind = item.closest("rt") ? "reading" : item.closest(second) ? "second"
        : item.closest(".digits, .called, .numbers, #clock") ? "digits" : "message";
      least(kind, size, text);
    }
  }
  return { cut: [...cut], sizes };
}"""
SECOND_LINES = "small, thead, figcaption"
"""Of these the table asks no more than a share."""
LONGEST = ("busy", "closed", "crowded", "stale", "paused")
"""States that have most words."""
STILL_MS = 1100  # more than a tick of the page


def on_panels(site: Site, languages: tuple[str, ...]) -> Site:
    """The office with a display of each layout."""
    displays = [msgspec.structs.replace(one, languages=languages) for one in PANELS.values()]
    return msgspec.structs.replace(site, displays=tuple(displays))


@pytest.fixture(scope="module")
def panels(site: Site) -> Site:
    """One in all languages."""
    return on_panels(site, LANGUAGES)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    made = browser.new_page(locale="ja-JP", bypass_csp=True)
    yield made
    made.close()


def shown(site: Site, state: str, languages: tuple[str, ...]) -> Iterator[tuple[Display, str]]:
    """The displays and languages that this run looks at in a state."""
    for n, display in enumerate(site.displays):
        turn = n + STATES.index(state)
        if WHOLE:
            yield from ((display, language) for language in languages)
        elif turn % 2 == 0:
            yield display, languages[turn // 2 % len(languages)]


def opened(page: Page, served: Served, display: Display, language: str) -> None:
    width, height = display.panel_px
    page.set_viewport_size({"width": width, "height": height})
    page.goto(f"{served.base}/lobby/{display.id}?lang={language}")
    page.wait_for_selector("html[data-ready]", state="attached")


def wrong(page: Page, display: Display) -> list[str]:
    """What is cut off on any page, and what is too small for the farthest reader."""
    found = page.evaluate(SURVEY, [CLIPPED, SECOND_LINES])
    mm_per_px = display.panel_inches * MM_PER_INCH / math.hypot(*display.panel_px)
    kanji_mm = KANJI_MM_PER_M * display.reader_m
    half_px_mm = mm_per_px / 2
    wanted = {
        "message": kanji_mm,
        "digits": kanji_mm * DIGITS,
        "second": kanji_mm * SECOND,
        "reading": kanji_mm * SECOND / 2,
    }
    told: list[str] = found["cut"]
    for kind, (size_px, text) in found["sizes"].items():
        size_mm = size_px * mm_per_px * INK
        if size_mm < wanted[kind] - half_px_mm:
            told.append(f"want {wanted[kind]:.1f} mm, got {size_mm:.1f} mm - {kind} {text!r}")
    return told


def all_wrong(
    site: Site, page: Page, state: str, languages: tuple[str, ...], axe: str = ""
) -> dict[str, list[str]]:
    """What is wrong in a state, by display and language; with `axe`, what that finds as well."""
    served = Served(Hub(site, HandClock()))
    found: dict[str, list[str]] = {}
    try:
        served.do(getattr(served.hub, state))
        for display, language in shown(site, state, languages):
            opened(page, served, display, language)
            told = wrong(page, display)
            if axe:
                told += violations(page, axe, dark=False)
            if told:
                found[f"{display.id} {language}"] = told
    finally:
        served.close()
    return found


@pytest.mark.parametrize("state", STATES)
def test_the_board_is_whole_and_can_be_read(panels: Site, page: Page, state: str) -> None:
    assert all_wrong(panels, page, state, LANGUAGES) == {}


@pytest.mark.usefixtures("pseudo")
@pytest.mark.parametrize("state", LONGEST)
def test_it_is_when_every_word_is_longer_by_two_fifths(site: Site, page: Page, state: str) -> None:
    assert catalogue("en")["level.3"] == ("BusyBu",)
    panels = on_panels(site, ("ja", "en"))
    assert all_wrong(panels, page, state, ("ja", "en")) == {}


@pytest.mark.parametrize("state", STATES if WHOLE else STATES[::4])
def test_axe_finds_nothing(panels: Site, page: Page, state: str) -> None:
    axe = tool("axe-core/axe.min.js").read_text("utf-8")
    assert all_wrong(panels, page, state, LANGUAGES if WHOLE else ("ja", "en"), axe) == {}


def test_what_is_too_small_or_cut_off_is_found(panels: Site, page: Page) -> None:
    served = Served(Hub(panels, HandClock()))
    try:
        served.do(served.hub.busy)
        display = panels.displays[0]
        opened(page, served, display, "ja")
        page.add_style_tag(
            content=".board .chip { font-size: 0.9rem } h1 { white-space: nowrap; width: 3rem }"
        )
        told = wrong(page, display)
    finally:
        served.close()
    assert any(said.startswith("want 20.0 mm, got 18.") for said in told), told
    assert any("wide: H1" in said for said in told), told


@pytest.fixture
def near(panels: Site, page: Page) -> Iterator[tuple[Served, Page]]:
    """The board of 43 inches at 5 m on a browser whose clock a test moves."""
    served = Served(Hub(panels, HandClock()))
    page.clock.install()
    yield served, page
    served.close()


def test_more_services_than_fit_take_turns_with_dots(panels: Site, page: Page) -> None:
    served = Served(Hub(panels, HandClock()))
    try:
        served.do(served.hub.busy)
        page.clock.install()
        opened(page, served, panels.displays[1], "ja")
        dots = page.locator(".dots > i")
        seen: list[str] = []
        for n in range(dots.count()):
            assert dots.evaluate_all("all => all.findIndex((i) => i.matches('.on'))") == n
            seen += page.locator("tbody:visible").evaluate_all("all => all.map((row) => row.id)")
            page.clock.fast_forward(15_000)
            page.clock.run_for(STILL_MS)
    finally:
        served.close()
    assert seen == [f"service-{service.id}" for service in panels.services]


def test_nothing_moves_as_the_languages_take_turns(near: tuple[Served, Page]) -> None:
    served, page = near
    served.do(served.hub.busy)
    opened(page, served, served.hub.site.displays[0], "ja")
    places = """() => [...document.querySelectorAll(".board *, aside *")].filter((item) =>
      item.checkVisibility()).map((item) => JSON.stringify(item.getBoundingClientRect()))"""
    before, language = page.evaluate(places), page.inner_text(".board thead small:visible")
    page.clock.run_for(12_000)
    assert page.inner_text(".board thead small:visible") != language
    assert page.evaluate(places) == before


def test_the_stage_shifts_by_six_pixels_every_four_minutes(near: tuple[Served, Page]) -> None:
    served, page = near
    served.do(served.hub.busy)
    page.emulate_media(reduced_motion="reduce")
    opened(page, served, served.hub.site.displays[0], "ja")
    seen = []
    for _ in range(5):
        box = page.locator(".stage").bounding_box()
        assert box is not None
        seen.append((box["x"], box["y"]))
        assert box["x"] + box["width"] <= 1920
        assert box["y"] + box["height"] <= 1080
        page.clock.fast_forward(240_000)
        page.clock.run_for(STILL_MS)
    assert seen == [(0, 0), (6, 0), (6, 6), (0, 6), (0, 0)]
    running = page.evaluate("document.getAnimations().map((one) => one.animationName)")
    assert running == []


def test_sizes_hold_when_the_browser_has_other_pixels_than_the_panel(
    panels: Site, page: Page
) -> None:
    served = Served(Hub(panels, HandClock()))
    try:
        served.do(served.hub.busy)
        opened(page, served, panels.displays[0], "ja")
        page.set_viewport_size({"width": 1280, "height": 720})
        chip = page.locator("tbody .chip").first
        size_px = chip.evaluate("chip => parseFloat(getComputedStyle(chip).fontSize)")
    finally:
        served.close()
    assert size_px == pytest.approx(43 * 720 / 1080, abs=0.1)
