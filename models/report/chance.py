"""How much of a difference chance can make: the days are drawn again, many times.

Source: the bootstrap, Efron (1979), doi:10.1214/aos/1176344552. Days are drawn whole, because what
happens within one hangs together.
"""

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Verdict = Literal["less", "more", "same", "unsure"]
"""Of now beside before: `same` if chance alone can do it, `unsure` with too few days to tell."""

RUNS = 1000
FEWEST_DAYS = 5
_SEED = 20261124
_OUTSIDE = 0.025
_normal = NormalDist()


class Range(msgspec.Struct, frozen=True):
    """From 2.5 to 97.5 % of what the days, drawn again, say."""

    low: float
    high: float


class Versus(msgspec.Struct, frozen=True, kw_only=True):
    """A figure of this month beside that of another."""

    before: float
    days: int  # that `before` rests on
    change: Range | None  # of now - before
    verdict: Verdict


def redrawn(
    days: Sequence[Floats], statistic: Callable[[Floats], float], seed: int = _SEED
) -> Floats:
    """(RUNS,) what a statistic of all days together is when so many days are drawn again.

    Args:
        days: of each day its values, (n,) or (n, columns); all days have the same columns.
        statistic: of the values of the drawn days, one below the other.
        seed: of the draws; two months that are compared are drawn apart.
    """
    rng = np.random.default_rng(seed)
    picked = rng.integers(0, len(days), (RUNS, len(days)))
    return np.array([statistic(np.concatenate([days[i] for i in row])) for row in picked.tolist()])


def around(runs: Floats, days: int | None = None) -> Range:
    """The middle 95 % of them; of few days more, as they say too little of how days differ.

    Source: the expanded percentile interval, Hesterberg (2015), doi:10.1080/00031305.2015.1089789.

    Args:
        runs: what the draws say.
        days: how many there are; None is enough of them.
    """
    outside = _OUTSIDE
    if days is not None:
        outside = _normal.cdf(-math.sqrt(days / (days - 1)) * _student(days - 1))
    low, high = np.quantile(runs, (outside, 1 - outside)).tolist()
    return Range(low, high)


def _student(freedom: int) -> float:
    """How many deviations hold 95 % where the deviation itself is guessed from few.

    Source: Abramowitz & Stegun (1964), 26.7.5.
    """
    z = -_normal.inv_cdf(_OUTSIDE)
    first, second = (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96
    return z + first / freedom + second / freedom**2


def versus(
    now: Sequence[Floats], before: Sequence[Floats], statistic: Callable[[Floats], float]
) -> Versus | None:
    """This month's days beside another's; None if that one has none."""
    if not before or not now:
        return None
    was = statistic(np.concatenate(before))
    if min(len(now), len(before)) < FEWEST_DAYS:
        return Versus(before=was, days=len(before), change=None, verdict="unsure")
    runs = redrawn(now, statistic) - redrawn(before, statistic, _SEED + 1)
    change = around(runs, min(len(now), len(before)))
    return Versus(before=was, days=len(before), change=change, verdict=verdict(change))


def verdict(change: Range) -> Verdict:
    """What may be said of a change."""
    if change.high < 0:
        return "less"
    return "more" if change.low > 0 else "same"
