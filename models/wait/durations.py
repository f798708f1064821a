"""How long a service takes, as a histogram that learns, forgets and can be drawn from."""

import math
from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_BINS = 64
_FIRST_S = 10.0
_LAST_S = 4 * 3600.0
_STEP = math.log(_LAST_S / _FIRST_S) / (_BINS - 1)
EDGES: Floats = np.concatenate(([0.0], _FIRST_S * np.exp(_STEP * np.arange(_BINS))))
"""(65,) float64, seconds: bin i is from EDGES[i] to EDGES[i + 1], each 12 % wider than the last."""
_LOGS: Floats = np.log(EDGES[1:]) - _STEP / 2.0
"""(64,) float64: the middle of each bin, as logarithm of seconds."""

FIRST_GUESS = 10.0
"""How many services the site file's `service_minutes` counts for."""
_FIRST_SPREAD = 0.7  # standard deviation of the first guess's logarithm
KEPT_A_DAY = 0.97
"""What a day later is left of a service's weight: half of it after three weeks."""


class Durations(msgspec.Struct, dict=True):
    """Weights of 64 bins of seconds, and the sums from which mean and variance come."""

    weights: list[float]
    count: float
    sum_s: float
    sum_s2: float

    def learn(self, duration_s: float) -> None:
        """Add one service; what is longer than four hours counts as four."""
        duration_s = min(max(duration_s, 0.0), _LAST_S)
        self.weights[bin_of(duration_s)] += 1.0
        self.count += 1.0
        self.sum_s += duration_s
        self.sum_s2 += duration_s * duration_s
        self.__dict__.clear()

    def forget(self) -> None:
        """A day has passed."""
        self.weights = [weight * KEPT_A_DAY for weight in self.weights]
        self.count *= KEPT_A_DAY
        self.sum_s *= KEPT_A_DAY
        self.sum_s2 *= KEPT_A_DAY

    @property
    def mean_s(self) -> float:
        """Mean in seconds."""
        return self.sum_s / self.count

    @property
    def variation2(self) -> float:
        """Squared coefficient of variation."""
        return max(self.sum_s2 / self.count / self.mean_s**2 - 1.0, 0.01)

    def score(self, duration_s: float) -> tuple[float, float]:
        """How many standard deviations its logarithm is above the mean, and one of them."""
        moments: tuple[float, float] | None = self.__dict__.get("_logs")
        if moments is None:
            mean = float(_LOGS @ self.weights) / self.count
            square = float(_LOGS**2 @ self.weights) / self.count
            moments = self.__dict__["_logs"] = mean, math.sqrt(max(square - mean**2, 0.01))
        mean, sd = moments
        return (math.log(max(duration_s, 1.0)) - mean) / sd, sd

    def draws(self, uniform: Floats) -> Floats:
        """Durations at these shares of the distribution, in seconds; the shape is kept."""
        return np.interp(uniform, self._cumulated(), EDGES)

    def remaining(self, elapsed_s: float, uniform: Floats) -> Floats:
        """Seconds still to go of a service that has taken `elapsed_s`, at these shares."""
        shares = self._cumulated()
        gone = float(np.interp(elapsed_s, EDGES, shares))
        if gone > 1.0 - 0.5 / self.count:  # longer than any: as if it had just begun its last third
            return -np.log1p(-uniform) * self.mean_s / 3.0
        return np.interp(gone + uniform * (1.0 - gone), shares, EDGES) - elapsed_s

    def _cumulated(self) -> Floats:
        shares: Floats | None = self.__dict__.get("_shares")
        if shares is None:
            sums = np.concatenate(([0.0], np.cumsum(self.weights)))
            shares = self.__dict__["_shares"] = sums / sums[-1]
        return shares


def bin_of(duration_s: float) -> int:
    """The bin of a duration.

    >>> bin_of(0), bin_of(10), bin_of(14_400)
    (0, 1, 63)
    """
    if duration_s < _FIRST_S:
        return 0
    return min(1 + int(math.log(duration_s / _FIRST_S) / _STEP), _BINS - 1)


def first_guess(service_minutes: float) -> Durations:
    """What is believed before anything was seen: lognormal with this mean, worth ten services."""
    durations = Durations(weights=[0.0] * _BINS, count=0.0, sum_s=0.0, sum_s2=0.0)
    for duration_s in _lognormal(service_minutes * 60.0):
        durations.learn(duration_s)
    return durations


def _lognormal(mean_s: float) -> Sequence[float]:
    """Ten quantiles of a lognormal, scaled so that their mean is right."""
    # standard normal quantiles at .05, .15, ... .95
    normal = (0.1257, 0.3853, 0.6745, 1.0364, 1.6449)
    raw = [math.exp(_FIRST_SPREAD * z) for half in normal for z in (-half, half)]
    return [mean_s * value * len(raw) / sum(raw) for value in raw]
