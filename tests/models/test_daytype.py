"""Days by what brings people: checked by the calendar of Japan."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calendar import Calendar
from models.forecast.daytype import REST, Mark, day_type, marks_of, weekday_of
from models.site import parse

OFFICE = Calendar(
    parse("""
[site]
id = "minami"
name = { en = "Minami" }
hours = [{ days = "mon-fri", open = "08:30", close = "17:15" }]
""")
)
NONE = Mark(0)


def is_open(day: date) -> bool:
    return bool(OFFICE.office(day))


def kind(text: str) -> int:
    return day_type(date.fromisoformat(text), is_open)


@pytest.mark.parametrize(
    ("day", "marks"),
    [
        ("2026-11-25", NONE),
        ("2026-11-24", Mark.AFTER_REST),  # 23 November is a holiday
        ("2026-11-16", NONE),  # a Monday like any other
        ("2026-01-05", Mark.AFTER_REST),  # 29 December to 4 January
        ("2026-05-07", Mark.AFTER_REST),  # four days of Golden Week
        ("2026-11-26", Mark.MONTH_END),
        ("2026-11-30", Mark.MONTH_END),
        ("2026-12-28", Mark.MONTH_END),  # the last day that is open
        ("2026-03-19", NONE),
        ("2026-03-23", Mark.YEAR_TURN | Mark.AFTER_REST),  # the equinox was a Friday
        ("2026-03-31", Mark.YEAR_TURN | Mark.MONTH_END),
        ("2026-04-10", Mark.YEAR_TURN),
        ("2026-04-13", NONE),
        ("2026-10-15", Mark.PENSION),
        ("2026-09-15", NONE),
        ("2026-02-13", Mark.PENSION),  # the 15th is a Sunday
        ("2026-02-12", Mark.AFTER_REST),
    ],
)
def test_marks_by_table(day: str, marks: Mark) -> None:
    assert marks_of(kind(day)) == marks
    assert weekday_of(kind(day)) == date.fromisoformat(day).weekday()


@pytest.mark.parametrize(
    ("day", "weekday"), [("2026-11-23", REST), ("2026-11-22", 6), ("2026-12-30", REST)]
)
def test_a_shut_day_has_no_marks(day: str, weekday: int) -> None:
    assert kind(day) == weekday


@given(st.integers(2020, 2039), st.sampled_from([2, 4, 6, 8, 10, 12]))
def test_pensions_are_paid_once_in_an_even_month_and_when_banks_are_open(
    year: int, month: int
) -> None:
    days = [date(year, month, 1) + timedelta(n) for n in range(28)]
    paid = [day for day in days if Mark.PENSION in marks_of(day_type(day, is_open))]
    assert len(paid) == 1
    assert 12 <= paid[0].day <= 15
    assert is_open(paid[0])


@given(st.dates(date(2020, 1, 1), date(2039, 12, 1)))
def test_an_office_that_never_opens_has_only_weekdays(day: date) -> None:
    assert day_type(day, lambda _: False) == day.weekday()
