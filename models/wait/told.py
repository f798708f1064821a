"""A wait in whole minutes, as people are told it: by the page, the display and the ticket."""

import math
from typing import Literal

import msgspec

from models.contract.results import Spread

_STEPS = (0, 5, 10, 15, 20, 25, 30, 40, 50, 60)
_WIDE_S = 600  # a wait whose p90 is further from its median is told as a range
_LONG_MINUTES = 60
_SHORT_MINUTES = 5


class Told(msgspec.Struct, frozen=True):
    """Within so many minutes, about so many, from so many to so many, or so many and more."""

    how: Literal["within", "about", "range", "over"]
    minutes: tuple[int, ...]


def told(spread: Spread) -> Told:
    """What is told of a wait: a range, rounded outward, when it is wide.

    >>> told(Spread(p10_s=840, p50_s=1140, p90_s=1620)).minutes
    (20,)
    """
    if spread.p90_s - spread.p50_s > _WIDE_S:
        low, high = step_down(spread.p10_s), step_up(spread.p90_s)
        if low >= _LONG_MINUTES:
            return Told("over", (low,))
        if low == 0:
            return Told("within", (high,))
        return Told("range", (low, high))
    if spread.p50_s >= _LONG_MINUTES * 60:
        return Told("over", (step_down(spread.p50_s),))
    minutes = step_near(spread.p50_s)
    if minutes <= _SHORT_MINUTES:
        return Told("within", (_SHORT_MINUTES,))
    return Told("about", (minutes,))


def step_down(seconds: float) -> int:
    """Whole minutes of the step at or below: 0, 5 to 30 by 5, then by 10 and above 60 by 30.

    >>> step_down(29 * 60), step_down(119 * 60)
    (25, 90)
    """
    minutes = max(0.0, seconds) / 60
    if minutes >= _LONG_MINUTES:
        return int(minutes // 30) * 30
    return max(step for step in _STEPS if step <= minutes)


def step_up(seconds: float) -> int:
    """Whole minutes of the step at or above.

    >>> step_up(26 * 60), step_up(61 * 60)
    (30, 90)
    """
    minutes = max(0.0, seconds) / 60
    if minutes > _LONG_MINUTES:
        return math.ceil(minutes / 30) * 30
    return min(step for step in _STEPS if step >= minutes)


def step_near(seconds: float) -> int:
    """Whole minutes of the nearest step, the longer one in the middle."""
    down, up = step_down(seconds), step_up(seconds)
    return down if seconds / 60 - down < up - seconds / 60 else up
