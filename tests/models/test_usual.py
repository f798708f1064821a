"""What is usual is learnt, a mad day is not, and what is told ahead holds as often as it says."""

import math
import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.forecast.usual import REST, SLOTS, Now, Then, Usual

LEAST = 0.5


def shape(slot: int) -> float:
    """A day: nothing at night, 60 at noon."""
    return 60.0 * max(0.0, math.sin(math.pi * (slot - 16) / 20)) if 16 <= slot <= 36 else 0.0


def day(
    usual: Usual, kind: int, level: float, noise: float = 0.0, rng: random.Random | None = None
) -> list[bool]:
    """Live one day; whether each value was where it was told an hour before, by day's light."""
    usual.begin_day(kind)
    held: list[bool] = []
    waiting: dict[int, tuple[float, float]] = {}
    for slot in range(SLOTS - 2):
        value = level * shape(slot) + (rng.gauss(0, noise) if rng and shape(slot) else 0.0)
        if slot in waiting:
            low, high = waiting[slot]
            held.append(low <= value <= high)
        usual.note(slot, value, LEAST)
        if usual.at(slot) is not None:
            then = Then(0, kind, slot + 2)
            mean, sd = usual.ahead(Now(value, 0.0), slot, then, LEAST)
            wide = 1.2816 * sd
            if shape(slot + 2):
                waiting[slot + 2] = mean - wide, mean + wide
    return held


def lived(days: int, *, mad: int | None = None, seed: int = 1) -> Usual:
    """So many days, a few per cent apart; one of them ten times as full."""
    usual, rng = Usual(), random.Random(seed)
    for number in range(days):
        level = 10.0 if number == mad else rng.gauss(1.0, 0.05)
        day(usual, number % 7, level)
    usual.begin_day(days % 7)
    return usual


def test_nothing_is_usual_before_a_day_has_passed() -> None:
    usual = Usual()
    assert usual.at(20) is None
    usual.begin_day(0)
    assert usual.at(20) is None


def test_the_shape_of_a_day_is_learnt_and_one_mad_day_is_not() -> None:
    sane, mad = lived(28), lived(28, mad=20)
    for slot in (18, 22, 26, 32):
        for usual in (sane, mad):
            known = usual.at(slot)
            assert known is not None
            assert abs(known[0] - shape(slot)) < 0.1 * 60


def test_days_are_told_apart() -> None:
    usual = Usual()
    for number in range(35):
        day(usual, number % 7, 0.2 if number % 7 > 4 else 1.0)
    usual.begin_day(0)
    at_noon = [usual.at(26, kind) for kind in (2, 5, 6)]
    middles = [known[0] for known in at_noon if known is not None]
    assert middles[0] > 50
    assert max(middles[1:]) < 20


def test_a_kind_of_day_that_never_was_is_wide_not_unknown() -> None:
    usual = lived(10)
    rest, known = usual.at(26, REST), usual.at(26, 1)
    assert rest is not None
    assert known is not None


def test_a_difference_of_today_lasts_for_hours_and_hardly_to_tomorrow() -> None:
    usual, rng = Usual(), random.Random(3)
    for number in range(28):
        day(usual, number % 7, rng.gauss(1.0, 0.2))
    usual.begin_day(0)
    known = usual.at(22)
    assert known is not None
    offs = []
    for then in (Then(0, 0, 23), Then(0, 0, 26), Then(1, 1, 22)):
        usual_then = usual.at(then.slot, then.kind)
        assert usual_then is not None
        offs.append(usual.ahead(Now(known[0] + 20.0, 0.0), 22, then, LEAST)[0] - usual_then[0])
    assert offs[0] > 10
    assert offs[1] > 5
    assert 0 < offs[2] < 10


def test_what_is_told_holds_as_often_as_it_says_also_when_days_become_wilder() -> None:
    usual, rng = Usual(), random.Random(5)
    held: list[bool] = []
    for number in range(70):
        noise = 2.0 if number < 35 else 6.0
        told = day(usual, number % 7, rng.gauss(1.0, 0.1), noise, rng)
        if number >= 20 and not 35 <= number < 45:
            held += told
    assert 0.74 < sum(held) / len(held) < 0.86


