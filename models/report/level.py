"""How evenly people come: over the hours of a day, and over the days of a month."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal

import msgspec
import numpy as np

from models.report.chance import Floats, Range, Versus, around, redrawn, versus
from models.report.faults import machines
from models.report.kept import Kept
from models.report.plan import Plan, Span, whole_halves

_KNOWN = 2 / 3  # of a half hour's slots, or it is left out
_WHOLE_DAY = 0.8  # of a day's half hours, or the day is


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """How evenly one thing is spread. `gini` is 0 if every half hour is like every other."""

    what: Literal["tickets", "lot", "zone"]
    name: str  # of the lot or zone; "" of tickets: all services together
    days: int
    gini: float
    around: Range | None
    peak: float  # the busiest half hour, as a multiple of the mean
    peak_half: int
    profile: dict[int, float]  # mean of each half hour since midnight
    before: Versus | None
    before_profile: dict[int, float]
    year: Versus | None
    days_gini: float | None  # from day to day
    busiest: date
    days_peak: float | None


Halves = dict[date, dict[int, float]]
"""By day and half hour since midnight."""


class Grid(msgspec.Struct, frozen=True):
    """Days by half hours: `rows` is (days, halves)."""

    days: list[date]
    halves: list[int]
    rows: Floats

    def by_day(self) -> list[Floats]:
        """(1, halves) each."""
        return [row[None, :] for row in self.rows]

    def profile(self) -> dict[int, float]:
        """The mean day; empty without days."""
        means = self.rows.mean(axis=0).tolist() if len(self.rows) else []
        return dict(zip(self.halves, means, strict=False))


def gini(values: Sequence[float] | Floats) -> float:
    """0 if all are the same, towards 1 if one has everything.

    Source: Gini (1912), Variabilità e mutabilità; of demand over time Wanhill (1980), Tackling
    seasonality, International Journal of Tourism Management 1 (4).

    >>> gini([1.0, 1.0, 1.0]), gini([0.0, 4.0])
    (0.0, 0.5)
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    total = float(ordered.sum())
    if not total > 0:
        return 0.0
    n = len(ordered)
    ranks = np.arange(1, n + 1)
    return max(float((2 * ranks - n - 1) @ ordered) / (n * total), 0.0)


def levels(kept: Kept, plan: Plan, spans: Sequence[Span]) -> list[Level]:
    """Of tickets, each car park and each waiting zone of which enough is known."""
    site = plan.site
    found: list[Level | None] = [
        _level("tickets", "", [tickets_by_half(kept, plan, span) for span in spans])
    ]
    for zone in site.zones:
        halves = [_means(kept, plan, "zone", zone.id, span) for span in spans]
        found.append(_level("zone", zone.id, halves))
    for lot in site.car_parks:
        halves = [_means(kept, plan, "lot", lot.id, span) for span in spans]
        found.append(_level("lot", lot.id, halves))
    return [one for one in found if one is not None]


def tickets_by_half(kept: Kept, plan: Plan, span: Span) -> Halves:
    """Tickets issued in each half hour in which all services that are held were known."""
    with_tickets = kept.names("ticket", "issued")
    found: Halves = {}
    for day in span.days():
        held = [s for s in with_tickets if _is_ours(plan, s) and plan.slots("service", s, day)]
        shared: dict[int, float] | None = None
        for service in held:
            own = _issued(kept, plan, service, day)
            shared = own if shared is None else _both(shared, own)
        if shared:
            found[day] = shared
    return found


def _is_ours(plan: Plan, service: str) -> bool:
    return any(service == one.id for one in plan.site.services)


def _both(some: dict[int, float], more: dict[int, float]) -> dict[int, float]:
    return {half: some[half] + more[half] for half in some.keys() & more.keys()}


