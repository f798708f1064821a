"""Told waits are held against those that came, and the next ones are stretched accordingly."""

import math

import msgspec

from models.contract.results import Spread

_STEP = 0.02  # of the logarithm of a margin, for each ticket
_A_DAY = 40  # tickets after which those of one day weigh less and less: it may be a mad one
_SHORT_S = 120.0  # a shorter wait says nothing about the long ones
_LIMIT = math.log(4.0)


class Conformal(msgspec.Struct):
    """Logarithms of the factors on the lower and upper margin of a spread.

    The median is left alone: with it, a bias of the short waits would be laid upon the long ones.

    Source: adaptive conformal inference, Gibbs & Candes (2021), arXiv:2106.00170, as two
    quantiles that are tracked by the sign of their error.
    """

    lower: float = 0.0
    upper: float = 0.0
    today: int = 0

    def begin_day(self) -> None:
        """A day has passed."""
        self.today = 0

    def apply(self, raw: Spread) -> Spread:
        """The spread that should have been told, going by those told before."""
        return Spread(
            p10_s=max(raw.p50_s - (raw.p50_s - raw.p10_s) * math.exp(self.lower), 0.0),
            p50_s=raw.p50_s,
            p90_s=raw.p50_s + (raw.p90_s - raw.p50_s) * math.exp(self.upper),
        )

    def learn(self, raw: Spread, came_s: float) -> None:
        """A wait has come true for which `raw` had been found."""
        if raw.p50_s < _SHORT_S:
            return
        told = self.apply(raw)
        self.today += 1
        step = _STEP * min(_A_DAY / self.today, 1.0)
        self.lower = _step(self.lower, step * ((came_s < told.p10_s) - 0.1))
        self.upper = _step(self.upper, step * ((came_s > told.p90_s) - 0.1))


def _step(value: float, by: float) -> float:
    return min(max(value + by, -_LIMIT), _LIMIT)
