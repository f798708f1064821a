"""How many cars are parked: gate pulses carry the count on, camera counts and people set it right.

Source: the scalar Kalman filter, e.g. Welch & Bishop (2006), TR 95-041.
"""

import math

import msgspec

from models.contract.results import Free, Vacancy

_PULSE = 0.06  # cars^2 that a pulse adds: it may be missed, doubled, or the wrong way
_HOUR = 0.01  # share of the capacity that comes and goes unseen in an hour past gates ...
_HOUR_UNGATED = 0.12  # ... and where no gate counts at all
_SHARE_SD = 0.06  # of the capacity: what is wrong with a camera all day (angle, glare, lorries)
_SET_SD = 1.0  # cars: counted by hand
_NIGHT = (0.02, 0.04)  # share of the capacity that stays overnight, and its standard deviation
_GAP_PER_H = 0.15  # share of the capacity that may pass a dead gate in an hour
_LOST = 0.25  # share of the capacity: with a larger standard deviation nothing is said
_TRUST = 9.0  # squared innovations in units of their variance, above which one is weakened
_HYSTERESIS = 1.5  # free places by which a fuller state must be left
_Z90 = 1.2816


class Cars(msgspec.Struct):
    """Mean and variance of the cars in one lot; None until something counted them."""

    mean: float | None = None
    variance: float = 0.0
    at_s: float = 0.0
    gated: bool = False
    vacancy: Vacancy | None = None

    def pulse(self, *, into: bool, at_s: float, capacity: int) -> None:
        """A car passed a gate."""
        self.gated = True
        if self.mean is None:
            return
        self._pass_time(at_s, capacity)
        self.mean = min(max(self.mean + (1 if into else -1), 0.0), float(capacity))
        self.variance += _PULSE

    def camera(self, occupied: int, seen: int, at_s: float, capacity: int) -> None:
        """A camera counted `occupied` of the `seen` bays; none seen says nothing."""
        if not seen:
            return
        share = min(occupied / seen, 1.0)
        unseen = max(capacity - seen, 0)
        hidden = unseen * (share * (1.0 - share) + 0.05) * (1.0 + unseen / seen)
        self._measure(share * capacity, (_SHARE_SD * capacity) ** 2 + 4.0 * hidden, at_s, capacity)

    def set(self, count: int, at_s: float, capacity: int) -> None:
        """Somebody counted the cars: nothing before that matters."""
        self.mean, self.variance = float(min(count, capacity)), _SET_SD**2
        self.at_s = max(at_s, self.at_s)

    def night(self, at_s: float, capacity: int) -> None:
        """The lot has been shut for the night: nearly all have left."""
        share, sd = _NIGHT
        self._pass_time(at_s, capacity)
        self._measure(share * capacity, max(sd * capacity, 1.0) ** 2, at_s, capacity)

    def gap(self, duration_s: float, capacity: int) -> None:
        """A gate was dead for so long."""
        self.variance += (_GAP_PER_H * capacity * max(duration_s, 60.0) / 3600.0) ** 2

    def quantiles(self, now_s: float, capacity: int) -> tuple[float, float, float] | None:
        """Cars at 10, 50 and 90 %, within 0..capacity; None while they are unknown."""
        if self.mean is None:
            return None
        sd = math.sqrt(self.variance + self._drift(now_s, capacity))
        if sd > max(_LOST * capacity, 2.0):
            return None
        low, high = max(self.mean - _Z90 * sd, 0.0), min(self.mean + _Z90 * sd, float(capacity))
        return low, self.mean, high

    def free(self, now_s: float, capacity: int) -> Free | None:
        """Free places; None while they are unknown."""
        cars = self.quantiles(now_s, capacity)
        if cars is None:
            return None
        low, middle, high = (math.floor(capacity - value + 0.5) for value in reversed(cars))
        return Free(p10=low, p50=middle, p90=high)

    def judge(self, capacity: int, few: int) -> None:
        """Renew `vacancy`: a fuller state is entered at once and left by 1.5 places."""
        if self.mean is None:
            self.vacancy = None
            return
        free = capacity - self.mean
        full_below = 0.5 + _HYSTERESIS * (self.vacancy == "full")
        few_below = few + 0.5 + _HYSTERESIS * (self.vacancy in {"full", "few"})
        self.vacancy = "full" if free < full_below else "few" if free < few_below else "vacant"

    def _drift(self, at_s: float, capacity: int) -> float:
        """Variance that the time since the newest event adds; late events add none."""
        share = _HOUR if self.gated else _HOUR_UNGATED
        return (share * capacity) ** 2 * max(at_s - self.at_s, 0.0) / 3600.0

    def _pass_time(self, at_s: float, capacity: int) -> None:
        self.variance += self._drift(at_s, capacity)
        self.at_s = max(at_s, self.at_s)

    def _measure(self, cars: float, noise: float, at_s: float, capacity: int) -> None:
        if self.mean is None:
            self.mean, self.variance, self.at_s = cars, noise, at_s
            return
        self._pass_time(at_s, capacity)
        innovation = cars - self.mean
        total = self.variance + noise
        weight = min(1.0, math.sqrt(_TRUST * total) / max(abs(innovation), 1e-9))
        gain = self.variance / total * weight
        self.mean = min(max(self.mean + gain * innovation, 0.0), float(capacity))
        self.variance *= 1.0 - gain
