"""Waits from a polled display: what its own waits teach, and what must not."""

import math
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.contract.observations import Queue
from models.contract.results import Spread
from models.site import CounterTable, Hours, Office, Service, Site
from models.state.displays import Display
from models.state.office import Office as Hub
from models.wait.calling import Calling
from models.wait.conformal import Conformal
from models.wait.correction import Correction
from models.world.office import live
from tests.models.offices import SITE, Hand, after

MINUTE_S, DAY_S = 60.0, 86_400.0
NINE_S = 9 * 3600.0
FIRST_S = 420.0


def told(display: Display, calls: int, day: int = 0) -> Spread:
    spread = display.told(calls, day * DAY_S, FIRST_S)
    assert spread is not None
    return spread


def morning(display: Display, day: int, call_s: float, line: int = 6) -> None:
    """Four hours in which somebody is called every so often and the line stays as long."""
    display.begin_day()
    for minute in range(0, 240, 2):
        at_s = day * DAY_S + NINE_S + minute * MINUTE_S
        number = int(minute * MINUTE_S / call_s)
        display.show(
            Queue(waiting=line, called=f"A{number:03}", open=2), at_s, day * DAY_S, FIRST_S
        )


@st.composite
def displays(draw: st.DrawFn) -> Display:
    """Displays that have learnt anything at all."""
    anything = st.floats(-5, 5)
    margin = st.floats(-math.log(4), math.log(4))
    seconds = draw(st.one_of(st.just(0.0), st.floats(1, 1e5)))
    today_s = draw(st.floats(0, min(seconds, 1e4)))
    return Display(
        seen_s=NINE_S,
        open=draw(st.integers(0, 20)),
        calling=Calling(
            seconds=[seconds] * 50,
            calls=[draw(st.floats(0, 1000)) if seconds else 0.0] * 50,
            open_s=50 * seconds * draw(st.floats(1, 10)),
            today=(today_s, draw(st.floats(0, 100)) if today_s else 0.0, NINE_S),
        ),
        correction=Correction([1.0, 1.0, 1.0], slopes=[draw(anything) for _ in range(3)]),
        conformal=Conformal(draw(margin), draw(margin)),
    )


@given(displays(), st.integers(0, 300))
def test_one_more_person_ahead_never_shortens_the_wait(display: Display, calls: int) -> None:
    shorter, longer = told(display, calls), told(display, calls + 1)
    assert 0 <= shorter.p10_s <= shorter.p50_s <= shorter.p90_s
    assert shorter.p10_s <= longer.p10_s + 1e-6
    assert shorter.p50_s <= longer.p50_s
    assert shorter.p90_s <= longer.p90_s + 1e-6


@given(displays(), st.integers(1, 300))
def test_opening_a_counter_never_lengthens_the_wait(display: Display, calls: int) -> None:
    before = told(display, calls)
    display.open = (display.open or 0) + 1
    assert told(display, calls).p50_s <= before.p50_s + 1e-6
    assert told(display, calls).p90_s <= before.p90_s + 1e-6


@pytest.mark.parametrize("call_s", [60.0, 150.0, 900.0], ids=["quick", "usual", "slow"])
def test_after_three_mornings_the_wait_is_that_of_this_queue(call_s: float) -> None:
    display = Display()
    for day in range(3):
        morning(display, day, call_s)
    spread = told(display, 6, 2)
    assert spread.p10_s < 6 * call_s < spread.p90_s
    assert abs(spread.p50_s / (6 * call_s) - 1) < 0.25


def test_a_number_that_stands_for_a_day_hardly_lengthens_tomorrows_waits() -> None:
    display = Display()
    for day in range(5):
        morning(display, day, 150.0)
    usual = told(display, 6, 4).p50_s
    morning(display, 5, math.inf)
    morning(display, 6, 150.0)
    assert told(display, 6, 6).p50_s < 1.5 * usual


def test_one_day_at_a_tenth_of_the_pace_is_not_believed_the_next_morning() -> None:
    display = Display()
    for day in range(5):
        morning(display, day, 150.0)
    usual = told(display, 6, 4).p50_s
    morning(display, 5, 1500.0)
    display.begin_day()
    spread = display.told(6, 6 * DAY_S, FIRST_S)
    assert spread is not None
    assert spread.p50_s < 2 * usual
    assert spread.p10_s < 900 < spread.p90_s


