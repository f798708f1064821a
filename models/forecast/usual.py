"""One quantity by local half hours: what is usual on such a day, and how long a difference lasts.

What is usual is a mean of past days, by several views of what each of them says (`shapes.py`). Of
today's difference and of its latest change the share is expected that remained so far: a
second-order autoregression around a seasonal mean, e.g. Brockwell & Davis (2016), Introduction to
Time Series and Forecasting, chapters 1.5 and 3, learnt for each reach.
"""

import math
from typing import NamedTuple

import msgspec
import numpy as np

from models.forecast.average import Floats
from models.forecast.lasting import Lasting, Seen
from models.forecast.shapes import REST as REST  # noqa: PLC0414
from models.forecast.shapes import Expected, between, expected

SLOT_S = 1800.0
SLOTS = 50  # of a day of 25 hours

_DAYS = 70  # are kept
_REACHES = (1, 2, 4, 8, 16)  # slots ahead that are learnt
_TOMORROW = len(_REACHES)
_ALIKE, _ALIKE_NEXT_DAY = 1.0, 6.0  # half hours that are one and the same news
_STILL = 0.05  # share of the least deviation: what changes by less stands still
_LITTLE = 0.25  # share of the least deviation: by so much each slot stirs at least
_QUIET = 0.25  # share of the mean stir of a day: a slot that stirs less says nothing
_Z80 = 1.2816


class Day(msgspec.Struct):
    """One day's values by slot; None where nobody knew."""

    kind: int
    values: list[float | None]


class Now(NamedTuple):
    """What it is, and the variance of that which will not pass."""

    value: float
    variance: float


class Then(NamedTuple):
    """A moment to come: in how many days, of which kind, and the slot since its midnight."""

    days: int
    kind: int
    slot: float


class _Before(NamedTuple):
    """What was seen yesterday of today, by view and slot, (9, 50)."""

    usual: Floats
    off: Floats
    so_far: Floats
    sd: Floats


def _lasting() -> list[Lasting]:
    return [*(Lasting(_ALIKE) for _ in _REACHES), Lasting(_ALIKE_NEXT_DAY)]


