"""One quantity by local half hours: what is usual on such a day, and how long a difference lasts.

A forecast is what is usual then, and of today's difference from it the share that will remain by
experience: a first-order autoregression around a seasonal mean, e.g. Brockwell & Davis (2016),
Introduction to Time Series and Forecasting, chapters 1.5 and 3. Values far off are pulled in, so
that a mad day or a dead sensor is not learnt. The width is learnt by adaptive conformal inference,
Gibbs & Candes (2021), arXiv:2106.00170.
"""

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

SLOT_S = 1800.0
SLOTS = 50  # of a day of 25 hours

_DAYS = 70  # are kept
_RECENT = 14.0  # days after which one counts for a third
_ALIKE = (1.0, 0.8, 0.01)  # what a day says of one of the same weekday; of a working day; of others
_LASTS, _PRIOR_DAYS, _PRIOR_DAYS_SLOT = 0.8, 2.0, 10.0  # before anything is learnt, and its weight
_SD_OF_MAD = 1.4826
_FAR = 2.5  # standard deviations
_NEXT_DAY = 0.4  # of a difference today is left tomorrow
_NEVER_SURE = 0.1  # share of the usual variance that the next half hour has at least
_TOMORROW = 2  # the place of its width; before it those of one slot ahead and of two and more
_BETWEEN = 1.5  # slots
_Z80, _OUTSIDE, _LEARN = 1.2816, 0.2, 0.03
_NARROWEST, _WIDEST = 0.5, 4.0
_WORKING = 5
REST = 7
"""The kind of a day that is shut though its weekday is open; else kinds are weekdays, 0 Monday."""


class Day(msgspec.Struct):
    """One day's values by slot; None where nobody knew."""

    kind: int
    values: list[float | None]


Expected = tuple[list[float], list[float]]
"""Mean and standard deviation by slot."""


class Level(NamedTuple):
    """How far something is from the usual, and the variance of that."""

    off: float
    variance: float


class Then(NamedTuple):
    """A moment to come: in how many days, of which kind, and the slot since its midnight."""

    days: int
    kind: int
    slot: float


