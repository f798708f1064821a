"""What reservations change: who is told of, how long others wait, what is forecast."""

from datetime import date, timedelta
from typing import Literal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.contract.observations import BookedSlot, Bookings, People, Press
from models.contract.results import Booked, LineResult, ServiceResult
from models.errors import BadSite
from models.site import Site, parse
from models.state.bookings import Book
from models.state.office import Office
from models.wait.durations import first_guess
from models.wait.line import Desk, Learnt, Line, Person
from models.wait.monte_carlo import play
from tests.models.offices import SITE, TEN, Hand, after

TODAY = date(2026, 11, 24)
NOW_S = 1_780_000_000.0
MINUTE = 60.0


def with_bookings(how: Literal["first", "own-counter"]) -> Site:
    """The small office, in which `tax` takes reservations."""
    tax, *others = SITE.services
    tax = msgspec.structs.replace(tax, bookings=how, booked_tickets="R")
    return msgspec.structs.replace(SITE, services=(tax, *others))


FIRST = with_bookings("first")


def book(*slots: tuple[str, int] | tuple[str, int, int], day: date = TODAY) -> Bookings:
    """Reservations by the clock: ("10:30", 2), and of how many ("10:30", 2, 4)."""
    made = []
    for clock, booked, *places in slots:
        hour, minute = map(int, clock.split(":"))
        at = 60 * hour + minute
        made.append(BookedSlot(minute=at, booked=booked, places=places[0] if places else None))
    return Bookings(day=day, slots=tuple(made))


def service(hand: Hand, at_s: float, name: str = "tax") -> ServiceResult:
    found = hand.office.results(after(at_s))[f"service/{name}"]
    assert isinstance(found, ServiceResult)
    return found


def told(hand: Hand, at_s: float) -> Booked:
    found = service(hand, at_s).booked
    assert isinstance(found, Booked)
    return found


def waits(hand: Hand, at_s: float) -> float:
    found = hand.office.wait("tax", after(at_s))
    assert found is not None
    return found.p50_s


def queue(site: Site, people: int = 8) -> Hand:
    """So many who wait at ten for two counters."""
    hand = Hand(Office(site, assume_alive=True))
    for n in range(people):
        hand.issue(f"A{n:03}", after(n - people))
    return hand


def test_those_who_are_to_come_are_told() -> None:
    hand = queue(FIRST)
    tomorrow = book(("09:00", 4, 4), ("09:30", 1, 4), day=TODAY + timedelta(days=1))
    hand.see("tax", book(("09:30", 1, 1), ("10:30", 2, 2), ("11:00", 1, 1)))
    hand.see("tax", tomorrow)
    said = told(hand, 1)
    assert (said.left, said.as_of, said.next_at) == (3, TEN, after(30 * MINUTE))
    assert said.free_at == after(23.5 * 3600)  # all of today are taken
    assert told(hand, 45 * MINUTE).next_at == after(3600)


def test_a_correction_replaces_the_day_and_an_older_one_does_not() -> None:
    hand = queue(FIRST)
    hand.see("tax", book(("10:30", 2), ("11:00", 3)))
    hand.see("tax", book(("11:00", 1)), after(60))
    hand.see("tax", book(("10:30", 9)), after(30), received_at=after(61))
    assert told(hand, 62).left == 1
    hand.see("tax", book(), after(70))
    assert (told(hand, 71).left, told(hand, 71).next_at) == (0, None)


def test_a_book_that_nobody_writes_is_told_with_its_age_and_then_not_at_all() -> None:
    site = msgspec.structs.replace(
        FIRST, freshness=msgspec.structs.replace(FIRST.freshness, bookings_s=7200)
    )
    hand = queue(site)
    hand.see("tax", book(("15:00", 2)))
    assert told(hand, 7199).as_of == TEN
    hand.see("tax", book(("15:00", 2), day=TODAY + timedelta(days=2)), after(7200))
    assert service(hand, 7201).booked is msgspec.UNSET


