"""A camera of another make, Frigate: counts on its word, and nothing once that is old."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from broker.clock import Clock, starting_at
from broker.embedded import free_port
from tests.conftest import ROOT
from tests.journey.conftest import EXAMPLE, Listener, Office
from tests.journey.test_stale import Visitor

TEN = datetime(2026, 11, 24, 1, tzinfo=UTC)
"""Ten o'clock in Tokyo on a Tuesday."""
SPEED = 50.0
ZONE = "machiai/v1/minami/hub/zone/lobby"
BRIDGE = """
[[devices]]
id = "bridge-1"

[[devices.sensors]]
kind = "mqtt"
profile = "frigate"
source = "lobby"
zone = "lobby"
client = "bridge-1-frigate"
"""


@pytest.fixture
def site_file(tmp_path: Path) -> Path:
    """The example office with a Frigate, and without a guide beside it."""
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith(("guide = ", 'place = "guide-1"'))]
    path = tmp_path / "office.toml"
    path.write_text("\n".join(kept) + BRIDGE, encoding="utf-8")
    return path


async def shows(listener: Listener, clock: Clock, people: int | None) -> dict[str, Any]:
    """Wait until the hub tells so many people; None is that it does not know."""

    def so() -> bool:
        told = listener.retained.get(ZONE) or {}
        return told.get("state") == ("open" if people is not None else "no_data") and (
            told.get("people") == people
        )

    await listener.until(so)
    told: dict[str, Any] = listener.retained[ZONE]
    assert people is None or datetime.fromisoformat(told["valid_until"]) > clock.now()
    return told


@pytest.mark.broker
async def test_frigate_is_believed_while_it_is_there_and_no_longer(
    office: Office, listener: Listener, site_file: Path
) -> None:
    clock = starting_at(TEN, SPEED)
    port = free_port()
    office.process("hub", str(site_file), "--state", str(office.folder / "hub"), clock=clock)
    office.process("web", str(site_file), "--port", str(port), clock=clock)
    bridge = office.process(
        *("edge", str(site_file), "--device", "bridge-1", "--state", str(office.folder / "edge")),
        clock=clock,
    )
    frigate = office.process(
        office.mosquitto.host,
        str(office.mosquitto.port),
        program=(str(ROOT / "tests" / "journey" / "frigate_like.py"),),
    )
    health = "machiai/v1/minami/bridge-1/about"
    await listener.until(lambda: "Frigate lobby" in str(listener.retained.get(health)))

    frigate.tell("3")
    first = await shows(listener, clock, 3)
    await listener.until(lambda: _observed(listener) > _moment(first) + timedelta(seconds=120))
    states = {(told["state"], told["people"]) for told in listener.log[ZONE] if told["people"]}
    assert states == {("open", 3)}, "unchanged, and still so"

    frigate.kill()
    killed_at = clock.now()
    await shows(listener, clock, None)
    last = [told for told in listener.log[ZONE] if told["people"] is not None][-1]
    until = datetime.fromisoformat(last["valid_until"])
    assert until - killed_at < timedelta(seconds=95), "90, and what was on its way"
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        visitor = Visitor(session)
        async with asyncio.timeout(30):
            while "確認中" not in visitor.card:
                with contextlib.suppress(aiohttp.ClientConnectionError):  # it is still starting
                    await visitor.look()
        assert 'class="count"' not in visitor.card

        frigate.start()  # in mid-day: it says that it is there, and nothing of who is
        state = "machiai/v1/minami/bridge-1/state"
        await listener.until(lambda: (listener.retained.get(state) or {}).get("state") == "ready")
        since = clock.now()
        while clock.now() - since < timedelta(seconds=150):
            await visitor.look()
            assert visitor.zone["people"] is None, "the old number came back"
        frigate.tell("1")
        await shows(listener, clock, 1)
        await visitor.until(shows_people=True)
        assert visitor.zone["people"] == 1

    bridge.kill()
    await shows(listener, clock, None)
    bridge.start()  # it does not know what was before it came
    since = clock.now()
    while clock.now() - since < timedelta(seconds=120):
        await clock.sleep(10)
        assert listener.retained[ZONE]["people"] is None
    frigate.tell("4")
    await shows(listener, clock, 4)


def _moment(told: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(told["observed_at"])


def _observed(listener: Listener) -> datetime:
    """Of when the newest told count is."""
    told = listener.retained.get(ZONE) or {}
    return _moment(told) if told.get("observed_at") else TEN
