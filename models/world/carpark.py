"""Cars: who parks where, which gates notice it, what a camera sees."""

import heapq
from collections.abc import Iterator, Sequence
from typing import get_args

import numpy as np

from models.contract.observations import Cars, Direction, Pulse
from models.site import Lot, Site
from models.world.laws import lognormal
from models.world.today import MINUTE_MS, Ints, Row, Span, Tally, Today
from models.world.visitors import Visitor, rates

CAMERA_EVERY_MS = 30_000
_DRIVERS_AT_MOST = 0.7  # of all the cars that would like to park: others always come too
_CLEARED_MS = 10 * MINUTE_MS  # after closing
_WAYS: tuple[Direction, ...] = get_args(Direction)

Stay = tuple[int, int]
"""In and out, milliseconds since midnight."""


def hours_of(today: Today, lot: Lot) -> list[Span]:
    """When a lot is open; nobody comes to an office that is shut all day."""
    if not today.calendar.office(today.day):
        return []
    return today.spans(today.calendar.lot(lot.id, today.day))


def parked(today: Today, lot: Lot, visitors: Sequence[Visitor]) -> list[Stay]:
    """The stays of those who found a place, in the order of their coming.

    Who finds the lot full turns round before the gate, and is seen by nobody.
    """
    stays: list[Stay] = []
    leaving: list[int] = []
    for came, goes in sorted(_wishes(today, lot, visitors)):
        while leaving and leaving[0] <= came:
            heapq.heappop(leaving)
        if len(leaving) < lot.capacity:
            heapq.heappush(leaving, goes)
            stays.append((came, goes))
    return stays


def occupied(stays: Sequence[Stay]) -> Tally:
    """Cars in a lot."""
    return Tally([(ms, 1) for ms, _ in stays] + [(ms, -1) for _, ms in stays])


def pulses(today: Today, lot: Lot, stays: Sequence[Stay]) -> Iterator[Row]:
    """What the gates notice. Of several that lead this way a car takes any."""
    gates = [gate.id for gate in today.site.gates if gate.lot == lot.id]
    leads = {way: [g for g in gates if way in _ways(today.site, g)] for way in _WAYS}
    rng = today.rng(f"gates {lot.id}")
    for stay in stays:
        for way, ms in zip(_WAYS, stay, strict=True):
            which, missed = rng.random(2).tolist()
            if leads[way] and missed >= today.params.missed:
                gate = leads[way][int(which * len(leads[way]))]
                yield Row(ms, gate, Pulse(direction=way))


def seen(today: Today, lot: Lot, there: Tally) -> Iterator[Row]:
    """What a camera counts that sees the whole lot."""
    grid = today.grid(hours_of(today, lot), CAMERA_EVERY_MS)
    noise = today.rng(f"camera {lot.id}").normal(0.0, today.params.cars_sd, len(grid))
    counts = np.clip(np.rint(there.on(grid) + noise), 0, lot.capacity).astype(np.int64)
    for ms, count in zip(grid.tolist(), counts.tolist(), strict=True):
        yield Row(ms, lot.id, Cars(occupied=count, seen=lot.capacity))


def _wishes(today: Today, lot: Lot, visitors: Sequence[Visitor]) -> Iterator[Stay]:
    """When cars would like to come and go: those of visitors, and others."""
    hours = hours_of(today, lot)
    if not hours:
        return
    params = today.params
    wanted = today.profile(hours) * (params.lot_load * lot.capacity / params.stay_s * 60)
    total = float(wanted.sum())
    people = sum(float(rates(today, service).sum()) for service in today.services)
    share = params.drivers * lot.capacity / sum(other.capacity for other in today.site.lots)
    cars = min(people * share, _DRIVERS_AT_MOST * total)

    rng = today.rng(f"others {lot.id}")
    others = today.arrivals(rng, wanted * (1 - cars / total) * today.load)
    for came, stay, late in _drawn(today, rng, others):
        yield came, _out(today, hours, came + stay, late)

    rng = today.rng(f"drivers {lot.id}")
    walk = rng.integers(1 * MINUTE_MS, 4 * MINUTE_MS, len(visitors))
    chosen = rng.random(len(visitors)) * people < cars
    doors = np.array([visitor.came_ms for visitor in visitors], dtype=np.int64)
    drawn = _drawn(today, rng, doors - walk)
    for visitor, drives, (came, stay, late) in zip(visitors, chosen, drawn, strict=True):
        if drives and any(start <= came < end for start, end in hours):
            gone = today.length_ms if visitor.gone_ms is None else visitor.gone_ms
            back = gone + visitor.came_ms - came  # as far as it was on the way in
            yield came, min(max(_out(today, hours, came + stay, late), back), today.length_ms - 1)


def _drawn(today: Today, rng: np.random.Generator, came: Ints) -> Iterator[tuple[int, int, int]]:
    """With each coming a stay, and how long after closing this driver would drive off."""
    stay = lognormal(rng, today.params.stay_s * 1000, today.params.stay_cv, len(came))
    late = rng.integers(0, _CLEARED_MS, len(came))
    return zip(
        came.tolist(), np.rint(stay + 1).astype(np.int64).tolist(), late.tolist(), strict=True
    )


def _out(today: Today, hours: Sequence[Span], wish: int, late: int) -> int:
    """When a car really leaves: a lot empties when it closes, and at midnight."""
    return min(wish, hours[-1][1] + late, today.length_ms - 1)


def _ways(site: Site, gate: str) -> set[Direction]:
    """How cars pass a gate, by how it is wired; both ways with two loops, or with none."""
    ways: set[Direction] = set()
    for device in site.devices:
        for sensor in device.sensors:
            if sensor.get("kind") == "gate" and sensor.get("gate") == gate:
                ways |= {way for way in _WAYS if sensor.get("direction", way) == way}
    return ways or set(_WAYS)