class Usual(msgspec.Struct):
    """What a quantity was on the last days, and what follows for a day of today's kind.

    `kinds` is what is expected of each kind of day; empty until there is a day to learn from.
    `lasts` is the share of a difference in a slot that is left in the next. `told` is what
    was told of a slot of today until it can be scored, and `width` how many standard
    deviations to either side hold 80 %, by how far ahead.
    """

    days: list[Day] = []
    kind: int = 0
    kinds: dict[int, Expected] = {}
    lasts: list[float] = []
    width: list[float] = msgspec.field(default_factory=lambda: [_Z80] * (_TOMORROW + 1))
    told: dict[int, list[tuple[int, float, float]]] = {}

    def begin_day(self, kind: int) -> None:
        """A day of this kind begins."""
        self.days = [day for day in self.days if any(v is not None for v in day.values)][-_DAYS:]
        self.kinds = {k: self._expected(k) for k in range(REST + 1)} if self.days else {}
        self.lasts = self._remains()
        self.kind = kind
        self.days = [*self.days, Day(kind, [None] * SLOTS)]
        self.told = {}

    def note(self, slot: int, value: float | None) -> None:
        """What it is at the beginning of a slot."""
        if self.days and 0 <= slot < SLOTS:
            self.days[-1].values[slot] = value

    def score(self, slot: int, value: float, least_sd: float) -> None:
        """Hold what was told against what came, and widen or narrow what is told from now on.

        Args:
            slot: that has come.
            value: and what came.
            least_sd: of what is usual; where hardly anything ever happens nothing is learnt.
        """
        usual = self.at(slot)
        if usual is None or usual[1] < 2 * least_sd:
            return
        told = self.told.pop(slot, [])
        if len(self.days) > 1 and (before := self.days[-2].values[slot]) is not None:
            then = self.at(slot, self.days[-2].kind)
            if then is not None:
                off = Level(before - then[0], 0.0)
                told.append((_TOMORROW, *self.ahead(off, slot, Then(1, self.kind, slot), least_sd)))
        for reach, mean, sd in told:
            is_outside = abs(value - mean) > self.width[reach] * sd
            width = self.width[reach] + _LEARN * (is_outside - _OUTSIDE)
            self.width[reach] = min(max(width, _NARROWEST), _WIDEST)

    def tell(self, now: Level, slot: int, least_sd: float) -> None:
        """Note what is told now of the next slots, to be scored when they have come."""
        for reach, slots in enumerate((1, 2)):
            if slot + slots < SLOTS:
                told = self.ahead(now, slot, Then(0, self.kind, slot + slots), least_sd)
                self.told.setdefault(slot + slots, []).append((reach, *told))

    def at(self, slot: float, kind: int | None = None) -> tuple[float, float] | None:
        """Mean and standard deviation in a slot of a day; None if nothing is known of it.

        Args:
            slot: since midnight, with a fraction.
            kind: of the day; None is today.
        """
        if not self.kinds:
            return None
        mean, sd = self.kinds[self.kind if kind is None else kind]
        low = min(int(slot), SLOTS - 2)
        share = min(slot - low, 1.0)
        sides = [(1 - share, low), (share, low + 1)]
        sides = [(weight, side) for weight, side in sides if not math.isnan(mean[side])]
        total = sum(weight for weight, _ in sides)
        if not sides or not total:  # at the edge of what is known the nearer will do
            return (mean[sides[0][1]], sd[sides[0][1]]) if sides else None
        m, s = (sum(weight * x[side] for weight, side in sides) / total for x in (mean, sd))
        return m, s

    def _expected(self, kind: int) -> Expected:
        mean, sd = [], []
        known = [(_alike(day.kind, kind), day.values) for day in self.days]
        count = len(known)
        weights = [w * 3.0 ** ((i + 1 - count) / _RECENT) for i, (w, _) in enumerate(known)]
        for slot in range(SLOTS):
            seen = [
                (value, weight)
                for (_, values), weight in zip(known, weights, strict=True)
                if (value := values[slot]) is not None
            ]
            middle, spread = _usual(seen)
            mean.append(middle)
            sd.append(spread)
        return mean, sd

    def _remains(self) -> list[float]:
        """Of a difference in each slot, what is left in the next: by least squares, shrunken."""
        both, own = [0.0] * SLOTS, [0.0] * SLOTS
        for day in self.days:
            off = [
                None if value is None or math.isnan(mean) else value - mean
                for value, mean in zip(day.values, self.kinds[day.kind][0], strict=True)
            ]
            for slot, (one, following) in enumerate(itertools.pairwise(off)):
                if one is not None and following is not None:
                    both[slot] += one * following
                    own[slot] += one * one
        all_own, days = sum(own), max(len(self.days), 1)
        used = sum(value > 0 for value in own) or 1
        prior = _PRIOR_DAYS * all_own / days + 1e-9
        on_average = (sum(both) + _LASTS * prior) / (all_own + prior)
        prior = _PRIOR_DAYS_SLOT * all_own / days / used + 1e-9
        return [
            min(max((b + on_average * prior) / (o + prior), 0.0), 1.3)
            for b, o in zip(both, own, strict=True)
        ]

    def ahead(self, now: Level, slot: float, then: Then, least_sd: float) -> tuple[float, float]:
        """Mean and standard deviation of what comes. Something must be usual already.

        Args:
            now: how far it is from the usual.
            slot: now, since midnight.
            then: when.
            least_sd: of what is usual.
        """
        usual = self.at(then.slot, then.kind) or self.at(slot) or (0.0, least_sd)
        share = self._left(slot, then.slot) if then.days == 0 else _NEXT_DAY**then.days
        own = max(1.0 - share**2, _NEVER_SURE) * max(usual[1], least_sd) ** 2
        return usual[0] + share * now.off, math.sqrt(share**2 * now.variance + own)

    def wide(self, slot: float, then: Then) -> float:
        """How many standard deviations to either side hold 80 %."""
        if then.days:
            return self.width[-1]
        return self.width[0] if then.slot - slot < _BETWEEN else self.width[1]

    def _left(self, slot: float, end: float) -> float:
        """Of a difference now, the share that is left in a later slot of the same day."""
        share, at = 1.0, slot
        while at < end:
            step = min(math.floor(at) + 1.0, end) - at
            share *= (self.lasts[min(int(at), SLOTS - 1)] if self.lasts else _LASTS) ** step
            at += step
        return share


def weighted_median(values: Iterable[tuple[float, float]]) -> float:
    """The value at half of the weight; not a number where there is none.

    >>> weighted_median([(1.0, 1.0), (2.0, 1.0), (9.0, 1.0)])
    2.0
    """
    ordered: Sequence[tuple[float, float]] = sorted(values)
    half = sum(weight for _, weight in ordered) / 2
    for value, weight in ordered:
        half -= weight
        if half <= 0:
            return value
    return math.nan


def _usual(seen: list[tuple[float, float]]) -> tuple[float, float]:
    """Mean and standard deviation of weighted values, those far off pulled in."""
    middle = weighted_median(seen)
    spread = _SD_OF_MAD * weighted_median([(abs(value - middle), weight) for value, weight in seen])
    if math.isnan(middle):
        return middle, spread
    reach = _FAR * max(spread, 1.0)
    near = [(min(max(value, middle - reach), middle + reach), weight) for value, weight in seen]
    total = sum(weight for _, weight in near)
    mean = sum(value * weight for value, weight in near) / total
    return mean, math.sqrt(sum(weight * (value - mean) ** 2 for value, weight in near) / total)


def _alike(one: int, other: int) -> float:
    if one == other:
        return _ALIKE[0]
    return _ALIKE[1] if one < _WORKING and other < _WORKING else _ALIKE[2]
