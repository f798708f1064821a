"""When an agent admits that it may have missed events, and when it need not."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar

import pytest

from broker.clock import Clock, starting_at
from broker.hub.history.sqlite import Record, from_milliseconds
from broker.session import Address
from edge.agent import Agent
from edge.sensors import Output, Port, Settings
from models.contract.codec import decode_reading
from models.contract.observations import Gap, People, Pulse
from models.errors import SensorFailed
from models.site import Device
from tests.broker.rig import SITE, address_of, hub_at, journalled, until
from tests.conftest import Mosquitto


class Gate:
    """Fails as often as it is told, then sees one car at each turn of `cars`."""

    Settings: ClassVar[type[Settings]] = Settings
    reading = Output("pulse", "gate")

    def __init__(self, failures: int) -> None:
        self._failures = failures
        self.cars: asyncio.Queue[None] = asyncio.Queue()

    def outputs(self) -> Sequence[Output]:
        return [self.reading]

    async def run(self, port: Port) -> None:
        if self._failures:
            self._failures -= 1
            raise SensorFailed(f"want GPIO 17, got: {'unplugged ' * 20}")
        await port.describe("a lane of a test")
        while True:
            await self.cars.get()
            await self.look(port)

    async def look(self, port: Port) -> None:
        await port.emit("gate", Pulse(direction="in"))


class Eye(Gate):
    """The same with a gauge."""

    reading = Output("people", "lobby")

    async def look(self, port: Port) -> None:
        await port.emit("lobby", People(count=3))


@pytest.fixture
def address(mosquitto: Mosquitto) -> Address:
    return address_of(mosquitto)


@asynccontextmanager
async def at_work(sensor: Gate, address: Address, folder: Path) -> AsyncIterator[Agent]:
    agent = await asyncio.to_thread(
        lambda: Agent(
            SITE,
            Device(id="pi"),
            [sensor],
            clock=starting_at(Clock().now(), 1),
            address=address,
            folder=folder,
        )
    )
    task = asyncio.create_task(agent.run())
    try:
        yield agent
    finally:
        task.cancel()
        await asyncio.wait([task])


async def seen(agent: Agent, sensor: Gate, cars: int) -> None:
    """Let cars pass, and wait until the hub has them and all before them."""
    before = agent._presence.outbox.last
    for _ in range(cars):
        sensor.cars.put_nowait(None)

    async def arrived() -> bool:
        depth = await asyncio.to_thread(agent._presence.outbox.depth)
        return agent._presence.outbox.last >= before + cars and sensor.cars.empty() and depth == 0

    await until(arrived)


def gaps(records: list[Record]) -> list[tuple[Record, Gap]]:
    found = [(r, decode_reading(r.kind, r.payload)) for r in records if r.kind == "gap"]
    return [(record, reading) for record, reading in found if isinstance(reading, Gap)]


async def test_a_sensor_that_is_lost_says_so_at_once_and_since_when_as_soon_as_it_works_again(
    address: Address, tmp_path: Path
) -> None:
    sensor = Gate(failures=1)
    async with hub_at(address, tmp_path / "hub"), at_work(sensor, address, tmp_path) as agent:
        await seen(agent, sensor, 2)
    records = await asyncio.to_thread(journalled, tmp_path / "hub")
    (_, first), (record, gap) = gaps(records)
    assert record.name == "gate"
    assert gap.why.startswith("want GPIO 17, got: unplugged")
    assert gap.since is not None
    assert first == gap
    assert 0.5 < (from_milliseconds(record.at_ms) - gap.since).total_seconds() < 20
    kinds = [r.kind for r in records if r.kind != "beat"]
    assert kinds == ["gap", "gap", "pulse", "pulse"], "before the first that it sees again"


async def test_a_gauge_that_was_lost_needs_no_gap(address: Address, tmp_path: Path) -> None:
    sensor = Eye(failures=1)
    async with hub_at(address, tmp_path / "hub"), at_work(sensor, address, tmp_path) as agent:
        await seen(agent, sensor, 1)
    assert gaps(await asyncio.to_thread(journalled, tmp_path / "hub")) == []


async def test_an_agent_that_was_stopped_tells_since_when(address: Address, tmp_path: Path) -> None:
    async with hub_at(address, tmp_path / "hub"):
        for _ in range(2):
            sensor = Gate(failures=0)
            async with at_work(sensor, address, tmp_path) as agent:
                await seen(agent, sensor, 1)
    records = await asyncio.to_thread(journalled, tmp_path / "hub")
    ((record, gap),) = gaps(records)
    assert gap.why == "the agent was stopped"
    before = [r.at_ms for r in records[: records.index(record)]]
    assert gap.since == from_milliseconds(max(before))


async def test_a_line_that_was_cut_is_no_gap_for_the_outbox_has_it_all(
    mosquitto: Mosquitto, address: Address, tmp_path: Path
) -> None:
    sensor = Gate(failures=0)
    async with hub_at(address, tmp_path / "hub"), at_work(sensor, address, tmp_path) as agent:
        await seen(agent, sensor, 1)
        await asyncio.to_thread(mosquitto.kill)
        for _ in range(5):
            sensor.cars.put_nowait(None)
        await until(lambda: _idle(sensor))
        await asyncio.to_thread(mosquitto.start)
        await seen(agent, sensor, 1)
    records = await asyncio.to_thread(journalled, tmp_path / "hub")
    assert gaps(records) == []
    assert sum(record.kind == "pulse" for record in records) == 7


async def _idle(sensor: Gate) -> bool:
    return sensor.cars.empty()
