"""The stand-in for sensors, on a real clock that runs fast."""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import pytest

from broker.clock import Clock, starting_at
from edge.sensors import Output, Port, Sensor, Settings, sensors_of
from edge.sensors.sim import Sim
from models.contract.observations import Reading
from models.site import Device, Site, parse
from models.world.day import Event
from models.world.office import live

ROOT = Path(__file__).parents[2]
EXAMPLE = parse((ROOT / "ansible/sites/example.toml").read_text("utf-8"))
TUESDAY = date(2026, 11, 24)
SEED = 5
SPEED = 80_000
"""A day passes in about a second."""

DESK = [Output("ticket", s.id) for s in EXAMPLE.services[:4]]
COUNTERS = [Output("counter", f"c{i}") for i in range(1, 6)]


class Wired:
    """A sensor of which only its outputs matter: nobody runs it."""

    Settings: ClassVar[type[Settings]] = Settings

    def __init__(self, *outputs: Output) -> None:
        self._outputs = outputs

    def outputs(self) -> Sequence[Output]:
        return self._outputs

    async def run(self, port: Port) -> None:
        raise AssertionError(port)


class Recorder:
    """A port that keeps what comes, and knows when it is enough."""

    def __init__(self, start: datetime, enough: int, speed: float = SPEED) -> None:
        self.clock: Clock = starting_at(start, speed)
        self.folder = Path("/nowhere")
        self.heard: list[tuple[str, Reading, datetime | None]] = []
        self.late_s: list[float] = []
        self.basis = ""
        self.enough = asyncio.Event()
        self._wanted = enough

    async def emit(self, name: str, reading: Reading, at: datetime | None = None) -> None:
        assert at is not None
        self.heard.append((name, reading, at))
        self.late_s.append((self.clock.now() - at).total_seconds())
        if len(self.heard) >= self._wanted:
            self.enough.set()
            await asyncio.Event().wait()  # nothing more is wanted

    def refuse(self, why: str) -> None:
        raise AssertionError(why)

    async def describe(self, basis: str) -> None:
        self.basis = basis


async def played(sensor: Sensor, port: Recorder) -> list[tuple[str, Reading, datetime | None]]:
    """Run a sensor until its port has enough."""
    running = asyncio.create_task(sensor.run(port), name="sim")
    try:
        async with asyncio.timeout(30):
            await port.enough.wait()
    finally:
        running.cancel()
    return port.heard


def wanted(day: date, *outputs: Output, site: Site = EXAMPLE) -> list[Event]:
    events = live(site, day, SEED).events
    return [e for e in events if Output(e.kind, e.name) in outputs]


def heard(events: Sequence[Event]) -> list[tuple[str, Reading, datetime]]:
    return [(e.name, e.reading, e.at) for e in events]


def local(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, 24, hour, minute, tzinfo=EXAMPLE.zone_info)


@pytest.mark.parametrize(
    ("outputs", "more"),
    [
        ([Output("pulse", "front-in")], []),
        ([Output("people", "lobby"), Output("crossing", "entrance")], []),
        ([Output("cars", "front")], []),
        ([Output("press", "next-c6")], []),
        ([Output("queue", "moving")], []),
        (DESK, COUNTERS),
    ],
    ids=["gate", "camera", "car camera", "button", "polled", "ticket machine with its clerks"],
)
async def test_all_of_a_day_is_said_in_order_and_never_early(
    outputs: list[Output], more: list[Output]
) -> None:
    events = wanted(TUESDAY, *outputs, *more)
    sim = Sim(Wired(*outputs), EXAMPLE, SEED)
    port = Recorder(local(0), enough=len(events))
    assert await played(sim, port) == heard(events)
    assert min(port.late_s) >= 0
    assert list(sim.outputs()) == [*outputs, *more]
    assert port.basis == "simulated"


async def test_what_is_past_at_the_start_comes_at_once_and_gauges_only_with_their_last() -> None:
    outputs = [Output("people", "lobby"), Output("crossing", "entrance")]
    noon = local(12)
    past = [e for e in wanted(TUESDAY, *outputs) if e.at <= noon]
    last = [e for e in past if e.kind == "people"][-1]
    kept = [e for e in past if e.kind == "crossing" or e is last]
    port = Recorder(noon, enough=len(kept), speed=0.001)  # it stays noon while the day is made
    assert await played(Sim(Wired(*outputs), EXAMPLE, SEED), port) == heard(kept)
    assert 1 < len(kept) < len(past)


async def test_after_midnight_the_next_day_goes_on() -> None:
    events = wanted(TUESDAY, *DESK, *COUNTERS)
    port = Recorder(local(23) - timedelta(days=1), enough=len(events))
    assert await played(Sim(Wired(*DESK), EXAMPLE, SEED), port) == heard(
        events
    )  # Monday is a holiday


async def test_what_another_says_is_not_said_again() -> None:
    lane, other = Output("pulse", "front-in"), Output("pulse", "front-out")
    sim = Sim(Wired(lane, other), EXAMPLE, SEED, spoken_for={lane})
    events = wanted(TUESDAY, other)
    port = Recorder(local(0), enough=len(events))
    assert await played(sim, port) == heard(events)


@pytest.mark.parametrize("device", EXAMPLE.devices, ids=lambda device: device.id)
def test_there_is_something_to_say_for_every_sensor_of_the_example(device: Device) -> None:
    said = {(e.kind, e.name) for e in live(EXAMPLE, TUESDAY, SEED).events}
    for sensor in sensors_of(EXAMPLE, device):
        outputs = Sim(sensor, EXAMPLE, SEED).outputs()
        assert set(sensor.outputs()) <= set(outputs)
        assert {(output.kind, output.name) for output in outputs} <= said
