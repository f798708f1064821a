"""What a playlist looks like between the boards, in Debian's chromium."""

import base64
import hashlib
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect

from models.contract.results import NoticeResult
from models.site import Site
from signage.display.alone import Unheard
from signage.display.content import Content
from signage.wording import LANGUAGES
from tests.browsing import Watched
from tests.display.showing import PNG, look, showing, told, write
from tests.signage.office import NOON, HandClock, Hub, Served

pytestmark = pytest.mark.browser

SIZES = [(1920, 1080), (1080, 1920), (3840, 2160)]
HELLO = '[[items]]\nkind = "text"\nseconds = 20\ntext = { ja = "こんにちは", en = "Hello" }\n'
PICTURE = '[[items]]\nkind = "image"\nseconds = 20\nfile = "a.png"\n'
LONG = "市役所の窓口では、さまざまな手続きを受け付けています。" * 20
SVG = b"""<svg xmlns="http://www.w3.org/2000/svg" width="800" height="400">
<rect width="800" height="400" fill="#0041c8"/><script>parent.hurt = 1</script></svg>"""
HURT = '<script>window.hurt = 1</script><img src=x onerror="window.hurt = 1"><b>fat</b>'
RECORD = """async (millis) => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 180 });
  const ink = canvas.getContext("2d");
  const recorder = new MediaRecorder(canvas.captureStream(20), { mimeType: "video/webm" });
  const chunks = [];
  recorder.ondataavailable = (event) => chunks.push(event.data);
  const ended = new Promise((done) => (recorder.onstop = done));
  recorder.start();
  for (let n = 0; n * 50 < millis; n++) {
    ink.fillStyle = `rgb(0 ${(40 + n * 9) % 255} 200)`;
    ink.fillRect(0, 0, 320, 180);
    await new Promise((done) => setTimeout(done, 50));
  }
  recorder.stop();
  await ended;
  const bytes = new Uint8Array(await new Blob(chunks).arrayBuffer());
  return btoa(String.fromCharCode(...bytes));
}"""
ON, LAYER = "#content[data-on]", "#content > .on"


@pytest.fixture
def page(browser: Browser) -> Iterator[Watched]:
    context = browser.new_context(viewport={"width": 1920, "height": 1080}, locale="ja-JP")
    yield Watched(context.new_page())
    context.close()


@pytest.fixture(scope="module")
def clip(browser: Browser) -> bytes:
    """Two seconds of a real video, made here."""
    page = browser.new_page()
    made: str = page.evaluate(RECORD, 2000)
    page.close()
    return base64.b64decode(made)


def on(page: Page) -> None:
    expect(page.locator(ON)).to_be_attached(timeout=15_000)


def board(page: Page) -> None:
    expect(page.locator("#content")).to_be_hidden(timeout=15_000)


def shown_on(site: Site, wide: int, high: int) -> Site:
    display = msgspec.structs.replace(site.displays[0], panel_px=(wide, high))
    return msgspec.structs.replace(site, displays=(display, *site.displays[1:]))


def test_with_nothing_to_show_the_board_stays(site: Site, tmp_path: Path, page: Watched) -> None:
    hub = Hub(site, HandClock())
    hub.busy()
    served = Served(hub, content=tmp_path)
    try:
        shown = page.open(served.display)
        board(shown)
        expect(shown.locator(".board")).to_be_visible()
        assert told(served) == {"slots": [], "pages": {}}
        assert page.errors == []
    finally:
        served.close()