@settings(max_examples=30)
@given(
    days=st.lists(
        st.tuples(st.integers(0, REST), st.lists(st.none() | st.floats(0, 1e6), max_size=SLOTS)),
        max_size=12,
    ),
    off=st.floats(-1e6, 1e6),
    slot=st.floats(0, SLOTS - 1),
)
def test_whatever_was_seen_what_is_told_is_a_number_with_a_spread(
    days: list[tuple[int, list[float | None]]], off: float, slot: float
) -> None:
    usual = Usual()
    for kind, values in days:
        usual.begin_day(kind)
        for place, value in enumerate(values):
            usual.note(place, value, LEAST)
    usual.begin_day(0)
    for then in (Then(0, 0, min(slot + 2, SLOTS - 1)), Then(1, 1, slot), Then(14, REST, slot)):
        mean, sd = usual.ahead(Now(off, 1.0), slot, then, LEAST)
        assert math.isfinite(mean)
        assert sd > 0


def test_where_nothing_moves_as_it_should_nothing_is_told_to_move() -> None:
    """A day at rest that no calendar knows, or a sensor that hangs."""
    usual = lived(28)
    for slot in range(21):
        usual.note(slot, shape(min(slot, 18)), LEAST)
    still = Now(shape(18), 0.0)
    assert usual.ahead(still, 20, Then(0, 0, 22), LEAST)[0] == pytest.approx(shape(18), abs=0.5)
    usual.note(19, shape(18) - 3.0, LEAST)
    moved = usual.ahead(still, 20, Then(0, 0, 22), LEAST)[0]
    assert moved > shape(18) + 5


def test_a_change_that_goes_on_is_learnt() -> None:
    """Days whose difference grows steadily, after days on which it just stays."""
    told = []
    for growth in (0.0, 1.0):
        usual, rng = Usual(), random.Random(7)
        for number in range(21):
            usual.begin_day(number % 5)
            pace = rng.gauss(0.0, 1.0)
            for slot in range(40):
                off = 5.0 * pace + growth * pace * max(slot - 16, 0) + rng.gauss(0.0, 0.3)
                usual.note(slot, shape(slot) + off, LEAST)
        told.append(usual.lasting[1].shares()[1])
    assert told[1] > told[0] + 0.1


@pytest.mark.parametrize(("days", "alike"), [(1, True), (1, False), (30, True), (30, False)])
def test_which_days_say_most_is_learnt(days: int, *, alike: bool) -> None:
    """Places whose shape moves by the day or the month, whose weekdays are alike or are not."""
    usual, errors = Usual(), []
    for number in range(56):
        late = (number // days) % 5 + (0 if alike else 3 * (number % 7))
        usual.begin_day(number % 7)
        for slot in range(12, 40):
            value = shape(slot - late)
            usual.note(slot, value, LEAST)
            if number >= 42 and usual.at(slot) is not None:
                told = usual.ahead(Now(value, 0.0), slot, Then(0, number % 7, slot + 1), LEAST)[0]
                errors.append(abs(told - shape(slot + 1 - late)))
    assert sum(errors) / len(errors) < 1.5


def test_nights_on_which_nothing_moves_do_not_make_the_day_look_sure() -> None:
    told = []
    for asked in ([True] * SLOTS, [16 <= slot <= 36 for slot in range(SLOTS)]):
        usual, rng = Usual(), random.Random(9)
        for number in range(28):
            usual.begin_day(number % 7, asked)
            level = rng.gauss(1.0, 0.2)
            for slot in range(SLOTS - 2):
                noise = rng.gauss(0.0, 2.0) if shape(slot) else 0.0
                usual.note(slot, level * shape(slot) + noise, LEAST)
        usual.begin_day(0, asked)
        told.append(usual.ahead(Now(shape(24), 0.0), 24, Then(0, 0, 26), LEAST)[1])
    assert told[0] > 0.85 * told[1]


def test_a_restart_changes_nothing_that_is_told() -> None:
    usual = lived(20)
    for slot in range(24):
        usual.note(slot, 1.2 * shape(slot), LEAST)
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(usual), type=Usual)
    for then in (Then(0, 6, 26), Then(1, 0, 26), Then(5, 4, 30)):
        now = Now(1.2 * shape(23), 1.0)
        assert again.ahead(now, 23, then, LEAST) == usual.ahead(now, 23, then, LEAST)
