"""The feed does what its own description says, whatever is asked: schemathesis on `machiai web`."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from broker.clock import Clock
from broker.embedded import free_port
from broker.session import Session
from models.contract import codec, topics
from models.contract.results import Message
from models.site import Site, parse
from signage.feed import feed
from signage.feed.history import Days
from tests.journey.conftest import EXAMPLE, Office
from tests.signage.office import HandClock, Hub

KITA = EXAMPLE.with_name("kita.toml")
MINAMI_SITE, KITA_SITE = (parse(path.read_text("utf-8")) for path in (EXAMPLE, KITA))
SITE = "/api/v1/sites/minami"
NOT_DESCRIBED = "stream"
"""It never ends, so it cannot be asked in this way; `tests/signage/test_feed.py` reads it."""

CONFIG = """
[parameters]
day = "{day}"
alert = "{alert}"
"""
"""What nobody could guess; tests of one address each ask for what is not there."""


class Publisher(Hub):
    """Says over the broker what the hub would."""

    def __init__(self, session: Session, site: Site) -> None:
        super().__init__(site, HandClock(Clock().now()))
        self._session = session

    def say(self, kind: str, message: Message | None) -> None:
        super().say(kind, message)
        payload = b"" if message is None else codec.encode(message)
        self._session.publish(topics.result(self.site.id, kind), payload, retain=True)


async def asked(session: aiohttp.ClientSession, path: str, wanted: str) -> str:
    """What is served at a path, as soon as it says what is wanted."""
    async with asyncio.timeout(30):
        while True:
            try:
                async with session.get(path) as answer:
                    text = await answer.text()
            except aiohttp.ClientConnectionError:  # it is still starting
                text = ""
            if wanted in text:
                return text
            await asyncio.sleep(0.1)


@pytest.mark.broker
async def test_every_address_answers_as_described(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    up = asyncio.Event()
    session = Session(
        office.address,
        "hub",
        subscriptions=[],
        on_message=lambda *_: None,
        on_connection=lambda there: up.set() if there else None,
    )
    running = asyncio.create_task(session.run(), name="hub")
    await up.wait()
    hub = Publisher(session, MINAMI_SITE)
    hub.paused()
    other = Publisher(session, KITA_SITE)
    other.ready()
    other.service("moving", 1, 3, (7, 12, 19))
    document = feed.document(hub.mirror, hub.clock.now())
    await asyncio.to_thread(Days(tmp_path / "history", hub.site).note, document)

    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    port = free_port()
    web = office.process("web", str(EXAMPLE), str(KITA), "--port", str(port))
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
        listed = await asked(client, f"{SITE}/notices/ja.atom", ".xml")
        await asked(client, "/api/v1/sites/kita", '"open"')
        history = await asked(client, f"{SITE}/history", ".csv")
    alert = re.findall(r"/notices/([\w-]+)\.xml", listed)[0]
    day = re.findall(r"/history/([\d-]+)\.csv", history)[0]
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG.format(day=day, alert=alert), "utf-8")
    done = await asyncio.to_thread(_run, config, port)
    running.cancel()
    assert done.returncode == 0, done.stdout
    assert "14 selected" in done.stdout
    assert "Missing test data" not in done.stdout, "some address never answered with 200"
    assert web.is_running


def _run(config: Path, port: int) -> "subprocess.CompletedProcess[str]":
    command: list[Any] = [
        Path(sys.executable).with_name("schemathesis"), "--config-file", config,
        "run", f"http://127.0.0.1:{port}/openapi.json",
        "--exclude-operation-id", NOT_DESCRIBED, "--phases", "examples,coverage,fuzzing",
        "--max-examples", "15", "--generation-deterministic", "--continue-on-failure",
    ]  # fmt: skip
    return subprocess.run(
        command, cwd=config.parent, check=False, capture_output=True, text=True, timeout=100
    )
