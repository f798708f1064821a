"""The agent on a Raspberry Pi: sensors into the outbox, the outbox to the hub, and how it feels."""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from broker import service
from broker.clock import Clock
from broker.device import Alerts, Owner, Presence
from broker.outbox import Outbox
from broker.session import Address
from edge.sensors import Output, Sensor
from models.contract.observations import GAUGES, Beat, Gap, Reading
from models.contract.results import About, Health, SensorAbout
from models.errors import MachiaiError
from models.site import Device, Site

logger = logging.getLogger("machiai.edge")

BEAT_S = 30.0
_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 60.0
_SHORT = 64  # signs that the contract leaves for a reason
_NO_GAP = GAUGES | {"notice", "bookings"}  # a gauge's age says it; the others are all read again
_STEADY_S = 60.0  # a sensor that ran so long has recovered


class Agent(Owner):
    """One device. Opens a file: make it in a thread.

    Raises:
        SensorFailed: the outbox cannot be opened.
    """

    def __init__(
        self,
        site: Site,
        device: Device,
        sensors: Sequence[Sensor],
        *,
        clock: Clock,
        address: Address,
        folder: Path,
    ) -> None:
        self._site, self._device = site, device
        self.clock = clock
        self.folder = folder
        self._ports = [_Port(self, sensor) for sensor in sensors]
        self.alert = Alerts(device.id)
        self._presence = Presence(
            self,
            site=site.id,
            device=device.id,
            clock=clock,
            address=address,
            folder=folder,
            alerts=self.alert,
            budget_mib=device.outbox_mib,
        )
        self.keep, self.say_about = self._presence.keep, self._presence.say_about

    async def run(self) -> None:
        """Observe until cancelled; then say goodbye."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._presence.run(), name="device")
            group.create_task(service.watchdog(), name="watchdog")
            service.notify("READY=1")

    # ── sensors ───────────────────────────────────────────────────────────────────────────────

    async def _supervise(self, port: "_Port") -> None:
        """Keep one sensor running. What it lacks is said, and tried again with patience."""
        wait_s = _FIRST_WAIT_S
        while True:
            started = asyncio.get_running_loop().time()
            try:
                await port.sensor.run(port)
            except MachiaiError as error:
                self.alert(port.title, str(error))
                await port.lose(self._presence.known_now(), str(error))
            else:
                return  # it has nothing more to read
            if asyncio.get_running_loop().time() - started >= _STEADY_S:
                wait_s = _FIRST_WAIT_S
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, _LONGEST_WAIT_S)

    async def before(self) -> None:
        """Say since when events were not watched: from the last sign of life to now."""
        since = await asyncio.to_thread(self._presence.outbox.last_at)
        if since is None:
            return
        for port in self._ports:
            await port.admit_gap(since, "the agent was stopped")

    async def running(self) -> None:
        """Observe, and say every half minute that all was told."""
        async with asyncio.TaskGroup() as group:
            for port in self._ports:
                group.create_task(self._supervise(port), name=f"sensor {port.title}")
            group.create_task(self._beat(), name="beat")

    async def _beat(self) -> None:
        while True:
            await self.keep("all", Beat())
            await self.clock.sleep(BEAT_S)

    # ── what it says of itself ────────────────────────────────────────────────────────────────

    def about(self, about: About) -> About:
        """With its sensors, and the site file that names them."""
        sensors = tuple(port.about() for port in self._ports)
        return msgspec.structs.replace(about, sensors=sensors, site_hash=self._site.digest)

    def health(self, health: Health) -> Health:
        """With what its sensors see."""
        refused: Counter[str] = Counter()
        for port in self._ports:
            refused.update(port.refused)
        ages = {port.title: port.age_s() for port in self._ports}
        return msgspec.structs.replace(health, sensor_age_s=ages, refused=dict(refused))

    def command(self, name: str, payload: bytes) -> None:
        """Say where it is."""
        _ = payload
        if name == "identify":
            logger.info("%s: here I am", self._device.id)


class _Port:
    """What one sensor gets: see `edge.sensors.Port`."""

    def __init__(self, agent: Agent, sensor: Sensor) -> None:
        self._agent = agent
        self.sensor = sensor
        outputs: Sequence[Output] = sensor.outputs()
        self.names = tuple(output.name for output in outputs)
        self.kind = type(sensor).__name__.lower()
        self.title = " ".join(dict.fromkeys((self.kind, *self.names[:1])))
        self.refused: Counter[str] = Counter()
        self._basis = ""
        self._seen_s: float | None = None
        self._lost: Gap | None = None

    @property
    def clock(self) -> Clock:
        return self._agent.clock

    @property
    def folder(self) -> Path:
        return self._agent.folder

    async def emit(self, name: str, reading: Reading, at: datetime | None = None) -> None:
        await self._found()
        await self._agent.keep(name, reading, at)
        self._seen_s = self.clock.monotonic()
        self._agent.alert(self.title, None)

    def refuse(self, why: str) -> None:
        if not self.refused[why]:
            logger.warning("%s: refused %s", self.title, why)
        self.refused[why] += 1

    async def describe(self, basis: str) -> None:
        if basis != self._basis:
            self._basis = basis
            self._agent.say_about()
        await self._found()
        self._agent.alert(self.title, None)

    async def lose(self, at: datetime | None, why: str) -> None:
        """It failed; what happens until it works again is not seen, and beats say nothing of it."""
        if self._lost is None:
            self._lost = Gap(since=at, why=why[:_SHORT])
            await self.admit_gap(at, self._lost.why)

    async def _found(self) -> None:
        """It works; if it had failed, say since when it saw nothing."""
        lost, self._lost = self._lost, None
        if lost is not None:
            await self.admit_gap(lost.since, lost.why)

    async def admit_gap(self, since: datetime | None, why: str) -> None:
        """Say that events of this sensor may be missing, unless it will tell all of it anew."""
        events = [o.name for o in self.sensor.outputs() if o.kind not in _NO_GAP]
        for name in dict.fromkeys(events):
            await self._agent.keep(name, Gap(since=since, why=why))

    def about(self) -> SensorAbout:
        return SensorAbout(kind=self.kind, names=self.names, basis=self._basis)

    def age_s(self) -> float | None:
        """Seconds since it last saw something; None if it never did."""
        return None if self._seen_s is None else round(self.clock.monotonic() - self._seen_s, 1)


async def run_all(
    site: Site,
    devices: Sequence[tuple[Device, Sequence[Sensor]]],
    *,
    clock: Clock,
    address: Address,
    folder: Path,
) -> None:
    """Run the agents of devices until cancelled, each with its own outbox and connection.

    Raises:
        SensorFailed: an outbox cannot be opened.
        Missing: a certificate that the site file names is not there.
    """
    agents = [
        await asyncio.to_thread(
            Agent, site, device, sensors, clock=clock, address=address, folder=folder / device.id
        )
        for device, sensors in devices
    ]
    async with asyncio.TaskGroup() as group:
        for agent in agents:
            group.create_task(agent.run(), name="agent")


def kept_until(folder: Path, device: str) -> datetime | None:
    """When the agent of a device last kept something; None if it never ran.

    Raises:
        SensorFailed: its outbox cannot be opened.
    """
    path = folder / device / "outbox.sqlite"
    if not path.exists():
        return None
    outbox = Outbox(path)
    try:
        return outbox.last_at()
    finally:
        outbox.close()
