"""Before and after: days of one kind are compared, and the range holds what is true."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from models.forecast.daytype import day_type
from models.report.chance import around
from models.report.change import Changed, changed, matched, redrawn_difference, spans_of
from models.report.plan import Plan, Span, month_of
from tests.report.offices import Value, at, each_slot, read, small_office, write

SITE = small_office()
PLAN = Plan(SITE)
OCTOBER = month_of("2026-10")
CHANGE = date(2026, 9, 15)


def journal(tmp_path: Path, wait_of: dict[date, float], full_of: dict[date, int]) -> Changed:
    """One call a day with such a wait; so many full slots a day, of those that are known."""
    values: list[Value] = [
        ("ticket", "tax", "wait_s", wait_s, at(SITE, day, 10.0)) for day, wait_s in wait_of.items()
    ]
    for day, count in full_of.items():
        slots = list(each_slot(SITE, day, "lot", "front", {"full": 0.0, "no_data": 0.0}))
        full = [slot for slot in slots if slot[2] == "full"]
        values += [slot for slot in slots if slot[2] != "full"]
        values += [(*slot[:3], float(n < count), slot[4]) for n, slot in enumerate(full)]
    kept = read(write(tmp_path, values), PLAN, "2026-10", CHANGE)
    return changed(kept, PLAN, CHANGE, OCTOBER)


def both(change: date = CHANGE) -> tuple[list[date], list[date]]:
    before, after = spans_of(change, OCTOBER)
    return PLAN.open_days(before), PLAN.open_days(after)


def test_a_wait_that_fell_is_told_with_its_range(tmp_path: Path) -> None:
    before, after = both()
    rng = np.random.default_rng(3)
    waits = {day: 1200.0 + 60 * float(rng.normal()) for day in before}
    waits |= {day: 900.0 + 60 * float(rng.normal()) for day in after}
    found = journal(tmp_path, waits, {})
    (effect,) = found.effects
    assert effect.measure == "wait"
    assert effect.verdict == "less"
    assert effect.range is not None
    assert effect.range.low < -300 < effect.range.high < 0
    assert effect.days_before + effect.days_after + effect.unmatched == len(before) + len(after)


def test_mondays_are_held_against_mondays(tmp_path: Path) -> None:
    """Mondays are busier, and there are more of them after the change: that is no change."""
    before, after = both()
    before = [day for day in before if day.weekday() or day < date(2026, 7, 1)]
    waits = {day: 1800.0 if day.weekday() == 0 else 600.0 for day in [*before, *after]}
    means = [sum(waits[d] for d in side) / len(side) for side in (before, after)]
    assert means[1] > means[0] + 60
    found = journal(tmp_path, waits, {})
    (effect,) = found.effects
    assert effect.difference == pytest.approx(0.0)


def test_hours_full_are_compared_a_day(tmp_path: Path) -> None:
    before, after = both()
    full = {day: 24 + 6 * (day.day % 2) for day in before}
    full |= {day: 6 * (day.day % 2) for day in after}
    (effect,) = journal(tmp_path, {}, full).effects
    assert (effect.measure, effect.name, effect.verdict) == ("full", "front", "less")
    assert effect.difference == pytest.approx(-2.0, abs=0.2)


def test_with_no_days_before_nothing_is_told(tmp_path: Path) -> None:
    _, after = both()
    assert journal(tmp_path, dict.fromkeys(after, 600.0), {}).effects == ()


def test_days_without_a_match_are_left_out_and_counted(tmp_path: Path) -> None:
    before, after = both()
    kinds = {day: day_type(day, PLAN.is_open) for day in [*before, *after]}
    waits = dict.fromkeys([*before, *after], 600.0)
    (effect,) = journal(tmp_path, waits, {}).effects
    alone = {kind for kind in kinds.values() if not {kinds[d] for d in before} >= {kind}}
    assert effect.unmatched >= sum(kinds[day] in alone for day in after)


def test_the_mean_before_is_weighed_as_the_days_after() -> None:
    pairs = [(np.array([1.0, 3.0]), np.array([4.0] * 3)), (np.array([10.0] * 9), np.array([11.0]))]
    assert matched(pairs) == pytest.approx((2 * 0.75 + 10 * 0.25, 4 * 0.75 + 11 * 0.25))


@pytest.mark.parametrize("difference", [0.0, 2.0])
def test_the_range_holds_the_truth_about_as_often_as_it_says(difference: float) -> None:
    """Two hundred pairs of months with noise as large as the effect: 95 % of the ranges hold it."""
    rng = np.random.default_rng(11)
    held = 0
    for _ in range(200):
        kinds = rng.normal(10.0, 3.0, 5)
        pairs = [
            (kind + rng.normal(0.0, 2.0, 7), kind + difference + rng.normal(0.0, 2.0, 6))
            for kind in kinds
        ]
        spread = around(redrawn_difference(pairs))
        held += spread.low <= difference <= spread.high
    assert 180 <= held <= 199


def test_the_days_before_reach_back_a_quarter() -> None:
    before, after = spans_of(CHANGE, OCTOBER)
    assert before.last == CHANGE - timedelta(days=1)
    assert (before.last - before.first).days == 90
    assert after == Span(CHANGE, date(2026, 10, 31))
