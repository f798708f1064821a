"""How long people waited, and when a wait is to be expected."""

from collections.abc import Sequence
from datetime import date
from typing import Literal

import msgspec
import numpy as np

from models.report.chance import Floats, Versus, versus
from models.report.kept import Cell, Kept
from models.report.plan import Plan, Span

_EXACT = 3
_LONG = 0.9


class Waits(msgspec.Struct, frozen=True, kw_only=True):
    """One service in one month. `count` are tickets, or looks at what was told."""

    service: str
    source: Literal["tickets", "told"]
    days: int
    count: int
    median_s: float
    long_s: float  # nine in ten waited no longer
    before: Versus | None  # of the median, last month
    before_long_s: float | None
    year: Versus | None  # and in the same month of last year
    year_long_s: float | None


class HeatCell(msgspec.Struct, frozen=True):
    """The mean in one hour of one weekday, and of how many days that is."""

    value: float
    days: int


class Heat(msgspec.Struct, frozen=True, kw_only=True):
    """A mean by weekday (0 Monday) and hour; only where something is open and anything is known."""

    name: str
    weekdays: tuple[int, ...]
    hours: tuple[int, ...]
    cells: dict[tuple[int, int], HeatCell]

    def most(self) -> tuple[int, int] | None:
        """Weekday and hour of the highest mean; None of no cells."""
        return max(self.cells, key=lambda at: self.cells[at].value, default=None)


def single_waits(cell: Cell) -> list[float]:
    """The waits that a cell sums up: exact up to three, else all but the ends alike.

    >>> from types import SimpleNamespace as Seen
    >>> single_waits(Seen(count=3, sum=600.0, min=60.0, max=360.0))
    [60.0, 180.0, 360.0]
    """
    if cell.count == 1:
        return [cell.sum]
    inner = cell.count - 2
    rest = (cell.sum - cell.min - cell.max) / inner if inner else 0.0
    return [cell.min, *([min(max(rest, cell.min), cell.max)] * inner), cell.max]


def waits(kept: Kept, plan: Plan, service: str, spans: Sequence[Span]) -> Waits | None:
    """Of one service; None if nothing is known of it this month.

    Args:
        kept: the roll-ups.
        plan: the opening hours.
        service: its id.
        spans: this month, the last one, the same of last year.
    """
    from_tickets = [_waited(kept, plan, service, span) for span in spans]
    if from_tickets[0]:
        return _waits(service, "tickets", from_tickets)
    from_told = [_told(kept, plan, service, span) for span in spans]
    return _waits(service, "told", from_told) if from_told[0] else None


def _waits(
    service: str, source: Literal["tickets", "told"], found: Sequence[list[Floats]]
) -> Waits:
    now, before, year = found
    together = np.concatenate(now)
    return Waits(
        service=service,
        source=source,
        days=len(now),
        count=len(together),
        median_s=float(np.median(together)),
        long_s=_long(now) or 0.0,
        before=versus(now, before, _median),
        before_long_s=_long(before),
        year=versus(now, year, _median),
        year_long_s=_long(year),
    )


def _waited(kept: Kept, plan: Plan, service: str, span: Span) -> list[Floats]:
    """The waits of each day on which anybody was called, also after the doors are shut."""
    since_ms, until_ms = plan.edges_ms(span)
    days: dict[date, list[float]] = {}
    for ms, cell in kept.of("ticket", service, "wait_s").items():
        if since_ms <= ms < until_ms:
            days.setdefault(plan.day_of(ms), []).extend(single_waits(cell))
    return [np.array(days[day]) for day in sorted(days)]


def _told(kept: Kept, plan: Plan, service: str, span: Span) -> list[Floats]:
    cells = kept.of("service", service, "wait_p50_s")
    days = (plan.slots("service", service, day) for day in span.days())
    looks = ([cells[s.ms].sum / cells[s.ms].count for s in day if s.ms in cells] for day in days)
    return [np.array(day) for day in looks if day]


def _median(values: Floats) -> float:
    return float(np.median(values))


def _long(days: list[Floats]) -> float | None:
    return float(np.quantile(np.concatenate(days), _LONG)) if days else None


def wait_heat(kept: Kept, plan: Plan, service: str, span: Span) -> Heat:
    """The wait that was told to who came then, in seconds: it knows the hour of coming."""
    cells = kept.of("service", service, "wait_p50_s")
    found: dict[tuple[int, int], list[tuple[date, float]]] = {}
    for day in span.days():
        for slot in plan.slots("service", service, day):
            if slot.ms in cells:
                told = cells[slot.ms].sum / cells[slot.ms].count
                found.setdefault((day.weekday(), slot.hour), []).append((day, told))
    return heat(service, found)


def heat(name: str, found: dict[tuple[int, int], list[tuple[date, float]]]) -> Heat:
    """Values with their days, by weekday and hour, as means."""
    return Heat(
        name=name,
        weekdays=tuple(sorted({weekday for weekday, _ in found})),
        hours=tuple(sorted({hour for _, hour in found})),
        cells={
            at: HeatCell(sum(v for _, v in all_of) / len(all_of), len({d for d, _ in all_of}))
            for at, all_of in found.items()
        },
    )
