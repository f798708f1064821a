from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from models.contract.observations import Beat, Counter, Gap, Ticket
from models.contract.results import ServiceResult
from models.state.office import Office
from models.state.tickets import Tickets
from tests.models.offices import SITE, TEN, Hand, after


def service(hand: Hand, at_s: float, name: str = "tax") -> ServiceResult:
    result = hand.office.results(after(at_s))[f"service/{name}"]
    assert isinstance(result, ServiceResult)
    return result


def test_who_was_issued_and_not_called_waits() -> None:
    hand = Hand()
    for n in (1, 2, 3):
        hand.issue(f"A00{n}", after(n))
    hand.call("A001", "c1", after(10))
    told = service(hand, 11)
    assert (told.state, told.waiting, told.called, told.counters_open) == ("open", 2, "A001", 2)
    assert told.basis == "tickets"
    assert told.wait is not None
    assert told.level == 1


def test_a_repeated_or_impossible_event_changes_nobody_else() -> None:
    hand = Hand()
    hand.issue("A001", after(1))
    hand.issue("A001", after(2))
    hand.call("A777", "c1", after(3))
    hand.serve("A888", after(4))
    assert service(hand, 5).waiting == 1
    assert hand.office.remaining("tax", "A777", after(5)) is None


def test_numbers_start_again_in_the_morning() -> None:
    hand = Hand()
    hand.issue("A001")
    tomorrow = 24 * 3600.0
    assert service(hand, tomorrow).waiting is None  # nothing was heard: no number
    hand.see("all", Beat(), after(tomorrow))
    assert service(hand, tomorrow).waiting == 0  # heard, and nobody came yet
    hand.issue("A001", after(tomorrow + 60))
    assert service(hand, tomorrow + 61).waiting == 1


def test_silence_with_beats_means_that_nothing_happened_and_without_that_nobody_knows() -> None:
    hand = Hand()
    hand.issue("A001")
    hand.see("all", Beat(), after(300))
    told = service(hand, 330)
    assert (told.waiting, told.observed_at) == (1, after(300))
    assert told.valid_until == after(390)
    silent = service(hand, 391)
    assert (silent.state, silent.waiting, silent.wait, silent.level) == (
        "no_data",
        None,
        None,
        None,
    )


def test_where_two_machines_tell_half_each_the_silent_one_counts() -> None:
    hand = Hand()
    hand.issue("A001")
    hand.see("tax", Ticket(number="A001", event="called", counter="c1"), after(5), device="panel")
    hand.see("all", Beat(), after(300), device="panel")
    assert service(hand, 301).state == "no_data"


def test_after_a_long_gap_nobody_knows_until_a_later_ticket_is_called() -> None:
    hand = Hand()
    hand.issue("A001")
    hand.issue("A002", after(1))
    hand.see("ticket", Gap(since=after(5), why="agent was dead"), after(1805))
    assert service(hand, 1806).waiting is None
    assert hand.office.remaining("tax", "A002", after(1806)) is None
    hand.issue("A009", after(1810))
    hand.issue("A010", after(1811))
    hand.call("A009", "c1", after(1900))
    assert service(hand, 1901).waiting == 1


def test_a_short_gap_is_borne() -> None:
    hand = Hand()
    hand.issue("A001")
    hand.see("ticket", Gap(since=after(5), why="restarted"), after(20))
    assert service(hand, 21).waiting == 1


def test_a_machine_that_was_off_over_night_has_missed_nobody() -> None:
    hand = Hand()
    hand.issue("A001")
    morning = 22.4 * 3600  # 8:24 of the next day
    hand.see("ticket", Gap(since=after(8 * 3600), why="switched off"), after(morning))
    assert hand.office.wait("tax", after(morning + 1)) is not None


def test_a_counter_without_events_goes_to_lunch_by_the_timetable() -> None:
    hand = Hand()
    noon = 1.5 * 3600  # 11:30, when c1 closes
    hand.issue("A001", after(noon - 120))
    hand.call("A001", "c1", after(noon - 60))
    assert service(hand, noon - 1).counters_open == 2
    hand.see("all", Beat(), after(noon + 60))
    assert service(hand, noon + 61).counters_open == 1
    hand.call("A002", "c1", after(noon + 120))  # it has stayed
    assert service(hand, noon + 121).counters_open == 2


def test_a_ticket_that_is_passed_by_again_and_again_is_gone() -> None:
    tickets = Tickets()
    for n in range(10):
        tickets.issue(f"A{n}", n)
    for n in range(1, 6):
        assert "A0" in tickets.waiting
        tickets.call(f"A{n}", 100 + n)
    assert "A0" not in tickets.waiting


