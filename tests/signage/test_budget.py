"""What a first visit costs a phone, in bytes, and that none of them come from elsewhere."""

from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application
from playwright.sync_api import Browser, BrowserContext

from signage.web import web_app
from signage.wording import LANGUAGES
from tests.browsing import STATES
from tests.signage.office import Hub, Served

FIRST_VIEW = 14_000
SCRIPTS = 8_000
BEHIND = 4_000
"""Bytes: the first view compressed; its scripts as they are; the worker that comes behind it."""

SCRIPT = ("page.js", "live.js", "freshness.js", "merge.js", "pins.js", "kept.js")
FILES = {*SCRIPT, "common.css", "page.css", "icon.svg", "icons.svg"}
"""What the first view is made of beside its HTML. The browser test holds this to be all."""


@pytest.fixture
def app(hub: Hub) -> Application:
    return web_app(hub.site, hub.mirror, hub.clock)


@pytest.fixture
def phone(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="ja-JP")
    yield context
    context.close()


async def sent(app: Application, paths: Iterable[str], coding: str) -> list[int]:
    """The bytes of each body as it goes over the line."""
    async with TestClient(TestServer(app), auto_decompress=False) as client:
        sizes = []
        for path in paths:
            response = await client.get(path, headers={"Accept-Encoding": coding})
            assert response.status == 200, path
            sizes.append(len(await response.read()))
    return sizes


@pytest.mark.parametrize("state", STATES)
async def test_a_first_view_is_at_most_14_kb_in_any_language(
    hub: Hub, app: Application, state: str
) -> None:
    getattr(hub, state)()
    pages = [f"/?lang={code}" for code in LANGUAGES]
    sizes = await sent(app, [*pages, *(f"/static/{name}" for name in FILES)], "gzip")
    beside = sum(sizes[len(pages) :])
    views = {page: beside + size for page, size in zip(pages, sizes, strict=False)}
    assert max(views.values()) <= FIRST_VIEW, views


async def test_all_scripts_of_the_page_are_at_most_8_kb_before_they_are_compressed(
    app: Application,
) -> None:
    behind = ["/sw.js", "/static/sw-push.js"]
    *sizes, worker, push = await sent(app, [f"/static/{n}" for n in SCRIPT] + behind, "identity")
    assert sum(sizes) <= SCRIPTS
    assert worker + push <= BEHIND


@pytest.mark.browser
def test_a_first_visit_asks_nobody_else_and_keeps_no_cookie(
    served: Served, phone: BrowserContext
) -> None:
    served.do(served.hub.busy)
    asked: list[str] = []
    phone.on("request", lambda request: asked.append(request.url))
    page = phone.new_page()
    page.goto(served.base)
    page.wait_for_selector("html[data-ready]", state="attached")
    page.evaluate("document.fonts.ready.then(() => 1)")
    first = {urlsplit(url).path.removeprefix("/static/") for url in asked}
    of_worker = {"/sw.js", "sw-push.js", "ticket.css"}  # fetched once the page stands
    assert first - {"/", "/stream"} - of_worker == FILES
    page.evaluate("navigator.serviceWorker.ready.then(() => 1)")
    assert {urlsplit(url).netloc for url in asked} == {urlsplit(served.base).netloc}
    assert phone.cookies() == []
