import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from broker.embedded import free_port
from broker.mqtt.by_paho import PahoLink
from broker.mqtt.link import MakeLink
from broker.mqtt.streaming import StreamLink
from broker.session import Address, Session
from models.errors import Missing
from tests.conftest import Mosquitto


@pytest.fixture(params=[PahoLink, StreamLink], ids=["paho", "stream"], autouse=True)
def make(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> MakeLink:
    """Both makes of link pass every test: sessions here are made with this one."""
    chosen: MakeLink = request.param
    defaults = {**(Session.__init__.__kwdefaults__ or {}), "make": chosen}
    monkeypatch.setattr(Session.__init__, "__kwdefaults__", defaults)
    return chosen


class Heard:
    """What a session was told."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[tuple[str, bytes, bool]] = asyncio.Queue()
        self.connections: asyncio.Queue[bool] = asyncio.Queue()

    def message(self, topic: str, payload: bytes, retain: bool) -> None:  # noqa: FBT001
        self.messages.put_nowait((topic, payload, retain))

    async def connected(self, *, up: bool) -> None:
        async with asyncio.timeout(15):
            while await self.connections.get() != up:
                pass

    async def next(self) -> tuple[str, bytes, bool]:
        async with asyncio.timeout(10):
            return await self.messages.get()


@asynccontextmanager
async def session(
    address: Address, name: str, *subscriptions: str, will: tuple[str, bytes] | None = None
) -> AsyncIterator[tuple[Session, Heard]]:
    heard = Heard()
    made = Session(
        address,
        name,
        on_message=heard.message,
        on_connection=heard.connections.put_nowait,
        subscriptions=subscriptions,
        will=will,
    )
    task = asyncio.create_task(made.run())
    try:
        yield made, heard
    finally:
        task.cancel()
        await asyncio.wait([task])


def cut(session: Session) -> None:
    """Take the line away without a word."""
    link = session._link
    if isinstance(link, StreamLink):
        assert link._transport is not None
        link._transport.abort()
    elif isinstance(link, PahoLink):
        sock = link._client.socket()
        assert isinstance(sock, socket.socket)
        sock.shutdown(socket.SHUT_RDWR)


async def test_what_is_published_arrives(mosquitto: Mosquitto) -> None:
    address = Address(host=mosquitto.host, port=mosquitto.port)
    async with session(address, "a", "x/#") as (a, heard):
        await heard.connected(up=True)
        for n in range(3000):
            assert a.publish("x/y", b"%d" % n)
        assert [(await heard.next())[1] for _ in range(3000)] == [b"%d" % n for n in range(3000)]


async def test_it_comes_back_when_the_broker_does(mosquitto: Mosquitto) -> None:
    address = Address(host=mosquitto.host, port=mosquitto.port)
    async with session(address, "a", "x/#") as (a, heard):
        await heard.connected(up=True)
        await asyncio.to_thread(mosquitto.kill)
        await heard.connected(up=False)
        assert not a.publish("x/y", b"lost"), "what cannot be sent must not be promised"
        await asyncio.to_thread(mosquitto.start)
        await heard.connected(up=True)
        assert a.publish("x/y", b"back")
        assert (await heard.next())[1] == b"back"


async def test_the_will_is_for_accidents_only(mosquitto: Mosquitto) -> None:
    address = Address(host=mosquitto.host, port=mosquitto.port)
    async with session(address, "watcher", "will/#") as (_, heard):
        await heard.connected(up=True)
        async with session(address, "polite", will=("will/polite", b"lost")) as (_, polite):
            await polite.connected(up=True)
        async with session(address, "victim", will=("will/victim", b"lost")) as (victim, other):
            await other.connected(up=True)
            cut(victim)
            assert (await heard.next())[:2] == ("will/victim", b"lost")


async def test_a_broker_that_is_not_there_is_one_line_until_it_comes(
    mosquitto: Mosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    await asyncio.to_thread(mosquitto.kill)
    address = Address(host=mosquitto.host, port=mosquitto.port)
    with caplog.at_level(logging.INFO, "machiai.session"):
        async with session(address, "a") as (_, heard):
            async with asyncio.timeout(10):
                while not caplog.records:
                    await asyncio.sleep(0.01)
            await asyncio.to_thread(mosquitto.start)
            await heard.connected(up=True)
    refused, *_, connected = [record.getMessage() for record in caplog.records]
    where = f"127.0.0.1:{mosquitto.port}"
    assert refused == f"want a broker at {where}, got: Connection refused; trying again"
    assert connected == f"connected to {where}"


async def test_a_broker_that_refuses_us_is_one_line(
    mosquitto: Mosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    await asyncio.to_thread(mosquitto.kill)
    passwords = mosquitto.config.with_name("passwords")
    passwords.touch(mode=0o600)
    text = mosquitto.config.read_text().replace(
        "allow_anonymous true", f"allow_anonymous false\npassword_file {passwords}"
    )
    mosquitto.config.write_text(text)
    await asyncio.to_thread(mosquitto.start)
    address = Address(host=mosquitto.host, port=mosquitto.port, user="me", password="wrong")  # noqa: S106
    with caplog.at_level(logging.INFO, "machiai.session"):
        async with session(address, "cam-1"), asyncio.timeout(10):
            while not caplog.records:
                await asyncio.sleep(0.01)
    (line,) = {record.getMessage() for record in caplog.records}
    assert line == (
        f"the broker at 127.0.0.1:{mosquitto.port} refuses cam-1: Not authorized; trying again"
    )
    assert "wrong" not in line


async def test_a_certificate_that_is_not_there_ends_the_process() -> None:
    address = Address(host="127.0.0.1", port=free_port(), ca="/nowhere/ca.pem")
    with pytest.raises(Missing, match=r"got nothing at /nowhere/ca\.pem"):
        await Session(address, "a", on_message=lambda *_: None).run()


async def test_a_bug_in_a_callback_is_not_swallowed(mosquitto: Mosquitto) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    address = Address(host=mosquitto.host, port=mosquitto.port)

    def connected(up: bool) -> None:  # noqa: FBT001
        if up:
            one.publish("x", b"")

    one = Session(address, "a", on_message=broken, on_connection=connected, subscriptions=["x"])
    with pytest.raises(ZeroDivisionError):
        async with asyncio.timeout(10):
            await one.run()
