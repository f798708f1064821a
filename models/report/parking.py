"""For how long a car park was full, and when."""

from collections.abc import Sequence
from datetime import date

import msgspec
import numpy as np

from models.report.chance import Floats, Versus, versus
from models.report.kept import SLOT_MS, Kept
from models.report.plan import Plan, Span
from models.report.waits import Heat, heat

_SLOT_H = SLOT_MS / 3_600_000
_LONG_FULL_H = 1.0


class LotDay(msgspec.Struct, frozen=True):
    """One open day, in hours: told full, known at all, open."""

    day: date
    full_h: float
    known_h: float
    open_h: float


class LotMonth(msgspec.Struct, frozen=True, kw_only=True):
    """One car park in one month. Of hours of which nothing is known nothing is said."""

    lot: str
    capacity: int | None
    days: tuple[LotDay, ...]
    before: Versus | None  # hours full on an open day, last month
    year: Versus | None
    parked: Heat  # share of the places that were taken

    @property
    def full_h(self) -> float:
        """Hours full in all."""
        return sum(day.full_h for day in self.days)

    @property
    def full_days(self) -> int:
        """Days on which it was full at all."""
        return sum(day.full_h > 0 for day in self.days)

    @property
    def long_days(self) -> int:
        """Days on which it was full for an hour or more."""
        return sum(day.full_h >= _LONG_FULL_H for day in self.days)

    @property
    def known_days(self) -> int:
        """Days of which anything is known."""
        return sum(day.known_h > 0 for day in self.days)


def lot_month(kept: Kept, plan: Plan, lot: str, spans: Sequence[Span]) -> LotMonth | None:
    """Of one car park; None if nothing is known of it this month."""
    now, before, year = (_days(kept, plan, lot, span) for span in spans)
    if not any(day.known_h for day in now):
        return None
    capacity = kept.of("lot", lot, "capacity")
    newest = max(capacity, default=None)
    return LotMonth(
        lot=lot,
        capacity=None if newest is None else round(capacity[newest].max),
        days=now,
        before=versus(_full(now), _full(before), _mean),
        year=versus(_full(now), _full(year), _mean),
        parked=_parked(kept, plan, lot, spans[0]),
    )


def known_slots(kept: Kept, lot: str) -> dict[int, float]:
    """The share of each slot in which a lot was full, of those in which that was known."""
    unknown = kept.of("lot", lot, "no_data")
    return {
        ms: cell.sum / cell.count
        for ms, cell in kept.of("lot", lot, "full").items()
        if ms not in unknown or unknown[ms].sum < unknown[ms].count
    }


def _days(kept: Kept, plan: Plan, lot: str, span: Span) -> tuple[LotDay, ...]:
    full = known_slots(kept, lot)
    days = []
    for day in span.days():
        slots = plan.slots("lot", lot, day)
        if slots:
            seen = [full[slot.ms] for slot in slots if slot.ms in full]
            open_h = len(slots) * _SLOT_H
            days.append(LotDay(day, sum(seen) * _SLOT_H, len(seen) * _SLOT_H, open_h))
    return tuple(days)


def _full(days: Sequence[LotDay]) -> list[Floats]:
    """Hours full of each day of which at least half is known, as if all of it were."""
    return [
        np.array([day.full_h / day.known_h * day.open_h])
        for day in days
        if day.known_h >= day.open_h / 2 > 0
    ]


def _mean(values: Floats) -> float:
    return float(values.mean())


def _parked(kept: Kept, plan: Plan, lot: str, span: Span) -> Heat:
    free, capacity = kept.of("lot", lot, "free"), kept.of("lot", lot, "capacity")
    found: dict[tuple[int, int], list[tuple[date, float]]] = {}
    for day in span.days():
        for slot in plan.slots("lot", lot, day):
            places = capacity.get(slot.ms)
            if slot.ms in free and places is not None and places.max > 0:
                mean = free[slot.ms].sum / free[slot.ms].count
                share = 1.0 - min(max(mean / places.max, 0.0), 1.0)
                found.setdefault((day.weekday(), slot.hour), []).append((day, share))
    return heat(lot, found)
