"""Who comes to the synthetic office, when and why, before anybody is served."""

import math
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from models.contract.observations import BookedSlot, Bookings
from models.site import Service
from models.world.day import TicketTruth
from models.world.laws import Floats, factor, patience_s, services_s
from models.world.today import MINUTE_MS, Today

_SLOT_MINUTES, _PLACES = 15, 4


@dataclass(slots=True)
class Visitor:
    """The holder of a ticket; times in milliseconds since midnight. The hall fills in the rest."""

    service: str
    number: str
    came_ms: int  # through the door
    issued_ms: int
    patience_ms: float
    service_ms: int
    walk_ms: int  # from the seat or the counter to the door
    party: int  # with companions
    due_ms: int | None = None  # for when there is a reservation
    called_ms: int | None = None
    counter: str | None = None
    served_ms: int | None = None

    @property
    def left_ms(self) -> int | None:
        """When the holder left unseen; None: served, or waits still."""
        end_ms = self.issued_ms + self.patience_ms
        if end_ms < (math.inf if self.called_ms is None else self.called_ms):
            return int(end_ms)
        return None

    @property
    def gone_ms(self) -> int | None:
        """When the holder is at the door again; None: not before midnight."""
        end_ms = self.left_ms if self.served_ms is None else self.served_ms
        return None if end_ms is None else end_ms + self.walk_ms


def visitors(today: Today) -> list[Visitor]:
    """All who take a ticket today, in the order of their tickets."""
    everybody = [v for service in today.services for v in _of(today, service)]
    everybody += [v for service in today.services for v in _booked(today, service)]
    return sorted(everybody, key=lambda visitor: visitor.issued_ms)


def rates(today: Today, service: Service) -> Floats:
    """(minutes of the day,) people expected each minute on a usual day.

    A shared counter works for each of its services alike; the peak asks for as much work as
    square-root staffing leaves room for (Halfin & Whitt 1981, doi:10.1287/opre.29.3.567).
    """
    shape = today.profile(today.tickets(service))
    if today.params.arrivals_per_h is not None:
        return shape * (today.params.arrivals_per_h / 60)
    shared = [c for s in today.services for c in s.counters]
    staffed = sum(
        (
            today.within(today.shifts[c]) / shared.count(c)
            for c in service.counters
            if c in today.shifts
        ),
        start=np.zeros_like(shape),
    )
    if not (shape * staffed).any():
        return np.zeros_like(shape)
    counters = float(np.average(staffed, weights=shape))
    busy = 1 - today.params.slack / math.sqrt(max(1.0, counters))
    return shape * (busy * counters / service.service_minutes)


def truth(today: Today, visitor: Visitor) -> TicketTruth:
    """What became of a visitor's ticket."""

    def at(ms: int | None) -> datetime | None:
        return None if ms is None or ms >= today.length_ms else today.at(ms)

    return TicketTruth(
        number=visitor.number,
        service=visitor.service,
        issued_at=today.at(visitor.issued_ms),
        called_at=at(visitor.called_ms),
        counter=visitor.counter,
        served_at=at(visitor.served_ms),
        left_at=at(visitor.left_ms),
        absent=visitor.left_ms is not None and visitor.called_ms is not None,
    )


def _of(today: Today, service: Service) -> list[Visitor]:
    params = today.params
    rng = today.rng(f"service {service.id}")
    walk_in = 1.0 - _booked_part(today, service)
    issued = today.arrivals(rng, rates(today, service) * today.load * walk_in)
    n = len(issued)
    mean_s = service.service_minutes * 60 * today.speed
    drawn = zip(
        issued.tolist(),
        np.maximum(issued - rng.integers(20_000, 60_000, n), 0).tolist(),
        (patience_s(rng, n, params) * 1000).tolist(),
        np.rint(services_s(rng, mean_s, n, params) * 1000).astype(np.int64).tolist(),
        rng.integers(10_000, 40_000, n).tolist(),
        (1 + rng.poisson(params.companions, n)).tolist(),
        strict=True,
    )
    letter = _letter(today.site.services.index(service))
    return [
        Visitor(
            service=service.id,
            number=f"{letter}{i:03}",
            came_ms=came,
            issued_ms=at,
            patience_ms=patience,
            service_ms=service_ms,
            walk_ms=walk,
            party=party,
        )
        for i, (at, came, patience, service_ms, walk, party) in enumerate(drawn, start=1)
    ]


def bookings(today: Today, service: Service) -> Bookings | None:
    """The book of a service, complete in the morning; None if it takes no reservations."""
    part = _booked_part(today, service)
    if not part:
        return None
    rng = today.rng(f"book {service.id}")
    load = factor(rng, today.params.booked_sd) / today.params.booked_come
    wanted = rates(today, service) * part * load
    slots = []
    for minute in range(0, len(wanted) - _SLOT_MINUTES, _SLOT_MINUTES):
        people = float(wanted[minute : minute + _SLOT_MINUTES].sum())
        if people:
            booked = int(rng.poisson(people))
            slots.append(BookedSlot(minute=minute, booked=booked, places=max(booked, _PLACES)))
    return Bookings(day=today.day, slots=tuple(slots))


def _booked(today: Today, service: Service) -> list[Visitor]:
    """Those who come with a reservation, most of them before their time."""
    book = bookings(today, service)
    if book is None:
        return []
    params, rng = today.params, today.rng(f"booked {service.id}")
    due = np.repeat([s.minute for s in book.slots], [s.booked for s in book.slots]) * MINUTE_MS
    due = due[rng.random(len(due)) < params.booked_come]
    n = len(due)
    issued = due - np.rint(rng.normal(8.0, 5.0, n).clip(-8.0, 25.0) * MINUTE_MS).astype(np.int64)
    lasts_s = services_s(rng, service.service_minutes * 60 * today.speed, n, params)
    drawn = zip(
        due.tolist(),
        issued.tolist(),
        (patience_s(rng, n, params) * 1000).tolist(),
        np.rint(lasts_s * 1000).astype(np.int64).tolist(),
        (1 + rng.poisson(params.companions, n)).tolist(),
        strict=True,
    )
    return [
        Visitor(
            service=service.id,
            number=f"{service.booked_tickets or 'R'}{i:03}",
            came_ms=max(at - 30_000, 0),
            issued_ms=at,
            patience_ms=patience,
            service_ms=service_ms,
            walk_ms=20_000,
            party=party,
            due_ms=due_ms,
        )
        for i, (due_ms, at, patience, service_ms, party) in enumerate(drawn, start=1)
    ]


def _booked_part(today: Today, service: Service) -> float:
    return today.params.booked if service.bookings == "first" else 0.0


def _letter(position: int) -> str:
    """A, B ... Z, AA, BB ... of the services in the site file."""
    return chr(ord("A") + position % 26) * (1 + position // 26)
