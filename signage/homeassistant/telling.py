"""What each thing of an office tells Home Assistant now, and until when that may be shown."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from models.calendar import Calendar
from models.care.heard import Heard, Told
from models.care.office import Unit, units
from models.care.rules import SILENT_S
from models.contract.results import Health, LotResult, ServiceResult, ZoneResult
from models.freshness import life_of
from models.site import Site
from signage.homeassistant.entities import STATES, VACANCIES, Thing, things
from signage.staff.words import StaffWords

_ABSENT = frozenset({"lost", "silent", "stopped", "never"})
"""Troubles of a machine that is not there."""

_SHOWN = frozenset({"fresh", "ageing"})
_MINUTE_S = 60


class Said(msgspec.Struct, frozen=True):
    """The fields of a thing, null for what is unknown; `ends` is when they must disappear.

    None is never: what is so as long as we say it.
    """

    fields: Mapping[str, Any]
    ends: datetime | None = None


class Telling:
    """Of one office, in the words of its facility's people. Reads files: make it outside a loop."""

    def __init__(self, site: Site, words: StaffWords) -> None:
        self._site = site
        self._words = words
        self._calendar = Calendar(site)
        self._things = tuple(things(site))

    def told(self, heard: Heard, now: datetime) -> Iterator[tuple[Thing, Said]]:
        """All things, as they are now."""
        machines = {unit.id: unit for unit in units(self._site, self._calendar, heard, now)}
        for thing in self._things:
            said = self._said(thing, heard, machines, now)
            yield thing, Said(nothing(thing) | dict(said.fields), said.ends)

    def _said(
        self, thing: Thing, heard: Heard, machines: Mapping[str, Unit], now: datetime
    ) -> Said:
        result = heard.results.get(thing.key)
        if thing.kind == "office":
            hub = machines["hub"]
            return Said({"hub": not heard.hub_gone, "trouble": bool(hub.troubles)})
        if thing.kind in ("device", "display"):
            return Said(of_machine(machines[thing.id], now))
        if thing.kind == "service":
            found = result if isinstance(result, ServiceResult) else None
            return self._service(thing.id, found, now)
        if thing.kind == "lot":
            capacity = next(lot.capacity for lot in self._site.lots if lot.id == thing.id)
            said = self._lot(result if isinstance(result, LotResult) else None, now)
            return Said({"capacity": capacity} | dict(said.fields), said.ends)
        return _zone(result if isinstance(result, ZoneResult) else None, now)

    def _service(self, name: str, result: ServiceResult | None, now: datetime) -> Said:
        if result is None:
            is_held = self._calendar.is_held(name, self._calendar.day_of(now))
            return Said({"state": self._state("no_data" if is_held else "closed")})
        life = life_of(result, result.state)
        phase = life.phase(now)
        if phase == "closed":
            return Said({"state": self._state("closed")}, life.ends)
        if phase == "paused":
            return Said({"state": self._state("paused")}, life.ends)
        if phase not in _SHOWN:
            return Said({"state": self._state("no_data")})
        wait = result.wait
        minutes = (None,) * 3 if wait is None else map(_minutes, msgspec.structs.astuple(wait))
        return Said(
            {
                "state": self._state("open"),
                "level": None if result.level is None else self._word(f"level.{result.level}"),
                "waiting": result.waiting,
                "counters_open": result.counters_open,
                **dict(zip(("wait_p10", "wait", "wait_p90"), minutes, strict=True)),
            },
            life.ends,
        )

    def _lot(self, result: LotResult | None, now: datetime) -> Said:
        if result is None:
            return Said({})
        life = life_of(result, result.state)
        phase = life.phase(now)
        if phase == "closed":
            return Said({"vacancy": self._word(VACANCIES["closed"])}, life.ends)
        if phase not in _SHOWN:
            return Said({})
        fields: dict[str, Any] = {}
        if result.vacancy is not None:
            fields["vacancy"] = self._word(VACANCIES[result.vacancy])
            fields["full"] = result.vacancy == "full"
        if result.free is not None:
            fields["free"] = result.free.p50
        bays = result.accessible
        if bays is not None and bays.free is not None:
            fields["accessible_free"] = bays.free.p50
        return Said(fields, life.ends)

    def _state(self, state: str) -> str:
        return self._word(STATES[state])

    def _word(self, key: str) -> str:
        return str(self._words(key))


def nothing(thing: Thing) -> dict[str, Any]:
    """All fields of a thing of which nothing is known."""
    return dict.fromkeys(shown.field for shown in thing.shown)


def of_machine(unit: Unit, now: datetime) -> dict[str, Any]:
    """A device or a display: whether it is there, and how it feels while that is known."""
    is_here = _ABSENT.isdisjoint(trouble.kind for trouble in unit.troubles)
    fields: dict[str, Any] = {"connected": is_here, "trouble": bool(unit.troubles)}
    health = _felt(unit.told, now) if is_here else None
    if health is None:
        return fields
    heat_c, free = health.temperature_c, health.disk_free_share
    return fields | {
        "temperature": None if heat_c is None else round(heat_c, 1),
        "under_voltage": health.under_voltage,
        "disk_free": None if free is None else round(100 * free),
        "outbox": health.outbox,
        "clock_unset": not health.clock_synchronised,
        "certificate": health.certificate_days,
    }


def _felt(told: Told, now: datetime) -> Health | None:
    """What it said of itself, if that is no older than a machine may be silent."""
    if told.health is None:
        return None
    said = told.health.at or told.heard_at
    is_new = said is not None and (now - said).total_seconds() <= SILENT_S
    return told.health if is_new else None


def _zone(result: ZoneResult | None, now: datetime) -> Said:
    if result is None:
        return Said({})
    life = life_of(result, result.state)
    if life.phase(now) not in _SHOWN:
        return Said({})
    return Said({"people": result.people, "over": result.over}, life.ends)


def _minutes(seconds: float) -> float:
    """A tenth is enough for who measures."""
    return round(seconds / _MINUTE_S, 1)
