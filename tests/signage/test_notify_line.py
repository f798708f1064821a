"""LINE: a number written to the office's account is enough, and nothing comes twice."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from models.site import LineTable, Site
from signage.notify.line import LineMessages
from signage.notify.notices import Notices
from signage.notify.senders import Later, Letter, Refused
from signage.notify.store import Store
from signage.web import web_app
from tests.signage.office import Hub
from tests.signage.post import BASE, LINK, running, until

USER = "U" + "0123456789abcdef" * 2
SECRET = "channel secret"  # noqa: S105  of this test
WAITING = tuple(f"A{n:03}" for n in range(100, 120))
LETTER = Letter(
    id="x" * 32, kind="near", to=USER, language="ja", subject="番号 A110：まもなく順番です",
    text="待合にお戻りください。\n", page=BASE, stop=None, ttl_s=600,
)  # fmt: skip


class Line:
    """The Messaging API as its reference describes it; a retry key that is known gets 409."""

    def __init__(self) -> None:
        self.pushed: list[dict[str, Any]] = []
        self.replied: list[dict[str, Any]] = []
        self.keys: set[str] = set()
        self.fails: list[int] = []
        self.loses = False
        self.base = ""

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/v2/bot/message/push", self._push)
        app.router.add_post("/v2/bot/message/reply", self._reply)
        return app

    async def _push(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != "Bearer channel token":
            return web.json_response({"message": "Authentication failed"}, status=401)
        if self.fails:
            return web.json_response({"message": "no"}, status=self.fails.pop())
        key = request.headers["X-Line-Retry-Key"]
        if key in self.keys:
            told = {"message": "The retry key is already accepted"}
            return web.json_response(told, status=409)
        self.keys.add(key)
        self.pushed.append(await request.json())
        if self.loses:
            self.loses = False
            assert request.transport is not None
            request.transport.abort()
        return web.json_response({"sentMessages": [{"id": "1"}]})

    async def _reply(self, request: web.Request) -> web.Response:
        self.replied.append(await request.json())
        return web.json_response({})


@pytest.fixture
def service() -> Line:
    return Line()


@pytest.fixture
def sender(site: Site, tmp_path: Path) -> LineMessages:
    (tmp_path / "token").write_text("channel token\n", "utf-8")
    (tmp_path / "secret").write_text(f"{SECRET}\n", "utf-8")
    table = LineTable(token_file=str(tmp_path / "token"), secret_file=str(tmp_path / "secret"))
    return LineMessages(table, site, tmp_path)


@pytest.fixture
async def line(service: Line, sender: LineMessages) -> AsyncIterator[LineMessages]:
    async with TestServer(service.app()) as server:
        sender._api = str(server.make_url("/v2/bot/message"))
        yield sender
        await sender.close()


@pytest.fixture
def notices(hub: Hub, sender: LineMessages, tmp_path: Path) -> Iterator[Notices]:
    hub.ready()
    hub.line("moving", *WAITING, minutes=6)
    hub.call()
    store = Store(tmp_path / "notices.sqlite")
    yield Notices(hub.site, hub.mirror, store, {"line": sender}, BASE)
    store.close()


@pytest.fixture
def app(hub: Hub, notices: Notices) -> web.Application:
    return web_app(hub.site, hub.mirror, hub.clock, notices=notices)


async def no_doubt() -> None:
    pass


def call(text: str, user: str = USER) -> tuple[bytes, dict[str, str]]:
    """What LINE posts when somebody writes, and its signature."""
    event = {
        "type": "message", "replyToken": "r1", "mode": "active", "timestamp": 1,
        "source": {"type": "user", "userId": user},
        "message": {"type": "text", "id": "1", "text": text},
    }  # fmt: skip
    body = json.dumps({"destination": "U0", "events": [event]}).encode()
    made = hmac.new(SECRET.encode(), body, hashlib.sha256).digest()
    return body, {"X-Line-Signature": base64.b64encode(made).decode()}


@pytest.mark.usefixtures("line")
async def test_who_writes_a_number_is_told_when_it_is_near(
    hub: Hub, app: web.Application, notices: Notices, service: Line, tmp_path: Path
) -> None:
    async with TestClient(TestServer(app)) as client, running(notices):
        body, headers = call(" ａ110 ")
        assert (await client.post("/notify/line", data=body, headers=headers)).status == 200
        (replied,) = service.replied
        said = replied["messages"][0]["text"]
        assert replied["replyToken"] == "r1"
        assert "番号 A110 の順番が近づいたとき" in said
        hub.line("moving", *WAITING[6:], minutes=6)
        await until(lambda: len(service.pushed) == 1)
        assert service.pushed[0]["to"] == USER
        assert "まもなく順番です" in service.pushed[0]["messages"][0]["text"]
        stop = LINK.search(said)
        assert stop is not None
        assert (await client.post(stop[1])).status == 200
        assert USER.encode() not in (tmp_path / "notices.sqlite").read_bytes()


@pytest.mark.usefixtures("line")
@pytest.mark.parametrize(("text", "said"), [("Z9", "お待ちの中にありません"), ("A100", "まもなく")])
async def test_what_cannot_be_done_is_answered(
    app: web.Application, notices: Notices, service: Line, text: str, said: str
) -> None:
    async with TestClient(TestServer(app)) as client, running(notices):
        body, headers = call(text)
        assert (await client.post("/notify/line", data=body, headers=headers)).status == 200
    assert said in service.replied[0]["messages"][0]["text"]


@pytest.mark.usefixtures("line")
async def test_only_line_is_believed(app: web.Application, notices: Notices, service: Line) -> None:
    body, headers = call("A110")
    async with TestClient(TestServer(app)) as client, running(notices):
        for sent, signed in (
            (body, {}),
            (body, {"X-Line-Signature": "é"}),
            (body + b" ", headers),
            (body, {"X-Line-Signature": headers["X-Line-Signature"].lower()}),
        ):
            answer = await client.post("/notify/line", data=sent, headers=signed)
            assert answer.status == 403
        strange, signed = call("A110", user="../../etc")
        assert (await client.post("/notify/line", data=strange, headers=signed)).status == 200
    assert "送りできません" in service.replied[0]["messages"][0]["text"]
    assert notices._holders == {}


async def test_an_answer_that_is_lost_makes_no_second_message(
    line: LineMessages, service: Line
) -> None:
    service.loses = True
    with pytest.raises(Later):
        await line.send(LETTER, no_doubt)
    await line.send(LETTER, no_doubt)
    assert len(service.pushed) == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, Refused), (403, Refused), (429, Later), (500, Later), (503, Later)],
)
async def test_answers_by_table(
    line: LineMessages, service: Line, status: int, error: type[Exception]
) -> None:
    service.fails = [status]
    with pytest.raises(error, match=str(status)):
        await line.send(LETTER, no_doubt)
    assert service.pushed == []
