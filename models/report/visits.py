"""What became of each ticket, from the observations themselves while they are kept."""

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import pairwise
from statistics import median
from typing import Literal

import msgspec

from models.contract.observations import Counter, Ticket
from models.report.plan import Plan, Span

Fate = Literal["served", "absent", "cancelled", "unknown"]
Interval = tuple[int, int]
"""From and to, milliseconds since 1970."""

_BUSY_MS = 5 * 60_000  # between two customers at most, if somebody waits
_MOST_MS = 4 * 3_600_000


class Said(msgspec.Struct, frozen=True):
    """A ticket or counter observation, when it was made and of which service or counter."""

    at_ms: int
    name: str
    reading: Ticket | Counter


class Visit(msgspec.Struct, kw_only=True):
    """One ticket. Times are milliseconds since 1970; None: it did not happen, or nobody told."""

    service: str
    issued_ms: int
    called_ms: int | None = None
    ended_ms: int | None = None
    counter: str | None = None
    fate: Fate = "unknown"

    @property
    def wait_s(self) -> float | None:
        """Seconds until it was called."""
        return None if self.called_ms is None else (self.called_ms - self.issued_ms) / 1000

    @property
    def lasted_s(self) -> float | None:
        """Seconds from the call to the end, if both are known."""
        if self.called_ms is None or self.ended_ms is None:
            return None
        return (self.ended_ms - self.called_ms) / 1000


class HallDay(msgspec.Struct, frozen=True):
    """One day of the counters: the tickets in order, and when which counter was open."""

    day: date
    visits: tuple[Visit, ...]
    shifts: dict[str, tuple[Interval, ...]]


def hall_days(said: Iterable[Said], plan: Plan) -> list[HallDay]:
    """The days of which there are tickets, in order."""
    days: dict[date, list[Said]] = {}
    for one in said:
        days.setdefault(plan.day_of(one.at_ms), []).append(one)
    found = []
    for day in sorted(days):
        of_day = sorted(days[day], key=lambda one: one.at_ms)
        visits = _visits(of_day, {s.id for s in plan.site.services})
        if visits and plan.is_open(day):
            found.append(HallDay(day, tuple(visits), _shifts(of_day, plan, day, visits)))
    return found


def between_s(days: Sequence[HallDay]) -> float:
    """Median seconds from the end of one customer to the call of the next who waited already."""
    found = []
    for day in days:
        by_counter: dict[str, list[Visit]] = {}
        for visit in sorted(_called(day), key=lambda v: v.called_ms or 0):
            if visit.counter:
                by_counter.setdefault(visit.counter, []).append(visit)
        for served in by_counter.values():
            for before, after in pairwise(served):
                if before.ended_ms is None or after.called_ms is None:
                    continue
                gap_ms = after.called_ms - before.ended_ms
                if after.issued_ms < before.ended_ms and 0 <= gap_ms <= _BUSY_MS:
                    found.append(gap_ms / 1000)
    return median(found) if found else 0.0


def _called(day: HallDay) -> list[Visit]:
    return [visit for visit in day.visits if visit.called_ms is not None]


def _visits(said: Sequence[Said], services: set[str]) -> list[Visit]:
    open_tickets: dict[tuple[str, str], Visit] = {}
    visits: list[Visit] = []
    for one in said:
        ticket = one.reading
        if not isinstance(ticket, Ticket) or one.name not in services:
            continue
        key = one.name, ticket.number
        if ticket.event == "issued":
            visits.append(Visit(service=one.name, issued_ms=one.at_ms))
            open_tickets[key] = visits[-1]
            continue
        visit = open_tickets.get(key)
        if visit is None:
            continue  # issued before the journal begins
        if ticket.event == "called":
            visit.called_ms, visit.counter = one.at_ms, ticket.counter or visit.counter
        elif visit.ended_ms is None:
            visit.ended_ms, visit.fate = one.at_ms, ticket.event
            visit.counter = visit.counter or ticket.counter
    _infer_ends(visits)
    return visits


def _infer_ends(visits: Sequence[Visit]) -> None:
    """Where nobody tells the end: the next call of the same counter, if somebody waited for it."""
    by_counter: dict[str, list[Visit]] = {}
    for visit in sorted((v for v in visits if v.called_ms), key=lambda v: v.called_ms or 0):
        if visit.counter:
            by_counter.setdefault(visit.counter, []).append(visit)
    for served in by_counter.values():
        for before, after in pairwise(served):
            called_ms, next_ms = before.called_ms or 0, after.called_ms or 0
            waited = after.issued_ms < next_ms - _BUSY_MS // 5
            if before.fate == "unknown" and waited and next_ms - called_ms < _MOST_MS:
                before.ended_ms, before.fate = next_ms, "served"


def _shifts(
    said: Sequence[Said], plan: Plan, day: date, visits: Sequence[Visit]
) -> dict[str, tuple[Interval, ...]]:
    """When each counter was open: as its observations say, else by the timetable.

    Who called somebody outside of that was there.
    """
    end_ms = plan.edges_ms(_one(day))[1]
    opened: dict[str, list[tuple[int, bool | None]]] = {}
    for one in said:
        if isinstance(one.reading, Counter):
            opened.setdefault(one.name, []).append((one.at_ms, one.reading.open))
    shifts: dict[str, tuple[Interval, ...]] = {}
    used = {c for service in plan.site.services for c in service.counters}
    for counter in sorted(used):
        planned = [
            (round(a.timestamp() * 1000), round(b.timestamp() * 1000))
            for a, b in plan.calendar.counter(counter, day)
        ]
        seen = opened.get(counter)
        spans = planned if seen is None else _heard(seen, planned, end_ms)
        calls = [v.called_ms for v in visits if v.counter == counter and v.called_ms is not None]
        joined = _joined([*spans, *((ms, ms + 1) for ms in calls)])
        if joined:
            shifts[counter] = joined
    return shifts


def _heard(
    seen: Sequence[tuple[int, bool | None]], planned: Sequence[Interval], end_ms: int
) -> list[Interval]:
    """From what a counter said of itself; null is by the timetable again."""
    spans: list[Interval] = []
    since_ms: int | None = None
    for at_ms, is_open in seen:
        now = any(a <= at_ms < b for a, b in planned) if is_open is None else is_open
        if now and since_ms is None:
            since_ms = at_ms
        if not now and since_ms is not None:
            spans.append((since_ms, at_ms))
            since_ms = None
    if since_ms is not None:
        last_ms = max((b for _, b in planned), default=end_ms)
        spans.append((since_ms, max(last_ms, since_ms)))
    return spans


def _joined(spans: Iterable[Interval]) -> tuple[Interval, ...]:
    """In order, without overlap, and none for a mere moment within another."""
    done: list[Interval] = []
    for start, end in sorted(spans):
        if done and start <= done[-1][1]:
            done[-1] = done[-1][0], max(end, done[-1][1])
        elif end > start:
            done.append((start, end))
    return tuple(done)


def _one(day: date) -> Span:
    return Span(day, day)
