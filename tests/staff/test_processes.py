"""The web process itself, with staff's pages: of one office, and of a city."""

import asyncio
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from broker.clock import Clock
from broker.embedded import free_port
from broker.session import ENVIRONMENT, Address, Session
from models.contract import topics
from models.contract.codec import encode
from models.contract.results import State
from tests.conftest import ROOT, Mosquitto
from tests.journey.conftest import EXAMPLE, Process
from tests.staff.house import PASSWORD, Client

pytestmark = pytest.mark.broker

KITA = EXAMPLE.with_name("kita.toml")


class Web:
    """`machiai web` of some offices, and hubs that say that they are there."""

    def __init__(self, mosquitto: Mosquitto, folder: Path, *sites: Path) -> None:
        self.folder, self.sites, port = folder, sites, free_port()
        self.base = f"http://127.0.0.1:{port}"
        self.address = Address(host=mosquitto.host, port=mosquitto.port)
        environment = {
            **os.environ,
            ENVIRONMENT: f"mqtt://{mosquitto.host}:{mosquitto.port}",
            "STATE_DIRECTORY": str(folder / "state"),
        }
        command = [sys.executable, "-m", "machiai", "web", *map(str, sites), "--port", str(port)]
        self.process = Process(command, environment, folder / "web.log")
        self.process.start()

    def ask(self, path: str) -> tuple[int, str, str]:
        """Status, text and cookies; 0 while it is starting."""
        try:
            with urllib.request.urlopen(f"{self.base}{path}", timeout=10) as answer:
                cookies = answer.headers.get("Set-Cookie", "")
                return answer.status, answer.read().decode(), cookies
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(), error.headers.get("Set-Cookie", "")
        except OSError:
            return 0, "", ""

    async def until(self, path: str, good: Callable[[int, str], bool]) -> None:
        """Ask until the answer is good."""
        async with asyncio.timeout(90):
            while True:
                status, text, _ = await asyncio.to_thread(self.ask, path)
                if good(status, text):
                    return
                assert self.process.is_running, self.process.said()
                await asyncio.sleep(0.1)

    def staff(self, site: Path, *words: str) -> str:
        """`machiai staff`, beside the process."""
        secret = self.folder / "password"
        secret.write_text(PASSWORD, "utf-8")
        more = ["--password-file", str(secret)] if words[0] == "add" else []
        return subprocess.run(
            [
                *(sys.executable, "-m", "machiai", "staff", str(site), *words, *more),
                *("--state", str(self.folder / "state")),
            ],
            check=True,
            capture_output=True,
            text=True,
            cwd=ROOT,
        ).stdout


def site_file(folder: Path, of: Path, name: str, *, staff: bool = True) -> Path:
    """An office's file, of this id, with staff's pages or without."""
    text = of.read_text("utf-8").replace('guide = "example-guide.toml"\n', "")
    text = text.replace(f'id = "{of.stem if of == KITA else "minami"}"', f'id = "{name}"', 1)
    head, table, _ = text.partition("\n[staff]")
    made = folder / f"{name}.toml"
    made.write_text(f"{head}\n[staff]\n" if staff else head if table else text, "utf-8")
    return made


async def hubs_are_there(address: Address, *sites: str) -> set[str]:
    """Each hub says so; who hears it are devices, and what they say of themselves comes back."""
    heard: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
    up = asyncio.Event()

    def connection(there: bool) -> None:  # noqa: FBT001  the session's callback
        if there:
            up.set()

    session = Session(
        address,
        "hubs",
        subscriptions=["machiai/v1/+/web/state"],
        on_message=lambda topic, payload, _: heard.put_nowait((topic, payload)),
        on_connection=connection,
    )
    running = asyncio.create_task(session.run())
    try:
        async with asyncio.timeout(60):
            await up.wait()
            for site in sites:
                said = encode(State(state="ready", at=Clock().now()))
                session.publish(topics.result(site, "state"), said, retain=True)
            ready: set[str] = set()
            while len(ready) < len(sites):
                topic, payload = await heard.get()
                if json.loads(payload)["state"] == "ready":
                    ready.add(topic.split("/")[2])
                if ready == set(sites):
                    break
            await session.flush()
            return ready
    finally:
        running.cancel()


