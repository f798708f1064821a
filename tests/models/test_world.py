"""The queues of the synthetic office, held against what an office can and cannot do."""

import math
import os
import subprocess
import sys
from collections import Counter as Times
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.contract.observations import Counter, Ticket
from models.site import CounterTable, Hours, Office, Service, Shift, Site, parse
from models.world.day import Day, TicketTruth
from models.world.laws import Params, services_s
from models.world.office import live
from models.world.today import Today
from models.world.visitors import rates

ROOT = Path(__file__).parents[2]
EXAMPLE = parse((ROOT / "ansible/sites/example.toml").read_text("utf-8"))
TUESDAY = date(2026, 11, 24)
ABSENT = timedelta(seconds=24)
CALM = Params(patience_s=math.inf, load_sd=0, speed_sd=0)
"""Nobody leaves, and days differ by nothing but chance."""


def office(*services: Service, counters: int, start: str = "08:30", end: str = "17:15") -> Site:
    """Open all week; counters c1, c2 ... whenever the office is."""
    return Site(
        site=Office(
            id="tried",
            name={},
            hours=(Hours(days="mon-sun", open=start, close=end),),
            holidays="none",
        ),
        services=services,
        counters=tuple(CounterTable(id=f"c{i + 1}") for i in range(counters)),
    )


def one_line(counters: int, minutes: float = 5, start: str = "08:30", end: str = "17:15") -> Site:
    """All counters for one service."""
    names = tuple(f"c{i + 1}" for i in range(counters))
    service = Service(id="a", name={}, counters=names, service_minutes=minutes)
    return office(service, counters=counters, start=start, end=end)


SHIFTS = (
    None,
    (
        Shift(days="mon-sun", start="08:30", end="12:00"),
        Shift(days="mon-sun", start="13:00", end="17:15"),
    ),
    (Shift(days="mon-sun", start="09:00", end="15:00"),),
    (Shift(days="mon-sun", start="06:00", end="20:00"),),
)


@st.composite
def offices(draw: st.DrawFn) -> Site:
    """Services that share counters, some of which take a break or go home early."""
    names = [f"c{i + 1}" for i in range(draw(st.integers(1, 4)))]
    chosen = st.lists(st.sampled_from(names), min_size=1, unique=True).map(tuple)
    services = tuple(
        Service(
            id=f"s{i}",
            name={},
            counters=draw(chosen),
            service_minutes=draw(st.sampled_from([0.5, 4, 11, 45])),
        )
        for i in range(draw(st.integers(1, 3)))
    )
    shifts = draw(st.lists(st.sampled_from(SHIFTS), min_size=len(names), max_size=len(names)))
    site = office(*services, counters=0)
    counters = tuple(CounterTable(id=c, open=s) for c, s in zip(names, shifts, strict=True))
    return Site(site=site.site, services=services, counters=counters)


days = st.builds(live, offices(), st.just(TUESDAY), st.integers(0, 10_000))


def called(day: Day) -> list[TicketTruth]:
    """By their calls."""
    return sorted(
        (t for t in day.tickets if t.called_at is not None),
        key=lambda t: t.called_at or t.issued_at,
    )


def taken(ticket: TicketTruth) -> tuple[datetime, datetime]:
    """From when to when a ticket keeps a counter busy."""
    assert ticket.called_at is not None
    return ticket.called_at, ticket.served_at or ticket.called_at + ABSENT


def mean_wait_s(day: Day) -> float:
    return float(np.mean([t.wait_s for t in day.tickets if t.wait_s is not None]))


def test_the_same_seed_makes_the_same_day() -> None:
    assert live(EXAMPLE, TUESDAY, 3) == live(EXAMPLE, TUESDAY, 3)


@pytest.mark.parametrize(
    ("day", "seed"), [(TUESDAY, 4), (TUESDAY + timedelta(days=1), 3)], ids=["seed", "date"]
)
def test_another_seed_or_date_makes_another_day(day: date, seed: int) -> None:
    first, other = live(EXAMPLE, TUESDAY, 3), live(EXAMPLE, day, seed)
    assert [t.wait_s for t in first.tickets] != [t.wait_s for t in other.tickets]


def test_the_day_does_not_depend_on_the_hash_seed_of_python() -> None:
    code = (
        "import zlib; from datetime import date; from pathlib import Path;"
        "from models.site import parse; from models.world.office import live;"
        "site = parse(Path('ansible/sites/example.toml').read_text('utf-8'));"
        f"print(zlib.crc32(repr(live(site, date{TUESDAY.timetuple()[:3]}, 3)).encode()))"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed},
            cwd=ROOT,
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(printed) == 1


@given(day=days)
@settings(max_examples=60, deadline=None)
def test_a_service_calls_in_the_order_of_its_tickets(day: Day) -> None:
    for service in {t.service for t in day.tickets}:
        numbers = [t.number for t in called(day) if t.service == service]
        assert numbers == [t.number for t in day.tickets if t.service == service]
        assert numbers == sorted(set(numbers), key=lambda number: int(number[1:]))


