"""Days before a change beside days after it, each with days of its own kind."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Literal

import msgspec
import numpy as np

from models.forecast.daytype import day_type
from models.report.chance import (
    FEWEST_DAYS,
    RUNS,
    Floats,
    Range,
    Verdict,
    around,
    verdict,
    versus,
)
from models.report.kept import SLOT_MS, Kept
from models.report.level import grid, tickets_by_half, within_day
from models.report.parking import known_slots
from models.report.plan import Plan, Span

BEFORE = timedelta(days=91)
"""As far back before the change days are looked for."""

Measure = Literal["wait", "full", "level", "absent"]
_SEED = 20260915
_LEAST = 2  # days of a kind on either side: one alone tells nothing of its spread
_KNOWN = 0.5  # of a day's slots
_SLOT_H = SLOT_MS / 3_600_000

Daily = Mapping[date, float]


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """One measure before and after. `difference` is after - before among days of one kind."""

    measure: Measure
    name: str  # of the lot; "" is the whole office
    before: float
    after: float
    difference: float
    range: Range | None
    verdict: Verdict
    days_before: int
    days_after: int
    unmatched: int


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """What was different from a day on."""

    day: date
    before: Span
    after: Span
    effects: tuple[Effect, ...]


def spans_of(day: date, month: Span) -> tuple[Span, Span]:
    """The days before, and those from the change to the end of the month."""
    return Span(day - BEFORE, day - timedelta(days=1)), Span(day, month.last)


def changed(kept: Kept, plan: Plan, day: date, month: Span) -> Changed:
    """All measures before and after a day."""
    before, after = spans_of(day, month)
    whole = Span(before.first, after.last)
    found = [_effect(plan, "wait", "", waits_by_day(kept, plan, whole), day)]
    found += [
        _effect(plan, "full", lot.id, full_by_day(kept, plan, lot.id, whole), day)
        for lot in plan.site.car_parks
    ]
    found.append(_levelled(kept, plan, whole, day))
    found.append(_effect(plan, "absent", "", absent_by_day(kept, plan, whole), day))
    effects = tuple(one for one in found if one is not None)
    return Changed(day=day, before=before, after=after, effects=effects)


def waits_by_day(kept: Kept, plan: Plan, span: Span) -> Daily:
    """Mean wait of all who were called, in seconds."""
    sums: dict[date, list[float]] = {}
    since_ms, until_ms = plan.edges_ms(span)
    for service in kept.names("ticket", "wait_s"):
        for ms, cell in kept.of("ticket", service, "wait_s").items():
            if since_ms <= ms < until_ms:
                own = sums.setdefault(plan.day_of(ms), [0.0, 0.0])
                own[0] += cell.sum
                own[1] += cell.count
    return {day: total / count for day, (total, count) in sums.items()}


def full_by_day(kept: Kept, plan: Plan, lot: str, span: Span) -> Daily:
    """Hours full, of days of which at least half is known, as if all of it were."""
    full = known_slots(kept, lot)
    found = {}
    for day in span.days():
        slots = plan.slots("lot", lot, day)
        seen = [full[slot.ms] for slot in slots if slot.ms in full]
        if seen and len(seen) >= _KNOWN * len(slots):
            found[day] = sum(seen) / len(seen) * len(slots) * _SLOT_H
    return found


def absent_by_day(kept: Kept, plan: Plan, span: Span) -> Daily:
    """Share of those called who did not come."""
    sums: dict[date, list[float]] = {}
    since_ms, until_ms = plan.edges_ms(span)
    for column, measure in enumerate(("called", "absent")):
        for service in kept.names("ticket", measure):
            for ms, cell in kept.of("ticket", service, measure).items():
                if since_ms <= ms < until_ms:
                    sums.setdefault(plan.day_of(ms), [0.0, 0.0])[column] += cell.sum
    return {day: absent / called for day, (called, absent) in sums.items() if called}


def _effect(plan: Plan, measure: Measure, name: str, daily: Daily, day: date) -> Effect | None:
    pairs = [
        (np.array([daily[one] for one in before]), np.array([daily[one] for one in after]))
        for before, after in _alike(plan, daily, day)
    ]
    if not pairs:
        return None
    days_before, days_after = (sum(len(pair[i]) for pair in pairs) for i in (0, 1))
    before, after = matched(pairs)
    enough = min(days_before, days_after) >= FEWEST_DAYS
    between = around(redrawn_difference(pairs)) if enough else None
    return Effect(
        measure=measure,
        name=name,
        before=before,
        after=after,
        difference=after - before,
        range=between,
        verdict=verdict(between) if between else "unsure",
        days_before=days_before,
        days_after=days_after,
        unmatched=sum(map(plan.is_open, daily)) - days_before - days_after,
    )


def _levelled(kept: Kept, plan: Plan, span: Span, day: date) -> Effect | None:
    """How unevenly tickets are spread over the mean day, of days that have their like."""
    seen = grid(tickets_by_half(kept, plan, span))
    row_of = dict(zip(seen.days, seen.by_day(), strict=True))
    alike = _alike(plan, row_of, day)
    before, after = ([row_of[d] for pair in alike for d in pair[i]] for i in (0, 1))
    against = versus(after, before, within_day)
    if against is None:
        return None
    index = within_day(np.concatenate(after))
    return Effect(
        measure="level",
        name="",
        before=against.before,
        after=index,
        difference=index - against.before,
        range=against.change,
        verdict=against.verdict,
        days_before=len(before),
        days_after=len(after),
        unmatched=len(seen.days) - len(before) - len(after),
    )


def _alike(plan: Plan, days: Iterable[date], day: date) -> list[tuple[list[date], list[date]]]:
    """Days before and days after, by their kind; only kinds of which both have enough."""
    sides: dict[int, tuple[list[date], list[date]]] = {}
    for one in days:
        if plan.is_open(one):
            kind = day_type(one, plan.is_open)
            sides.setdefault(kind, ([], []))[one >= day].append(one)
    return [pair for pair in sides.values() if min(map(len, pair)) >= _LEAST]


def matched(pairs: Sequence[tuple[Floats, Floats]]) -> tuple[float, float]:
    """Means before and after, kinds of days weighed as they came after the change.

    Source: direct standardisation; as an effect on those treated, Imbens (2004),
    doi:10.1162/003465304323023651.
    """
    weights = np.array([len(after) for _, after in pairs], dtype=np.float64)
    weights /= weights.sum()
    before = weights @ np.array([own.mean() for own, _ in pairs])
    after = weights @ np.array([own.mean() for _, own in pairs])
    return float(before), float(after)


def redrawn_difference(pairs: Sequence[tuple[Floats, Floats]]) -> Floats:
    """(RUNS,) differences when the days of each kind, on each side, are drawn again.

    With few days of a kind the plain bootstrap is too sure of itself: what differs from the mean is
    stretched by √(n / (n - 1)). Source: Davison & Hinkley (1997), Bootstrap Methods, 3.2.
    """
    rng = np.random.default_rng(_SEED)
    weights = np.array([len(after) for _, after in pairs], dtype=np.float64)
    weights /= weights.sum()
    total = np.zeros(RUNS)
    for weight, pair in zip(weights, pairs, strict=True):
        for sign, own in zip((-1.0, 1.0), pair, strict=True):
            n = len(own)
            spread = own.mean() + (own - own.mean()) * np.sqrt(n / (n - 1))
            total += sign * weight * spread[rng.integers(0, n, (RUNS, n))].mean(axis=1)
    return total
