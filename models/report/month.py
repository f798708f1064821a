"""All figures of one month of one office."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import TypeVar

import msgspec

from models.report.change import Changed, changed, spans_of
from models.report.faults import Silence, Unknown, silences, unknowns
from models.report.kept import Cell, Kept, Source
from models.report.level import Level, levels
from models.report.parking import LotMonth, lot_month
from models.report.plan import Plan, Span, month_before, year_before
from models.report.staffing import Staffing, staffing
from models.report.tickets import Fates, Truth, fates, truth
from models.report.visits import Said, hall_days
from models.report.waits import Heat, Waits, wait_heat, waits
from models.site import Site

T = TypeVar("T")


class Month(msgspec.Struct, frozen=True, kw_only=True):
    """What a report tells. What is not known is missing, never zero.

    `known` are the open days of which anything is known; `since` is the first day of all that was
    ever kept, as far as was read; `until` the last one that counts if the month is not over.
    `staffing` is None where tickets are not kept, or say too little.
    """

    site: Site
    month: Span
    before: Span
    year: Span
    open_days: tuple[date, ...]
    known: tuple[date, ...]
    since: date | None
    until: date | None
    waits: tuple[Waits, ...] = ()
    heats: tuple[Heat, ...] = ()
    lots: tuple[LotMonth, ...] = ()
    levels: tuple[Level, ...] = ()
    fates: tuple[Fates, ...] = ()
    staffing: Staffing | None = None
    truths: tuple[Truth, ...] = ()
    silences: tuple[Silence, ...] = ()
    unknowns: tuple[Unknown, ...] = ()
    changed: Changed | None = None


def reads(plan: Plan, month: Span, change: date | None) -> list[tuple[int, int]]:
    """From when to when roll-ups are needed: milliseconds since 1970, the ends outside."""
    first = month_before(month).first
    if change is not None:
        first = min(first, spans_of(change, month)[0].first)
    return [plan.edges_ms(year_before(month)), plan.edges_ms(Span(first, month.last))]


def figures(  # noqa: PLR0917  all that a report rests on
    plan: Plan,
    month: Span,
    now: datetime,
    cells: Mapping[Source, Iterable[Cell]],
    said: Iterable[Said],
    change: date | None = None,
    step: Callable[[], None] = lambda: None,
) -> Month:
    """Everything.

    Args:
        plan: the office.
        month: its first and last day.
        now: what is later is not missing yet.
        cells: the roll-ups of `reads`, by source.
        said: the tickets and counters of the month, as far as they are kept.
        change: a day from which on something was different.
        step: called now and then, as the work goes on.
    """
    site, kept = plan.site, Kept(cells)
    today = plan.calendar.day_of(now)
    so_far = Span(month.first, min(month.last, today))
    spans = so_far, month_before(month), year_before(month)
    first_ms = kept.first_ms()
    open_days = tuple(plan.open_days(so_far))
    known = _known(kept, plan, open_days)
    empty = Month(
        site=site,
        month=month,
        before=spans[1],
        year=spans[2],
        open_days=open_days,
        known=known,
        since=None if first_ms is None else plan.day_of(first_ms),
        until=today if today < month.last else None,
    )
    if not known or first_ms is None:
        return empty
    services = [s.id for s in site.services if any(plan.slots("service", s.id, d) for d in known)]
    heats = (wait_heat(kept, plan, service, so_far) for service in services)
    hall = hall_days(said, plan)
    edges = first_ms, round(now.timestamp() * 1000)
    return msgspec.structs.replace(
        empty,
        waits=_some((waits(kept, plan, service, spans) for service in services), step),
        heats=_some((one if one.cells else None for one in heats), step),
        lots=_some((lot_month(kept, plan, lot.id, spans) for lot in site.car_parks), step),
        levels=_some(levels(kept, plan, spans), step),
        fates=_some((fates(kept, plan, service, spans) for service in services), step),
        staffing=staffing(hall, plan, step),
        truths=_some((truth(kept, plan, service, spans) for service in services), step),
        silences=_some(silences(kept, plan, so_far, edges), step),
        unknowns=_some(unknowns(kept, plan, so_far, edges), step),
        changed=None if change is None else changed(kept, plan, change, so_far),
    )


def _some(found: Iterable[T | None], step: Callable[[], None]) -> tuple[T, ...]:
    """Those that there are."""
    made = []
    for one in found:
        step()
        if one is not None:
            made.append(one)
    return tuple(made)


def _known(kept: Kept, plan: Plan, days: Sequence[date]) -> tuple[date, ...]:
    """The open days on which anything was kept while the office was open."""
    seen = kept.slots()
    return tuple(day for day in days if any(s.ms in seen for s in plan.slots("zone", "", day)))