def test_an_item_covers_the_board_and_gives_it_back(
    site: Site, tmp_path: Path, page: Watched
) -> None:
    with showing(site, write(tmp_path, HELLO)) as (served, _):
        page.page.clock.install()
        page.page.add_init_script(
            """window.proof = [];
            document.addEventListener("machiai:shown", (event) => proof.push(event.detail));"""
        )
        shown = page.open(served.display)
        for _ in range(20):  # its programme and its fonts take true time
            shown.clock.run_for(500)
            if shown.locator(ON).count():
                break
        expect(shown.locator(LAYER)).to_contain_text("こんにちは")
        shown.clock.run_for(22_000)
        board(shown)
        expect(shown.locator("#content > *")).to_have_count(0)
        shown.clock.run_for(40_000)
        on(shown)
        assert shown.evaluate("proof") == 2 * [{"item": "text"}]
        assert page.errors == []
        assert page.hosts == {"127.0.0.1"}


@pytest.mark.parametrize(("wide", "high"), SIZES)
def test_a_long_text_is_paged_and_nothing_of_it_is_lost(
    site: Site, tmp_path: Path, browser: Browser, wide: int, high: int
) -> None:
    sentences = "".join(f"{n:03d}番目の文です。" for n in range(90))
    english = " ".join(f"This is sentence {n:03d} of the text." for n in range(60))
    playlist = (
        f'[[items]]\nkind = "text"\nseconds = 60\ntitle = {{ ja = "長い文", en = "Long" }}\n'
        f'text = {{ ja = "{sentences}", en = "{english}" }}\n'
    )
    with showing(shown_on(site, wide, high), write(tmp_path, playlist)) as (served, _):
        page = browser.new_page(viewport={"width": wide, "height": high}, locale="ja-JP")
        watched = Watched(page)
        watched.open(served.display)
        on(page)
        found = page.evaluate(
            """() => [...document.querySelectorAll("#content .on article")].map((article) => {
              const words = article.querySelector(".words");
              const box = words.getBoundingClientRect();
              const gap = parseFloat(getComputedStyle(words).columnGap);
              const pages = Math.round((words.scrollWidth + gap) / (words.clientWidth + gap));
              const range = document.createRange();
              range.selectNodeContents(words);
              const lines = [...range.getClientRects()];
              const isCut = (line) => line.top < box.top - 1 || line.bottom > box.bottom + 1;
              const cut = lines.filter(isCut);
              const size = parseFloat(getComputedStyle(words).fontSize);
              const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
              return [pages, cut.length, size >= rem, words.textContent.length];
            })"""
        )
        assert [each[1:3] for each in found] == [[0, True], [0, True]]
        assert all(pages > 1 for pages, *_ in found)
        assert found[0][3] == len(sentences)
        seen = set()
        page.wait_for_function(
            "() => document.querySelector('#content .on article:not(.off)').dataset.at"
        )
        seen.add(page.locator("#content .on article:not(.off)").get_attribute("data-at"))
        assert seen == {f"1 / {found[0][0]}"}
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert watched.errors == []
        page.close()


def test_a_text_that_is_not_read_to_its_end_goes_on_in_its_next_showing(
    site: Site, tmp_path: Path, page: Watched
) -> None:
    text = "".join(f"{n:03d}番目の文です。" for n in range(250))
    playlist = (
        f'board_seconds = 10\n[[items]]\nkind = "text"\nseconds = 16\ntext = {{ ja = "{text}" }}\n'
    )
    with showing(site, write(tmp_path, playlist)) as (served, _):
        page.page.clock.install()
        shown = page.open(served.display)
        seen: list[str] = []
        for _ in range(120):
            shown.clock.run_for(1000)
            shown.wait_for_timeout(20)
            at = shown.evaluate("document.querySelector('#content .on article')?.dataset.at")
            if at and (not seen or seen[-1] != at):
                seen.append(at)
        pages = int(seen[0].split(" / ")[1])
        numbers = [int(each.split(" / ")[0]) for each in seen]
        assert pages > 3
        assert numbers[: pages + 1] == [*range(1, pages + 1), 1]


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_a_text_scrolls_only_where_motion_is_wanted(
    site: Site, tmp_path: Path, browser: Browser, motion: str
) -> None:
    playlist = (
        f'[[items]]\nkind = "text"\nscroll = true\nseconds = 60\ntext = {{ ja = "{LONG * 2}" }}\n'
    )
    with showing(site, write(tmp_path, playlist)) as (served, _):
        context = browser.new_context(
            viewport={"width": 1920, "height": 1080},
            locale="ja-JP",
            reduced_motion="reduce" if motion == "reduce" else "no-preference",
        )
        page = context.new_page()
        Watched(page).open(served.display)
        on(page)
        words = page.locator("#content .on .words")
        if motion == "reduce":
            assert words.evaluate("(words) => words.scrollTop") == 0
            expect(page.locator("#content .on article")).to_have_attribute(
                "data-at", re.compile(r"1 / \d")
            )
        else:
            page.wait_for_function(
                "() => document.querySelector('#content .on .words').scrollTop > 20"
            )
        context.close()


