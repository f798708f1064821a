import json
from datetime import timedelta
from typing import Any

import jsonschema
import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application

from models.contract.results import (
    BestTime,
    Free,
    LotForecast,
    LotStep,
    People,
    ServiceForecast,
    ServiceStep,
    Spread,
)
from signage.feed import forecast
from signage.feed.schema import forecast_schema
from signage.web import web_app
from tests.signage.office import Hub

FORECAST = "/api/v1/sites/minami/forecast"
HALF_HOUR = timedelta(minutes=30)


@pytest.fixture
def app(hub: Hub) -> Application:
    return web_app(hub.site, hub.mirror, hub.clock)


def tell(hub: Hub) -> None:
    """The next two hours of a service and of the car park."""
    hub.ready()
    now = hub.clock.now()
    people, wait = People(p10=2, p50=4, p90=9), Spread(p10_s=300, p50_s=600, p90_s=900)
    moments = [now + n * HALF_HOUR for n in range(1, 5)]
    hub.say(
        "forecast/service/moving",
        ServiceForecast(
            **hub.times(valid_s=1800),
            steps=tuple(ServiceStep(at=at, waiting=people, wait=wait) for at in moments),
            best=BestTime(since=moments[1], until=moments[3], waiting=people, wait=wait),
        ),
    )
    free = Free(p10=3, p50=8, p90=14)
    hub.say(
        "forecast/lot/front",
        LotForecast(
            **hub.times(valid_s=1800),
            capacity=40,
            steps=tuple(LotStep(at=at, free=free) for at in moments),
        ),
    )


def document(hub: Hub) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(forecast.render(hub.mirror, hub.clock.now())[0])
    return made


def test_the_forecast_is_the_hubs_with_ids_and_names_and_as_its_schema_says(hub: Hub) -> None:
    tell(hub)
    made = document(hub)
    jsonschema.Draft202012Validator(forecast_schema()).validate(made)
    moving, insurance = made["services"][1:3]
    assert (moving["id"], moving["state"]) == ("moving", "known")
    assert moving["steps"][0] == {
        "at": "2026-11-24T02:02:00.000Z",
        "waiting": {"p10": 2.0, "p50": 4.0, "p90": 9.0},
        "wait": {"p10_s": 300.0, "p50_s": 600.0, "p90_s": 900.0},
    }
    assert moving["best"]["from"] == "2026-11-24T02:32:00.000Z"
    assert (insurance["state"], insurance["steps"]) == ("no_data", [])
    assert made["lots"][0]["steps"][3]["free"]["p50"] == 8


def test_what_has_come_is_no_forecast_and_an_old_one_is_none(hub: Hub) -> None:
    tell(hub)
    good_until = forecast.render(hub.mirror, hub.clock.now())[1]
    assert good_until == hub.clock.now() + HALF_HOUR
    hub.clock.move(1800 - 1)
    assert len(document(hub)["services"][1]["steps"]) == 4
    hub.clock.move(1)
    moving = document(hub)["services"][1]
    assert (moving["state"], moving["steps"], moving["best"]) == ("no_data", [], None)
    assert moving["observed_at"] == "2026-11-24T01:32:00.000Z"
    assert document(hub)["lots"][0]["steps"] == []


async def test_the_forecast_is_served_like_the_document(hub: Hub, app: Application) -> None:
    async with TestClient(TestServer(app)) as client:
        early = await client.get(FORECAST)
        assert (early.status, early.headers["Retry-After"]) == (503, "5")
        tell(hub)
        told = await client.get(FORECAST)
        assert (await told.json())["services"][1]["state"] == "known"
        known = {"If-None-Match": told.headers["ETag"]}
        hub.service("moving", 4, 40, (80, 90, 100))
        assert (await client.get(FORECAST, headers=known)).status == 304
        hub.say("forecast/lot/front", None)
        assert (await client.get(FORECAST, headers=known)).status == 200
        tell(hub)
        hub.clock.move(0.5)
        told, head = await client.get(FORECAST), await client.head(FORECAST)
        assert head.headers["ETag"] == told.headers["ETag"]
        assert told.headers["Access-Control-Allow-Origin"] == "*"
        assert (await client.get("/api/v1/sites/kita/forecast")).status == 404
