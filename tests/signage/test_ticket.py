"""What the holder of a ticket is told, by page and feed."""

import html
import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application
from hypothesis import given
from hypothesis import strategies as st

from models.contract.results import Call, CallsResult, LineResult, LineTicket, ServiceResult
from signage import ticket
from signage.ticket import Ticket, meant, read
from signage.web import web_app
from tests.signage.office import NOON, Hub

LINE = LineResult(at=NOON, valid_until=NOON)
WAITING = ("A124", "A125", "A126", "A127", "A128", "A129", "A130")


def known(*names: str) -> list[Ticket]:
    """Tickets of these names: `tax A107`."""
    pairs = (name.split() for name in names)
    return [Ticket(service=service, number=number, source=LINE) for service, number in pairs]


@pytest.mark.parametrize(
    ("said", "names", "found", "is_sure"),
    [
        ("A107", ["tax A107", "tax A108"], ["A107"], True),
        ("a107", ["tax A107"], ["A107"], True),
        ("Ａ１０７", ["tax A107"], ["A107"], True),
        ("ａー１０７番", ["tax A107"], ["A107"], True),
        (" A - 107 ", ["tax A107"], ["A107"], True),
        ("A107", ["tax A-107"], ["A-107"], True),
        ("a 7", ["tax A007", "tax A070"], ["A007"], True),
        ("A07", ["tax A007", "tax A07"], ["A07"], True),
        ("A7", ["tax A007", "tax A07"], ["A007", "A07"], True),
        ("A107", ["tax A107", "moving A107"], ["A107", "A107"], True),
        ("107", ["tax 107", "moving A107"], ["107"], True),
        ("107", ["tax A107", "moving B107"], ["A107", "B107"], False),
        ("107", ["tax A107"], ["A107"], False),
        ("0", ["tax 000"], ["000"], True),
        ("A", ["tax A107"], [], True),
        ("07", ["tax A107"], [], False),
        ("!?", ["tax A107"], [], True),
        ("", ["tax A107"], [], True),
    ],
)
def test_a_number_is_read_as_people_type_it(
    said: str,
    names: list[str],
    found: list[str],
    is_sure: bool,  # noqa: FBT001
) -> None:
    tickets, sure = meant(known(*names), said)
    assert [ticket.number for ticket in tickets] == found
    assert sure == is_sure


NUMBERS = st.from_regex(r"[A-Z]{0,2}[0-9]{1,4}", fullmatch=True)
WIDE = str.maketrans({chr(n): chr(n + 0xFEE0) for n in range(0x21, 0x7F)})


@given(NUMBERS, st.lists(NUMBERS, max_size=5), st.booleans(), st.sampled_from(["", " ", "-", "－"]))
def test_ones_own_number_is_always_found_however_it_is_typed(
    number: str,
    others: list[str],
    wide: bool,  # noqa: FBT001
    between: str,
) -> None:
    said = between.join(number.lower().translate(WIDE) if wide else number.lower())
    tickets, is_sure = meant(known(*(f"tax {one}" for one in {number, *others})), said)
    assert [ticket.number for ticket in tickets] == [number]
    assert is_sure


@given(st.text(max_size=100), st.lists(st.text(max_size=8), max_size=4))
def test_whatever_is_typed_finds_only_what_there_is(said: str, numbers: list[str]) -> None:
    tickets = [Ticket(service="tax", number=number, source=LINE) for number in numbers]
    found, _ = meant(tickets, said)
    assert all(one in tickets for one in found)
    assert len(read(said)) <= 4 * ticket.LONGEST


# ── every state, by page and feed ─────────────────────────────────────────────────────────────


def waiting(hub: Hub) -> None:
    hub.busy()
    hub.line("moving", *WAITING)


def no_wait(hub: Hub) -> None:
    """Nobody knows when it goes on: all its counters are closed."""
    waiting(hub)
    tickets = tuple(LineTicket(number=number, ahead=n) for n, number in enumerate(WAITING))
    hub.say("line/moving", LineResult(**hub.times(), tickets=tickets))


def called(hub: Hub) -> None:
    waiting(hub)
    hub.call("A123", "B045")


