"""The calendar of the next 14 days: levels by the hour, and nothing past its time."""

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application

from models.site import Site
from signage.pages.outlook import outlook_of
from signage.web import web_app
from signage.wording import Words
from tests.signage.office import DAY, NOON, Hub


@pytest.fixture
def words(site: Site) -> Words:
    return Words("en", site.zone_info)


@pytest.fixture
def app(hub: Hub) -> Application:
    return web_app(hub.site, hub.mirror, hub.clock)


def test_each_hour_of_each_day_has_the_level_of_its_busier_half(
    site: Site, hub: Hub, words: Words
) -> None:
    hub.forecast("moving", 20.0)
    forecast = hub.mirror.service_forecast("moving")
    assert forecast is not None
    service = next(service for service in site.services if service.id == "moving")
    outlook = outlook_of(service, forecast, words, site, NOON)
    today, *later = outlook.days
    assert (outlook.name, today.day) == ("Moving", "Tue 24 Nov")
    assert all(len(day.hours) == len(outlook.hours) for day in outlook.days)
    assert len(later) == 10
    assert outlook.hours == tuple(range(11, 17))
    for hour, found in zip(outlook.hours, today.hours, strict=True):
        waits_s = [
            step.wait.p50_s
            for step in forecast.steps
            if step.wait is not None
            and step.at.date() == NOON.date()
            and step.at.astimezone(site.zone_info).hour == hour
        ]
        assert found.level == 1 + sum(max(waits_s) > 60 * n for n in service.levels_minutes)
        assert found.said.startswith(words(f"level.{found.level}"))
    assert len({found.level for found in today.hours}) > 1


def test_an_hour_that_has_passed_or_that_nobody_knows_is_no_level(
    site: Site, hub: Hub, words: Words
) -> None:
    hub.forecast("moving", 20.0)
    forecast, service = hub.mirror.service_forecast("moving"), site.services[1]
    assert forecast is not None
    assert outlook_of(service, None, words, site, NOON).days == ()
    assert outlook_of(service, forecast, words, site, NOON + DAY).days == ()


async def test_the_page_says_it_in_words_too(hub: Hub, app: Application) -> None:
    hub.busy()
    async with TestClient(TestServer(app)) as client:
        html = await (await client.get("/outlook", params={"lang": "en"})).text()
        empty = await (await client.get("/", params={"lang": "en"})).text()
    assert '<span class="unseen">Very busy' in html
    assert "Not known yet." not in html
    assert 'href="/outlook?lang=en"' in empty


async def test_without_forecasts_the_page_says_so(site: Site, app: Application) -> None:
    async with TestClient(TestServer(app)) as client:
        html = await (await client.get("/outlook", params={"lang": "en"})).text()
    assert html.count("Not known yet.") == len(site.services)
