"""An event is there some days before its first day by itself, and is gone after its last."""

import asyncio
import json
import re
from datetime import date, datetime
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from broker.clock import starting_at
from broker.session import Session
from models.calendar import Calendar
from models.contract import topics
from models.errors import BadSite
from models.screens.truth import Patience
from models.screens.watch import Watch
from models.site import Display, parse
from signage.web import web_app
from tests.broker.rig import address_of, hub_at, until
from tests.conftest import Mosquitto
from tests.signage.event_office import SITE, TEXT, Event, tokyo

CARD = re.compile(r'<li class="card" id="service-tax-hall".*?</li>', re.DOTALL)
GONE = re.compile(r"<p class=.how. data-gone>.*?</p>", re.DOTALL)
TAG = re.compile(r"<[^>]*>")
API = "/api/v1/sites/minami"

BEFORE, TOLD = tokyo(2, 8, 10), tokyo(2, 9, 10)
EARLY, FIRST, EVENING = tokyo(2, 16, 8), tokyo(2, 16, 9, 30), tokyo(2, 16, 17)
SATURDAY, MONDAY, HOLIDAY = tokyo(2, 20, 10), tokyo(2, 22, 10), tokyo(2, 23, 10)
LAST, OVER, AFTER = tokyo(2, 26, 15), tokyo(2, 26, 17), tokyo(2, 27, 10)


@pytest.fixture
def event() -> Event:
    return Event()


@pytest.fixture
def app(event: Event) -> web.Application:
    return web_app(SITE, event.hub.mirror, event.clock)


class Seen:
    """What residents are told of the event now, on each surface."""

    def __init__(self, event: Event, client: TestClient[web.Request, web.Application]) -> None:
        self._event = event
        self._client = client

    async def text(self, path: str) -> str:
        answer = await self._client.get(path)
        assert answer.status == 200
        return await answer.text()

    async def card(self, now: datetime, language: str) -> str:
        """The words of the card without gaps, "" where there is none."""
        if self._event.clock.at != now:
            self._event.at(now)
        found = CARD.search(await self.text(f"/?lang={language}"))
        words = "".join(TAG.sub(" ", GONE.sub("", found[0])).split()) if found else ""
        await self.elsewhere(language, is_there=bool(found))
        return words

    async def elsewhere(self, language: str, *, is_there: bool) -> None:
        """It is told by all surfaces or by none."""
        name = "確定申告 申請会場" if language == "ja" else "Tax return hall"
        for path in (
            f"/text?lang={language}",
            f"{API}/say.txt?lang={language}",
            "/part",
            "/outlook",
        ):
            sign = name if "lang" in path else "確定申告 申請会場"
            assert (sign in await self.text(path)) == is_there, path
        listed = json.loads(await self.text(API))["services"]
        assert [s["id"] for s in listed] == ["certificates", "tax-hall"][: 1 + is_there]

    async def item(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(await self.text(API))["services"][1]
        return found


async def test_it_comes_and_goes_by_itself_in_japanese_and_english(
    event: Event, app: web.Application
) -> None:
    async with TestClient(TestServer(app)) as client:
        seen = Seen(event, client)
        assert await seen.card(BEFORE, "ja") == ""
        assert await seen.card(BEFORE, "en") == ""

        told = await seen.card(TOLD, "ja")
        assert "みなと野市民ホール" in told
        assert "開催前2月16日（火）9時から" in told
        assert "2月16日（火）～2月26日（金）9:00～16:00南区中央1-2-32階地図" in told
        told = await seen.card(TOLD, "en")
        assert "NotyetopenfromTue16February,9:00" in told
        assert "Tue16Feb–Fri26Feb9:00–16:001-2-3Chuo,Minami,2ndfloorMap" in told
        item = await seen.item()
        assert (item["state"], item["opens_at"]) == ("closed", "2027-02-16T00:00:00.000Z")
        assert item["dates"] == ["2027-02-16", "2027-02-26"]
        assert item["map"] == "https://map.example.jp/hall"

        assert "受付時間外次は9時から" in await seen.card(EARLY, "ja")
        assert "確認中" in await seen.card(FIRST, "ja"), "nothing is known yet, and that is said"
        assert "9:00～16:00" in await seen.card(FIRST, "ja")
        assert "Checking" in await seen.card(FIRST, "en")

        event.pressed(30)
        card = await seen.card(event.clock.at, "ja")
        assert re.search(r"待ち時間（目安）[0-9～]+分", card), "waits, by a button alone"
        assert "受付時間外次は2月17日（水）9時から" in await seen.card(EVENING, "ja")

        assert "確認中" in await seen.card(SATURDAY, "ja"), "the office is closed, the hall is open"
        event.busy()
        assert "混雑" in await seen.card(SATURDAY, "ja")
        assert "Busy" in await seen.card(SATURDAY, "en")
        assert "次は2月24日（水）9時から" in await seen.card(MONDAY, "ja"), "no hours on Mondays"
        assert "次は2月24日（水）9時から" in await seen.card(HOLIDAY, "ja"), "a holiday"

        await seen.card(LAST, "ja")
        event.by_phone(4)
        assert "大変混雑" in await seen.card(LAST, "ja"), "a clerk's phone will do"
        assert "受付時間外すべての日程が終了しました" in await seen.card(OVER, "ja")
        assert "ClosedIthasended" in await seen.card(OVER, "en")
        for language in ("ja", "en"):
            assert await seen.card(AFTER, language) == ""
        said = await seen.text(f"{API}/say.txt?service=tax-hall")
        assert said.startswith("確定申告 申請会場、受付時間外。\n")


async def test_a_value_of_the_event_is_never_told_past_its_end(
    event: Event, app: web.Application
) -> None:
    async with TestClient(TestServer(app)) as client:
        seen = Seen(event, client)
        event.at(FIRST)
        event.pressed(12)
        assert re.search(r"[0-9]分", await seen.card(event.clock.at, "ja"))
        event.clock.move(91)  # no beat: a button that sends by radio has none
        assert "確認中" in await seen.card(event.clock.at, "ja")
        event.busy()
        assert "混雑" in await seen.card(event.clock.at, "ja")
        event.clock.move(1801)
        assert "確認中" in await seen.card(event.clock.at, "ja")
        item = await seen.item()
        assert (item["state"], item["level"], item["wait"]) == ("no_data", None, None)


async def test_it_is_announced_though_no_hub_says_anything_of_it(app: web.Application) -> None:
    async with TestClient(TestServer(app)) as client:
        answer = await client.get("/?lang=ja")
        assert "確定申告" not in await answer.text()
    event = Event()
    event.clock.at = TOLD
    app = await asyncio.to_thread(web_app, SITE, event.hub.mirror, event.clock)
    async with TestClient(TestServer(app)) as client:
        found = CARD.search(await (await client.get("/?lang=ja")).text())
        assert found is not None
        assert "2月16日（火）9時から" in TAG.sub("", found[0])


async def test_the_hub_tells_of_it_only_while_residents_are_told(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    heard: dict[str, bytes] = {}
    watch = Session(
        address_of(mosquitto),
        "watch",
        subscriptions=[topics.result(SITE.id, "#")],
        on_message=lambda topic, payload, _: heard.__setitem__(topic, payload),
        on_connection=lambda _: None,
    )
    topic = topics.result(SITE.id, "service/tax-hall")
    other = topics.result(SITE.id, "service/certificates")
    task = asyncio.create_task(watch.run())

    async def on(now: datetime) -> bytes:
        """What is told of the event at a moment by a hub that began then."""
        heard.clear()
        folder = tmp_path / now.strftime("%m%d")
        await asyncio.to_thread(folder.mkdir)
        async with hub_at(address_of(mosquitto), folder, site=SITE, clock=starting_at(now, 1)):
            await until(lambda: asyncio.sleep(0, other in heard))
            sentinel = heard[other]
            assert sentinel
            await until(lambda: asyncio.sleep(0, topics.result(SITE.id, "state") in heard))
        return heard.get(topic, b"")

    try:
        assert await on(BEFORE) == b""
        told = json.loads(await on(TOLD))
        assert (told["state"], told["opens_at"]) == ("closed", "2027-02-16T00:00:00.000Z")
        assert json.loads(await on(FIRST))["state"] == "no_data"
        assert await on(AFTER) == b"", "what was retained is taken away"
    finally:
        task.cancel()
        await asyncio.wait([task])


def test_a_screen_is_not_wrong_for_what_is_not_told_of() -> None:
    watch = Watch(SITE, Display(id="l-1"), Patience())
    wanted = {now: [key for key, _ in watch._expected(now)] for now in (BEFORE, TOLD, FIRST, AFTER)}
    both = ["service certificates", "service tax-hall"]
    assert list(wanted.values()) == [both[:1], both, both, both[:1]]


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        (date(2027, 2, 15), []),
        (date(2027, 2, 16), [(9, 16)]),
        (date(2027, 2, 20), [(9, 16)]),
        (date(2027, 2, 21), []),
        (date(2027, 2, 23), []),
        (date(2027, 2, 27), []),
    ],
    ids=["before", "first", "Saturday", "Sunday", "holiday", "after"],
)
def test_it_has_hours_of_its_own_and_its_counter_too(
    day: date, hours: list[tuple[int, int]]
) -> None:
    calendar = Calendar(SITE)
    for found in (calendar.service("tax-hall", day), calendar.counter("h1", day)):
        assert [(a.hour, b.hour) for a, b in found] == hours


