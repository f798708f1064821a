"""`/accuracy`: what was told beside what came, as long as it holds."""

from datetime import date, timedelta
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application

from models.contract.results import AccuracyResult, Measured, MeasuredDay, MeasuredLevel
from signage.web import web_app
from tests.signage.office import Hub


@pytest.fixture
def app(hub: Hub) -> Application:
    return web_app(hub.site, hub.mirror, hub.clock)


async def page(app: Application, language: str = "en") -> str:
    async with TestClient(TestServer(app)) as client:
        response = await client.get("/accuracy", params={"lang": language})
        assert response.status == 200
        assert response.headers["Content-Security-Policy"].startswith("default-src 'self';")
        return await response.text()


def say(hub: Hub) -> None:
    """Thirty tickets of one service, all told as busy."""
    figures: dict[str, Any] = {"count": 30, "told_s": 1500.0, "came_s": 1620.0}
    figures |= {"error_s": 246.0, "coverage": 0.8}
    now = hub.clock.now()
    hub.say(
        "accuracy/moving",
        AccuracyResult(
            at=now,
            observed_at=now,
            valid_until=now + timedelta(days=1),
            total=Measured(**figures),
            levels=(MeasuredLevel(level=3, **figures),),
            days=(MeasuredDay(day=date(2026, 11, 20), **figures),),
        ),
    )


async def test_minutes_told_and_true_stand_side_by_side(hub: Hub, app: Application) -> None:
    hub.ready()
    say(hub)
    for language, words in (
        ("en", ["All", "Busy", "Fri 20 Nov", "No ticket to compare yet."]),
        ("ja", ["全体", "混雑", "11月20日（金）", "まだ、くらべられる番号札がありません。"]),
    ):
        html = await page(app, language)
        figures = "<td>30</td><td>25.0</td><td>27.0</td><td>4.1</td><td>80%</td>"
        assert html.count(figures) == 3
        assert all(word in html for word in words)


async def test_figures_that_have_run_out_are_gone(hub: Hub, app: Application) -> None:
    hub.ready()
    say(hub)
    assert "27.0" in await page(app)
    hub.clock.move(86_400)
    assert "27.0" not in await page(app)


async def test_the_resident_s_page_leads_there(hub: Hub, app: Application) -> None:
    hub.busy()
    async with TestClient(TestServer(app)) as client:
        response = await client.get("/", params={"lang": "en"})
        assert 'href="/accuracy?lang=en"' in await response.text()