@given(day=days)
@settings(max_examples=60, deadline=None)
def test_a_counter_serves_one_at_a_time(day: Day) -> None:
    for counter in {t.counter for t in called(day)}:
        spans = [taken(t) for t in called(day) if t.counter == counter]
        assert all(first[1] <= second[0] for first, second in pairwise(spans))


@given(day=days)
@settings(max_examples=60, deadline=None)
def test_a_closed_counter_calls_nobody(day: Day) -> None:
    is_open: dict[str, bool | None] = {}
    for event in day.events:
        if isinstance(event.reading, Counter):
            assert is_open.get(event.name, False) != event.reading.open
            is_open[event.name] = event.reading.open
        elif isinstance(event.reading, Ticket) and event.reading.event == "called":
            assert event.reading.counter is not None
            assert is_open[event.reading.counter]
    assert not any(is_open.values())


@given(site=offices(), seed=st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_a_counter_serves_only_its_services_and_whoever_waited_longest(
    site: Site, seed: int
) -> None:
    serves = {c.id: {s.id for s in site.services if c.id in s.counters} for c in site.counters}
    waiting: list[tuple[str, str]] = []
    for event in live(site, TUESDAY, seed).events:
        if not isinstance(event.reading, Ticket):
            continue
        ticket = (event.name, event.reading.number)
        if event.reading.event == "issued":
            waiting.append(ticket)
        elif event.reading.event == "called":
            assert event.reading.counter is not None
            mine = [t for t in waiting if t[0] in serves[event.reading.counter]]
            assert mine[0] == ticket
            waiting.remove(ticket)


@given(site=offices(), seed=st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_nobody_waits_while_a_clerk_who_could_help_is_free(site: Site, seed: int) -> None:
    day = live(site, TUESDAY, seed)
    can = {s.id: set(s.counters) for s in site.services}
    opened, busy, waiting = set[str](), set[str](), Times[str]()
    told = [e for e in day.events if isinstance(e.reading, Ticket | Counter)]
    for event, following in zip(told, [*told[1:], None], strict=True):
        reading = event.reading
        if isinstance(reading, Counter):
            (opened.add if reading.open else opened.discard)(event.name)
        elif isinstance(reading, Ticket):
            waiting[event.name] += {"issued": 1, "called": -1}.get(reading.event, 0)
            if reading.counter is not None:
                (busy.add if reading.event == "called" else busy.discard)(reading.counter)
        if following is None or following.at > event.at:  # all of this millisecond is said
            assert not [s for s, n in waiting.items() if n and can[s] & opened - busy]


@given(day=days)
@settings(max_examples=60, deadline=None)
def test_every_ticket_is_called_once_and_served_or_absent(day: Day) -> None:
    said = Times(
        (e.name, e.reading.number, e.reading.event)
        for e in day.events
        if isinstance(e.reading, Ticket)
    )
    wanted = Times[tuple[str, str, str]]()
    for ticket in day.tickets:
        end = "absent" if ticket.absent else "served"
        wanted.update((ticket.service, ticket.number, event) for event in ("issued", "called", end))
    assert said == wanted


def test_what_midnight_cuts_off_is_not_told() -> None:
    site = one_line(1, minutes=120, start="20:00", end="24:00")
    day = live(site, TUESDAY, 1, Params(arrivals_per_h=4, patience_s=math.inf))
    waiting = [t for t in day.tickets if t.called_at is None]
    assert waiting
    assert len(day.tickets) == len(called(day)) + len(waiting)
    midnight = datetime(2026, 11, 25, tzinfo=site.zone_info)
    assert all(event.at < midnight for event in day.events)
    assert all(t.served_at is None or t.served_at < midnight for t in day.tickets)


def absents(day: Day) -> Iterator[tuple[TicketTruth, datetime]]:
    ends = {
        (e.name, e.reading.number): e.at
        for e in day.events
        if isinstance(e.reading, Ticket) and e.reading.event == "absent"
    }
    return ((t, ends[t.service, t.number]) for t in day.tickets if t.absent)


def test_who_left_unseen_is_called_all_the_same_and_absent_24_s_later() -> None:
    listed = [pair for seed in range(10) for pair in absents(live(EXAMPLE, TUESDAY, seed))]
    assert len(listed) > 50
    for ticket, given_up_at in listed:
        assert ticket.called_at is not None
        assert ticket.left_at is not None
        assert ticket.issued_at <= ticket.left_at < ticket.called_at
        assert given_up_at == ticket.called_at + ABSENT
        assert ticket.served_at is None


def test_no_shows_grow_with_the_wait() -> None:
    tickets = [t for seed in range(20) for t in live(EXAMPLE, TUESDAY, seed).tickets]
    shares = [
        np.mean([t.absent for t in tickets if t.wait_s is not None and low <= t.wait_s < high])
        for low, high in pairwise([0, 600, 1200, 1800, 3600])
    ]
    assert shares == sorted(shares)
    assert shares[0] < 0.03
    assert shares[-1] > 0.15


def test_those_who_wait_at_the_end_of_the_day_are_served_by_those_planned_to_it() -> None:
    for seed in range(20):
        day = live(EXAMPLE, TUESDAY, seed)
        closes = {e.name: e.at for e in day.events if isinstance(e.reading, Counter)}
        assert all(t.called_at is not None for t in day.tickets)
        assert all(t.called_at <= closes[t.counter or ""] for t in called(day) if t.called_at)
        close = datetime(2026, 11, 24, 17, 15, tzinfo=EXAMPLE.zone_info)
        assert max(t.issued_at for t in day.tickets) < close
        assert all(closes[c] >= close for c in ("c1", "c2", "c3", "c4", "c5"))


@pytest.mark.parametrize(
    "day",
    [date(2026, 11, 23), date(2026, 11, 28), date(2027, 1, 2)],
    ids=["holiday", "sat", "new year"],
)
def test_an_office_that_is_shut_is_empty(day: date) -> None:
    shut = live(EXAMPLE, day, 3)
    assert not shut.events
    assert not shut.tickets
    assert {steps.number for steps in (*shut.people.values(), *shut.cars.values())} == {(0,)}


def test_an_event_venue_has_visitors_only_on_its_dates() -> None:
    held, not_held = (live(EXAMPLE, day, 3) for day in (TUESDAY, date(2026, 11, 20)))
    assert "tax-return" in {t.service for t in held.tickets}
    assert {t.service for t in not_held.tickets} == {s.id for s in EXAMPLE.services[:4]}
    assert not [e for e in not_held.events if e.name in {"c6", "next-c6", "tax-return"}]


def test_numbers_begin_anew_with_a_letter_for_each_service() -> None:
    day = live(EXAMPLE, TUESDAY, 3)
    first = {
        s.id: next(t.number for t in day.tickets if t.service == s.id) for s in EXAMPLE.services
    }
    assert list(first.values()) == ["A001", "B001", "C001", "D001", "E001"]


@given(site=offices())
@settings(max_examples=60, deadline=None)
def test_the_work_that_comes_leaves_some_room(site: Site) -> None:
    today = Today(site, TUESDAY, 0, CALM)
    work = sum(float(rates(today, s).sum()) * s.service_minutes for s in today.services)
    staffed = sum(float(today.within(spans).sum()) for spans in today.shifts.values())
    assert 0 < work < staffed


@pytest.mark.parametrize("counters", [1, 3, 9])
def test_at_the_peak_the_counters_are_busy_but_not_drowned(counters: int) -> None:
    today = Today(one_line(counters), TUESDAY, 0, CALM)
    busy = float(rates(today, today.services[0]).max()) * 5 / counters
    assert 0.9 < busy < 1


def test_service_times_have_their_mean_and_some_long_ones() -> None:
    drawn = services_s(np.random.default_rng(1), 300, 200_000, Params())
    assert drawn.mean() == pytest.approx(300, rel=0.01)
    assert drawn.std() / drawn.mean() == pytest.approx(0.67, abs=0.03)
    assert (drawn > 900).mean() > 0.01


def erlang_c_wait(counters: int, load: float, service: float) -> float:
    """Mean wait of M/M/c, `load` in erlangs. Source: Erlang (1917); Gross et al. (2008), 2.3."""
    terms = [load**n / math.factorial(n) for n in range(counters)]
    last = load**counters / math.factorial(counters) * counters / (counters - load)
    return last / (sum(terms) + last) * service / (counters - load)


def test_the_mean_wait_of_an_mmc_queue_is_that_of_erlang_c() -> None:
    site = one_line(3, minutes=0.5, start="00:00", end="24:00")
    mmc = Params(
        profile=((0, 1),),
        arrivals_per_h=3 * 120 * 0.7,
        patience_s=math.inf,
        load_sd=0,
        speed_sd=0,
        service_law="exponential",
        long_share=0,
    )
    waits = [mean_wait_s(live(site, TUESDAY, seed, mmc)) for seed in range(40)]
    assert np.mean(waits) == pytest.approx(erlang_c_wait(3, 2.1, 30), rel=0.04)


@given(counters=st.integers(1, 4), seed=st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_one_more_counter_lengthens_the_wait_of_nobody(counters: int, seed: int) -> None:
    calm = Params(arrivals_per_h=12 * counters, patience_s=math.inf)
    fewer, more = (live(one_line(n), TUESDAY, seed, calm) for n in (counters, counters + 1))
    for before, after in zip(fewer.tickets, more.tickets, strict=True):
        assert before.wait_s is not None
        assert after.wait_s is not None
        assert after.wait_s <= before.wait_s


@pytest.mark.parametrize("counters", [1, 2, 4])
def test_one_more_counter_shortens_the_mean_wait_though_fewer_leave(counters: int) -> None:
    params = Params(arrivals_per_h=12 * counters)
    for seed in range(20):
        fewer, more = (live(one_line(n), TUESDAY, seed, params) for n in (counters, counters + 1))
        assert mean_wait_s(more) < mean_wait_s(fewer)
