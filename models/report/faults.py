"""What was not seen: silent devices, gaps, and how much of the month nobody knows because of it."""

from collections.abc import Mapping
from datetime import date

import msgspec

from models.report.kept import SLOT_MS, Kept
from models.report.plan import Plan, Span, What
from models.site import Site

_SLOT_H = SLOT_MS / 3_600_000
_NAMES = {"service", "services"}


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """One device in one month. `days` is the share of each open day that it was silent for."""

    device: str
    days: dict[date, float]
    silent_h: float
    open_h: float
    gaps: int
    was_heard: bool  # ever, as far back as this report reads


class Unknown(msgspec.Struct, frozen=True, kw_only=True):
    """One result in one month: open hours, and those of which nothing could be told."""

    what: What
    name: str
    unknown_h: float
    open_h: float

    @property
    def share(self) -> float:
        """Of the open hours."""
        return self.unknown_h / self.open_h if self.open_h else 0.0


def silences(kept: Kept, plan: Plan, span: Span, counted: tuple[int, int]) -> list[Silence]:
    """Of every device of the site file, in the office's hours.

    Args:
        kept: the roll-ups.
        plan: the opening hours.
        span: this month.
        counted: from when to when it counts, ms since 1970: since anything is kept, until now.
    """
    found = []
    edges = plan.edges_ms(span)
    for device in plan.site.devices:
        beats = kept.of("beat", device.id, "told")
        days: dict[date, float] = {}
        silent = count = 0
        for day in span.days():
            slots = _counted(plan, "zone", "", day, counted)
            if slots:
                missing = sum(ms not in beats for ms in slots)
                days[day] = missing / len(slots)
                silent, count = silent + missing, count + len(slots)
        found.append(
            Silence(
                device=device.id,
                days=days,
                silent_h=silent * _SLOT_H,
                open_h=count * _SLOT_H,
                gaps=_gaps(kept, device.id, device.sensors, edges),
                was_heard=bool(beats),
            )
        )
    return found


def machines(site: Site, service: str) -> list[str]:
    """The devices whose settings name a service, or that read tickets of any."""
    found = []
    for device in site.devices:
        for sensor in device.sensors:
            is_for_all = sensor.get("kind") == "ticket" and not sensor.keys() & _NAMES
            if is_for_all or service in _said(sensor):
                found.append(device.id)
    return found


def _gaps(
    kept: Kept,
    device: str,
    sensors: tuple[dict[str, object], ...],
    edges: tuple[int, int],
) -> int:
    """A gap has the name of a sensor, which is what it observes, or of the whole device."""
    names = {device, *_said(sensors)}
    since_ms, until_ms = edges
    return sum(
        cell.count
        for name in names
        for ms, cell in kept.of("gap", name, "told").items()
        if since_ms <= ms < until_ms
    )


def _said(value: object) -> set[str]:
    """Every id that stands in the settings of sensors."""
    if isinstance(value, str):
        return {value}
    if isinstance(value, Mapping):
        return {name for one in value.values() for name in _said(one)}
    if isinstance(value, (list, tuple)):
        return {name for one in value for name in _said(one)}
    return set()


def unknowns(kept: Kept, plan: Plan, span: Span, counted: tuple[int, int]) -> list[Unknown]:
    """Of every service, car park and zone that is open this month; `counted` as of `silences`."""
    site = plan.site
    results: list[tuple[What, str]] = [("service", one.id) for one in site.services]
    results += [("lot", one.id) for one in site.car_parks]
    results += [("zone", one.id) for one in site.zones]
    found = []
    for what, name in results:
        told = kept.of(what, name, "no_data")
        count = 0
        known = 0.0
        for day in span.days():
            slots = _counted(plan, what, name, day, counted)
            count += len(slots)
            known += sum(1.0 - told[ms].sum / told[ms].count for ms in slots if ms in told)
        if count:
            hours = count * _SLOT_H
            found.append(
                Unknown(what=what, name=name, unknown_h=hours - known * _SLOT_H, open_h=hours)
            )
    return found


def _counted(plan: Plan, what: What, name: str, day: date, counted: tuple[int, int]) -> list[int]:
    first_ms, now_ms = counted
    return [s.ms for s in plan.slots(what, name, day) if first_ms <= s.ms <= now_ms - SLOT_MS]
