"""Clerks beside the work that comes, and what one more of them would have saved."""

from collections.abc import Callable, Iterator, Sequence

import msgspec
import numpy as np

from models.report.chance import Floats, Range, around
from models.report.hall import Clerk, Drawn, Learnt, Played, draw, learn, play
from models.report.plan import HALF_MINUTES, Plan, whole_halves
from models.report.visits import HallDay, between_s
from models.site import Site

SEEDS = 10
_MATCH = 0.15  # of the mean wait: further off, the simulator says nothing
_MATCH_S = 60.0
_KNOWN = 0.8  # of the tickets must say how long they took
_HALF_MS = HALF_MINUTES * 60_000
_HOUR_MS = 3_600_000
_LONG = 0.9


class HalfHour(msgspec.Struct, frozen=True):
    """Means over the days: clerks whom the work that comes would keep busy, and those there."""

    half: int
    needed: float
    open: float


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Services that share a clerk, directly or through others; most stand alone."""

    services: tuple[str, ...]
    halves: tuple[HalfHour, ...]

    def worst(self) -> HalfHour:
        """Where most is missing."""
        return max(self.halves, key=lambda one: one.needed - one.open)


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """The month played again as it was, beside what was measured; seconds."""

    measured_s: float
    played_s: float
    ticket_s: float  # mean difference of single tickets, without its sign

    @property
    def is_close(self) -> bool:
        """Close enough to ask it what would have been."""
        off_s = abs(self.played_s - self.measured_s)
        return off_s <= max(_MATCH * self.measured_s, _MATCH_S)


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """What one more clerk in one hour of each day would have saved. Waits are of that service."""

    service: str
    hour: int
    median_s: float
    median_with_s: float
    long_s: float
    long_with_s: float
    hours: float  # of waiting, of all people of the month
    hours_range: Range
    absent: float  # fewer of them


class Staffing(msgspec.Struct, frozen=True, kw_only=True):
    """One month's counters. `saved` is None where the check fails."""

    days: int
    tickets: int
    groups: tuple[Group, ...]
    check: Check
    saved: Saved | None


Step = Callable[[], None]
"""Is called whenever a part of the work is done."""


def staffing(days: Sequence[HallDay], plan: Plan, step: Step = lambda: None) -> Staffing | None:
    """None if too few tickets say at which counter they were, and for how long."""
    visits = [visit for day in days for visit in day.visits]
    called = [v for v in visits if v.called_ms is not None and v.fate != "absent"]
    counters = counters_of(plan.site)
    known = [
        v
        for v in called
        if v.lasted_s is not None and v.service in counters.get(v.counter or "", ())
    ]
    if not known or len(known) < _KNOWN * len(called):
        return None
    learnt = learn(days, between_s(days))
    played = _Month(days, counters, learnt)
    check = played.check()
    step()
    return Staffing(
        days=len(days),
        tickets=len(visits),
        groups=tuple(_groups(days, plan, learnt)),
        check=check,
        saved=played.saved(plan, step) if check.is_close else None,
    )


def counters_of(site: Site) -> dict[str, tuple[str, ...]]:
    """The services of each counter."""
    counters: dict[str, tuple[str, ...]] = {}
    for service in site.services:
        for counter in service.counters:
            counters[counter] = (*counters.get(counter, ()), service.id)
    return counters


