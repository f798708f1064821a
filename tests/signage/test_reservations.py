"""Those with a reservation are told of apart, in each language, and never older than they are."""

import html
import json
import re
from datetime import timedelta

import jsonschema
import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application

from models.contract.results import Booked, ServiceResult, Spread
from signage.feed import feed
from signage.feed.schema import site_schema
from signage.web import web_app
from signage.wording import LANGUAGES
from tests.signage.office import Hub

SAID = {
    "ja": "予約の方：このあと5人（次は11時）",
    "en": "With a reservation: 5 more people today (next at 11:00)",
}


@pytest.fixture
def app(hub: Hub) -> Application:
    return web_app(hub.site, hub.mirror, hub.clock)


def booked(hub: Hub, left: int = 5, age_minutes: float = 1.0, *, free: bool = True) -> None:
    """So many who are to come for a passport; the next at eleven."""
    now = hub.clock.now()
    said = Booked(
        as_of=now - timedelta(minutes=age_minutes),
        left=left,
        next_at=now.replace(hour=2, minute=0) if left else None,
        free_at=now + timedelta(days=1) if free else None,
    )
    wait = Spread(p10_s=300, p50_s=900, p90_s=1200)
    known = ServiceResult(
        **hub.times(), state="open", level=2, waiting=4, wait=wait, basis="tickets", booked=said
    )
    hub.say("service/mynumber", known)


async def text(app: Application, path: str) -> str:
    """What a page says, without its tags."""
    async with TestClient(TestServer(app)) as client:
        answer = await client.get(path)
        assert answer.status == 200
        return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", "", await answer.text())))


@pytest.mark.parametrize("path", ["/", "/text", "/print", "/lobby/lobby-1"])
@pytest.mark.parametrize("language", ["ja", "en"])
async def test_they_are_told_of_apart(hub: Hub, app: Application, path: str, language: str) -> None:
    hub.busy()
    assert "予約の方" not in await text(app, f"{path}?lang={language}")
    booked(hub)
    assert SAID[language] in await text(app, f"{path}?lang={language}")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_language_has_words_for_it(hub: Hub, app: Application, language: str) -> None:
    hub.busy()
    before = await text(app, f"/text?lang={language}")
    booked(hub)
    some = await text(app, f"/text?lang={language}")
    booked(hub, 0, free=False)
    none = await text(app, f"/text?lang={language}")
    assert len({before, some, none}) == 3
    assert "5" in some
    assert "{" not in some + none


async def test_one_is_one(hub: Hub, app: Application) -> None:
    hub.busy()
    booked(hub, 1)
    assert "1 more person today (at 11:00)" in await text(app, "/?lang=en")
    booked(hub, 0)
    assert "nobody more today" in await text(app, "/?lang=en")


async def test_an_old_book_is_told_with_its_age(hub: Hub, app: Application) -> None:
    hub.busy()
    booked(hub, age_minutes=14)
    assert "10時18分現在" not in await text(app, "/text?lang=ja")
    booked(hub, age_minutes=80)
    assert "9時12分現在" in await text(app, "/text?lang=ja")


async def test_they_go_with_the_value_that_they_stand_beside(hub: Hub, app: Application) -> None:
    hub.busy()
    booked(hub)
    hub.clock.move(91)
    assert "予約の方" not in await text(app, "/text?lang=ja")
    made = json.loads(feed.render(hub.mirror, hub.clock.now())[0])
    assert "booked" not in next(s for s in made["services"] if s["id"] == "mynumber")


def test_the_feed_has_them_where_there_are_any(hub: Hub) -> None:
    hub.busy()
    booked(hub)
    made = json.loads(feed.render(hub.mirror, hub.clock.now())[0])
    jsonschema.validate(made, site_schema(), jsonschema.Draft202012Validator)
    found = {s["id"]: s.get("booked") for s in made["services"]}
    assert found.pop("mynumber") == {
        "as_of": "2026-11-24T01:31:00.000Z",
        "left": 5,
        "next_at": "2026-11-24T02:00:00.000Z",
        "free_at": "2026-11-25T01:32:00.000Z",
    }
    assert set(found.values()) == {None}
