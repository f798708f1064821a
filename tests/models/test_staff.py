"""What staff enter: pauses, and what they take back."""

from datetime import timedelta

import pytest

from models.contract.observations import Counter, Pause, SetLevel
from models.contract.results import ServiceResult
from models.state.office import Office
from tests.models.offices import SITE, Hand, after

DAY_S = 86_400.0


def tax(hand: Hand, at_s: float) -> ServiceResult:
    result = hand.office.results(after(at_s))["service/tax"]
    assert isinstance(result, ServiceResult)
    return result


def test_a_pause_says_when_it_goes_on_and_then_it_does() -> None:
    hand = Hand()
    hand.see("tax", SetLevel(level=2))
    hand.see("tax", Pause(paused=True, until=after(900)), after(60))
    told = tax(hand, 61)
    assert (told.state, told.opens_at, told.valid_until) == ("paused", after(900), after(900))
    assert hand.office.next_change(after(61)) <= after(900)  # type: ignore[operator]
    assert (tax(hand, 900).state, tax(hand, 900).level) == ("open", 2)
    assert tax(hand, 900).opens_at is None


def test_a_pause_without_an_end_lasts_until_it_is_said_or_the_day_ends() -> None:
    hand = Hand()
    hand.see("tax", Pause(paused=True))
    told = tax(hand, 3600)
    assert (told.state, told.opens_at, told.basis) == ("paused", None, "staff")
    hand.see("tax", Pause(paused=False), after(3700))
    assert tax(hand, 3701).state == "no_data"
    hand.see("tax", Pause(paused=True), after(3800))
    assert tax(hand, DAY_S).state == "no_data"


def test_a_pause_that_came_late_changes_nothing() -> None:
    hand = Hand()
    hand.see("tax", Pause(paused=False), after(100))
    hand.see("tax", Pause(paused=True), after(50), received_at=after(110))
    assert tax(hand, 111).state == "no_data"


def test_a_closed_service_is_closed_and_not_paused() -> None:
    hand = Hand()
    hand.see("tax", Pause(paused=True))
    assert tax(hand, 8 * 3600).state == "closed"


def test_a_pause_outlives_the_hub() -> None:
    hand = Hand()
    hand.see("tax", Pause(paused=True, until=after(900)))
    again = Hand(Office.load(SITE, hand.office.dump()))
    assert tax(again, 100).opens_at == after(900)


def test_a_clock_set_back_takes_a_pause_of_unknown_age_away() -> None:
    hand = Hand()
    hand.see("tax", Pause(paused=True), after(7200))
    assert tax(hand, 3600).state == "no_data"


def test_a_level_taken_back_leaves_what_was_said_before_for_the_rest_of_its_time() -> None:
    hand = Hand()
    hand.see("tax", SetLevel(level=2))
    hand.see("tax", SetLevel(level=4), after(600))
    hand.see("tax", SetLevel(level=4), after(601))
    hand.see("tax", SetLevel(level=None), after(610))
    told = tax(hand, 611)
    assert (told.level, told.observed_at, told.valid_until) == (2, after(0), after(1800))
    hand.see("tax", SetLevel(level=None), after(620))
    assert tax(hand, 621).state == "no_data"


def test_what_was_said_yesterday_does_not_come_back() -> None:
    hand = Hand()
    hand.see("tax", SetLevel(level=2))
    hand.see("tax", SetLevel(level=4), after(DAY_S))
    hand.see("tax", SetLevel(level=None), after(DAY_S) + timedelta(seconds=1))
    assert tax(hand, DAY_S + 2).level is None


@pytest.mark.parametrize("said", [True, False])
def test_a_counter_goes_back_to_its_timetable(said: bool) -> None:  # noqa: FBT001
    hand = Hand()
    for counter in ("c1", "c2"):
        hand.see(counter, Counter(open=said))
    hand.issue("A001", after(5400))  # 11:30: c1 is planned to be closed
    assert tax(hand, 5401).counters_open == 2 * said
    for counter in ("c1", "c2"):
        hand.see(counter, Counter(open=None), after(5402))
    assert (tax(hand, 5411).state, tax(hand, 5411).counters_open) == ("open", 1)
