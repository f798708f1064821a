"""What must hold of every wait that tickets tell, whatever the line looks like."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.contract.results import Spread
from models.wait.conformal import Conformal
from models.wait.durations import first_guess
from models.wait.line import Busy, Desk, Learnt, Line, Person
from models.wait.monte_carlo import wait
from models.wait.noshow import MINUTES, NoShow
from models.wait.retold import retold
from models.wait.speed import Speed

NOW_S = 1_780_000_000.0
OPEN = Desk(services=("tax",))
seconds = st.floats(0, 7200)
shares = st.floats(0, 1)


@st.composite
def desks(draw: st.DrawFn) -> Desk:
    """Idle or serving, with or without a closure to come."""
    busy = None
    if draw(st.booleans()):
        busy = Busy("tax", NOW_S - draw(seconds), draw(seconds), draw(st.none() | shares))
    start_s = NOW_S + draw(st.floats(-600, 7200))
    closure = (start_s, start_s + draw(st.sampled_from([600.0, 3600.0])))
    return Desk(services=("tax",), busy=busy, closures=(closure,) if draw(st.booleans()) else ())


@st.composite
def learnings(draw: st.DrawFn) -> Learnt:
    """A service whose people are short or long served, patient or not."""
    learnt = Learnt(durations=first_guess(draw(st.sampled_from([2.0, 7.0, 20.0]))))
    for minutes in draw(st.lists(st.floats(0, 120), max_size=30)):
        learnt.noshow.learn(minutes * 60.0, absent=minutes > 40.0)
    return learnt


@st.composite
def lines(draw: st.DrawFn) -> Line:
    """Up to forty who wait for up to five desks."""
    issued = sorted(draw(st.lists(seconds, min_size=1, max_size=40)), reverse=True)
    return Line(
        now_s=NOW_S,
        desks=tuple(draw(st.lists(desks(), min_size=1, max_size=5))),
        people=tuple(Person("tax", NOW_S - ago_s, draw(shares)) for ago_s in issued),
        learnt={"tax": draw(learnings())},
        factor=draw(st.floats(0.7, 1.4)),
        factor_sd=draw(st.floats(0, 0.1)),
    )


def seconds_of(line: Line) -> tuple[float, float, float]:
    spread = wait(line)
    assert spread is not None
    return spread.p10_s, spread.p50_s, spread.p90_s


@settings(max_examples=60)
@given(lines())
def test_a_wait_is_in_order_and_not_negative(line: Line) -> None:
    p10_s, p50_s, p90_s = seconds_of(line)
    assert 0 <= p10_s <= p50_s <= p90_s


@settings(max_examples=60)
@given(lines())
def test_one_more_person_ahead_never_shortens_the_wait(line: Line) -> None:
    *others, last = line.people
    more = msgspec.structs.replace(line, people=(*others, msgspec.structs.replace(last), last))
    for shorter_s, longer_s in zip(seconds_of(line), seconds_of(more), strict=True):
        assert shorter_s <= longer_s


@settings(max_examples=60)
@given(lines())
def test_opening_a_counter_never_lengthens_the_wait(line: Line) -> None:
    more = msgspec.structs.replace(line, desks=(*line.desks, OPEN))
    for longer_s, shorter_s in zip(seconds_of(line), seconds_of(more), strict=True):
        assert shorter_s <= longer_s


def test_who_has_surely_left_hardly_lengthens_the_wait() -> None:
    learnt = {"tax": Learnt(durations=first_guess(10))}
    others = tuple(Person("tax", NOW_S - 1200 + i) for i in range(10))
    gone = tuple(msgspec.structs.replace(person, left=1.0) for person in others)
    asks = Person("tax", NOW_S)
    full, empty = (
        seconds_of(Line(now_s=NOW_S, desks=(OPEN,), people=(*ahead, asks), learnt=learnt))
        for ahead in (others, gone)
    )
    assert empty[1] == pytest.approx(10 * learnt["tax"].absent_s)
    assert full[1] > 10 * empty[1]


def ordered(three: list[float]) -> Spread:
    p10_s, p50_s, p90_s = sorted(three)
    return Spread(p10_s=p10_s, p50_s=p50_s, p90_s=p90_s)


spreads = st.lists(seconds, min_size=3, max_size=3).map(ordered)


@given(spreads, st.lists(st.tuples(spreads, seconds), max_size=30))
def test_what_came_never_puts_a_spread_out_of_order(
    raw: Spread, came: list[tuple[Spread, float]]
) -> None:
    conformal = Conformal()
    for told, came_s in came:
        conformal.learn(told, came_s)
    spread = conformal.apply(raw)
    assert 0 <= spread.p10_s <= spread.p50_s <= spread.p90_s
    assert spread.p50_s == raw.p50_s


@given(spreads, spreads, st.floats(0, 600))
def test_a_holder_is_never_told_more_than_five_minutes_less_a_minute(
    before: Spread, now: Spread, since_s: float
) -> None:
    told = retold(before, since_s, now)
    assert told.p10_s <= told.p50_s <= told.p90_s
    for was_s, is_s, found_s in zip(
        msgspec.structs.astuple(before),
        msgspec.structs.astuple(told),
        msgspec.structs.astuple(now),
        strict=True,
    ):
        assert was_s - is_s <= 5.0 * since_s + 1e-6
        assert found_s <= is_s <= max(found_s, was_s)


def test_who_stays_and_who_leaves_is_learnt() -> None:
    noshow = NoShow()
    assert 0.02 < noshow.share(10) < 0.1
    for minute in range(60):
        for n in range(20):
            noshow.learn(minute * 60.0 + 30.0, absent=n < minute // 5)  # 1 % more each minute
    assert [noshow.share(m) for m in (10, 30, 50)] == pytest.approx([0.1, 0.3, 0.5], abs=0.03)
    assert (noshow.table()[1:] >= noshow.table()[:-1]).all()
    assert noshow.table().shape == (MINUTES,)


def test_where_nobody_leaves_nobody_is_taken_to_leave() -> None:
    noshow = NoShow()
    for n in range(2000):
        noshow.learn(n % 60 * 60.0, absent=False)
    assert noshow.share(30) < 0.01


def test_a_slow_day_is_noticed_and_one_long_service_is_not_a_slow_day() -> None:
    usual, slow, mad = Speed(), Speed(), Speed()
    for _ in range(100):
        slow.learn(0.3, 0.6)  # by a fifth longer
    mad.learn(50.0, 0.6)
    assert usual.belief()[0] == 1.0
    assert 1.1 < slow.belief()[0] < 1.2
    assert mad.belief()[0] < 1.05
    assert slow.belief()[1] < usual.belief()[1]


def test_services_that_go_on_for_long_make_the_day_slower() -> None:
    factor, sd = Speed().belief([(2.0, 0.6)] * 3)
    assert factor > 1.05
    assert sd < Speed().belief()[1]
