"""How fast the office works today, against its usual day."""

import math

import msgspec

_DAY_SD = 0.1  # of a day's pace around the usual; simulated offices and the literature agree on it
_PRIOR = (30.0, 190.0)  # completions that "a usual day" counts for, at least and at most


class Pace(msgspec.Struct):
    """Today's completed services: how many, and how long in units of their usual mean."""

    count: float = 0.0
    relative: float = 0.0
    relative2: float = 0.0

    def learn(self, duration_s: float, mean_s: float) -> None:
        """A service ended that usually takes `mean_s`; one lost hour must not set the day."""
        ratio = min(duration_s / mean_s, 4.0)
        self.count += 1.0
        self.relative += ratio
        self.relative2 += ratio * ratio

    def belief(self, variation2: float) -> tuple[float, float]:
        """Factor on today's durations and its standard deviation.

        Args:
            variation2: squared coefficient of variation of one service.
        """
        prior = min(max(variation2 / _DAY_SD**2, _PRIOR[0]), _PRIOR[1])
        factor = (prior + self.relative) / (prior + self.count)
        return factor, _DAY_SD * math.sqrt(prior / (prior + self.count))