@pytest.mark.parametrize(
    "said",
    [
        book(("10:30", 2), day=TODAY - timedelta(days=1)),
        book(("10:30", 2), day=TODAY + timedelta(days=40)),
        book(("10:30", 2), day=date(1, 1, 1)),
        book(("10:30", 2), day=date(9999, 12, 31)),
        book(("10:30", 100_000)),
        Bookings(
            day=TODAY, slots=tuple(BookedSlot(minute=n, booked=1) for n in range(301))
        ),
    ],
    ids=["yesterday", "in forty days", "the first day", "the last", "too many", "too often"],
)  # fmt: skip
def test_what_no_office_books_is_counted_as_strange(said: Bookings) -> None:
    hand = queue(FIRST)
    hand.see("tax", said)
    assert hand.office.unknown == {"bookings/tax": 1}
    assert service(hand, 1).booked is msgspec.UNSET


def test_a_service_that_takes_no_reservations_has_none() -> None:
    hand = queue(FIRST)
    hand.see("moving", book(("10:30", 2)))
    hand.see("nobody", book(("10:30", 2)))
    assert hand.office.unknown == {"bookings/moving": 1, "bookings/nobody": 1}


def test_tickets_of_reservations_want_to_know_who_calls_them() -> None:
    office = '[site]\nid = "a"\nname = { en = "A" }\nhours = []\n'
    service = '[[services]]\nid = "tax"\nname = { en = "Tax" }\nbooked_tickets = "R"\n'
    with pytest.raises(BadSite, match=r"want `bookings` .* at `\$\.services\[0\]\.bookings`"):
        parse(office + service)
    assert parse(office + service + 'bookings = "own-counter"\n').services[0].booked_tickets == "R"


def test_who_comes_now_waits_for_those_who_are_due_first() -> None:
    plain, booked = queue(SITE), queue(FIRST)
    before = waits(booked, 1)
    assert before == waits(plain, 1)
    booked.see("tax", book(("10:05", 3), ("16:00", 30)))
    assert waits(booked, 1) > before + 3 * MINUTE
    booked.see("tax", book(("16:00", 33)), after(1))
    assert waits(booked, 2) == waits(plain, 2)  # by then everybody who waits has gone


def test_who_has_a_reservation_goes_to_their_own_counter() -> None:
    plain, own = queue(SITE), queue(with_bookings("own-counter"))
    own.see("tax", book(("10:05", 3)))
    own.issue("R001", after(30))
    assert told(own, 40).left == 3
    assert waits(own, 40) == waits(plain, 40)
    assert own.office.remaining("tax", "R001", after(40)) is None  # nobody knows that counter


def test_a_ticket_of_somebody_with_a_reservation_is_called_in_its_time() -> None:
    hand = queue(FIRST)
    hand.see("tax", book(("10:10", 1)))
    hand.issue("R001", after(60))
    line = hand.office.results(after(61))["line/tax"]
    assert isinstance(line, LineResult)
    order = [ticket.number for ticket in line.tickets]
    assert 0 < order.index("R001") < len(order) - 1
    wait_s = hand.office.remaining("tax", "R001", after(61))
    assert wait_s is not None
    assert 8 * MINUTE < wait_s.p50_s < 14 * MINUTE  # 10:10, and then the first counter
    for n, number in enumerate(order[:6]):
        hand.call(number, "c1" if n % 2 else "c2", after(100 + n))
    line = hand.office.results(after(120))["line/tax"]
    assert isinstance(line, LineResult)
    assert {t.number for t in line.tickets} == set(order[6:])  # whom others pass is not lost


def test_a_button_calls_them_first_once_they_are_due() -> None:
    hand = queue(FIRST, 3)
    hand.see("tax", book(("10:10", 1)))
    hand.issue("R001", after(60))
    called = []
    for at_s in (300, 601, 602):
        hand.see("next-c1", Press(gesture="short"), after(at_s))
        result = hand.office.results(after(at_s))["service/tax"]
        assert isinstance(result, ServiceResult)
        called.append(result.called)
    assert called == ["A000", "R001", "A001"]


def test_the_share_that_comes_is_learnt() -> None:
    book_of = Book()
    first = book_of.share()
    for n in range(20):
        day = TODAY + timedelta(days=n)
        said = book(("10:00", 2), ("11:00", 2), day=day)
        assert book_of.take(said, 0.0, day, SITE.zone_info)
        for hour in (10, 11):  # of two one comes
            due_s = (TEN + timedelta(days=n, hours=hour - 10)).timestamp()
            assert book_of.take_ticket(due_s - 300) == due_s
        book_of.begin_day(day + timedelta(days=1))
    assert first == 0.9
    assert 0.5 <= book_of.share() < 0.62
    assert book_of.days == {}


