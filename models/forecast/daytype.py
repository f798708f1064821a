"""What kind of a day it is: which weekday, and what brings people beside it.

What Japanese offices print on their notices: crowded on the day after a holiday, at the month's
end and when the fiscal year turns; banks, post offices and counters for pensions on pension days.
"""

from collections.abc import Callable
from datetime import date, timedelta
from enum import IntFlag

REST = 7
"""In the place of the weekday (0 Monday): shut though its weekday is open."""
_WEEKDAY = 7  # the bits of it
_WEEK = 7
_LONGEST_REST = 14  # days that an office is shut in one piece
_LAST_OPEN = 3  # open days that are the month's end
_TURN = ((3, 20), (4, 10))
_PENSION_DAY = 15  # of every other month, from February


class Mark(IntFlag):
    """What a day has beside its weekday; bits above those of the weekday."""

    AFTER_REST = 8  # 休み明け: the first open day after one that was shut against its weekday
    MONTH_END = 16  # 月末: one of the last three open days of the month
    YEAR_TURN = 32  # 年度替わり: 20 March to 10 April, when people move
    PENSION = 64  # 年金支給日: the 15th of an even month, or the last open weekday before


def day_type(day: date, is_open: Callable[[date], bool]) -> int:
    """Weekday or `REST`, and the marks of a day, as one number.

    Args:
        day: local.
        is_open: whether the office is open on a date at all.

    Returns:
        `weekday_of` and `marks_of` take it apart. A day that is shut has no marks.

    >>> marks_of(day_type(date(2026, 11, 24), lambda d: d.weekday() < 5 and d.day != 23))
    <Mark.AFTER_REST: 8>
    """
    if not is_open(day):
        return REST if _is_rest(day, is_open) else day.weekday()
    marks = Mark(0)
    if _follows_rest(day, is_open):
        marks |= Mark.AFTER_REST
    if _open_days_left(day, is_open) < _LAST_OPEN:
        marks |= Mark.MONTH_END
    if _TURN[0] <= (day.month, day.day) <= _TURN[1]:
        marks |= Mark.YEAR_TURN
    if _is_pension_day(day, is_open):
        marks |= Mark.PENSION
    return day.weekday() | marks


def weekday_of(kind: int) -> int:
    """0 Monday to 6, or `REST`."""
    return kind & _WEEKDAY


def marks_of(kind: int) -> Mark:
    """What it has beside."""
    return Mark(kind & ~_WEEKDAY)


def _follows_rest(day: date, is_open: Callable[[date], bool]) -> bool:
    """Whether one of the shut days just before is open in other weeks."""
    for back in range(1, _LONGEST_REST):
        before = day - timedelta(back)
        if is_open(before):
            return False
        if _is_rest(before, is_open):
            return True
    return False


def _is_rest(shut: date, is_open: Callable[[date], bool]) -> bool:
    """Whether its weekday is open in the week before or after."""
    return any(is_open(shut + timedelta(days)) for days in (-_WEEK, _WEEK))


def _open_days_left(day: date, is_open: Callable[[date], bool]) -> int:
    """Open days of its month after a day, as far as they matter."""
    count = 0
    later = day + timedelta(1)
    while later.month == day.month and count < _LAST_OPEN:
        count += is_open(later)
        later += timedelta(1)
    return count


def _is_pension_day(day: date, is_open: Callable[[date], bool]) -> bool:
    """Whether pensions are paid, which is never on a weekend or holiday.

    Source: National Pension Act, article 18; Japan Pension Service, dates of payment.
    """
    if day.month % 2 or day.day > _PENSION_DAY or day.weekday() > 4:  # noqa: PLR2004  Friday
        return False
    later = (day + timedelta(n) for n in range(1, _PENSION_DAY - day.day + 1))
    return not any(is_open(one) and one.weekday() <= 4 for one in later)  # noqa: PLR2004
