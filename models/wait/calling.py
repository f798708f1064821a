"""How fast a queue calls while somebody waits: usually, at this hour and today."""

import math

import msgspec

_SLOT_S = 1800.0
_SLOTS = 50  # of a day of 25 hours
_SIDES = ((-1, 0.5), (0, 1.0), (1, 0.5))  # neighbours of a slot, and what they say of it
_SLOT_CALLS, _TODAY_CALLS = 10.0, 6.0  # calls that the usual pace counts for at an hour, and today
_TODAY_S = 4 * 3600.0  # after which a call of today counts for a third
_FARTHEST = 2.0  # an hour or a day is at most so many times as slow or as fast as usual
_KEPT_A_DAY = 0.95


class Calling(msgspec.Struct):
    """Seconds in which somebody waited and calls in them, by half hours since midnight.

    `today` are the two of the last hours, and when they were counted last. `open_s` are the open
    counters of all those seconds.
    """

    seconds: list[float] = msgspec.field(default_factory=lambda: [0.0] * _SLOTS)
    calls: list[float] = msgspec.field(default_factory=lambda: [0.0] * _SLOTS)
    open_s: float = 0.0
    today: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def begin_day(self) -> None:
        """Midnight has passed."""
        self.seconds = [_KEPT_A_DAY * seconds for seconds in self.seconds]
        self.calls = [_KEPT_A_DAY * calls for calls in self.calls]
        self.open_s *= _KEPT_A_DAY
        self.today = (0.0, 0.0, 0.0)

    def count(self, calls: float, seconds: float, counters: int, at_s: float) -> None:
        """So many were called while somebody waited.

        Args:
            calls: how many.
            seconds: in which somebody waited.
            counters: open meanwhile.
            at_s: the end of that, since midnight.
        """
        slot = _slot(at_s - seconds / 2)
        self.seconds[slot] += seconds
        self.calls[slot] += calls
        self.open_s += seconds * counters
        kept = math.exp(-max(at_s - self.today[2], 0.0) / _TODAY_S)
        self.today = (self.today[0] * kept + seconds, self.today[1] * kept + calls, at_s)

    def usual_s(self, first_s: float) -> float:
        """Seconds between two calls over all days.

        Args:
            first_s: a first guess, that counts for one call.
        """
        return (sum(self.seconds) + first_s) / (sum(self.calls) + 1.0)

    def usual_open(self) -> float | None:
        """Counters that are open while somebody waits."""
        seconds = sum(self.seconds)
        return self.open_s / seconds if seconds else None

    def today_share(self, usual_s: float) -> float:
        """Seconds between calls of today, in units of the usual."""
        seconds, calls, _ = self.today
        return _near((seconds + _TODAY_CALLS * usual_s) / (calls + _TODAY_CALLS) / usual_s)

    def hour_share(self, usual_s: float, at_s: float) -> float:
        """Seconds between calls at this time of the day, in units of the usual."""
        slot = _slot(at_s)
        sides = [(weight, slot + side) for side, weight in _SIDES if 0 <= slot + side < _SLOTS]
        seconds = sum(weight * self.seconds[side] for weight, side in sides)
        calls = sum(weight * self.calls[side] for weight, side in sides)
        return _near((seconds + _SLOT_CALLS * usual_s) / (calls + _SLOT_CALLS) / usual_s)


def _near(share: float) -> float:
    return min(max(share, 1.0 / _FARTHEST), _FARTHEST)


def _slot(at_s: float) -> int:
    return min(max(int(at_s // _SLOT_S), 0), _SLOTS - 1)