class Usual(msgspec.Struct, dict=True):
    """What a quantity was on the last days, today the last of them.

    `asked` are the slots of today that anybody asks of; what comes at others teaches only what is
    usual. `lasting` is by reach.
    """

    days: list[Day] = []
    asked: list[bool] = msgspec.field(default_factory=lambda: [True] * SLOTS)
    lasting: list[Lasting] = msgspec.field(default_factory=_lasting)

    def begin_day(self, kind: int, asked: list[bool] | None = None) -> None:
        """A day of this kind begins; anybody asks of these slots, or of all."""
        known = [day for day in self.days if any(v is not None for v in day.values)]
        self.days = [*known[-_DAYS:], Day(kind, [None] * SLOTS)]
        self.asked = asked or [True] * SLOTS
        self.__dict__.clear()

    def note(self, slot: int, value: float | None, least_sd: float, most: float = math.inf) -> None:
        """Keep what it is at the beginning of a slot, and hold it against what was told of it.

        Args:
            slot: of today, the latest so far.
            value: None if nobody knows.
            least_sd: of what is usual.
            most: it can be; nothing below 0 nor above this is told.
        """
        if not self.days or not 0 <= slot < SLOTS:
            return
        self.days[-1].values[slot] = value
        if value is None or not self.asked[slot] or self._is_quiet(slot):
            return
        for lasting, slots in zip(self.lasting, _REACHES, strict=False):
            start = slot - slots
            was = self.days[-1].values[start] if start >= 0 else None
            if was is None or self._is_still(was, start, least_sd):
                continue
            seen = self._seen(was, start, slot)
            if seen is not None:
                lasting.learn(seen, value, self._stirred(start, slot, least_sd), most)
        before = self._before()
        if before is not None:
            seen = Seen(before.usual[:, slot], before.off[:, slot], before.so_far[:, slot])
            if not math.isnan(seen.usual[0] + seen.one[0]):
                lasting = self.lasting[_TOMORROW]
                sd = float(lasting.views() @ before.sd[:, slot])
                lasting.learn(seen, value, max(sd, least_sd), most)

    def at(self, slot: float, kind: int | None = None) -> tuple[float, float] | None:
        """Mean and standard deviation in a slot of a day; None if nothing is known of it.

        Args:
            slot: since midnight, with a fraction.
            kind: of the day; None is today's.
        """
        usual = self._expected(kind)
        mean = None if usual is None else between(usual.mean, slot)
        sd = None if usual is None else between(usual.sd, slot)
        if mean is None or sd is None:
            return None
        views = self.lasting[_TOMORROW].views()
        return float(views @ mean), float(views @ sd)

    def ahead(self, now: Now, slot: float, then: Then, least_sd: float) -> tuple[float, float]:
        """Mean and standard deviation of what comes.

        Args:
            now: what it is.
            slot: now, since midnight.
            then: when.
            least_sd: of what is usual.
        """
        told = self._on_another_day if then.days > 0 else self._today
        mean, width = told(now.value, slot, then, least_sd)
        return mean, math.hypot(width / _Z80, math.sqrt(now.variance))

    def _today(self, value: float, slot: float, then: Then, least_sd: float) -> tuple[float, float]:
        """What comes later today, and half of what holds 80 %."""
        widths = [lasting.width for lasting in self.lasting[:_TOMORROW]]
        width = float(np.interp(then.slot - slot, [0, *_REACHES], [widths[0], *widths]))
        if not self._is_still(value, slot, least_sd):
            value = self._left(value, slot, then.slot)
        # else a day at rest that no calendar knows, or a sensor that hangs
        return value, width * self._stirred(slot, then.slot, least_sd)

    def _on_another_day(
        self, value: float, slot: float, then: Then, least_sd: float
    ) -> tuple[float, float]:
        """What comes on a day to come, and half of what holds 80 %."""
        lasting = self.lasting[_TOMORROW]
        mean, sd = self.at(then.slot, then.kind) or (value, least_sd)
        usual, today = self._expected(then.kind), self._expected()
        there = None if usual is None else between(usual.mean, then.slot)
        here = None if today is None else between(today.mean, slot)
        if today is not None and there is not None and here is not None:
            so_far = _so_far(self.days[-1], today)[:, int(slot)]
            fade = min(max(sum(lasting.shares()), 0.0), 1.0) ** (then.days - 1)
            mean = lasting.told(Seen(there, value - here, so_far), fade)
        return mean, lasting.width * max(sd, least_sd)

    def _expected(self, kind: int | None = None, last: int = 1) -> Expected | None:
        """What is usual on a day of a kind, today's if None, by all days but the `last` ones."""
        if len(self.days) <= last:
            return None
        kind = self.days[-1].kind if kind is None else kind
        found: Expected | None = self.__dict__.get(f"{kind} {last}")
        if found is None:
            days = self.days[:-last]
            values = np.array([day.values for day in days], dtype=np.float64)
            found = expected(values, [day.kind for day in days], kind)
            self.__dict__[f"{kind} {last}"] = found
        return found

    def _before(self) -> _Before | None:
        """What was seen yesterday of today, by what was usual then; None if nothing was."""
        if "before" not in self.__dict__:
            found = None
            usual = self._expected(last=2)
            if usual is not None:
                day = self.days[-2]
                then = self._expected(day.kind, last=2) or usual
                off = np.array(day.values, dtype=np.float64) - then.mean
                found = _Before(usual.mean, off, _so_far(day, then), usual.sd)
            self.__dict__["before"] = found
        before: _Before | None = self.__dict__["before"]
        return before

    def _is_quiet(self, slot: int) -> bool:
        """Whether hardly anything stirs then: a lot that is open at night says little of the day.

        So it is too while nothing is known.
        """
        usual = self._expected()
        if usual is None:
            return True
        stirs = np.nan_to_num(self.lasting[0].views() @ usual.stir)
        return bool(stirs[slot] <= _QUIET * stirs[self.asked].mean())

    def _seen(self, value: float, slot: float, then: float) -> Seen | None:
        """What a value says of a later slot of today; None if nobody knows what is usual."""
        usual = self._expected()
        here = None if usual is None else between(usual.mean, slot)
        there = None if usual is None else between(usual.mean, then)
        if usual is None or here is None or there is None:
            return None
        off, change = value - here, np.zeros_like(here)
        if slot >= 1:
            was = between(np.array([self.days[-1].values], dtype=np.float64), slot - 1)
            before = between(usual.mean, slot - 1)
            if was is not None and before is not None:
                change = off - (was - before)
        return Seen(there, off, change)

    def _is_still(self, value: float, slot: float, least_sd: float) -> bool:
        """Whether nothing moved for two slots in which much usually does."""
        at = int(slot)
        if at < 2 or not self.days:  # noqa: PLR2004
            return False
        values = [value]
        for one in self.days[-1].values[at - 2 : at]:
            if one is None:
                return False
            values.append(one)
        if max(values) - min(values) > _STILL * least_sd:
            return False
        here, before = self.at(slot), self.at(at - 2)
        return here is not None and before is not None and abs(here[0] - before[0]) >= least_sd

    def _left(self, value: float, slot: float, then: float) -> float:
        """What a value has become in a later slot of today: between what two reaches say."""
        seen = self._seen(value, slot, then)
        if seen is None:
            return value
        stays = float(self.lasting[0].views() @ (seen.usual + seen.one))
        told = [stays, *(lasting.told(seen) for lasting in self.lasting[:_TOMORROW])]
        return float(np.interp(then - slot, [0, *_REACHES], told))

    def _stirred(self, start: float, end: float, least_sd: float) -> float:
        """By how much a difference usually changes between two slots: what each slot adds."""
        usual = self._expected()
        stirs = [] if usual is None else (self.lasting[0].views() @ usual.stir).tolist()
        variance, at = 0.0, start
        while at < end:
            step = min(math.floor(at) + 1.0, end) - at
            stir = stirs[min(int(at) + 1, SLOTS - 1)] if stirs else least_sd
            stir = math.hypot(stir, _LITTLE * least_sd) if not math.isnan(stir) else least_sd
            variance += step * stir**2
            at += step
        return math.sqrt(variance)


def _so_far(day: Day, usual: Expected) -> Floats:
    """How far a day has been from the usual on average until each slot, (9, 50)."""
    off = np.array(day.values, dtype=np.float64) - usual.mean
    weights = np.where(np.isnan(off), 0.0, np.nan_to_num(usual.sd))
    total = np.cumsum(weights, axis=1)
    so_far: Floats = np.cumsum(weights * np.nan_to_num(off), axis=1) / np.where(total, total, 1.0)
    return so_far
