"""What is wrong with one device or display, by what it said last: one rule for each trouble."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec

from models.calendar import Calendar
from models.care.heard import Heard, Told
from models.care.trouble import CUTTING, Kind, Severity, Trouble
from models.care.values import (
    Standing,
    Value,
    sensor_names,
    sensor_values,
    standing,
    values_of,
)
from models.site import Site

SILENT_S = 180.0
"""A device says how it feels each minute; after three it hangs, or its line does."""

_DEEP = 1000  # observations: minutes of a busy camera
_GROWING = 60  # from here on it is no hiccup of the network
_GROWS = 3  # minutes one after another
_AHEAD_S = 5.0
_BEHIND_S = 90.0  # what it says when it connects again may be a minute old
_HOT_C, _TOO_HOT_C = 75.0, 80.0  # a Raspberry Pi slows down at 80
_DISK, _DISK_FULL = 0.15, 0.05
_RENEWED_DAYS, _PRESSING_DAYS = 45, 14  # it should have been renewed at 60
_QUIET_S = {"ticket": 7200.0, "gate": 7200.0}
"""Open hours without a single ticket or car; people must be asked whether that can be."""

BLIND: Mapping[str, Kind] = {
    "darkness": "dark",
    "a covered lens": "covered",
    "noise": "noise",
    "a picture that stands still": "still",
    "another view than before": "moved",
}
"""What `models/sensing/sight.py` says of a picture that nobody can count in."""

_BLIND = "want a picture to count in, got "


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One device or display, and the office that it belongs to."""

    site: Site
    calendar: Calendar
    who: str
    told: Told
    heard: Heard
    now: datetime

    @property
    def is_open(self) -> bool:
        """Whether the office is."""
        today = self.calendar.day_of(self.now)
        return self.calendar.is_open(self.calendar.office(today), self.now)

    @property
    def is_here(self) -> bool:
        """Whether it says itself that it is there."""
        return self.told.state is not None and self.told.state.state in ("ready", "alert")

    @property
    def sensors(self) -> tuple[dict[str, Any], ...]:
        """Their tables of the site file."""
        return tuple(s for one in self.site.devices if one.id == self.who for s in one.sensors)

    def trouble(
        self,
        kind: Kind,
        severity: Severity,
        values: Iterable[Value] | None = None,
        **more: Any,  # noqa: ANN401  the other fields of a Trouble
    ) -> Trouble:
        """One, with what rests on it; if residents miss something of that now, it is urgent.

        Not of a device that was never there: it may be bought next year.
        """
        rests = values_of(self.site, self.who) if values is None else values
        missed = {value: self._standing(value, kind) for value in sorted(rests)}
        if kind in CUTTING and kind != "never" and "gone" in missed.values():
            severity = "urgent"
        return Trouble(kind=kind, severity=severity, who=self.who, missed=missed, **more)

    def _standing(self, value: Value, kind: Kind) -> Standing:
        """How a value stands; a screen itself is gone with its Pi."""
        if value.kind in ("screen", "guide"):
            return ("gone" if self.is_open else "closed") if kind in CUTTING else "shown"
        if value.kind in ("switch", "warnings"):
            return "gone" if kind in CUTTING else "shown"
        return standing(self.calendar, value, self.heard.results, self.now)


Rule = Callable[[Case], Iterator[Trouble]]


def wrong(case: Case) -> list[Trouble]:
    """All that is wrong with it, the most pressing first."""
    found = [trouble for rule in RULES for trouble in rule(case)]
    return sorted(found, key=lambda trouble: trouble.rank)


def presence(case: Case) -> Iterator[Trouble]:
    """Is it there, and does it say so? Of a hub that is gone nobody hears whose fault it is."""
    told, last = case.told, case.told.last_word(case.now)
    if not told.is_known:
        if case.heard.listening_s is not None:
            yield case.trouble("never", "soon")
        return
    if told.state is not None and told.state.state == "lost":
        yield case.trouble("lost", "soon", since=last)
    elif told.state is not None and told.state.state == "disconnected":
        yield case.trouble("stopped", "soon", since=last)
    elif _has_listened(case) and (last is None or case.now - last > timedelta(seconds=SILENT_S)):
        yield case.trouble("silent", "soon", since=last)


def _has_listened(case: Case) -> bool:
    """Whether it would have been heard, had it spoken."""
    return (case.heard.listening_s or 0.0) > SILENT_S


def alert(case: Case) -> Iterator[Trouble]:
    """It says itself what is wrong: a camera that sees nothing, a sensor that does not answer."""
    state = case.told.state
    if state is None or state.state != "alert":
        return
    for line in state.why.split("; "):
        kind = _blindness(line)
        if kind == "dark" and not case.is_open:
            continue  # the lights are out, and nobody waits
        if kind is None:
            yield case.trouble("alert", "soon", since=state.at, why=line)
        else:
            cameras = [sensor for sensor in case.sensors if sensor.get("kind") == "camera"]
            values = (sensor_values(case.site, camera) for camera in cameras)
            yield case.trouble(kind, "soon", frozenset[Value]().union(*values), since=state.at)


def _blindness(line: str) -> Kind | None:
    """Which of the troubles of a camera this is."""
    if not line.startswith(_BLIND):
        return None
    return BLIND.get(line.removeprefix(_BLIND).partition(" - at ")[0])


