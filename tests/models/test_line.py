"""What is told of those who wait with a ticket, all of a line at once."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.contract.observations import Beat, Counter, Gap, Reading, Ticket
from models.contract.results import LineResult, LineTicket, Spread
from models.state.office import Office
from models.state.sanity import checked
from models.wait.retold import Retold
from tests.models.offices import SITE, TEN, Hand, after

HOUR_S = 3600.0
NUMBERS = st.integers(1, 20).map(lambda n: f"A{n:03}")
EVENTS: st.SearchStrategy[tuple[str, Reading]] = st.one_of(
    st.tuples(
        st.sampled_from(["tax", "moving"]),
        st.builds(
            Ticket,
            number=NUMBERS,
            event=st.sampled_from(["issued"] * 5 + ["called", "called", "served", "absent"]),
            counter=st.sampled_from([None, "c1", "c2"]),
        ),
    ),
    st.tuples(st.sampled_from(["c1", "c2"]), st.builds(Counter, open=st.booleans())),
    st.just(("ticket", Gap(since=TEN, why="dead"))),
)
Day = list[tuple[float, tuple[str, Reading]]]
DAYS = st.lists(st.tuples(st.sampled_from([0, 0, 0.2, 5, 60, 600]), EVENTS), max_size=60)
"""What happens, each so many seconds after the one before."""


def line(hand: Hand, at: datetime, service: str = "tax") -> LineResult | None:
    found = hand.office.results(at).get(f"line/{service}")
    assert found is None or isinstance(found, LineResult)
    return found


def told(hand: Hand, at_s: float, service: str = "tax") -> LineResult:
    found = line(hand, after(at_s), service)
    assert found is not None
    return found


def numbers(hand: Hand, at_s: float) -> list[str]:
    return [ticket.number for ticket in told(hand, at_s).tickets]


def lived(day: Day) -> tuple[Hand, datetime]:
    """An office a second after all that."""
    hand, at_s = Hand(Office(SITE, assume_alive=True)), 0.0
    for step_s, (name, reading) in day:
        at_s += step_s
        hand.see(name, reading, after(at_s))
    return hand, after(at_s + 1)


@settings(max_examples=80, deadline=None)
@given(DAYS)
def test_all_of_a_line_are_told_what_each_would_be_told_alone(day: Day) -> None:
    hand, now = lived(day)
    for service in ("tax", "moving"):
        found = line(hand, now, service)
        for n, ticket in enumerate(found.tickets if found else ()):
            alone = hand.office.remaining(service, ticket.number, now)
            assert ticket == LineTicket(number=ticket.number, ahead=n, wait=alone)
            assert alone is None or 0 <= alone.p10_s <= alone.p50_s <= alone.p90_s


@settings(max_examples=40, deadline=None)
@given(DAYS, st.sampled_from(["tax", "moving"]))
def test_who_comes_now_is_told_what_the_next_ticket_is_told(day: Day, service: str) -> None:
    hand, now = lived(day)
    hand.issue("B001", now - timedelta(seconds=1), "tax")
    hand.issue("B001", now - timedelta(seconds=1), "moving")
    comes = hand.office.wait(service, now)
    hand.issue("B002", now, service)
    assert comes == hand.office.remaining(service, "B002", now)


def test_who_was_called_or_has_left_vanishes_at_once() -> None:
    hand = Hand()
    for n in range(1, 5):
        hand.issue(f"A00{n}", after(n))
    assert numbers(hand, 10) == ["A001", "A002", "A003", "A004"]
    hand.call("A001", "c1", after(20))
    hand.see("tax", Ticket(number="A003", event="cancelled"), after(21))
    assert numbers(hand, 22) == ["A002", "A004"]
    assert [ticket.ahead for ticket in told(hand, 22).tickets] == [0, 1]


def test_a_line_holds_as_long_as_its_machine_is_heard() -> None:
    hand = Hand()
    hand.issue("A001")
    hand.see("all", Beat(), after(30))
    found = told(hand, 100)
    assert (found.observed_at, found.valid_until) == (after(30), after(120))
    assert line(hand, after(120)) is None
    assert line(Hand(), TEN) is None, "nobody has ever heard of a ticket"


def test_after_a_gap_nobody_knows_who_waits() -> None:
    hand = Hand()
    hand.issue("A001")
    hand.see("ticket", Gap(since=after(5), why="agent was dead"), after(1805))
    assert line(hand, after(1806)) is None


def test_those_who_hold_a_ticket_are_told_after_closing_too() -> None:
    hand, close_s = Hand(), 7.25 * HOUR_S
    hand.issue("A001", after(close_s - 600))
    hand.see("all", Beat(), after(close_s + 60))
    (ticket,) = told(hand, close_s + 61).tickets
    assert ticket.wait is not None
    hand.call("A001", "c1", after(close_s + 70))
    assert line(hand, after(close_s + 71)) is None


def test_an_empty_line_ends_with_the_day_and_begins_with_it() -> None:
    hand = Hand()
    hand.issue("A001")
    hand.see("all", Beat(), after(24 * HOUR_S))
    assert told(hand, 24 * HOUR_S + 1).tickets == ()
    close_s = 31.25 * HOUR_S
    hand.see("all", Beat(), after(close_s - 30))
    assert told(hand, close_s - 1).valid_until == after(close_s)
    assert line(hand, after(close_s)) is None


def test_a_line_of_which_there_is_no_end_is_told_from_its_front() -> None:
    hand = Hand()
    for n in range(310):
        hand.issue(f"A{n}", after(n))
    assert numbers(hand, 311) == [f"A{n}" for n in range(300)]


def spread(p50_s: float) -> Spread:
    return Spread(p10_s=p50_s / 2, p50_s=p50_s, p90_s=p50_s * 2)


def of(at: datetime, **waits_s: float | None) -> dict[str, LineResult]:
    tickets = tuple(
        LineTicket(number=number, ahead=n, wait=None if wait_s is None else spread(wait_s))
        for n, (number, wait_s) in enumerate(waits_s.items())
    )
    return {"line/tax": LineResult(at=at, valid_until=at, tickets=tickets)}


def waits(lines: dict[str, LineResult]) -> dict[str, float | None]:
    return {
        ticket.number: None if ticket.wait is None else ticket.wait.p50_s
        for ticket in lines["line/tax"].tickets
    }


def test_a_told_wait_falls_by_five_minutes_a_minute_and_rises_at_once() -> None:
    again = Retold()
    assert waits(again.lines(of(after(0), A1=600, A2=1800), after(0))) == {"A1": 600, "A2": 1800}
    found = of(after(60), A1=900, A2=600, A3=700)
    assert waits(again.lines(found, after(60))) == {"A1": 900, "A2": 1500, "A3": 700}
    assert waits(again.lines(of(after(120), A2=600), after(120))) == {"A2": 1200}
    assert waits(again.lines(of(after(180), A1=60, A2=2000), after(180))) == {"A1": 60, "A2": 2000}


def test_what_was_told_outlives_a_minute_in_which_nobody_knows() -> None:
    again = Retold()
    again.lines(of(after(0), A1=1800), after(0))
    assert waits(again.lines(of(after(10), A1=None), after(10))) == {"A1": None}
    assert again.lines({}, after(20)) == {}
    assert waits(again.lines(of(after(60), A1=60), after(60))) == {"A1": 1500}
    again.lines({}, after(3600))
    assert again._told == {}, "and then it is forgotten"


@given(st.lists(st.tuples(st.floats(0, 100), st.none() | st.floats(0, 9000)), max_size=20))
def test_no_told_wait_ever_falls_faster(
    found: list[tuple[float, float | None]],
) -> None:
    again, at, before = Retold(), TEN, None
    for step_s, wait_s in found:
        at += timedelta(seconds=step_s)
        (ticket,) = again.lines(of(at, A1=wait_s), at)["line/tax"].tickets
        if ticket.wait is not None and before is not None:
            most_s = 5.0 * (at - before[1]).total_seconds() + 1e-3
            assert before[0].p50_s - ticket.wait.p50_s <= most_s
        if ticket.wait is not None:
            before = ticket.wait, at


@pytest.mark.parametrize(
    "tickets",
    [
        (LineTicket(number="A1", ahead=0, wait=Spread(p10_s=9, p50_s=4, p90_s=9)),),
        (LineTicket(number="A1", ahead=2), LineTicket(number="A2", ahead=1)),
        (LineTicket(number="A1", ahead=-1),),
    ],
    ids=["p10 above p50", "fewer ahead further back", "fewer than nobody"],
)
def test_a_line_that_cannot_be_is_never_told(tickets: tuple[LineTicket, ...]) -> None:
    with pytest.raises(AssertionError, match="want what can be"):
        checked(LineResult(at=TEN, valid_until=TEN, tickets=tickets))
