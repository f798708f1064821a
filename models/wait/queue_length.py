"""Wait read from a polled display: so many calls to come, one every so often."""

import math
from typing import NamedTuple

from models.contract.results import Spread
from models.wait.line import Snapshot, spread_of

_LINE, PACE_S = 5.0, 180.0
_CALL_SD, _LINE_SD = 0.65, 0.3  # of the logarithm: of one call's time, and of all calls' together
_Z90 = 1.2816


class Powers(NamedTuple):
    """How the wait grows with the line and with the seconds between two calls.

    `wait_s` is that in a line of 4.5 with a call every three minutes. Below 1, for each pace says
    only a part: a long line is called faster, as people have left it and counters open for it, and
    what was slow becomes usual again.
    """

    wait_s: float
    line: float
    pace: float
    today: float
    hour: float


POWERS = Powers(wait_s=870.0, line=0.85, pace=0.6, today=0.4, hour=0.4)
"""Fitted to the polled displays of one city, and rounded: `tests/referee/queues.py`."""


def wait(snapshot: Snapshot) -> Spread | None:
    """Seconds until the last of `calls` calls, or None if they never come.

    The time of n calls is about n x call_s, lognormal; what varies from call to call evens out,
    counters that open and close and people who leave do not.

    Source: estimator QL of Ibrahim & Whitt (2009), doi:10.1287/msom.1080.0223.

    >>> wait(Snapshot(calls=0, call_s=60.0)).p90_s
    0.0
    """
    p50_s = snapshot.calls * snapshot.call_s
    if not p50_s:
        return spread_of(0.0, 0.0, 0.0)
    margin = math.exp(_Z90 * math.sqrt(_CALL_SD**2 / snapshot.calls + _LINE_SD**2))
    return spread_of(p50_s / margin, p50_s, p50_s * margin)


def by_line(calls: int) -> float:
    """Logarithm of the length of a line, in units of one of four and a half."""
    return math.log((calls + 0.5) / _LINE)


def formula_s(calls: int, usual_s: float, today: float, hour: float) -> float:
    """Median wait until so many were called, before it is held against what came.

    Args:
        calls: how many.
        usual_s: seconds between two calls while somebody waits.
        today: those of today, in units of the usual ones.
        hour: those of this time of the day, in the same units.

    >>> round(formula_s(5, 180.0, 1.0, 1.0))
    943
    """
    return POWERS.wait_s * math.exp(
        POWERS.line * by_line(calls)
        + POWERS.pace * math.log(usual_s / PACE_S)
        + POWERS.today * math.log(today)
        + POWERS.hour * math.log(hour)
    )
