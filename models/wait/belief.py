"""How many people wait, as far as anybody can tell: a probability for each number and load.

A filter on whole numbers: what moves people moves the shares, what is seen weighs them. Beside the
number it holds how many more or fewer than usual come today, which nobody sees either.

Source: the forward step of a hidden Markov model, Rabiner (1989), doi:10.1109/5.18626, IV.A.
"""

import math

import msgspec
import numpy as np

from models.wait.durations import Floats

_TRIMMED = 1e-6  # less likely numbers at either end are forgotten
_MOST = 600  # people; nobody counts further
_STEP = 0.1  # of the logarithm of the load, from one to the next
LOADS: Floats = np.exp(_STEP * np.arange(-3, 4))
"""(7,) float64: arrivals of today, as a multiple of the usual."""
_CHANGES = 0.01  # an hour: how often the load becomes a neighbouring one


class Belief(msgspec.Struct):
    """Row i is of LOADS[i], its share j the probability of `low` + j people.

    Numbers below 0 are counters that call nobody.
    """

    low: int
    shares: list[list[float]]

    @classmethod
    def sure(cls, people: int, load_sd: float) -> "Belief":
        """So many; and the usual load, give or take this much of its logarithm."""
        loads = np.exp(-((np.log(LOADS) / load_sd) ** 2) / 2.0)
        return cls(people, (loads / loads.sum())[:, None].tolist())

    @classmethod
    def vague(cls, most: int, load_sd: float) -> "Belief":
        """Anything from nobody to `most`."""
        loads = np.array(cls.sure(0, load_sd).shares)
        return cls(0, np.tile(loads / (most + 1), most + 1).tolist())

    def numbers(self) -> Floats:
        """(n,) float64: the numbers that are possible."""
        return np.arange(self.low, self.low + len(self.shares[0]), dtype=np.float64)

    def table(self) -> Floats:
        """(n,) float64: how likely each of them is."""
        table: Floats = np.array(self.shares).sum(axis=0)
        return table

    def load(self) -> float:
        """The mean load."""
        return float(np.array(self.shares).sum(axis=1) @ LOADS)

    def mean(self) -> float:
        """Mean of the people who wait; an idle counter is nobody."""
        return float(self.table() @ np.maximum(self.numbers(), 0.0))

    def sd(self) -> float:
        """Standard deviation of their number."""
        table, numbers = self.table(), np.maximum(self.numbers(), 0.0)
        mean = float(table @ numbers)
        return math.sqrt(max(float(table @ numbers**2) - mean * mean, 0.0))

    def waiting(self) -> float:
        """Probability that anybody waits."""
        return float(self.table()[max(1 - self.low, 0) :].sum())

    def at(self, shares: Floats) -> Floats:
        """The numbers at these shares of the distribution."""
        index = np.searchsorted(np.cumsum(self.table()), shares)
        return self.low + np.minimum(index, len(self.shares[0]) - 1).astype(np.float64)

    def weigh(self, likelihood: Floats) -> None:
        """Something was seen that is so likely, for each of `numbers`."""
        self._keep(self.low, np.array(self.shares) * likelihood)

    def come(self, mean: float, step_s: float) -> None:
        """People come unseen, Poisson with this mean on a usual day, in so many seconds.

        Where a counter has nobody none came: it would have called them, and that is seen.
        """
        table = np.array(self.shares)
        change = min(_CHANGES * step_s / 3600.0, 0.5)
        edges = np.concatenate((table[:1], table, table[-1:]))
        table += change * ((edges[:-2] + edges[2:]) / 2.0 - table)
        laws, idle = poisson(mean * LOADS), max(min(-self.low, table.shape[1]), 0)
        alone = table[:, :idle] * np.exp(-mean * LOADS)[:, None]
        table[:, :idle] = 0.0
        table = np.stack([np.convolve(row, law) for row, law in zip(table, laws, strict=True)])
        table[:, :idle] += alone
        self._keep(self.low, table)

    def quiet(self, ready: float, done: float, counters: int) -> None:
        """No counter calls: as is likely while nobody waits, some of them grow idle.

        Args:
            ready: calls that are expected by now if somebody waits.
            done: services that are expected to end if all counters serve.
            counters: how many there are.
        """
        table = np.array(self.shares)
        some = max(1 - self.low, 0)
        table[:, some:] *= math.exp(-ready)
        idle = min(some, table.shape[1])
        busy = np.clip(counters + np.arange(self.low, self.low + idle), 0, counters)
        ended = table[:, :idle] * -np.expm1(-done * busy / max(counters, 1))
        table[:, :idle] -= ended
        table = np.concatenate((np.zeros((len(LOADS), 1)), table), axis=1)
        table[:, :idle] += ended
        self._keep(self.low - 1, table)

    def call(self, waited: float, came: float) -> float:
        """A counter calls somebody.

        Args:
            waited: how likely that is if somebody waits.
            came: how likely, if a counter has nobody until somebody comes.

        Returns:
            The probability that somebody waited.
        """
        table, numbers = np.array(self.shares), self.numbers()
        at_once = came * LOADS[:, None]
        strange = at_once / 10.0  # all serve and nobody waits: it was pressed by mistake
        table *= np.where(numbers > 0, waited, np.where(numbers < 0, at_once, strange))
        some = min(max(1 - self.low, 0), len(numbers))
        share = float(table[:, some:].sum() / max(table.sum(), 1e-300))
        idle = max(min(-self.low, len(numbers)), 0)
        moved = np.zeros((len(LOADS), len(numbers) + 2))  # one lower and one higher than it was
        moved[:, 2 : idle + 2] += table[:, :idle]
        moved[:, idle + 1 : some + 1] += table[:, idle:some]
        moved[:, some : len(numbers)] += table[:, some:]
        self._keep(self.low - 1, moved)
        return share

    def opens(self) -> None:
        """A counter more: where nobody waits it is idle."""
        table = np.array(self.shares)
        idle = max(min(1 - self.low, table.shape[1]), 0)
        moved = np.concatenate((np.zeros((len(LOADS), 1)), table), axis=1)
        moved[:, :idle] = table[:, :idle]
        moved[:, idle] = 0.0
        moved[:, idle + 1 :] = table[:, idle:]
        self._keep(self.low - 1, moved)

    def closes(self, counters: int) -> None:
        """A counter fewer, of so many: perhaps an idle one."""
        table = np.array(self.shares)
        idle = max(min(-self.low, table.shape[1]), 0)
        share = np.clip(-np.arange(self.low, self.low + idle) / max(counters, 1), 0.0, 1.0)
        moved = table[:, :idle] * share
        table = np.concatenate((table, np.zeros((len(LOADS), 1))), axis=1)
        table[:, :idle] -= moved
        table[:, 1 : idle + 1] += moved
        self._keep(self.low, table)

    def step(self, people: int, floor: int) -> None:
        """So many more, or fewer; never fewer than `floor`."""
        low, table = self.low + people, np.array(self.shares)
        if low < floor:
            below = min(floor - low + 1, table.shape[1])
            lowest = table[:, :below].sum(axis=1, keepdims=True)
            table = np.concatenate((lowest, table[:, below:]), axis=1)
            low = floor
        self._keep(low, table)

    def mix(self, other: "Belief", share: float) -> None:
        """With this probability it is as the other says."""
        low = min(self.low, other.low)
        high = max(b.low + len(b.shares[0]) for b in (self, other))
        table = np.zeros((len(LOADS), high - low))
        for belief, weight in ((self, 1.0 - share), (other, share)):
            start = belief.low - low
            table[:, start : start + len(belief.shares[0])] += weight * np.array(belief.shares)
        self._keep(low, table)

    def copy(self) -> "Belief":
        """Another of the same."""
        return Belief(self.low, self.shares)

    def _keep(self, low: int, table: Floats) -> None:
        table = table[:, : _MOST - low]
        total = float(table.sum())
        if not total > 0.0:
            return  # seen was what cannot be: go on as before
        kept = np.flatnonzero(table.sum(axis=0) > _TRIMMED * total)
        table = table[:, kept[0] : kept[-1] + 1]
        self.low = low + int(kept[0])
        self.shares = (table / table.sum()).tolist()


def poisson(means: Floats) -> Floats:
    """(m, n) float64: Poisson laws with these means, from 0 to where the widest ends."""
    highest = float(means.max())
    counts = np.arange(math.ceil(highest + 5.0 * math.sqrt(highest) + 3.0) + 1)
    logs = np.concatenate(([0.0], np.cumsum(np.log(counts[1:]))))
    safe = np.maximum(means, 1e-12)[:, None]
    return np.exp(counts * np.log(safe) - safe - logs)
