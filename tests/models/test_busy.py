"""How many will wait: learnt from displays and tickets, by the hour of such a day."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from models.contract.observations import Queue, Ticket
from models.forecast.busy import Busy
from models.forecast.usual import Then
from tests.models.offices import TEN, Hand

DAY = timedelta(days=1)


def lived(hand: Hand, days: int, waiting: int = 12) -> None:
    """Weekdays of the same queue from nine to eleven, polled every five minutes."""
    for number in range(days):
        for minute in range(-60, 61, 5):
            at = TEN + number * DAY + timedelta(minutes=minute)
            hand.see("tax", Queue(waiting=waiting + minute // 20, called=None, open=2), at)


def test_nobody_knows_before_a_day_was_seen() -> None:
    hand = Hand()
    lived(hand, 1)
    assert hand.office.people("tax", TEN, 1800.0) is None


def test_tomorrow_is_told_by_the_days_before() -> None:
    hand = Hand()
    lived(hand, 3)
    told = hand.office.people("tax", TEN + 2 * DAY + timedelta(hours=8), 16 * 3600.0)
    assert told is not None
    low, middle, high = told
    assert low <= middle <= high
    assert abs(middle - 12) < 2
    assert low >= 0


def test_a_full_morning_is_told_to_stay_full_for_a_while() -> None:
    usual, full = Hand(), Hand()
    for hand, waiting in ((usual, 12), (full, 30)):
        lived(hand, 3)
        for minute in range(-60, 1, 5):
            at = TEN + 3 * DAY + timedelta(minutes=minute)
            hand.see("tax", Queue(waiting=waiting, called=None, open=2), at)
    told = [hand.office.people("tax", TEN + 3 * DAY, 3600.0) for hand in (usual, full)]
    assert told[0] is not None
    assert told[1] is not None
    assert told[1][1] > told[0][1] + 3


def test_tickets_that_wait_are_counted_where_no_display_is() -> None:
    hand = Hand()
    for number in range(3):
        for ticket in range(8):
            at = TEN + number * DAY + timedelta(minutes=ticket)
            hand.see("tax", Ticket(number=f"A{ticket:03d}", event="issued"), at)
    told = hand.office.people("tax", TEN + 3 * DAY, 1200.0)
    assert told is not None
    assert 1 < told[1] < 8


def polled(hand: Hand, at: datetime, waiting: int, hours: range = range(8, 18)) -> None:
    """A display that is looked at twice an hour, on the day of `at`, and shows the same always."""
    for hour in hours:
        for minute in (5, 35):
            moment = at.replace(hour=0, minute=0) + timedelta(hours=hour - 9, minutes=minute)
            hand.see("tax", Queue(waiting=waiting, called=None, open=2), moment)


def told(hand: Hand, day: datetime, hour: int = 11) -> tuple[float, float, float]:
    """What is told at six in the morning of the hour around `hour`."""
    six = day.replace(hour=0, minute=0) - timedelta(hours=3)
    people = hand.office.people("tax", six, (hour - 6) * 3600.0)
    assert people is not None
    return people


def workdays(count: int) -> list[datetime]:
    """From Monday, 30 November 2026 on."""
    monday = TEN + 6 * DAY
    return [monday + (n + 2 * (n // 5)) * DAY for n in range(count)]


def test_quieter_days_are_told_to_go_on_for_a_while() -> None:
    hand, days = Hand(), workdays(6)
    for day, waiting in zip(days, (20, 20, 20, 6, 6), strict=False):
        polled(hand, day, waiting)
    assert 6 <= told(hand, days[5])[1] < 11


def test_one_day_with_ten_times_as_many_does_not_rule_the_next() -> None:
    hand, days = Hand(), workdays(9)
    for n, day in enumerate(days[:8]):
        polled(hand, day, 80 if n == 7 else 8)
    low, middle, _ = told(hand, days[8])
    assert low <= 8
    assert middle < 20


def test_a_weekday_is_known_after_some_weeks_and_not_by_one_day() -> None:
    hand, days = Hand(), workdays(32)
    monday = []
    for n, day in enumerate(days[:31]):
        if not n % 5 and n:
            monday.append(told(hand, day)[1])
        polled(hand, day, 6 if n % 5 else 14)
    tuesday = told(hand, days[31])[1]
    assert monday[0] < 11
    assert monday[0] < monday[-1]
    assert monday[-1] > 1.5 * tuesday


def test_nobody_waits_while_it_is_shut() -> None:
    hand, days = Hand(), workdays(5)
    for day in days[:4]:
        polled(hand, day, 15, range(9, 17))
        polled(hand, day, 0, range(17, 22))
    assert told(hand, days[4], 20) == (0, 0, 0)
    assert told(hand, days[4], 13)[1] > 10


@given(st.lists(st.lists(st.integers(0, 500), min_size=1, max_size=20), min_size=1, max_size=8))
def test_whatever_came_what_is_told_is_in_order_and_not_negative(days: list[list[int]]) -> None:
    busy = Busy()
    for n, counts in enumerate(days):
        busy.begin_day(DAY.total_seconds() * (n + 1), n % 7)
        for step, count in enumerate(counts):
            busy.see(count, busy.day_s + 28_800 + 1500 * step)
    now_s = busy.day_s + 28_800 + 1500 * len(days[-1])
    for ahead in (0, 1, 7):
        found = busy.ahead(now_s, Then(ahead, len(days) % 7, 22.0))
        if found is not None:
            low, middle, high = found
            assert 0 <= low <= middle <= high < 10_000
