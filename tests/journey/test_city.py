"""Two hubs, one web process: a hub is killed, and only its office grows old."""

import asyncio
import contextlib
import os
import re
import sys

import aiohttp
import msgspec
import pytest

from broker.clock import Clock, starting_at
from broker.embedded import free_port
from broker.session import ENVIRONMENT, Session
from models.contract.codec import stamp
from tests.journey.conftest import EXAMPLE, Office, Process
from tests.journey.test_stale import TEN

KITA = EXAMPLE.with_name("kita.toml")
SPEED = 400.0
"""What staff say holds for half an hour: some seconds of this test."""


class Staff:
    """Says how busy each office is. Each word is a stream of its own: a hub that starts later
    waits for none of those before.
    """

    def __init__(self, session: Session, clock: Clock) -> None:
        self._session, self._clock = session, clock
        self._said = 0

    def say(self, site: str, level: int) -> None:
        self._said += 1
        said = {
            "stream": f"staff-{self._said}",
            "seq": 1,
            "boot": "1",
            "up_ms": self._clock.up_ms(),
            "at": stamp(self._clock.now()),
            "level": level,
        }
        topic = f"machiai/v1/{site}/web/obs/level/certificates"
        self._session.publish(topic, msgspec.json.encode(said))


@pytest.fixture
def city(office: Office) -> Office:
    """A broker that knows each client by its name, as the one that `machiai broker` writes."""
    broker = office.mosquitto
    broker.config.write_text(f"{broker.config.read_text('utf-8')}use_username_as_clientid true\n")
    broker.kill()
    broker.start()
    return office


def known_as(office: Office, name: str, *words: str, clock: Clock) -> Process:
    """Start `machiai WORDS` under a name of its own: of two offices there are two hubs."""
    host = f"{name}@{office.mosquitto.host}:{office.mosquitto.port}"
    environment = {**os.environ, **clock.environment(), ENVIRONMENT: f"mqtt://{host}"}
    command = [sys.executable, "-m", "machiai", *words]
    made = Process(command, environment, office.folder / f"{name}.log")
    made.start()
    return made


async def card(client: aiohttp.ClientSession, site: str) -> str:
    """What the city's list shows of an office; nothing while the web process is starting."""
    try:
        async with client.get("/for/certificates/part?lang=ja") as answer:
            html = await answer.text()
    except aiohttp.ClientConnectionError:
        return ""
    found = re.search(rf'id="office-{site}">.*?</li>', html, re.DOTALL)
    shown = found[0] if found else ""
    return re.sub(r'<p class="how" data-gone>.*?</p>', "", shown, flags=re.DOTALL)


@pytest.mark.broker
async def test_of_two_offices_only_the_one_whose_hub_dies_grows_old(city: Office) -> None:
    office, clock, port = city, starting_at(TEN, SPEED), free_port()
    words = ["web", str(EXAMPLE), str(KITA), "--port", str(port)]
    processes = {"web": known_as(office, "web", *words, clock=clock)}
    for name, path in {"minami": EXAMPLE, "kita": KITA}.items():
        words = ["hub", str(path), "--state", str(office.folder / name)]
        processes[name] = known_as(office, f"{name}.hub", *words, clock=clock)
    try:
        await both_told_until_one_dies(office, clock, port, processes)
    finally:
        for process in processes.values():
            process.kill(15)
    assert "Traceback" not in processes["web"].said()


async def both_told_until_one_dies(
    office: Office, clock: Clock, port: int, processes: dict[str, Process]
) -> None:
    """The test itself, while the processes run."""
    address = msgspec.structs.replace(office.address, user="staff")
    session = Session(address, "staff", on_message=lambda *_: None)
    staff = Staff(session, clock)

    async def keep(**levels: int) -> None:
        while True:
            for site, level in levels.items():
                staff.say(site, level)
            await asyncio.sleep(0.5)

    async def until(site: str, wanted: str, unwanted: str = "nothing") -> None:
        async with asyncio.timeout(60):
            while True:
                shown = await card(client, site)
                if wanted in shown and unwanted not in shown:
                    return
                await asyncio.sleep(0.2)

    async with (
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client,
        asyncio.TaskGroup() as group,
    ):
        running = group.create_task(session.run())
        both = group.create_task(keep(minami=2, kita=3))
        await until("minami", "やや混雑")
        await until("kita", "▲")
        both.cancel()
        one = group.create_task(keep(minami=2))
        processes["kita"].kill()
        await until("kita", "新しい情報が届いていません")
        await until("kita", "確認中", "▲")
        assert "やや混雑" in await card(client, "minami")
        assert "届いていません" not in await card(client, "minami")
        async with client.get("/kita/part?lang=ja") as answer:
            assert 'data-hub="gone"' in await answer.text()
        async with client.get("/minami/part?lang=ja") as answer:
            assert 'data-hub="here"' in await answer.text()
        async with client.get("/healthz") as answer:
            assert (answer.status, (await answer.json())["lost"]) == (200, ["kita"])
        for task in (one, running):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