def test_a_picture_is_decoded_before_it_shows_and_nothing_flashes(
    site: Site, tmp_path: Path, page: Watched
) -> None:
    playlist = PICTURE + PICTURE.replace("a.png", "b.svg")
    with showing(site, write(tmp_path, playlist, a_png=PNG, b_svg=SVG)) as (served, _):
        page.page.add_init_script(
            """window.bare = 0;
            const look = () => {
              const stage = document.getElementById("content");
              const image = stage?.querySelector(".on img");
              const isWhole = image?.complete && image.naturalWidth;
              if (stage && "on" in stage.dataset && !isWhole) window.bare++;
              requestAnimationFrame(look);
            };
            look();"""
        )
        page.page.clock.install()
        shown = page.open(served.display)
        sources = set()
        for _ in range(80):
            shown.clock.run_for(500)
            shown.wait_for_timeout(20)
            sources.add(shown.evaluate("document.querySelector('#content .on img')?.src"))
        assert len(sources - {None}) == 2
        assert shown.evaluate("window.bare") == 0
        assert shown.evaluate("window.hurt") is None
        assert page.errors == []


def test_a_video_plays_without_sound_and_the_board_is_back_at_its_end(
    site: Site, tmp_path: Path, page: Watched, clip: bytes
) -> None:
    playlist = '[[items]]\nkind = "video"\nfile = "a.webm"\nseconds = 60\n'
    with showing(site, write(tmp_path, playlist, a_webm=clip)) as (served, _):
        shown = page.open(served.display)
        on(shown)
        video = shown.locator("#content .on video")
        assert video.evaluate("(video) => video.muted")
        shown.wait_for_function(
            "() => document.querySelector('#content .on video').currentTime > 0.3"
        )
        shown.evaluate("document.dispatchEvent(new CustomEvent('machiai:quiet', { detail: true }))")
        assert video.evaluate("(video) => video.volume") == pytest.approx(0.1)
        shown.evaluate(
            "document.dispatchEvent(new CustomEvent('machiai:quiet', { detail: false }))"
        )
        assert video.evaluate("(video) => video.volume") == 1
        board(shown)
        assert page.errors == []


def test_a_video_that_stalls_is_passed_over(
    site: Site, tmp_path: Path, page: Watched, clip: bytes
) -> None:
    playlist = '[[items]]\nkind = "video"\nfile = "a.webm"\nseconds = 60\n'
    with showing(site, write(tmp_path, playlist, a_webm=clip)) as (served, _):
        page.page.add_init_script(
            "HTMLMediaElement.prototype.play = function () { return Promise.resolve(); };"
        )
        shown = page.open(served.display)
        on(shown)
        board(shown)


