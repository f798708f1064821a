"""A notice on the phone, from the form to the mail server and to nothing being kept."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import msgspec
import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request

from models.site import parse
from signage.city import City
from signage.mirror import Mirror
from signage.notify import notices as notices_module
from signage.notify import store
from signage.notify.letters import CONFIRM_S
from signage.notify.limits import A_DAY_BY_ADDRESS, A_MINUTE, AN_HOUR_BY_NETWORK
from signage.notify.mail import Mail
from signage.notify.notices import Notices
from signage.notify.senders import Letter
from signage.notify.store import Store
from signage.web import city_app, web_app
from tests.signage.office import EXAMPLE, Hub
from tests.signage.post import LINK, PostOffice, notices_by_mail, rows, running, until

ADDRESS = "hanako@example.jp"
WAITING = tuple(f"A{n:03}" for n in range(100, 120))
FORM = {"number": "A110", "service": "moving", "mail": ADDRESS, "minutes": "10"}

Client = TestClient[Request, Application]


@pytest.fixture
def post() -> Iterator[PostOffice]:
    with PostOffice() as made:
        yield made


@pytest.fixture
def made(hub: Hub, post: PostOffice, tmp_path: Path) -> Iterator[tuple[Notices, Store]]:
    hub.ready()
    hub.line("moving", *WAITING, minutes=6)
    hub.call()
    notices, kept = notices_by_mail(hub.site, hub.mirror, tmp_path, post.port)
    yield notices, kept
    kept.close()


@pytest.fixture
def notices(made: tuple[Notices, Store]) -> Notices:
    return made[0]


@pytest.fixture
def app(hub: Hub, notices: Notices) -> Application:
    return web_app(hub.site, hub.mirror, hub.clock, notices=notices)


@pytest.fixture
async def client(app: Application, notices: Notices) -> AsyncIterator[Client]:
    async with TestClient(TestServer(app)) as made, running(notices):
        yield made


async def ask(client: Client, **fields: str) -> ClientResponse:
    return await client.post("/notify", params={"lang": "en"}, data=FORM | fields)


async def confirmed(client: Client, post: PostOffice, **fields: str) -> str:
    """Ask and confirm; returns the token."""
    before = len(post.mails)
    assert (await ask(client, **fields)).status == 200
    await until(lambda: len(post.mails) > before)
    link = LINK.search(post.mails[-1].get_content())
    assert link is not None
    assert (await client.post(link[1])).status == 200
    return link[1].rpartition("/")[2]


async def test_from_the_form_to_the_turn_and_then_nothing_is_kept(
    hub: Hub, client: Client, post: PostOffice, tmp_path: Path
) -> None:
    page = await (await client.get("/notify/moving/A110", params={"lang": "en"})).text()
    assert 'name="number" value="A110"' in page
    token = await confirmed(client, post)
    assert post.mails[0]["Subject"] == "Please confirm: notice for number A110"
    assert ADDRESS.encode() in everything_in(tmp_path)
    hub.line("moving", *WAITING[6:], minutes=6)
    await until(lambda: len(post.mails) == 2)
    near = post.mails[1]
    assert near["Subject"] == "Number A110: your turn is near"
    said = near.get_content().splitlines()
    assert {"4 before you", "Wait: about 25 min"} <= set(said)
    hub.line("moving", *WAITING[11:], minutes=6)
    hub.call("A110")
    await until(lambda: len(post.mails) == 3)
    now = post.mails[2]
    assert now["Subject"] == "Number A110: it is your turn"
    assert "Counter 3" in now.get_content()
    hub.clock.move(120)
    await until(lambda: ADDRESS.encode() not in everything_in(tmp_path))
    assert len(post.mails) == 3
    assert token not in str(rows(tmp_path / "notices.sqlite", "SELECT * FROM holder"))
    assert len({mail["Message-ID"] for mail in post.mails}) == 3


def everything_in(folder: Path) -> bytes:
    """The bytes of the file and of what SQLite keeps beside it."""
    return b"".join(path.read_bytes() for path in folder.glob("notices.sqlite*"))


async def test_whoever_does_not_come_is_told_that_it_passed(
    hub: Hub, client: Client, post: PostOffice, tmp_path: Path
) -> None:
    await confirmed(client, post)
    hub.call("A110")
    await until(lambda: len(post.mails) == 2)
    own = hub.mirror.calls()
    assert own is not None
    hub.clock.move(40)
    hub.call("A111")
    after = hub.mirror.calls()
    assert after is not None
    both = msgspec.structs.replace(after, calls=(*after.calls, *own.calls))
    hub.say("calls", both)
    hub.clock.move(79)
    await asyncio.sleep(0)
    assert len(post.mails) == 2
    hub.clock.move(1)
    await until(lambda: len(post.mails) == 3)
    assert post.mails[2]["Subject"] == "Number A110: others are being called"
    await until(lambda: ADDRESS.encode() not in everything_in(tmp_path))


async def test_opening_the_link_changes_nothing(
    hub: Hub, client: Client, post: PostOffice, tmp_path: Path
) -> None:
    assert (await ask(client)).status == 200
    await until(lambda: len(post.mails) == 1)
    link = LINK.search(post.mails[0].get_content())
    assert link is not None
    for _ in range(3):
        assert (await client.get(link[1])).status == 200
    asked = "SELECT confirmed FROM holder"
    assert rows(tmp_path / "notices.sqlite", asked) == [(0,)]
    hub.line("moving", *WAITING[8:])
    await client.post(link[1])
    assert rows(tmp_path / "notices.sqlite", asked) == [(1,)]


async def test_an_address_that_nobody_confirms_is_gone_after_a_quarter_of_an_hour(
    hub: Hub, client: Client, post: PostOffice, tmp_path: Path
) -> None:
    assert (await ask(client)).status == 200
    await until(lambda: len(post.mails) == 1)
    link = LINK.search(post.mails[0].get_content())
    assert link is not None
    hub.clock.move(CONFIRM_S)
    await until(lambda: ADDRESS.encode() not in everything_in(tmp_path))
    page = await (await client.post(link[1], params={"lang": "en"})).text()
    assert "This link is over." in page


async def test_at_the_end_of_the_day_nobody_is_left(
    hub: Hub, client: Client, post: PostOffice, tmp_path: Path
) -> None:
    await confirmed(client, post)
    assert ADDRESS.encode() in everything_in(tmp_path)
    hub.clock.at += timedelta(days=1)
    await until(lambda: ADDRESS.encode() not in everything_in(tmp_path))
    assert len(post.mails) == 1


async def test_a_mail_program_stops_it_with_one_click(
    client: Client, post: PostOffice, tmp_path: Path
) -> None:
    await confirmed(client, post)
    mail = post.mails[0]
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = LINK.search(mail["List-Unsubscribe"])
    assert link is not None
    assert (await client.get(link[1])).status == 200
    assert ADDRESS.encode() in everything_in(tmp_path)
    stopped = await client.post(link[1], data={"List-Unsubscribe": "One-Click"})
    assert stopped.status == 200
    assert ADDRESS.encode() not in everything_in(tmp_path)
    assert (await client.post(link[1])).status == 200


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"number": "Z999"}, 422, "not waiting"),
        ({"service": "insurance"}, 503, "cannot see the line"),
        ({"service": "../etc"}, 503, "cannot see the line"),
        ({"number": "A102"}, 409, "(2 before you)"),
        ({"mail": "hanako"}, 422, "cannot write"),
        ({"mail": "a@example.jp\r\nBcc: b@example.jp"}, 422, "cannot write"),
        ({"mail": "a b@example.jp"}, 422, "cannot write"),
        ({"mail": "x" * 60 + "@" + "y." * 120 + "jp"}, 422, "cannot write"),
    ],
)
async def test_what_cannot_be_done_is_said_plainly(
    client: Client, post: PostOffice, fields: dict[str, str], status: int, said: str
) -> None:
    response = await ask(client, **fields)
    assert response.status == status
    assert said in await response.text()
    assert post.mails == []


@pytest.mark.parametrize("written", ["a110", "ａ１１０", " A-110 "])
async def test_a_number_may_be_written_as_people_write_it(
    client: Client, post: PostOffice, written: str
) -> None:
    assert (await ask(client, number=written, service="")).status == 200
    await until(lambda: len(post.mails) == 1)
    assert "number A110" in post.mails[0]["Subject"]


async def test_a_stale_line_promises_nothing(hub: Hub, client: Client) -> None:
    hub.clock.move(100)
    assert (await ask(client)).status == 503


async def test_asking_twice_sends_one_mail(client: Client, post: PostOffice) -> None:
    for _ in range(2):
        assert (await ask(client)).status == 200
    assert (await ask(client, number="A111")).status == 200
    await until(lambda: len(post.mails) >= 2)
    assert len({mail["Message-ID"] for mail in post.mails}) == len(post.mails) == 2


async def test_one_address_is_asked_three_times_a_day_at_most(client: Client) -> None:
    answers = [
        (await ask(client, number=number, mail=address)).status
        for number, address in zip(WAITING[5:], [ADDRESS, ADDRESS.upper()] * 3, strict=False)
    ]
    allowed = A_DAY_BY_ADDRESS
    assert answers == [200] * allowed + [429] * (6 - allowed)


async def test_a_network_that_asks_too_often_must_wait_and_others_need_not(
    hub: Hub, client: Client
) -> None:
    async def asked(behind: str) -> int:
        headers = {"X-Forwarded-For": f"198.51.100.1, {behind}"}
        made = await client.post("/notify", data=FORM | {"number": "Z1"}, headers=headers)
        return made.status

    seen = [await asked(f"192.0.2.{n}") for n in range(AN_HOUR_BY_NETWORK + 1)]
    assert seen == [422] * AN_HOUR_BY_NETWORK + [429]
    assert await asked("203.0.113.9") == 422
    hub.clock.move(3600)
    hub.line("moving", *WAITING)
    assert await asked("192.0.2.1") == 422


async def test_everybody_together_may_ask_so_often_a_minute(client: Client) -> None:
    seen = []
    for n in range(A_MINUTE + 1):
        headers = {"X-Forwarded-For": f"10.{n}.1.1"}
        form = FORM | {"number": "Z1"}
        seen.append((await client.post("/notify", data=form, headers=headers)).status)
    assert seen == [422] * A_MINUTE + [429]


async def test_a_full_store_says_so(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MOST", 0)
    response = await ask(client)
    assert response.status == 503
    assert "no more notices" in await response.text()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
    ],
)
async def test_a_form_on_another_site_is_refused(
    client: Client, headers: dict[str, str], status: int
) -> None:
    assert (await client.post("/notify", data=FORM, headers=headers)).status == status


async def test_whoever_joins_when_it_is_near_is_told_on_the_page_and_then_called(
    hub: Hub, client: Client, post: PostOffice
) -> None:
    assert (await ask(client)).status == 200
    await until(lambda: len(post.mails) == 1)
    link = LINK.search(post.mails[0].get_content())
    assert link is not None
    hub.line("moving", *WAITING[9:], minutes=6)
    page = await (await client.post(link[1], params={"lang": "en"})).text()
    assert "It is nearly your turn (1 before you)." in page
    hub.call("A110")
    await until(lambda: len(post.mails) == 2)
    assert post.mails[1]["Subject"] == "Number A110: it is your turn"


async def test_nothing_of_an_address_is_logged(
    client: Client, post: PostOffice, caplog: pytest.LogCaptureFixture
) -> None:
    post.fault = {"busy": 1.0}
    assert (await ask(client)).status == 200
    await until(lambda: "450" in caplog.text)
    post.fault = {}
    assert (await ask(client, mail="nobody@example.jp")).status == 200
    await until(lambda: "given up" in caplog.text and len(post.mails) == 1)
    assert "550" in caplog.text
    assert "example.jp" not in caplog.text


async def test_an_address_that_the_server_refuses_is_deleted(
    client: Client, tmp_path: Path
) -> None:
    assert (await ask(client, mail="nobody@example.jp")).status == 200
    await until(lambda: b"nobody@" not in everything_in(tmp_path))
    assert rows(tmp_path / "notices.sqlite", "SELECT * FROM notice") == []


async def test_one_notice_that_breaks_us_ends_no_other(
    client: Client,
    post: PostOffice,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sound = Mail.message

    def message(mail: Mail, letter: Letter) -> EmailMessage:
        return sound(mail, letter) if letter.to == ADDRESS else mail.message(letter.missing)  # type: ignore[attr-defined]

    monkeypatch.setattr(Mail, "message", message)
    assert (await ask(client, mail="taro@example.jp")).status == 200
    await until(lambda: "got AttributeError" in caplog.text)
    await confirmed(client, post)
    assert not post.sent_to("taro@example.jp")
    assert "taro" not in caplog.text


def fill(kept: Store) -> None:
    """Write until SQLite finds no more room."""
    kept._base.execute("PRAGMA max_page_count = 1")  # no more than there are
    (holder,) = kept.holders()
    with contextlib.suppress(sqlite3.OperationalError):
        for n in range(1000):
            other = msgspec.structs.replace(holder, token=f"other {n}", number="A111")
            kept.ask(other, f"{n}@example.jp")


async def test_a_full_disk_is_said_and_what_is_due_goes_out_when_there_is_room(  # noqa: PLR0917
    hub: Hub,
    client: Client,
    post: PostOffice,
    made: tuple[Notices, Store],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await confirmed(client, post)
    monkeypatch.setattr(notices_module, "_DISK_S", 0.05)
    kept = made[1]
    await asyncio.to_thread(fill, kept)
    assert (await ask(client, number="A112", mail="taro@example.jp")).status == 503
    assert "disk is full" in caplog.text
    hub.line("moving", *WAITING[6:], minutes=6)
    await asyncio.to_thread(kept._base.execute, "PRAGMA max_page_count = 10000")
    await until(lambda: any("near" in mail["Subject"] for mail in post.sent_to(ADDRESS)[1:]))


async def test_the_page_of_a_ticket_offers_it(client: Client) -> None:
    page = await (await client.get("/ticket", params={"number": "A110", "lang": "en"})).text()
    assert 'action="/notify?lang=en"' in page
    assert '<input type="hidden" name="number" value="A110">' in page
    assert "notify-push" not in page


@pytest.fixture
def city(hub: Hub, notices: Notices) -> Application:
    other = parse((EXAMPLE.parent / "kita.toml").read_text("utf-8"))
    both = City([hub.mirror, Mirror(other, hub.clock)])
    return city_app(both, {}, {"minami": notices})


async def test_in_a_city_each_office_has_its_own(city: Application, notices: Notices) -> None:
    async with TestClient(TestServer(city)) as client, running(notices):
        page = await (await client.get("/minami/notify", params={"lang": "en"})).text()
        assert 'action="/minami/notify?lang=en"' in page
        assert (await client.get("/kita/notify")).status == 404
        assert (await client.post("/minami/notify", data=FORM)).status == 200


@pytest.fixture
def without(hub: Hub) -> Application:
    hub.ready()
    hub.line("moving", *WAITING)
    return web_app(hub.site, hub.mirror, hub.clock)


async def test_an_office_that_sends_none_offers_none(without: Application) -> None:
    async with TestClient(TestServer(without)) as client:
        assert (await client.get("/notify")).status == 404
        page = await (await client.get("/ticket", params={"number": "A110"})).text()
        assert 'id="notify"' not in page