def test_more_than_usual_is_known_by_the_hour() -> None:
    book_of = Book()
    for n in range(5):
        day = TODAY + timedelta(days=n)
        assert book_of.take(book(("10:00", 2), ("11:00", 4), day=day), 0.0, day, SITE.zone_info)
        book_of.begin_day(day + timedelta(days=1))
    later = TODAY + timedelta(days=5)
    assert book_of.take(book(("10:00", 6), day=later), 0.0, later, SITE.zone_info)
    assert book_of.more(later, 599, 630) == pytest.approx(4.0, abs=0.1)
    assert book_of.more(later, 659, 690) == pytest.approx(-4.0, abs=0.2)
    assert book_of.more(later + timedelta(days=1), 599, 630) == 0.0


def test_a_minute_is_by_the_clock_on_the_wall_when_the_clocks_change() -> None:
    site = parse(
        '[site]\nid = "a"\nname = { en = "A" }\ntimezone = "Europe/Lisbon"\nholidays = "none"\n'
        'hours = [{ days = "mon-sun", open = "00:00", close = "24:00" }]\n'
    )
    day, book_of = date(2026, 10, 25), Book()
    assert book_of.take(book(("00:30", 1), ("10:00", 1), day=day), 0.0, day, site.zone_info)
    first, second = book_of.days[day.isoformat()].slots
    assert second.at_s - first.at_s == 10.5 * 3600  # the night has an hour more


def test_a_restart_forgets_nothing() -> None:
    hand = queue(FIRST)
    hand.see("tax", book(("10:10", 3)))
    hand.issue("R001", after(60))
    again = Office.load(FIRST, hand.office.dump(), assume_alive=True)
    assert again.results(after(90)) == hand.office.results(after(90))


def test_those_who_sit_there_for_their_own_counter_are_in_nobodys_line() -> None:
    told_s = {}
    for how in ("first", "own-counter"):
        site = with_bookings("own-counter") if how == "own-counter" else FIRST
        site = msgspec.structs.replace(site, services=site.services[:1])
        hand = Hand(Office(site, assume_alive=True))
        hand.see("tax", book(("10:05", 8)), after(-7200))
        for n in range(12):
            hand.see("next-c1", Press(gesture="short"), after(60 * n - 720))
        for n in range(5):
            hand.see("lobby", People(count=14), after(20 * n))
        told_s[how] = waits(hand, 90)
    assert told_s["own-counter"] < told_s["first"]


# ── the line that is played ──────────────────────────────────────────────────────────────────────

LEARNT = {"tax": Learnt(durations=first_guess(5.0))}
DESKS = (Desk(("tax",)), Desk(("tax",)))


def line(people: int, *expected: float, shows: float = 1.0) -> Line:
    """So many who wait, and somebody who comes now; others are due in so many seconds."""
    waiting = tuple(Person("tax", NOW_S - 600 + n) for n in range(people))
    due = tuple(Person("tax", NOW_S + s, due_s=NOW_S + s, shows=shows) for s in sorted(expected))
    asks = Person("tax", NOW_S, asks=True)
    return Line(NOW_S, DESKS, (*waiting, asks), LEARNT, expected=due)


@settings(max_examples=25)
@given(st.integers(0, 15), st.lists(st.floats(1, 3600), max_size=8), st.floats(1, 3600))
def test_one_more_with_a_reservation_never_shortens_the_wait(
    people: int, due_s: list[float], more_s: float
) -> None:
    fewer, more = play(line(people, *due_s)), play(line(people, *due_s, more_s))
    # of those who wait longer more have left, so single runs may be shorter
    assert fewer[-1].mean() <= more[-1].mean() + 1e-6


def test_who_never_comes_changes_nothing() -> None:
    away = play(line(6, 60.0, 120.0, shows=0.0))
    assert (away == play(line(6))).all()


def test_a_reservation_after_everybody_was_called_changes_nothing() -> None:
    assert (play(line(2, 86_400.0)) == play(line(2))).all()


def test_somebody_with_a_ticket_and_a_reservation_is_called_when_it_is_due() -> None:
    booked = Person("tax", NOW_S - 30, due_s=NOW_S + 900)
    one = line(12)
    calls = play(msgspec.structs.replace(one, people=(*one.people[:-1], booked, one.people[-1])))
    assert (calls[-2] >= 900).all()
    assert calls[-2].mean() < calls[-3].mean()  # before the last of those who came earlier
