"""What is usual on a day of a kind, by several views of how much each past day says of it.

Nobody knows beforehand how fast a place changes, nor how much its weekdays differ. Each view
remembers so many days, and holds that another working day says so much of this one; which of them
is believed is learnt (`lasting.py`).
"""

import math
from typing import NamedTuple

import numpy as np

from models.forecast.average import Floats, average

REST = 7
"""The kind of a day that is shut though its weekday is open; else kinds are weekdays, 0 Monday."""

_REMEMBERED = (8.0, 28.0, 80.0)  # days after which one counts for a third
_ALIKE = (0.5, 0.1, 0.02)  # what one working day says of another
_REST = 0.25  # of that: what one day at rest says of another
_OTHER = 0.01  # what a day at rest says of a working day
_WORKING = 5
VIEWS = len(_REMEMBERED) * len(_ALIKE)


class Expected(NamedTuple):
    """By view and slot, (9, 50) float64: mean, deviation, and that of the change from before.

    Not a number where nothing is known, in all views alike.
    """

    mean: Floats
    sd: Floats
    stir: Floats


def expected(values: Floats, kinds: list[int], kind: int) -> Expected:
    """What is to be expected of a day.

    Args:
        values: (n, 50) of n days, the newest last; not a number where nobody knew.
        kinds: of these days.
        kind: of the day.
    """
    changes = np.diff(values, axis=1, prepend=np.nan)
    weights = _weights(np.array(kinds), kind)
    means, sds = zip(*(average(values, weight) for weight in weights), strict=True)
    stirs = [average(changes, weight)[1] for weight in weights]
    return Expected(np.array(means), np.array(sds), np.array(stirs))


def between(values: Floats, slot: float) -> Floats | None:
    """Values by view at a slot with a fraction, (9,); at the edge of what is known the nearer."""
    low = min(int(slot), values.shape[1] - 2)
    share = min(slot - low, 1.0)
    first, last = values[:, low], values[:, low + 1]
    if share == 1.0 or (share and math.isnan(first[0])):
        found = last
    elif not share or math.isnan(last[0]):
        found = first
    else:
        found = (1.0 - share) * first + share * last
    return None if math.isnan(found[0]) else found


def _weights(kinds: Floats, kind: int) -> list[Floats]:
    """What each of these days says of a day of a kind, the newest last, by view; the sum is 1."""
    is_like, ages = (kinds < _WORKING) == (kind < _WORKING), np.arange(len(kinds))[::-1]
    weights = []
    for remembered in _REMEMBERED:
        for alike in _ALIKE:
            like = alike if kind < _WORKING else _REST * alike
            same = np.where(kinds == kind, 1.0, np.where(is_like, like, _OTHER))
            weight = same * 3.0 ** (-ages / remembered)
            weights.append(weight / weight.sum())
    return weights
