"""A stand-in for any configured sensor, that plays a synthetic office with known truth.

It is in no site file: `machiai demo` puts it in the place of every sensor.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, ClassVar

import msgspec

from broker.clock import Clock
from edge.sensors import Output, Port, Sensor, Settings, sensors_of
from models.calendar import Calendar
from models.contract.observations import GAUGES
from models.site import Device, Site
from models.world.day import Day, Event
from models.world.office import live
from models.world.today import midnight

BASIS = "simulated"


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

    async def run(self, port: Port) -> None:
        """Catch up with today as an agent does after a cut, then say all at its time."""
        await port.describe(BASIS)
        start = port.clock.now()
        day = self._calendar.day_of(start)
        while True:
            for event in _caught_up(self._said(day), start):
                await _until(port.clock, event.at)
                await port.emit(event.name, event.reading, event.at)
            day += timedelta(days=1)
            await _until(port.clock, midnight(self._site, day))

    def _said(self, day: date) -> list[Event]:
        events = _day(self._key, day, self._seed).events
        return [
            event
            for event in events
            if Output(event.kind, event.name) in self._outputs
            and (self._since is None or event.at > self._since)
        ]


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
    """A Sim for every sensor of a device; with `camera`, what counts people is real and reads that.

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
        else:
            made.append(Sim(sensor, site, seed, spoken_for=frozenset(taken), since=since))
            taken.update(made[-1].outputs())
    return made


def _sees(settings: dict[str, Any]) -> bool:
    """Whether a sensor is a camera that counts people in a zone."""
    return settings.get("kind") == "camera" and bool(settings.get("zones"))


def _counters(outputs: Sequence[Output], site: Site) -> list[Output]:
    services = {output.name for output in outputs if output.kind == "ticket"}
    named = {c for service in site.services if service.id in services for c in service.counters}
    known = {output.name for output in outputs if output.kind == "counter"}
    return [Output("counter", c.id) for c in site.counters if c.id in named - known]