def test_a_clerk_who_serves_two_is_there_for_both() -> None:
    shared = parse(TEXT.replace('counters = ["h1"]', 'counters = ["c1"]'))
    hours = Calendar(shared).counter("c1", date(2027, 2, 16))
    assert [(a.hour, b.hour) for a, b in hours] == [(8, 17)]
    hours = Calendar(shared).counter("c1", date(2027, 2, 20))
    assert [(a.hour, b.hour) for a, b in hours] == [(9, 16)], "the office is closed on Saturdays"


def test_a_holiday_that_is_named_is_meant() -> None:
    text = TEXT.replace('"2027-02-16/2027-02-26"', '"2027-02-16/2027-02-26", "2027-02-23"')
    assert len(Calendar(parse(text)).service("tax-hall", date(2027, 2, 23))) == 1
    bare = parse(
        text.replace('hours = [{ days = "tue-sat", open = "09:00", close = "16:00" }]', "")
    )
    assert Calendar(bare).service("tax-hall", date(2027, 2, 23)) == [], "the office's hours"


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        ("announce_days = 61", "Expected `int` <= 60 - at `$.services[1].announce_days`"),
        ('map = "hall"', "Expected `str` matching regex"),
        (
            'hours = [{ days = "mon", open = "16:00", close = "09:00" }]',
            "want an end after 16:00, got 09:00 - at `$.services[1].hours[0]`",
        ),
    ],
)
def test_an_event_that_cannot_be_is_refused_with_its_path(line: str, mistake: str) -> None:
    key = line.partition(" ")[0]
    lines = [one for one in TEXT.splitlines() if not (one.startswith(f"{key} = ") and "tue" in one)]
    text = "\n".join(one for one in lines if not one.startswith(f'{key} = "https'))
    with pytest.raises(BadSite, match=re.escape(mistake)):
        parse(text.replace('id = "tax-hall"', f'id = "tax-hall"\n{line}'))