def test_what_the_browser_cannot_decode_never_shows(
    site: Site, tmp_path: Path, page: Watched, clip: bytes
) -> None:
    broken = clip[:60] + bytes(4000)
    wrong = PNG[:48] + bytes(6) + PNG[54:]
    playlist = PICTURE + '[[items]]\nkind = "video"\nfile = "b.webm"\nseconds = 20\n' + HELLO
    folder = write(tmp_path, playlist, a_png=wrong, b_webm=broken)
    with showing(site, folder) as (served, _):
        page.page.clock.install()
        shown = page.open(served.display)
        seen = set()
        for _ in range(140):
            shown.clock.run_for(500)
            shown.wait_for_timeout(10)
            seen.add(
                shown.evaluate(
                    "document.querySelector('#content .on :is(img, video, .words)')?.tagName"
                )
            )
        assert seen == {None, "DIV"}


def test_a_call_and_a_grave_notice_are_seen_at_once(
    site: Site, tmp_path: Path, page: Watched
) -> None:
    with showing(site, write(tmp_path, HELLO)) as (served, _):
        shown = page.open(served.display)
        on(shown)
        served.do(lambda: served.hub.call("A124", "A123"))
        expect(shown.locator("#takeover")).to_be_visible()
        top = "document.elementFromPoint(innerWidth / 2, innerHeight / 2)"
        assert shown.evaluate(f"{top}.closest('#takeover') !== null")
        served.do(lambda: served.hub.notice("water", "warning", "断水します。"))
        board(shown)
        expect(shown.locator(".news .warning")).to_contain_text("断水")


def test_an_emergency_is_over_what_is_shown(site: Site, tmp_path: Path, page: Watched) -> None:
    with showing(site, write(tmp_path, HELLO)) as (served, _):
        shown = page.open(served.display)
        on(shown)
        texts = {"ja": "避難してください。", "en": "Leave the building."}
        quake = NoticeResult(**served.hub.times(valid_s=7200), severity="emergency", texts=texts)
        served.do(lambda: served.hub.say("notice/quake", quake))
        shown.wait_for_function(
            """() => document.elementFromPoint(innerWidth / 2, innerHeight / 2)
              .closest("#emergency")?.innerText.includes("避難してください")"""
        )
        board(shown)


def test_a_hand_on_the_glass_brings_the_board_back(
    site: Site, tmp_path: Path, page: Watched
) -> None:
    with showing(site, write(tmp_path, HELLO)) as (served, _):
        shown = page.open(served.display)
        on(shown)
        shown.mouse.click(900, 500)
        board(shown)


def test_no_content_can_script_the_page(site: Site, tmp_path: Path, page: Watched) -> None:
    feed = (
        "<?xml version='1.0'?><rss version='2.0'><channel><title>t</title><item>"
        f"<title><![CDATA[{HURT}]]></title><description><![CDATA[{HURT}]]></description>"
        "</item></channel></rss>"
    ).encode()
    quoted = HURT.replace('"', '\\"')
    playlist = (
        f'[[items]]\nkind = "text"\nseconds = 10\ntext = {{ ja = "{quoted}" }}\n'
        '[[items]]\nkind = "feed"\nseconds = 10\nfile = "f.xml"\n'
        f'[[items]]\nkind = "image"\nseconds = 10\nfile = "a.svg"\ntitle = {{ ja = "{quoted}" }}\n'
    )
    folder = write(tmp_path, playlist, f_xml=feed, a_svg=SVG)
    with showing(site, folder) as (served, _):
        page.page.clock.install()
        shown = page.open(served.display)
        seen = ""
        for _ in range(90):
            shown.clock.run_for(500)
            shown.wait_for_timeout(10)
            seen += shown.evaluate("document.querySelector('#content .on')?.textContent ?? ''")
        assert "onerror" in seen  # as text
        assert "fat" in seen
        assert shown.evaluate("window.hurt") is None
        assert shown.locator("#content b b").count() == 0
        svg = f"{served.display}/content/{hashlib.sha256(SVG).hexdigest()}"
        shown.goto(svg)
        assert shown.evaluate("window.hurt") is None


