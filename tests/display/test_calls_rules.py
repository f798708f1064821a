"""Which calls a screen calls out, in what order, and what the hub tells of them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.contract import codec
from models.contract.observations import Beat, Ticket
from models.contract.results import Call, CallsResult
from models.screens.announce import HOLDS_S, MOST, REMEMBERED, Queue, key_of
from models.site import is_within
from models.state.office import Office
from tests.models.offices import SITE, TEN, Hand, after

NOW = datetime(2026, 11, 24, 1, 32, tzinfo=UTC)


def call(number: str, at_s: float = 0.0, service: str = "tax") -> Call:
    return Call(number=number, service=service, counter="c1", at=NOW + timedelta(seconds=at_s))


def numbers(queue: Queue, now_s: float = 0.0) -> list[str]:
    """All that it gives, each shown as it comes."""
    came = []
    while (given := queue.next(now_s)) is not None:
        came.append(given.number)
        assert queue.shown(key_of(given), now_s)
    return came


def calls_of(office: Office, now: datetime) -> CallsResult:
    result = office.results(now)["calls"]
    assert isinstance(result, CallsResult)
    return result


def test_calls_come_in_the_order_in_which_they_were_called() -> None:
    queue = Queue()
    queue.offer([call("A3", 3), call("A1", 1), call("A2", 2)], 0)
    assert numbers(queue) == ["A1", "A2", "A3"]


def test_what_is_told_twice_is_called_out_once() -> None:
    queue = Queue()
    assert queue.offer([call("A1")], 0) == [call("A1")]
    assert queue.offer([call("A1"), call("A1")], 0) == []
    assert numbers(queue) == ["A1"]
    assert queue.offer([call("A1")], 1) == []
    assert numbers(queue) == []


def test_a_call_is_given_again_until_it_was_shown() -> None:
    queue = Queue()
    queue.offer([call("A1"), call("A2", 1)], 0)
    assert queue.next(0) == queue.next(1) == call("A1")
    assert queue.next(2) == call("A1")


def test_the_same_number_is_called_out_again_when_it_is_called_again() -> None:
    """A clerk calls once more; numbers begin anew; another service has the same ones."""
    queue = Queue()
    queue.offer([call("A1", 0), call("A1", 40), call("A1", 0, "moving")], 0)
    assert numbers(queue) == ["A1", "A1", "A1"]


def test_a_process_that_starts_again_knows_what_was_shown() -> None:
    before = Queue()
    before.offer([call("A1"), call("A2", 1)], 0)
    before.shown(key_of(call("A1")), 0)
    after_it = Queue(before.done)
    after_it.offer([call("A1"), call("A2", 1)], 0)
    assert numbers(after_it) == ["A2"]


def test_what_the_process_before_gave_to_the_screen_is_not_called_out_anew() -> None:
    """Killed before it heard that this was shown; and the screen asks before the list comes."""
    after_it = Queue()
    assert after_it.shown(key_of(call("A1")), 0)
    assert not after_it.shown(key_of(call("A1")), 0)
    after_it.offer([call("A1"), call("A2", 1)], 0)
    assert numbers(after_it) == ["A2"]


def test_what_stood_still_is_given_up_and_what_moves_is_not() -> None:
    queue = Queue()
    queue.offer([call("A1")], 0)
    assert queue.next(HOLDS_S) is None
    queue.offer([call(f"B{n}", n) for n in range(MOST)], HOLDS_S)
    now_s, came = HOLDS_S, 0
    while (given := queue.next(now_s)) is not None:
        queue.shown(key_of(given), now_s)
        now_s, came = now_s + 4.0, came + 1
    assert now_s > 2 * HOLDS_S
    assert came == MOST


@given(st.lists(st.integers(0, 3 * REMEMBERED), max_size=40))
def test_it_remembers_more_than_can_be_told_again(seconds: list[int]) -> None:
    queue = Queue()
    for at_s in range(3 * REMEMBERED):
        queue.offer([call("A1", at_s)], at_s)
        queue.shown(key_of(call("A1", at_s)), at_s)
    told_again = [at_s for at_s in seconds if at_s >= 3 * REMEMBERED - MOST]
    queue.offer([call("A1", at_s) for at_s in told_again if at_s < 3 * REMEMBERED], 0)
    assert queue.next(0) is None
    assert len(queue.done) == REMEMBERED


@pytest.mark.parametrize(
    ("span", "clock", "is_in"),
    [
        ("12:00-12:45", "11:59", False),
        ("12:00-12:45", "12:00", True),
        ("12:00-12:45", "12:45", False),
        ("22:00-06:00", "23:59", True),
        ("22:00-06:00", "05:59", True),
        ("22:00-06:00", "06:00", False),
        ("00:00-24:00", "13:00", True),
    ],
)
def test_mute_hours_by_table(span: str, clock: str, is_in: bool) -> None:  # noqa: FBT001
    hour, minute = map(int, clock.split(":"))
    assert is_within(span, 60 * hour + minute) is is_in


def test_the_hub_tells_all_calls_that_hold_and_still_the_last_ten() -> None:
    hand = Hand()
    for n in range(40):
        hand.call(f"A{n}", "c1", after(10 * n))
    told = calls_of(hand.office, after(400))
    assert [c.number for c in told.calls] == [f"A{n}" for n in range(39, 29, -1)]
    assert [c.number for c in told.recent] == [f"A{n}" for n in range(39, 10, -1)]
    later = calls_of(hand.office, after(2000))
    assert later.recent == ()


def test_a_hub_that_was_restarted_tells_the_same_calls() -> None:
    hand = Hand()
    for n in range(20):
        hand.call(f"A{n}", "c1", after(n))
    again = Office.load(SITE, hand.office.dump())
    before, now = calls_of(hand.office, after(30)), calls_of(again, after(30))
    assert [key_of(c) for c in now.recent] == [key_of(c) for c in before.recent]
    assert len(now.recent) == 20


def test_a_call_is_told_though_its_machine_has_gone_since() -> None:
    """Whether others were called after it nobody knows; that it was is true."""
    hand = Hand()
    hand.call("A1", "c1", after(0))
    told = calls_of(hand.office, after(200))
    assert told.calls == ()
    assert [c.number for c in told.recent] == ["A1"]


def test_what_was_called_long_before_it_was_heard_is_listed_only() -> None:
    hand = Hand()
    late = Ticket(number="A2", event="called", counter="c2")
    hand.see("tax", late, after(30), received_at=after(3630))
    hand.see("all", Beat(), after(3630))
    told = calls_of(hand.office, after(3631))
    assert [c.number for c in told.calls] == ["A2"]
    assert told.recent == ()
    assert hand.office.new_calls() == []


def test_the_longest_list_of_calls_can_be_sent() -> None:
    hand = Hand()
    for n in range(2 * MOST):
        hand.call("番" * 60 + f"{n:04}", "c1", after(n / 10))
    told = calls_of(hand.office, after(2 * MOST / 10))
    assert len(told.recent) == MOST
    assert len(codec.encode(told)) <= codec.MAX_BYTES


def test_who_did_not_come_is_missed_until_called_again_or_served() -> None:
    hand = Hand()
    for n, number in enumerate(("A1", "A2", "A3")):
        hand.call(number, "c1", after(20 * n))
        absent = Ticket(number=number, event="absent", counter="c1")
        hand.see("tax", absent, after(20 * n + 10))
    assert [c.number for c in calls_of(hand.office, after(70)).missed] == ["A3", "A2", "A1"]
    hand.call("A2", "c1", after(80))
    hand.see("tax", Ticket(number="A3", event="served"), after(81))
    told = calls_of(hand.office, after(82))
    assert [c.number for c in told.missed] == ["A1"]
    assert told.recent[0].number == "A2"
    hand.see("all", Beat(), after(1811))
    assert [c.number for c in calls_of(hand.office, after(1809)).missed] == ["A1"]
    assert calls_of(hand.office, after(1811)).missed == ()


def test_an_absence_that_comes_late_does_not_undo_the_call_after_it() -> None:
    hand = Hand()
    hand.call("A1", "c1", after(0))
    hand.call("A1", "c1", after(100))
    absent = Ticket(number="A1", event="absent", counter="c1")
    hand.see("tax", absent, after(60), received_at=after(120))
    assert calls_of(hand.office, after(121)).missed == ()


def test_nobody_is_missed_from_yesterday() -> None:
    hand = Hand()
    hand.call("A1", "c1", TEN)
    hand.see("tax", Ticket(number="A1", event="absent", counter="c1"), after(60))
    morning = after(23 * 3600)
    hand.see("all", Beat(), morning)
    assert calls_of(hand.office, morning + timedelta(seconds=1)).missed == ()
