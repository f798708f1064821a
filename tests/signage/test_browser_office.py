"""What an office says on its page beside the numbers, in Debian's chromium."""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect

from models.contract.results import NoticeResult
from models.site import Site
from signage.wording import LANGUAGES
from tests.browsing import CLIPPED
from tests.signage.office import HandClock, Hub, Served

pytestmark = pytest.mark.browser

STILL = ["/privacy/cameras", "/privacy/cameras/cam-lot/poster", "/accessibility"]
SHEETS = ["cam-lobby", "cam-door", "cam-lot"]
REACHED = """() => {
  const at = document.activeElement;
  if (at === document.body) return null;
  at.dataset.reached = "yes";
  return getComputedStyle(at).outlineStyle;
}"""
"""Marks what has the focus, and says how it shows it."""

COLOURS = """element => {
  const of = getComputedStyle(element);
  return [of.backgroundColor, of.borderTopColor, of.color];
}"""
SCHEMES = ["light", "dark"]


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 390, "height": 844}, locale="ja-JP")
    yield page
    page.close()


@pytest.fixture
def every(site: Site) -> Iterator[Served]:
    """An office one of whose cameras sees all that there is."""
    cameras = [sensor for device in site.devices for sensor in device.sensors]
    seen = {key: value for sensor in cameras for key, value in sensor.items() if key[-1] == "s"}
    all_of_it = {**site.device("cam-lot").sensors[0], **seen}
    device = msgspec.structs.replace(site.device("cam-lot"), sensors=(all_of_it,))
    made = Served(Hub(msgspec.structs.replace(site, devices=(device,)), HandClock()))
    yield made
    made.close()


def quake(hub: Hub, valid_s: float) -> None:
    """An emergency in three languages."""
    texts = {"ja": "外へ避難してください", "en": "Leave the building", "ko": "밖으로 대피하세요"}
    told = NoticeResult(**hub.times(valid_s=valid_s), severity="emergency", texts=texts)
    hub.say("notice/quake", told)


@pytest.mark.parametrize("path", STILL)
def test_nothing_is_cut_off_in_any_language(served: Served, phone: Page, path: str) -> None:
    for language in LANGUAGES:
        phone.goto(f"{served.base}{path}?lang={language}")
        assert phone.evaluate(CLIPPED) == [], language
        assert not phone.evaluate("document.documentElement.scrollWidth > innerWidth"), language


def pages(pdf: bytes) -> tuple[int, list[tuple[int, int]]]:
    """How many, and the sizes that they have in millimetres."""
    boxes = re.findall(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)\s*\]", pdf)
    sizes = [(round(float(w) / 72 * 25.4), round(float(h) / 72 * 25.4)) for w, h in boxes]
    return len(re.findall(rb"/Type\s*/Page\b", pdf)), sizes


@pytest.mark.parametrize("device", SHEETS)
@pytest.mark.parametrize("language", ["ja", "en"])
def test_a_notice_is_printed_on_one_sheet_of_a3(
    served: Served, phone: Page, device: str, language: str
) -> None:
    phone.goto(f"{served.base}/privacy/cameras/{device}/poster?lang={language}")
    assert pages(phone.pdf(prefer_css_page_size=True)) == (1, [(297, 420)])


def test_the_longest_notice_fits_its_sheet_and_can_be_read_at_two_metres(
    every: Served, phone: Page
) -> None:
    phone.goto(f"{every.base}/privacy/cameras/cam-lot/poster")
    assert phone.locator("h1").inner_text() == "カメラで人と車を数えています"
    assert pages(phone.pdf(prefer_css_page_size=True)) == (1, [(297, 420)])
    phone.set_viewport_size({"width": 1180, "height": 1586})
    phone.emulate_media(media="print")
    assert phone.evaluate(CLIPPED) == []
    size = "element => parseFloat(getComputedStyle(element).fontSize) / 96 * 25.4"
    heights = [phone.locator(where).first.evaluate(size) for where in ("h1", ".kept", ".facts dd")]
    assert heights[0] > 12
    assert heights[1] > 8
    assert heights[2] > 5
    assert phone.locator("figure svg").evaluate("svg => svg.getBoundingClientRect().width") > 130


