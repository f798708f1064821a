"""How many people wait for a service, in hours and days to come."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from models.forecast.daily import SLOTS, Daily, Expected
from models.forecast.usual import SLOT_S, Then

_NEAR = 2  # slots ahead, for which the nearer margins are learnt
_Z80 = 1.2816
_STEP = 0.02
_NARROWEST, _WIDEST = 0.4, 3.0
_SELDOM = 0.1  # ln(1 + people): where hardly anybody ever waits there is nothing to learn


class Lasting(NamedTuple):
    """What is left of a difference from the expected half an hour later, and how sure that is.

    `never_sure` is the share of the usual variance that is left however near.
    """

    left: float
    never_sure: float


_LASTING = Lasting(left=0.75, never_sure=0.1)


class Margins(msgspec.Struct):
    """How many usual deviations lie between the median and 10 and 90 %, in units of the normal.

    Source: adaptive conformal inference, Gibbs & Candes (2021), arXiv:2106.00170, as two
    quantiles that are tracked by the sign of their error.
    """

    lower: float = 1.0
    upper: float = 1.0

    def around(self, mean: float, sd: float) -> tuple[float, float, float]:
        """At 10, 50 and 90 %."""
        return mean - _Z80 * self.lower * sd, mean, mean + _Z80 * self.upper * sd

    def learn(self, mean: float, sd: float, came: float, weight: float = 1.0) -> None:
        """Something has come for which mean and deviation had been found; the weight of it."""
        low, _, high = self.around(mean, sd)
        self.lower = _step(self.lower, weight * ((came < max(low, 0.0)) - 0.1))
        self.upper = _step(self.upper, weight * ((came > high) - 0.1))


class Busy(msgspec.Struct):
    """The mean of each half hour of today as it is seen, and what is usual.

    `slot` is the half hour since midnight that is seen now, `count` how often, `mean` what it was.
    """

    daily: Daily = msgspec.field(default_factory=Daily)
    near: Margins = msgspec.field(default_factory=Margins)
    far: Margins = msgspec.field(default_factory=Margins)
    day_s: float = 0.0
    slot: int = 0
    count: int = 0
    mean: float = 0.0

    def begin_day(self, day_s: float, kind: int) -> None:
        """Midnight has passed."""
        self.day_s, self.slot, self.count = day_s, 0, 0
        self.daily.begin_day(kind)

    def see(self, waiting: int, at_s: float) -> None:
        """So many wait."""
        slot = math.floor((at_s - self.day_s) / SLOT_S)
        if slot < self.slot or not self.day_s:
            return  # late: its half hour is over
        if slot > self.slot:
            self._close()
            self.slot, self.count = slot, 0
        self.count += 1
        self.mean += (waiting - self.mean) / self.count
        self.daily.note(slot, self.mean)

    def ahead(self, now_s: float, then: Then) -> tuple[float, float, float] | None:
        """People who wait in the hour around then, at 10, 50 and 90 %; None while unknown."""
        expected = self.daily.expected(then.kind, then.days)
        found = None if expected is None else at_slot(expected, then.slot - 0.5)
        if expected is None or found is None:
            return None
        slot = (now_s - self.day_s) / SLOT_S
        margins = self.far
        if then.days == 0 and self.count and slot - self.slot <= 1:
            slots, now = max(then.slot - slot, 0.0), math.log1p(self.mean)
            found = after(expected, found, (self.slot, now), slots, _LASTING)
            margins = self.near
        low, middle, high = (max(math.expm1(x), 0.0) for x in margins.around(*found))
        return low, middle, high

    def today(self) -> Iterator[tuple[float | None, float | None]]:
        """Of each half hour since midnight the people who usually wait, and those who did."""
        expected = self.daily.expected(self.daily.days[-1].kind, 0) if self.daily.days else None
        for slot in range(SLOTS):
            usual = math.nan if expected is None else float(expected.mean[slot])
            yield None if math.isnan(usual) else math.expm1(usual), self.daily.today(slot)

    def _close(self) -> None:
        """A half hour is over: hold it against what would have been told of it."""
        expected = self.daily.expected(self.daily.days[-1].kind, 0) if self.daily.days else None
        found = None if expected is None else at_slot(expected, self.slot)
        if not self.count or expected is None or found is None or found[0] < _SELDOM:
            return
        came = math.log1p(self.mean)
        self.far.learn(*found, came)
        before = self.daily.today(self.slot - _NEAR)
        if before is not None:
            slot, was = self.slot - _NEAR, math.log1p(before)
            told = after(expected, found, (slot, was), _NEAR, _LASTING)
            self.near.learn(*told, came)


def at_slot(expected: Expected, slot: float) -> tuple[float, float] | None:
    """Mean and deviation in the half hour that begins at `slot`, which may be a fraction."""
    low = min(max(int(slot), 0), SLOTS - 2)
    sides = [(1.0 - abs(slot - side), side) for side in (low, low + 1)]
    sides = [(share, s) for share, s in sides if share > 0 and not math.isnan(expected.mean[s])]
    total = sum(share for share, _ in sides)
    if not total:
        return None
    mean = sum(share * float(expected.mean[side]) for share, side in sides) / total
    return mean, sum(share * float(expected.sd[side]) for share, side in sides) / total


def after(
    expected: Expected,
    found: tuple[float, float],
    seen: tuple[float, float],
    slots: float,
    lasting: Lasting,
) -> tuple[float, float]:
    """What follows from what was seen today, so many slots later.

    Args:
        expected: of the day.
        found: mean and deviation that are expected then.
        seen: a slot, and what came in it, in the unit of what is expected.
        slots: how much later.
        lasting: what is left of the difference.
    """
    usual = at_slot(expected, seen[0])
    if usual is None:
        return found
    left = lasting.left**slots
    sd = found[1] * math.sqrt(max(1.0 - left**2, lasting.never_sure))
    return found[0] + left * (seen[1] - usual[0]), sd


def _step(value: float, error: float) -> float:
    return min(max(value + _STEP * error, _NARROWEST), _WIDEST)
