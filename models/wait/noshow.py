"""How many have left by the time they are called."""

from bisect import bisect_right

import msgspec
import numpy as np

from models.wait.durations import KEPT_A_DAY, Floats

_EDGES_MIN = (2.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 65.0, 90.0)
_MIDS_MIN = (1.0, 3.5, 7.5, 12.5, 17.5, 22.5, 27.5, 35.0, 45.0, 57.5, 77.5, 110.0)
_BINS = len(_MIDS_MIN)
_WEIGHT = 10.0  # absences that the law counts for in each bin
_USUAL_MIN = 20.0
_FIRST = np.array([-2.5, 1.5])  # level and slope: eight in a hundred of those who wait 20 minutes
_SURE = np.array([1.0, 4.0])  # 1 / variance of these
_STEPS = 6  # of Newton; what is learnt moves little from call to call
_MOST = 0.98
MINUTES = 601
"""Length of the table: a wait of ten hours and more is its last entry."""


class NoShow(msgspec.Struct, dict=True):
    """Calls and absences by how long the called ticket had waited, 12 bins of minutes.

    `beyond` is the sum of the minutes that they had waited beyond the middle of their bin.
    """

    called: list[float] = msgspec.field(default_factory=lambda: [0.0] * _BINS)
    absent: list[float] = msgspec.field(default_factory=lambda: [0.0] * _BINS)
    beyond: list[float] = msgspec.field(default_factory=lambda: [0.0] * _BINS)

    def learn(self, waited_s: float, *, absent: bool) -> None:
        """Somebody was called after this wait and came, or did not."""
        index = bisect_right(_EDGES_MIN, waited_s / 60.0)
        self.called[index] += 1.0
        self.absent[index] += absent
        self.beyond[index] += min(waited_s / 60.0, MINUTES) - _MIDS_MIN[index]
        self.__dict__.pop("_table", None)

    def forget(self) -> None:
        """A day has passed."""
        self.called = [weight * KEPT_A_DAY for weight in self.called]
        self.absent = [weight * KEPT_A_DAY for weight in self.absent]
        self.beyond = [minutes * KEPT_A_DAY for minutes in self.beyond]

    def share(self, minutes: float) -> float:
        """Share that has left after so long a wait."""
        return float(self.table()[min(max(int(minutes), 0), MINUTES - 1)])

    def per_min(self, minutes: float) -> float:
        """Share of those still there that leaves in a minute, after so long a wait."""
        since, until = self.share(minutes - 2.0), self.share(minutes + 2.0)
        return max(until - since, 1e-4) / 4.0 / (1.0 - since)

    def table(self) -> Floats:
        """Share of absences by whole minutes of wait: (601,) float64, never falling.

        A log-logistic law is fitted to all calls. Where more or fewer have left than it says,
        it is stretched by their ratio, shrunk by ten absences; then all is made to rise.

        Source: isotonic regression by pool-adjacent-violators, Ayer et al. (1955).
        """
        table: Floats | None = self.__dict__.get("_table")
        if table is None:
            called, absent = np.array(self.called), np.array(self.absent)
            waited = np.array(_MIDS_MIN) + np.array(self.beyond) / (called + 1.0)
            law = _fitted(called, absent, waited)
            expected = _law(law, waited)
            shares = expected * (absent + _WEIGHT) / (expected * called + _WEIGHT)
            risen = rising(list(shares), list(called + _WEIGHT / expected))
            minutes: Floats = np.arange(MINUTES, dtype=np.float64) + 0.5
            stretched = _law(law, minutes) * np.interp(minutes, waited, risen / expected)
            table = np.maximum.accumulate(np.minimum(stretched, _MOST))
            self.__dict__["_table"] = table
        return table


def _law(law: Floats, minutes: Floats) -> Floats:
    """Share that has left after so many minutes, by level and slope of the logit over log time."""
    share: Floats = 1.0 / (1.0 + np.exp(-law[0] - law[1] * np.log(minutes / _USUAL_MIN)))
    return share


def _fitted(called: Floats, absent: Floats, waited: Floats) -> Floats:
    """Level and slope by logistic regression, shrunk to the first guess: (2,) float64."""
    x = np.stack([np.ones(_BINS), np.log(waited / _USUAL_MIN)])
    law = _FIRST
    for _ in range(_STEPS):
        share = _law(law, waited)
        gradient = x @ (absent - called * share) - _SURE * (law - _FIRST)
        curvature = (x * called * share * (1.0 - share)) @ x.T + np.diag(_SURE)
        law = law + np.clip(np.linalg.solve(curvature, gradient), -1.0, 1.0)
    return law


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
