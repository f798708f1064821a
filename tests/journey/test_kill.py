"""kill -9 of the hub, the agent and the broker while pulses flow."""

import asyncio
import random
import sqlite3
from collections import defaultdict
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from broker.hub.history.sqlite import Journal
from models.contract.codec import decode_reading
from models.contract.observations import Pulse
from tests.journey.conftest import Listener, Office

SITE = """
[site]
id = "kill"
name = { ja = "試験", en = "Test" }
hours = [{ days = "mon-sun", open = "00:00", close = "24:00" }]
holidays = "none"
[[lots]]
id = "front"
capacity = 1000
[[gates]]
id = "gate"
lot = "front"
[[devices]]
id = "pi"
[[devices.sensors]]
kind = "gate"
gate = "gate"
pins = [17, 27]
bounce_ms = 20
"""

PULSES = 60


_TOTAL = """
SELECT (SELECT name FROM stream ORDER BY first DESC LIMIT 1), coalesce(sum(count), 0) FROM total
"""


class Tally:
    """How many pulses the agent's processes have made durable; they see them no earlier."""

    def __init__(self, outbox: Path) -> None:
        self._outbox = outbox
        self._kept: dict[str, int] = {}

    def look(self) -> int:
        """All of them, of each process that wrote a stream."""
        try:
            with closing(sqlite3.connect(f"file:{self._outbox}?mode=ro", uri=True)) as db:
                stream, count = db.execute(_TOTAL).fetchone()
        except sqlite3.OperationalError:  # not made yet, or being recovered
            return sum(self._kept.values())
        self._kept[stream] = max(count, self._kept.get(stream, 0))
        return sum(self._kept.values())


async def seen(tally: Tally, at_least: int, timeout_s: float = 5.0) -> bool:
    """Wait until the agent has so many; False if that does not come (it was killed on the way)."""
    try:
        async with asyncio.timeout(timeout_s):
            while await asyncio.to_thread(tally.look) < at_least:
                await asyncio.sleep(0.01)
    except TimeoutError:
        return False
    return True


@pytest.mark.timeout(180)
async def test_every_edge_that_the_living_agent_saw_is_counted_once(
    office: Office, listener: Listener
) -> None:
    rng = random.Random(20261124)
    site = office.folder / "site.toml"
    site.write_text(SITE)
    outbox = office.folder / "edge" / "pi" / "outbox.sqlite"
    tally = Tally(outbox)
    hub = office.process("hub", str(site), "--state", str(office.folder / "hub"))
    agent = office.process(
        str(site), "pi", str(office.folder / "edge"), program=("-m", "tests.journey.pulse_agent")
    )
    lot, about = "machiai/v1/kill/hub/lot/front", "machiai/v1/kill/pi/about"
    await listener.until(lambda: any(map(watches, listener.log[about])))
    victims = iter(["hub", "agent", "broker", "agent", "hub", "broker"] * 2)
    for n in range(PULSES):
        before = await asyncio.to_thread(tally.look)
        agent.tell(rng.choice(["in", "in", "out"]))
        if n % 5 == 2:
            await asyncio.sleep(rng.random() * 0.4)  # anywhere in the passage of a car
            victim = next(victims)
            if victim == "hub":
                await asyncio.to_thread(hub.kill)
                hub.start()
            elif victim == "broker":
                await asyncio.to_thread(office.mosquitto.kill)
                await asyncio.to_thread(office.mosquitto.start)
            else:
                await asyncio.to_thread(agent.kill)
                await asyncio.to_thread(tally.look)
                told = len(listener.log[about])
                agent.start()
                await listener.until(partial(watched, listener.log[about], told))
                continue  # this car may have passed while nobody lived to see it
        assert await seen(tally, before + 1), f"pulse {n} was not seen by a living agent"
    total = await asyncio.to_thread(tally.look)
    assert total >= PULSES - 4, "at most the four cars that met a dying agent may be unseen"

    def acknowledged() -> bool:
        with sqlite3.connect(f"file:{outbox}?mode=ro", uri=True) as db:
            return bool(
                db.execute("SELECT count(*) FROM observation WHERE kind = 'pulse'").fetchone()[0]
                == 0
            )

    async with asyncio.timeout(30):
        while not await asyncio.to_thread(acknowledged):
            await asyncio.sleep(0.05)
    await asyncio.to_thread(hub.kill)
    await asyncio.to_thread(agent.kill)
    await asyncio.to_thread(check, office.folder / "hub" / "journal.sqlite", total)
    assert "Traceback" not in hub.said() + agent.said()
    assert lot in listener.retained


def watched(abouts: list[dict[str, Any]], told: int) -> bool:
    """Whether the agent has said it since."""
    return any(map(watches, abouts[told:]))


def watches(about: dict[str, Any]) -> bool:
    """Whether the agent says by what it sees: its pins are open."""
    return bool(about["sensors"][0]["basis"])


def check(journal_path: Path, total: int) -> None:
    journal = Journal(journal_path)
    records = list(journal.records())
    journal.close()
    streams: dict[str, list[int]] = defaultdict(list)
    for record in records:
        streams[record.stream].append(record.seq)
    for seqs in streams.values():
        assert seqs == list(range(1, len(seqs) + 1)), "a hole, or one twice"
    pulses = [(r.stream, decode_reading(r.kind, r.payload)) for r in records if r.kind == "pulse"]
    assert len(pulses) == total
    last = {(stream, p.direction): p.total for stream, p in pulses if isinstance(p, Pulse)}
    assert sum(last.values()) == total
    assert all(msgspec.json.decode(r.payload)["seq"] == r.seq for r in records)
