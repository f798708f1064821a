"""The guide on the phone, and the words of a way."""

import re
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application

from models.site import Site
from signage.guide.reading import guide_of
from signage.guide.telling import Teller
from signage.web import web_app
from signage.wording import LANGUAGES, Words
from tests.signage.office import HandClock, Hub

FIRST_VIEW = 14_000
"""Bytes, compressed, as for the resident's page."""
FILES = {
    "common.css", "page.css", "guide-page.css", "pictograms.svg", "icon.svg", "icons.svg",
    "guide-page.js", "live.js", "freshness.js", "merge.js", "kept.js",
}  # fmt: skip


@pytest.fixture
def app(hub: Hub) -> Application:
    hub.busy()
    return web_app(hub.site, hub.mirror, hub.clock)


async def sizes(app: Application, paths: Iterable[str]) -> dict[str, int]:
    """Bytes of each body as it goes over the line, compressed."""
    async with TestClient(TestServer(app), auto_decompress=False) as client:
        made = {}
        for path in paths:
            response = await client.get(path, headers={"Accept-Encoding": "gzip"})
            assert response.status == 200, path
            made[path] = len(await response.read())
    return made


@pytest.fixture
def tellers(hub: Hub) -> dict[str, Teller]:
    guide = guide_of(hub.site)
    assert guide is not None
    zone = hub.site.zone_info
    return {code: Teller(hub.site, guide, Words(code, zone)) for code in LANGUAGES}


async def test_a_first_view_is_at_most_14_kb_in_any_language(app: Application) -> None:
    beside = sum((await sizes(app, [f"/static/{name}" for name in FILES])).values())
    pages = ["/guide", "/guide/moved-in", "/guide/tax-return", "/guide/residence-copy"]
    asked = [f"{page}?lang={code}" for page in pages for code in LANGUAGES]
    views = {page: beside + size for page, size in (await sizes(app, asked)).items()}
    assert max(views.values()) <= FIRST_VIEW, sorted(views.items(), key=lambda view: -view[1])[:3]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_resident_page_leads_to_each_purpose_without_javascript(
    app: Application, tellers: dict[str, Teller], language: str
) -> None:
    async with TestClient(TestServer(app)) as client:
        front = await (await client.get("/", params={"lang": language})).text()
        assert front.count(f'href="/guide?lang={language}"') == 1
        body = await (await client.get("/guide", params={"lang": language})).text()
        tiles = [tile for shelf in tellers[language].shelves() for tile in shelf.tiles]
        assert len(tiles) == 16
        for tile in tiles:
            assert f'href="/guide/{tile.id}?lang={language}"' in body
            page = await client.get(f"/guide/{tile.id}", params={"lang": language})
            text = await page.text()
            assert page.status == 200
            assert f'<html lang="{language}"' in text
            assert "<ol>" in text
            assert text.count('class="plan"') in {1, 2}
        assert (await client.get("/guide/moon")).status == 404
        assert (await client.get("/guide/moon/part")).status == 404


async def test_what_is_looked_for_is_shown_and_kept_nowhere(hub: Hub, app: Application) -> None:
    async with TestClient(TestServer(app)) as client:
        found = await (await client.get("/guide", params={"lang": "ja", "find": "はんこ"})).text()
        first = found.index("/guide/seal")
        assert first < found.index("<h2>")
        none = await (await client.get("/guide", params={"lang": "en", "find": "<zz>"})).text()
        assert "Nothing found" in none
        assert "<zz>" not in none
        assert "&lt;zz&gt;" in none
        again = await (await client.get("/guide", params={"lang": "ja"})).text()
        assert "はんこ" not in again
    assert hub.mirror.refused.total() == 0


async def test_a_purpose_tells_the_wait_and_the_ways_not_to_come_first(app: Application) -> None:
    async with TestClient(TestServer(app)) as client:
        text = await (await client.get("/guide/moving-out?lang=ja")).text()
        assert text.index("転出届をオンラインで") < text.index("約") < text.index("持ってくるもの")
        assert 'id="service-moving"' in text
        assert 'data-until="' in text
        born = await (await client.get("/guide/child-born?lang=ja")).text()
        assert "転出届をオンラインで" not in born, "a way that does not help here"


