from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.contract.observations import (
    Beat,
    Cars,
    Counter,
    Crossing,
    Gap,
    People,
    PostNotice,
    Press,
    Pulse,
    Queue,
    Reading,
    SetCount,
    SetLevel,
    Skip,
    Ticket,
)
from models.errors import BadPayload
from models.site import parse
from models.state.office import Office
from tests.models.offices import SITE, TEN, Hand, after

NAMES = ("tax", "moving", "lobby", "front", "front-in", "c1", "c2", "busy", "next-c1", "all", "odd")
NUMBERS = st.integers(1, 12).map(lambda n: f"A{n:03}")
COUNTS = st.integers(0, 200)
READINGS: st.SearchStrategy[Reading] = st.one_of(
    st.builds(
        Ticket,
        number=NUMBERS,
        event=st.sampled_from(["issued", "called", "served", "absent", "cancelled"]),
        counter=st.sampled_from([None, "c1", "c2", "c9"]),
    ),
    st.builds(People, count=COUNTS),
    st.builds(Cars, occupied=COUNTS, seen=COUNTS),
    st.builds(Pulse, direction=st.sampled_from(["in", "out"])),
    st.builds(Press, gesture=st.sampled_from(["short", "double", "long"])),
    st.builds(
        Queue, waiting=COUNTS, called=st.none() | NUMBERS, open=st.none() | st.integers(0, 5)
    ),
    st.builds(Counter, open=st.booleans()),
    st.builds(SetLevel, level=st.integers(1, 4)),
    st.builds(SetCount, count=COUNTS, by=st.just("hanako")),
    st.builds(Crossing, direction=st.sampled_from(["in", "out"])),
    st.builds(
        PostNotice,
        by=st.sampled_from(["hanako", "taro"]),
        cancel=st.booleans(),
        severity=st.sampled_from(["info", "emergency"]),
    ),
    st.builds(Gap, since=st.none() | st.just(TEN), why=st.just("dead")),
    st.builds(Skip, upto=st.just(1)),
    st.just(Beat()),
)
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        READINGS,
        st.integers(-40 * 3600, 40 * 3600),  # when, from ten o'clock: any order, three days
        st.sampled_from([0, 0, 0, 60, 7200, 90_000]),  # how late it is received
        st.sampled_from(["desk", "gates", "cam"]),
    ),
    max_size=60,
)


def played(office: Office, events: list[Any]) -> Office:
    hand = Hand(office)
    for name, reading, at_s, late_s, device in events:
        at = after(at_s)
        hand.see(name, reading, at, device=device, received_at=at + timedelta(seconds=late_s))
    return office


@given(EVENTS, st.integers(-50 * 3600, 50 * 3600), st.booleans())
def test_whatever_comes_in_whatever_order_results_can_be_told(
    events: list[Any],
    now_s: int,
    assume_alive: bool,  # noqa: FBT001
) -> None:
    office = played(Office(SITE, assume_alive=assume_alive), events)
    results = office.results(after(now_s))  # looks for sanity itself
    told = {"service/tax", "service/moving", "service/hall", "lot/front", "zone/lobby", "calls"}
    assert told <= results.keys()
    for result in results.values():
        assert result.valid_until > after(now_s)
        assert result.at == after(now_s)


@given(EVENTS, EVENTS)
def test_a_restarted_hub_goes_on_as_if_it_had_not_stopped(
    first: list[Any], rest: list[Any]
) -> None:
    going = played(Office(SITE), first)
    restarted = Office.load(SITE, going.dump())
    assert played(restarted, rest).dump() == played(going, rest).dump()
    assert restarted.results(after(7200)) == going.results(after(7200))


@given(EVENTS)
def test_looking_changes_nothing(events: list[Any]) -> None:
    office = played(Office(SITE), events)
    before = office.dump()
    office.results(after(0))
    office.results(after(100_000))
    office.wait("tax", after(0))
    assert office.dump() == before


@settings(max_examples=20)
@given(st.integers(0, 30), st.integers(0, 3600))
def test_one_more_ahead_never_shortens_the_wait(waiting: int, now_s: int) -> None:
    hand = Hand(Office(SITE, assume_alive=True))
    hand.issue("B001", service="moving")
    for n in range(waiting + 1):
        hand.issue(f"A{n}", after(n))
    fewer = hand.office.wait("tax", after(now_s + 60))
    hand.issue("A999", after(now_s + 59))
    more = hand.office.wait("tax", after(now_s + 60))
    assert fewer is not None
    assert more is not None
    assert more.p50_s >= fewer.p50_s
    assert 0 <= fewer.p10_s <= fewer.p50_s <= fewer.p90_s


def test_a_changed_site_file_keeps_what_still_fits() -> None:
    hand = Hand()
    hand.issue("A001")
    hand.see("lobby", People(count=9))
    text = """
        [site]
        id = "minami"
        name = { en = "Minami" }
        hours = [{ days = "mon-fri", open = "08:30", close = "17:15" }]
        holidays = "none"
        [[services]]
        id = "tax"
        name = { en = "Tax" }
        [[services]]
        id = "new"
        name = { en = "New" }
    """
    results = Office.load(parse(text), hand.office.dump()).results(after(1))
    assert results["service/tax"].waiting == 1  # type: ignore[attr-defined]
    assert results["service/new"].state == "no_data"  # type: ignore[attr-defined]
    assert "zone/lobby" not in results


def test_bytes_that_are_no_dump_are_refused() -> None:
    with pytest.raises(BadPayload, match="folded state"):
        Office.load(SITE, b"\x00nonsense")


def test_names_that_the_site_file_does_not_know_are_counted_and_bounded() -> None:
    hand = Hand()
    for n in range(300):
        hand.see(f"z{n % 100}", People(count=1))
    assert sum(hand.office.unknown.values()) == 300
    assert len(hand.office.unknown) <= 65


def test_a_clock_that_runs_ahead_moves_nothing_into_the_future() -> None:
    hand = Hand()
    hand.see("lobby", People(count=3), datetime(2099, 1, 1, tzinfo=UTC), received_at=TEN)
    hand.see("lobby", People(count=7), after(60))
    assert hand.office.results(after(61))["zone/lobby"].people == 7  # type: ignore[attr-defined]