def test_events_that_come_late_over_a_cut_line_find_their_place() -> None:
    hand = Hand(Office(SITE, assume_alive=True))
    hand.issue("A003", after(100))
    hand.see("tax", Ticket(number="A001", event="issued"), after(10), received_at=after(200))
    first = hand.office.remaining("tax", "A001", after(201))
    second = hand.office.remaining("tax", "A003", after(201))
    assert first is not None
    assert second is not None
    assert first.p50_s <= second.p50_s


def test_what_came_over_night_belongs_to_no_day() -> None:
    hand = Hand()
    morning = after(24 * 3600)
    hand.see("all", Beat(), morning)
    hand.see("tax", Ticket(number="A001", event="issued"), TEN, received_at=morning)
    assert service(hand, 24 * 3600 + 1).waiting == 0


def test_new_calls_are_given_once_and_old_ones_are_only_listed() -> None:
    hand = Hand()
    hand.issue("A001")
    hand.call("A001", "c1", after(60))
    assert [(c.number, c.counter) for c in hand.office.new_calls()] == [("A001", "c1")]
    assert hand.office.new_calls() == []
    late = Ticket(number="A002", event="called", counter="c2")
    hand.see("tax", late, after(30), received_at=after(900))
    assert hand.office.new_calls() == []
    hand.see("all", Beat(), after(900))
    listed = hand.office.results(after(901))["calls"].calls  # type: ignore[attr-defined]
    assert [c.number for c in listed] == ["A001", "A002"]


def test_the_last_ten_calls_are_listed() -> None:
    hand = Hand()
    for n in range(15):
        hand.call(f"A{n}", "c1", after(n))
    calls = hand.office.results(after(16))["calls"].calls  # type: ignore[attr-defined]
    assert [c.number for c in calls] == [f"A{n}" for n in range(14, 4, -1)]


def test_a_machine_that_names_no_counter_is_followed_too() -> None:
    hand = Hand()
    for n in range(6):
        hand.issue(f"A{n}", after(n))
    before = hand.office.remaining("tax", "A5", after(10))
    for n in range(4):
        hand.call(f"A{n}", None, after(20 + 200 * n))
    now = hand.office.remaining("tax", "A5", after(640))
    assert before is not None
    assert now is not None
    assert now.p50_s < before.p50_s


def test_service_times_are_learnt() -> None:
    hand = Hand()
    for n in range(200):
        at_s = 60.0 * n
        hand.issue(f"A{n}", after(at_s))
        hand.call(f"A{n}", "c1", after(at_s + 1))
        hand.serve(f"A{n}", after(at_s + 31))
    mean_s = hand.office._folding.memory.services["tax"].learnt.durations.mean_s
    assert 30 < mean_s < 60  # seven minutes at first


def test_shared_clerks_are_shared() -> None:
    hand = Hand()
    for n in range(8):
        hand.issue(f"A{n}", after(n))
    alone = hand.office.wait("tax", after(30))
    for n in range(8):
        hand.issue(f"B{n}", after(10 + n), "moving")
    shared = hand.office.wait("tax", after(30))
    assert alone is not None
    assert shared is not None
    assert shared.p50_s > alone.p50_s


@given(st.integers(1, 40))
def test_who_is_nearer_the_front_waits_no_longer(waiting: int) -> None:
    hand = Hand(Office(SITE, assume_alive=True))
    for n in range(waiting):
        hand.issue(f"A{n}", after(n))
    waits = [hand.office.remaining("tax", f"A{n}", after(60)) for n in range(0, waiting, 5)]
    told = [wait.p50_s for wait in waits if wait]
    assert len(told) == len(waits)
    assert told == sorted(told)


def test_nobody_is_called_in_the_lunch_break() -> None:
    hand = Hand(Office(SITE, assume_alive=True))
    noon = 2 * 3600.0
    hand.see("c1", Counter(open=False), after(noon - 1800))
    hand.see("c2", Counter(open=False), after(noon - 1800))
    hand.issue("A001", after(noon))
    wait = hand.office.remaining("tax", "A001", after(noon))
    assert wait is not None
    assert wait.p50_s <= 1800  # c1 is planned to be back at 12:30, c2 after a usual break


def test_the_wait_is_unknown_when_nobody_will_call() -> None:
    hand = Hand(Office(SITE, assume_alive=True))
    evening = timedelta(hours=7, minutes=20)  # 17:20
    at_s = evening.total_seconds()
    hand.issue("A001", after(at_s - 600))
    for counter in ("c1", "c2"):
        hand.see(counter, Counter(open=False), after(at_s))
    assert hand.office.remaining("tax", "A001", after(at_s + 1)) is None