def quiet(case: Case) -> Iterator[Trouble]:
    """A sensor gives nothing, by the rhythm of its kind; one that knows why has said so itself."""
    health = case.told.health
    if health is None or not case.is_here or alerts_of(case.told):
        return
    for title, age_s in sorted(health.sensor_age_s.items()):
        kind, _, name = title.partition(" ")
        found = [
            sensor
            for sensor in case.sensors
            if sensor.get("kind") == kind and (not name or name in sensor_names(case.site, sensor))
        ]
        if not found:
            continue  # the site file has changed since it was started
        limit_s = _rhythm_s(case.site, found[0])
        if limit_s is None or _silent_s(case, age_s) <= limit_s:
            continue
        if kind in _QUIET_S and _open_s(case) <= limit_s:
            continue
        values = sensor_values(case.site, found[0])
        severity: Severity = "later" if kind in _QUIET_S else "soon"
        since = None if age_s is None else case.now - timedelta(seconds=age_s)
        yield case.trouble("quiet", severity, values, since=since, what=title)


def alerts_of(told: Told) -> bool:
    """Whether it says that it is in trouble."""
    return told.state is not None and told.state.state == "alert"


def _silent_s(case: Case, age_s: float | None) -> float:
    """How long a sensor has given nothing; one that never did, since its device is there."""
    if age_s is not None:
        return age_s
    since = case.told.state.at if case.told.state is not None else None
    return 0.0 if since is None else (case.now - since).total_seconds()


def _rhythm_s(site: Site, sensor: Mapping[str, Any]) -> float | None:
    """How long a sensor of this kind may give nothing; None is for ever."""
    kind = sensor.get("kind")
    if kind == "camera":
        return max(site.freshness.camera_s, 3 * _every_s(sensor, 1.0))
    if kind == "queue":
        return max(site.freshness.ticket_s, 3 * _every_s(sensor, 20.0))
    if kind == "bookings":
        return 3 * _every_s(sensor, 300.0)
    return _QUIET_S.get(str(kind))


def _every_s(sensor: Mapping[str, Any], otherwise: float) -> float:
    every_s = sensor.get("every_s")
    return float(every_s) if isinstance(every_s, int | float) else otherwise


def _open_s(case: Case) -> float:
    """How long the office has been open without a break."""
    hours = case.calendar.office(case.calendar.day_of(case.now))
    begun = next((start for start, end in hours if start <= case.now < end), None)
    return 0.0 if begun is None else (case.now - begun).total_seconds()


def outbox(case: Case) -> Iterator[Trouble]:
    """What it saw waits there: deep, or deeper each minute. Without a hub it must."""
    health = case.told.health
    if health is None or case.heard.hub_gone or not case.is_here:
        return
    last = case.told.depths[-_GROWS - 1 :]
    grows = len(last) > _GROWS and all(a < b for a, b in pairwise(last))
    if health.outbox >= _DEEP or (grows and health.outbox >= _GROWING):
        yield case.trouble("outbox", "soon", amount=health.outbox)


def clock(case: Case) -> Iterator[Trouble]:
    """Nothing keeps its clock right, or it is wrong all the same."""
    health = case.told.health
    if health is None or not case.is_here:
        return
    if not health.clock_synchronised:
        yield case.trouble("clock_unset", "soon")
    elif (ahead_s := case.told.ahead_s) is not None and not -_BEHIND_S <= ahead_s <= _AHEAD_S:
        yield case.trouble("clock_off", "soon", amount=ahead_s)


def body(case: Case) -> Iterator[Trouble]:
    """The machine: heat, supply, disk, certificate."""
    health = case.told.health
    if health is None:
        return
    heat_c, free = health.temperature_c, health.disk_free_share
    if heat_c is not None and heat_c >= _HOT_C and case.is_here:
        yield case.trouble("hot", "soon" if heat_c >= _TOO_HOT_C else "later", amount=heat_c)
    if health.under_voltage and case.is_here:
        yield case.trouble("voltage", "soon")
    if free is not None and free < _DISK:
        yield case.trouble("disk", "soon" if free < _DISK_FULL else "later", amount=free)
    days = health.certificate_days
    if days is not None and days < _RENEWED_DAYS:
        severity: Severity = "soon" if days < _PRESSING_DAYS else "later"
        yield case.trouble("certificate", severity, amount=days)


def sameness(case: Case) -> Iterator[Trouble]:
    """It runs what the hub runs, by the same site file."""
    about, hub = case.told.about, case.heard.hub_about
    if about is None or hub is None or not case.is_here:
        return
    if about.version != hub.version:
        yield case.trouble("version", "later", why=about.version)
    if about.site_hash and about.site_hash != hub.site_hash:
        yield case.trouble("site_file", "later")


def screen(case: Case) -> Iterator[Trouble]:
    """The hub says that a screen does not show what it told; one that is gone shows nothing."""
    found = case.heard.alerts().get(case.who)
    if found is None or found.what != "screen" or not case.is_here:
        return
    why = found.why.removesuffix(f" - on display {case.who}")
    severity: Severity = "urgent" if case.is_open else "soon"
    yield case.trouble("screen", severity, since=found.since, why=why)


RULES: tuple[Rule, ...] = (presence, alert, quiet, screen, outbox, clock, body, sameness)