def test_an_emergency_comes_before_all_else_in_black_with_a_red_frame_until_it_ends(
    site: Site, phone: Page
) -> None:
    served = Served(Hub(site, HandClock(speed=60)))
    try:
        served.do(served.hub.busy)
        served.do(lambda: quake(served.hub, 300))
        phone.goto(f"{served.base}/?lang=ja")
        urgent = phone.locator(".urgent")
        assert urgent.locator("p").all_inner_texts() == [
            "外へ避難してください",
            "Leave the building",
            "밖으로 대피하세요",
        ]
        assert urgent.evaluate(COLOURS) == ["rgb(0, 0, 0)", "rgb(255, 75, 0)", "rgb(255, 255, 255)"]
        large, answer = urgent.bounding_box(), phone.locator("h1").bounding_box()
        assert large is not None
        assert answer is not None
        assert large["y"] + large["height"] < answer["y"]
        assert large["width"] == 358
        expect(urgent).to_be_hidden(timeout=15_000)
        assert "避難" not in phone.locator("main").inner_text()
    finally:
        served.close()


def test_a_warning_stands_above_the_answer_and_news_below(served: Served, phone: Page) -> None:
    served.do(served.hub.paused)
    phone.goto(f"{served.base}/?lang=ja")
    tops = [
        phone.locator(where).first.evaluate("element => element.getBoundingClientRect().top")
        for where in (".notices .warning", "h1", ".notices .info")
    ]
    assert tops == sorted(tops)


def test_the_quieter_time_goes_with_its_forecast_and_the_answer_stays(
    site: Site, phone: Page
) -> None:
    served = Served(Hub(site, HandClock(speed=10)))
    hub = served.hub
    try:
        served.do(hub.busy)
        for name in ("insurance", "mynumber"):
            served.do(partial(shorten, hub, name))
        phone.goto(f"{served.base}/?lang=ja")
        heading = phone.locator("h1")
        assert "15時すぎが空く見込みです" in heading.inner_text()
        expect(heading).not_to_contain_text("15時すぎ", timeout=15_000)
        assert "混んでいます" in heading.inner_text()
    finally:
        served.close()


def shorten(hub: Hub, service: str) -> None:
    """Let a forecast hold for 40 s, less than what was seen."""
    told = hub.mirror.service_forecast(service)
    assert told is not None
    again = msgspec.structs.replace(told, **hub.times(valid_s=40))
    hub.say(f"forecast/service/{service}", again)


def test_ways_not_to_come_are_links_that_nothing_is_fetched_from(
    served: Served, phone: Page
) -> None:
    hosts: set[str] = set()
    phone.on("request", lambda request: hosts.add(request.url.split("/")[2].split(":")[0]))
    served.do(served.hub.busy)
    phone.goto(f"{served.base}/?lang=en")
    way = phone.locator("#service-certificates .instead")
    assert way.locator("a").first.is_hidden()
    way.locator("summary").press("Enter")
    link = way.get_by_role("link", name="At a convenience store")
    assert link.get_attribute("href") == "https://konbini.example.jp/"
    assert link.get_attribute("rel") == "external noreferrer"
    box = link.bounding_box()
    assert box is not None
    assert box["height"] >= 48
    assert phone.evaluate(CLIPPED) == []
    assert hosts == {"127.0.0.1"}


@pytest.mark.parametrize("path", ["/", *STILL[::2]])
def test_each_link_and_button_is_reached_by_the_keyboard_and_shows_it(
    served: Served, phone: Page, path: str
) -> None:
    served.do(served.hub.busy)
    phone.goto(f"{served.base}{path}?lang=en")
    for _ in range(80):
        phone.keyboard.press("Tab")
        outline = phone.evaluate(REACHED)
        if outline is None:
            break
        assert outline == "solid"
    wanted = phone.locator("a:visible, button:visible, summary:visible").all()
    assert len(wanted) > 8
    missed = [each.inner_text() for each in wanted if not each.get_attribute("data-reached")]
    assert missed == []


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("path", ["/", *STILL, "/outlook", "/accuracy", "/text"])
def test_text_stands_out_from_its_ground_by_seven_to_one(
    served: Served, browser: Browser, path: str, scheme: str
) -> None:
    script = Path(__file__).with_name("contrast.js").read_text("utf-8")
    page = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme=scheme)  # type: ignore[arg-type]
    try:
        served.do(served.hub.paused)
        served.do(lambda: quake(served.hub, 300))
        page.goto(f"{served.base}{path}?lang=ja")
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert page.evaluate(script) == []
    finally:
        page.close()
