"""What goes wrong in offices: one clear line, the right exit code or state, and nothing lost."""

import asyncio
import os
import random
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from broker.clock import starting_at
from broker.session import Session
from models.contract import topics
from models.contract.codec import encode_observation
from models.contract.observations import Envelope, People
from tests.conftest import ROOT
from tests.journey.conftest import EXAMPLE, Listener, Office

CAMERA = """
[site]
id = "bad"
name = { ja = "試験", en = "Test" }
contact = { ja = "総務課" }
hours = [{ days = "mon-sun", open = "00:00", close = "24:00" }]
holidays = "none"
[[zones]]
id = "lobby"
capacity = 10
[[devices]]
id = "cam-1"
[[devices.sensors]]
kind = "camera"
approved = 2026-11-01
source = "/dev/video99"
zones = [{ zone = "lobby" }]
"""


def machiai(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "machiai", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )


@pytest.mark.parametrize(
    ("change", "code", "line"),
    [
        (("capacity = 60", "capacity = 0"), 78, "Expected `int` >= 1 - at `$.zones[0].capacity`"),
        (("capacity = 60", 'capacity = "x"'), 78, "Expected `int`, got `str`"),
        (("few = 5", "phew = 5"), 78, "Object contains unknown field `phew` - at `$.lots[0]`"),
        (("pin = 5", "pim = 5"), 78, "`pim` - at `$.devices[5].sensors[0]`"),
        (('gate = "front-in"', 'gate = "back"'), 78, "`$.devices[3].sensors[0].gate`"),
        (('kind = "ticket"', 'kind = "tickets"'), 78, "got 'tickets' - at `$.devices[0]"),
        (('"Asia/Tokyo"', '"Asia/Tokio"'), 78, "at `$.site.timezone`"),
        (("[site]", "[site"), 78, "want TOML"),
    ],
)
def test_a_wrong_site_file_is_one_line_with_its_path(
    tmp_path: Path, change: tuple[str, str], code: int, line: str
) -> None:
    site = tmp_path / "site.toml"
    text = EXAMPLE.read_text(encoding="utf-8")
    assert change[0] in text
    site.write_text(text.replace(*change, 1), encoding="utf-8")
    for words in (["check", str(site)], ["edge", str(site), "--device", "all"]):
        run = machiai(*words)
        assert run.returncode == code
        assert line in run.stderr
        assert run.stderr.count("\n") == 1
        assert run.stderr.startswith(f"machiai: {site}: "), run.stderr


def test_the_example_is_right() -> None:
    run = machiai("check", str(EXAMPLE))
    assert (run.returncode, run.stderr) == (0, "")
    assert "5 services, 6 counters" in run.stdout


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["check", "nowhere.toml"], 66),
        (["edge", str(EXAMPLE), "--device", "nobody"], 78),
        (["display", str(EXAMPLE), "--display", "nobody"], 78),
        (["demo", "--speed", "-1"], 64),
        (["demo", "--port", "99999"], 64),
        (["nonsense"], 64),
        (["models", "pull", "nonsense"], 66),
        (["check", "/"], 66),
    ],
)
def test_a_wrong_command_is_one_line(words: list[str], code: int) -> None:
    run = machiai(*words)
    assert run.returncode == code, run.stderr
    assert run.stderr.count("\n") == 1
    assert run.stderr.startswith("machiai: ")


async def test_a_camera_that_is_not_there_is_an_alert_and_the_rest_goes_on(
    office: Office, listener: Listener
) -> None:
    site = office.folder / "site.toml"
    site.write_text(CAMERA)
    agent = office.process(
        "edge", str(site), "--device", "cam-1", "--state", str(office.folder / "edge")
    )
    state, beat = "machiai/v1/bad/cam-1/state", "machiai/v1/bad/cam-1/obs/beat/all"
    await listener.until(lambda: listener.retained.get(state, {}).get("state") == "alert")
    assert "/dev/video99" in listener.retained[state]["why"]
    await listener.until(lambda: bool(listener.log[beat]))
    assert agent.kill(15) == 0
    await listener.until(lambda: listener.retained[state]["state"] == "disconnected")
    said = [line for line in agent.said().splitlines() if "machiai.session" not in line]
    assert len(said) == 1, said
    assert "/dev/video99" in said[0]