def _issued(kept: Kept, plan: Plan, service: str, day: date) -> dict[int, float]:
    """Where the ticket machine is silent a camera may still tell a wait: tickets are unknown."""
    issued = kept.of("ticket", service, "issued")
    unknown = kept.of("service", service, "no_data")
    beats = [kept.of("beat", device, "told") for device in machines(plan.site, service)]
    beats = [heard for heard in beats if heard]
    found = {}
    for half, own in whole_halves(plan.slots("service", service, day)).items():
        known = [
            slot.ms
            for slot in own
            if slot.ms in unknown
            and unknown[slot.ms].sum < unknown[slot.ms].count
            and all(slot.ms in heard for heard in beats)
        ]
        if len(known) >= _KNOWN * len(own):
            came = sum(issued[ms].sum for ms in known if ms in issued)
            found[half] = came * len(own) / len(known)
    return found


def _means(kept: Kept, plan: Plan, what: Literal["lot", "zone"], name: str, span: Span) -> Halves:
    """Cars or people there in each half hour."""
    seen = kept.of(what, name, "free" if what == "lot" else "people")
    capacity = kept.of(what, name, "capacity")
    found: Halves = {}
    for day in span.days():
        halves: dict[int, float] = {}
        for half, own in whole_halves(plan.slots(what, name, day)).items():
            known = [s.ms for s in own if s.ms in seen and (what == "zone" or s.ms in capacity)]
            if len(known) >= _KNOWN * len(own):
                there = [seen[ms].sum / seen[ms].count for ms in known]
                if what == "lot":
                    there = [capacity[ms].max - n for ms, n in zip(known, there, strict=True)]
                halves[half] = max(sum(there) / len(there), 0.0)
        if halves:
            found[day] = halves
    return found


def _level(
    what: Literal["tickets", "lot", "zone"], name: str, months: Sequence[Halves]
) -> Level | None:
    grids = [grid(month) for month in months]
    now, halves = grids[0].rows, grids[0].halves
    if not len(now) or not float(now.sum()) > 0:
        return None
    rows = [each.by_day() for each in grids]
    profile = now.mean(axis=0)
    peak = int(profile.argmax())
    totals = now.sum(axis=1)
    return Level(
        what=what,
        name=name,
        days=len(now),
        gini=gini(profile),
        around=_around(gini(profile), rows[0]) if len(now) > 1 else None,
        peak=float(profile[peak] / profile.mean()),
        peak_half=halves[peak],
        profile=grids[0].profile(),
        before=versus(rows[0], rows[1], within_day),
        before_profile=grids[1].profile(),
        year=versus(rows[0], rows[2], within_day),
        days_gini=gini(totals) if len(now) > 1 else None,
        busiest=grids[0].days[int(totals.argmax())],
        days_peak=float(totals.max() / totals.mean()) if len(now) > 1 else None,
    )


def _around(index: float, rows: Sequence[Floats]) -> Range:
    """Mirrored: days that are drawn again have more chance in them, and are less even.

    Source: the basic bootstrap, Davison & Hinkley (1997), Bootstrap Methods, 5.2.
    """
    drawn = around(redrawn(rows, within_day), len(rows))
    return Range(max(2 * index - drawn.high, 0.0), max(2 * index - drawn.low, 0.0))


def within_day(rows: Floats) -> float:
    """How unevenly the mean of days is spread, (days, halves)."""
    return gini(rows.mean(axis=0))


def grid(month: Mapping[date, dict[int, float]]) -> Grid:
    """The days that are known from end to end.

    Halves that are missing on more than a fifth of the days are of no day.
    """
    counted: dict[int, int] = {}
    for own in month.values():
        for half in own:
            counted[half] = counted.get(half, 0) + 1
    halves = sorted(half for half, count in counted.items() if count >= _WHOLE_DAY * len(month))
    days = [day for day, own in month.items() if own.keys() >= set(halves)]
    rows = np.array([[month[day][h] for h in halves] for day in days], dtype=np.float64)
    return Grid(days, halves, rows.reshape(len(days), len(halves)))
