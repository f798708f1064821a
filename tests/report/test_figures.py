"""Journals made by hand, and the figures that follow from them."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.report.chance import around, redrawn, versus
from models.report.faults import silences, unknowns
from models.report.level import gini, levels
from models.report.parking import lot_month
from models.report.plan import Plan, Span, month_before, month_of, year_before
from models.report.tickets import fates, truth
from models.report.waits import single_waits, wait_heat, waits
from tests.report.offices import Value, at, each_slot, read, small_office, write

SITE = small_office()
PLAN = Plan(SITE)
OCTOBER = month_of("2026-10")
MONTHS = OCTOBER, month_before(OCTOBER), year_before(OCTOBER)
DAYS = PLAN.open_days(OCTOBER)
SEPTEMBER = PLAN.open_days(MONTHS[1])
KNOWN = {"no_data": 0.0, "full": 0.0, "free": 5.0, "capacity": 20.0}


def called(day: date, first_min: int) -> list[Value]:
    """Ten waits, each a minute longer."""
    return [
        ("ticket", "tax", "wait_s", 60.0 * (first_min + n), at(SITE, day, 9 + n / 12))
        for n in range(10)
    ]


def counted(span: Span) -> tuple[int, int]:
    return PLAN.edges_ms(span)


def test_closed_days_and_holidays_are_no_days() -> None:
    assert len(DAYS) == 21  # 22 weekdays, less Sports Day
    assert date(2026, 10, 12) not in DAYS
    assert PLAN.slots("lot", "front", date(2026, 10, 12)) == ()
    assert len(PLAN.slots("lot", "front", DAYS[0])) == 8 * 12


def test_hours_and_days_full_are_those_told(tmp_path: Path) -> None:
    values: list[Value] = []
    for day in DAYS[:10]:
        values += each_slot(SITE, day, "lot", "front", KNOWN)
    full = [v for v in values if v[2] == "full" and v[4].date() in DAYS[:3]]
    two_hours = [v for v in full if 10 <= v[4].hour < 12]
    half_an_hour = [v for v in two_hours if v[4].date() == DAYS[2] and v[4].hour == 10][:6]
    chosen = [v for v in two_hours if v[4].date() != DAYS[2]] + half_an_hour
    values = [v for v in values if v not in chosen] + [(*v[:3], 1.0, v[4]) for v in chosen]
    night = ("lot", "front", "full", 1.0, at(SITE, DAYS[0], 20.0))  # shut: does not count
    kept = read(write(tmp_path, [*values, night]), PLAN, "2026-10")
    found = lot_month(kept, PLAN, "front", MONTHS)
    assert found is not None
    assert found.full_h == pytest.approx(4.5)
    assert (found.full_days, found.long_days, found.known_days) == (3, 2, 10)
    assert len(found.days) == 21
    assert [day.known_h for day in found.days[10:]] == [0.0] * 11
    assert found.capacity == 20
    assert found.before is None
    assert found.parked.cells[0, 9].value == pytest.approx(0.75)


def test_unknown_hours_of_a_car_park_are_not_hours_with_room(tmp_path: Path) -> None:
    silent = {"no_data": 1.0}
    values: list[Value] = []
    for day in DAYS:
        values += each_slot(SITE, day, "lot", "front", KNOWN | {"full": 1.0})
    kept = read(write(tmp_path, values), PLAN, "2026-10")
    whole = lot_month(kept, PLAN, "front", MONTHS)
    half = [v for v in values if v[4].hour < 13]
    for day in DAYS:
        half += [v for v in each_slot(SITE, day, "lot", "front", silent) if v[4].hour >= 13]
    (tmp_path / "half").mkdir()
    kept = read(write(tmp_path / "half", half), PLAN, "2026-10")
    partly = lot_month(kept, PLAN, "front", MONTHS)
    assert whole is not None
    assert partly is not None
    assert [whole.full_h, partly.full_h] == pytest.approx([168, 84])
    assert sum(day.known_h for day in partly.days) == pytest.approx(84)
    (lot,) = [one for one in unknowns(kept, PLAN, OCTOBER, counted(OCTOBER)) if one.what == "lot"]
    assert lot.share == pytest.approx(0.5)


def test_waits_have_their_median_and_nine_in_ten(tmp_path: Path) -> None:
    values: list[Value] = []
    for day in DAYS:  # waits of 1 to 10 minutes, one every five minutes
        values += called(day, 1)
    for day in SEPTEMBER:
        values += called(day, 5)
    kept = read(write(tmp_path, values), PLAN, "2026-10")
    found = waits(kept, PLAN, "tax", MONTHS)
    assert found is not None
    assert (found.source, found.days, found.count) == ("tickets", 21, 210)
    assert found.median_s == pytest.approx(330)
    assert found.long_s == pytest.approx(9.1 * 60, abs=7)
    assert found.before is not None
    assert found.before.before == pytest.approx(570)
    assert found.before.verdict == "less"
    assert found.year is None
    assert waits(kept, PLAN, "pension", MONTHS) is None


@given(st.lists(st.floats(0, 7200), min_size=1, max_size=3))
def test_up_to_three_waits_of_a_cell_are_read_back(listed: list[float]) -> None:
    class Seen:
        slot_ms, name, count = 0, "tax", len(listed)
        sum, min, max = float(sum(listed)), min(listed), max(listed)

    assert single_waits(Seen()) == pytest.approx(sorted(listed), abs=1e-6)


def test_a_heat_map_knows_weekday_and_hour_and_of_how_many_days(tmp_path: Path) -> None:
    mondays = [day for day in DAYS if day.weekday() == 0]
    values = [
        ("service", "tax", "wait_p50_s", 600.0 * (n + 1), at(SITE, day, 13.25))
        for n, day in enumerate(mondays)
    ]
    kept = read(write(tmp_path, values), PLAN, "2026-10")
    heat = wait_heat(kept, PLAN, "tax", OCTOBER)
    assert len(mondays) == 3
    assert set(heat.cells) == {(0, 13)}
    assert heat.cells[0, 13].value == pytest.approx(1200)
    assert heat.cells[0, 13].days == 3


def test_levelling_of_known_profiles(tmp_path: Path) -> None:
    """Half the half hours have three times the tickets of the others: Gini 1/4, peak 3/2."""
    values: list[Value] = []
    for day in DAYS:
        values += each_slot(SITE, day, "service", "tax", {"no_data": 0.0})
        for half in range(16):
            for n in range(3 if half % 2 else 1):
                moment = at(SITE, day, 9 + half / 2 + n / 12)
                values.append(("ticket", "tax", "issued", 1.0, moment))
    kept = read(write(tmp_path, values), PLAN, "2026-10")
    (found,) = levels(kept, PLAN, MONTHS)
    assert found.what == "tickets"
    assert found.days == 21
    assert found.gini == pytest.approx(0.25)
    assert found.peak == pytest.approx(1.5)
    assert found.days_gini == pytest.approx(0.0)
    assert set(found.profile) == set(range(18, 34))


def test_half_hours_without_a_ticket_machine_are_unknown_and_not_quiet(tmp_path: Path) -> None:
    values: list[Value] = []
    for day in DAYS:
        values += each_slot(SITE, day, "service", "tax", {"no_data": 0.0})
        values += each_slot(SITE, day, "ticket", "tax", {"issued": 1.0})
    cut = [v for v in values if not (v[4].date() in DAYS[:3] and v[4].hour == 11)]
    kept = read(write(tmp_path, cut), PLAN, "2026-10")
    (found,) = levels(kept, PLAN, MONTHS)
    assert found.gini == pytest.approx(0.0)
    assert found.days == 18  # the three are not known from end to end


def test_while_the_ticket_machine_is_silent_a_camera_may_tell_waits_but_nobody_counts_tickets(
    tmp_path: Path,
) -> None:
    values: list[Value] = []
    for day in DAYS:
        values += each_slot(SITE, day, "service", "tax", {"no_data": 0.0})
        values += each_slot(SITE, day, "ticket", "tax", {"issued": 1.0})
        values += each_slot(SITE, day, "beat", "desk", {"told": 1.0})
    cut = [
        v for v in values if v[0] == "service" or not (v[4].date() in DAYS[:3] and v[4].hour == 11)
    ]
    kept = read(write(tmp_path, cut), PLAN, "2026-10")
    (found,) = levels(kept, PLAN, MONTHS)
    assert found.gini == pytest.approx(0.0)
    assert found.days == 18


@given(st.lists(st.floats(0.1, 100), min_size=2, max_size=20), st.floats(0.1, 50))
def test_gini_knows_no_scale_and_no_order(values: list[float], factor: float) -> None:
    index = gini(values)
    assert 0 <= index < 1
    assert gini([factor * v for v in reversed(values)]) == pytest.approx(index, abs=1e-9)
    mean = sum(values) / len(values)
    assert gini([(v + mean) / 2 for v in values]) <= index + 1e-12  # nearer to even


def test_what_became_of_tickets(tmp_path: Path) -> None:
    values: list[Value] = []
    for day in DAYS[:5]:
        for n in range(20):
            moment = at(SITE, day, 10 + n / 12)
            values.append(("ticket", "tax", "issued", 1.0, moment))
            if n < 18:
                values.append(("ticket", "tax", "called", 1.0, moment))
            if n < 3:
                values.append(("ticket", "tax", "absent", 1.0, moment))
        values.append(("ticket", "tax", "cancelled", 1.0, at(SITE, day, 15.0)))
    kept = read(write(tmp_path, values), PLAN, "2026-10")
    found = fates(kept, PLAN, "tax", MONTHS)
    assert found is not None
    assert (found.issued, found.called, found.absent, found.cancelled) == (100, 90, 15, 5)
    assert (found.came, found.never_called) == (75, 5)
    assert found.absent_share == pytest.approx(1 / 6)
    assert fates(kept, PLAN, "pension", MONTHS) is None


def test_how_true_the_told_waits_were(tmp_path: Path) -> None:
    values: list[Value] = []
    for day in DAYS[:6]:
        for n in range(10):
            moment = at(SITE, day, 10 + n / 12)
            values += [
                ("service", "tax", "error_s", 60.0 + 12 * n, moment),
                ("service", "tax", "within", float(n < 8), moment),
                ("service", "tax", "came_s", 900.0, moment),
            ]
    found = truth(read(write(tmp_path, values), PLAN, "2026-10"), PLAN, "tax", MONTHS)
    assert found is not None
    assert (found.days, found.count) == (6, 60)
    assert found.error_s == pytest.approx(114)
    assert found.within == pytest.approx(0.8)
    assert found.came_s == pytest.approx(900)


def test_silent_devices_are_found_and_what_is_not_kept_yet_is_not_their_fault(
    tmp_path: Path,
) -> None:
    values: list[Value] = []
    for day in DAYS[10:]:
        values += each_slot(SITE, day, "beat", "desk", {"told": 1.0})
    cut = [v for v in values if not (v[4].date() == DAYS[15] and 9 <= v[4].hour < 13)]
    cut.append(("gap", "desk", "told", 1.0, at(SITE, DAYS[15], 13.1)))
    kept = read(write(tmp_path, cut), PLAN, "2026-10")
    first_ms = kept.first_ms()
    assert first_ms is not None
    desk, gates = silences(kept, PLAN, OCTOBER, (first_ms, counted(OCTOBER)[1]))
    assert desk.silent_h == pytest.approx(4)
    assert desk.open_h == pytest.approx(11 * 8)
    assert desk.days[DAYS[15]] == pytest.approx(0.5)
    assert DAYS[9] not in desk.days
    assert (desk.gaps, desk.was_heard) == (1, True)
    assert not gates.was_heard


def test_too_few_days_are_compared_with_nothing() -> None:
    few = [np.array([1.0])] * 4
    found = versus([np.array([2.0])] * 20, few, lambda values: float(values.mean()))
    assert found is not None
    assert (found.verdict, found.change) == ("unsure", None)
    assert versus(few, [], lambda values: float(values.mean())) is None


def test_where_nothing_differs_a_difference_is_hardly_ever_told() -> None:
    """Five days beside twenty-one of the same office, eighty times: 5 % are allowed to look so."""
    rng = np.random.default_rng(2)
    told = 0
    for _ in range(80):
        now, before = ([np.array([v]) for v in rng.gamma(4.0, 150.0, n)] for n in (21, 5))
        found = versus(now, before, lambda values: float(values.mean()))
        assert found is not None
        told += found.verdict in {"less", "more"}
    assert told <= 8


def test_days_drawn_again_spread_as_the_mean_of_days_does() -> None:
    rng = np.random.default_rng(1)
    drawn = rng.normal(10.0, 2.0, 21)
    spread = around(redrawn([np.array([v]) for v in drawn], lambda values: float(values.mean())))
    wide = spread.high - spread.low
    assert wide == pytest.approx(2 * 1.96 * float(drawn.std()) / 21**0.5, rel=0.1)
    assert spread.low < float(drawn.mean()) < spread.high
