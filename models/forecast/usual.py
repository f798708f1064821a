"""One quantity by local half hours: what is usual on such a day, and how long a difference lasts.

What is usual is a weighted mean of past days. For a day to come those of its weekday count; for the
shape of today the last days, all working days nearly alike. Of today's difference and of its latest
change the share is expected that remained so far: a second-order autoregression around a seasonal
mean, e.g. Brockwell & Davis (2016), Introduction to Time Series and Forecasting, chapters 1.5 and
3, learnt for each reach.
"""

import math
from typing import NamedTuple

import msgspec
import numpy as np

from models.forecast.average import Floats, average
from models.forecast.lasting import Lasting

SLOT_S = 1800.0
SLOTS = 50  # of a day of 25 hours

_DAYS = 70  # are kept
_LEVEL_DAYS, _LEVEL = 28.0, 0.1  # after which a day counts for a third; what one working day ...
_SHAPE_DAYS, _SHAPE = 20.0, 0.8  # ... says of another: for a day to come, and for today's shape
_REST, _OTHER = 0.05, 0.01  # what a day at rest says of another, and of a working day
_REACHES = (1, 2, 4, 8, 16)  # slots ahead that are learnt
_TOMORROW = len(_REACHES)
_ALIKE, _ALIKE_NEXT_DAY = 1.0, 6.0  # half hours that are one and the same news
_STILL = 0.05  # share of the least deviation: what changes by less stands still
_QUIET = 0.25  # share of the least deviation: what stirs less says nothing
_Z80 = 1.2816
_WORKING = 5
REST = 7
"""The kind of a day that is shut though its weekday is open; else kinds are weekdays, 0 Monday."""


class Day(msgspec.Struct):
    """One day's values by slot; None where nobody knew."""

    kind: int
    values: list[float | None]


Expected = tuple[list[float], list[float]]
"""Mean and standard deviation by slot; not a number where nothing is known."""


class Level(NamedTuple):
    """How far something is from the usual, and the variance of that which will not pass."""

    off: float
    variance: float


class Then(NamedTuple):
    """A moment to come: in how many days, of which kind, and the slot since its midnight."""

    days: int
    kind: int
    slot: float


def _lasting() -> list[Lasting]:
    return [*(Lasting(_ALIKE) for _ in _REACHES), Lasting(_ALIKE_NEXT_DAY)]