def nowhere(hub: Hub) -> None:
    """The machine does not say to which counter it calls."""
    waiting(hub)
    calls = (Call(number="A123", service="moving", at=hub.clock.now()),)
    hub.say("calls", CallsResult(**hub.times(valid_s=600), calls=calls))


def ageing(hub: Hub) -> None:
    waiting(hub)
    hub.clock.move(70)


def stale(hub: Hub) -> None:
    waiting(hub)
    hub.clock.move(100)


def closed(hub: Hub) -> None:
    hub.closed()


def closing(hub: Hub) -> None:
    """No more tickets are given; who has one still waits."""
    hub.closed()
    hub.line("moving", *WAITING)


def no_data(hub: Hub) -> None:
    hub.no_data()


def silent(hub: Hub) -> None:
    """The ticket machine has not been heard for a while, and the hub has taken its lines away."""
    waiting(hub)
    hub.clock.move(120)
    hub.say("line/moving", None)
    for service in hub.site.services:
        hub.say(f"service/{service.id}", ServiceResult(**hub.times(valid_s=0), state="no_data"))


def twice(hub: Hub) -> None:
    waiting(hub)
    hub.line("certificates", "A124", "B046")


STATES: dict[str, tuple[Callable[[Hub], None], str, tuple[str, ...], tuple[str, ...]]] = {
    "waiting": (waiting, "ａ 130", ("あと6組・約25分", "引っ越し・届出", "A123"), ("確認中",)),
    "wide": (waiting, "A128", ("あと4組・約15分",), ()),
    "next": (waiting, "A124", ("つぎにお呼びします・5分以内",), ()),
    "no wait": (no_wait, "A130", ("あと6組",), ("約", "分以内")),
    "called": (called, "A123", ("お呼びしています", "3番窓口へ"), ("あと",)),
    "nowhere": (nowhere, "A123", ("お呼びしています", "窓口へお越しください"), ()),
    "passed": (
        called,
        "B045",
        ("10時32分にお呼びしました", "声をかけてください"),
        ("お呼びしています",),
    ),
    "unknown": (waiting, "Z999", ("この番号は見つかりません", "例：A124"), ("あと",)),
    "which": (twice, "A124", ("どの番号札ですか", "住民票・証明", "引っ越し・届出"), ("あと",)),
    "which by digits": (waiting, "130", ("どの番号札ですか", "A130"), ("あと",)),
    "ageing": (ageing, "A130", ("あと6組・約25分", "1分前"), ()),
    "stale": (stale, "A130", ("確認中", "最終 10時32分"), ("あと", "25", "A123")),
    "closed": (closed, "A130", ("受付時間外", "次は 11月24日（火）8時30分から"), ("あと",)),
    "closing": (closing, "A130", ("あと6組・約25分",), ("受付時間外",)),
    "no data": (no_data, "A130", ("確認中", "現在表示できません"), ("あと",)),
    "silent": (silent, "A130", ("確認中", "最終 10時3"), ("あと",)),
    "nothing asked": (waiting, "", ("番号札の順番", "例：A124"), ("あと6組",)),
}
each_state = pytest.mark.parametrize("state", list(STATES))


@pytest.fixture
def app(hub: Hub) -> Application:
    return web_app(hub.site, hub.mirror, hub.clock)


