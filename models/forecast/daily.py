"""How busy it is by half hours of the day: what is usual, and whether these days are like that.

Counts are taken as ln(1 + people): a queue is twice as long or half as long, not ten more or ten
less, and one mad day does not rule the mean.
"""

import math
from typing import NamedTuple

import msgspec
import numpy as np

from models.forecast.daytype import marks_of, weekday_of
from models.wait.durations import Floats

SLOTS = 50  # half hours of a day of 25 hours

_DAYS = 28  # are kept
_OLDER = 0.97  # what a day counts for, of the one after it
_OTHERS = 5.0  # days that all other working days count for beside one of the same weekday
_UNLIKE = 0.03  # what a day of rest says of a working day
_REACH = 3.0  # slots to either side that are alike
_FAR = 1.5  # of the logarithm: values further from what is usual are pulled in
_LASTS, _NONE = 0.5, 0.5  # of a busier or quieter day, what is left the next day; days of no such
_LEAST, _MOST = 0.7, 1.3  # times the logarithm, of a busier or quieter day
_FIRST_VARIANCE, _FIRST_DAYS = 1.0, 1.0
_SCALE = 100.0
_WORKING = 5


class Day(msgspec.Struct):
    """One day's hundredths of ln(1 + people) by slot; None where nobody knew.

    `kind` is its weekday, 0 Monday, or 7 where that is shut, and its marks (`daytype.py`).
    """

    kind: int
    values: list[int | None]


class Expected(NamedTuple):
    """ln(1 + people) by slot, (50,) float64: mean and standard deviation; nan where unknown."""

    mean: Floats
    sd: Floats


class Daily(msgspec.Struct, dict=True):
    """The last days, today the last of them."""

    days: list[Day] = []

    def begin_day(self, kind: int) -> None:
        """A day of this kind begins."""
        known = [day for day in self.days if any(value is not None for value in day.values)]
        self.days = [*known[-_DAYS:], Day(kind, [None] * SLOTS)]
        self.__dict__.clear()

    def note(self, slot: int, people: float) -> None:
        """So many were there in the mean of a slot of today."""
        if self.days and 0 <= slot < SLOTS:
            self.days[-1].values[slot] = round(_SCALE * math.log1p(people))

    def today(self, slot: int) -> float | None:
        """How many there were in a slot of today; None if nobody knows."""
        value = self.days[-1].values[slot] if self.days and 0 <= slot < SLOTS else None
        return None if value is None else math.expm1(value / _SCALE)

    def expected(self, kind: int, ahead: int) -> Expected | None:
        """What is to be expected of a day.

        Args:
            kind: of that day.
            ahead: in how many days; of today it says what could be said before it began.

        Returns:
            None while no day is known but today.
        """
        if len(self.days) < 2:  # noqa: PLR2004  today, and one to go by
            return None
        lasting, count = self._lasting()
        if ahead:
            busier, known = self._busier(self.days[-1])
            lasting, count = lasting * _LASTS + known * busier, count * _LASTS + known
            lasting *= _LASTS ** (ahead - 1)
        factor = 1.0 + lasting / (count + _NONE)
        mean, sd = self._usual(kind)
        return Expected(mean * min(max(factor, _LEAST), _MOST), sd)

    def _usual(self, kind: int) -> Expected:
        """What is usual on a day of this kind, going by all days before today."""
        usual: Expected | None = self.__dict__.get(f"usual {kind}")
        if usual is None:
            days = self.days[:-1]
            seen = np.array([day.values for day in days], float) / _SCALE
            usual = _usual(seen, recent(alike([day.kind for day in days], kind)))
            self.__dict__[f"usual {kind}"] = usual
        return usual

    def _lasting(self) -> tuple[float, float]:
        """By how much the days before today were busier, the later the more, and their weight."""
        found: tuple[float, float] | None = self.__dict__.get("lasting")
        if found is None:
            lasting, count = 0.0, 0.0
            for day in self.days[:-1]:
                busier, known = self._busier(day)
                lasting, count = lasting * _LASTS + known * busier, count * _LASTS + known
            found = self.__dict__["lasting"] = (lasting, count)
        return found

    def _busier(self, day: Day) -> tuple[float, float]:
        """By which share of the usual logarithm a day is busier, and how much of it is known.

        The busier a slot usually is, the more it counts.
        """
        values = np.array(day.values, float) / _SCALE
        mean = np.nan_to_num(self._usual(day.kind).mean)
        square, known = mean @ mean, ~np.isnan(values)
        part = mean[known] @ mean[known]
        if not part:
            return 0.0, 0.0
        ratio = float(values[known] @ mean[known] / part)
        return min(max(ratio, _LEAST), _MOST) - 1.0, float(part / square)


def _usual(seen: Floats, weights: Floats) -> Expected:
    """Weighted mean and deviation by slot of (n, 50) values of n days, neighbours included."""
    known = ~np.isnan(seen)
    weight = spread(weights @ known)
    with np.errstate(invalid="ignore", divide="ignore"):
        values = np.where(known, seen, 0.0)
        first = spread(weights @ values) / weight
        near = np.where(known, np.clip(values, first - _FAR, first + _FAR), 0.0)
        mean = spread(weights @ near) / weight
        square = spread(weights @ (np.where(known, near - mean, 0.0) ** 2))
    first = _FIRST_VARIANCE * np.minimum(mean, 1.0)  # where nobody ever waits nobody will
    sd = np.sqrt((square + _FIRST_DAYS * first) / (weight + _FIRST_DAYS))
    return Expected(mean, sd)


def alike(kinds: list[int], kind: int, others_count: float = _OTHERS) -> list[float]:
    """What days of these kinds say of one of that kind: its own weekday needs weeks to be known.

    Beside one day of its own all others count for `others_count`, beside five for a fifth of it.
    """
    own = [
        weekday_of(one) == weekday_of(kind) or 0 < marks_of(one) == marks_of(kind) for one in kinds
    ]
    others = [max(weekday_of(one), weekday_of(kind)) < _WORKING for one in kinds]
    count = sum(other and not same for same, other in zip(own, others, strict=True))
    share = min(others_count / max(sum(own), 1) / max(count, 1), 1.0)
    return [
        1.0 if same else share if other else _UNLIKE
        for same, other in zip(own, others, strict=True)
    ]


def recent(weights: list[float]) -> Floats:
    """The same for days of which the last is the newest: an older one counts for less."""
    faded: Floats = np.array(weights) * _OLDER ** np.arange(len(weights))[::-1]
    return faded


_NEIGHBOURS = np.maximum(1.0 - np.abs(np.subtract.outer(range(SLOTS), range(SLOTS))) / _REACH, 0.0)


def spread(values: Floats) -> Floats:
    """Each slot with its neighbours, (50,)."""
    result: Floats = values @ _NEIGHBOURS
    return result