async def test_one_office_has_staff_s_pages_beside_the_residents(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    site = await asyncio.to_thread(site_file, tmp_path, EXAMPLE, "minami")
    web = await asyncio.to_thread(Web, mosquitto, tmp_path, site)
    try:
        await web.until("/staff/login", lambda status, _: status == 200)
        assert await hubs_are_there(web.address, "minami") == {"minami"}
        await web.until("/healthz", lambda status, _: status == 200)
        await asyncio.to_thread(comes_in_and_is_removed, web, site)
    finally:
        await asyncio.to_thread(web.process.kill, 15)
    said = await asyncio.to_thread(web.process.said)
    assert "Traceback" not in said, said


def comes_in_and_is_removed(web: Web, site: Path) -> None:
    assert "アカウントがまだありません" in web.ask("/staff/login?lang=ja")[1]
    assert "taro: may come in" in web.staff(site, "add", "taro", "--role", "facility")
    client = Client(web.base)
    assert client.login("taro").status == 303
    assert "account add" in client.get("/audit").text
    for path in ("/", "/text", "/api/v1/sites", "/healthz"):
        status, text, cookies = web.ask(path)
        assert (status, cookies) == (200, ""), path
        assert "staff" not in text
    web.staff(site, "remove", "taro")
    assert client.get("/audit").place.startswith("/staff/login")


async def test_in_a_city_each_office_has_a_door_of_its_own(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    minami = await asyncio.to_thread(site_file, tmp_path, EXAMPLE, "minami")
    kita = await asyncio.to_thread(site_file, tmp_path, KITA, "kita")
    higashi = await asyncio.to_thread(site_file, tmp_path, KITA, "higashi", staff=False)
    web = await asyncio.to_thread(Web, mosquitto, tmp_path, minami, kita, higashi)
    try:
        await web.until("/minami/staff/login", lambda status, _: status == 200)
        assert await hubs_are_there(web.address, "minami", "kita") == {"minami", "kita"}
        session = asyncio.create_task(told(web.address, "higashi"))
        await web.until("/healthz", lambda status, text: status == 200 and '"lost": []' in text)
        session.cancel()
        await asyncio.to_thread(are_apart, web, minami, kita)
    finally:
        await asyncio.to_thread(web.process.kill, 15)
    said = await asyncio.to_thread(web.process.said)
    assert "Traceback" not in said, said


async def told(address: Address, site: str) -> None:
    """The hub of an office without staff's pages says that it is there."""
    session: Session

    def connection(there: bool) -> None:  # noqa: FBT001  the session's callback
        if there:
            said = encode(State(state="ready", at=Clock().now()))
            session.publish(topics.result(site, "state"), said, retain=True)

    session = Session(address, site, on_message=lambda *_: None, on_connection=connection)
    await session.run()


def are_apart(web: Web, minami: Path, kita: Path) -> None:
    web.staff(minami, "add", "hanako", "--role", "facility")
    web.staff(kita, "add", "jiro", "--role", "viewer")
    client = Client(web.base, "/minami")
    assert client.login("hanako").status == 303
    assert "南区役所" in client.get("/account").text
    assert set(client.cookies) == {"machiai-minami"}
    other = Client(web.base, "/kita")
    other.cookies = dict(client.cookies)
    assert other.get("/account").place.startswith("/kita/staff/login")
    assert other.login("hanako").status == 401
    assert other.login("jiro").status == 303
    assert set(other.cookies) == {"machiai-minami", "machiai-kita"}
    client.cookies = dict(other.cookies)
    assert client.get("/account").status == 200, "one is in at both"
    assert web.ask("/staff/login")[0] == 404
    assert web.ask("/higashi/staff/login")[0] == 404
