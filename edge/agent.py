"""The agent on a Raspberry Pi: sensors into the outbox, the outbox to the hub, and how it feels."""

import asyncio
import logging
import platform
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from broker import service
from broker.clock import Clock, boot_id
from broker.delivery import Delivery
from broker.outbox import Outbox
from broker.session import Address, Session
from broker.version import VERSION
from edge.health import health
from edge.sensors import Output, Sensor
from models.contract import topics
from models.contract.codec import encode
from models.contract.observations import GAUGES, Beat, Gap, Reading
from models.contract.results import About, SensorAbout, State
from models.errors import MachiaiError
from models.site import Device, Site

logger = logging.getLogger("machiai.edge")

BEAT_S = 30.0
HEALTH_S = 60.0
_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 60.0
_SHORT = 64  # signs that the contract leaves for a reason
_STEADY_S = 60.0  # a sensor that ran so long has recovered


class Agent:
    """One device."""

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
        self._clock = clock
        self._folder = folder
        self._outbox = Outbox(folder / "outbox.sqlite", budget_mib=device.outbox_mib)
        self._ports = [_Port(self, sensor) for sensor in sensors]
        self._alerts: dict[str, str] = {}
        if self._outbox.damaged is not None:
            self._alerts["outbox"] = (
                f"the outbox was damaged and put aside as {self._outbox.damaged}"
            )
        self._depth = 0
        self._oldest = 1
        self._board, self._boot = _board(), boot_id()
        self.delivery = Delivery(
            self._outbox,
            site=site.id,
            device=device.id,
            clock=clock,
            about=self._say_about_from,
            alert=lambda why: self.alert("outbox", why),
        )
        self._session = Session(
            address,
            device.id,
            will=(self._topic("state"), encode(State(state="lost"))),
            subscriptions=[self.delivery.ack_topic, self._topic("cmd/+")],
            on_message=self._message,
            on_connection=self._connection,
        )

    @property
    def clock(self) -> Clock:
        """The time."""
        return self._clock

    async def run(self) -> None:
        """Observe until cancelled; then say goodbye."""
        try:
            self._oldest = await asyncio.to_thread(self._outbox.oldest)
            async with asyncio.TaskGroup() as group:
                group.create_task(self.delivery.run(self._session), name="delivery")
                await self._admit_gap()
                group.create_task(self._session.run(), name="mqtt")
                for port in self._ports:
                    group.create_task(self._supervise(port), name=f"sensor {port.title}")
                group.create_task(self._beat(), name="beat")
                group.create_task(self._report(), name="health")
                group.create_task(service.watchdog(), name="watchdog")
                service.notify("READY=1")
                await service.until_cancelled(self._goodbye)
        finally:
            await asyncio.to_thread(self._outbox.close)

    async def _goodbye(self) -> None:
        """Tell the hub that this is no accident."""
        self._say_state(State(state="disconnected", at=self._known_now(), why="stopped"))
        await self._session.flush()

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
                await port.lose(self._known_now(), str(error))
            else:
                return  # it has nothing more to read
            if asyncio.get_running_loop().time() - started >= _STEADY_S:
                wait_s = _FIRST_WAIT_S
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, _LONGEST_WAIT_S)

    async def _admit_gap(self) -> None:
        """Say since when events were not watched: from the last sign of life to now."""
        since = await asyncio.to_thread(self._outbox.last_at)
        if since is None:
            return
        for port in self._ports:
            await port.admit_gap(since, "the agent was stopped")

    async def _beat(self) -> None:
        while True:
            await self.delivery.keep("all", Beat())
            await self._clock.sleep(BEAT_S)

    # ── what it says of itself ────────────────────────────────────────────────────────────────

    def _topic(self, leaf: str) -> str:
        return topics.device(self._site.id, self._device.id, leaf)

    def _known_now(self) -> datetime | None:
        return self._clock.now() if self._clock.synchronised() else None

    def alert(self, what: str, why: str | None) -> None:
        """Note what is wrong with a part, or with None that it is right again."""
        if why is None:
            if self._alerts.pop(what, None) is None:
                return
            logger.info("%s: %s is well again", self._device.id, what)
        elif self._alerts.get(what) == why:
            return
        else:
            self._alerts[what] = why
            logger.error("%s: %s", self._device.id, why)
        self._say_state()

    def _say_state(self, state: State | None = None) -> None:
        if state is None:
            why = "; ".join(self._alerts[what] for what in sorted(self._alerts))[:500]
            state = State(state="alert" if why else "ready", at=self._known_now(), why=why)
        self._session.publish(self._topic("state"), encode(state), retain=True)

    def _say_about_from(self, oldest: int) -> None:
        """The hub wants what is not held any more: tell it from where the outbox does."""
        self._oldest = oldest
        self.say_about()

    def say_about(self) -> None:
        """Say what this device is, and from where its outbox still holds."""
        stream, oldest = self._outbox.named(self._oldest)
        about = About(
            version=VERSION,
            board=self._board,
            boot=self._boot,
            up_ms=self._clock.up_ms(),
            stream=stream,
            oldest=oldest,
            sensors=tuple(port.about() for port in self._ports),
        )
        self._session.publish(self._topic("about"), encode(about), retain=True)

    def _connection(self, up: bool) -> None:  # noqa: FBT001
        if up:
            self.say_about()
            self._say_state()
        self.delivery.connection(up)

    def _message(self, topic: str, payload: bytes, retain: bool) -> None:  # noqa: FBT001
        if topic == self.delivery.ack_topic:
            self.delivery.acknowledged(payload, retained=retain)
        elif topic.endswith("/cmd/identify"):
            logger.info("%s: here I am", self._device.id)

    async def _report(self) -> None:
        while True:
            self._depth, self._oldest = await asyncio.to_thread(
                lambda: (self._outbox.depth(), self._outbox.oldest())
            )
            refused: Counter[str] = Counter()
            ages: dict[str, float | None] = {}
            for port in self._ports:
                refused.update(port.refused)
                ages[port.title] = port.age_s()
            report = await asyncio.to_thread(
                health,
                at=self._known_now(),
                folder=self._folder,
                outbox=self._depth,
                clock_synchronised=self._clock.synchronised(),
                sensor_age_s=ages,
                refused=dict(refused),
            )
            self._session.publish(self._topic("health"), encode(report), qos=0, retain=True)
            await self._clock.sleep(HEALTH_S)


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

    async def emit(self, name: str, reading: Reading, at: datetime | None = None) -> None:
        await self._found()
        await self._agent.delivery.keep(name, reading, at)
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
        """Say that events of this sensor may be missing. A gauge needs none: its age says it."""
        events = [o.name for o in self.sensor.outputs() if o.kind not in GAUGES]
        for name in dict.fromkeys(events):
            await self._agent.delivery.keep(name, Gap(since=since, why=why))

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


def _board() -> str:
    """What computer this is."""
    try:
        model = Path("/proc/device-tree/model").read_text(encoding="utf-8").strip("\0\n ")
    except OSError:
        return platform.machine()
    return model
