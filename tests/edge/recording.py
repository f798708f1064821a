"""What the tests of sensors share: a port that records, a clock moved by hand, a site."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from broker.clock import Clock
from edge.sensors import Sensor, sensors_of
from models.contract.observations import Reading
from models.site import Site, parse
from tests.conftest import ROOT

PATIENCE_S = 20.0


class Emitted(NamedTuple):
    name: str
    reading: Reading
    at: datetime | None


class Recording:
    """A port that keeps what a sensor says."""

    def __init__(self, clock: Clock | None = None, folder: Path | None = None) -> None:
        self.clock = clock or Clock()
        self.folder = folder or Path("/nowhere")
        self.emitted: asyncio.Queue[Emitted] = asyncio.Queue()
        self.refusals: asyncio.Queue[str] = asyncio.Queue()
        self.refused: Counter[str] = Counter()
        self.described: asyncio.Queue[str] = asyncio.Queue()

    async def emit(self, name: str, reading: Reading, at: datetime | None = None) -> None:
        self.emitted.put_nowait(Emitted(name, reading, at))

    def refuse(self, why: str) -> None:
        self.refused[why] += 1
        self.refusals.put_nowait(why)

    async def describe(self, basis: str) -> None:
        self.described.put_nowait(basis)

    async def take(self, count: int) -> list[Emitted]:
        """The next observations."""
        async with asyncio.timeout(PATIENCE_S):
            return [await self.emitted.get() for _ in range(count)]

    async def refusal(self) -> str:
        """The next reason for which input was refused."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.refusals.get()


class HandClock(Clock):
    """Stands still until it is moved; who sleeps by it sleeps a thousandth."""

    def __init__(self) -> None:
        super().__init__(speed=1000)
        self._now_s = 100.0

    def monotonic(self) -> float:
        return self._now_s

    def move(self, seconds: float) -> None:
        self._now_s += seconds


@asynccontextmanager
async def running(sensor: Sensor, port: Recording) -> AsyncIterator[str]:
    """The sensor at work, from when it has said by what it sees; yields that."""
    task = asyncio.create_task(sensor.run(port), name="sensor")
    basis = asyncio.create_task(port.described.get(), name="basis")
    try:
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.wait([task, basis], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        yield basis.result()
    finally:
        basis.cancel()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def example() -> Site:
    """The example office."""
    return parse((ROOT / "ansible/sites/example.toml").read_text(encoding="utf-8"))


def sensors(device: str) -> list[Sensor]:
    """The sensors of a device of the example office."""
    site = example()
    return sensors_of(site, site.device(device))


def office(*sensors: dict[str, Any]) -> Site:
    """The example office with one device, `pi`, that has these sensors."""
    text = (ROOT / "ansible/sites/example.toml").read_text(encoding="utf-8")
    lines = ["[[devices]]", 'id = "pi"']
    for sensor in sensors:
        lines += [
            "[[devices.sensors]]",
            *(f"{key} = {_toml(value)}" for key, value in sensor.items()),
        ]
    return parse("\n".join([text, *lines]))


def made(**settings: object) -> Sensor:
    """One sensor with these settings, as the agent makes it. Not within a loop: it reads files."""
    site = office(settings)
    return sensors_of(site, site.device("pi"))[0]


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return f"'{value}'" if isinstance(value, str) else str(value)