async def test_garbage_at_the_broker_is_refused_counted_and_harms_nobody(
    office: Office, listener: Listener
) -> None:
    site = office.folder / "site.toml"
    site.write_text(CAMERA)
    hub = office.process("hub", str(site), "--state", str(office.folder / "hub"))
    zone, about = "machiai/v1/bad/hub/zone/lobby", "machiai/v1/bad/hub/about"
    await listener.until(lambda: zone in listener.retained)
    topic = topics.observation("bad", "cam-1", "people", "lobby")
    rng = random.Random(7)
    async with Sender(office) as session:
        for _ in range(200):
            session.publish(topic, rng.randbytes(rng.randrange(400)))
        session.publish(topic, b"[" * 10_000_000)
        session.publish(topic, b"x" * 10_000_000)
        session.publish("machiai/v1/bad/cam-1/obs/nonsense/lobby", b"{}")
        envelope = Envelope(stream="s", seq=1, boot="b", up_ms=1, at=None)
        session.publish(topic, encode_observation(envelope, People(count=7)))
        await listener.until(lambda: listener.retained[zone]["people"] == 7)
        await listener.until(lambda: sum(listener.retained[about]["refused"].values()) >= 203)
    ack = "machiai/v1/bad/cam-1/ack"
    await listener.until(lambda: listener.retained.get(ack) == {"stream": "s", "seq": 1})
    assert hub.is_running
    lines = [line for line in hub.said().splitlines() if "machiai.session" not in line]
    assert len(lines) == 1, "once a device and hour"
    assert "Traceback" not in hub.said()


async def test_a_hub_in_1970_waits_for_the_time_and_nothing_is_lost(
    office: Office, listener: Listener
) -> None:
    site = office.folder / "site.toml"
    site.write_text(CAMERA)
    topic = topics.observation("bad", "cam-1", "people", "lobby")
    state, zone = "machiai/v1/bad/hub/state", "machiai/v1/bad/hub/zone/lobby"
    folder = str(office.folder / "hub")
    dark = starting_at(datetime(1970, 1, 1, 0, 0, 20, tzinfo=UTC), 1)
    hub = office.process("hub", str(site), "--state", folder, clock=dark)
    await listener.until(lambda: listener.retained.get(state, {}).get("state") == "alert")
    assert listener.retained[state]["at"] is None
    assert listener.retained[state]["why"].startswith("want a clock that is set, got 1970-01-01T")
    envelope = Envelope(stream="s", seq=1, boot="b", up_ms=1, at=None)
    async with Sender(office) as session:
        session.publish(topic, encode_observation(envelope, People(count=7)))
        await session.flush()
        assert hub.kill(15) == 0
        assert "machiai/v1/bad/cam-1/ack" not in listener.retained, "what is not kept is not acked"
        assert zone not in listener.retained
        office.process("hub", str(site), "--state", folder)
        await listener.until(lambda: listener.retained[state]["state"] == "ready")
        session.publish(topic, encode_observation(envelope, People(count=7)))  # as an outbox does
        await listener.until(lambda: listener.retained.get(zone, {}).get("people") == 7)


async def test_an_agent_in_1970_sends_undated_and_the_hub_dates_it(
    office: Office, listener: Listener
) -> None:
    site = office.folder / "site.toml"
    site.write_text(CAMERA)
    dark = starting_at(datetime(1970, 1, 1, 0, 0, 20, tzinfo=UTC), 1)
    office.process(
        "edge", str(site), "--device", "cam-1", "--state", str(office.folder / "e"), clock=dark
    )
    beat = "machiai/v1/bad/cam-1/obs/beat/all"
    await listener.until(lambda: bool(listener.log[beat]))
    assert listener.log[beat][0]["at"] is None
    office.process("hub", str(site), "--state", str(office.folder / "hub"))
    await listener.until(lambda: listener.retained.get("machiai/v1/bad/cam-1/ack", {}) != {})


class Sender:
    """A device that anybody could be, connected."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def __aenter__(self) -> Session:
        up = asyncio.Event()
        session = Session(
            self._office.address,
            "cam-1",
            on_message=lambda *_: None,
            on_connection=lambda _: up.set(),
        )
        self._task = asyncio.create_task(session.run())
        await up.wait()
        return session

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])
