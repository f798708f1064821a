"""Stand-ins for any configured sensor, that play a synthetic office with known truth.

They are in no site file: `machiai demo` puts them in the place of every sensor.
"""

import asyncio
from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, ClassVar

import msgspec

from broker.clock import Clock
from edge.sensors import Output, Port, Sensor, Settings, sensors_of
from edge.sensors.camera import Camera, CameraSettings
from models.calendar import Calendar
from models.contract.observations import GAUGES
from models.site import Device, Site
from models.world.day import Day, Event
from models.world.office import live
from models.world.today import midnight

BASIS = "simulated"
DRAWN = "rendered"
"""The card that reads drawn scenes."""

_FRAME_S, _DOOR_FRAME_S = 0.1, 0.04  # a drawn frame each, at most, of true time
_EVERY_S, _DOOR_EVERY_S = 30.0, 0.4  # frames further apart are too old, or lose who walks


class Sim:
    """Says what the sensor `of` would have said in the office that this seed makes."""

    Settings: ClassVar[type[Settings]] = Settings

    def __init__(
        self,
        of: Sensor,
        site: Site,
        seed: int,
        *,
        spoken_for: Collection[Output] = (),
        since: datetime | None = None,
    ) -> None:
        """Stand in for `of`; all Sims of one site and seed live in the same office.

        Args:
            of: the sensor, made but not run.
            site: where.
            seed: of the office; any integer.
            spoken_for: what another Sim says already, as of the other lane of a gate.
            since: what was up to then has been said by an earlier run of this agent.
        """
        own = (*of.outputs(), *_counters(of.outputs(), site))
        self._outputs = tuple(output for output in own if output not in spoken_for)
        self._site = site
        self._key = msgspec.json.encode(site)
        self._seed = seed
        self._since = since
        self._calendar = Calendar(site)

    def outputs(self) -> Sequence[Output]:
        """What the sensor would emit; a ticket machine knows of the clerks at its counters too."""
        return self._outputs

    async def run(self, port: Port, basis: str = BASIS) -> None:
        """Catch up with today as an agent does after a cut, then say all at its time."""
        await port.describe(basis)
        start = port.clock.now()
        day = self._calendar.day_of(start)
        while True:
            for event in _caught_up(self._said(day), start):
                await _until(port.clock, event.at)
                await port.emit(event.name, event.reading, event.at)
            day += timedelta(days=1)
            await _until(port.clock, midnight(self._site, day))

    def past(self, now: datetime) -> list[Event]:
        """What it would have said today, were it there from the morning; no gauges."""
        day = self._said(self._calendar.day_of(now))
        return [event for event in day if event.at <= now and event.kind not in GAUGES]

    def day(self, day: date) -> Day:
        """The whole of a day, with its truth."""
        return _day(self._key, day, self._seed)

    def _said(self, day: date) -> list[Event]:
        return [
            event
            for event in self.day(day).events
            if Output(event.kind, event.name) in self._outputs
            and (self._since is None or event.at > self._since)
        ]


