"""`/history`: what was told until now, by weekday and hour, and each day as open data."""

import asyncio
import re
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application

from signage.feed import feed
from signage.feed.history import Days
from signage.web import web_app
from tests.signage.office import Hub

LEVEL = re.compile(r'<td class="level-[1-4]"><span aria-hidden="true">')


@pytest.fixture
def days(hub: Hub, tmp_path: Path) -> Days:
    """Two Tuesdays on which a wait was told at the same hour."""
    made = Days(tmp_path, hub.site)
    note(made, hub)
    hub.clock.move(7 * 86_400)
    note(made, hub)
    return made


def note(days: Days, hub: Hub) -> None:
    hub.busy()
    days.note(feed.document(hub.mirror, hub.clock.now()))


@pytest.fixture
def app(hub: Hub, days: Days) -> Application:
    return web_app(hub.site, hub.mirror, hub.clock, days=days)


@pytest.fixture
def bare(hub: Hub) -> Application:
    return web_app(hub.site, hub.mirror, hub.clock)


async def page(app: Application, language: str = "en") -> str:
    async with TestClient(TestServer(app)) as client:
        response = await client.get("/history", params={"lang": language})
        assert response.status == 200
        return await response.text()


async def test_the_usual_is_told_by_weekday_and_hour(app: Application, days: Days) -> None:
    text = await page(app)
    assert "Tuesday" in text
    assert "mean " in text
    assert LEVEL.search(text)
    for day in (await asyncio.to_thread(days.history)).days:
        assert day.url in text


def test_the_mean_is_that_of_what_was_told(hub: Hub, days: Days) -> None:
    told = [item for item in feed.document(hub.mirror, hub.clock.now()).services if item.wait]
    today = hub.clock.now().astimezone(hub.site.zone_info).date()
    found = days.waits([today - timedelta(days=ago) for ago in range(28)])
    assert {service for service, _, _ in found} == {item.id for item in told}
    for item in told:
        assert item.wait is not None
        means = [mean_s for (service, _, _), mean_s in found.items() if service == item.id]
        assert means == [round(item.wait.p50_s)]


async def test_where_nothing_is_kept_it_says_so(bare: Application) -> None:
    assert "Nothing is known yet" in await page(bare)


async def test_it_is_said_in_plain_japanese_with_readings(app: Application) -> None:
    assert "火曜日" in re.sub(r"<rt>.*?</rt>|<[^>]+>", "", await page(app, "ja-Hira"))


async def test_a_new_day_is_listed_when_it_begins(hub: Hub, app: Application, days: Days) -> None:
    async with TestClient(TestServer(app)) as client:
        first = await (await client.get("/history?lang=en")).text()
        hub.clock.move(86_400)
        await asyncio.to_thread(note, days, hub)
        later = await (await client.get("/history?lang=en")).text()
    assert [text.count("/history/2026-") for text in (first, later)] == [2, 3]
