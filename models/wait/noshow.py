"""How many have left by the time they are called."""

from bisect import bisect_right

import msgspec
import numpy as np

from models.wait.durations import KEPT_A_DAY, Floats

_EDGES_MIN = (2.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 65.0, 90.0)
_MIDS_MIN = (1.0, 3.5, 7.5, 12.5, 17.5, 22.5, 27.5, 35.0, 45.0, 57.5, 77.5, 110.0)
_BINS = len(_MIDS_MIN)
_WEIGHT = 10.0  # calls that the prior counts for in each bin
_FIRST_PER_MIN = 0.003  # first guess: three in a hundred of those who wait ten minutes
MINUTES = 181
"""Length of the table: a wait of three hours and more is its last entry."""


class NoShow(msgspec.Struct, dict=True):
    """Calls and absences by how long the called ticket had waited, 12 bins of minutes."""

    called: list[float] = msgspec.field(default_factory=lambda: [0.0] * _BINS)
    absent: list[float] = msgspec.field(default_factory=lambda: [0.0] * _BINS)

    def learn(self, waited_s: float, *, absent: bool) -> None:
        """Somebody was called after this wait and came, or did not."""
        index = bisect_right(_EDGES_MIN, waited_s / 60.0)
        self.called[index] += 1.0
        self.absent[index] += absent
        self.__dict__.pop("_table", None)

    def forget(self) -> None:
        """A day has passed."""
        self.called = [weight * KEPT_A_DAY for weight in self.called]
        self.absent = [weight * KEPT_A_DAY for weight in self.absent]

    def table(self) -> Floats:
        """Share of absences by whole minutes of wait: (181,) float64, never falling.

        Each bin is shrunk towards a straight line through 0 with the slope of all calls, and then
        all are made to rise by pooling neighbours.

        Source: isotonic regression by pool-adjacent-violators, Ayer et al. (1955).
        """
        table: Floats | None = self.__dict__.get("_table")
        if table is None:
            minutes = sum(n * mid for n, mid in zip(self.called, _MIDS_MIN, strict=True))
            slope = (sum(self.absent) + 1000 * _FIRST_PER_MIN) / (minutes + 1000)
            priors = [min(slope * mid, 0.5) for mid in _MIDS_MIN]
            weights = [n + _WEIGHT for n in self.called]
            shares = [
                (a + _WEIGHT * prior) / weight
                for a, prior, weight in zip(self.absent, priors, weights, strict=True)
            ]
            table = np.interp(np.arange(MINUTES), _MIDS_MIN, rising(shares, weights))
            self.__dict__["_table"] = table
        return table


def rising(values: list[float], weights: list[float]) -> list[float]:
    """The never-falling values that are nearest by weighted squares.

    >>> rising([1.0, 3.0, 2.0], [1.0, 1.0, 1.0])
    [1.0, 2.5, 2.5]
    """
    blocks: list[tuple[float, float, int]] = []  # value, weight, length
    for value, weight in zip(values, weights, strict=True):
        block = (value, weight, 1)
        while blocks and blocks[-1][0] > block[0]:
            last = blocks.pop()
            total = last[1] + block[1]
            mean = (last[0] * last[1] + block[0] * block[1]) / total
            block = (mean, total, last[2] + block[2])
        blocks.append(block)
    return [value for value, _, length in blocks for _ in range(length)]