def test_numbers_that_begin_anew_teach_nothing_of_those_who_waited_before() -> None:
    display = Display()
    display.show(Queue(waiting=3, called="A950", open=1), NINE_S, 0.0, FIRST_S)
    display.show(Queue(waiting=3, called="A002", open=1), NINE_S + 60, 0.0, FIRST_S)
    assert [look.number for look in display.looks] == [5]
    assert not display.correction.sums
    assert not sum(display.calling.calls)


def test_a_display_without_numbers_is_told_less_surely_than_one_whose_waits_came_true() -> None:
    numbers, none = Display(), Display()
    for day in range(3):
        morning(numbers, day, 150.0)
        none.begin_day()
        none.show(Queue(waiting=6, open=2), day * DAY_S + NINE_S, day * DAY_S, FIRST_S)
    sure, unsure = told(numbers, 6, 2), told(none, 6, 2)
    assert unsure.p90_s / unsure.p50_s > 1.2 * sure.p90_s / sure.p50_s
    assert unsure.p50_s / unsure.p10_s > 1.2 * sure.p50_s / sure.p10_s


def test_what_a_display_taught_outlives_a_restart() -> None:
    hand = Hand()
    for n in range(200):
        hand.see("tax", Queue(waiting=5, called=f"A{n:03}", open=1), after(60 * n))
    loaded = Hub.load(SITE, hand.office.dump())
    now = after(60 * 199)
    assert loaded.wait("tax", now) == hand.office.wait("tax", now) is not None


def test_a_day_of_looks_that_never_come_true_takes_some_kilobytes() -> None:
    hand = Hand()
    empty = len(hand.office.dump())
    for n in range(1400):
        hand.see("tax", Queue(waiting=150 + n // 2, called=f"A{n // 9}", open=1), after(60 * n))
    assert len(hand.office.dump()) - empty < 40_000


def shop(counters: int, minutes: float) -> Site:
    ids = tuple(f"c{i}" for i in range(counters))
    return Site(
        site=Office(
            id="w", name={"en": "W"}, hours=(Hours(days="mon-fri", open="08:30", close="17:15"),)
        ),
        services=(Service(id="tax", name={"en": "Tax"}, counters=ids, service_minutes=minutes),),
        counters=tuple(CounterTable(id=c) for c in ids),
    )


@pytest.mark.parametrize(("counters", "minutes"), [(1, 6), (4, 10)], ids=["one", "four"])
def test_waits_of_a_world_are_told_as_by_a_textbook_that_knows_the_service_times(
    counters: int, minutes: float
) -> None:
    guess_s = 2 * minutes * 60
    site, display = shop(counters, minutes), Display()
    ours, textbook, held = [], [], []
    for day in range(8):
        lived = live(site, date(2026, 6, 1) + timedelta(day + 2 * (day // 5)), seed=7 + day)
        looks = [event for event in lived.events if event.kind == "queue"][::5]
        waits = {t.number: t.called_at.timestamp() for t in lived.tickets if t.called_at}
        day_s = looks[0].at.timestamp() - NINE_S
        display.begin_day()
        for look in looks:
            reading, at_s = look.reading, look.at.timestamp()
            assert isinstance(reading, Queue)
            display.show(reading, at_s, day_s, guess_s)
            issued = [t for t in lived.tickets if t.issued_at.timestamp() <= at_s]
            if day < 3 or not reading.waiting or waits.get(issued[-1].number, 0.0) <= at_s:
                continue
            wait_s = waits[issued[-1].number] - at_s
            spread = display.told(reading.waiting, day_s, guess_s)
            assert spread is not None
            ours.append(abs(spread.p50_s - wait_s))
            textbook.append(abs(reading.waiting * minutes * 60 / counters - wait_s))
            held.append(spread.p10_s <= wait_s <= spread.p90_s)
    assert len(ours) > 100
    assert np.mean(ours) < 1.1 * np.mean(textbook)
    assert 0.65 < np.mean(held) < 0.95
