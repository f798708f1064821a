"""How many people wait for a service, now and on the days to come, by half hours."""

import math

import msgspec

from models.forecast.usual import SLOT_S, Level, Then, Usual

_LEAST = 0.3  # people: the least standard deviation of what is usual
_Z80 = 1.2816


class Busy(msgspec.Struct):
    """The mean of each half hour of today as it is seen, and what is usual.

    `slot` is the half hour since midnight that is seen now, `count` how often, `mean` what it was.
    """

    usual: Usual = msgspec.field(default_factory=Usual)
    day_s: float = 0.0
    slot: int = 0
    count: int = 0
    mean: float = 0.0

    def begin_day(self, day_s: float, kind: int) -> None:
        """Midnight has passed."""
        self.day_s, self.slot, self.count = day_s, 0, 0
        self.usual.begin_day(kind)

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
        self.usual.note(slot, self.mean)

    def ahead(self, now_s: float, then: Then) -> tuple[float, float, float] | None:
        """People who wait in the hour around then, at 10, 50 and 90 %; None while unknown."""
        slot = (now_s - self.day_s) / SLOT_S
        if self.usual.at(then.slot, then.kind) is None:
            return None
        known = self.usual.at(self.slot)
        now = Level(0.0, known[1] ** 2 if known else _LEAST**2)
        if known is not None and self.count and slot - self.slot <= 1:
            now = Level(self.mean - known[0], 0.0)
        halves = [
            self.usual.ahead(now, slot, then._replace(slot=then.slot + shift), _LEAST)
            for shift in (-1.0, 0.0)  # a slot holds the mean of the half hour that it begins
        ]
        mean = sum(half[0] for half in halves) / len(halves)
        sd = sum(half[1] for half in halves) / len(halves)
        low, high = mean - _Z80 * sd, mean + _Z80 * sd
        return max(low, 0.0), max(mean, 0.0), max(high, 0.0)

    def _close(self) -> None:
        """A half hour is over: hold it against what was told, and tell the next."""
        if not self.count:
            return
        self.usual.score(self.slot, self.mean, _LEAST)
        known = self.usual.at(self.slot)
        if known is not None:
            self.usual.tell(Level(self.mean - known[0], 0.0), self.slot, _LEAST)
