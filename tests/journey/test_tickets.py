"""A ticket machine's lines over TCP, through agent, broker and hub, out as waits."""

import asyncio
import csv
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any

import msgspec
import pytest

from broker.clock import Clock, starting_at
from models.site import parse
from tests.journey.conftest import Listener, Office
from tests.referee.replay import replay

DAY = 6  # the first with asks: five days of history
SPEED = 300
HOURS = 3.5

SENSOR = r"""
[[devices]]
id = "machine"
[[devices.sensors]]
kind = "ticket"
source = "tcp://127.0.0.1:{port}"
pattern = '^(?P<at>\S+ \S+) (?P<event>\w+) (?P<service>\S+) (?P<number>\S+) (?P<counter>\S+)$'
"""


class Ask(msgspec.Struct):
    """One question of the referee, and what the hub had told just before it."""

    id: str
    at: datetime
    truth_s: float
    told_s: float | None = None


@pytest.mark.timeout(180)
async def test_ticket_lines_come_out_as_waits_as_good_as_the_estimator_is(
    office: Office, listener: Listener, shared: Path
) -> None:
    folder = shared / "referee/sets/wait-public/juminka4"
    text = (folder / "site.toml").read_text(encoding="utf-8")
    lines = await asyncio.to_thread(ticket_lines, folder, text)
    first = min(at for at, _ in lines).replace(hour=23, minute=25, second=0, microsecond=0)
    opening = first + timedelta(days=7)  # 08:25 in Tokyo, and day 6 is the next Monday
    morning = [(at, line) for at, line in lines if opening < at < opening + timedelta(hours=HOURS)]
    asks = await asyncio.to_thread(read_asks, folder, morning[-1][0])
    assert len(asks) >= 10
    folded = await asyncio.to_thread(replay, folder, timedelta(hours=HOURS + 1))
    known = {answer.id: answer.p50 for answer in folded}  # the same estimator with nothing between
    site, said = office.folder / "site.toml", ""
    result = "machiai/v1/juminka4/hub/service/residents"
    for day in [*(first + timedelta(days=n) for n in range(DAY - 1)), opening]:
        live = day == opening
        # Earlier days come in the evening, in one go, as from a machine that was not connected.
        clock = starting_at(day, SPEED) if live else starting_at(day + timedelta(hours=10), 1)
        spool = (
            morning if live else [(a, x) for a, x in lines if day < a < day + timedelta(hours=10)]
        )
        async with machine(spool, clock) as port:
            site.write_text(text + SENSOR.format(port=port))
            hub = office.process("hub", str(site), *state(office, "hub"), clock=clock)
            words = ["edge", str(site), "--device", "machine", *state(office, "edge")]
            agent = office.process(*words, clock=clock)
            kept = tickets(listener) + len(spool)
            await listener.until(partial(has, listener, kept), 120)
            await listener.until(lambda: acked(listener), 30)
            hub.kill(15)
            agent.kill(15)
            said += hub.said() + agent.said()
    told = [r for r in listener.log[result] if r["wait"] is not None]
    for ask in asks:
        before = [r for r in told if datetime.fromisoformat(r["at"]) <= ask.at]
        ask.told_s = before[-1]["wait"]["p50_s"] if before else None
    answered = [ask for ask in asks if ask.told_s is not None]
    assert len(answered) >= 0.9 * len(asks)
    error_s = mean(abs(ask.told_s - ask.truth_s) for ask in answered if ask.told_s is not None)
    known_s = mean(abs(known[ask.id] - ask.truth_s) for ask in answered)
    # The clock runs 300 times too fast: each 0.1 s on the way is half a minute.
    assert error_s <= known_s + 45, (error_s, known_s)
    assert "Traceback" not in said


def state(office: Office, name: str) -> list[str]:
    """Where a process keeps what survives it."""
    return ["--state", str(office.folder / name)]


def tickets(listener: Listener) -> int:
    """How many different ticket events have been on the wire."""
    sent = listener.log["machiai/v1/juminka4/machine/obs/ticket/residents"]
    return len({(o["stream"], o["seq"]) for o in sent})


def has(listener: Listener, kept: int) -> bool:
    """Whether so many have been."""
    return tickets(listener) >= kept


def acked(listener: Listener) -> bool:
    """Whether the hub has all of them."""
    ack = listener.retained.get("machiai/v1/juminka4/machine/ack", {"seq": 0, "stream": ""})
    sent = listener.log["machiai/v1/juminka4/machine/obs/ticket/residents"]
    newest = sent[-1]["stream"]
    last = max(o["seq"] for o in sent if o["stream"] == newest)
    return bool(ack["stream"] == newest and ack["seq"] >= last)


def ticket_lines(folder: Path, text: str) -> list[tuple[datetime, str]]:
    """The log's ticket events as a machine prints them."""
    zone = parse(text).zone_info
    lines = []
    with gzip.open(folder / "log.jsonl.gz") as file:
        for raw in file:
            if b"/obs/ticket/" in raw:
                one: dict[str, Any] = msgspec.json.decode(raw)
                at = datetime.fromisoformat(one["payload"]["at"])
                local = at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
                payload, service = one["payload"], one["topic"].rpartition("/")[2]
                counter = payload["counter"] or "-"
                line = f"{local} {payload['event']} {service} {payload['number']} {counter}"
                lines.append((at, line))
    return lines


def read_asks(folder: Path, until: datetime) -> list[Ask]:
    """The asks of that morning, with their truth."""
    with (folder / "truth.csv").open() as file:
        truth = {row["id"]: row for row in csv.DictReader(file)}
    asks = []
    with (folder / "ask.csv").open() as file:
        for row in csv.DictReader(file):
            at, known = datetime.fromisoformat(row["at"]), truth[row["id"]]
            if row["kind"] == "wait" and int(known["day"]) == DAY and at < until:
                asks.append(Ask(row["id"], at, float(known["truth_s"])))
    return asks


@asynccontextmanager
async def machine(lines: list[tuple[datetime, str]], clock: Clock) -> AsyncIterator[int]:
    """A ticket machine on a port of its own: each line at its time, what is past at once."""

    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for at, line in lines:
            await clock.sleep((at - clock.now()).total_seconds())
            writer.write(line.encode() + b"\r\n")
            await writer.drain()
        await over.wait()
        writer.close()

    over = asyncio.Event()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        over.set()
        server.close()
