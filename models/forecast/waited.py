"""How long people will wait for a service, in hours and days to come: learnt from waits that came.

Seconds are taken as they are, and each ticket counts once: what is told is the wait of those who
come, and most of them come when it is full. The mean of logarithms, and that of half hours, would
tell them too short a wait.
"""

import math

import msgspec
import numpy as np

from models.forecast.busy import Lasting, Margins, after, at_slot
from models.forecast.daily import SLOTS, Expected, alike, recent, spread
from models.forecast.usual import SLOT_S, Then
from models.wait.durations import Floats

_DAYS = 28  # are kept
_OTHERS = 40.0  # days that other working days count for: waits differ more by chance than crowds
_LASTING = Lasting(left=0.9, never_sure=0.25)
_NEAR = 2  # slots ahead, for which the nearer margins are learnt
_MAD = 3.0  # times the usual wait, or as many tickets: a day with more counts for so much
_LEAST_S = 300.0  # the usual wait of a day is at least this, when a day is held to be mad
_FIRST_S, _FIRST_SHARE, _FIRST_TICKETS = 300.0, 0.5, 20.0  # deviation while little is known


class Day(msgspec.Struct):
    """One day's waits that came, by the slot in which they began.

    How many, the sum of their seconds, and the sum of the squares of these.
    """

    kind: int
    tickets: list[int]
    waited_s: list[int]
    squared_s2: list[int]


class Waited(msgspec.Struct, dict=True):
    """The last days, today the last of them. A wait is noted where it began."""

    days: list[Day] = []
    near: Margins = msgspec.field(default_factory=Margins)
    far: Margins = msgspec.field(default_factory=Margins)
    day_s: float = 0.0

    def begin_day(self, day_s: float, kind: int) -> None:
        """Midnight has passed."""
        known = [day for day in self.days if any(day.tickets)]
        self.days = [*known[-_DAYS:], Day(kind, *([0] * SLOTS for _ in range(3)))]
        self.day_s = day_s
        self.__dict__.clear()

    def note(self, wait_s: float, since_s: float) -> None:
        """Somebody who came at `since_s` was called after so long."""
        slot = math.floor((since_s - self.day_s) / SLOT_S)
        if not self.days or not 0 <= slot < SLOTS:
            return
        today = self.days[-1]
        today.tickets[slot] += 1
        today.waited_s[slot] += round(wait_s)
        today.squared_s2[slot] += round(wait_s**2)
        expected = self._usual(today.kind)
        found = None if expected is None else at_slot(expected, slot)
        if expected is None or found is None:
            return
        weight = 1.0 / today.tickets[slot]  # those of one half hour are nearly the same news
        self.far.learn(*found, wait_s, weight)
        before = self._mean_s(slot - _NEAR)
        if before is not None:
            told = after(expected, found, (slot - _NEAR, before), _NEAR, _LASTING)
            self.near.learn(*told, wait_s, weight)

    def ahead(
        self, then: Then, now: tuple[float, float] | None
    ) -> tuple[float, float, float] | None:
        """Seconds at 10, 50 and 90 % that who comes then will wait; None while unknown.

        Args:
            then: when they come.
            now: slots since today's midnight, with a fraction, and the seconds that who comes now
                is told to wait; None where nobody is told.
        """
        expected = self._usual(then.kind)
        found = None if expected is None else at_slot(expected, then.slot - 0.5)
        if expected is None or found is None:
            return None
        margins = self.far
        if then.days == 0 and now is not None:
            slot, wait_s = now
            slots = max(then.slot - slot, 0.0)
            found = after(expected, found, (slot - 0.5, wait_s), slots, _LASTING)
            margins = self.near
        low, middle, high = (max(wait_s, 0.0) for wait_s in margins.around(*found))
        return low, middle, high

    def _mean_s(self, slot: int) -> float | None:
        """Of those who came in a slot of today."""
        today = self.days[-1]
        count = today.tickets[slot] if slot >= 0 else 0
        return today.waited_s[slot] / count if count else None

    def _usual(self, kind: int) -> Expected | None:
        """Mean and deviation in seconds by slot of a day, going by all days before today."""
        if len(self.days) < 2:  # noqa: PLR2004  today, and one to go by
            return None
        usual: Expected | None = self.__dict__.get(f"usual {kind}")
        if usual is None:
            days = self.days[:-1]
            weights = recent(alike([day.kind for day in days], kind, _OTHERS))
            usual = self.__dict__[f"usual {kind}"] = _usual(days, weights)
        return usual


def _usual(days: list[Day], weights: Floats) -> Expected:
    """Mean and deviation by slot of these days, neighbours included; a mad day is pulled in."""
    tickets = np.array([day.tickets for day in days], float)
    total_s = np.array([day.waited_s for day in days], float)
    total_s2 = np.array([day.squared_s2 for day in days], float)
    count, wait_s = tickets.sum(axis=1), total_s.sum(axis=1) / tickets.sum(axis=1)
    many, long_s = (float(np.sort(x)[(len(x) - 1) // 2]) for x in (count, wait_s))
    weights = weights * np.minimum(_MAD * many / count, 1.0)
    shorter = np.minimum(_MAD * max(long_s, _LEAST_S) / np.maximum(wait_s, 1.0), 1.0)
    weight = spread(weights @ tickets)
    with np.errstate(invalid="ignore"):
        mean = spread((weights * shorter) @ total_s) / weight
        square = spread((weights * shorter**2) @ total_s2) - weight * mean**2
    first = _FIRST_S**2 + (_FIRST_SHARE * mean) ** 2
    square = np.maximum(square, 0.0) + _FIRST_TICKETS * first
    return Expected(mean, np.sqrt(square / (weight + _FIRST_TICKETS)))
