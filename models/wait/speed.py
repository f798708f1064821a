"""How fast the office works today, from the logarithms of its services."""

import math
from collections.abc import Iterable

import msgspec

_DAY_SD = 0.1  # of the logarithm of a day's factor; simulated offices and the literature agree
_FAR = 2.5  # standard deviations; a service that is further off counts as this


class Speed(msgspec.Struct):
    """Today's services: the sum of 1 / variance of each, and that of their differences from usual.

    A mean of logarithms knows more than one of seconds: a few very long ones do not set the day.
    """

    precision: float = 0.0
    longer: float = 0.0

    def learn(self, score: float, sd: float) -> None:
        """A service ended.

        Args:
            score: how many standard deviations its logarithm is above the usual mean.
            sd: one of them.
        """
        self.precision += 1.0 / sd**2
        self.longer += min(max(score, -_FAR), _FAR) / sd

    def belief(self, running: Iterable[tuple[float, float]] = ()) -> tuple[float, float]:
        """Factor on today's durations, and the standard deviation of its logarithm.

        Args:
            running: score and sd, as in `learn`, of services that go on: they last longer than
                that. Without them the quick ones, which end first, would set the morning.

        Source: posterior of a normal mean; what is censored enters by its score (Tobin 1958).
        """
        precision, longer = self.precision, self.longer
        for score, sd in running:
            near = min(max(score, -_FAR), _FAR)
            beyond = 0.5 * math.erfc(near / math.sqrt(2.0))
            rate = math.exp(-near * near / 2.0) / math.sqrt(2.0 * math.pi) / beyond
            longer += rate / sd
            precision += rate * (rate - near) / sd**2
        precision += 1.0 / self._variance()
        return math.exp(longer / precision), math.sqrt(1.0 / precision)

    def _variance(self) -> float:
        """Of a day's logarithm: if it is surely beyond two standard deviations, it is mad."""
        if not self.precision:
            return _DAY_SD**2
        return max(_DAY_SD**2, (self.longer / self.precision) ** 2 / 4.0 - 4.0 / self.precision)
