import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.contract.observations import Gesture
from models.sensing.gestures import Gestures

BOUNCE_S = 0.03
PIN = 5


def button(*, double: bool = True, long: bool = True) -> Gestures:
    return Gestures(
        bounce_s=BOUNCE_S, double_s=0.4 if double else None, long_s=0.8 if long else None
    )


def said(gestures: Gestures, presses: list[tuple[float, float]]) -> list[Gesture]:
    """What comes of presses from and to a time, once all is over."""
    told = gestures.feed(PIN, False, 0.0)
    for down_s, up_s in presses:
        told += gestures.feed(PIN, True, down_s)
        told += gestures.feed(PIN, False, up_s)
    return told + gestures.due(1e6)


@pytest.mark.parametrize(
    ("presses", "told"),
    [
        ([(1.0, 1.1)], ["short"]),
        ([(1.0, 1.01)], []),
        ([(1.0, 1.79)], ["short"]),
        ([(1.0, 1.81)], ["long"]),
        ([(1.0, 9.0)], ["long"]),
        ([(1.0, 1.1), (1.3, 1.4)], ["double"]),
        ([(1.0, 1.1), (1.3, 9.0)], ["double"]),
        ([(1.0, 1.1), (1.51, 1.6)], ["short", "short"]),
        ([(1.0, 1.1), (1.2, 1.3), (1.4, 1.5)], ["double", "short"]),
        ([(1.0, 1.1), (1.2, 1.3), (1.4, 1.5), (1.6, 1.7)], ["double", "double"]),
        ([(1.0, 2.0), (2.1, 2.2)], ["long", "short"]),
    ],
    ids=[
        "a press",
        "a spike",
        "just not long",
        "just long",
        "leaning on it",
        "double",
        "double, the second held",
        "too slow for double",
        "three",
        "four",
        "long, then short",
    ],
)
def test_gestures_by_table(presses: list[tuple[float, float]], told: list[str]) -> None:
    assert said(button(), presses) == told


def test_without_a_meaning_for_double_each_press_counts_at_its_release() -> None:
    gestures = button(double=False)
    gestures.feed(PIN, False, 0.0)
    gestures.feed(PIN, True, 1.0)
    gestures.feed(PIN, False, 1.1)
    assert gestures.due(1.1 + BOUNCE_S) == ["short"]
    assert said(button(double=False), [(1.0, 1.1), (1.2, 1.3)]) == ["short", "short"]


def test_without_a_meaning_for_long_a_slow_press_is_a_press() -> None:
    assert said(button(long=False), [(1.0, 4.0)]) == ["short"]


def test_long_is_told_while_the_button_is_still_held() -> None:
    gestures = button()
    gestures.feed(PIN, False, 0.0)
    gestures.feed(PIN, True, 1.0)
    assert gestures.due(1.79) == []
    assert gestures.due_s == pytest.approx(1.8 + BOUNCE_S)
    assert gestures.due(1.8 + BOUNCE_S) == ["long"]
    assert gestures.feed(PIN, False, 5.0) == []
    assert gestures.due(99.0) == []


def test_a_button_that_is_held_at_the_start_says_nothing_until_it_was_released() -> None:
    gestures = button()
    assert gestures.feed(PIN, True, 0.0) == []
    assert gestures.due(50.0) == []
    assert gestures.feed(PIN, False, 60.0) == []
    assert said(gestures, [(70.0, 70.1)]) == ["short"]


press = st.tuples(st.floats(0.031, 3.0), st.floats(0.031, 3.0))
"""Seconds of rest before a press, and of the press."""


@given(
    presses=st.lists(press, max_size=8),
    spikes=st.lists(st.floats(1e-3, BOUNCE_S * 0.9), min_size=8, max_size=8),
    double=st.booleans(),
    long=st.booleans(),
)
def test_what_is_told_does_not_depend_on_when_it_is_asked(
    presses: list[tuple[float, float]], spikes: list[float], *, double: bool, long: bool
) -> None:
    levels, t_s = [(False, 0.0)], 1.0
    for (rest_s, held_s), spike_s in zip(presses, spikes, strict=False):
        levels += [(True, t_s + rest_s), (False, t_s + rest_s + spike_s)]
        down_s = t_s + rest_s + 2 * spike_s
        t_s = down_s + held_s
        levels += [(True, down_s), (False, t_s)]
    eager, lazy = (button(double=double, long=long) for _ in range(2))
    early: list[Gesture] = []
    late: list[Gesture] = []
    for active, at_s in levels:
        while eager.due_s is not None and eager.due_s <= at_s:
            early += eager.due(eager.due_s)
        early += eager.feed(PIN, active, at_s)
        late += lazy.feed(PIN, active, at_s)
    while eager.due_s is not None:
        early += eager.due(eager.due_s)
    assert early == late + lazy.due(1e6)
    if not double:
        assert len(early) == len(presses)
