"""Cards within a page of somebody else, a sheet of paper, an icon on the home screen."""

import re
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application
from playwright.sync_api import Browser, Page, expect

from signage.web import web_app
from signage.wording import LANGUAGES
from tests.browsing import CLIPPED, STATES
from tests.signage.office import Hub, Served

_PAGE_OF_PDF = re.compile(rb"/Type\s*/Page\b")


@pytest.fixture
def app(hub: Hub) -> Application:
    return web_app(hub.site, hub.mirror, hub.clock)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 390, "height": 844}, locale="ja-JP")
    yield page
    page.close()


@pytest.mark.parametrize(
    ("query", "shown", "hidden"),
    [
        ("", ["引っ越し", "国民健康保険", "来庁者駐車場"], []),
        ("service=moving", ["引っ越し"], ["国民健康保険", "来庁者駐車場"]),
        ("lot=front", ["来庁者駐車場"], ["引っ越し"]),
        ("service=moving&lot=front", ["引っ越し", "来庁者駐車場"], ["国民健康保険"]),
    ],
)
async def test_what_was_asked_for_is_embedded_and_nothing_else(
    hub: Hub, app: Application, query: str, shown: list[str], hidden: list[str]
) -> None:
    hub.busy()
    async with TestClient(TestServer(app)) as client:
        for path in ("/embed", "/embed/part"):
            html = await (await client.get(f"{path}?lang=ja&{query}")).text()
            assert [name for name in shown if name not in html] == []
            assert [name for name in hidden if name in html] == []
        whole = await (await client.get(f"/embed?{query}&lang=ja")).text()
    wanted = "/embed/part?lang=ja" + (f"&{query}" if query else "")
    assert f'data-part="{wanted.replace("&", "&amp;")}"' in whole


async def test_an_unknown_name_is_refused_with_those_that_there_are(app: Application) -> None:
    async with TestClient(TestServer(app)) as client:
        response = await client.get("/embed?service=tax")
        assert response.status == 404
        said = await response.text()
    assert said.startswith("want a service of certificates, moving, ")
    assert said.endswith("got 'tax' - at `?service=`")


async def test_nothing_but_the_cards_may_be_framed_by_others(app: Application) -> None:
    async with TestClient(TestServer(app)) as client:
        policies = {
            path: (await client.get(path)).headers["Content-Security-Policy"]
            for path in ("/", "/text", "/print", "/embed", "/embed/part")
        }
    own = policies["/"]
    assert "frame-ancestors 'self';" in own
    open_to_all = own.replace("frame-ancestors 'self'", "frame-ancestors *")
    assert policies == {
        path: open_to_all if path.startswith("/embed") else own for path in policies
    }


async def test_the_sheet_says_when_and_what_is_to_come(hub: Hub, app: Application) -> None:
    hub.busy()
    async with TestClient(TestServer(app)) as client:
        html = await (await client.get("/print?lang=ja")).text()
    for text in ("11月24日（火）", "10時32分現在", "が混んでいます", "15時ごろが空く", "▲"):
        assert text in html
    assert "https://machiai.example.jp/" in html


async def test_the_page_can_be_put_on_the_home_screen(app: Application) -> None:
    async with TestClient(TestServer(app)) as client:
        page = await (await client.get("/?lang=en")).text()
        link = re.search(r'<link rel="manifest" href="([^"]+)"', page)
        assert link is not None
        response = await client.get(link[1])
        assert response.content_type == "application/manifest+json"
        manifest = await response.json(content_type=None)
        assert manifest["name"] == "How busy is Minami Ward Office"
        assert manifest["start_url"] == "/?lang=en"
        for icon in manifest["icons"]:
            assert (await client.get(icon["src"])).status == 200
        worker = await client.get("/sw.js")
        assert worker.headers["Cache-Control"] == "no-cache"


@pytest.fixture
def city(served: Served, tmp_path: Path) -> Iterator[str]:
    """A page of the city's own web site, which frames the cards and would frame the whole page."""
    frame = '<iframe src="{}" title="x" width="380" height="300"></iframe>'
    addresses = (f"{served.base}/embed?service=moving", f"{served.base}/")
    (tmp_path / "index.html").write_text("".join(map(frame.format, addresses)))
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join(10)


@pytest.mark.browser
def test_a_frame_in_a_page_of_the_city_stays_current_and_leads_out(
    served: Served, page: Page, city: str
) -> None:
    served.do(served.hub.busy)
    page.goto(city)
    cards, whole = (page.frame_locator("iframe").nth(i) for i in range(2))
    expect(cards.locator("#service-moving")).to_contain_text("8人待ち")
    expect(whole.locator("#service-moving")).to_have_count(0)  # refused by the browser
    served.do(lambda: served.hub.service("moving", 4, 77, (80, 90, 100)))
    expect(cards.locator("#service-moving")).to_contain_text("77人待ち")
    cards.get_by_role("link", name="南区役所の混みぐあい").click()
    page.wait_for_url(f"{served.base}/?lang=ja")


@pytest.mark.browser
@pytest.mark.parametrize("state", STATES)
def test_nothing_is_cut_off_in_a_narrow_frame(served: Served, page: Page, state: str) -> None:
    served.do(getattr(served.hub, state))
    page.set_viewport_size({"width": 260, "height": 600})
    for language in ("ja", "ja-Hira", "en", "vi"):
        page.goto(f"{served.base}/embed?lang={language}")
        page.wait_for_selector("html[data-ready]", state="attached")
        assert page.evaluate(CLIPPED) == [], language
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), language


@pytest.mark.browser
@pytest.mark.parametrize("state", ["busy", "paused"])
def test_the_sheet_is_one_page_of_a4_in_black_and_white(
    served: Served, page: Page, state: str
) -> None:
    served.do(getattr(served.hub, state))
    for language in LANGUAGES:
        page.goto(f"{served.base}/print?lang={language}")
        pdf = page.pdf(prefer_css_page_size=True)
        assert len(_PAGE_OF_PDF.findall(pdf)) == 1, language
    page.emulate_media(media="print")
    inks: list[str] = page.evaluate(
        """[...document.querySelectorAll("main *")]
          .filter((item) => item.checkVisibility() && !item.closest("svg"))
          .map((item) => getComputedStyle(item))
          .flatMap((style) => [style.color, style.backgroundColor])"""
    )
    shades = {tuple(re.findall(r"[\d.]+", ink)[:3]) for ink in inks}
    assert [shade for shade in shades if len(set(shade)) > 1] == []