class _Month:
    """A month that can be played again, with another clerk or without."""

    def __init__(
        self, days: Sequence[HallDay], counters: dict[str, tuple[str, ...]], learnt: Learnt
    ) -> None:
        self._days = days
        self._counters = counters
        self._learnt = learnt
        self._drawn = [[draw(day, learnt, seed) for day in days] for seed in range(SEEDS)]
        self._as_was = [self._play(drawn, None) for drawn in self._drawn]

    def check(self) -> Check:
        measured, played, apart = [], [], []
        for run in self._as_was:
            for day, one in zip(self._days, run, strict=True):
                for visit, wait_s in zip(day.visits, one.waits_s, strict=True):
                    if visit.wait_s is not None and wait_s is not None:
                        measured.append(visit.wait_s)
                        played.append(wait_s)
                        apart.append(abs(wait_s - visit.wait_s))
        return Check(
            measured_s=float(np.mean(measured)),
            played_s=float(np.mean(played)),
            ticket_s=float(np.mean(apart)),
        )

    def saved(self, plan: Plan, step: Step) -> Saved | None:
        """The hour and service where one more saves most, found and measured by other draws."""
        found: tuple[float, str, int] | None = None
        for service, hour in self._hours(plan):
            saved = float(self._hours_saved([0], plan, service, hour)[0].sum())
            if found is None or saved > found[0]:
                found = saved, service, hour
            step()
        if found is None or found[0] <= 0:
            return None
        return self._told(plan, found[1], found[2])

    def _hours(self, plan: Plan) -> Iterator[tuple[str, int]]:
        """Each whole hour in which a service gives tickets."""
        for service in sorted({v.service for day in self._days for v in day.visits}):
            minutes = {
                s.minute for day in self._days for s in plan.slots("service", service, day.day)
            }
            first = -(-min(minutes, default=0) // 60)
            for hour in range(first, (max(minutes, default=0) + 5) // 60):
                yield service, hour

    def _told(self, plan: Plan, service: str, hour: int) -> Saved:
        seeds = range(1, SEEDS)
        rows = self._hours_saved(seeds, plan, service, hour)
        played = [self._with(seed, plan, service, hour) for seed in seeds]
        was = self._waits([self._as_was[seed] for seed in seeds], service)
        would = self._waits(played, service)
        absent = sum(sum(day.absent) for seed in seeds for day in self._as_was[seed])
        absent_with = sum(sum(day.absent) for run in played for day in run)
        return Saved(
            service=service,
            hour=hour,
            median_s=float(np.median(was)),
            median_with_s=float(np.median(would)),
            long_s=float(np.quantile(was, _LONG)),
            long_with_s=float(np.quantile(would, _LONG)),
            hours=float(rows.sum(axis=1).mean()),
            hours_range=_spread(rows),
            absent=(absent - absent_with) / len(seeds),
        )

    def _hours_saved(
        self, seeds: Sequence[int] | range, plan: Plan, service: str, hour: int
    ) -> Floats:
        """(seeds, days) hours of waiting less, of all people of each day."""
        return np.array(
            [
                [
                    (_waited_s(was) - _waited_s(would)) / 3600
                    for was, would in zip(
                        self._as_was[seed], self._with(seed, plan, service, hour), strict=True
                    )
                ]
                for seed in seeds
            ]
        )

    def _with(self, seed: int, plan: Plan, service: str, hour: int) -> list[Played]:
        return self._play(self._drawn[seed], (plan, service, hour))

    def _play(self, drawn: Sequence[Drawn], more: tuple[Plan, str, int] | None) -> list[Played]:
        played = []
        for day, of_day in zip(self._days, drawn, strict=True):
            clerk = None
            if more is not None:
                plan, service, hour = more
                start_ms = plan.midnight_ms(day.day) + hour * _HOUR_MS
                clerk = Clerk((service,), (start_ms, start_ms + _HOUR_MS))
            played.append(play(day, self._counters, self._learnt, of_day, clerk))
        return played

    def _waits(self, runs: Sequence[Sequence[Played]], service: str) -> list[float]:
        return [
            wait_s
            for run in runs
            for day, one in zip(self._days, run, strict=True)
            for visit, wait_s in zip(day.visits, one.waits_s, strict=True)
            if visit.service == service and wait_s is not None
        ]


def _waited_s(day: Played) -> float:
    """Of those who came: who has left waits no more, whenever the number is called."""
    return sum(
        wait_s
        for wait_s, absent in zip(day.waits_s, day.absent, strict=True)
        if wait_s is not None and not absent
    )


def _spread(rows: Floats) -> Range:
    """Of the month's sum when days and draws are drawn again."""
    rng = np.random.default_rng(SEEDS)
    seeds, days = rows.shape
    picked = rng.integers(0, days, (1000, days))
    seed = rng.integers(0, seeds, (1000, 1))
    return around(rows[seed, picked].sum(axis=1))


def _groups(days: Sequence[HallDay], plan: Plan, learnt: Learnt) -> Iterator[Group]:
    """Only what has tickets; the half hours are those in which any of the group gives them."""
    with_tickets = {visit.service for day in days for visit in day.visits}
    for services in _shared(plan.site):
        own = [s for s in services if s in with_tickets]
        if own:
            counters = {c for s in plan.site.services if s.id in own for c in s.counters}
            yield Group(services=tuple(own), halves=_halves(days, plan, learnt, own, counters))


def _shared(site: Site) -> list[list[str]]:
    """Services by whether a chain of shared counters joins them, in the order of the file."""
    groups: list[tuple[list[str], set[str]]] = []
    for service in site.services:
        joined: tuple[list[str], set[str]] = ([service.id], set(service.counters))
        for other in [g for g in groups if g[1] & joined[1]]:
            groups.remove(other)
            joined = (other[0] + joined[0], other[1] | joined[1])
        groups.append(joined)
    order = {service.id: i for i, service in enumerate(site.services)}
    return sorted((sorted(g, key=order.__getitem__) for g, _ in groups), key=lambda g: order[g[0]])


def _halves(
    days: Sequence[HallDay], plan: Plan, learnt: Learnt, services: list[str], counters: set[str]
) -> tuple[HalfHour, ...]:
    mean_s = {s: float(t.mean()) + learnt.between_s for s, t in learnt.lasting_s.items()}
    needed: dict[int, list[float]] = {}
    there: dict[int, list[float]] = {}
    for day in days:
        midnight_ms = plan.midnight_ms(day.day)
        work_s: dict[int, float] = {}
        for visit in day.visits:
            if visit.service in services:
                half = plan.minute_of(visit.issued_ms) // HALF_MINUTES
                share = 0.0 if visit.fate in ("absent", "cancelled") else 1.0
                more_s = share * mean_s.get(visit.service, 0.0)
                work_s[half] = work_s.get(half, 0.0) + more_s
        open_halves = {
            half for one in services for half in whole_halves(plan.slots("service", one, day.day))
        }
        for half in open_halves:
            start_ms = midnight_ms + half * _HALF_MS
            staffed = sum(
                max(min(b, start_ms + _HALF_MS) - max(a, start_ms), 0)
                for counter in counters
                for a, b in day.shifts.get(counter, ())
            )
            needed.setdefault(half, []).append(work_s.get(half, 0.0) * 1000 / _HALF_MS)
            there.setdefault(half, []).append(staffed / _HALF_MS)
    return tuple(
        HalfHour(half, float(np.mean(needed[half])), float(np.mean(there[half])))
        for half in sorted(needed)
    )