class Drawn:
    """A real camera sensor that looks at drawn frames of the same office.

    Capture, onnxruntime and counting are those of a Pi. Where the camera extra is not installed,
    or the clock is too fast to follow who walks, it is a Sim, and says so.
    """

    Settings: ClassVar[type[Settings]] = CameraSettings

    def __init__(
        self,
        settings: CameraSettings,
        site: Site,
        sim: Sim,
        *,
        seed: int,
        since: datetime | None = None,
    ) -> None:
        """Stand in for a camera.

        Args:
            settings: of the camera; its source, model and threshold are not used.
            site: where.
            sim: what would stand here else.
            seed: of places and looks.
            since: when an earlier run of this agent ended; what was missed since then is lost.
        """
        self._settings = settings
        self._site = site
        self._sim = sim
        self._seed = seed
        self._since = since

    def outputs(self) -> Sequence[Output]:
        """What the camera would emit."""
        return self._sim.outputs()

    async def run(self, port: Port) -> None:
        """Look at drawn frames; who came before the first start is told as the Sim knows it."""
        is_door = bool(self._settings.lines)
        every_s = (_DOOR_FRAME_S if is_door else _FRAME_S) * port.clock.speed
        if every_s > (_DOOR_EVERY_S if is_door else _EVERY_S):
            await self._sim.run(port, f"{BASIS}: too fast to draw")
            return
        every_s = max(every_s, self._settings.every_s)
        try:
            camera = await asyncio.to_thread(self._camera, every_s, port.clock)
        except ImportError:
            await self._sim.run(port, f"{BASIS}: machiai[camera] is not installed")
            return
        if self._since is None:
            for event in self._sim.past(port.clock.now()):
                await port.emit(event.name, event.reading, event.at)
            self._since = port.clock.now()
        await camera.run(port)

    def _camera(self, every_s: float, clock: Clock) -> Camera:
        """The sensor, before drawn frames.

        Raises:
            ImportError: the camera extra is not installed.
        """
        from edge.rendered import offer  # noqa: PLC0415

        settings = self._settings
        name = "-".join(output.name for output in self.outputs())
        source = offer(name, self._site, self._sim.day, settings.plan, self._seed, clock.now)
        changes = {"source": source, "every_s": every_s, "model": DRAWN, "threshold": None}
        return Camera(msgspec.structs.replace(settings, **changes), self._site)


def _caught_up(events: Sequence[Event], now: datetime) -> list[Event]:
    """All but the gauges that newer ones had replaced by now."""
    last = {(e.kind, e.name): e for e in events if e.at <= now}
    return [e for e in events if e.at > now or e.kind not in GAUGES or e is last[e.kind, e.name]]


@lru_cache(maxsize=4)
def _day(site: bytes, day: date, seed: int) -> Day:
    """One day, made once for all the sensors of a process."""
    return live(msgspec.json.decode(site, type=Site), day, seed)


async def _until(clock: Clock, moment: datetime) -> None:
    while (left_s := (moment - clock.now()).total_seconds()) > 0:
        await clock.sleep(left_s)


def stand_in(
    site: Site,
    device: Device,
    *,
    seed: int,
    camera: str | None = None,
    since: datetime | None = None,
) -> list[Sensor]:
    """A stand-in for every sensor of a device: cameras are Drawn, all else is a Sim.

    With `camera`, what counts people is real and reads that.

    Raises:
        BadSite: the device's settings are wrong; with the path.
    """
    settings = [
        one | {"source": camera} if camera is not None and _sees(one) else one
        for one in device.sensors
    ]
    real = sensors_of(site, msgspec.structs.replace(device, sensors=tuple(settings)))
    made: list[Sensor] = []
    taken: set[Output] = set()
    for sensor, wired in zip(real, settings, strict=True):
        if camera is not None and _sees(wired):
            made.append(sensor)
            continue
        sim = Sim(sensor, site, seed, spoken_for=frozenset(taken), since=since)
        taken.update(sim.outputs())
        if isinstance(sensor, Camera):
            looks_at = msgspec.convert(wired, CameraSettings)
            made.append(Drawn(looks_at, site, sim, seed=seed, since=since))
        else:
            made.append(sim)
    return made


def _sees(settings: dict[str, Any]) -> bool:
    """Whether a sensor is a camera that counts people in a zone."""
    return settings.get("kind") == "camera" and bool(settings.get("zones"))


def _counters(outputs: Sequence[Output], site: Site) -> list[Output]:
    services = {output.name for output in outputs if output.kind == "ticket"}
    named = {c for service in site.services if service.id in services for c in service.counters}
    known = {output.name for output in outputs if output.kind == "counter"}
    return [Output("counter", c.id) for c in site.counters if c.id in named - known]
