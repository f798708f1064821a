"""What chance says in each run of a line that is played: the same each time, by a seed."""

import numpy as np

from models.contract.results import Spread
from models.wait.durations import Floats
from models.wait.line import spread_of


class Draws:
    """A source of draws that are spread evenly over so many runs."""

    def __init__(self, seed: int, runs: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.runs = runs

    def stratified(self, columns: int) -> Floats:
        """(runs, columns) float64 in 0..1: one of each equal part a column (Latin hypercube)."""
        strata = np.argsort(self.rng.random((self.runs, columns)), axis=0)
        return (strata + 0.5) / self.runs

    def normal(self) -> Floats:
        """(runs,) float64, standard normal."""
        evenly = np.sort(self.rng.standard_normal(10 * self.runs))[5::10]
        drawn: Floats = evenly[np.argsort(self.rng.random(self.runs))]
        return drawn


def spread_of_runs(waits: Floats) -> Spread | None:
    """Of the seconds of all runs, (runs,); None if nobody will be called."""
    runs = np.sort(waits)
    return spread_of(*(float(runs[int(share * len(runs))]) for share in (0.1, 0.5, 0.9)))