async def test_a_value_past_its_end_is_not_sent(hub: Hub, app: Application) -> None:
    async with TestClient(TestServer(app)) as client:
        fresh = await (await client.get("/guide/moving-out/part?lang=en")).text()
        hub.clock.move(100)
        stale = await (await client.get("/guide/moving-out/part?lang=en")).text()
    waiting = re.compile(r"8 waiting|about <span")
    assert waiting.search(fresh)
    assert not waiting.search(stale)
    assert 'data-phase="stale"' in stale


async def test_the_way_begins_where_the_code_was_scanned(app: Application) -> None:
    async with TestClient(TestServer(app)) as client:
        door = await (await client.get("/guide/moved-in?lang=en")).text()
        screen = await (await client.get("/guide/moved-in?lang=en&from=guide-1")).text()
        odd = await (await client.get("/guide/moved-in?lang=en&from=%22%3E")).text()
        assert "From: Main entrance" in door
        assert "From: Guide screen" in screen
        assert "from=guide-1&amp;" in screen
        assert "From: Main entrance" in odd
        stairs = await (await client.get("/guide/tax-return?lang=en")).text()
        free = await (await client.get("/guide/tax-return?lang=en&steps=no")).text()
    assert "Take the stairs to: Floor 3" in stairs
    assert "steps=no" in stairs
    assert "Take the lift to: Floor 3" in free
    assert "The shortest way" in free


def test_the_way_is_said_in_words(hub: Hub, tellers: dict[str, Teller]) -> None:
    now = hub.clock.now()
    there = tellers["ja"].purpose("moved-in", hub.mirror, now, start="guide-1").there
    assert there is not None
    assert there.said == (
        "左へ進む（約15m）",
        "右へ進む（約10m）",
        "右へ進む（約10m）",
        "左手が3番窓口です",
    )
    up = tellers["ja"].purpose("tax-return", hub.mirror, now, start="guide-1", step_free=True).there
    assert up is not None
    assert "エレベーターで3階へ" in up.said
    assert up.said[-1] == "正面が大会議室です"
    assert [plan.name for plan in up.plans] == ["1階", "3階"]
    assert (up.plans[0].start is None, up.plans[0].end is None) == (False, True)
    assert (up.plans[1].start is None, up.plans[1].end is None) == (True, False)


@pytest.mark.parametrize(
    ("looking", "start"), [("up", (206, 186)), ("down", (206, 66)), ("left", (66, 206))]
)
def test_a_plan_is_turned_so_that_what_is_ahead_is_above(
    hub: Hub, looking: str, start: tuple[float, float]
) -> None:
    """The screen stands at (20, 18) of 40 by 24 m."""
    guide = guide_of(hub.site)
    assert guide is not None
    places = tuple(
        msgspec.structs.replace(place, looking=looking) if place.id == "guide-1" else place
        for place in guide.places
    )
    turned = msgspec.structs.replace(guide, places=places)
    teller = Teller(hub.site, turned, Words("ja", hub.site.zone_info))
    there = teller.purpose("moved-in", hub.mirror, hub.clock.now(), start="guide-1").there
    assert there is not None
    plan = there.plans[0]
    assert plan.start == start
    assert (plan.wide, plan.high) == ((412, 252) if looking != "left" else (252, 412))
    for room in plan.rooms:
        assert 0 <= room.x <= plan.wide
        assert 0 <= room.y <= plan.high


@pytest.fixture
def unguided(site: Site, tmp_path: Path) -> Application:
    hub = Hub(msgspec.structs.replace(site, folder=str(tmp_path)), HandClock())
    return web_app(hub.site, hub.mirror, hub.clock)


async def test_an_office_whose_guide_is_missing_goes_on_without_it(
    unguided: Application, caplog: pytest.LogCaptureFixture
) -> None:
    told = [record.getMessage() for record in caplog.get_records("setup")]
    assert any("without a guide: want the guide of `$.site.guide`" in line for line in told)
    async with TestClient(TestServer(unguided)) as client:
        front = await client.get("/")
        assert front.status == 200
        assert "/guide" not in await front.text()
        assert (await client.get("/guide")).status == 404
