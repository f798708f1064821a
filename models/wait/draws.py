"""What chance says in each run of a line that is played: the same each time, by a seed."""

import numpy as np

from models.contract.results import Spread
from models.wait.durations import Floats
from models.wait.line import spread_of

RUNS = 160
"""So often a line is played."""


class Draws:
    """A source of draws that are spread evenly over the runs."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def stratified(self, columns: int) -> Floats:
        """(RUNS, columns) float64 in 0..1: one of each 160th a column (Latin hypercube)."""
        strata = np.argsort(self.rng.random((RUNS, columns)), axis=0)
        return (strata + 0.5) / RUNS

    def normal(self) -> Floats:
        """(RUNS,) float64, standard normal."""
        evenly = np.sort(self.rng.standard_normal(10 * RUNS))[5::10]
        drawn: Floats = evenly[np.argsort(self.rng.random(RUNS))]
        return drawn


def spread_of_runs(waits: Floats) -> Spread | None:
    """Of (RUNS,) seconds; None if nobody will be called."""
    runs = np.sort(waits)
    return spread_of(*(float(runs[int(share * RUNS)]) for share in (0.1, 0.5, 0.9)))
