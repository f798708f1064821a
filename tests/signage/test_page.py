import asyncio
import json
import re
import socket
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application

from broker.embedded import free_port
from broker.session import Address
from models.errors import BadSite, Unavailable
from models.world.day import Day
from signage.display.server import display_app, parts_of
from signage.pages.demo import Truth
from signage.web import DEMO, serve_web, web_app
from tests.signage.office import NOON, Hub, station_of
from tests.signage.test_demo import ticket

NOT_OF_NOW = re.compile(r'<figure class="curve".*?</figure>|\?v=\w+|data-tag="[^"]*"', re.DOTALL)
"""The curve is of the day: that was so, and stays. A hash is no number, nor is a version."""


@pytest.fixture
def app(hub: Hub) -> Application:
    return web_app(hub.site, hub.mirror, hub.clock, demo=True)


async def page(app: Application, path: str) -> str:
    async with TestClient(TestServer(app)) as client:
        response = await client.get(path)
        assert response.status == 200
        return await response.text()


PATHS = ["/", "/part", "/text", "/demo", "/demo/part", "/lobby/lobby-1", "/lobby/hall-1/part"]


@pytest.mark.parametrize("path", PATHS)
async def test_every_page_is_private_strict_and_in_both_languages(
    hub: Hub, app: Application, path: str
) -> None:
    hub.busy()
    async with TestClient(TestServer(app)) as client:
        for language, word in (("ja", "やや混雑"), ("en", "Slightly busy")):
            response = await client.get(path, params={"lang": language})
            assert response.status == 200
            assert response.headers["Content-Security-Policy"].startswith("default-src 'self';")
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Date"] == "Tue, 24 Nov 2026 01:32:00 GMT"
            assert "Set-Cookie" not in response.headers
            html = await response.text()
            assert "demo" in path or word in html
            assert "style=" not in html
            assert "<script>" not in html
            assert "@NOW@" not in html


async def test_names_in_the_site_file_and_notices_cannot_write_html(
    hub: Hub, app: Application
) -> None:
    hub.busy()
    hub.call("<b>1</b>")
    html = await page(app, "/lobby/lobby-1")
    assert "<b>1</b>" not in html
    assert "&lt;b&gt;1&lt;/b&gt;" in html


@pytest.mark.parametrize(
    ("state", "texts"),
    [
        ("busy", ["今は「国民健康保険」「マイナンバー」が混んでいます", "20～60", "10時32分現在"]),
        ("stale", ["確認中", "最終 10時32分", "現在の混雑状況を表示できません"]),
        ("closed", ["受付時間外", "11月24日（火）", "8時30分から", "閉場"]),
        ("no_data", ["現在表示できません"]),
        ("paused", ["休止中", "11時45分ごろ再開", "満車", "断水"]),
    ],
)
async def test_each_state_in_words(
    hub: Hub, app: Application, state: str, texts: list[str]
) -> None:
    getattr(hub, state)()
    html = (await page(app, "/part")).replace('<span class="digits">', "").replace("\u2060", "")
    for text in texts:
        assert text in html


async def test_search_engines_read_what_the_office_is(hub: Hub, app: Application) -> None:
    hub.busy()
    html = await page(app, "/?lang=en")
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', html)
    assert found is not None
    said = json.loads(found[1])
    assert (said["@type"], said["name"]) == ("GovernmentOffice", "Minami Ward Office")


async def test_a_stale_page_holds_no_old_number(hub: Hub, app: Application) -> None:
    hub.stale()
    for path in ("/part", "/text", "/lobby/lobby-1/part"):
        html = NOT_OF_NOW.sub("", await page(app, path))
        for number in ("31", "42", "A123", "A102"):
            assert number not in html, path


async def test_the_page_says_the_moment_it_is_served_not_the_one_it_was_rendered(
    hub: Hub, app: Application
) -> None:
    hub.busy()
    async with TestClient(TestServer(app)) as client:
        await client.get("/")
        hub.clock.move(20)
        html = await (await client.get("/")).text()
    assert f'data-now="{round(NOON.timestamp() * 1000) + 20_000}"' in html


async def test_a_static_file_is_kept_for_ever_by_its_hash_and_never_leaves_its_folder(
    app: Application,
) -> None:
    async with TestClient(TestServer(app)) as client:
        html = await (await client.get("/")).text()
        link = html.split('rel="stylesheet" href="')[1].split('"')[0]
        response = await client.get(link)
        assert response.content_type == "text/css"
        assert "immutable" in response.headers["Cache-Control"]
        for path in ("/static/../web.py", "/static/%2e%2e%2fweb.py", "/static/none.js"):
            assert (await client.get(path)).status == 404


async def test_a_display_shows_what_it_is_for(hub: Hub, tmp_path: Path) -> None:
    hub.busy()
    station = station_of(hub, tmp_path, "hall-1")
    app = await asyncio.to_thread(lambda: display_app(station, parts_of(station)))
    html = await page(app, "/")
    assert "確定申告" in html
    assert "住民票" not in html
    assert "1階ロビー" not in html


def test_an_unknown_display_is_refused(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(BadSite, match="want a display of lobby-1, hall-1, guide-1, got 'x'"):
        station_of(hub, tmp_path, "x")


async def test_the_demo_page_puts_the_truth_beside_the_estimate(hub: Hub, app: Application) -> None:
    hub.busy()
    page_ = app[DEMO]
    page_.truth = Truth(hub.mirror, Day(tickets=(ticket("B777", 10, 1200),)), since=NOON)
    page_.truth.tick(hub.clock.now())
    hub.clock.move(60)
    page_.truth.tick(hub.clock.now())
    hub.clock.move(1800)
    html = await page(app, "/demo")
    assert "B777" in html
    assert "平均のずれ 1.0分" in html
    assert "100%（1件）" in html


async def test_a_taken_port_is_one_clear_line(hub: Hub) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        address = Address(host="127.0.0.1", port=free_port())
        with pytest.raises(Unavailable, match=f"want to serve at 127.0.0.1:{port}, got: ") as error:
            await serve_web([hub.site], hub.clock, address, host="127.0.0.1", port=port)
    assert "\n" not in str(error.value)
