"""How long people will wait: learnt from waits that came, by the half hour in which they began."""

from datetime import datetime, timedelta
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.contract.observations import Queue, Ticket
from models.contract.results import ServiceForecast, Spread
from models.forecast.usual import Then
from models.forecast.waited import Waited
from models.site import parse
from models.state.office import Office
from tests.models.offices import SITE, TEN, Hand

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
DAY_S, OPENS_S = 86_400.0, 30_600.0
MORNING = Then(0, 0, 19.0)


def workdays(count: int) -> list[datetime]:
    """Ten o'clock, from Monday, 30 November 2026 on."""
    return [TEN + (6 + n + 2 * (n // 5)) * DAY for n in range(count)]


def called(hand: Hand, day: datetime, wait_min: float, service: str = "tax") -> None:
    """Tickets every ten minutes from nine to eleven, each called after so long."""
    moments = []
    for n in range(12):
        issued, number = day + (10 * n - 60) * MINUTE, f"A{n:03d}"
        moments += [(issued, number, "issued"), (issued + wait_min * MINUTE, number, "called")]
    for at, number, event in sorted(moments):
        hand.see(service, Ticket(number=number, event=cast("Any", event)), at)


def wait_at(hand: Hand, now: datetime, then: datetime, service: str = "tax") -> Spread | None:
    forecast = hand.office.forecasts(now)[f"forecast/service/{service}"]
    assert isinstance(forecast, ServiceForecast)
    return next(step.wait for step in forecast.steps if step.at == then)


def learnt(days: list[float]) -> Waited:
    """Days on which everybody waits so many minutes, half of them from 8:30, half from noon."""
    waited = Waited()
    for n, minutes in enumerate(days):
        waited.begin_day((n + 1) * DAY_S, n % 5)
        for ticket in range(40):
            since_s = waited.day_s + OPENS_S + 60.0 * ticket + (ticket % 2) * 12_600.0
            waited.note(60.0 * minutes, since_s)
    waited.begin_day((len(days) + 1) * DAY_S, len(days) % 5)
    return waited


def test_tomorrow_is_told_by_the_waits_that_came() -> None:
    hand, days = Hand(), workdays(5)
    for day in days[:4]:
        called(hand, day, 25)
    told = wait_at(hand, days[4] - 4 * timedelta(hours=1), days[4])
    assert told is not None
    assert abs(told.p50_s - 1500) < 60
    assert told.p10_s < told.p50_s < told.p90_s


def test_a_wait_counts_for_the_half_hour_in_which_it_began() -> None:
    waited = Waited()
    for n in range(4):
        waited.begin_day((n + 1) * DAY_S, n)
        for ticket in range(10):
            waited.note(5400.0, waited.day_s + 9 * 3600.0 + ticket)
            waited.note(300.0, waited.day_s + 14 * 3600.0 + ticket)
    waited.begin_day(5 * DAY_S, 4)
    early, late = (waited.ahead(Then(0, 4, slot), None) for slot in (18.5, 28.5))
    assert early is not None
    assert late is not None
    assert early[1] == pytest.approx(5400.0)
    assert late[1] == pytest.approx(300.0)
    assert waited.ahead(Then(0, 4, 45.0), None) is None


def test_where_no_wait_ever_came_true_none_is_told() -> None:
    hand, days = Hand(), workdays(4)
    for day in days[:3]:
        for minute in range(0, 120, 5):
            hand.see("tax", Queue(waiting=9, called=None), day + minute * MINUTE)
    assert wait_at(hand, days[3] - timedelta(hours=4), days[3]) is None


def test_a_display_teaches_the_waits_that_came_true() -> None:
    hand, days = Hand(), workdays(5)
    for day in days[:4]:
        for n in range(40):  # one is called every three minutes, ten wait
            shown = Queue(waiting=10, called=str(100 + n), open=2)
            hand.see("tax", shown, day + (3 * n - 60) * MINUTE)
    told = wait_at(hand, days[4] - timedelta(hours=4), days[4])
    assert told is not None
    assert abs(told.p50_s - 1800) < 180


def test_who_comes_when_no_counter_is_planned_any_more_is_told_nothing() -> None:
    site = parse("""
[site]
id = "minami"
name = { en = "Minami" }
hours = [{ days = "mon-fri", open = "08:30", close = "17:15" }]
holidays = "none"
[[services]]
id = "tax"
name = { en = "Tax" }
counters = ["c1"]
[[counters]]
id = "c1"
open = [{ days = "mon-thu", from = "08:30", to = "17:15" }]
""")
    hand, days = Hand(site=site), workdays(4)
    for day in days[:3]:
        called(hand, day, 25)
    now = days[2] + timedelta(hours=10)
    assert wait_at(hand, now, days[3]) is not None
    assert wait_at(hand, now, days[3] + DAY) is None


def test_a_long_line_now_lasts_and_passes() -> None:
    waited = learnt([20.0] * 6)
    now = (19.0, 3600.0)
    soon, later = (waited.ahead(Then(0, 1, slot), now) for slot in (19.5, 24.5))
    tomorrow = waited.ahead(Then(1, 2, 19.5), now)
    assert soon is not None
    assert later is not None
    assert tomorrow is not None
    assert soon[1] > later[1] > tomorrow[1] == pytest.approx(1200.0)
    assert soon[1] < 3600.0


def test_one_mad_day_does_not_rule_the_next() -> None:
    usual = learnt([20.0] * 8).ahead(MORNING, None)
    mad = learnt([20.0] * 7 + [200.0]).ahead(MORNING, None)
    assert usual is not None
    assert mad is not None
    assert mad[1] < 1.5 * usual[1]
    assert mad[0] <= usual[1] <= mad[2]


def test_the_margins_hold_four_of_five() -> None:
    waited, held, count = Waited(), 0, 0
    for n in range(40):
        waited.begin_day((n + 1) * DAY_S, n % 5)
        for ticket in range(60):
            told = waited.ahead(Then(0, n % 5, 18.0 + ticket // 10), None)
            minutes = 10 + (7 * n + 13 * ticket) % 31
            if told is not None and n >= 10:
                count += 1
                held += told[0] <= 60 * minutes <= told[2]
            waited.note(60.0 * minutes, waited.day_s + OPENS_S + 180.0 * ticket)
    assert 0.7 < held / count < 0.9


def test_a_dump_from_before_can_be_loaded() -> None:
    hand = Hand()
    for day in (TEN, TEN + DAY):
        called(hand, day, 15)
    old = msgspec.msgpack.decode(hand.office.dump())
    for state in old["services"].values():
        del state["waited"]
    office = Office.load(SITE, msgspec.msgpack.encode(old))
    now = TEN + DAY + timedelta(hours=10)
    assert wait_at(Hand(office), now, TEN + 2 * DAY) is None
    assert wait_at(hand, now, TEN + 2 * DAY) is not None


DAYS = st.lists(
    st.lists(st.tuples(st.floats(0, 90_000), st.floats(0, 30_000)), max_size=20),
    min_size=1,
    max_size=8,
)


@given(DAYS, st.floats(0, 50), st.none() | st.tuples(st.floats(0, 50), st.floats(0, 1e5)))
def test_whatever_came_what_is_told_is_in_order_and_not_negative(
    days: list[list[tuple[float, float]]], slot: float, now: tuple[float, float] | None
) -> None:
    waited = Waited()
    for n, came in enumerate(days):
        waited.begin_day((n + 1) * DAY_S, n % 7)
        for since_s, wait_s in came:
            waited.note(wait_s, waited.day_s + since_s)
    for ahead in (0, 1, 7):
        told = waited.ahead(Then(ahead, len(days) % 7, slot), now)
        if told is not None:
            assert 0 <= told[0] <= told[1] <= told[2] < 1e6
