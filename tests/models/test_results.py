from datetime import timedelta

import pytest

from models.contract.observations import (
    Beat,
    Counter,
    People,
    PostNotice,
    SetLevel,
    Ticket,
)
from models.contract.results import Free, LotResult, NoticeResult, ServiceResult, Spread
from models.state.sanity import checked
from tests.models.offices import TEN, Hand, after

CLOSE_S = 7.25 * 3600  # 17:15


def tax(hand: Hand, at_s: float) -> ServiceResult:
    result = hand.office.results(after(at_s))["service/tax"]
    assert isinstance(result, ServiceResult)
    return result


def test_what_never_reported_has_no_data_and_no_number() -> None:
    hand = Hand()
    told = tax(hand, 0)
    assert (told.state, told.waiting, told.called, told.wait, told.level, told.basis) == (
        "no_data",
        None,
        None,
        None,
        None,
        "",
    )


def test_after_hours_it_is_closed_and_says_until_when() -> None:
    told = tax(Hand(), 8 * 3600)
    assert told.state == "closed"
    assert told.opens_at == TEN + timedelta(hours=22.5)
    assert told.valid_until == told.opens_at


def test_a_service_of_given_dates_is_closed_until_then() -> None:
    hall = Hand().office.results(TEN)["service/hall"]
    assert isinstance(hall, ServiceResult)
    assert hall.state == "closed"
    assert hall.opens_at == TEN + timedelta(days=2, hours=-1.5)


def test_after_the_last_ticket_the_waiting_are_shown_and_nobody_is_told_to_come() -> None:
    hand = Hand()
    hand.issue("A001", after(CLOSE_S - 60))
    told = tax(hand, CLOSE_S + 10)
    assert (told.state, told.waiting, told.wait, told.level) == ("closed", 1, None, None)
    assert hand.office.remaining("tax", "A001", after(CLOSE_S + 10)) is not None
    hand.call("A001", "c2", after(CLOSE_S + 20))
    assert tax(hand, CLOSE_S + 21).waiting is None


def test_no_value_outlives_the_closing() -> None:
    hand = Hand()
    hand.issue("A001", after(CLOSE_S - 10))
    assert tax(hand, CLOSE_S - 5).valid_until == after(CLOSE_S)
    assert hand.office.next_change(after(CLOSE_S - 5)) == after(CLOSE_S)


def test_a_service_whose_counters_all_closed_is_paused() -> None:
    hand = Hand()
    hand.issue("A001")
    for counter in ("c1", "c2"):
        hand.see(counter, Counter(open=False), after(1))
    told = tax(hand, 2)
    assert (told.state, told.counters_open, told.waiting) == ("paused", 0, 1)
    hand.see("c2", Counter(open=True), after(60))
    assert tax(hand, 61).state == "open"


def test_yesterdays_closed_counter_is_open_by_the_timetable_today() -> None:
    hand = Hand()
    for counter in ("c1", "c2"):
        hand.see(counter, Counter(open=False), after(1))
    hand.issue("A001", after(86_400))
    assert tax(hand, 86_401).counters_open == 2


def test_staff_are_believed_when_no_wait_is_known_and_for_half_an_hour() -> None:
    hand = Hand()
    hand.see("tax", SetLevel(level=4))
    told = tax(hand, 1799)
    assert (told.level, told.basis, told.wait, told.valid_until) == (4, "staff", None, after(1800))
    assert tax(hand, 1801).state == "no_data"


def test_a_camera_alone_says_how_busy_it_is_and_no_wait() -> None:
    hand = Hand()
    hand.see("lobby", People(count=50))
    told = tax(hand, 10)
    assert (told.level, told.basis, told.wait, told.waiting) == (3, "camera", None, None)


def test_a_long_line_is_a_high_level() -> None:
    hand = Hand()
    levels = []
    for n in range(60):
        hand.issue(f"A{n}", after(n))
        levels.append(tax(hand, n).level)
    assert levels[0] == 1
    assert levels[-1] == 4
    assert levels == sorted(levels, key=lambda level: level or 0)


def test_a_notice_holds_until_its_end_or_until_it_is_cancelled() -> None:
    hand = Hand()
    hand.see("flood", PostNotice(by="hanako", texts={"en": "Out"}, until=after(600)), device="web")
    assert isinstance(hand.office.results(after(599))["notice/flood"], NoticeResult)
    assert "notice/flood" not in hand.office.results(after(601))
    hand.see("test", PostNotice(by="hanako", severity="warning", drill=True), after(1))
    drill = hand.office.results(after(2))["notice/test"]
    assert isinstance(drill, NoticeResult)
    assert drill.drill
    assert hand.office.results(after(90_000))["notice/test"].valid_until > after(90_000)
    hand.see("test", PostNotice(by="hanako", cancel=True), after(90_001))
    assert "notice/test" not in hand.office.results(after(90_002))


def test_a_device_that_was_replaced_a_week_ago_is_not_waited_for() -> None:
    hand = Hand()
    hand.see("tax", Ticket(number="A001", event="issued"), device="old")
    week_s = 8 * 86_400.0 + 3600
    hand.see("tax", Ticket(number="A001", event="issued"), after(week_s - 86_400), device="new")
    hand.see("all", Beat(), after(week_s - 86_400 + 60), device="new")
    assert tax(hand, week_s - 86_400 + 61).waiting == 1


@pytest.mark.parametrize(
    "impossible",
    [
        ServiceResult(
            at=TEN,
            valid_until=TEN,
            state="open",
            wait=Spread(p10_s=5.0, p50_s=4.0, p90_s=6.0),
        ),
        ServiceResult(
            at=TEN,
            valid_until=TEN,
            state="open",
            wait=Spread(p10_s=-1.0, p50_s=4.0, p90_s=6.0),
        ),
        LotResult(
            at=TEN, valid_until=TEN, state="open", capacity=140, free=Free(p10=0, p50=9, p90=8259)
        ),
    ],
    ids=["p10 above p50", "negative wait", "8259 free of 140"],
)
def test_what_cannot_be_is_never_told(impossible: ServiceResult | LotResult) -> None:
    with pytest.raises(AssertionError, match="want what can be"):
        checked(impossible)
