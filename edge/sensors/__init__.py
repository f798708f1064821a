"""What an agent can read. A new sensor is one file here and one line in SENSORS."""

import importlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Protocol

import msgspec

from broker.clock import Clock
from models.contract.observations import Reading
from models.errors import BadSite
from models.site import Device, Site, Table

SENSORS = {
    "button": "edge.sensors.button:Button",
    "gate": "edge.sensors.gate:Gate",
    "camera": "edge.sensors.camera:Camera",  # text, so that a button Pi never loads OpenCV
    "ticket": "edge.sensors.ticket:Ticket",
    "queue": "edge.sensors.queue:Queue",
    "bookings": "edge.sensors.bookings:Bookings",
    "cap": "edge.sensors.cap:Cap",
    "jma": "edge.sensors.jma:Jma",
    "mqtt": "edge.sensors.mqtt:Mqtt",
    "webhook": "edge.sensors.webhook:Webhook",
    "modbus": "edge.sensors.modbus:Modbus",
    "opendatacam": "edge.sensors.opendatacam:Opendatacam",
}
"""Every kind of sensor, by the `kind` that the site file names. (`sim` stands in for any.)"""


class Settings(Table, frozen=True, kw_only=True):
    """Root of the settings of one sensor in the site file; each kind adds its keys."""

    kind: str


class Output(msgspec.Struct, frozen=True):
    """One stream of observations that a sensor makes: a kind and the name below it."""

    kind: str
    name: str


class Port(Protocol):
    """What an agent gives to a sensor."""

    @property
    def clock(self) -> Clock:
        """The time."""

    @property
    def folder(self) -> Path:
        """Of this device, for what a sensor must know after a restart."""

    async def emit(self, name: str, reading: Reading, at: datetime | None = None) -> None:
        """Make a reading durable; it is safe when this returns.

        Args:
            name: the topic level below its kind.
            reading: what was seen.
            at: when, if the machine that was read says so; None is now.
        """

    def refuse(self, why: str) -> None:
        """Count input that could not be used, by its reason; it is shown in `health`."""

    async def describe(self, basis: str) -> None:
        """Say by what this sensor sees, for `about`."""


class Sensor(Protocol):
    """One sensor of a device. Its class is made from its settings; `run` does the reading."""

    Settings: ClassVar[type[Settings]]

    def __init__(self, settings: Any, site: Site) -> None:  # noqa: ANN401  its own Settings
        """Take the settings; touch no hardware yet.

        Raises:
            BadSite: settings that no type can refuse, with the path below the sensor.
        """

    def outputs(self) -> Sequence[Output]:
        """What it may emit."""

    async def run(self, port: Port) -> None:
        """Read until cancelled.

        Raises:
            SensorFailed: the hardware is gone; the agent says so and starts it again later.
        """


def sensors_of(site: Site, device: Device) -> list[Sensor]:
    """The sensors of a device, made from its settings.

    Raises:
        BadSite: with the path of what is wrong.
    """
    index = next(i for i, d in enumerate(site.devices) if d.id == device.id)
    made = []
    for j, raw in enumerate(device.sensors):
        path = f"$.devices[{index}].sensors[{j}]"
        try:
            made.append(_made(raw, site))
        except msgspec.ValidationError as error:
            message = str(error)
            head, _, tail = message.partition(" - at `$")
            raise BadSite(f"{head} - at `{path}{tail.rstrip('`')}`") from None
        except BadSite as error:
            head, _, tail = str(error).partition(" - at `$")
            raise BadSite(f"{head} - at `{path}{tail.rstrip('`')}`") from None
    return made


def _made(raw: dict[str, Any], site: Site) -> Sensor:
    kind = raw["kind"]
    where = SENSORS.get(kind)
    if where is None:
        raise BadSite(f"want a kind of {', '.join(SENSORS)}, got {kind!r} - at `$.kind`")
    module, _, name = where.partition(":")
    sensor: type[Sensor] = getattr(importlib.import_module(module), name)
    return sensor(msgspec.convert(raw, sensor.Settings), site)


def refer(site: Site, path: str, table: str, name: str) -> None:
    """Let a sensor name only what the site file declares.

    Args:
        site: the site file.
        path: of the key below the sensor.
        table: a list of things with ids, such as `gates`.
        name: the id that was given.

    Raises:
        BadSite: no such id.
    """
    if all(thing.id != name for thing in getattr(site, table)):
        raise BadSite(f"want one of `{table}`, got {name!r} - at `$.{path}`")
