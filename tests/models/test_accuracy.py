"""What was told when a ticket was issued is held against what came, and published for 28 days."""

from datetime import datetime, timedelta
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.contract.observations import Press, Queue, Ticket
from models.contract.results import AccuracyResult, Spread
from models.state.accuracy import DAYS, Accuracy, Promise
from models.state.office import Office
from tests.models.offices import SITE, TEN, Hand, after

DAY = timedelta(days=1)
DAY_S = 86_400.0
MIDNIGHT_S = 1_000 * DAY_S


def published(office: Office, now: datetime) -> AccuracyResult:
    return cast("AccuracyResult", office.results(now)["accuracy/tax"])


def morning(hand: Hand, day: datetime = TEN, people: int = 9) -> list[tuple[Spread | None, float]]:
    """So many take a ticket at once and one is called each four minutes.

    Returns:
        What a display told each of them just before, and what came, in seconds.
    """
    told = []
    for n in range(people):
        told.append(hand.office.wait("tax", day))
        hand.issue(f"{n}", day)
    came = [240.0 * (n + 1) for n in range(people)]
    for n in range(people):
        hand.call(f"{n}", "c1", day + timedelta(seconds=came[n]))
    return list(zip(told, came, strict=True))


def test_nothing_is_said_before_a_told_wait_has_come_true() -> None:
    hand = Hand()
    hand.issue("1")
    result = published(hand.office, after(1))
    assert (result.total, result.levels, result.days) == (None, (), ())
    assert result.observed_at is None


def test_every_third_ticket_is_scored_by_what_was_told_when_it_was_issued() -> None:
    hand = Hand()
    lived = morning(hand)
    now = after(3600)
    result = published(hand.office, now)
    third = [(told, came) for told, came in lived[2::3] if told is not None]
    assert len(third) == 3
    total = result.total
    assert total is not None
    assert total.count == 3
    assert total.told_s == pytest.approx(sum(told.p50_s for told, _ in third) / 3, abs=0.1)
    assert total.came_s == pytest.approx(sum(came for _, came in third) / 3, abs=0.1)
    assert total.error_s == pytest.approx(
        sum(abs(told.p50_s - came) for told, came in third) / 3, abs=0.1
    )
    inside = sum(told.p10_s <= came <= told.p90_s for told, came in third)
    assert total.coverage == pytest.approx(inside / 3, abs=0.001)
    assert sum(level.count for level in result.levels) == 3
    assert [(day.day, day.count) for day in result.days] == [(TEN.date(), 3)]
    assert result.observed_at == after(240.0 * 9)
    assert result.valid_until > now + timedelta(hours=24)


def test_a_call_by_the_button_of_a_counter_is_scored_too() -> None:
    hand = Hand()
    for n in range(3):
        hand.issue(f"{n}")
    for n in range(3):
        hand.see("next-c1", Press(gesture="short"), after(240.0 * (n + 1)))
    total = published(hand.office, after(3600)).total
    assert total is not None
    assert (total.count, total.came_s) == (1, 720.0)


def test_who_gives_the_ticket_back_or_goes_home_is_not_scored() -> None:
    hand = Hand()
    for n in range(6):
        hand.issue(f"{n}")
    hand.see("tax", Ticket(number="2", event="cancelled"), after(60))
    hand.call("2", "c1", after(120))
    hand.issue("0", TEN + DAY)  # numbers start again
    hand.call("5", "c1", TEN + DAY)
    assert published(hand.office, TEN + DAY).total is None


def test_a_restart_forgets_neither_scores_nor_promises() -> None:
    hand = Hand()
    morning(hand)
    for n in range(3):
        hand.issue(f"b{n}", after(3600))
    again = Hand(Office.load(SITE, hand.office.dump()))
    for one in (hand, again):
        one.call("b2", "c1", after(4200))
    assert published(again.office, after(4300)) == published(hand.office, after(4300))
    total = published(again.office, after(4300)).total
    assert total is not None
    assert total.count == 4


def test_what_is_older_than_28_days_is_forgotten() -> None:
    hand = Hand()
    for n in (0, 1, 27, 28):
        morning(hand, TEN + n * DAY, people=3)
    result = published(hand.office, TEN + 28 * DAY + timedelta(hours=1))
    assert [day.day for day in result.days] == [(TEN + n * DAY).date() for n in (1, 27, 28)]
    assert result.total is not None
    assert result.total.count == 3


def look(hand: Hand, minute: float, waiting: int, called: int) -> None:
    hand.see("moving", Queue(waiting=waiting, called=f"B{called:03}", open=1), after(60 * minute))


def moving(hand: Hand, minute: float) -> AccuracyResult:
    return cast("AccuracyResult", hand.office.results(after(60 * minute))["accuracy/moving"])


def test_without_tickets_the_last_in_the_line_of_a_display_is_scored_when_its_number_comes() -> (
    None
):
    hand = Hand()
    look(hand, 0, 4, 10)  # number 14 is the last
    told = hand.office.wait("moving", after(0), counted=True)
    look(hand, 5, 4, 10)
    look(hand, 10, 2, 12)
    assert moving(hand, 10).total is None
    look(hand, 20, 0, 16)  # so 14 was called half way
    total = moving(hand, 20).total
    assert told is not None
    assert total is not None
    assert (total.count, total.came_s) == (1, 900.0)
    assert total.told_s == pytest.approx(told.p50_s, abs=0.1)


@pytest.mark.parametrize("called", [5, 90])
def test_a_display_whose_numbers_jump_scores_nothing(called: int) -> None:
    hand = Hand()
    look(hand, 0, 4, 10)
    look(hand, 5, 0, called)
    look(hand, 10, 0, called + 20)
    assert moving(hand, 10).total is None


def test_a_promise_from_a_clock_that_was_ahead_is_not_scored() -> None:
    accuracy = Accuracy()
    accuracy.tell("1", Promise(MIDNIGHT_S + 3600, Spread(p10_s=0, p50_s=60, p90_s=90), 1))
    accuracy.call("1", MIDNIGHT_S + 600, MIDNIGHT_S)
    assert accuracy.days == []


@given(
    lived=st.lists(
        st.tuples(st.integers(0, 60), st.integers(1, 4), st.floats(0, 9000), st.floats(0, 9000)),
        max_size=60,
    )
)
def test_it_stays_small_and_its_shares_are_shares(
    lived: list[tuple[int, int, float, float]],
) -> None:
    accuracy = Accuracy()
    for day, level, told_s, came_s in sorted(lived):
        day_s = MIDNIGHT_S + day * DAY_S
        accuracy.begin_day(day_s)
        told = Spread(p10_s=told_s / 2, p50_s=told_s, p90_s=told_s * 2)
        accuracy.tell("1", Promise(day_s, told, level))
        accuracy.call("1", day_s + came_s, day_s)
    assert len(accuracy.days) <= DAYS
    kept = accuracy.by_level()
    assert sum(score.count for score in kept) <= len(lived)
    assert all(0 <= score.inside <= score.count for score in kept)
    assert all(abs(s.told_s - s.came_s) <= s.error_s + 1e-6 for s in kept)