class Usual(msgspec.Struct):
    """What a quantity was on the last days, and what follows for a day of today's kind.

    `kinds` is what is expected of each kind of day, empty until there is a day to learn from;
    `today` is the same of today with the shape of the last days, and `stir` by how much the
    change from the slot before usually differs. `lasting` is by reach. `told` are the differences
    (reach, off, change) from which a slot of today was told; `yesterday` is how far the day before
    was from its usual, by slot, and on average until then.
    """

    days: list[Day] = []
    kind: int = 0
    kinds: dict[int, Expected] = {}
    today: Expected = ([], [])
    stir: list[float] = []
    lasting: list[Lasting] = msgspec.field(default_factory=_lasting)
    told: dict[int, list[tuple[int, float, float]]] = {}
    yesterday: list[tuple[float, float] | None] = []

    def begin_day(self, kind: int) -> None:
        """A day of this kind begins."""
        self.days = [day for day in self.days if any(v is not None for v in day.values)][-_DAYS:]
        self.kind, self.told = kind, {}
        if self.days:
            self.yesterday = self._of_day()
            self._expect()
        self.days = [*self.days, Day(kind, [None] * SLOTS)]

    def note(self, slot: int, value: float | None) -> None:
        """What it is at the beginning of a slot."""
        if self.days and 0 <= slot < SLOTS:
            self.days[-1].values[slot] = value

    def score(self, slot: int, value: float, least_sd: float) -> None:
        """Hold what was told against what came, and learn from it.

        Args:
            slot: that has come.
            value: and what came.
            least_sd: of what is usual; where hardly anything ever happens nothing is learnt.
        """
        usual = self.at(slot) if 0 <= slot < SLOTS else None
        if usual is None or not self.stir[slot] > _QUIET * least_sd:
            return
        weight = min(self.stir[slot] / least_sd, 1.0)  # a quiet night says little of the day
        for reach, off, change in self.told.pop(slot, []):
            unit = self._stirred(slot - _REACHES[reach], slot, least_sd)
            self.lasting[reach].learn(off, change, value - usual[0], unit, weight)
        known, before = self.at(slot, self.kind), self.yesterday[slot] if self.yesterday else None
        if known is not None and before is not None:
            unit = max(known[1], least_sd)
            self.lasting[_TOMORROW].learn(*before, value - known[0], unit, 1.0)

    def tell(self, now: Level, slot: int, least_sd: float) -> None:
        """Note what is told now of the slots to come, to be scored when they have come."""
        if self._is_still(now, slot, least_sd):
            return
        change = self._change(now, slot)
        for reach, slots in enumerate(_REACHES):
            if slot + slots < SLOTS:
                self.told.setdefault(slot + slots, []).append((reach, now.off, change))

    def at(self, slot: float, kind: int | None = None) -> tuple[float, float] | None:
        """Mean and standard deviation in a slot of a day; None if nothing is known of it.

        Args:
            slot: since midnight, with a fraction.
            kind: of the day; None is today, with the shape of the last days.
        """
        if not self.kinds or not self.stir:
            return None
        mean, sd = self.today if kind is None else self.kinds[kind]
        low = min(int(slot), SLOTS - 2)
        share = min(slot - low, 1.0)
        sides = [(1 - share, low), (share, low + 1)]
        sides = [(weight, side) for weight, side in sides if not math.isnan(mean[side])]
        total = sum(weight for weight, _ in sides)
        if not sides or not total:  # at the edge of what is known the nearer will do
            return (mean[sides[0][1]], sd[sides[0][1]]) if sides else None
        m, s = (sum(weight * x[side] for weight, side in sides) / total for x in (mean, sd))
        return m, s

    def ahead(self, now: Level, slot: float, then: Then, least_sd: float) -> tuple[float, float]:
        """Mean and standard deviation of what comes. Something must be usual already.

        Args:
            now: how far it is from the usual.
            slot: now, since midnight.
            then: when.
            least_sd: of what is usual.
        """
        if then.days > 0:
            return self._on_another_day(now, slot, then, least_sd)
        usual = self.at(then.slot) or self.at(slot) or (0.0, least_sd)
        left, width = self._left(now.off, self._change(now, slot), then.slot - slot)
        mean, here = usual[0] + left, self.at(slot)
        if here is not None and self._is_still(now, slot, least_sd):
            mean = here[0] + now.off  # a day at rest that no calendar knows, or a sensor that hangs
        sd = width / _Z80 * self._stirred(slot, then.slot, least_sd)
        return mean, math.hypot(sd, math.sqrt(now.variance))

    def _on_another_day(
        self, now: Level, slot: float, then: Then, least_sd: float
    ) -> tuple[float, float]:
        usual = self.at(then.slot, then.kind) or self.at(slot) or (0.0, least_sd)
        lasting = self.lasting[_TOMORROW]
        here, known = self.at(slot), self.at(slot, self.kind)
        off = now.off + (here[0] - known[0] if here and known else 0.0)
        so_far = [offs[1] for offs in self._of_day()[: int(slot) + 1] if offs is not None]
        left = lasting.left(off, so_far[-1] if so_far else off)
        share = min(max(sum(lasting.shares()), 0.0), 1.0) ** (then.days - 1)
        sd = lasting.width / _Z80 * max(usual[1], least_sd)
        return usual[0] + share * left, math.hypot(sd, math.sqrt(now.variance))

    def _expect(self) -> None:
        """Learn from the days so far what is usual."""
        kinds = np.array([day.kind for day in self.days])
        values = np.array([day.values for day in self.days], dtype=np.float64)
        level = {kind: _weights(kinds, kind, _LEVEL_DAYS, _LEVEL) for kind in range(REST + 1)}
        self.kinds = {kind: _lists(*average(values, level[kind])) for kind in level}
        shape = _weights(kinds, self.kind, _SHAPE_DAYS, _SHAPE)
        self.today = _lists(*average(values, shape))
        changes = np.diff(values, axis=1, prepend=np.nan)
        self.stir = average(changes, shape)[1].tolist()

    def _of_day(self) -> list[tuple[float, float] | None]:
        """How far the last day was from its usual, by slot, and on average until then."""
        day = self.days[-1]
        mean, sd = self.kinds.get(day.kind, ([], []))
        offs: list[tuple[float, float] | None] = [None] * SLOTS
        total = weight = 0.0
        for slot, (value, m, s) in enumerate(zip(day.values, mean, sd, strict=False)):
            if value is not None and not math.isnan(m):
                total, weight = total + (value - m) * s, weight + s
                offs[slot] = value - m, total / weight if weight else 0.0
        return offs

    def _change(self, now: Level, slot: float) -> float:
        """By how much the difference has changed since a slot ago; 0 if nobody knows."""
        if slot < 1 or not self.days:
            return 0.0
        values, low = self.days[-1].values, int(slot - 1)
        one, two = values[low], values[min(low + 1, SLOTS - 1)]
        before = self.at(slot - 1)
        share = slot - 1 - low
        if one is None or before is None or (share and two is None):
            return 0.0
        value = one + share * ((two or 0.0) - one) if share else one
        return now.off - (value - before[0])

    def _is_still(self, now: Level, slot: float, least_sd: float) -> bool:
        """Whether nothing moved for two slots in which much usually does."""
        at = int(slot)
        if at < 2 or not self.days or not self.kinds:  # noqa: PLR2004
            return False
        here, before = self.at(slot), self.at(at - 2)
        if here is None or before is None or abs(here[0] - before[0]) < least_sd:
            return False
        values = [here[0] + now.off]
        for value in self.days[-1].values[at - 2 : at]:
            if value is None:
                return False
            values.append(value)
        return max(values) - min(values) <= _STILL * least_sd

    def _left(self, off: float, change: float, slots: float) -> tuple[float, float]:
        """What is left of a difference after so many slots, and the width."""
        told = [(0.0, off, self.lasting[0].width)]
        told += [
            (reach, one.left(off, change), one.width)
            for reach, one in zip(_REACHES, self.lasting, strict=False)
        ]
        at = min(max(slots, 0.0), told[-1][0])
        (x0, m0, w0), (x1, m1, w1) = next(
            (told[i], told[i + 1]) for i in range(len(told) - 1) if at <= told[i + 1][0]
        )
        share = (at - x0) / (x1 - x0)
        return m0 + share * (m1 - m0), w0 + share * (w1 - w0)

    def _stirred(self, start: float, end: float, least_sd: float) -> float:
        """By how much a difference usually changes between two slots: what each slot adds."""
        variance, at = 0.0, start
        while at < end:
            step = min(math.floor(at) + 1.0, end) - at
            stir = self.stir[min(int(at) + 1, SLOTS - 1)] if self.stir else least_sd
            stir = max(stir, _QUIET * least_sd) if not math.isnan(stir) else least_sd
            variance += step * stir**2
            at += step
        return math.sqrt(variance)


def _weights(kinds: Floats, kind: int, days: float, working: float) -> Floats:
    """What each of these days says of a day of a kind, the newest last; the sum is 1."""
    is_working = kinds < _WORKING
    both = working if kind < _WORKING else _REST
    alike = np.where(is_working == (kind < _WORKING), both, _OTHER)
    alike = np.where(kinds == kind, 1.0, alike)
    weights = alike * 3.0 ** (-np.arange(len(kinds))[::-1] / days)
    shares: Floats = weights / weights.sum()
    return shares


def _lists(mean: Floats, sd: Floats) -> Expected:
    return mean.tolist(), sd.tolist()
