"""When an office is open, by its site file and the calendar of Japan."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import site as site_file
from models.calendar import Calendar
from tests.conftest import ROOT

TOKYO = ZoneInfo("Asia/Tokyo")
EXAMPLE = (ROOT / "ansible" / "sites" / "example.toml").read_text(encoding="utf-8")
CALENDAR = Calendar(site_file.parse(EXAMPLE))

FRIDAY = date(2026, 11, 20)
HOLIDAY = date(2026, 11, 23)  # Labour Thanksgiving Day, a Monday
TUESDAY = date(2026, 11, 24)


def tokyo(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=TOKYO)


def calendar(old: str = "", new: str = "") -> Calendar:
    """The example with one thing changed."""
    assert old in EXAMPLE
    return Calendar(site_file.parse(EXAMPLE.replace(old, new, 1)))


def test_a_working_day_has_the_hours_of_the_file() -> None:
    assert CALENDAR.office(TUESDAY) == [(tokyo(TUESDAY, 8, 30), tokyo(TUESDAY, 17, 15))]


@pytest.mark.parametrize(
    "day",
    [
        date(2026, 11, 21),
        date(2026, 11, 22),
        HOLIDAY,
        date(2026, 5, 6),
        date(2026, 12, 29),
        date(2026, 12, 31),
        date(2027, 1, 1),
        date(2027, 1, 3),
    ],
    ids=[
        "Saturday",
        "Sunday",
        "holiday",
        "holiday in place of a Sunday",
        "29 December",
        "31 December",
        "New Year",
        "3 January",
    ],
)
def test_the_office_is_shut(day: date) -> None:
    assert CALENDAR.office(day) == []
    assert CALENDAR.counter("c1", day) == []
    assert CALENDAR.service("moving", day) == []


@pytest.mark.parametrize("day", [date(2026, 12, 28), date(2027, 1, 4)])
def test_the_office_is_open_right_before_and_after_new_year(day: date) -> None:
    assert CALENDAR.office(day) != []


def test_an_office_without_japanese_holidays_is_open_on_them() -> None:
    assert calendar('holidays = "jp"', 'holidays = "none"').office(HOLIDAY) != []


def test_an_office_may_list_its_own_holidays() -> None:
    own = calendar('holidays = "jp"', 'holidays = ["2026-11-24", "2026-12-01/2026-12-02"]')
    shut = [date(2026, 11, 24), date(2026, 12, 1), date(2026, 12, 2)]
    assert [day for day in shut if own.office(day)] == []
    assert own.office(HOLIDAY) != []
    assert own.office(date(2026, 12, 3)) != []


def test_a_counter_has_its_shifts_and_a_break_between() -> None:
    assert CALENDAR.counter("c1", TUESDAY) == [
        (tokyo(TUESDAY, 8, 30), tokyo(TUESDAY, 11, 30)),
        (tokyo(TUESDAY, 12, 30), tokyo(TUESDAY, 17, 15)),
    ]


@pytest.mark.parametrize("counter", ["c4", "not-in-the-file"])
def test_a_counter_without_shifts_is_staffed_while_the_office_is_open(counter: str) -> None:
    assert CALENDAR.counter(counter, TUESDAY) == CALENDAR.office(TUESDAY)


def test_a_venue_is_held_on_its_dates_only() -> None:
    assert not CALENDAR.is_held("tax-return", FRIDAY)
    assert CALENDAR.service("tax-return", FRIDAY) == []
    assert CALENDAR.service("tax-return", TUESDAY) == CALENDAR.office(TUESDAY)
    assert CALENDAR.is_held("tax-return", date(2026, 12, 25))
    assert not CALENDAR.is_held("tax-return", date(2026, 12, 26))


def test_a_lot_has_its_own_hours_or_those_of_the_office() -> None:
    assert CALENDAR.lot("front", TUESDAY) == [(tokyo(TUESDAY, 8), tokyo(TUESDAY, 18))]
    plain = calendar('hours = [{ days = "mon-fri", open = "08:00", close = "18:00" }]')
    assert plain.lot("front", TUESDAY) == plain.office(TUESDAY)


def test_hours_may_run_to_midnight_and_over_the_weekend() -> None:
    late = calendar(
        'hours = [{ days = "mon-fri", open = "08:00", close = "18:00" }]',
        'hours = [{ days = "sat-mon", open = "00:00", close = "24:00" }]',
    )
    sunday = date(2026, 11, 22)
    assert late.lot("front", sunday) == [(tokyo(sunday, 0), tokyo(HOLIDAY, 0))]
    assert late.lot("front", FRIDAY) == []


@pytest.mark.parametrize(
    ("hour", "minute", "is_open"),
    [(8, 29, False), (8, 30, True), (17, 14, True), (17, 15, False)],
)
def test_the_last_minute_belongs_to_the_day_and_the_end_does_not(
    hour: int, minute: int, *, is_open: bool
) -> None:
    now = tokyo(TUESDAY, hour, minute).astimezone(UTC)
    assert CALENDAR.is_open(CALENDAR.office(TUESDAY), now) is is_open


def test_the_day_is_that_of_the_office_and_not_of_greenwich() -> None:
    assert CALENDAR.day_of(datetime(2026, 11, 23, 15, 0, tzinfo=UTC)) == TUESDAY


def test_the_next_opening_passes_over_a_long_weekend() -> None:
    after_work = tokyo(FRIDAY, 17, 15)
    assert CALENDAR.office_opens(after_work) == tokyo(TUESDAY, 8, 30)
    assert CALENDAR.service_opens("moving", after_work) == tokyo(TUESDAY, 8, 30)


def test_the_next_opening_of_a_venue_is_its_next_season() -> None:
    assert CALENDAR.service_opens("tax-return", tokyo(date(2026, 12, 25), 18)) == tokyo(
        date(2027, 2, 16), 8, 30
    )


def test_before_opening_the_next_opening_is_today() -> None:
    assert CALENDAR.lot_opens("front", tokyo(TUESDAY, 7)) == tokyo(TUESDAY, 8)


def test_what_never_opens_has_no_next_opening() -> None:
    never = calendar(
        'hours = [{ days = "mon-fri", open = "08:30", close = "17:15" }]', "hours = []"
    )
    assert never.office_opens(tokyo(TUESDAY, 9)) is None


@given(
    now=st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
)
def test_the_next_opening_is_later_and_opens_something(now: datetime) -> None:
    opens = CALENDAR.office_opens(now)
    assert opens is not None
    assert now < opens < now + timedelta(days=15)
    day = CALENDAR.day_of(opens)
    assert CALENDAR.is_open(CALENDAR.office(day), opens)
    assert not CALENDAR.is_open(CALENDAR.office(day), opens - timedelta(minutes=1))


@pytest.mark.parametrize("day", [date(2026, 3, 28), date(2026, 3, 29), date(2026, 3, 30)])
def test_clocks_that_change_do_not_move_the_opening_hour(day: date) -> None:
    summer_time_begins = EXAMPLE.replace("Asia/Tokyo", "Europe/Berlin").replace(
        'hours = [{ days = "mon-fri", open = "08:00"', 'hours = [{ days = "mon-sun", open = "08:00"'
    )
    ((start, end),) = Calendar(site_file.parse(summer_time_begins)).lot("front", day)
    assert (start.hour, end.hour) == (8, 18)
