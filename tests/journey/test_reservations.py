"""A book of reservations on a real office: residents read how many come, nobody reads who."""

import asyncio
import contextlib
import html
import os
import re
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from broker.clock import Clock, starting_at
from broker.embedded import free_port
from broker.session import Session
from models.contract import topics
from models.contract.codec import encode_observation
from models.contract.observations import Envelope, SetLevel
from tests.journey.conftest import EXAMPLE, Listener, Office

TEN = datetime(2026, 11, 24, 1, tzinfo=UTC)
"""Ten o'clock in Tokyo on a Tuesday."""

WHO = ("山田", "花子", "Hanako", "090-1234-5678", "hanako@example.jp", "8f3a-77b1", "MN-20261124")
"""All that names a person in the two books."""

READER = """
[[devices]]
id = "reader"
[[devices.sensors]]
kind = "bookings"
source = '{folder}/book.csv'
format = "csv"
encoding = "cp932"
date = "日"
time = "時刻"
every_s = 10
services = [{{ service = "mynumber" }}]
[[devices.sensors]]
kind = "bookings"
source = '{folder}/book.ics'
format = "ics"
every_s = 10
services = [{{ service = "moving", column = "CATEGORIES", is = ["転居"] }}]
"""
CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
BEGIN:VEVENT
UID:8f3a-77b1
DTSTART;TZID=Asia/Tokyo:20261124T104500
SUMMARY:山田 花子 転居
ATTENDEE;CN=Hanako:mailto:hanako@example.jp
CATEGORIES:転居
END:VEVENT
END:VCALENDAR
"""


def book(*times: str) -> bytes:
    rows = [f"MN-20261124-{n},2026/11/24,{t},山田 花子,090-1234-5678" for n, t in enumerate(times)]
    return "\r\n".join(["番号,日,時刻,氏名,電話", *rows, ""]).encode("cp932")


def write(path: Path, body: bytes, clock: Clock) -> None:
    """As an export does it: beside its place, then in it; now by the office's clock."""
    fresh = path.with_suffix(".new")
    fresh.write_bytes(body)
    os.utime(fresh, (clock.now().timestamp(),) * 2)
    fresh.replace(path)


def set_up(folder: Path, clock: Clock) -> Path:
    """The site file, and the two books beside it."""
    text = EXAMPLE.read_text("utf-8")
    for service in ("mynumber", "moving"):
        text = text.replace(f'id = "{service}"', f'id = "{service}"\nbookings = "first"')
    write(folder / "book.csv", book("10:30", "11:00", "9:00"), clock)
    write(folder / "book.ics", CALENDAR.replace("\n", "\r\n").encode(), clock)
    site = folder / "site.toml"
    site.write_text(text + READER.format(folder=folder), "utf-8")
    return site


async def shown(client: aiohttp.ClientSession, wanted: str) -> None:
    """Wait until the residents' page says so."""
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(aiohttp.ClientConnectionError):  # it is still starting
                async with client.get("/part", params={"lang": "ja"}) as answer:
                    text = html.unescape(re.sub(r"<[^>]+>", "", await answer.text()))
                if wanted in text:
                    return
            await asyncio.sleep(0.05)


def level(clock: Clock, service: str) -> tuple[str, bytes]:
    """Staff say how busy it is, so that the page has something to tell of a service."""
    envelope = Envelope(stream=service, seq=1, boot="b", up_ms=0, at=clock.now())
    topic = topics.observation("minami", "desk", "level", service)
    return topic, encode_observation(envelope, SetLevel(level=2))


def everything(folder: Path) -> bytes:
    """Each byte that any process has written, its logs included."""
    ours = ("book.csv", "book.ics", "site.toml")
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in ours]
    return b"\n".join(path.read_bytes() for path in files)


@pytest.mark.broker
async def test_residents_read_how_many_come_and_nobody_reads_who(
    office: Office, listener: Listener
) -> None:
    clock, port = starting_at(TEN, 5), free_port()
    site = str(await asyncio.to_thread(set_up, office.folder, clock))
    state = ["--state", str(office.folder / "hub")]
    hub = office.process("hub", site, *state, clock=clock)
    reader = ["edge", site, "--device", "reader", "--state", str(office.folder / "edge")]
    agent = office.process(*reader, clock=clock)
    web = office.process("web", site, "--port", str(port), clock=clock)
    await listener.until(lambda: "machiai/v1/minami/hub/state" in listener.retained)
    up = asyncio.Event()
    session = Session(
        office.address, "desk", on_message=lambda *_: None, on_connection=lambda _: up.set()
    )
    running = asyncio.create_task(session.run(), name="desk")
    await up.wait()
    for service in ("mynumber", "moving"):
        session.publish(*level(clock, service))
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
        await shown(client, "予約の方：このあと2人（次は10時30分）")
        await shown(client, "予約の方：このあと1人（次は10時45分）")
        write(office.folder / "book.csv", book("11:00"), clock)
        await shown(client, "予約の方：このあと1人（次は11時）")
    running.cancel()
    for process in (agent, web, hub):
        process.kill(15)
    log = office.folder / "log.jsonl"
    exported = office.process("hub", site, *state, "--export", str(log))
    async with asyncio.timeout(30):
        while exported.is_running:
            await asyncio.sleep(0.05)
    told = b"\n".join([*(topic.encode() + payload for topic, payload in listener.raw)])
    kept = await asyncio.to_thread(everything, office.folder)
    assert b'"minute":630,"booked":1' in told
    assert b"bookings" in kept
    for who in WHO:
        for encoding in ("utf-8", "cp932", "utf-16-le"):
            assert who.encode(encoding) not in told, who
            assert who.encode(encoding) not in kept, who
            assert who.encode("unicode_escape") not in kept or who.isascii(), who