def test_a_stick_is_shown_when_it_is_put_in_and_gone_when_it_is_taken_out(
    site: Site, tmp_path: Path, page: Watched
) -> None:
    sticks = tmp_path / "media"
    sticks.mkdir()
    folder = write(tmp_path / "own", HELLO)
    hub = Hub(site, HandClock())
    hub.mirror = Unheard(site, hub.clock)
    served = Served(hub, content=folder, sticks=sticks, alone=True)
    content = next(part for part in served.parts if isinstance(part, Content))
    try:
        assert "こんにちは" in str(told(served)["pages"])
        stick = write(sticks / "pi" / "STICK", HELLO.replace("こんにちは", "棒"))
        look(served, content)
        look(served, content)
        assert "棒" in str(told(served)["pages"])
        stick.rename(tmp_path / "pulled")
        look(served, content)
        assert "こんにちは" in str(told(served)["pages"])
        shown = page.open(served.display)
        expect(shown.locator(".alone")).to_contain_text("受付中")
        served.do(lambda: hub.clock.move(7 * 3600))
        expect(shown.locator(".alone .answer")).to_contain_text("受付時間外")
        expect(shown.locator(".alone .note")).to_contain_text("11月25日（水）8時30分")
    finally:
        served.close()


@pytest.mark.parametrize(
    ("wide", "high", "reader_m"), [*((*size, 5.0) for size in SIZES), (1920, 1080, 10.0)]
)
def test_a_screen_that_stands_alone_says_what_is_true_without_a_hub(  # noqa: PLR0917
    site: Site, tmp_path: Path, browser: Browser, wide: int, high: int, reader_m: float
) -> None:
    clock = HandClock()
    display = msgspec.structs.replace(
        site.displays[0], panel_px=(wide, high), reader_m=reader_m, languages=LANGUAGES
    )
    hub = Hub(msgspec.structs.replace(site, displays=(display,)), clock)
    hub.mirror = Unheard(hub.site, clock)
    served = Served(hub, content=tmp_path, alone=True)
    page = browser.new_page(viewport={"width": wide, "height": high}, locale="ja-JP")
    watched = Watched(page)
    try:
        clock.move(3600)
        for language in LANGUAGES:
            watched.open(f"{served.display}/?lang={language}")
            text = page.locator("body").inner_text()
            for word in ("確認中", "通信", "Checking", "No connection", "現在表示できません"):
                assert word not in text
            assert page.locator(".alone tr:visible").count() >= 2
            assert "17:15" in page.locator(".alone tr").first.inner_text()
            expect(page.locator("#clock")).to_be_visible()
            out = """[...document.querySelectorAll(".alone *")].filter((item) => {
              const box = item.getBoundingClientRect();
              const head = document.querySelector("header").getBoundingClientRect();
              const isOut = box.bottom > innerHeight + 1 || box.right > innerWidth + 1;
              return isOut || (box.height && box.top < head.bottom - 1);
            }).map((item) => item.outerHTML.slice(0, 90))"""
            assert page.evaluate(out) == [], language
        with urllib.request.urlopen(f"{served.display}/healthz") as answer:
            assert answer.status == 200
        assert watched.errors == []
    finally:
        page.close()
        served.close()


def test_who_does_not_know_the_time_says_no_hours(
    site: Site, tmp_path: Path, page: Watched
) -> None:
    playlist = HELLO + HELLO.replace("こんにちは", "昼") + 'hours = "00:00-23:59"\n'
    hub = Hub(site, HandClock(now=NOON.replace(year=1970)))
    hub.mirror = Unheard(site, hub.clock)
    served = Served(hub, content=write(tmp_path, playlist), alone=True)
    try:
        shown = page.open(served.display)
        expect(shown.locator("#clock")).to_be_hidden()
        expect(shown.locator(".week")).to_have_count(0)
        assert "昼" not in str(told(served)["pages"])
        assert "こんにちは" in str(told(served)["pages"])
    finally:
        served.close()
