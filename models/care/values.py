"""Which of the values that residents read rest on which device, and whether they are told now."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

from models.calendar import Calendar
from models.contract.results import LotResult, Result, ServiceResult, ZoneResult
from models.freshness import life_of
from models.site import Button, Meaning, Site

Standing = Literal["gone", "shown", "closed"]
"""Whether residents miss it now, read it now, or would not be told it now anyway."""


class Value(msgspec.Struct, frozen=True, order=True):
    """Something that residents get: a wait, people in a zone, free places, a screen, a warning."""

    kind: Literal["service", "zone", "lot", "screen", "guide", "switch", "warnings"]
    id: str = ""


class _Shown(msgspec.Struct):
    """Where on a polled page the numbers of a service stand."""

    service: str


class _View(msgspec.Struct):
    """What a camera looks at: one of these."""

    zone: str | None = None
    line: str | None = None
    lot: str | None = None


class _Sensor(msgspec.Struct):
    """Of a sensor's settings all that says what comes of it."""

    kind: str
    service: str | None = None
    services: dict[str, str] | tuple[_Shown, ...] | None = None
    gate: str | None = None
    button: str | None = None
    counter: str | None = None
    zone: str | None = None
    line: str | None = None
    lot: str | None = None
    hooks: tuple["_Sensor", ...] = ()
    inputs: tuple["_Sensor", ...] = ()
    zones: tuple[_View, ...] = ()
    lines: tuple[_View, ...] = ()
    lots: tuple[_View, ...] = ()

    @property
    def view(self) -> _View:
        """What a sensor tells of that looks at one thing alone."""
        return _View(zone=self.zone, line=self.line, lot=self.lot)


def sensor_values(site: Site, settings: Mapping[str, Any]) -> frozenset[Value]:
    """What rests on one sensor, by its table of the site file.

    A zone's people stand for those who wait, so its services rest on its camera as well.
    """
    try:
        sensor = msgspec.convert(settings, _Sensor)
    except msgspec.ValidationError:  # `machiai check` says it; its agent does not start
        return frozenset()
    return frozenset(_values(site, sensor))


def sensor_names(site: Site, settings: Mapping[str, Any]) -> frozenset[str]:
    """The names below which a sensor observes: zones, lines, lots, services, a gate, a button."""
    try:
        sensor = msgspec.convert(settings, _Sensor)
    except msgspec.ValidationError:
        return frozenset()
    return frozenset(name for name in _names(site, sensor) if name is not None)


def _names(site: Site, sensor: _Sensor) -> Iterator[str | None]:
    for view in (*sensor.zones, *sensor.lines, *sensor.lots, sensor.view):
        yield from (view.zone, view.line, view.lot)
    yield from (sensor.gate, sensor.button, sensor.counter, *_services(site, sensor))
    for one in (*sensor.hooks, *sensor.inputs):
        yield from _names(site, one)


def values_of(site: Site, who: str) -> frozenset[Value]:
    """What rests on a device, a display or the hub; nothing on whom the site file does not know."""
    if who == "hub":
        return _all(site)
    display = next((one for one in site.displays if one.id == who), None)
    if display is not None:
        made = [Value("guide" if display.touch else "screen", who)]
        made += [Value("switch", who)] if display.switch is not None else []
        return frozenset(made)
    sensors = (s for device in site.devices if device.id == who for s in device.sensors)
    return frozenset[Value]().union(*(sensor_values(site, settings) for settings in sensors))


def _all(site: Site) -> frozenset[Value]:
    """What residents are told of the whole office."""
    return frozenset(
        [
            *(Value("service", service.id) for service in site.services),
            *(Value("zone", zone.id) for zone in site.zones),
            *(Value("lot", lot.id) for lot in site.car_parks),
        ]
    )


def _values(site: Site, sensor: _Sensor) -> Iterator[Value]:
    for service in _services(site, sensor):
        yield Value("service", service)
    lines = {line.id: line.zone for line in site.lines}
    zones = {view.zone for view in (*sensor.zones, sensor.view)}
    zones |= {lines.get(view.line or "") for view in (*sensor.lines, sensor.view)}
    for zone in site.zones:
        if zone.id in zones:
            yield Value("zone", zone.id)
            yield from (Value("service", service) for service in zone.services)
    gates = {gate.id: gate.lot for gate in site.gates}
    lots = {view.lot for view in (*sensor.lots, sensor.view)} | {gates.get(sensor.gate or "")}
    for lot in site.lots:  # accessible bays are told with their lot
        if lot.id in lots:
            yield Value("lot", lot.accessible_of or lot.id)
    button = next((one for one in site.buttons if one.id == sensor.button), None)
    if button is not None:
        yield from (Value("service", service) for service in _said_by(site, button))
    yield from (Value("service", s.id) for s in site.services if sensor.counter in s.counters)
    for one in (*sensor.hooks, *sensor.inputs):
        yield from _values(site, one)
    if sensor.kind in ("cap", "jma"):
        yield Value("warnings")


def _services(site: Site, sensor: _Sensor) -> frozenset[str]:
    """Whose tickets or numbers a sensor reads; a machine that prints our ids may print any."""
    match sensor.services:
        case dict() as named:
            return frozenset(named.values())
        case tuple() as shown:
            return frozenset(one.service for one in shown)
    if sensor.service is not None:
        return frozenset([sensor.service])
    is_any = sensor.kind == "ticket"
    return frozenset(service.id for service in site.services) if is_any else frozenset()


def _said_by(site: Site, button: Button) -> Iterator[str]:
    """The services of which a button says something."""
    for meaning in (button.short, button.double, button.long):
        if isinstance(meaning, Meaning):
            yield from meaning.services
            counters = {meaning.next, meaning.toggle}
            yield from (s.id for s in site.services if counters & set(s.counters))


def standing(
    calendar: Calendar, value: Value, results: Mapping[str, Result], now: datetime
) -> Standing:
    """Whether residents miss a value of the office now."""
    today = calendar.day_of(now)
    result = results.get(f"{value.kind}/{value.id}")
    if value.kind == "service":
        hours = calendar.service(value.id, today)
    elif value.kind == "lot":
        hours = calendar.lot(value.id, today)
    else:
        hours = calendar.office(today)
    if not calendar.is_open(hours, now):
        return "closed"
    if not isinstance(result, ServiceResult | LotResult | ZoneResult):
        return "gone"
    match life_of(result, result.state).phase(now):
        case "stale" | "no_data":
            return "gone"
        case "closed":
            return "closed"
    return "gone" if _is_empty(result) else "shown"


def _is_empty(result: Result) -> bool:
    """Whether a service is open and nothing is known of its wait."""
    return (
        isinstance(result, ServiceResult)
        and result.state == "open"
        and result.wait is None
        and result.level is None
    )
