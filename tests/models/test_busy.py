"""How many will wait: learnt from displays and tickets, by the hour of such a day."""

from datetime import timedelta

from models.contract.observations import Queue, Ticket
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
