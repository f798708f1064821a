"""An emergency over all else, in Debian's chromium: what people see of it, and how long."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect

from models.contract.results import NoticeResult
from models.site import Site
from signage.display.switch import leave
from signage.wording import LANGUAGES
from tests.browsing import CLIPPED, STATES, Watched
from tests.quality.axe import violations
from tests.quality.matrix import tool
from tests.signage.office import HandClock, Hub, Served

pytestmark = pytest.mark.browser

SIZES = {"wide": (1920, 1080), "tall": (1080, 1920), "large": (3840, 2160)}
PAGE_MS = 8000
RED = (255, 75, 0)
OUT = {"ja": "地震です。外へ避難してください。", "en": "Earthquake! Leave the building."}

LAYER = "#emergency"
REST = """() => {
  const article = document.querySelector("#emergency article");
  const text = article.querySelector(".text").getBoundingClientRect();
  const lines = [...article.querySelectorAll(".text > *")].filter((e) => e.innerText);
  const out = lines.map((e) => e.getBoundingClientRect()).filter((box) =>
    box.left < text.left - 1 || box.right > text.right + 1 || box.bottom > text.bottom + 1);
  const read = (node) => (node.nodeName === "RUBY" ? node.firstChild.data : node.textContent);
  return {
    out: out.length,
    lang: article.lang,
    page: article.querySelector(".page").innerText,
    words: lines.map((e) => [...e.childNodes].map(read).join("")),
  };
}"""
"""What of the text sticks out of its place, and what it says now, without readings."""

COLOURS = """e => {
  const style = getComputedStyle(e);
  return [style.backgroundColor, style.borderTopColor, style.color];
}"""

PAINTED = """() => {
  const names = ["color", "backgroundColor", "backgroundImage", "borderTopColor", "outlineColor",
    "fill", "stroke", "boxShadow"];
  const red = /rgba?\\(255,? 75,? 0/;
  return [...document.querySelectorAll("*")].flatMap((e) => {
    const style = getComputedStyle(e);
    return names.filter((name) => red.test(style[name])).map((name) => `${e.className} ${name}`);
  });
}"""
"""Whatever is red."""


def put_up(hub: Hub, name: str = "quake", valid_s: float = 7200, **also: Any) -> None:  # noqa: ANN401
    told = {"severity": "emergency", "texts": OUT} | also
    hub.say(f"notice/{name}", NoticeResult(**hub.times(valid_s=valid_s), **told))


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    made = browser.new_page(viewport={"width": 1920, "height": 1080}, locale="ja-JP")
    made.clock.install()
    yield made
    made.close()


def turned(page: Page, rounds: int = 60) -> Iterator[tuple[str, str]]:
    """What each page says, with its language, until the first comes again."""
    seen: list[tuple[str, str]] = []
    for _ in range(rounds):
        found = page.evaluate(REST)
        assert found["out"] == 0
        at = found["lang"], found["page"]
        if at in seen:
            return
        seen.append(at)
        yield at[0], "".join(found["words"])
        turn(page)
    raise AssertionError(f"want the first page again, got {seen}")


def turn(page: Page) -> None:
    """To the next page; nowhere if it is the only one."""
    before = page.evaluate(REST)
    for _ in range(PAGE_MS // 1000 + 1):
        page.clock.run_for(1000)
        if page.evaluate(REST) != before:
            return


def clipped(page: Page) -> list[str]:
    """What sticks out of its place in the layer; the board below has tests of its own."""
    show = "how => { document.querySelector('.stage').style.display = how; }"
    page.evaluate(show, "none")
    found: list[str] = page.evaluate(CLIPPED)
    page.evaluate(show, "")
    return found


def shown(served: Served, page: Page, **notice: Any) -> Page:  # noqa: ANN401
    """A display on which an emergency stands."""
    served.do(partial(put_up, served.hub, **notice))
    page.goto(f"{served.display}/")
    page.wait_for_selector(f"{LAYER}:not([hidden]) h2", state="attached")
    return page


def test_it_covers_the_screen_in_black_with_a_red_frame_and_a_white_headline(
    served: Served, page: Page
) -> None:
    served.do(served.hub.busy)
    shown(served, page)
    layer = page.locator(LAYER)
    assert layer.bounding_box() == {"x": 0, "y": 0, "width": 1920, "height": 1080}
    top = "([x, y]) => document.elementFromPoint(x, y)?.closest('#emergency') !== null"
    assert all(page.evaluate(top, [x, y]) for x in (5, 960, 1915) for y in (5, 540, 1075))
    assert layer.evaluate(COLOURS)[0] == "rgb(0, 0, 0)"
    article = page.locator(f"{LAYER} article").evaluate(COLOURS)
    assert article[1:] == [f"rgb{RED}", "rgb(255, 255, 255)"]
    size = "e => parseFloat(getComputedStyle(e).fontSize)"
    assert page.locator(f"{LAYER} h2").evaluate(size) >= 160
    assert page.locator(f"{LAYER} p").first.evaluate(size) >= 86
    assert page.locator(f"{LAYER} h2").inner_text() == "地震です。"
    assert page.evaluate("document.documentElement.dataset.emergency") == "true"


@pytest.mark.parametrize("size", SIZES)
def test_all_languages_come_in_turn_japanese_first_and_no_word_is_lost(
    served: Served, page: Page, size: str
) -> None:
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    texts = leave()
    shown(served, page, texts=texts)
    told: dict[str, str] = {}
    for language, words in turned(page):
        told[language] = told.get(language, "") + words
        assert clipped(page) == []
    assert list(told) == list(LANGUAGES)
    plain = {code: told[code] for code in LANGUAGES if code != "ja-Hira"}
    assert {code: "".join(text.split()) for code, text in plain.items()} == {
        code: "".join(texts[code].split()) for code in plain
    }


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("drill", [False, True], ids=["true", "drill"])
def test_a_very_long_text_is_paged_never_cut_never_small(
    served: Served,
    page: Page,
    size: str,
    drill: bool,  # noqa: FBT001
) -> None:
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    served.do(served.hub.busy)
    texts = {
        "ja": "津波警報が出ました。" + "海から離れ、高い所へ逃げてください。" * 12,
        "vi": "Nghiêm " * 40 + "Donaudampfschifffahrtsgesellschaftskapitänswitwenrente" * 3,
    }
    shown(served, page, texts=texts, drill=drill)
    told: dict[str, str] = {}
    least = max(width, height) / 1920 * (86 if width < height else 100)
    for language, words in turned(page):
        told[language] = told.get(language, "") + words
        sizes = page.locator(f"{LAYER} .text > *").evaluate_all(
            "all => all.map(e => parseFloat(getComputedStyle(e).fontSize))"
        )
        assert min(sizes) >= least - 1
        assert clipped(page) == []
    for language, text in texts.items():
        assert "".join(told[language].split()).endswith("".join(text.split())), language


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_drill_says_so_large_in_its_language_and_is_never_red(
    served: Served, page: Page, language: str
) -> None:
    shown(served, page, drill=True, texts={language: leave()[language]})
    article = page.locator(f"{LAYER} article")
    word = article.locator(".word")
    assert "訓練" in word.inner_text()
    assert word.evaluate("e => parseFloat(getComputedStyle(e).fontSize)") >= 160
    assert article.locator("footer").is_visible()
    assert page.evaluate(PAINTED) == []
    assert page.evaluate("document.documentElement.dataset.emergency") == "drill"


def test_of_several_the_newest_comes_first_and_drills_wait(served: Served, page: Page) -> None:
    hub = served.hub
    served.do(partial(put_up, hub, "old", texts={"ja": "古いほう。"}))
    served.do(lambda: hub.clock.move(60))
    served.do(partial(put_up, hub, "drill", texts={"ja": "練習。"}, drill=True))
    shown(served, page, name="new", texts={"ja": "新しいほう。"})
    told = list(headlines(page))
    assert told == ["新しいほう。", "古いほう。", "新しいほう。"]
    served.do(lambda: hub.say("notice/new", None))
    expect(page.locator(f"{LAYER} h2")).to_have_text("古いほう。")
    served.do(lambda: hub.say("notice/old", None))
    expect(page.locator(f"{LAYER} h2")).to_contain_text("練習。")
    served.do(lambda: hub.say("notice/drill", None))
    expect(page.locator(LAYER)).to_be_hidden()
    assert page.evaluate("document.documentElement.dataset.emergency") is None
    assert not page.evaluate("document.querySelector('.stage').inert")


def headlines(page: Page) -> Iterator[str]:
    for _ in range(3):
        yield page.locator(f"{LAYER} h2").inner_text()
        turn(page)


def test_it_ends_by_itself_with_the_server_gone(site: Site, browser: Browser) -> None:
    served = Served(Hub(site, HandClock(speed=60)))
    page = browser.new_page(viewport={"width": 1920, "height": 1080}, locale="ja-JP")
    try:
        shown(served, page, valid_s=400)
        served.stop()
        assert page.locator(LAYER).is_visible()
        expect(page.locator(LAYER)).to_be_hidden(timeout=20_000)
    finally:
        page.close()
        served.close()


def test_it_stays_with_the_server_gone_and_is_read_out_once(served: Served, page: Page) -> None:
    page.add_init_script(
        "window.said = []; addEventListener('DOMContentLoaded', () => new MutationObserver(() =>"
        " said.push(document.querySelector('[role=alert]').textContent)).observe("
        "document.querySelector('[role=alert]'), { childList: true }))"
    )
    shown(served, page)
    served.stop()
    for _ in range(5):
        turn(page)
    assert page.locator(LAYER).is_visible()
    said = page.evaluate("said")
    assert len(said) == 1
    assert all(part in said[0] for part in ("緊急 地震です。外へ", "Emergency Earthquake!Leave"))


def test_a_called_number_stands_below_and_takes_nothing_over(served: Served, page: Page) -> None:
    served.do(served.hub.busy)
    shown(served, page)
    assert "A123" in page.locator(f"{LAYER} .calling").inner_text()
    served.do(lambda: served.hub.call("A124", "A123"))
    expect(page.locator(f"{LAYER} .calling b")).to_have_text("A124")
    assert "3番窓口" in page.locator(f"{LAYER} .calling").inner_text()
    served.do(lambda: served.hub.clock.move(700))
    served.do(served.hub.mirror.ring)
    expect(page.locator(f"{LAYER} .calling")).to_have_count(0)


def test_calls_that_follow_each_other_hold_no_language_up(served: Served, page: Page) -> None:
    served.do(served.hub.busy)
    shown(served, page, texts=leave())
    seen = set()
    for number in range(12):
        called = f"B{number:03}"
        served.do(partial(served.hub.call, called))
        expect(page.locator(f"{LAYER} .calling b")).to_have_text(called)
        page.clock.run_for(4000)
        seen.add(page.locator(f"{LAYER} article").get_attribute("lang"))
    assert len(seen) >= 4


@pytest.mark.parametrize("layer", ["content", "dark", "takeover"])
def test_it_stands_over_all_other_layers(served: Served, page: Page, layer: str) -> None:
    shown(served, page)
    page.evaluate("id => { document.getElementById(id).hidden = false; }", layer)
    top = "([x, y]) => document.elementFromPoint(x, y)?.closest('#emergency') !== null"
    assert all(page.evaluate(top, [x, y]) for x in (5, 960, 1915) for y in (5, 540, 1075))


def test_it_comes_though_the_board_cannot_be_fetched(served: Served, page: Page) -> None:
    page.goto(f"{served.display}/")
    page.wait_for_selector("html[data-ready]", state="attached")
    page.route("**/part?*", lambda route: route.abort())
    page.route("**/stream", lambda route: route.abort())
    served.do(partial(put_up, served.hub))
    page.clock.run_for(1000)
    expect(page.locator(f"{LAYER} h2")).to_have_text("地震です。")


@pytest.mark.parametrize("state", [*STATES, "hub_gone"])
def test_it_is_shown_in_every_state(served: Served, page: Page, state: str) -> None:
    served.do(getattr(served.hub, state))
    watched = Watched(page)
    shown(served, page)
    assert page.locator(f"{LAYER} h2").inner_text() == "地震です。"
    assert clipped(page) == []
    assert watched.errors == []
    assert watched.hosts == {"127.0.0.1"}


@pytest.mark.parametrize("state", [*STATES, "hub_gone"])
def test_nothing_else_on_a_display_is_red(served: Served, page: Page, state: str) -> None:
    served.do(getattr(served.hub, state))
    Watched(page).open(f"{served.display}/")
    page.clock.run_for(1000)
    assert page.evaluate(PAINTED) == []


@pytest.mark.parametrize("drill", [False, True], ids=["true", "drill"])
@pytest.mark.parametrize("language", ["ja", "ja-Hira", "en"])
def test_axe_finds_nothing(
    served: Served,
    browser: Browser,
    language: str,
    drill: bool,  # noqa: FBT001
) -> None:
    axe = tool("axe-core/axe.min.js").read_text("utf-8")
    page = browser.new_page(viewport={"width": 1920, "height": 1080}, bypass_csp=True)
    try:
        served.do(served.hub.busy)
        shown(served, page, drill=drill, texts={language: leave()[language]})
        assert violations(page, axe, dark=False) == []
    finally:
        page.close()


@pytest.mark.parametrize(("drill", "sounds"), [(False, True), (True, False)])
def test_a_siren_sounds_where_it_is_wanted_with_words_for_who_cannot_hear(
    site: Site,
    browser: Browser,
    drill: bool,  # noqa: FBT001
    sounds: bool,  # noqa: FBT001
) -> None:
    loud = msgspec.structs.replace(site.displays[0], siren=True)
    served = Served(Hub(msgspec.structs.replace(site, displays=(loud,)), HandClock()))
    page = browser.new_page(viewport={"width": 1920, "height": 1080}, locale="ja-JP")
    page.add_init_script(
        "window.played = []; HTMLMediaElement.prototype.play = function () {"
        " played.push(this.src); return Promise.resolve(); }"
    )
    try:
        shown(served, page, drill=drill)
        played = [url for url in page.evaluate("played") if url.endswith("/siren.wav")]
        assert played == ([f"{served.display}/siren.wav"] if sounds else [])
        assert ("サイレン" in page.locator(f"{LAYER} header").inner_text()) == sounds
        answer = page.request.get(f"{served.display}/siren.wav")
        assert answer.headers["content-type"] == "audio/wav"
        assert answer.body()[8:12] == b"WAVE"
    finally:
        page.close()
        served.close()


def test_without_a_siren_there_is_none(served: Served, page: Page) -> None:
    shown(served, page)
    assert page.request.get(f"{served.display}/siren.wav").status == 404


def test_the_preview_shows_it_too(served: Served, page: Page) -> None:
    served.do(partial(put_up, served.hub))
    page.goto(f"{served.base}/lobby/lobby-1")
    expect(page.locator(f"{LAYER} h2")).to_have_text("地震です。")


def test_a_dark_panel_is_woken_and_may_sleep_again(served: Served, page: Page) -> None:
    shown(served, page)
    page.clock.resume()
    expect_awake(served, page, {"emergency"})
    served.do(lambda: served.hub.say("notice/quake", None))
    expect_awake(served, page, set())


def expect_awake(served: Served, page: Page, words: set[str]) -> None:
    """The display wakes or rests within two seconds; each look is an answer of its server."""
    for _ in range(400):
        page.request.get(f"{served.display}/emergency")
        if served.station.awake & {"emergency"} == words:
            return
    raise AssertionError(f"want {words}, got {served.station.awake}")


def test_what_stands_is_kept_on_the_disk(served: Served, page: Page) -> None:
    shown(served, page)
    path: Path = served.station.folder / "emergency.json"
    for _ in range(400):
        page.request.get(f"{served.display}/emergency")
        if path.exists() and "notice/quake" in path.read_text("utf-8"):
            break
    kept = json.loads(path.read_text("utf-8"))
    assert [topic.rpartition("hub/")[2] for topic in kept] == ["notice/quake"]