def text_of(body: str) -> str:
    """What is read, without what is only there for the time when a value has gone."""
    if 'data-phase="stale"' not in body:
        body = re.sub(r"<span data-gone>.*?</span>", "", body, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", "", body)))


@each_state
async def test_every_state_is_told_in_words(hub: Hub, app: Application, state: str) -> None:
    step, said, wanted, unwanted = STATES[state]
    step(hub)
    async with TestClient(TestServer(app)) as client:
        query = {"number": said, "lang": "ja"}
        body = await (await client.get("/ticket", params=query)).text()
        part = await (await client.get("/ticket/part", params=query)).text()
    assert part in body
    whole, told = text_of(body.split("<main")[1].split("</main>")[0]), text_of(part)
    assert all(word in whole for word in wanted), whole
    assert not any(word in told for word in unwanted), told


@each_state
@pytest.mark.parametrize("language", ["ja-Hira", "zh-Hant", "vi", "pt-BR"])
async def test_every_state_can_be_said_in_every_language(
    hub: Hub, app: Application, state: str, language: str
) -> None:
    step, said, *_ = STATES[state]
    step(hub)
    async with TestClient(TestServer(app)) as client:
        response = await client.get("/ticket", params={"number": said, "lang": language})
        body = await response.text()
    assert f'<html lang="{language}"' in body
    assert response.headers["Cache-Control"] == "no-store"
    assert not re.search("[\ue000-\ue002]", body)


async def test_the_language_can_be_changed_and_the_number_stays(hub: Hub, app: Application) -> None:
    waiting(hub)
    async with TestClient(TestServer(app)) as client:
        query = {"number": "A130", "service": "moving", "lang": "ja"}
        body = await (await client.get("/ticket", params=query)).text()
    links = [html.unescape(link) for link in re.findall(r'href="(\?[^"]*)"', body)]
    assert len(links) == 10, "nine languages and the one that makes it new"
    assert all(link.startswith("?number=A130&service=moving&lang=") for link in links)
    assert 'data-part="/ticket/part?number=A130&amp;service=moving&amp;lang=ja"' in body


async def test_what_is_typed_writes_no_tag(hub: Hub, app: Application) -> None:
    waiting(hub)
    said = '"><script>alert(1)</script>\ue000'
    async with TestClient(TestServer(app)) as client:
        query = {"number": said, "service": said, "lang": "en"}
        body = await (await client.get("/ticket", params=query)).text()
    assert "<script>alert" not in body
    assert "This number is not known" in body


async def test_the_page_of_the_office_leads_here_where_there_are_tickets(
    hub: Hub, app: Application
) -> None:
    async with TestClient(TestServer(app)) as client:
        hub.busy()
        assert "/ticket?" not in await (await client.get("/")).text()
        hub.line("moving", "A124")
        assert "/ticket?lang=ja" in await (await client.get("/", params={"lang": "ja"})).text()


# ── the feed ──────────────────────────────────────────────────────────────────────────────────

FEED: dict[str, tuple[Callable[[Hub], None], str, dict[str, Any]]] = {
    "waiting": (
        waiting,
        "a-130",
        {"number": "A130", "service": "moving", "state": "waiting", "ahead": 6},
    ),
    "called": (called, "A123", {"state": "called", "counter": "c3", "ahead": None}),
    "passed": (called, "B045", {"state": "called", "called_at": "2026-11-24T01:32:00.000Z"}),
    "unknown": (waiting, "Z999", {"number": "Z999", "service": None, "state": "unknown"}),
    "by digits": (waiting, "130", {"state": "unknown", "services": ["moving"]}),
    "which": (twice, "A124", {"state": "unknown", "services": ["certificates", "moving"]}),
    "stale": (
        stale,
        "A130",
        {
            "state": "unknown",
            "ahead": None,
            "wait": None,
            "valid_until": "2026-11-24T01:33:30.000Z",
        },
    ),
}


@pytest.mark.parametrize("state", list(FEED))
async def test_the_feed_says_the_same(hub: Hub, app: Application, state: str) -> None:
    step, said, wanted = FEED[state]
    step(hub)
    async with TestClient(TestServer(app)) as client:
        response = await client.get(f"/api/v1/sites/minami/tickets/{said}")
        assert response.status == 200
        body = await response.read()
    assert wanted.items() <= msgspec.json.decode(body).items()
    assert msgspec.json.decode(body, type=ticket.TicketDocument).number


async def test_the_feed_is_asked_for_one_service(hub: Hub, app: Application) -> None:
    twice(hub)
    path = "/api/v1/sites/minami/tickets/A124"
    async with TestClient(TestServer(app)) as client:
        response = await client.get(path, params={"service": "certificates"})
        told = await response.json()
        assert (told["service"], told["ahead"]) == ("certificates", 0)
        tag = response.headers["ETag"]
        query, headers = {"service": "certificates"}, {"If-None-Match": tag}
        assert (await client.get(path, params=query, headers=headers)).status == 304
        assert (await client.get(path, params={"service": "nothing"})).status == 404
        assert (await client.get(f"/api/v1/sites/minami/tickets/{'9' * 65}")).status == 404
